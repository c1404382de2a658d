/** Occlusion: what happens to the answer when a window of the image is hidden (Zeiler and Fergus 2014, section 4.1). */
import { rint } from "./numbers.js";
import { resizeMap } from "./pixels/resize.js";

/** Cells of the grid, and the sides of the windows in cells: as `sightline explain` has them, and for slow models. */
const FULL = { cells: 100, sides: [2, 3] };
const SKETCH = { cells: 49, sides: [2] };
const PATIENCE = 10;
const BATCH_PIXELS = 2 ** 20;
const SURE = 1e-6;

/**
 * The drop in log-odds when a pixel is hidden, {data: Float32Array, width, height} over the input; above 0 speaks for
 * the answer. seen: of `Engine.look`; evidence: a batch of inputs to how strongly each backs the answer, 0..1;
 * progress: called with 0..1.
 */
export async function occlusion(seen, evidence, progress = () => {}, signal = null) {
  const { data, dims } = seen.inputs.image;
  const [height, width, channels] = dims;
  const plan = seen.seconds * 265 > PATIENCE ? SKETCH : FULL;
  const { rows, columns, cellOf } = grid(height, width, plan.cells);
  const windows = plan.sides.flatMap((side) => windowsOf(rows, columns, side));
  const size = Math.max(1, Math.min(64, Math.floor(BATCH_PIXELS / (width * height))));

  const ask = async (hidden, fill) => {
    const batch = new Uint8Array(hidden.length * data.length);
    hidden.forEach((cells, row) => {
      for (let i = 0; i < width * height; i++) {
        const from = cells[cellOf[i]] ? fill : data;
        for (let c = 0; c < channels; c++) batch[row * data.length + i * channels + c] = from[i * channels + c];
      }
    });
    return evidence({ image: { data: batch, dims: [hidden.length, ...dims] } });
  };

  const fill = await standIn(data, dims, (fill) => ask([new Uint8Array(rows * columns).fill(1)], fill));
  const odds = [];
  const hidden = [new Uint8Array(rows * columns), ...windows];
  for (let begin = 0; begin < hidden.length; begin += size) {
    signal?.throwIfAborted();
    odds.push(...(await ask(hidden.slice(begin, begin + size), fill)).map(logOdds));
    progress(odds.length / hidden.length);
    await new Promise((resolve) => setTimeout(resolve)); // lets a message come in that ends this
  }
  const values = new Float32Array(rows * columns);
  for (let cell = 0; cell < values.length; cell++) {
    const drops = windows.flatMap((window, i) => (window[cell] ? [odds[0] - odds[i + 1]] : []));
    values[cell] = drops.reduce((sum, drop) => sum + drop, 0) / drops.length;
  }
  return resizeMap({ data: values, width: columns, height: rows }, width, height);
}

/** log(p / (1 - p)): where an answer is all but certain, p itself hardly moves and this still does. */
function logOdds(evidence) {
  const p = Math.min(Math.max(evidence, SURE), 1 - SURE);
  return Math.log(p / (1 - p));
}

/** Cuts the input into about `count` nearly square cells. */
function grid(height, width, count) {
  const side = Math.max(1, Math.sqrt((height * width) / count));
  const [rows, columns] = [Math.max(1, rint(height / side)), Math.max(1, rint(width / side))];
  const cellOf = new Uint16Array(width * height);
  for (let i = 0; i < cellOf.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    cellOf[i] = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
  }
  return { rows, columns, cellOf };
}

/** The cells that each window of side x side cells hides; windows may lean over the edge, and none comes twice. */
function windowsOf(rows, columns, side) {
  const found = new Map();
  for (let top = 1 - side; top < rows; top++) {
    for (let left = 1 - side; left < columns; left++) {
      const window = new Uint8Array(rows * columns);
      for (let y = Math.max(top, 0); y < Math.min(top + side, rows); y++) {
        window.fill(1, y * columns + Math.max(left, 0), y * columns + Math.min(left + side, columns));
      }
      found.set(window.join(""), window);
    }
  }
  return [...found.values()];
}

/** What replaces hidden parts: the image blurred, or its mean colour, whichever backs the answer less. */
async function standIn(data, dims, backing) {
  const [height, width, channels] = dims;
  const means = Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let i = c; i < data.length; i += channels) sum += data[i];
    return rint(sum / (width * height));
  });
  const fills = [blurred(data, height, width, channels), new Uint8Array(data.length).map((_, i) => means[i % channels])];
  const [soft, flat] = [await backing(fills[0]), await backing(fills[1])];
  return flat[0] < soft[0] ? fills[1] : fills[0];
}

/** A Gaussian blur of 15 % of the shorter side, as Pillow does it: three box blurs each way (Gwosdek et al. 2011). */
export function blurred(data, height, width, channels) {
  const variance = (0.15 * Math.min(width, height)) ** 2 / 3;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const part = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  let made = data;
  for (let pass = 0; pass < 3; pass++) made = boxed(made, height, width, channels, whole + part);
  made = turned(made, height, width, channels);
  for (let pass = 0; pass < 3; pass++) made = boxed(made, width, height, channels, whole + part);
  return turned(made, width, height, channels);
}

/** Each line by the mean of 2 radius + 1 neighbours, those at the ends with what is left of their weight. */
function boxed(data, rows, columns, channels, radius) {
  const whole = Math.trunc(radius);
  const inner = Math.trunc(2 ** 24 / (2 * radius + 1));
  const outer = Math.trunc((2 ** 24 - (2 * whole + 1) * inner) / 2);
  const made = new Uint8Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = (x) => data[(row * columns + Math.min(Math.max(x, 0), columns - 1)) * channels + channel];
      let sum = 0;
      for (let x = -whole; x <= whole; x++) sum += at(x);
      for (let x = 0; x < columns; x++) {
        const value = sum * inner + (at(x - whole - 1) + at(x + whole + 1)) * outer + 2 ** 23;
        made[(row * columns + x) * channels + channel] = Math.floor(value / 2 ** 24);
        sum += at(x + whole + 1) - at(x - whole);
      }
    }
  }
  return made;
}

/** Rows as columns. */
function turned(data, rows, columns, channels) {
  const made = new Uint8Array(data.length);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < channels; c++) made[(x * rows + y) * channels + c] = data[(y * columns + x) * channels + c];
    }
  }
  return made;
}
