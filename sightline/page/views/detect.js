/** Boxes on the image; beside it, of each class how many, and how sure each is. */
import { el } from "../dom.js";
import { colourOf, headline, rows } from "./parts.js";

export const threshold = "own";
/** With more boxes than this, names stand only at the one that is marked. */
const NAMED = 12;

export function show(answer, size, { words, classes }) {
  const [width, height] = size;
  const numbers = answer.boxes.map((one) => classes.indexOf(one.label));
  const text = answer.count ? counted(answer.boxes) : words.say("nothing");
  const layer = el("div", { className: answer.count > NAMED ? "layer boxes many" : "layer boxes" });
  const marks = answer.boxes.map((one, i) => {
    const [left, top, right, low] = one.box;
    const name = el("span", { className: top < 0.06 * height ? "inside" : "" }, `${one.label} ${words.percent(one.confidence, 0)}`);
    const style = {
      left: `${(100 * left) / width}%`, top: `${(100 * top) / height}%`,
      width: `${(100 * (right - left)) / width}%`, height: `${(100 * (low - top)) / height}%`,
      "--colour": colourOf(numbers[i]),
    };
    const made = el("button", { type: "button", className: "box", tabIndex: -1, style, "aria-label": name.textContent }, name);
    made.dataset.item = i + 1;
    return made;
  });
  layer.append(...marks.toReversed()); // the surest lies on top
  const groups = [...new Set(numbers)].sort((a, b) => a - b).map((number) => group(number, answer.boxes, numbers, classes, words));
  return {
    text,
    things: answer.boxes.map((one, i) => ({ name: one.label, ask: { item: i + 1 } })),
    list: rows(headline(text, !answer.count), ...groups),
    layer,
  };
}

function counted(boxes) {
  const counts = new Map();
  for (const one of boxes) counts.set(one.label, (counts.get(one.label) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
}

function group(number, boxes, numbers, classes, words) {
  const chips = boxes.flatMap((one, i) => {
    if (numbers[i] !== number) return [];
    const chip = el("button", { type: "button", className: "chip", "aria-label": `${one.label} ${words.percent(one.confidence, 0)}` }, words.percent(one.confidence, 0));
    chip.dataset.item = i + 1;
    return [chip];
  });
  const swatch = el("i", { className: "swatch", style: { background: colourOf(number) } });
  const name = el("h2", { dir: "auto" }, swatch, classes[number], el("span", { className: "value" }, words.number(chips.length)));
  return el("section", { className: "group" }, name, el("p", { className: "chips" }, ...chips));
}
