/** Small numbers, counted as Python and numpy count them: the same answer to the last digit that is shown. */

/** To the nearest whole number, halves to the even one. */
export function rint(value) {
  const low = Math.floor(value);
  const over = value - low;
  return over < 0.5 || (over === 0.5 && low % 2 === 0) ? low : low + 1;
}

/** To so many decimals. What lies exactly between two, such as 2.25, goes to the even one: toFixed would go up. */
export function rounded(value, digits) {
  const between = Math.abs((value * 2 ** (digits + 1)) % 2) === 1;
  return between ? rint(value * 10 ** digits) / 10 ** digits : Number(value.toFixed(digits));
}

/** Places of the values, largest first; equals keep their order. */
export function largestFirst(values) {
  return Array.from(values, (_, place) => place).sort((a, b) => values[b] - values[a]);
}

/** The place of the largest value between two places, the first of equals. */
export function argmax(values, begin = 0, end = values.length) {
  let best = begin;
  for (let place = begin + 1; place < end; place++) if (values[place] > values[best]) best = place;
  return best;
}

/** Texts in the order of their code points, as Python sorts them. */
export function byCodePoint(a, b) {
  const [one, other] = [[...a], [...b]];
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const step = one[i].codePointAt(0) - other[i].codePointAt(0);
    if (step) return step;
  }
  return one.length - other.length;
}

const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

/** The nearest number that 16 bits hold (IEEE 754 binary16), halves to the even one; for 0..65504. */
export function toHalf(value) {
  real[0] = value;
  // Below the smallest normal number steps are 2^-24 wide, above it eleven bits remain.
  if (value < 2 ** -14) return rint(value * 2 ** 24) / 2 ** 24;
  const step = 2 ** ((word[0] >>> 23) - 127 - 10);
  return rint(value / step) * step;
}
