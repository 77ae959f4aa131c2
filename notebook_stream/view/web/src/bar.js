// The bar below the text: the state and the figures of the answer, Stop and Copy.

import { button, element } from "./elements.js";

/** @import { Ending, Model, PaintMessage } from "./messages.js" */

/** What the bar says of each phase. */
const PHASES = {
  waiting: "Waiting for the first token",
  thinking: "Thinking",
  writing: "Writing",
  done: "Done",
};

/** Shows the state and the figures of an answer. */
export class Bar {
  #element;
  #state;
  #model;
  #seconds;
  #tokens;
  #rate;
  #cost;
  #stop;

  /**
   * @param {Element} root The view.
   * @param {Model} model
   * @param {{ stop: () => void, copy: () => void }} press What its buttons do.
   */
  constructor(root, model, press) {
    this.#element = element("div", "ns-bar", root);
    element("span", "ns-pulse", this.#element).setAttribute("aria-hidden", "true");
    this.#state = element("span", "ns-state", this.#element, PHASES.waiting);
    const recorded = element("span", "ns-recorded", this.#element, "recorded reply");
    recorded.hidden = !model.get("recorded");
    // Where the bar is narrow, the last figures wrap to a row that is not shown.
    const figures = element("span", "ns-figures", this.#element);
    this.#seconds = element("span", "ns-seconds", figures, "0.0 s");
    this.#tokens = element("span", "ns-tokens", figures, "0 tokens");
    this.#model = element("span", "ns-model", figures, model.get("model"));
    this.#cost = element("span", "ns-cost", figures);
    this.#rate = element("span", "ns-rate", figures);
    const buttons = element("span", "ns-buttons", this.#element);
    this.#stop = button("ns-stop", buttons, "Stop", press.stop);
    this.#stop.title = "Stop the answer and keep what came (Esc)";
    this.copy = button("ns-copy-all", buttons, "Copy", press.copy);
    this.copy.title = "Copy what came so far, as Markdown";
  }

  /** @param {string} words */
  showState(words) {
    if (this.#state.textContent !== words) this.#state.textContent = words;
  }

  /** @param {number} ms */
  showTime(ms) {
    this.#seconds.textContent = `${(ms / 1000).toFixed(1)} s`;
  }

  /** Show that the answer is being stopped. */
  showStopping() {
    this.#stop.textContent = "Stopping";
    this.#stop.disabled = true;
    this.showState("Stopping");
  }

  /** @param {PaintMessage} message */
  showFigures(message) {
    const about = message.exact || !message.tokens ? "" : "≈ ";
    this.#model.textContent = message.model;
    this.#tokens.textContent = `${about}${message.tokens.toLocaleString("en")} tokens`;
    this.#rate.textContent = message.rate ? `${message.rate} tokens/s` : "";
    this.#cost.textContent = message.cost ?? "";
  }

  /**
   * Show what the answer does, unless it is being stopped.
   *
   * @param {PaintMessage} message
   */
  showPhase(message) {
    if (!this.#stop.disabled) this.showState(message.wait || PHASES[message.phase]);
  }

  /**
   * Become the footer, where the bar stands.
   *
   * @param {Ending} ending
   */
  end({ notes, ending, figures }) {
    const rows = document.createElement("div");
    rows.className = "ns-end jp-RenderedHTMLCommon jp-RenderedMarkdown";
    for (const note of notes) element("strong", "", element("p", "ns-footer", rows), note);
    const last = element("p", "ns-footer", rows);
    if (ending) last.append(element("strong", "", last, ending), " ");
    element("small", "", last, figures);
    this.#element.replaceWith(rows);
  }
}
