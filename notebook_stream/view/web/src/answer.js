// One answer in the page. The kernel sends each finished block once, and the open block with each
// message; the page appends the former, changes the latter, and asks for packets that it lacks.
// The messages are described in messages.js.

import { Bar } from "./bar.js";
import { confirmCopy, copy } from "./copying.js";
import { element } from "./elements.js";
import { Following } from "./following.js";
import { focus, listenForEscape } from "./keyboard.js";
import { inflate } from "./messages.js";
import { scrollerOf, unclip } from "./page.js";
import { Swap } from "./swap.js";
import { GrowingText } from "./text.js";
import { announce, prepareVoice } from "./voice.js";

/** @import { Ending, MarkdownMessage, Model, PaintMessage } from "./messages.js" */

const TICK_MS = 100;
const SILENCE_MS = 10_000; // A kernel that lives sends a message every second.

/** Shows one answer: under its cell, until the static output comes, or in an area, where it stays. */
export class LiveView {
  #model;
  #answer;
  #root;
  #text;
  #bar;
  #appearing;
  #ignoreEscape;
  #clock;
  /** @type {Following | null} */
  #following = null;
  /** @type {Swap | null} */
  #swap = null;
  #restoreClipping = () => {};
  #order = Promise.resolve(); // Packets inflate in any order; messages are handled in theirs.
  #began = performance.now();
  #lastMessage = this.#began;
  #stopping = false;
  #done = false;

  /**
   * @param {Model} model
   * @param {HTMLElement} el
   * @param {number} [answer] Its number in the area; none under a cell.
   */
  constructor(model, el, answer) {
    this.#model = model;
    this.#answer = answer;
    this.#root = element("div", "ns-live", el);
    this.#root.tabIndex = -1;
    this.#root.setAttribute("role", "group");
    this.#root.setAttribute("aria-label", "Answer of Claude");
    this.#root.setAttribute("aria-busy", "true");
    this.#text = new GrowingText(this.#root);
    this.#bar = new Bar(this.#root, model, {
      stop: () => this.#stop(),
      copy: () => this.#send({ kind: "copy" }),
    });
    this.#ignoreEscape = listenForEscape(this.#root, () => this.#stop());
    this.#appearing = new ResizeObserver(() => this.#appear());
    this.#appearing.observe(this.#root);
    this.#clock = setInterval(() => this.#tick(), TICK_MS);
    prepareVoice();
    model.on("msg:custom", this.#receive);
    this.#send({ kind: "hello", have: 0 });
  }

  /** Take the view out of the page. */
  close() {
    this.#fallSilent();
    this.#model.off("msg:custom", this.#receive);
    this.#restoreClipping();
  }

  #fallSilent() {
    clearInterval(this.#clock);
    this.#appearing.disconnect();
    this.#ignoreEscape();
    this.#following?.end();
    this.#following = null; // A last paint may come when the static output has taken the place.
  }

  // Called once the view is laid out, before it is painted for the first time.
  #appear() {
    if (!this.#root.isConnected || !this.#root.offsetHeight) return;
    this.#appearing.disconnect();
    this.#restoreClipping = unclip(this.#root);
    this.#following = new Following(this.#root, scrollerOf(this.#root));
    this.#following.update();
  }

  #tick() {
    const now = performance.now();
    if (now - this.#lastMessage > SILENCE_MS) this.#bar.showState("No word from the kernel");
    else this.#bar.showTime(now - this.#began);
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send({ ...message, answer: this.#answer });
    } catch {
      this.#bar.showState("The kernel is gone");
    }
  }

  #stop() {
    if (this.#stopping || this.#done) return;
    this.#stopping = true;
    this.#bar.showStopping();
    this.#leaveFocus();
    this.#send({ kind: "stop" });
  }

  // The button that has the focus is about to go, and the page would lose the focus with it.
  #leaveFocus() {
    const stays = this.#answer !== undefined;
    const next = stays ? this.#root : this.#root.closest(".jp-Cell, .cell");
    if (this.#root.contains(document.activeElement)) focus(next);
  }

  #receive = (
    /** @type {PaintMessage | MarkdownMessage} */ message,
    /** @type {DataView[]} */ buffers,
  ) => {
    if (message.answer !== this.#answer) return;
    if (message.kind === "markdown") {
      copy(message.text);
      confirmCopy(this.#bar.copy);
      return;
    }
    if (message.phase === "done") {
      this.#leaveFocus();
      if (this.#answer === undefined) this.#prepareSwap();
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
    if (message.phase === "done") {
      this.#following?.update();
      this.#end(/** @type {PaintMessage & Ending} */ (message));
      return;
    }
    this.#began = Math.min(this.#began, performance.now() - message.seconds * 1000);
    this.#bar.showPhase(message);
    this.#bar.showFigures(message);
    this.#following?.update();
  }

  // At once, as the static output may come before the last packets are inflated.
  #prepareSwap() {
    if (this.#swap || !this.#root.isConnected) return;
    this.#swap = new Swap(this.#root, this.#text.element, scrollerOf(this.#root));
  }

  /** @param {PaintMessage & Ending} message */
  #end(message) {
    if (this.#done) return;
    this.#done = true;
    this.#fallSilent();
    this.#root.setAttribute("aria-busy", "false");
    this.#bar.end(message);
    this.#swap?.measure();
    announce(message.voice);
  }
}
