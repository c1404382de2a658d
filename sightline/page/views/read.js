/** The text; on the image, where each character stands. */
import { el } from "../dom.js";
import { headline, note, rows } from "./parts.js";

export const threshold = "any";
/** Characters less sure than this are underlined. */
const DOUBTFUL = 0.8;

export function show(answer, size, { words }) {
  const text = answer.text === null ? words.say("unsure") : answer.text || words.say("noText");
  const letters = answer.characters.map((one, i) => {
    const sure = words.percent(one.confidence);
    const made = el("button", {
      type: "button", title: sure, "aria-label": `${one.text} ${sure}`,
      className: one.confidence < DOUBTFUL ? "letter doubtful" : "letter",
    }, one.text === " " ? "\u00a0" : one.text);
    made.dataset.item = i + 1;
    return made;
  });
  const line = letters.length ? el("p", { className: "text", dir: "auto" }, ...inWords(letters, answer.characters)) : headline(text, true);
  const layer = el("div", { className: "layer letters" }, ...answer.characters.map((one, i) => place(one, i, size[0])));
  return {
    text,
    things: answer.characters.map((one, i) => ({ name: one.text, ask: { item: i + 1 } })),
    list: rows(line, note(words.say("lineSure", { share: words.percent(answer.confidence) }))),
    layer,
  };
}

/** Lines break between words: those between spaces lie in an element of their own, and so does each space. */
function inWords(letters, characters) {
  const words = [];
  letters.forEach((letter, i) => {
    const begins = !i || characters[i].text === " " || characters[i - 1].text === " ";
    if (begins) words.push([]);
    words.at(-1).push(letter);
  });
  return words.map((word) => el("span", { className: "word" }, ...word));
}

function place(one, i, width) {
  const [left, right] = one.x;
  const style = { left: `${(100 * left) / width}%`, width: `${(100 * (right - left)) / width}%` };
  const made = el("button", { type: "button", tabIndex: -1, className: "place", style, title: one.text, "aria-label": one.text });
  if (one.confidence < DOUBTFUL) made.classList.add("doubtful");
  made.dataset.item = i + 1;
  return made;
}
