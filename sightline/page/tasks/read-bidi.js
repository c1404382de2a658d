/** From the order on the page to the one in which a text is typed: `sightline/data/bidi.py` in JavaScript. */
const SIDES = { R: "R", AL: "R", L: "L", EN: "L", AN: "L" };
const [OPEN, CLOSED] = ["([{<«", ")]}>»"];

/**
 * The order of Unicode's algorithm is its own inverse: [[place, character], …] in the order of typing.
 *
 * seen: characters from left to right; bidi: {sides, marks} of the bundle, what Unicode says of its characters.
 */
export function typed(seen, bidi) {
  return order(seen, bidi).map(([place, mirrored]) => [place, mirrored ? mirror(seen[place]) : seen[place]]);
}

function order(seen, { sides: kinds, marks }) {
  let clusters = [];
  seen.forEach((character, place) => {
    if (clusters.length && marks.includes(character)) clusters.at(-1).push(place);
    else clusters.push([place]);
  });
  let sides = sidesOf(clusters.map(([first]) => kinds[seen[first]]));
  if (!sides.includes("R")) return seen.map((_, place) => [place, false]);
  const count = (side) => sides.filter((one) => one === side).length;
  const leftward = count("R") >= count("L");
  if (leftward) [clusters, sides] = [clusters.reverse(), sides.reverse()];
  const against = clusters.map(() => false);
  for (const [begin, end] of runs(sides, leftward ? "L" : "R")) {
    clusters.splice(begin, end - begin, ...clusters.slice(begin, end).reverse());
    against.fill(true, begin, end);
  }
  return clusters.flatMap((cluster, at) => cluster.map((place) => [place, leftward !== against[at]]));
}

/** L or R for letters and numbers; N for what takes its neighbours' direction. Signs belong to the number they touch. */
function sidesOf(kinds) {
  const found = kinds.map((kind) => SIDES[kind] ?? "N");
  if (kinds.includes("AL")) return found;
  const edges = new Set(runs(found, "L").filter(([begin, end]) => kinds.slice(begin, end).includes("EN")).flat());
  for (let begin = 0, end = 0; begin < kinds.length; begin = end) {
    for (end = begin; end < kinds.length && kinds[end] === kinds[begin]; ) end += 1;
    if (kinds[begin] === "ET" && (edges.has(begin) || edges.has(end))) found.fill("L", begin, end);
  }
  return found;
}

/** Longest stretches that begin and end on a side and hold nothing of the other: [[begin, end], …]. */
function runs(sides, side) {
  const [found, other] = [[], side === "L" ? "R" : "L"];
  sides.forEach((one, place) => {
    if (one !== side) return;
    const last = found.at(-1);
    if (last && !sides.slice(last[1], place).includes(other)) last[1] = place + 1;
    else found.push([place, place + 1]);
  });
  return found;
}

function mirror(character) {
  if (OPEN.includes(character)) return CLOSED[OPEN.indexOf(character)];
  return CLOSED.includes(character) ? OPEN[CLOSED.indexOf(character)] : character;
}
