/**
 * What views share. A view (`views/TASK.js`) has show(answer, size, page), which gives
 * - text: the answer in one line; list: the answer beside the image; layer: what is drawn on it, or null;
 * - things: of each part of the answer its name, and how it is asked for when it is explained: {label} or {item}, from 1;
 * - mark(number), where the layer can stress one of them, and none for null.
 * threshold: the word for what it is where the user sets none, null where the task has none.
 * Elements with data-item, from 1, stand for the things. page: {words, classes}.
 */
import { classColour, el } from "../dom.js";

/** One answer: its name, how sure it is as a bar, and in numbers. */
export function row(item, label, share, text, colour = null) {
  const swatch = colour ? [el("i", { className: "swatch", style: { background: colour } })] : [];
  const name = el("span", { className: "name", dir: "auto" }, ...swatch, label);
  const fill = el("span", { className: "fill", style: { "inline-size": `${100 * share}%`, ...(colour && { background: colour }) } });
  const bar = el("span", { className: "bar", "aria-hidden": "true" }, fill);
  const made = el("button", { type: "button", className: "row" }, name, el("span", { className: "value" }, text), bar);
  made.dataset.item = item;
  return made;
}

export const rows = (...children) => el("div", { className: "rows" }, ...children);

/** The answer in large letters. */
export const headline = (text, soft = false) =>
  el("p", { className: soft ? "headline soft" : "headline", dir: "auto" }, text);

export const note = (text) => el("p", { className: "soft" }, text);

/** Things that are asked for by their label. */
export const byLabel = (answers) => answers.map(({ label }) => ({ name: label, ask: { label } }));

/** A class's colour for CSS. */
export const colourOf = (number) => `rgb(${classColour(number).join(" ")})`;
