/** The picture of an explanation. */
import { painted } from "./dom.js";

/** Deep violet over red and orange to pale yellow, equal steps equally far apart: `sightline.explain.picture.ramp`. */
const RAMP = [
  [31, 13, 62], [53, 13, 75], [76, 11, 85], [100, 7, 90], [125, 1, 90], [147, 10, 86],
  [172, 5, 79], [193, 25, 68], [211, 46, 53], [225, 69, 34], [236, 94, 3], [239, 120, 15],
  [246, 142, 14], [246, 166, 53], [245, 188, 88], [244, 209, 123], [245, 228, 157], [248, 245, 191],
];

const LARGEST = 720;

/** [red, green, blue] at 0..1 of the ramp. */
export function rampAt(share) {
  const place = share * (RAMP.length - 1);
  const low = Math.min(Math.floor(place), RAMP.length - 2);
  return [0, 1, 2].map((c) => RAMP[low][c] + (RAMP[low + 1][c] - RAMP[low][c]) * (place - low));
}

/** A map, {data, width, height}, as a canvas to lie over the grey image: what is above 0, against its strongest half percent. */
export function heatCanvas(map) {
  const scale = Math.max(1, Math.max(map.width, map.height) / LARGEST);
  const [width, height] = [Math.max(1, Math.round(map.width / scale)), Math.max(1, Math.round(map.height / scale))];
  const positive = map.data.map((value) => Math.max(value, 0));
  const sorted = positive.slice().sort();
  const top = sorted[Math.floor(0.995 * (sorted.length - 1))] || sorted.at(-1);
  return painted(width, height, (bytes) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = positive[Math.floor(y * scale) * map.width + Math.floor(x * scale)];
        const strength = top > 0 ? Math.min(value / top, 1) : 0;
        bytes.set([...rampAt(strength), 255 * 0.8 * strength ** 0.6], 4 * (y * width + x));
      }
    }
  });
}

/** Paints the ramp into the legend's canvas. */
export function paintRamp(canvas) {
  const pen = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x++) {
    pen.fillStyle = `rgb(${rampAt(x / (canvas.width - 1)).map(Math.round).join(" ")})`;
    pen.fillRect(x, 0, 1, canvas.height);
  }
}
