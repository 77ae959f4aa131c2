// The text of the answer: finished blocks, which are appended once, and the open one.

import { addCopyButtons } from "./copying.js";
import { element } from "./elements.js";

/** Shows the HTML of an answer that grows. */
export class GrowingText {
  #open;
  #have = 0;

  /** @param {Element} root The view. */
  constructor(root) {
    this.element = element("div", "ns-text jp-RenderedHTMLCommon jp-RenderedMarkdown", root);
    this.#open = element("div", "ns-open", this.element);
  }

  /** The number of packets that it shows. */
  get have() {
    return this.#have;
  }

  /**
   * Show packets of HTML; those that it has already are passed over.
   *
   * @param {number} at The number of the first packet, at most `have`.
   * @param {string[][]} packets
   * @param {[string, string] | null} open The open block; null where it has not changed.
   */
  show(at, packets, open) {
    const last = this.#open.previousElementSibling;
    for (const block of packets.slice(this.#have - at).flat()) this.#append(block);
    addCopyButtons(last ? last.nextElementSibling : this.element.firstElementChild);
    // A message that was sent again may end before the last packet that is shown.
    if (open && at + packets.length >= this.#have) this.#showOpen(...open);
    this.#have = Math.max(this.#have, at + packets.length);
  }

  /**
   * @param {string} inside
   * @param {string} after
   */
  #showOpen(inside, after) {
    const block = this.#open.previousElementSibling;
    if (inside && block) {
      insideOf(block).innerHTML = inside;
      markLoose(block);
    }
    this.#open.innerHTML = after;
  }

  // Long code, tables and lists are sent in pieces: HTML that begins with + belongs inside of the
  // block before it.
  /** @param {string} block */
  #append(block) {
    const last = this.#open.previousElementSibling;
    if (!block.startsWith("+") || !last) {
      this.#open.insertAdjacentHTML("beforebegin", block);
      return;
    }
    const inside = insideOf(last);
    inside.replaceChildren();
    if (inside.matches("code > *")) {
      const piece = element("span", "ns-piece", /** @type {Element} */ (inside.parentElement));
      piece.innerHTML = block.slice(1);
      inside.before(piece);
    } else {
      inside.insertAdjacentHTML("beforebegin", block.slice(1));
      markLoose(last);
    }
  }
}

/**
 * Return the element for the open part of a list, a table or a block of code; make it if needed.
 *
 * @param {Element} block
 */
function insideOf(block) {
  const known = block.querySelector(".ns-inside");
  if (known) return known;
  if (block.matches("table")) return element("tbody", "ns-inside", block);
  const parent = block.matches("ul, ol") ? block : block.querySelector("code");
  return element("span", "ns-inside", parent ?? block);
}

/**
 * Copy the class of a loose item to its list, as all items of the list are loose then. (A style
 * with `:has` would do the same, but paints the end of a list of 1,000 items 0.4 s later.)
 *
 * @param {Element} block
 */
function markLoose(block) {
  if (block.querySelector(":scope > .ns-loose, :scope > .ns-inside > .ns-loose")) {
    block.classList.add("ns-loose");
  }
}
