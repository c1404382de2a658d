/** Calls functions of the page's modules: a line {module, name, args} in, the result or {problem} a line out. */
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const KINDS = { uint8: Uint8Array, float32: Float32Array };

/** Arrays come as {kind, base64}. */
const revive = (key, value) => {
  if (!value?.base64 && value?.base64 !== "") return value;
  const bytes = new Uint8Array(Buffer.from(value.base64, "base64"));
  return new KINDS[value.kind](bytes.buffer, 0, bytes.length / KINDS[value.kind].BYTES_PER_ELEMENT);
};
const plain = (key, value) => {
  if (!ArrayBuffer.isView(value)) return value;
  const kind = value instanceof Float32Array ? "float32" : "uint8";
  return { kind, base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
};

for await (const line of createInterface({ input: process.stdin })) {
  const { module, name, args } = JSON.parse(line, revive);
  let result;
  try {
    const found = (await import(new URL(module, folder)))[name];
    result = typeof found === "function" ? await found(...args) : found;
  } catch (error) {
    result = { problem: error.code ?? String(error.stack), values: error.values };
  }
  console.log(JSON.stringify(result ?? null, plain));
}
