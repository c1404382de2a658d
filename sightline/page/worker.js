/** The worker behind `local.js`: loads the model once, then answers one call after the other. */
import { Engine } from "./engine.js";
import { decode } from "./pixels/decode.js";
import { Problem } from "./problem.js";

/** Images whose outputs are kept, so that the threshold moves at once. */
const KEPT = 24;
const seen = new Map();
const aborts = new Map();
let engine;

const CALLS = {
  async load(args, { progress }) {
    const model = await (await got("model.json")).json();
    const spec = await (await got("spec.json")).json();
    const files = {};
    for (const name of model.assets) files[name] = await bytes(`assets/${name}`);
    const sizes = model.sizes;
    const total = sizes["ort/ort.wasm"] + sizes["model.onnx"];
    const wasm = await bytes("ort/ort.wasm", (done) => progress(done / total));
    const graph = await bytes("model.onnx", (done) => progress((wasm.length + done) / total));
    const ort = await import("./ort/ort.js");
    // One thread needs no special headers of the host; the bytes need no host that knows what a .wasm file is.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = wasm;
    engine = await Engine.open(ort, graph, spec, files);
    return model;
  },

  async predict({ image, minConfidence }) {
    const one = await look(image);
    return { answer: engine.answer(one, { minConfidence }), size: one.size };
  },

  async explain({ image, ask }, how) {
    return engine.explain(await look(image), ask, how);
  },
};

async function look({ id, blob }) {
  let one = seen.get(id);
  if (!one) {
    const [height, width] = engine.spec.inputs.image.shape;
    const { pixels, size } = await decode(blob, [width ?? 0, height ?? 0]);
    one = await engine.look(pixels, size);
  }
  seen.delete(id); // the latest comes last
  seen.set(id, one);
  if (seen.size > KEPT) seen.delete(seen.keys().next().value);
  return one;
}

async function got(name) {
  const response = await fetch(new URL(name, import.meta.url)).catch(() => null);
  if (!response?.ok) throw new Problem("cannot-load", { name });
  return response;
}

async function bytes(name, progress = () => {}) {
  const reader = (await got(name)).body.getReader();
  const parts = [];
  for (let done = 0; ; ) {
    const { done: end, value } = await reader.read();
    if (end) break;
    parts.push(value);
    progress((done += value.length));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

let last = Promise.resolve();

onmessage = ({ data }) => {
  if (data.abort) return aborts.get(data.abort)?.abort();
  const abort = new AbortController();
  aborts.set(data.call, abort);
  last = last.then(() => abort.signal.aborted || answer(data, abort.signal)).then(() => aborts.delete(data.call));
};

async function answer({ call, what, args }, signal) {
  const progress = (share) => postMessage({ call, progress: share });
  try {
    postMessage({ call, result: await CALLS[what](args, { progress, signal }) });
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem("failed", { why: String(error?.message ?? error) });
    postMessage({ call, problem: { code: problem.code, values: problem.values } });
  }
}
