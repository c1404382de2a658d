/** The model in the browser: a worker of its own computes, so that the page stays awake. */
import { heatCanvas } from "./heat.js";
import { Problem } from "./problem.js";

export async function open(tell) {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let last = 0;

  worker.onmessage = ({ data: { call, result, progress, problem } }) => {
    const one = waiting.get(call);
    if (!one) return;
    if (progress !== undefined) return one.progress?.(progress);
    waiting.delete(call);
    if (problem) one.reject(new Problem(problem.code, problem.values));
    else one.resolve(result);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    for (const one of waiting.values()) one.reject(new Problem("failed", { why: event.message ?? "" }));
    waiting.clear();
  };

  const ask = (what, args, { progress, signal } = {}) =>
    new Promise((resolve, reject) => {
      const call = ++last;
      waiting.set(call, { resolve, reject, progress });
      signal?.addEventListener("abort", () => {
        waiting.delete(call);
        worker.postMessage({ abort: call });
        reject(signal.reason);
      });
      worker.postMessage({ call, what, args });
    });

  const model = await ask("load", {}, { progress: tell });
  return {
    local: true,
    models: [model],
    predict: (name, { id, blob }, minConfidence) => ask("predict", { image: { id, blob }, minConfidence }),
    async explain(name, { id, blob }, thing, how) {
      return { canvas: heatCanvas(await ask("explain", { image: { id, blob }, ask: thing }, how)), trust: null };
    },
  };
}
