/** The text of each line image, from left to right. */
import { argmax, rint, rounded } from "../numbers.js";
import { resize, resizeMap, toChannels } from "../pixels/resize.js";
import { Problem } from "../problem.js";
import { searched } from "./read-search.js";

export { load } from "./read-search.js";

export const columns = ["text", "confidence"];

const [MARGIN, STEP, INK, PAPER, COLUMN, FLAT, MOST_WIDTH] = [8, 16, 20, 235, 4, 16, 8192];

/** {"image": {data, dims}}: grey, its contrast stretched, its height fixed, paper on both sides. */
export function preprocess(pixels, spec) {
  const height = spec.inputs.image.shape[0];
  const width = scaledWidth([pixels.width, pixels.height], height);
  if (width > MOST_WIDTH) throw new Problem("too-long", { times: Math.floor(MOST_WIDTH / height) });
  const line = stretched(resize(toChannels(pixels, 1), width, height).data);
  const whole = Math.ceil((width + 2 * MARGIN) / STEP) * STEP;
  const data = new Uint8Array(height * whole).fill(PAPER);
  for (let y = 0; y < height; y++) data.set(line.subarray(y * width, (y + 1) * width), y * whole + MARGIN);
  return { image: { data, dims: [height, whole, 1] } };
}

const scaledWidth = (size, height) => Math.max(8, rint((size[0] * height) / Math.max(1, size[1])));

/** Ink at 20 and paper at 235, whichever of both was the lighter one; in 32 bits, as numpy does it. */
function stretched(grey) {
  const [low, middle, high] = percentiles(grey, [5, 50, 95]);
  const line = middle - low < high - middle ? grey.map((value) => 255 - value) : grey;
  const [dark, light] = percentiles(line, [1, 95]);
  if (light - dark < FLAT) return line.map(() => PAPER);
  const [zero, scale] = [Math.fround(dark), Math.fround((PAPER - INK) / (light - dark))];
  return line.map((value) => {
    const ink = Math.fround(Math.fround(Math.fround(value - zero) * scale) + INK);
    return Math.min(Math.max(rint(ink), 0), 255);
  });
}

/** Linear between the two nearest values, as numpy's default. */
function percentiles(bytes, shares) {
  const counts = new Uint32Array(256);
  for (const value of bytes) counts[value] += 1;
  const nth = (place) => {
    let value = -1;
    for (let seen = 0; seen <= place; ) seen += counts[++value];
    return value;
  };
  return shares.map((share) => {
    const place = (share / 100) * (bytes.length - 1);
    const low = Math.floor(place);
    const [below, above, part] = [nth(low), nth(Math.min(low + 1, bytes.length - 1)), place - low];
    return part < 0.5 ? below + (above - below) * part : above - (above - below) * (1 - part);
  });
}

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec, assets, { minConfidence = 0 } = {}) {
  const height = spec.inputs.image.shape[0];
  const scale = size[0] / scaledWidth(size, height);
  const place = (step) => rounded(Math.min(Math.max(0, (step * COLUMN - MARGIN) * scale), size[0]), 1);
  const found = decode(outputs, spec, assets);
  const log = found.reduce((sum, one) => sum + Math.log(Math.max(one.peak, 1e-9)), 0);
  const confidence = Math.exp((spec.extra.certainty ?? 1) * log);
  const sure = confidence >= minConfidence;
  const characters = found.map((one) => ({
    text: spec.classes[one.index - 1],
    confidence: rounded(one.peak, 4),
    x: [place(one.begin), place(one.end)],
  }));
  return {
    text: sure ? characters.map((one) => one.text).join("") : null,
    confidence: rounded(confidence, 6),
    characters: sure ? characters : [],
  };
}

/** The characters from left to right: {index, peak, begin, end}, with the language model where the reader has one. */
function decode({ probabilities }, spec, assets) {
  const found = greedy(probabilities);
  const chosen = spec.extra.search ? searched(probabilities, found, spec, assets) : found;
  return folded(chosen, spec.classes.indexOf(" ") + 1);
}

/** Without spaces at the ends, and without a second one in a row: transcripts have none either. */
function folded(found, space) {
  const kept = [];
  for (const one of found) if (one.index !== space || (kept.length && kept.at(-1).index !== space)) kept.push(one);
  if (kept.length && kept.at(-1).index === space) kept.pop();
  return kept;
}

/** The best class of each step, repeats merged, blanks (0) dropped (Graves et al. 2006, section 3.2). */
function greedy({ data, dims }) {
  const [steps, count] = dims;
  const found = [];
  let before = 0;
  for (let step = 0; step < steps; step++) {
    const place = argmax(data, step * count, (step + 1) * count);
    const index = place - step * count;
    const last = found.at(-1);
    if (index && index === before) [last.peak, last.end] = [Math.max(last.peak, data[place]), step + 1];
    else if (index) found.push({ index, peak: data[place], begin: step, end: step + 1 });
    before = index;
  }
  return found;
}

/** The item-th character, {item} from 1, with its class and steps. */
export const itemAsked = (outputs, { item = 1 }, size, spec, assets) => decode(outputs, spec, assets)[item - 1];

/** The largest probability of the character within its own steps. */
export function evidence(outputs, reference, { index, begin, end }) {
  const { data, dims } = outputs.probabilities;
  const [images, steps, count] = dims;
  return Array.from({ length: images }, (_, image) => {
    let most = 0;
    for (let step = begin; step < end; step++) most = Math.max(most, data[(image * steps + step) * count + index]);
    return most;
  });
}

/** The margins are cut off, and the line is scaled back. */
export function toImage(map, size) {
  const width = scaledWidth(size, map.height);
  const data = new Float32Array(width * map.height);
  for (let y = 0; y < map.height; y++) {
    const first = y * map.width + MARGIN;
    data.set(map.data.subarray(first, first + width), y * width);
  }
  return resizeMap({ data, width, height: map.height }, size[0], size[1]);
}
