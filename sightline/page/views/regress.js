/** The number, and the range around it. */
import { el } from "../dom.js";
import { headline, note, rows } from "./parts.js";

export const threshold = null;

export function show(answer, size, { words }) {
  const short = (value) => words.number(Number(value.toPrecision(4)));
  const value = short(answer.value);
  const list = rows(headline(value));
  list.firstChild.classList.add("big");
  if (answer.low !== null) {
    list.append(note(words.say("range", { low: short(answer.low), high: short(answer.high) })));
    list.append(el("span", { className: "range", "aria-hidden": "true" }, el("i")));
  }
  return { text: value, things: [{ name: value, ask: {} }], list, layer: null };
}
