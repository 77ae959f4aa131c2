// The live view in the page. The kernel sends each finished block once, and the open block with each
// message; the page appends the former, replaces the latter, and asks for packets that it lacks.
// The messages are described in messages.js.

import { Bar, PHASES } from "./bar.js";
import { confirmCopy, copy } from "./copying.js";
import { element } from "./elements.js";
import { Following } from "./following.js";
import { inflate } from "./messages.js";
import { scrollerOf, unclip } from "./page.js";
import { keepInPlace, recordPlace } from "./swap.js";
import { GrowingText } from "./text.js";

/** @import { MarkdownMessage, Model, PaintMessage } from "./messages.js" */

const TICK_MS = 100;
const SILENCE_MS = 10_000; // A kernel that lives sends a message every second.

/** One answer in the page. */
class LiveView {
  #model;
  #root;
  #bar;
  #text;
  /** @type {Element | null} */
  #scroller = null;
  /** @type {Following | null} */
  #following = null;
  #endRecord = () => {};
  #restoreClipping = () => {};
  #order = Promise.resolve(); // Packets inflate in any order; messages are handled in theirs.
  #began = performance.now();
  #lastMessage = this.#began;
  #stopping = false;
  #done = false;
  #clock;

  /**
   * @param {Model} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.#model = model;
    this.#root = element("div", "ns-live", el);
    this.#root.tabIndex = -1;
    this.#root.setAttribute("role", "group");
    this.#root.setAttribute("aria-label", "Answer of Claude");
    this.#root.setAttribute("aria-busy", "true");
    this.#bar = new Bar(this.#root, model, {
      stop: () => this.#stop(),
      copy: () => this.#send({ kind: "copy" }),
    });
    this.#text = new GrowingText(this.#root);
    this.#root.addEventListener("keydown", this.#onKey);
    model.on("msg:custom", this.#receive);
    this.#clock = setInterval(() => this.#tick(), TICK_MS);
    this.#send({ kind: "hello", have: 0 });
  }

  /** Take the view out of the page. */
  close() {
    clearInterval(this.#clock);
    this.#model.off("msg:custom", this.#receive);
    this.#following?.end();
    this.#restoreClipping();
    this.#endRecord();
  }

  #tick() {
    if (this.#done) return;
    if (!this.#scroller && this.#root.isConnected) this.#measurePage();
    const now = performance.now();
    if (now - this.#lastMessage > SILENCE_MS) this.#bar.showState("No word from the kernel");
    else this.#bar.showTime(now - this.#began);
  }

  #measurePage() {
    this.#restoreClipping = unclip(this.#root);
    this.#scroller = scrollerOf(this.#root);
    this.#following = new Following(this.#root, this.#scroller);
    this.#endRecord = recordPlace(this.#root, this.#text.element, this.#scroller);
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      this.#bar.showState("The kernel is gone");
    }
  }

  #stop() {
    if (this.#stopping || this.#done) return;
    this.#stopping = true;
    this.#bar.showStopping();
    this.#send({ kind: "stop" });
  }

  #receive = (
    /** @type {PaintMessage | MarkdownMessage} */ message,
    /** @type {DataView[]} */ buffers,
  ) => {
    if (message.kind === "markdown") {
      copy(message.text);
      confirmCopy(this.#bar.copy);
      return;
    }
    const packets = Promise.all((buffers ?? []).map(inflate));
    // A message that cannot be handled is reported, and the next ones are handled all the same.
    this.#order = this.#order
      .then(async () => this.#paint(message, await packets))
      .catch(reportError);
  };

  /**
   * @param {PaintMessage} message
   * @param {any[]} packets
   */
  #paint(message, packets) {
    if (message.at > this.#text.have) {
      this.#send({ kind: "hello", have: this.#text.have });
      return;
    }
    const open = message.open ? packets.pop() : null;
    this.#text.show(message.at, packets, open?.length ? open : null);
    this.#lastMessage = performance.now();
    if (!this.#stopping) this.#bar.showState(message.wait || PHASES[message.phase]);
    this.#bar.showFigures(message);
    this.#began = Math.min(this.#began, performance.now() - message.seconds * 1000);
    this.#following?.update();
    if (message.phase === "done") this.#end(message.footer);
  }

  /** @param {string[]} lines */
  #end(lines) {
    if (this.#done) return;
    this.#done = true;
    this.#root.setAttribute("aria-busy", "false");
    this.#following?.end();
    const text = this.#text.element;
    const top = text.getBoundingClientRect().top;
    this.#endRecord();
    this.#bar.element.remove();
    this.#restoreClipping();
    const rose = top - text.getBoundingClientRect().top;
    if (this.#scroller) keepInPlace(this.#root, rose, this.#scroller);
    for (const line of lines) element("p", "ns-footer", this.#root, line);
  }

  #onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.#stop();
  };
}

/**
 * Show the view; anywidget calls this.
 *
 * @param {{ model: Model, el: HTMLElement }} place
 * @returns {() => void} Takes it away.
 */
function render({ model, el }) {
  const view = new LiveView(model, el);
  return () => view.close();
}

export default { render };
