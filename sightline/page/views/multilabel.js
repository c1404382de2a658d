/** The most probable labels as bars; those that are present stand out. */
import { byLabel, headline, row, rows } from "./parts.js";

export const threshold = "own";

export function show(answer, size, { words }) {
  const bars = answer.top.map((one, i) => {
    const made = row(i + 1, one.label, one.confidence, words.percent(one.confidence));
    made.classList.toggle("absent", !answer.labels.includes(one.label));
    return made;
  });
  const text = answer.labels.join(", ") || words.say("none");
  return { text, things: byLabel(answer.top), list: rows(headline(text, !answer.labels.length), ...bars), layer: null };
}
