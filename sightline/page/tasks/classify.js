/** A label for each image. */
import { largestFirst, rounded } from "../numbers.js";

export { classAsked as itemAsked, classEvidence as evidence, preprocess, toImage } from "./whole.js";

export const columns = ["label", "confidence"];

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec, assets, { minConfidence = 0 } = {}) {
  const probabilities = outputs.probabilities.data;
  const order = largestFirst(probabilities).slice(0, 5);
  const top = order
    .filter((place) => probabilities[place] >= minConfidence)
    .map((place) => ({ label: spec.classes[place], confidence: rounded(probabilities[place], 6) }));
  return { label: top[0]?.label ?? null, confidence: rounded(probabilities[order[0]], 6), top };
}
