/** Asks an export of `--to web` in node: lines of {path, size} in, one JSON answer a line out. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const bytes = (name) => new Uint8Array(readFileSync(new URL(name, folder)));
const json = (name) => JSON.parse(readFileSync(new URL(name, folder), "utf-8"));
const { Engine } = await import(new URL("engine.js", folder));
const { readPng } = await import(new URL("pixels/png.js", folder));
const ort = await import(new URL("ort/ort.js", folder));

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = bytes("ort/ort.wasm");
const files = Object.fromEntries(json("model.json").assets.map((name) => [name, bytes(`assets/${name}`)]));
const engine = await Engine.open(ort, bytes("model.onnx"), json("spec.json"), files);
for await (const line of createInterface({ input: process.stdin })) {
  const { path, size } = JSON.parse(line);
  const pixels = await readPng(new Uint8Array(readFileSync(path)), 2e8);
  const seen = await engine.look(pixels, size ?? [pixels.width, pixels.height]);
  console.log(JSON.stringify(engine.answer(seen)));
}
