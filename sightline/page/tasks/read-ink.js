/** The ink of a line: how dark it is, and the rows in which it lies, as `tasks/read/inputs.py` measures them. */
import { rint } from "../numbers.js";
import { resize } from "../pixels/resize.js";

export const PAPER = 235;
const [INK, FLAT, FAINT, STEEPEST, SURE_LENGTH, ZOOMS] = [20, 16, 0.4, 0.06, 4, [0.55, 1.6]];

/** {top, tall, tone}: the first row that the input shows, how many rows, and the tone of the line. */
export function shownRows(grey, spec) {
  const height = spec.inputs.image.shape[0];
  const reduced = Math.max(1, rint((grey.width * height) / grey.height));
  const small = grey.height <= height ? grey : resize(grey, reduced, height);
  const tone = toneOf(small.data);
  const usual = spec.extra.spread ?? 0;
  const band = usual && !tone.flat ? bandOf(small, tone) : { spread: 0 };
  if (!band.spread) return { top: 0, tall: grey.height, tone };
  const length = grey.width / grey.height;
  const trust = length / (length + SURE_LENGTH);
  const zoom = Math.min(Math.max(band.spread / usual, ZOOMS[0]), ZOOMS[1]) ** trust;
  const middle = 0.5 + (band.middle - 0.5) * trust;
  return { top: rint((middle - zoom / 2) * grey.height), tall: Math.max(1, rint(zoom * grey.height)), tone };
}

/** Whether the line is light on dark, its darkest hundredth and its paper. */
function toneOf(bytes) {
  const [low, middle, high] = percentiles(bytes, [5, 50, 95]);
  const inverted = middle - low < high - middle;
  const [dark, light] = percentiles(inverted ? bytes.map((value) => 255 - value) : bytes, [1, 95]);
  return { inverted, dark, light, flat: light - dark < FLAT };
}

/** The middle of the ink and its mean distance from that, as shares of the height; ink far off counts little. */
function bandOf({ data, width, height }, { inverted, dark, light }) {
  const [xs, ys, weights] = [[], [], []];
  for (let place = 0; place < data.length; place++) {
    const value = inverted ? 255 - data[place] : data[place];
    const ink = (light - value) / Math.max(1, light - dark) - FAINT;
    if (ink <= 0) continue;
    xs.push(place % width);
    ys.push(Math.floor(place / width) + 0.5);
    weights.push(ink);
  }
  if (!xs.length) return { spread: 0 };
  const mean = (values, by) => sum(values.map((value, i) => value * by[i])) / sum(by);
  const centre = mean(xs, weights);
  let y = ys;
  if (width > SURE_LENGTH * height) {
    const level = mean(ys, weights);
    const far = xs.map((x) => x - centre);
    const steep = sum(far.map((x, i) => weights[i] * x * (ys[i] - level)));
    const slope = steep / Math.max(1e-6, sum(far.map((x, i) => weights[i] * x * x)));
    const held = Math.min(Math.max(slope, -STEEPEST), STEEPEST);
    y = ys.map((value, i) => value - far[i] * held);
  }
  let [middle, near] = [mean(y, weights), weights];
  const spreadOf = () => mean(y.map((value) => Math.abs(value - middle)), near);
  for (let turn = 0; turn < 5; turn++) {
    const reach = 2.5 * spreadOf() + 1e-6;
    near = weights.map((weight, i) => weight * Math.exp(-0.5 * ((y[i] - middle) / reach) ** 2));
    middle = mean(y, near);
  }
  return { middle: middle / height, spread: spreadOf() / height };
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Some rows of a line, as pixels; paper above and below it. */
export function rowsOf({ data, width, height }, top, tall, { inverted, light }) {
  const shown = new Uint8Array(tall * width).fill(rint(inverted ? 255 - light : light));
  const [first, last] = [Math.max(0, top), Math.min(height, top + tall)];
  shown.set(data.subarray(first * width, last * width), (first - top) * width);
  return { data: shown, width, height: tall, channels: 1 };
}

/** Ink at 20 and paper at 235, whichever of both was the lighter one; in 32 bits, as numpy does it. */
export function stretched(grey, { inverted, dark, light, flat }) {
  if (flat) return grey.map(() => PAPER);
  const [zero, scale] = [Math.fround(dark), Math.fround((PAPER - INK) / (light - dark))];
  return grey.map((value) => {
    const upright = inverted ? 255 - value : value;
    const ink = Math.fround(Math.fround(Math.fround(upright - zero) * scale) + INK);
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
