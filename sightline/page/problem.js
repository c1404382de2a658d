/** Codes of what may be over at the next try. */
export const PASSING = new Set(["no-answer", "busy", "ending", "too-slow", "server-failed", "failed"]);

/** What a user can mend: a code that `words.js` has a sentence for, and what is put into it. */
export class Problem extends Error {
  constructor(code, values = {}) {
    super(`${code} ${JSON.stringify(values)}`);
    this.code = code;
    this.values = values;
  }
}
