/**
 * The one resize: Pillow's BILINEAR, a triangle filter that widens as it shrinks, to the last bit.
 *
 * Pixels are {data: Uint8Array, width, height, channels: 1 or 3}, row after row, channels together.
 */
import { rint } from "../numbers.js";

const BITS = 22;

/** For each of `to` places: where its window of the `from` values begins, and the weights in it. */
function windows(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = new Float64Array(end - begin);
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      const far = Math.abs((begin + i - centre + 0.5) * (1 / support));
      weights[i] = far < 1 ? 1 - far : 0;
      total += weights[i];
    }
    return { begin, weights: weights.map((weight) => weight / total) };
  });
}

/** Pixels stretched to width x height; the side that shrinks more comes first, as Pillow 13 chooses it. */
export function resize(pixels, width, height) {
  const across = (from) => {
    if (from.width === width) return from;
    const data = along(from.data, from.height, from.width, from.channels, windows(from.width, width));
    return { ...from, data, width };
  };
  const down = (from) => {
    if (from.height === height) return from;
    const data = along(from.data, 1, from.height, from.width * from.channels, windows(from.height, height));
    return { ...from, data, height };
  };
  const downFirst = height < pixels.height && pixels.height - height > 2 * (pixels.width - width);
  return downFirst ? across(down(pixels)) : down(across(pixels));
}

/** Bytes (outer, from, inner) to (outer, windows, inner), in whole numbers as Pillow does it. */
function along(data, outer, from, inner, found) {
  const whole = found.map(({ weights }) => Int32Array.from(weights, (weight) => Math.trunc(0.5 + weight * 2 ** BITS)));
  const made = new Uint8Array(outer * found.length * inner);
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (let place = 0; place < found.length; place++) {
      const weights = whole[place];
      const first = (row * from + found[place].begin) * inner;
      for (let channel = 0; channel < inner; channel++) {
        let sum = 1 << (BITS - 1);
        for (let i = 0, from = first + channel; i < weights.length; i++, from += inner) sum += data[from] * weights[i];
        made[at++] = Math.min(255, sum >> BITS);
      }
    }
  }
  return made;
}

/** A map of floats, {data: Float32Array, width, height}, stretched to width x height without rounding. */
export function resizeMap(map, width, height) {
  const wide = widened(map, width);
  const rows = new Float32Array(width * height);
  windows(map.height, height).forEach((one, y) => mixed(wide, width, one, rows.subarray(y * width, (y + 1) * width)));
  return { data: rows, width, height };
}

/**
 * Calls `use(y, rows)` for each line of several maps stretched to width x height: rows[k] is that of map k, and is
 * written anew for the next line. For maps that together would be too large.
 */
export function eachStretchedRow(maps, width, height, use) {
  const wide = maps.map((map) => widened(map, width));
  const rows = maps.map(() => new Float32Array(width));
  const found = windows(maps[0].height, height);
  for (let y = 0; y < height; y++) {
    wide.forEach((map, k) => mixed(map, width, found[y], rows[k]));
    use(y, rows);
  }
}

function widened(map, width) {
  if (map.width === width) return map.data;
  const found = windows(map.width, width);
  const made = new Float32Array(width * map.height);
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < width; x++) {
      const { begin, weights } = found[x];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += map.data[y * map.width + begin + i] * weights[i];
      made[y * width + x] = sum;
    }
  }
  return made;
}

function mixed(data, width, { begin, weights }, into) {
  for (let x = 0; x < width; x++) {
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += data[(begin + i) * width + x] * weights[i];
    into[x] = sum;
  }
}

/** Grey (1) or RGB (3) from either; grey by the ITU-R 601 luma that Pillow uses. */
export function toChannels(pixels, channels) {
  if (pixels.channels === channels) return pixels;
  const { data, width, height } = pixels;
  const count = width * height;
  const made = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    if (channels === 3) made.fill(data[i], 3 * i, 3 * i + 3);
    else made[i] = (data[3 * i] * 19595 + data[3 * i + 1] * 38470 + data[3 * i + 2] * 7471 + 0x8000) >> 16;
  }
  return { data: made, width, height, channels };
}

/** RGB whose channels are equal in every pixel is grey. */
export function asGrey(pixels) {
  const { data, width, height } = pixels;
  for (let i = 0; i < data.length; i += 3) if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return pixels;
  return { data: new Uint8Array(width * height).map((_, i) => data[3 * i]), width, height, channels: 1 };
}

/** Means of blocks of side x side: what a JPEG decoder does that is asked for a reduced scale. */
export function reduced(pixels, side) {
  const { data, channels } = pixels;
  const [width, height] = [Math.ceil(pixels.width / side), Math.ceil(pixels.height / side)];
  const made = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [low, right] = [Math.min(pixels.height, (y + 1) * side), Math.min(pixels.width, (x + 1) * side)];
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let row = y * side; row < low; row++) {
          for (let column = x * side; column < right; column++) {
            sum += data[(row * pixels.width + column) * channels + channel];
          }
        }
        made[(y * width + x) * channels + channel] = rint(sum / ((low - y * side) * (right - x * side)));
      }
    }
  }
  return { data: made, width, height, channels };
}

/** [quarter turns counter-clockwise, then mirrored left to right] of an EXIF orientation. */
const TURNS = { 2: [0, 1], 3: [2, 0], 4: [2, 1], 5: [3, 1], 6: [3, 0], 7: [1, 1], 8: [1, 0] };

/** Pixels turned as an EXIF orientation, 1 to 8, says. */
export function turned(pixels, orientation) {
  const [turns, mirror] = TURNS[orientation] ?? [0, 0];
  if (!turns && !mirror) return pixels;
  const { data, width, height, channels } = pixels;
  const [wide, high] = turns % 2 ? [height, width] : [width, height];
  const made = new Uint8Array(data.length);
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const across = mirror ? wide - 1 - x : x;
      const [row, column] = [
        [y, across],
        [across, width - 1 - y],
        [height - 1 - y, width - 1 - across],
        [height - 1 - across, y],
      ][turns];
      for (let c = 0; c < channels; c++) made[(y * wide + x) * channels + c] = data[(row * width + column) * channels + c];
    }
  }
  return { data: made, width: wide, height: high, channels };
}
