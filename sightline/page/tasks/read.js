/** The text of each line image, from left to right. */
import { argmax, rint, rounded } from "../numbers.js";
import { resize, resizeMap, toChannels } from "../pixels/resize.js";
import { Problem } from "../problem.js";
import { typed } from "./read-bidi.js";
import { PAPER, rowsOf, shownRows, stretched } from "./read-ink.js";
import { searched } from "./read-search.js";

export { load } from "./read-search.js";

export const columns = ["text", "confidence"];

const [MARGIN, STEP, COLUMN, MOST_WIDTH] = [8, 16, 4, 8192];

/** {"image": {data, dims}}: grey, its contrast stretched, scaled by its ink, paper on both sides. */
export function preprocess(pixels, spec) {
  const height = spec.inputs.image.shape[0];
  if (pixels.width * height > MOST_WIDTH * pixels.height) {
    throw new Problem("too-long", { times: Math.floor(MOST_WIDTH / height) });
  }
  const grey = toChannels(pixels, 1);
  const { top, tall, tone } = shownRows(grey, spec);
  const width = Math.max(STEP, rint((pixels.width * height) / tall / STEP) * STEP);
  const line = stretched(resize(rowsOf(grey, top, tall, tone), width, height).data, tone);
  const whole = width + 2 * MARGIN;
  const data = new Uint8Array(height * whole).fill(PAPER);
  for (let y = 0; y < height; y++) data.set(line.subarray(y * width, (y + 1) * width), y * whole + MARGIN);
  return { image: { data, dims: [height, whole, 1] } };
}

/** The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis. */
export function postprocess(outputs, size, spec, assets, { minConfidence = 0 } = {}) {
  const scale = size[0] / (outputs.probabilities.dims[0] * COLUMN - 2 * MARGIN);
  const place = (step) => rounded(Math.min(Math.max(0, (step * COLUMN - MARGIN) * scale), size[0]), 1);
  const found = decode(outputs, spec, assets);
  const log = found.reduce((sum, one) => sum + Math.log(Math.max(one.peak, 1e-9)), 0);
  const confidence = Math.exp((spec.extra.certainty ?? 1) * log);
  const sure = confidence >= minConfidence;
  const characters = typedOrder(found, spec).map(([at, text]) => ({
    text,
    confidence: rounded(found[at].peak, 4),
    x: [place(found[at].begin), place(found[at].end)],
  }));
  return {
    text: sure ? characters.map((one) => one.text).join("") : null,
    confidence: rounded(confidence, 6),
    characters: sure ? characters : [],
  };
}

/** [[place, character], …]: where the characters as they are typed stand among those from left to right. */
function typedOrder(found, spec) {
  const seen = found.map((one) => spec.classes[one.index - 1]);
  return spec.extra.bidi?.sides ? typed(seen, spec.extra.bidi) : [...seen.entries()];
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
export function itemAsked(outputs, { item = 1 }, size, spec, assets) {
  const found = decode(outputs, spec, assets);
  return found[typedOrder(found, spec)[item - 1]?.[0]];
}

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

/** The margins are cut off, and the line is scaled back to the rows that it was taken from; pixels: of the image. */
export function toImage(map, size, spec, pixels) {
  const { top, tall } = shownRows(toChannels(pixels, 1), spec);
  const width = map.width - 2 * MARGIN;
  const inner = new Float32Array(width * map.height);
  for (let y = 0; y < map.height; y++) {
    const first = y * map.width + MARGIN;
    inner.set(map.data.subarray(first, first + width), y * width);
  }
  const shrunk = size[1] / pixels.height;
  const shown = resizeMap({ data: inner, width, height: map.height }, size[0], Math.max(1, rint(tall * shrunk)));
  const whole = { data: new Float32Array(size[0] * size[1]), width: size[0], height: size[1] };
  const above = rint(top * shrunk);
  for (let y = Math.max(0, above); y < Math.min(size[1], above + shown.height); y++) {
    whole.data.set(shown.data.subarray((y - above) * size[0], (y - above + 1) * size[0]), y * size[0]);
  }
  return whole;
}
