/** An image file as Sightline reads it: PNG by our own reader, the rest by the browser's decoders. */
import { Problem } from "../problem.js";
import { isPng, readPng } from "./png.js";
import { asGrey, reduced } from "./resize.js";

export const MAX_PIXELS = 100_000_000;
/** A JPEG is never reduced below twice this side: as in training. */
const LEAST_SIDE = 256;
const STRIP = 2 ** 22;

/**
 * {pixels, size}: pixels {data, width, height, channels: 1 or 3}, turned as their EXIF says, transparency on white; size
 * is that of the whole image, as a large JPEG is reduced to at least twice `least`, the [width, height] of the input.
 *
 * Throws a Problem for what is no image, is damaged or too large.
 */
export async function decode(blob, least) {
  if (!blob.size) throw new Problem("empty");
  const head = new Uint8Array(await blob.slice(0, 8).arrayBuffer());
  if (isPng(head)) {
    const pixels = await readPng(new Uint8Array(await blob.arrayBuffer()), MAX_PIXELS);
    return { pixels, size: [pixels.width, pixels.height] };
  }
  const pixels = await browsers(blob);
  const size = [pixels.width, pixels.height];
  const jpeg = head[0] === 0xff && head[1] === 0xd8;
  const side = 2 * Math.max(...least, LEAST_SIDE);
  const scale = [8, 4, 2].find((scale) => Math.min(...size) >= scale * side);
  return { pixels: asGrey(jpeg && scale ? reduced(pixels, scale) : pixels), size };
}

/** RGB by the browser's decoders, without a change of colours. */
async function browsers(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  } catch {
    throw new Problem("not-an-image");
  }
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) {
    bitmap.close();
    throw new Problem("too-large", { pixels: width * height, most: MAX_PIXELS });
  }
  const data = new Uint8Array(3 * width * height);
  const rows = Math.max(1, Math.floor(STRIP / width)); // a canvas of all pixels at once is more than phones allow
  const canvas = new OffscreenCanvas(width, Math.min(rows, height));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    const high = Math.min(rows, height - top);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, high);
    pen.drawImage(bitmap, 0, -top);
    const strip = pen.getImageData(0, 0, width, high).data;
    for (let i = 0, at = 3 * top * width; i < strip.length; i += 4) {
      data[at++] = strip[i];
      data[at++] = strip[i + 1];
      data[at++] = strip[i + 2];
    }
  }
  bitmap.close();
  return { data, width, height, channels: 3 };
}
