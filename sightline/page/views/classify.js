/** The most probable classes as bars. */
import { byLabel, headline, row, rows } from "./parts.js";

export const threshold = "any";

export function show(answer, size, { words }) {
  const text = answer.label === null ? words.say("unsure") : `${answer.label} ${words.percent(answer.confidence)}`;
  return {
    text,
    things: byLabel(answer.top),
    list: rows(
      headline(answer.label ?? words.say("unsure"), answer.label === null),
      ...answer.top.map((one, i) => row(i + 1, one.label, one.confidence, words.percent(one.confidence))),
    ),
    layer: null,
  };
}
