/** A number for each image. */
export { preprocess, toImage } from "./whole.js";

export const columns = ["value", "low", "high"];

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec) {
  const value = outputs.value.data[0];
  const margin = spec.extra.margin ?? null;
  const told = (end) => Number(end.toPrecision(7));
  return {
    value: told(value),
    low: margin === null ? null : told(value - margin),
    high: margin === null ? null : told(value + margin),
  };
}

/** There is but one number. */
export const itemAsked = () => 0;

/** Sigmoid of the distance from the mean of the training targets, in their spread, towards the answer's side. */
export function evidence(outputs, reference, item, spec) {
  const { mean, scale } = spec.extra;
  const side = reference.value.data[0] >= mean ? 1 : -1;
  return Array.from(outputs.value.data, (value) => 1 / (1 + Math.exp((-side * (value - mean)) / scale)));
}
