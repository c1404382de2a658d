/** What the page says, in English and Chinese. `{name}` is put in. */
export const WORDS = {
  en: {
    other: "中文",
    stage: "Image",
    answer: "Answer",
    gallery: "Images",
    loading: "Loading the model …",
    drop: "Drop an image here",
    paste: "or paste one",
    choose: "Choose images",
    camera: "Camera",
    add: "Add images",
    bare: "Image only",
    save: "Save all answers:",
    shoot: "Take the picture",
    close: "Close",
    remove: "Remove",
    threshold: "Minimum confidence",
    own: "as trained",
    any: "any",
    explain: "Show why",
    unexplain: "Hide why",
    explaining: "Asking the model again, with parts of the image hidden …",
    reason: "Brightest where hiding a part changes this answer most: {label}",
    noMatter: "no matter",
    matters: "matters most",
    working: "Looking …",
    unseen: "This browser cannot show this image.",
    unsure: "Not sure enough of anything",
    nothing: "Nothing found",
    noText: "No text found",
    none: "None of the labels",
    lineSure: "{share} sure that the whole line is right",
    range: "90 % lie between {low} and {high}",
    found: "{count} found",
    model: "Model",
    key: "This server asks for a key",
    keyLabel: "Key",
    keySend: "Use it",
    keyKept: "Kept in memory only: a reload asks again.",
    notTheKey: "The server does not know this key.",
    again: "Try again",
    private: "The model runs in this browser. Images stay on this device.",
    sent: "Images go to the server of this page, which neither stores nor logs them.",
    offline: "Works without a network once loaded.",
    "not-an-image": "This is no image, or of a kind that this browser cannot read.",
    empty: "This file is empty (0 bytes).",
    damaged: "This image is damaged.",
    "too-large": "This image has {pixels} pixels; at most {most} can be read.",
    "too-long": "This line is too long to be read: more than {times} times its height. Cut it into shorter lines.",
    "nothing-to-explain": "There is no such answer to explain.",
    "cannot-load": "{name} cannot be loaded. Reload the page, or look whether the host has the file.",
    "no-camera": "There is no camera, or the browser does not allow it for this page.",
    "no-answer": "The server gives no answer. Is it still running?",
    "wrong-key": "The server does not take the key any more. Reload the page to enter another one.",
    gone: "The server has this model no more. Reload the page to see those it has.",
    unreadable: "The server cannot read this image: {why}.",
    "too-heavy": "This file is too large for the server: {why}.",
    busy: "The server has too much to do.",
    ending: "The server is about to end.",
    "too-slow": "The server gave no answer in time.",
    "server-failed": "The server failed at this image; its log says why.",
    unexplained: "This answer cannot be explained: {why}.",
    "trust-full": "The map was tested: it explains the answer better than chance.",
    "trust-half": "The map was tested, and is in doubt: better than chance in one of two ways only.",
    "trust-none": "The map was tested, and explains no better than chance: do not rely on it.",
    "trust-nothing": "The model gives this answer almost no weight: there is little to explain.",
    refused: "{why}",
    failed: "Something went wrong: {why}",
  },
  zh: {
    other: "English",
    stage: "图像",
    answer: "结果",
    gallery: "图像列表",
    loading: "正在加载模型……",
    drop: "将图像拖放到此处",
    paste: "也可以直接粘贴",
    choose: "选择图像",
    camera: "拍照",
    add: "添加图像",
    bare: "只看图像",
    save: "保存全部结果：",
    shoot: "拍摄",
    close: "关闭",
    remove: "移除",
    threshold: "最低置信度",
    own: "训练所得",
    any: "不限",
    explain: "显示依据",
    unexplain: "隐藏依据",
    explaining: "正在遮住图像的各个部分，逐一重新询问模型……",
    reason: "越亮的地方，遮住后对该结果的影响越大：{label}",
    noMatter: "无影响",
    matters: "影响最大",
    working: "正在识别……",
    unseen: "浏览器无法显示该图像。",
    unsure: "没有足够把握的结果",
    nothing: "没有发现目标",
    noText: "没有发现文字",
    none: "不属于任何标签",
    lineSure: "整行全部正确的把握：{share}",
    range: "90% 的情况介于 {low} 与 {high} 之间",
    found: "共 {count} 个",
    model: "模型",
    key: "该服务器需要密钥",
    keyLabel: "密钥",
    keySend: "使用",
    keyKept: "仅保存在内存中，刷新页面后需重新输入。",
    notTheKey: "服务器不认识这个密钥。",
    again: "重试",
    private: "模型在本浏览器中运行，图像不会离开您的设备。",
    sent: "图像会发送到本页面所在的服务器，服务器既不保存也不记录图像。",
    offline: "加载完成后无需网络。",
    "not-an-image": "这不是图像，或者浏览器无法读取这种格式。",
    empty: "该文件是空的（0 字节）。",
    damaged: "该图像已损坏。",
    "too-large": "该图像有 {pixels} 个像素，最多只能读取 {most} 个。",
    "too-long": "该文本行太长，超过高度的 {times} 倍，请裁成较短的行。",
    "nothing-to-explain": "没有可以解释的结果。",
    "cannot-load": "无法加载 {name}。请刷新页面，或检查主机上是否有该文件。",
    "no-camera": "没有摄像头，或浏览器不允许本页面使用摄像头。",
    "no-answer": "服务器没有响应，它还在运行吗？",
    "wrong-key": "服务器不再接受该密钥。请刷新页面并输入新的密钥。",
    gone: "服务器上已没有这个模型。请刷新页面查看现有模型。",
    unreadable: "服务器无法读取该图像：{why}。",
    "too-heavy": "该文件对服务器来说太大：{why}。",
    busy: "服务器太忙。",
    ending: "服务器即将停止。",
    "too-slow": "服务器未能及时给出结果。",
    "server-failed": "服务器处理该图像时出错，原因见其日志。",
    unexplained: "无法解释该结果：{why}。",
    "trust-full": "该图经过检验：对结果的解释优于随机。",
    "trust-half": "该图经过检验，存疑：两种检验中只有一种优于随机。",
    "trust-none": "该图经过检验，并不优于随机，请勿依赖。",
    "trust-nothing": "模型几乎不支持这一结果，没有多少可解释的。",
    refused: "{why}",
    failed: "出错了：{why}",
  },
};
/** What tasks are called; others go by their own name. */
const TASKS = {
  en: { classify: "Classification", multilabel: "Several labels", regress: "Estimation", detect: "Detection", segment: "Segmentation", read: "Text reading" },
  zh: { classify: "图像分类", multilabel: "多标签分类", regress: "数值估计", detect: "目标检测", segment: "语义分割", read: "文字识别" },
};

export class Words {
  constructor() {
    const kept = stored("language");
    this.lang = kept in WORDS ? kept : navigator.language.startsWith("zh") ? "zh" : "en";
  }

  /** The other of both languages, from now on. */
  turn() {
    this.lang = this.lang === "en" ? "zh" : "en";
    store("language", this.lang);
  }

  say(key, values = {}) {
    const text = WORDS[this.lang][key] ?? key;
    return text.replace(/\{(\w+)\}/g, (_, name) => this.number(values[name]));
  }

  task(name) {
    return TASKS[this.lang][name] ?? name;
  }

  percent(share, digits = 1) {
    const least = 10 ** -(digits + 2);
    if (share > 0 && share < least) return `< ${this.percent(least, digits)}`;
    return new Intl.NumberFormat(this.lang, { style: "percent", maximumFractionDigits: digits }).format(share);
  }

  number(value) {
    return typeof value === "number" ? new Intl.NumberFormat(this.lang, { maximumSignificantDigits: 7 }).format(value) : value;
  }

  /** Fills in the texts of all elements with `data-word`, and the names of those with `data-label`. */
  dress(root = document) {
    document.documentElement.lang = this.lang === "zh" ? "zh-Hans" : "en";
    for (const one of root.querySelectorAll("[data-word]")) one.textContent = this.say(one.dataset.word);
    for (const one of root.querySelectorAll("[data-label]")) one.setAttribute("aria-label", this.say(one.dataset.label));
  }
}

/** Storage may be forbidden: then nothing is kept. */
function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // The choice lasts as long as the page.
  }
}
