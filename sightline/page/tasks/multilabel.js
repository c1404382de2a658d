/** Any number of labels for each image. */
import { byCodePoint, largestFirst, rounded } from "../numbers.js";

export { classAsked as itemAsked, classEvidence as evidence, preprocess, toImage } from "./whole.js";

export const columns = ["label", "confidence"];

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec, assets, { minConfidence = 0 } = {}) {
  const probabilities = outputs.probabilities.data;
  const { classes } = spec;
  const thresholds = spec.extra.thresholds ?? classes.map(() => 0.5);
  const order = largestFirst(probabilities);
  const present = (place) => probabilities[place] >= thresholds[place];
  const sure = (place) => probabilities[place] >= minConfidence;
  const labels = order.filter((place) => present(place) && sure(place)).map((place) => classes[place]);
  const right = (place) => (present(place) ? probabilities[place] : Math.fround(1 - probabilities[place]));
  return {
    label: [...labels].sort(byCodePoint).join(";"),
    labels,
    confidence: rounded(classes.reduce((product, _, place) => product * right(place), 1), 6),
    top: order
      .filter((place, rank) => (rank < 5 || present(place)) && sure(place))
      .map((place) => ({ label: classes[place], confidence: rounded(probabilities[place], 6) })),
  };
}
