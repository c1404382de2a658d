/** What tasks share whose networks see the whole image, stretched to their input. */
import { largestFirst } from "../numbers.js";
import { resize, resizeMap, toChannels } from "../pixels/resize.js";

/** {"image": {data, dims}}: stretched, nothing is cut off. */
export function preprocess(pixels, spec) {
  const [height, width, channels] = spec.inputs.image.shape;
  const { data } = toChannels(resize(pixels, width, height), channels);
  return { image: { data, dims: [height, width, channels] } };
}

/** A map over the input as one over the image: it was stretched, so it is stretched back. */
export const toImage = (map, size) => resizeMap(map, size[0], size[1]);

/** The number of the class that is asked for: {label}, or the item-th most probable, {item} from 1. */
export function classAsked(outputs, { label, item = 1 }, size, spec) {
  if (label !== undefined) return spec.classes.includes(label) ? spec.classes.indexOf(label) : undefined;
  return largestFirst(outputs.probabilities.data)[item - 1];
}

/** How strongly each answer of a batch backs the class: its probability. */
export function classEvidence(outputs, reference, item) {
  const { data, dims } = outputs.probabilities;
  return Array.from({ length: dims[0] }, (_, row) => data[row * dims[1] + item]);
}
