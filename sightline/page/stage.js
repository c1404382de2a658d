/** The image in the middle of the page, and what is drawn on it. */
import { el } from "./dom.js";

/** Images smaller than the stage grow to three times their size, tiny ones to this side, or by this factor. */
const [GROWN, FACTOR, TIMES] = [480, 48, 3];

export class Stage {
  constructor(root) {
    this.root = root;
    this.picture = root.querySelector("#picture");
    this.frame = root.querySelector("#frame");
    this.caption = root.querySelector("#caption");
    this.note = root.querySelector("#unseen");
    new ResizeObserver(() => this.fit()).observe(root);
  }

  /** Shows an image of the gallery; its answer's layer comes with `draw`. */
  show(image) {
    if (this.image === image) return;
    this.image = image;
    this.picture.hidden = !image;
    [this.frame.hidden, this.note.hidden] = [false, true];
    this.frame.replaceChildren();
    this.frame.className = "frame";
    if (!image) return;
    this.shown = el("img", { src: image.url, alt: image.name });
    this.shown.onload = () => this.fit();
    this.shown.onerror = () => this.unseen();
    this.frame.append(this.shown);
    this.caption.textContent = "";
    this.caption.append(el("span", { className: "name", dir: "auto" }, image.name));
    this.fit();
  }

  /** Of what the browser cannot show, a note takes the place. */
  unseen() {
    this.frame.hidden = true;
    this.note.hidden = false;
  }

  /** [width, height] of the image as it is known: from the answer, or from the browser. */
  get size() {
    const { naturalWidth, naturalHeight } = this.shown;
    return this.image.size ?? (naturalWidth ? [naturalWidth, naturalHeight] : [640, 480]);
  }

  fit() {
    if (!this.image) return;
    const [width, height] = this.size;
    const roomy = { across: this.root.clientWidth - 2 * 16, down: Math.max(240, Math.min(0.72 * innerHeight, 860)) };
    const grown = Math.max(TIMES, Math.min(FACTOR, GROWN / Math.max(width, height)));
    const scale = Math.min(roomy.across / width, roomy.down / height, grown);
    this.frame.style.width = `${Math.max(1, width * scale)}px`;
    this.frame.style.height = `${Math.max(1, height * scale)}px`;
    this.frame.classList.toggle("pixels", scale > TIMES);
    this.caption.lastChild.dataset.size = `${width} × ${height}`;
  }

  /** What a view draws: its layer lies on the image. */
  draw(view) {
    this.view = view;
    this.frame.querySelector(".layer")?.remove();
    if (view?.layer) this.frame.append(view.layer);
    this.fit();
  }

  /** A canvas over the grey image; null takes it away. */
  heat(canvas) {
    this.frame.querySelector(".heat")?.remove();
    this.frame.classList.toggle("explained", Boolean(canvas));
    if (!canvas) return;
    canvas.className = "heat";
    this.shown.after(canvas);
  }
}
