/** Beam search with a language model and a lexicon, for readers that have one: `sightline/tasks/read/ctc.py` in JavaScript. */
const LETTER = /[\p{L}\p{M}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const [ORDER, UNIT, FOREIGN] = [6, 100, -6];

/**
 * The characters that fit the image and the language best; first: those of greedy decoding.
 *
 * assets: what `load` made of the bundle's files.
 */
export function searched(probabilities, first, spec, assets) {
  const { search } = spec.extra;
  if (first.length && !assets.words && Math.min(...first.map((one) => one.peak)) >= search.sure) return first;
  const ending = (text) => wordEnding(text, assets.words);
  const language = (text, character) =>
    (assets.language ? assets.language(text, character) : 0) + (LETTER.test(character) ? 0 : ending(text));
  return aligned(probabilities, beamSearch(probabilities, spec.classes, language, ending, search));
}

/** A word of the lexicon costs nothing, any other much. */
function wordEnding(text, words) {
  let begin = text.length;
  while (begin > 0 && LETTER.test(text[begin - 1])) begin -= 1;
  const word = text.slice(begin).join("");
  return !words || !word || words.has(word) ? 0 : FOREIGN;
}

/** {language, words} from the bundle's assets, each absent where the bundle has none. */
export async function load(files) {
  const found = {};
  if (files["language.json.z"]) {
    const stream = new Blob([files["language.json.z"]]).stream().pipeThrough(new DecompressionStream("deflate"));
    found.language = languageModel(await new Response(stream).json());
  }
  if (files["lexicon.txt"]) {
    const lines = new TextDecoder().decode(files["lexicon.txt"]).split("\n").filter(Boolean);
    const capital = ([head, ...rest]) => head.toUpperCase() + rest.join("");
    found.words = new Set(lines.flatMap((line) => [line, capital([...line]), line.toUpperCase()]));
  }
  return found;
}

/** The logarithm of the probability that `character` follows the text: as in `tasks/read/language.py`. */
function languageModel({ costs, skips, unseen }) {
  const [last, skip] = [new Map(Object.entries(costs)), new Map(Object.entries(skips))];
  return (text, character) => {
    const context = ["\n", ...text].slice(1 - ORDER);
    let cost = 0;
    for (let begin = 0; begin <= context.length; begin++) {
      const before = context.slice(begin).join("");
      if (last.has(before + character)) return -(cost + last.get(before + character)) / UNIT;
      cost += skip.get(before) ?? 0;
    }
    return -(cost + unseen) / UNIT;
  };
}

/** The classes of the best text (prefix beam search, Hannun et al. 2014, algorithm 1). */
function beamSearch({ data, dims }, characters, language, ending, search) {
  const [steps, count] = dims;
  // A beam: its text and classes; logarithms of ending in a blank and in a letter; the language's part.
  let beams = new Map([["", { text: [], classes: [], blank: 0, letter: -Infinity, lm: 0 }]]);
  for (let step = 0; step < steps; step++) {
    const row = data.subarray(step * count, (step + 1) * count);
    const likely = Array.from(row.keys()).filter((k) => row[k] >= search.least);
    const logBlank = Math.log(Math.max(row[0], 1e-30));
    const found = new Map();
    const put = (key, beam, blank, letter) => {
      const old = found.get(key);
      if (old) [old.blank, old.letter] = [add(old.blank, blank), add(old.letter, letter)];
      else found.set(key, { ...beam, blank, letter });
    };
    for (const [key, beam] of beams) {
      const total = add(beam.blank, beam.letter);
      put(key, beam, total + logBlank, -Infinity);
      for (const k of likely.length === 1 && likely[0] === 0 ? [] : likely) {
        if (k === 0) continue;
        const character = characters[k - 1];
        const again = beam.text.at(-1) === character;
        const log = Math.log(row[k]);
        const there = found.get(key + character) ?? beams.get(key + character);
        const lm = there ? there.lm : beam.lm + search.weight * language(beam.text, character) + search.bonus;
        const longer = { text: [...beam.text, character], classes: [...beam.classes, k], lm };
        if (again) put(key, beam, -Infinity, beam.letter + log); // the same letter goes on
        // The letter twice needs a blank between.
        if (!again || beam.blank > -Infinity) put(key + character, longer, -Infinity, (again ? beam.blank : total) + log);
      }
    }
    const score = ([, beam]) => add(beam.blank, beam.letter) + beam.lm;
    beams = found.size > search.width ? new Map([...found].sort((a, b) => score(b) - score(a)).slice(0, search.width)) : found;
  }
  let best = null;
  for (const beam of beams.values()) {
    const score = add(beam.blank, beam.letter) + beam.lm + search.weight * ending(beam.text);
    if (!best || score > best.score) best = { score, classes: beam.classes };
  }
  return best.classes;
}

/** log(exp(a) + exp(b)). */
function add(a, b) {
  const [high, low] = a < b ? [b, a] : [a, b];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

/** The most probable steps of given characters (Viterbi, blanks between them); shared out evenly where none fit. */
function aligned({ data, dims }, classes) {
  const [steps, count] = dims;
  if (!classes.length) return [];
  if (classes.length + classes.filter((c, i) => i && c === classes[i - 1]).length > steps) {
    const edge = (i) => Math.trunc((i * steps) / classes.length);
    return classes.map((index, i) => {
      const [begin, end] = [edge(i), edge(i + 1)];
      return { index, peak: data[Math.min(begin, steps - 1) * count + index], begin, end };
    });
  }
  const states = Array.from({ length: 2 * classes.length + 1 }, (_, s) => (s % 2 ? classes[(s - 1) / 2] : 0));
  const log = (step, state) => Math.log(Math.max(data[step * count + states[state]], Math.fround(1e-30)));
  const came = [];
  let score = states.map((_, state) => (state < 2 ? log(0, state) : -Infinity));
  for (let step = 1; step < steps; step++) {
    const back = new Uint8Array(states.length);
    score = states.map((_, state) => {
      const skip = state >= 3 && state % 2 && states[state] !== states[state - 2];
      const ways = [score[state], score[state - 1] ?? -Infinity, skip ? score[state - 2] : -Infinity];
      back[state] = ways[1] > ways[0] ? (ways[2] > ways[1] ? 2 : 1) : ways[2] > ways[0] ? 2 : 0;
      return ways[back[state]] + log(step, state);
    });
    came.push(back);
  }
  let state = score.at(-1) >= score.at(-2) ? states.length - 1 : states.length - 2;
  const found = classes.map((index) => ({ index, peak: 0, begin: steps, end: 0 }));
  for (let step = steps - 1; step >= 0; step--) {
    if (state % 2) {
      const one = found[(state - 1) / 2];
      one.begin = step;
      one.end = Math.max(one.end, step + 1);
      one.peak = Math.max(one.peak, data[step * count + one.index]);
    }
    if (step) state -= came[step - 1][state];
  }
  return found;
}
