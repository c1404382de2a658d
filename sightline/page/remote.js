/** The models of the server that this page comes from, over its API (`docs/verbs/serve.md`). */
import { Problem } from "./problem.js";

const AT_ONCE = 4;
/** Milliseconds: for how long a server that is busy is asked again, and after what time at the earliest. */
const [PATIENCE, LEAST] = [60_000, 200];
/** Areas that are all below this say nothing. */
const NOTHING = 0.005;
/** What the page says to the codes of the server's problems; to others, what the server says. */
const SAID = {
  "no-key": "wrong-key", "unknown-model": "gone", unreadable: "unreadable", "not-an-image": "not-an-image", "no-image": "empty",
  "too-long": "too-heavy", "too-many-requests": "busy", busy: "busy", ending: "ending", timeout: "too-slow", "too-slow": "too-slow",
  failed: "server-failed", unexplained: "unexplained",
};

export async function open(tell, { unlock }) {
  let key = null; // nowhere but here: the page has to be told again after a reload

  /** The document that the server answers with. Throws a Problem. */
  async function call(path, { body, signal } = {}) {
    const headers = { ...(body && { "Content-Type": "application/octet-stream" }), ...(key && { Authorization: `Bearer ${key}` }) };
    const options = { method: body ? "POST" : "GET", body, headers, signal, cache: "no-store" };
    const response = await fetch(new URL(path, import.meta.url), options).catch((error) => {
      throw signal?.aborted ? error : new Problem("no-answer");
    });
    const found = await response.json().catch(() => null);
    if (response.ok && found) return found;
    throw problemOf(response, found);
  }

  /** As `call`, once and again where the server asks for a moment. */
  async function patient(path, options) {
    for (const end = Date.now() + PATIENCE; ; ) {
      try {
        return await call(path, options);
      } catch (problem) {
        const wait = Math.max(LEAST, 1000 * problem.values?.seconds);
        if (problem.code !== "busy" || !(Date.now() + wait < end)) throw problem;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  const address = (model, verb, query) => `v1/models/${encodeURIComponent(model)}/${verb}?${new URLSearchParams(query)}`;
  const inTurn = turns();
  const sizes = new Map();

  async function predict(model, { id, blob }, minConfidence) {
    if (!blob.size) throw new Problem("empty");
    const query = minConfidence ? { min_confidence: minConfidence } : {};
    const { answers } = await inTurn(id, () => patient(address(model, "predict", query), { body: blob }));
    const [{ image, ...answer }] = answers;
    if (!sizes.has(id)) sizes.set(id, await sizeOf(blob));
    return { answer, size: sizes.get(id) ?? answer.size ?? null };
  }

  async function explain(model, { blob }, ask, { signal }) {
    const { explanation } = await call(address(model, "explain", ask), { body: blob, signal });
    return { canvas: await picture(explanation.heat), trust: trust(explanation) };
  }

  const { models } = await unlocked(() => call("v1/models"), unlock, (given) => (key = given));
  tell(1);
  return { local: false, models, predict, explain };
}

/** What work gives, once the server takes the key. unlock(wrong) asks the user for it. */
async function unlocked(work, unlock, use) {
  for (let wrong = false; ; wrong = true) {
    try {
      return await work();
    } catch (problem) {
      if (problem.code !== "wrong-key") throw problem;
      use(await unlock(wrong));
    }
  }
}

function problemOf(response, found) {
  const wait = response.headers.get("retry-after");
  const why = [found?.detail, found?.fix].filter(Boolean).join("; ");
  if (!found?.code) return new Problem(response.status > 501 ? "no-answer" : "refused", { why: `${response.status} ${response.statusText}` });
  if (!SAID[found.code]) return new Problem("refused", { why });
  return new Problem(SAID[found.code], { why: found.detail, ...(wait && { seconds: Number(wait) }) });
}

/**
 * inTurn(id, work): what work gives, with at most AT_ONCE at work and one of each id; who still waits when the same id
 * comes again is dropped (AbortError), so that a slider does not leave a trail of questions.
 */
function turns() {
  const waiting = [];
  const working = new Set();

  function next() {
    const place = waiting.findIndex(({ id }) => !working.has(id));
    if (place < 0 || working.size >= AT_ONCE) return;
    const [{ id, work, resolve, reject }] = waiting.splice(place, 1);
    working.add(id);
    work()
      .then(resolve, reject)
      .finally(() => {
        working.delete(id);
        next();
      });
    next();
  }

  return (id, work) =>
    new Promise((resolve, reject) => {
      const stale = waiting.findIndex((one) => one.id === id);
      if (stale >= 0) waiting.splice(stale, 1)[0].reject(new DOMException("", "AbortError"));
      waiting.push({ id, work, resolve, reject });
      next();
    });
}

/** [width, height] as the browser shows the image; null for a kind that it cannot show. */
async function sizeOf(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  const loaded = new Promise((resolve) => ([image.onload, image.onerror] = [resolve, resolve]));
  await loaded;
  URL.revokeObjectURL(image.src);
  return image.naturalWidth ? [image.naturalWidth, image.naturalHeight] : null;
}

/** A `data:` address as a canvas; read here, as the page's policy lets nothing but the server be asked. */
async function picture(address) {
  const bytes = Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

/** Whether the map explains better than chance, as `sightline.explain.faithfulness` decides it: a word for it. */
export function trust({ deletion, insertion, random_deletion: deleted, random_insertion: inserted }) {
  if (Math.max(deletion, insertion, deleted, inserted) < NOTHING) return "trust-nothing";
  const better = (deletion < deleted) + (insertion > inserted);
  return ["trust-none", "trust-half", "trust-full"][better];
}
