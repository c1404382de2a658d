/** A class for each pixel. */
import { largestFirst, rint, rounded, toHalf } from "../numbers.js";
import { eachStretchedRow } from "../pixels/resize.js";

export { preprocess, toImage } from "./whole.js";

export const columns = ["label", "confidence"];

const UNSURE = 255;

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec, assets, { minConfidence = 0 } = {}) {
  const { labels, sure } = mostProbable(outputs.probabilities, size);
  let total = 0;
  for (let i = 0; i < sure.length; i++) {
    total += sure[i];
    if (sure[i] < minConfidence * 255) labels[i] = UNSURE;
  }
  const found = regions(labels, sure, size, spec.classes.length);
  const classes = largestFirst(found.map((one) => one.pixels))
    .filter((number) => found[number].pixels)
    .map((number) => ({
      label: spec.classes[number],
      share: rounded(found[number].pixels / labels.length, 6),
      confidence: rounded(found[number].sum / found[number].pixels / 255, 6),
      box: found[number].box,
    }));
  return {
    label: classes.map((one) => one.label).join(";"),
    confidence: rounded(total / labels.length / 255, 6),
    size: [...size],
    classes,
    names: spec.classes,
    rle: runs(labels),
  };
}

/** The most probable class of each pixel of the whole image, and its probability in 255ths. */
function mostProbable({ data, dims }, [width, height]) {
  const [count, rows, columns] = dims;
  const maps = Array.from({ length: count }, (_, k) => ({
    data: data.subarray(k * rows * columns, (k + 1) * rows * columns).map(toHalf),
    width: columns,
    height: rows,
  }));
  const labels = new Uint8Array(width * height);
  const sure = new Uint8Array(width * height);
  eachStretchedRow(maps, width, height, (y, lines) => {
    for (let x = 0; x < width; x++) {
      let best = 0;
      for (let k = 1; k < count; k++) if (lines[k][x] > lines[best][x]) best = k;
      labels[y * width + x] = best;
      sure[y * width + x] = rint(Math.fround(Math.min(Math.max(lines[best][x], 0), 1) * 255));
    }
  });
  return { labels, sure };
}

/** Of each class: how many pixels, the sum of their sureness, and the box around them. */
function regions(labels, sure, [width, height], count) {
  const found = Array.from({ length: count }, () => ({ pixels: 0, sum: 0, box: [width, height, 0, 0] }));
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === UNSURE) continue;
    const one = found[labels[i]];
    const [x, y] = [i % width, Math.floor(i / width)];
    one.pixels += 1;
    one.sum += sure[i];
    if (x < one.box[0]) one.box[0] = x;
    if (y < one.box[1]) one.box[1] = y;
    if (x >= one.box[2]) one.box[2] = x + 1;
    if (y >= one.box[3]) one.box[3] = y + 1;
  }
  return found;
}

/** [class number, length, …] of the runs of equal classes, row after row. */
function runs(labels) {
  const found = [];
  for (let begin = 0, i = 1; i <= labels.length; i++) {
    if (i < labels.length && labels[i] === labels[begin]) continue;
    found.push(labels[begin], i - begin);
    begin = i;
  }
  return found;
}

/** The number of the class that is asked for: {label}, or that of the item-th largest area, {item} from 1. */
export function itemAsked(outputs, { label, item = 1 }, size, spec) {
  if (label !== undefined) return spec.classes.includes(label) ? spec.classes.indexOf(label) : undefined;
  const { labels } = mostProbable(outputs.probabilities, size);
  const pixels = new Array(outputs.probabilities.dims[0]).fill(0);
  for (const label of labels) pixels[label] += 1;
  return largestFirst(pixels)[item - 1];
}

/** The mean probability of the class over the region where it was found; everywhere, where it was not. */
export function evidence(outputs, reference, item) {
  const [count, rows, columns] = reference.probabilities.dims;
  const area = rows * columns;
  const whole = reference.probabilities.data;
  const region = [];
  for (let i = 0; i < area; i++) {
    let best = 0;
    for (let k = 1; k < count; k++) if (whole[k * area + i] > whole[best * area + i]) best = k;
    if (best === item) region.push(i);
  }
  if (!region.length) region.push(...Array(area).keys());
  const { data, dims } = outputs.probabilities;
  return Array.from({ length: dims[0] }, (_, image) => {
    const first = (image * count + item) * area;
    return region.reduce((sum, place) => sum + data[first + place], 0) / region.length;
  });
}
