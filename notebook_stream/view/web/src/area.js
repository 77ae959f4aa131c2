// The area of a widget: it shows one answer after the other, and may be shown several times.

import { LiveView } from "./answer.js";

/** @import { Model } from "./messages.js" */

/** Shows the answer whose number the model has as `shown`. */
export class Area {
  #model;
  #el;
  /** @type {LiveView | null} */
  #view = null;

  /**
   * @param {Model} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.#model = model;
    this.#el = el;
    el.classList.add("ns-area");
    model.on("change:shown", this.#show);
    this.#show();
  }

  #show = () => {
    this.#clear();
    const shown = this.#model.get("shown");
    if (shown) this.#view = new LiveView(this.#model, this.#el, shown);
  };

  #clear() {
    this.#view?.close();
    this.#view = null;
    this.#el.replaceChildren();
  }

  /** Take the area out of the page. */
  close() {
    this.#model.off("change:shown", this.#show);
    this.#clear();
  }
}
