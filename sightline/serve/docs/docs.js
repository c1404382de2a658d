// Draws /openapi.json: each address with its options, what goes in, what comes out, and a line to type.

const make = (tag, text = "", ...children) => {
  const element = document.createElement(tag);
  element.textContent = text;
  element.append(...children);
  return element;
};

const table = (rows) =>
  make("table", "", ...rows.map((cells) => make("tr", "", ...cells.map((cell) => make("td", cell)))));

const kind = (schema) => {
  const bounds = [];
  if (schema.minimum !== undefined) bounds.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) bounds.push(`to ${schema.maximum}`);
  if (schema.enum) bounds.push(`one of ${schema.enum.join(", ")}`);
  if (schema.default !== undefined) bounds.push(`default ${schema.default}`);
  return [schema.type, ...bounds].join(", ");
};

// A document of the schema's shape.
const example = (schema) => {
  if (schema.type === "array") return [example(schema.items)];
  if (schema.properties) {
    const found = Object.entries(schema.properties).map(([name, value]) => [name, example(value)]);
    if (schema.additionalProperties) found.push(["…", "…"]);
    return Object.fromEntries(found);
  }
  return Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
};

const line = (method, path, operation) => {
  const body = operation.requestBody ? " --data-binary @image.jpg" : "";
  return `curl${body} ${location.origin}${path.replace("{name}", "NAME")}`;
};

const drawn = (method, path, operation) => {
  const title = make("h2", "", make("b", method.toUpperCase()), path);
  const parts = [title, make("p", operation.description ?? ""), make("pre", line(method, path, operation))];
  if (operation.parameters) {
    parts.push(make("h3", "In the address"));
    parts.push(table(operation.parameters.map((one) => [one.name, `${one.description} (${kind(one.schema)})`])));
  }
  if (operation.requestBody) {
    parts.push(make("h3", "Body"));
    parts.push(table(Object.keys(operation.requestBody.content).map((type) => [type, ""])));
    parts.push(make("p", operation.requestBody.description));
  }
  const { 200: good, ...wrong } = operation.responses;
  const [[type, content]] = Object.entries(good.content);
  parts.push(make("h3", `Answer, ${type}`));
  if (content.schema.type === "object") parts.push(make("pre", JSON.stringify(example(content.schema), null, 1)));
  parts.push(make("h3", "Errors"));
  parts.push(table(Object.entries(wrong).map(([status, one]) => [status, one.description])));
  return make("article", "", ...parts);
};

const documents = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = documents.info.description.replaceAll("`", "");
const place = document.getElementById("operations");
place.replaceChildren();
for (const [path, methods] of Object.entries(documents.paths))
  for (const [method, operation] of Object.entries(methods)) place.append(drawn(method, path, operation));
