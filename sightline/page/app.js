/** The page: images in, answers shown. All that is told about a model comes from `backend.js`. */
import { open } from "./backend.js";
import { photograph } from "./camera.js";
import { el, walk } from "./dom.js";
import { Gallery } from "./gallery.js";
import { paintRamp } from "./heat.js";
import { PASSING, Problem } from "./problem.js";
import { asCsv, asJson, download } from "./save.js";
import { Stage } from "./stage.js";
import { Words } from "./words.js";

const $ = (id) => document.getElementById(id);
const words = new Words();
const stage = new Stage($("stage"));
const gallery = new Gallery($("gallery"), words, choose, remove);
let backend, model, view, task;
let images = [];
let current = null;
let selected = 1;
let threshold = 0;
let why = null; // the AbortController of an explanation that is shown or asked for
let ids = 0;

/** Takes files of any kind in; those that are no images say so. */
function take(files) {
  for (const file of files) {
    const image = { id: ++ids, blob: file, name: file.name || `image-${ids}.png`, url: URL.createObjectURL(file) };
    images.push(image);
    gallery.add(image);
    if (image === images.at(-1) && !current) choose(image);
    ask(image);
  }
  if (files.length) choose(images.at(-files.length));
}

/** Asks for an image's answer, at the present threshold; only the latest question counts. */
async function ask(image) {
  const asked = (image.asked = { threshold, model });
  try {
    const { answer, size } = await backend.predict(model.name, image, threshold);
    if (image.asked !== asked) return;
    Object.assign(image, { answer, size, problem: null });
  } catch (error) {
    if (image.asked !== asked) return;
    Object.assign(image, { answer: null, problem: asProblem(error) });
  }
  describe(image);
  if (image === current) show();
  gallery.update(images, current);
}

const asProblem = (error) => (error instanceof Problem ? error : new Problem("failed", { why: String(error) }));

/** What the image's answer looks like and reads like, in the present language. */
function describe(image) {
  image.view = image.answer && view.show(image.answer, image.size ?? [1, 1], { words, classes: model.classes });
  if (!image.size && image.view) image.view.layer = null; // there is no image to lie on
  image.told = image.problem ? words.say(image.problem.code, image.problem.values) : image.view.text;
}

function choose(image) {
  if (image !== current) [current, selected] = [image, 1];
  unexplain();
  show();
  gallery.update(images, current);
}

function remove(image) {
  const place = images.indexOf(image);
  images = images.filter((one) => one !== image);
  gallery.drop(image);
  URL.revokeObjectURL(image.url);
  if (image === current) choose(images[Math.min(place, images.length - 1)] ?? null);
  else gallery.update(images, current);
}

/** Draws the current image and its answer. */
function show() {
  const shown = current?.view;
  $("welcome").hidden = Boolean(current);
  $("panel").hidden = $("tray").hidden = !current;
  document.body.classList.toggle("busy", Boolean(current && !current.told));
  stage.show(current);
  if (!current) return;
  stage.draw(shown);
  $("problem").hidden = !current.problem;
  $("problem-text").textContent = current.problem ? current.told : "";
  $("again").hidden = !PASSING.has(current.problem?.code);
  $("answer").replaceChildren(shown ? shown.list : el("p", { className: "soft" }, current.problem ? "" : words.say("working")));
  $("tuning").hidden = Boolean(current.problem) || !view.threshold;
  $("reason").hidden = !shown?.things.length;
  $("threshold-value").textContent = threshold ? words.percent(threshold, 0) : words.say(view.threshold ?? "any");
  $("explain").textContent = words.say(why ? "unexplain" : "explain");
  $("explain").setAttribute("aria-pressed", String(Boolean(why)));
  $("status").textContent = `${current.name}: ${current.told ?? words.say("working")}`;
  if (shown) select(Math.min(selected, shown.things.length));
}

/** Stresses one part of the answer, in the list and on the image. */
function mark(number) {
  for (const one of document.querySelectorAll("[data-item]")) one.classList.toggle("marked", Number(one.dataset.item) === number);
  current?.view?.mark?.(number);
}

function select(number) {
  selected = Math.max(1, number);
  for (const one of document.querySelectorAll("[data-item]")) {
    const is = Number(one.dataset.item) === selected;
    one.classList.toggle("selected", is);
    one.setAttribute("aria-pressed", String(is));
    if ($("answer").contains(one)) one.tabIndex = is ? 0 : -1; // one stop of the Tab key; arrows go on from there
  }
}

function unexplain() {
  why?.abort(new DOMException("", "AbortError"));
  why = null;
  stage.heat(null);
  $("explaining").hidden = $("reason-text").hidden = $("ramp").hidden = true;
}

/** Shows what the selected part of the answer rests on. */
async function explain() {
  unexplain();
  why = new AbortController();
  const [image, { signal }] = [current, why];
  const thing = image.view.things[selected - 1];
  show();
  tellReason("explaining");
  $("explaining").removeAttribute("value");
  $("explaining").hidden = false;
  try {
    const progress = (share) => ($("explaining").value = share);
    const { canvas, trust } = await backend.explain(model.name, image, thing.ask, { progress, signal });
    if (signal.aborted) return;
    stage.heat(canvas);
    $("ramp").hidden = false;
    tellReason("reason", { label: thing.name });
    if (trust) $("reason-text").append(el("br"), words.say(trust));
  } catch (error) {
    if (signal.aborted) return;
    unexplain();
    show();
    const problem = asProblem(error);
    tellReason(problem.code, problem.values);
  }
  $("explaining").hidden = true;
}

function tellReason(key, values) {
  $("reason-text").hidden = false;
  $("reason-text").textContent = words.say(key, values);
}

/** A picture from the camera: over plain http, where pages get none, by the phone's own app. Where there is none, it is said. */
async function camera() {
  if (!navigator.mediaDevices && matchMedia("(pointer: coarse)").matches) return $("snap").click();
  try {
    const shot = await photograph($("shutter"));
    if (shot) take([shot]);
  } catch {
    complain(words.say("no-camera"));
  }
}

/** A short message that goes away again. */
function complain(text) {
  const toast = el("p", { className: "toast", role: "alert" }, text);
  document.body.append(toast);
  setTimeout(() => toast.remove(), 8000);
}

/** Asks once more for an answer that did not come. */
function retry(image) {
  Object.assign(image, { problem: null, told: null });
  show();
  ask(image);
}

const rows = () =>
  images.map((image) => (image.answer ? { image: image.name, ...image.answer } : { image: image.name, error: image.told ?? "" }));

const DO = {
  choose: () => $("files").click(),
  again: () => retry(current),
  camera,
  json: () => download("answers.json", asJson(rows()), "application/json"),
  csv: () => download("answers.csv", asCsv(rows(), task.columns), "text/csv"),
  bare({ currentTarget }) {
    const bare = $("frame").parentElement.classList.toggle("bare");
    currentTarget.setAttribute("aria-pressed", String(bare));
  },
};

/** All texts anew: at the start, and in the other language. */
function dress() {
  words.dress();
  $("language").textContent = words.say("other");
  $("language").lang = words.lang === "en" ? "zh-Hans" : "en";
  if (!model) return;
  $("privacy").textContent = words.say(backend.local ? "private" : "sent");
  const name = backend.models.length > 1 ? picker() : el("b", { dir: "auto" }, model.name);
  $("model").replaceChildren(name, el("span", { className: "soft" }, words.task(model.task)));
  document.title = `${model.name} · Sightline`;
  images.filter((image) => image.told).forEach(describe);
  if (why) unexplain();
  show();
  gallery.update(images, current);
}

function picker() {
  const options = backend.models.map((one) => el("option", { value: one.name, selected: one === model }, one.name));
  const made = el("select", { "aria-label": words.say("model") }, ...options);
  made.onchange = () => use(backend.models.find((one) => one.name === made.value));
  return made;
}

/** The model that answers from now on, for all images; its task says how it is shown. */
async function use(one) {
  [view, task] = await Promise.all([import(`./views/${one.task}.js`), import(`./tasks/${one.task}.js`)]);
  model = one;
  for (const image of images) Object.assign(image, { answer: null, view: null, told: null, problem: null });
  [selected, threshold, $("threshold").value] = [1, 0, 0];
  dress();
  images.forEach(ask);
}

function listen() {
  for (const one of document.querySelectorAll("[data-do]")) if (DO[one.dataset.do]) one.onclick = DO[one.dataset.do];
  for (const name of ["files", "snap"])
    $(name).onchange = ({ target }) => {
      take([...target.files]);
      target.value = "";
    };
  $("threshold").oninput = ({ target }) => {
    threshold = Number(target.value);
    if (current) ask(current);
  };
  $("threshold").onchange = () => images.filter((image) => image.asked?.threshold !== threshold).forEach(ask);
  $("explain").onclick = () => (why ? (unexplain(), show()) : explain());
  document.onpaste = ({ clipboardData }) => take([...clipboardData.files]);
  const thing = ({ target }) => Number(target.closest?.("[data-item]")?.dataset.item) || null;
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, (event) => mark(thing(event)));
  document.addEventListener("click", (event) => {
    const number = thing(event);
    if (!number) return;
    select(number);
    if (why) explain();
  });
  $("answer").addEventListener("keydown", walk);
  document.ondragover = (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  };
  document.ondragleave = ({ relatedTarget }) => relatedTarget ?? document.body.classList.remove("over");
  document.ondrop = (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    take([...event.dataTransfer.files]);
  };
}

/** Has the user type the key that the server asks for. */
function unlock(wrong) {
  $("loading").hidden = true;
  $("lock").hidden = false;
  $("wrong").hidden = !wrong;
  $("key").focus();
  return new Promise((resolve) => {
    $("lock").onsubmit = (event) => {
      event.preventDefault();
      resolve($("key").value.trim());
    };
  });
}

dress();
$("language").onclick = () => {
  words.turn();
  dress();
};
paintRamp(document.querySelector("#ramp canvas"));
try {
  backend = await open((share) => (document.querySelector("#loading progress").value = share), { unlock });
  await use(backend.models[0]);
  listen();
  $("loading").hidden = true;
  $("lock").remove(); // and the key in it
  $("ready").hidden = false;
  document.body.dataset.ready = "";
} catch (error) {
  const { code, values } = asProblem(error);
  $("loading").replaceChildren(el("p", { className: "problem", role: "alert" }, words.say(code, values)));
}
