/**
 * Reading PNG files, bit for bit as Pillow does: a browser may change colours by the file's profile, and round where
 * there is transparency. ISO/IEC 15948:2004; filters in section 9, interlacing in section 8.
 */
import { Problem } from "../problem.js";
import { asGrey, turned } from "./resize.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Left, top, and steps to the right and down of the seven passes of an interlaced image. */
const PASSES = [
  [0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2],
];

export const isPng = (bytes) => SIGNATURE.every((value, place) => bytes[place] === value);

/** {data, width, height, channels: 1 or 3} of a file's bytes. Throws a Problem for what is damaged or too large. */
export async function readPng(bytes, maxPixels) {
  const { head, data, palette, clear, exif } = chunks(bytes);
  const view = new DataView(head.buffer, head.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, interlaced] = [head[8], head[9], head[12]];
  if (!SAMPLES[colour] || !width || !height || (colour === 3 && !palette)) throw new Problem("damaged");
  if (width * height > maxPixels) throw new Problem("too-large", { pixels: width * height, most: maxPixels });
  const passes = interlaced ? PASSES : [[0, 0, 1, 1]];
  const parts = passes
    .map(([left, top, right, down]) => ({
      left, top, right, down,
      wide: Math.ceil((width - left) / right),
      high: Math.ceil((height - top) / down),
    }))
    .filter((part) => part.wide > 0 && part.high > 0);
  const bits = depth * SAMPLES[colour];
  const wanted = parts.reduce((sum, part) => sum + part.high * (1 + Math.ceil((part.wide * bits) / 8)), 0);
  const raw = await inflated(data, wanted);
  const samples = new Uint16Array(width * height * SAMPLES[colour]);
  let at = 0;
  for (const part of parts) {
    const stride = Math.ceil((part.wide * bits) / 8);
    unfilter(raw.subarray(at, at + part.high * (stride + 1)), stride, Math.max(1, bits >> 3));
    for (let row = 0; row < part.high; row++) {
      const line = raw.subarray(at + row * (stride + 1) + 1, at + (row + 1) * (stride + 1));
      spread(line, samples, width, part, row, depth, SAMPLES[colour]);
    }
    at += part.high * (stride + 1);
  }
  return turned(coloured({ samples, width, height, depth, colour, palette, clear }), orientation(exif));
}

function chunks(bytes) {
  const found = { data: [] };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") found.head = body;
    else if (kind === "IDAT") found.data.push(body);
    else if (kind === "PLTE") found.palette = body;
    else if (kind === "tRNS") found.clear = body;
    else if (kind === "eXIf") found.exif = body;
    else if (kind === "IEND") break;
    at += 12 + length;
  }
  if (found.head?.length !== 13 || !found.data.length) throw new Problem("damaged");
  return found;
}

/** The first `wanted` bytes that the chunks unpack to; what follows is not unpacked. */
async function inflated(parts, wanted) {
  const made = new Uint8Array(wanted);
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  try {
    while (at < wanted) {
      const { done, value } = await reader.read();
      if (done) break;
      made.set(value.subarray(0, wanted - at), at);
      at += Math.min(value.length, wanted - at);
    }
  } catch {
    // Bytes after the end of the stream are an error to some browsers: what counts is whether all pixels are there.
  }
  reader.cancel().catch(() => {});
  if (at < wanted) throw new Problem("damaged");
  return made;
}

/** Undoes the filter of each line in place; each begins with a byte that names its filter. */
function unfilter(raw, stride, step) {
  for (let begin = 1; begin < raw.length; begin += stride + 1) {
    const end = begin + stride;
    // Above the first line, and left of the first sample, everything is 0.
    const up = begin > 1 ? (i) => raw[i - stride - 1] : () => 0;
    const left = (i) => (i - begin < step ? 0 : raw[i - step]);
    const corner = (i) => (i - begin < step ? 0 : up(i - step));
    switch (raw[begin - 1]) {
      case 1: for (let i = begin; i < end; i++) raw[i] += left(i); break;
      case 2: for (let i = begin; i < end; i++) raw[i] += up(i); break;
      case 3: for (let i = begin; i < end; i++) raw[i] += (left(i) + up(i)) >> 1; break;
      case 4: for (let i = begin; i < end; i++) raw[i] += paeth(left(i), up(i), corner(i)); break;
    }
  }
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The samples of one line of a pass, put where they belong. */
function spread(line, samples, width, { left, top, right, down, wide }, row, depth, count) {
  const most = (1 << depth) - 1;
  for (let i = 0; i < wide * count; i++) {
    let value;
    if (depth === 8) value = line[i];
    else if (depth === 16) value = (line[2 * i] << 8) | line[2 * i + 1];
    else value = (line[(i * depth) >> 3] >> (8 - depth - ((i * depth) & 7))) & most;
    const x = left + right * Math.floor(i / count);
    samples[((top + down * row) * width + x) * count + (i % count)] = value;
  }
}

/** Grey or RGB bytes, transparency laid over white. Grey of 16 bits is scaled; colours of 16 bits lose the lower 8. */
function coloured({ samples, width, height, depth, colour, palette, clear }) {
  const count = width * height;
  const key = clear && colour !== 3 ? Array.from({ length: clear.length >> 1 }, (_, i) => (clear[2 * i] << 8) | clear[2 * i + 1]) : null;
  if (colour === 0 && (depth === 16 || !key)) {
    const scaled = depth === 16 ? (v) => (v === key?.[0] ? 255 : Math.trunc((v + 128) / 257)) : (v) => v * (255 / ((1 << depth) - 1));
    return { data: Uint8Array.from(samples, scaled), width, height, channels: 1 };
  }
  const shift = depth === 16 ? 8 : 0;
  const grey = depth < 8 && colour === 0 ? 255 / ((1 << depth) - 1) : 1;
  const data = new Uint8Array(3 * count);
  const one = SAMPLES[colour];
  for (let i = 0; i < count; i++) {
    const first = samples[one * i];
    let [red, green, blue, alpha] = [first, first, first, 255];
    if (colour === 3) {
      [red, green, blue] = [palette[3 * first], palette[3 * first + 1], palette[3 * first + 2]];
      alpha = clear?.[first] ?? 255;
    } else if (one >= 3) [green, blue] = [samples[one * i + 1], samples[one * i + 2]];
    if (key && first === key[0] && green === (key[1] ?? first) && blue === (key[2] ?? first)) alpha = 0;
    if (one % 2 === 0) alpha = samples[one * i + one - 1] >> shift;
    data[3 * i] = overWhite((red * grey) >> shift, alpha);
    data[3 * i + 1] = overWhite((green * grey) >> shift, alpha);
    data[3 * i + 2] = overWhite((blue * grey) >> shift, alpha);
  }
  return asGrey({ data, width, height, channels: 3 });
}

/** As Pillow's alpha_composite rounds it. */
function overWhite(value, alpha) {
  const sum = value * alpha * 128 + 255 * (255 - alpha) * 128 + 0x80 * 128;
  return (sum + (sum >> 8)) >> 8 >> 7;
}

/** 1 to 8, from the first directory of an EXIF block; 1 where it does not say. */
function orientation(exif) {
  if (!exif || exif.length < 14) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = exif[0] === 0x49;
  try {
    const first = view.getUint32(4, little);
    for (let i = 0; i < view.getUint16(first, little); i++) {
      if (view.getUint16(first + 2 + 12 * i, little) === 0x0112) return view.getUint16(first + 10 + 12 * i, little);
    }
  } catch {
    // EXIF that lies is no reason to lose the image.
  }
  return 1;
}
