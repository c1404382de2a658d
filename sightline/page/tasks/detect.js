/** Boxes with labels. */
import { largestFirst, rint, rounded } from "../numbers.js";
import { resize, resizeMap, toChannels } from "../pixels/resize.js";

export const columns = ["label", "count"];

const [GREY, LEAST, MOST, OVERLAP] = [127, 0.001, 100, 0.6];

/** The [width, height] of an image scaled into the input, its aspect kept. */
function fitted(size, spec) {
  const [height, width] = spec.inputs.image.shape;
  const scale = Math.min(width / size[0], height / size[1]);
  return [Math.max(1, rint(size[0] * scale)), Math.max(1, rint(size[1] * scale))];
}

/** {"image": {data, dims}}: in the upper left corner of the input, grey beside it. */
export function preprocess(pixels, spec) {
  const dims = spec.inputs.image.shape;
  const [, across, channels] = dims;
  const [width, height] = fitted([pixels.width, pixels.height], spec);
  const scaled = toChannels(resize(pixels, width, height), channels).data;
  const data = new Uint8Array(dims[0] * across * channels).fill(GREY);
  const stride = width * channels;
  for (let y = 0; y < height; y++) data.set(scaled.subarray(y * stride, (y + 1) * stride), y * across * channels);
  return { image: { data, dims } };
}

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec, assets, { minConfidence = 0 } = {}) {
  const kept = found(outputs, size, spec);
  const { threshold } = spec.extra;
  const shown = kept.filter((one) => one.score >= (minConfidence || threshold));
  const counts = spec.classes
    .map((name, number) => [name, shown.filter((one) => one.number === number).length])
    .filter(([, count]) => count);
  return {
    label: counts.map(([name, count]) => `${name} ${count}`).join(", ") || "nothing",
    confidence: shown.length ? rounded(shown[0].score, 6) : 0,
    count: shown.length,
    boxes: shown.map((one) => ({
      label: spec.classes[one.number],
      confidence: rounded(one.score, 6),
      box: one.box.map((value) => rounded(value, 2)),
    })),
  };
}

/** All boxes that suppression leaves, the surest first: box in the image's pixels, number of the class, score, row. */
function found(outputs, size, spec) {
  const [height, width] = spec.inputs.image.shape;
  const inner = fitted(size, spec);
  const scale = [(size[0] * width) / inner[0], (size[1] * height) / inner[1]];
  const scores = outputs.scores.data;
  const candidates = largestFirst(scores)
    .filter((row) => scores[row] >= LEAST)
    .map((row) => ({
      row,
      score: scores[row],
      number: rint(Number(outputs.labels.data[row])),
      box: [0, 1, 2, 3].map((side) => {
        const value = outputs.boxes.data[4 * row + side] * scale[side % 2];
        return Math.min(Math.max(value, 0), size[side % 2]);
      }),
    }));
  return suppressed(candidates, spec.options.overlap || OVERLAP)
    .slice(0, MOST)
    .filter(({ box }) => box[2] > box[0] && box[3] > box[1]);
}

/** The boxes that stay: each hides later ones of its class that overlap it by more than `most`. */
function suppressed(boxes, most) {
  const kept = [];
  for (const one of boxes) {
    if (!kept.some((other) => other.number === one.number && overlap(other.box, one.box) > most)) kept.push(one);
  }
  return kept;
}

/** Intersection over union. */
function overlap(a, b) {
  const across = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const down = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (across * down) / Math.max(area(a) + area(b) - across * down, 1e-12);
}

/** The row of the item-th box, {item} from 1, among the graph's outputs. */
export const itemAsked = (outputs, { item = 1 }, size, spec) => found(outputs, size, spec)[item - 1]?.row;

/** The largest product of score and overlap with the item, of boxes of its class (Petsiuk et al. 2021). */
export function evidence(outputs, reference, item) {
  const { boxes, scores, labels } = outputs;
  const wanted = reference.boxes.data.subarray(4 * item, 4 * item + 4);
  const count = scores.dims[1];
  return Array.from({ length: scores.dims[0] }, (_, image) => {
    let most = 0;
    for (let row = image * count; row < (image + 1) * count; row++) {
      if (Number(labels.data[row]) !== Number(reference.labels.data[item])) continue;
      most = Math.max(most, scores.data[row] * overlap(boxes.data.subarray(4 * row, 4 * row + 4), wanted));
    }
    return Math.min(most, 1);
  });
}

/** The part of the input that the image fills, at the image's size. */
export function toImage(map, size, spec) {
  const [width, height] = fitted(size, spec);
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) data.set(map.data.subarray(y * map.width, y * map.width + width), y * width);
  return resizeMap({ data, width, height }, size[0], size[1]);
}
