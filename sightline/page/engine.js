/**
 * The model: pixels in, answers out. The same in the browser's worker and in node, which proves it after an export.
 *
 * A task's module (`tasks/NAME.js`) has: columns, preprocess(pixels, spec), postprocess(outputs, size, spec, assets,
 * options), itemAsked(outputs, ask, size, spec, assets), evidence(outputs, reference, item, spec), toImage(map, size,
 * spec, pixels) and, where the task keeps files beside the network, load(files). Arrays are {data, dims}; size is [width,
 * height] of the whole image.
 */
import { occlusion } from "./occlusion.js";
import { Problem } from "./problem.js";

export class Engine {
  /** ort: the module of onnxruntime-web; graph: bytes; files: name to bytes of the bundle's assets. */
  static async open(ort, graph, spec, files) {
    const task = await import(`./tasks/${spec.task}.js`);
    const engine = new Engine();
    Object.assign(engine, { ort, spec, task, assets: task.load ? await task.load(files) : {} });
    engine.session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"], logSeverityLevel: 3 });
    return engine;
  }

  /** The graph's outputs for inputs with a batch axis. */
  async run(inputs) {
    const feeds = {};
    for (const [name, { data, dims }] of Object.entries(inputs)) feeds[name] = new this.ort.Tensor("uint8", data, dims);
    const found = await this.session.run(feeds);
    return Object.fromEntries(Object.entries(found).map(([name, { data, dims }]) => [name, { data, dims }]));
  }

  /** One image through the graph: {inputs, outputs, size, pixels, seconds}, arrays without batch axis. */
  async look(pixels, size) {
    const inputs = this.task.preprocess(pixels, this.spec);
    const begun = performance.now();
    const batch = {};
    for (const [name, { data, dims }] of Object.entries(inputs)) batch[name] = { data, dims: [1, ...dims] };
    const outputs = await this.run(batch);
    for (const one of Object.values(outputs)) one.dims = one.dims.slice(1);
    return { inputs, outputs, size, pixels, seconds: (performance.now() - begun) / 1000 };
  }

  /** The answer, as `sightline predict --json` gives it; options: {minConfidence}. */
  answer(seen, options) {
    return this.task.postprocess(seen.outputs, seen.size, this.spec, this.assets, options);
  }

  /** What in the image an answer rests on, {label} or {item} from 1: {data, width, height} over the whole image. */
  async explain(seen, ask, { progress, signal } = {}) {
    const asked = this.task.itemAsked(seen.outputs, ask, seen.size, this.spec, this.assets);
    if (asked === undefined) throw new Problem("nothing-to-explain");
    const evidence = async (batch) => this.task.evidence(await this.run(batch), seen.outputs, asked, this.spec);
    return this.task.toImage(await occlusion(seen, evidence, progress, signal), seen.size, this.spec, seen.pixels);
  }
}
