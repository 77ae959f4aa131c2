// The text of the answer: its finished blocks, which never change, and the open one after them.

import { addCopyButtons } from "./copying.js";
import { directByText } from "./direction.js";
import { element } from "./elements.js";
import { morph, rememberFolds } from "./morph.js";

const NEAR_END_PX = 4; // The distance from its end within which a scrolled box follows its text.

/** A row of nodes that grows: finished ones, and open ones after them. */
class Region {
  #container;
  /** @type {ChildNode | null} */
  #last;

  /**
   * @param {Element} container
   * @param {ChildNode | null} last Its last finished node.
   */
  constructor(container, last) {
    this.#container = container;
    this.#last = last;
  }

  /**
   * Return the region inside of a finished block.
   *
   * @param {Element} block
   * @param {number} [finished] The number of its finished nodes; all by default.
   */
  static inside(block, finished) {
    const container = containerOf(block);
    const nodes = container.childNodes;
    return new Region(container, nodes[(finished ?? nodes.length) - 1] ?? null);
  }

  /** The last finished node; null where there is none. */
  get last() {
    return this.#last;
  }

  /** The first open node; null where there is none. */
  get open() {
    return this.#last ? this.#last.nextSibling : this.#container.firstChild;
  }

  /**
   * Finish some nodes: open ones become them, as far as they are of the same kind.
   *
   * @param {ChildNode[]} nodes
   */
  finish(nodes) {
    for (const node of nodes) this.#last = this.#place(node, this.open);
  }

  /**
   * Change the open nodes into others.
   *
   * @param {ChildNode[]} nodes
   */
  showOpen(nodes) {
    let open = this.open;
    for (const node of nodes) open = this.#place(node, open).nextSibling;
    while (open) {
      const next = open.nextSibling;
      open.remove();
      open = next;
    }
  }

  /**
   * @param {ChildNode} node
   * @param {ChildNode | null} open The node in its place.
   * @returns {ChildNode} What is in the place now.
   */
  #place(node, open) {
    if (open?.nodeName === node.nodeName) return /** @type {ChildNode} */ (morph(open, node));
    return this.#container.insertBefore(node, open);
  }
}

/** Shows the HTML of an answer that grows. */
export class GrowingText {
  #blocks;
  /** @type {Region | null} */
  #inside = null; // Of the last finished block, where that goes on.
  #have = 0;

  /** @param {Element} root The view. */
  constructor(root) {
    this.element = element("div", "ns-text jp-RenderedHTMLCommon jp-RenderedMarkdown", root);
    this.#blocks = new Region(this.element, null);
    rememberFolds(this.element);
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
   * @param {[string, string] | null} open The open block: the HTML inside of the last finished
   *   block, and the HTML after it; null where it has not changed.
   */
  show(at, packets, open) {
    const changed = this.#blocks.last;
    const box = this.#openBox();
    const follows = !box || isAtEnd(box);
    const blocks = packets.slice(this.#have - at).flat();
    // A message that was sent again may end before the last packet that is shown.
    const next = open && at + packets.length >= this.#have ? open : null;
    directByText(this.element, [...blocks, ...(next ?? [])].join(""));
    const final = blocks.pop();
    for (const html of blocks) this.#finish(html);
    if (final) this.#finish(final, next?.[0]);
    if (next) this.#showOpen(...next);
    this.#have = Math.max(this.#have, at + packets.length);
    addCopyButtons(/** @type {Element | null} */ (changed) ?? this.element.firstElementChild);
    this.#followThinking(box, follows);
  }

  // Long code, tables and lists are sent in pieces: HTML that begins with + belongs inside of the
  // block before it.
  /**
   * @param {string} html
   * @param {string} [inside] What is open inside of it.
   */
  #finish(html, inside = "") {
    const last = this.#blocks.last;
    if (html.startsWith("+") && last instanceof Element) {
      this.#inside ??= Region.inside(last);
      this.#inside.finish(parse(wrapPiece(last, html.slice(1))));
      markLoose(last);
      return;
    }
    const nodes = parse(html);
    const block = nodes.at(-1);
    let count = 0;
    if (inside && block instanceof Element) {
      count = containerOf(block).childNodes.length;
      containerOf(block).append(...parse(wrapPiece(block, inside)));
    }
    this.#blocks.finish(nodes);
    const shown = this.#blocks.last;
    this.#inside = count && shown instanceof Element ? Region.inside(shown, count) : null;
  }

  /**
   * @param {string} inside
   * @param {string} after
   */
  #showOpen(inside, after) {
    const last = this.#blocks.last;
    if (last instanceof Element && (inside || this.#inside)) {
      this.#inside ??= Region.inside(last);
      this.#inside.showOpen(inside ? parse(wrapPiece(last, inside)) : []);
      markLoose(last);
    }
    this.#blocks.showOpen(parse(after));
  }

  /** Return the box of thinking that grows; null where none does. */
  #openBox() {
    const last = this.element.lastElementChild;
    return last?.matches(".ns-thinking[open]") ? last.lastElementChild : null;
  }

  /**
   * Scroll the box of thinking to its newest line.
   *
   * @param {Element | null} before The box before the paint.
   * @param {boolean} follows Whether that was scrolled to its end.
   */
  #followThinking(before, follows) {
    const box = this.#openBox();
    if (box && (follows || box !== before)) box.scrollTop = box.scrollHeight;
  }
}

/** @param {Element} box */
function isAtEnd(box) {
  return box.scrollTop + box.clientHeight >= box.scrollHeight - NEAR_END_PX;
}

/**
 * Return the nodes of some HTML, without blank text between elements.
 *
 * @param {string} html
 */
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const nodes = [...template.content.childNodes];
  return nodes.filter((node) => node instanceof Element || node.textContent?.trim());
}

/**
 * Return the element of a block that its pieces are in: the items of a list, the bodies of a table,
 * the boxes in a block of code.
 *
 * @param {Element} block
 */
function containerOf(block) {
  return block.matches("ul, ol, table") ? block : (block.querySelector("code") ?? block);
}

/**
 * Put a piece of code into a box of its own, so that a page lays out long code piece by piece.
 *
 * @param {Element} block
 * @param {string} html
 */
function wrapPiece(block, html) {
  return block.matches("pre") ? `<span class="ns-piece">${html}</span>` : html;
}

/**
 * Copy the class of a loose item to its list, as all items of the list are loose then. (A style
 * with `:has` would do the same, but paints the end of a list of 1,000 items 0.4 s later.)
 *
 * @param {Element} block
 */
function markLoose(block) {
  if (block.querySelector(":scope > .ns-loose")) block.classList.add("ns-loose");
}
