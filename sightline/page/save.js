/** Answers as files. */
import { el } from "./dom.js";

/** All answers as one JSON document: a list of what `sightline predict --json` gives a line of. */
export const asJson = (rows) => `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`;

/** A row an image, as `sightline predict --csv` writes them. */
export function asCsv(rows, columns) {
  const names = ["image", ...columns, "error"];
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) => `${cells.map(cell).join(",")}\n`).join("");
}

export function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
