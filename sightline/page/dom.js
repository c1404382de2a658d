/** An element from its name, its properties and what is in it; text never becomes HTML. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "style") for (const [rule, text] of Object.entries(value)) made.style.setProperty(rule, text);
    else if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** A canvas of RGBA bytes. */
export function painted(width, height, fill) {
  const canvas = el("canvas", { width, height });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  fill(image.data);
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** Red, green, blue of each class number, neighbours far apart: as `sightline predict --out` draws them. */
export function classColour(number) {
  const [light, strong] = [[0.55, 0.75], [0.4, 0.85], [0.72, 0.7]][Math.floor(number / 8) % 3];
  const hue = (number * 0.381966) % 1;
  const chroma = strong * Math.min(light, 1 - light);
  return [0, 8, 4].map((offset) => {
    const k = (offset + hue * 12) % 12;
    return Math.round(255 * (light - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

/** For `keydown` of an element: arrows, Home and End go through the parts of an answer in it, elements with data-item. */
export function walk(event) {
  const parts = [...event.currentTarget.querySelectorAll("[data-item]")];
  const place = parts.indexOf(event.target);
  const steps = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1, Home: 0, End: parts.length - 1 };
  const next = parts[steps[event.key]];
  if (place < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
