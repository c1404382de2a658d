/** The strip of all images. */
import { el } from "./dom.js";

export class Gallery {
  /** choose(image), remove(image): what a click on an image or on its cross does. */
  constructor(root, words, choose, remove) {
    Object.assign(this, { root, words, choose, remove, items: new Map() });
    root.addEventListener("keydown", (event) => this.key(event));
  }

  add(image) {
    const text = el("span", { className: "told", dir: "auto" });
    const shown = el("img", { src: image.url, alt: "", loading: "lazy" });
    shown.onerror = () => shown.remove();
    const pick = el("button", { type: "button", className: "thumb", onclick: () => this.choose(image) }, el("span", { className: "cover" }, shown), text);
    const cross = el("button", { type: "button", className: "cross", onclick: () => this.remove(image) }, "×");
    const item = el("li", {}, pick, cross);
    this.items.set(image, { item, pick, text, cross });
    this.root.append(item);
  }

  drop(image) {
    this.items.get(image)?.item.remove();
    this.items.delete(image);
  }

  /** Says what each image is, and which one is shown. */
  update(images, current) {
    for (const image of images) {
      const { item, pick, text, cross } = this.items.get(image);
      text.textContent = image.problem ? "!" : (image.view?.text ?? "…");
      item.classList.toggle("bad", Boolean(image.problem));
      pick.setAttribute("aria-current", String(image === current));
      pick.setAttribute("aria-label", `${image.name}: ${image.told ?? this.words.say("working")}`);
      cross.setAttribute("aria-label", `${this.words.say("remove")}: ${image.name}`);
    }
    this.items.get(current)?.item.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Arrows go to the neighbours, Delete removes. */
  key(event) {
    const images = [...this.items.keys()];
    const place = images.findIndex((image) => this.items.get(image).item.contains(event.target));
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && images[place + step]) {
      this.items.get(images[place + step]).pick.focus();
      this.choose(images[place + step]);
    } else if (event.key === "Delete" && place >= 0) this.remove(images[place]);
    else return;
    event.preventDefault();
  }
}
