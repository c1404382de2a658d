/** A backend for tests of the page itself: made outputs, decoded by the tasks' own modules. */
import { heatCanvas } from "./heat.js";
import { Problem } from "./problem.js";

const given = await (await fetch("given.json")).json();
const tasks = Object.fromEntries(await Promise.all(given.map(async ({ task }) => [task, await import(`./tasks/${task}.js`)])));
window.asked = [];
for (const { outputs } of given) for (const one of Object.values(outputs)) one.data = Float32Array.from(one.data);

export async function open(tell) {
  tell(1);
  const one = (name) => given.find((model) => model.name === name);
  return {
    local: true,
    models: given.map(({ name, task, spec }) => ({ name, task, classes: spec.classes })),
    async predict(name, image, minConfidence) {
      if (image.name.includes("broken")) throw new Problem("not-an-image");
      const { task, spec, outputs, size } = one(name);
      return { answer: tasks[task].postprocess(outputs, size, spec, {}, { minConfidence }), size };
    },
    async explain(name, image, ask, { progress, signal }) {
      window.asked.push(ask);
      const [width, height] = one(name).size;
      for (let step = 1; step <= 3; step++) {
        await new Promise((resolve) => setTimeout(resolve, window.slow ?? 0));
        signal.throwIfAborted();
        progress(step / 3);
      }
      if (window.fails) throw new Problem("nothing-to-explain");
      const data = new Float32Array(width * height);
      data.fill(1, 0, Math.floor(data.length / 3));
      const canvas = heatCanvas({ data, width, height });
      return { canvas, trust: null };
    },
  };
}
