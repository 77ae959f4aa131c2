// The swap at the end of an answer: JupyterLab replaces the view by the static output, whose
// formulas are set only a while later. Until they stand, the text of the view covers the output,
// which keeps the height of the view; then what the reader looks at keeps its place on the screen.
// The selection and the folds go over to the output.

import { Deferral } from "./deferral.js";
import { directOutput } from "./direction.js";
import { areFontsLoaded, Formulas } from "./formulas.js";
import { bottomOf, targetOf, topOf } from "./page.js";
import { findBlock, matchBlocks, placesNear, pointAt, resolvePoint } from "./places.js";

/** @import { Place, Point } from "./places.js" */

const LONGEST_MS = 3000; // The time for which formulas are waited for.
const SCREENS = 3; // The number of screens above and below that are covered.
const OUTPUT = ":scope > .jp-RenderedMarkdown";

/** Covers the output that replaces a view. */
export class Swap {
  #root;
  #text;
  #scroller;
  #own;
  #target;
  #scrolled;
  #box = new DOMRect();
  #around = new DOMRect();
  /** @type {Place[]} */
  #near = [];
  #shown = { from: 0, to: 1 };
  /** @type {{ anchor: Point, focus: Point } | null} */
  #selection = null;
  #expected = 0;
  /** @type {boolean[]} */
  #folds = [];
  #isCovering = false;
  #observer;

  /**
   * Wait for the output. The view does not change any more, but for its last paint.
   *
   * @param {HTMLElement} root The view.
   * @param {HTMLElement} text Its text.
   * @param {Element} scroller What scrolls it.
   */
  constructor(root, text, scroller) {
    this.#root = root;
    this.#text = text;
    this.#scroller = scroller;
    this.#target = targetOf(scroller);
    this.#scrolled = scroller.scrollTop;
    this.#own = root.closest(".jp-OutputArea-child");
    this.measure();
    const area = this.#own?.parentElement;
    const place = area ? [...area.children].indexOf(/** @type {Element} */ (this.#own)) : -1;
    this.#observer = new MutationObserver(() => {
      if (this.#own?.isConnected) return;
      this.#stopWatching();
      const next = area?.children[place];
      const output = next?.querySelector(OUTPUT);
      if (output && this.#box.height) this.#cover(/** @type {HTMLElement} */ (next), output);
    });
    if (area) this.#observer.observe(area, { childList: true });
    document.addEventListener("selectionchange", this.#recordSelection);
    this.#target.addEventListener("scroll", this.#recordScroll, { passive: true });
  }

  /** Measure the view, which its removal makes impossible. */
  measure() {
    if (this.#isCovering || !this.#root.isConnected) return;
    this.#box = this.#root.getBoundingClientRect();
    this.#around = (this.#own ?? this.#root).getBoundingClientRect();
    const blocks = [...this.#text.children];
    const height = this.#scroller.clientHeight;
    const first = findBlock(blocks, topOf(this.#scroller) - SCREENS * height);
    const last = findBlock(blocks, bottomOf(this.#scroller) + SCREENS * height);
    const count = Math.max(1, blocks.length);
    this.#shown = { from: first / count, to: (last + 1) / count };
    this.#near = blocks
      .slice(first, last + 1)
      .map((block) => ({ block, y: block.getBoundingClientRect().top - this.#around.top }));
    this.#recordSelection();
  }

  #stopWatching() {
    this.#observer.disconnect();
    document.removeEventListener("selectionchange", this.#recordSelection);
    this.#target.removeEventListener("scroll", this.#recordScroll);
  }

  #recordScroll = () => {
    this.#scrolled = this.#scroller.scrollTop;
  };

  #recordSelection = () => {
    const selected = getSelection();
    if (!selected || !this.#root.isConnected) return;
    const anchor = pointAt(this.#text, selected.anchorNode, selected.anchorOffset);
    const focus = pointAt(this.#text, selected.focusNode, selected.focusOffset);
    this.#selection = anchor && focus && !selected.isCollapsed ? { anchor, focus } : null;
  };

  /**
   * @param {HTMLElement} next What has replaced the view.
   * @param {Element} output The static output in it.
   */
  #cover(next, output) {
    const [box, around] = [this.#box, this.#around];
    this.#isCovering = true;
    this.#root.inert = true;
    this.#root.classList.add("ns-cover");
    Object.assign(this.#root.style, {
      left: `${box.left - around.left}px`,
      top: `${box.top - around.top}px`,
      width: `${box.width}px`,
    });
    next.classList.add("ns-covered");
    next.style.height = `${around.height}px`;
    this.#folds = [...this.#text.querySelectorAll("details")].map((fold) => fold.open);
    this.#expected = this.#text.querySelectorAll("math, .ns-latex").length;
    this.#prune();
    next.append(this.#root);
    // Where the page was laid out without the view, it was too short to be scrolled so far.
    if (this.#scroller.scrollTop < this.#scrolled) this.#scroller.scrollTop = this.#scrolled;
    this.#align(next);
    this.#watchFormulas(output, () => this.#reveal(next, output));
  }

  // Blocks that are far from the screen need not be laid out again.
  #prune() {
    const near = new Set(this.#near.map((place) => place.block));
    if (!near.size) return;
    for (const block of [...this.#text.children]) if (!near.has(block)) block.remove();
  }

  /** @param {Element} next */
  #align(next) {
    const first = this.#near[0];
    if (!first) return;
    const y = first.block.getBoundingClientRect().top - next.getBoundingClientRect().top;
    this.#root.style.marginTop = `${first.y - y}px`;
  }

  /**
   * Call a function once the formulas of the output stand.
   *
   * @param {Element} output
   * @param {() => void} then
   */
  #watchFormulas(output, then) {
    const until = performance.now() + LONGEST_MS;
    const formulas = new Formulas(output, this.#expected);
    const deferral = new Deferral(output, this.#shown);
    const check = () => {
      const now = performance.now();
      const isOver = now > until || !output.isConnected;
      const stands = formulas.stand(now);
      if (stands || isOver) deferral.end();
      if (isOver || (stands && areFontsLoaded(output))) then();
      else requestAnimationFrame(check);
    };
    check();
  }

  /**
   * @param {HTMLElement} next
   * @param {Element} output
   */
  #reveal(next, output) {
    const following = next.closest(".jp-Cell")?.nextElementSibling ?? null;
    const [after, edge] = [following?.getBoundingClientRect().top ?? 0, topOf(this.#scroller)];
    const places = placesNear(this.#text, edge + this.#scroller.clientHeight / 2);
    const isRead = this.#text.getBoundingClientRect().bottom > edge;
    this.#root.remove();
    next.classList.remove("ns-covered");
    next.style.height = "";
    setFolds(output, this.#folds);
    labelBoxes(output);
    directOutput(output);
    const match = matchBlocks(output);
    if (following && !isRead) anchor(following, after, this.#scroller);
    else if (output.getBoundingClientRect().top < edge) keepInPlace(places, match, this.#scroller);
    if (this.#selection) select(this.#selection, match);
  }
}

/**
 * @param {Element} output
 * @param {boolean[]} folds Whether each is open.
 */
function setFolds(output, folds) {
  output.querySelectorAll("details").forEach((fold, n) => {
    fold.open = folds[n] ?? fold.open;
  });
}

/**
 * Name the boxes of a task list for those who hear the page; JupyterLab leaves them without.
 *
 * @param {Element} output
 */
function labelBoxes(output) {
  for (const box of output.querySelectorAll("input[type=checkbox]:not([aria-label])")) {
    box.setAttribute(
      "aria-label",
      /** @type {HTMLInputElement} */ (box).checked ? "done" : "to do",
    );
  }
}

/**
 * Scroll so that what the reader looks at has its old place.
 *
 * @param {Place[]} places Of blocks that are replaced, the nearest first.
 * @param {(block: Element) => Element | null} match
 * @param {Element} scroller
 */
function keepInPlace(places, match, scroller) {
  for (const { block, y } of places) {
    const same = match(block);
    if (!same) continue;
    anchor(same, y, scroller);
    return;
  }
}

/**
 * Scroll an element to a height of the screen.
 *
 * @param {Element} block
 * @param {number} y
 * @param {Element} scroller
 */
function anchor(block, y, scroller) {
  scroller.scrollTop += block.getBoundingClientRect().top - y;
}

/**
 * Select in the output what was selected in the view.
 *
 * @param {{ anchor: Point, focus: Point }} selected
 * @param {(block: Element) => Element | null} match
 */
function select({ anchor, focus }, match) {
  const [from, to] = [match(anchor.block), match(focus.block)];
  if (!from || !to) return;
  const start = resolvePoint(from, anchor.characters);
  getSelection()?.setBaseAndExtent(...start, ...resolvePoint(to, focus.characters));
}
