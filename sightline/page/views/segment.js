/** The mask over the image; beside it, what its colours mean. */
import { classColour, el, painted } from "../dom.js";
import { byLabel, colourOf, headline, row, rows } from "./parts.js";

export const threshold = "any";

const UNSURE = 255;
const [SHOWN, STRONG, FAINT] = [140, 205, 30];

export function show(answer, size, { words }) {
  const [width, height] = answer.size;
  const numbers = answer.classes.map((one) => answer.names.indexOf(one.label));
  const layer = el("div", { className: "layer" }, mask(answer.rle, width, height, () => SHOWN));
  const text = answer.classes.slice(0, 3).map((one) => `${one.label} ${words.percent(one.share, 0)}`).join(", ") || words.say("unsure");
  const legend = answer.classes.map((one, i) => row(i + 1, one.label, one.share, words.percent(one.share), colourOf(numbers[i])));
  return {
    text,
    things: byLabel(answer.classes),
    list: rows(headline(answer.classes[0]?.label ?? words.say("unsure"), !answer.classes.length), ...legend),
    layer,
    mark(item) {
      const number = numbers[item - 1];
      layer.replaceChildren(mask(answer.rle, width, height, (one) => (number === undefined ? SHOWN : one === number ? STRONG : FAINT)));
    },
  };
}

/** Run lengths as a canvas; strength: a class number to how opaque it is, 0..255. Large masks lose every other pixel. */
function mask(rle, width, height, strength) {
  const step = Math.ceil(Math.max(width, height) / 2048);
  const [wide, high] = [Math.ceil(width / step), Math.ceil(height / step)];
  const colours = new Map();
  return painted(wide, high, (bytes) => {
    for (let i = 0, place = 0; i < rle.length; i += 2) {
      const [number, end] = [rle[i], place + rle[i + 1]];
      if (number !== UNSURE && !colours.has(number)) colours.set(number, [...classColour(number), strength(number)]);
      const colour = colours.get(number);
      for (; place < end; place++) {
        const [x, y] = [place % width, Math.floor(place / width)];
        if (colour && x % step === 0 && y % step === 0) bytes.set(colour, 4 * ((y / step) * wide + x / step));
      }
    }
  });
}
