// The end: the header is removed, and the block that the reader looks at keeps its place on the
// screen. The page removes the view without an event, so each frame records where the blocks are,
// and the first frame after the removal scrolls as the last record requires.

import { bottomOf, isAtBottom, topOf } from "./page.js";

const SWAP_MS = 3000; // The time that a page may take to lay out what replaces the view.
const NEAR = 6; // The number of blocks to each side that may serve as an anchor.

/**
 * A block with its height on the screen.
 *
 * @typedef {{ block: Element, y: number }} Place
 */

/**
 * Record where the blocks are, until the static output has replaced the view.
 *
 * @param {HTMLElement} root The view.
 * @param {HTMLElement} text Its text.
 * @param {Element} scroller What scrolls it.
 * @returns {() => void} To be called at the end of the answer.
 */
export function recordPlace(root, text, scroller) {
  const area = root.closest(".jp-OutputArea, .output");
  const own = root.closest(".jp-OutputArea-child, .output_area");
  if (!area || !own) return () => {};
  const place = [...area.children].indexOf(own);
  let top = 0;
  /** @type {Place[]} */
  let nearby = [];
  let until = Number.POSITIVE_INFINITY;

  function checkFrame() {
    if (root.isConnected) record();
    else if (restore()) return;
    if (performance.now() < until) requestAnimationFrame(checkFrame);
  }

  function record() {
    top = text.getBoundingClientRect().top + scroller.scrollTop;
    nearby = blocksAt(text, topOf(scroller) + scroller.clientHeight / 2);
  }

  // Returns whether the static output has replaced the view.
  function restore() {
    const output = area?.children[place]?.querySelector(".jp-RenderedMarkdown, .rendered_html");
    // JupyterLab inserts an output with code empty, and fills it later.
    if (!output?.firstChild || !output.isConnected || output.closest(".ns-live")) return false;
    const rose = top - scroller.scrollTop - output.getBoundingClientRect().top;
    keepInPlace(/** @type {HTMLElement} */ (output), rose, scroller, nearby);
    return true;
  }

  checkFrame();
  return () => {
    until = performance.now() + SWAP_MS;
  };
}

/**
 * Return the blocks near a height of the screen, the nearest first.
 *
 * @param {HTMLElement} text
 * @param {number} height
 * @returns {Place[]}
 */
function blocksAt(text, height) {
  const blocks = [...text.children];
  const found = blocks.findIndex((one) => one.getBoundingClientRect().bottom > height);
  const middle = found < 0 ? blocks.length : found;
  return blocks
    .slice(Math.max(0, middle - NEAR), middle + NEAR)
    .map((block) => ({ block, y: block.getBoundingClientRect().top }))
    .sort((a, b) => Math.abs(a.y - height) - Math.abs(b.y - height));
}

/**
 * Scroll so that what the reader looked at has its old place.
 *
 * @param {HTMLElement} output
 * @param {number} rose The pixels by which it is too high.
 * @param {Element} scroller
 * @param {Place[]} [nearby] Blocks of the text that it replaces.
 */
export function keepInPlace(output, rose, scroller, nearby = []) {
  const box = output.getBoundingClientRect();
  const edge = topOf(scroller);
  if (box.bottom <= edge || box.top >= bottomOf(scroller)) return;
  if (box.top + rose > edge) {
    if (rose > 0) holdMargin(output, rose, scroller);
    return;
  }
  const [block, y] = sameBlock(output, nearby) ?? [output, box.top + rose];
  anchor(block, y, scroller);
}

/**
 * Find a block of the output with the same text as one of the recorded blocks, and return it with
 * the height of the recorded one; null where no text occurs in the output just once.
 *
 * @param {Element} output
 * @param {Place[]} nearby
 * @returns {[Element, number] | null}
 */
function sameBlock(output, nearby) {
  const words = (/** @type {Element} */ block) => block.textContent.replace(/\s+/g, "");
  const byText = Map.groupBy([...output.children], words);
  for (const { block, y } of nearby) {
    const same = byText.get(words(block));
    if (same?.length === 1 && same[0]) return [same[0], y];
  }
  return null;
}

/**
 * Keep a block at a height of the screen while formulas above it are laid out, which changes their
 * heights: for `SWAP_MS`, or until the reader scrolls.
 *
 * @param {Element} block
 * @param {number} y
 * @param {Element} scroller
 */
function anchor(block, y, scroller) {
  const until = performance.now() + SWAP_MS;
  let set = scroller.scrollTop;

  function correct() {
    const moved = block.getBoundingClientRect().top - y;
    const scrolled = scroller.scrollTop !== set && !isAtBottom(scroller);
    if (!block.isConnected || (moved && scrolled)) return;
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    set = scroller.scrollTop;
    if (performance.now() < until) requestAnimationFrame(correct);
  }

  correct();
}

/**
 * Leave a margin in the place of a header that was visible, so that what is below does not move; it
 * is removed once the output is not visible, and nothing that is visible moves by that.
 *
 * @param {HTMLElement} output
 * @param {number} px
 * @param {Element} scroller
 */
function holdMargin(output, px, scroller) {
  output.style.marginTop = `${px}px`;
  const observer = new IntersectionObserver(([entry]) => {
    if (!entry || entry.isIntersecting) return;
    observer.disconnect();
    const above = entry.boundingClientRect.bottom <= topOf(scroller);
    const next = above ? output.closest(".jp-Cell, .cell")?.nextElementSibling : null;
    const was = next?.getBoundingClientRect().top ?? 0;
    output.style.marginTop = "";
    if (next) scroller.scrollTop += next.getBoundingClientRect().top - was;
  });
  observer.observe(output);
}
