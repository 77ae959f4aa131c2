// Finds the blocks of an answer again in the static output, which has other elements.

/**
 * A block with its height on the screen.
 *
 * @typedef {{ block: Element, y: number }} Place
 */

const NEAR = 6; // The number of blocks to each side that may serve as an anchor.

/**
 * Return the index of the first block that ends below a height of the screen; the number of blocks
 * where none does.
 *
 * @param {Element[]} blocks In their order on the screen.
 * @param {number} height
 */
export function findBlock(blocks, height) {
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {Element} */ (blocks[middle]).getBoundingClientRect().bottom > height)
      high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Return the blocks near a height of the screen, the nearest first.
 *
 * @param {Element} text
 * @param {number} height
 * @returns {Place[]}
 */
export function placesNear(text, height) {
  const blocks = [...text.children];
  const middle = findBlock(blocks, height);
  return blocks
    .slice(Math.max(0, middle - NEAR), middle + NEAR)
    .map((block) => ({ block, y: block.getBoundingClientRect().top }))
    .sort((a, b) => Math.abs(a.y - height) - Math.abs(b.y - height));
}

/**
 * Return the text of a block without blanks, and without that of its Copy buttons.
 *
 * @param {Element} block
 */
export function wordsOf(block) {
  return withoutButtons(block).textContent.replace(/\s+/g, "");
}

/** @param {Element} block */
function withoutButtons(block) {
  if (!block.querySelector(".ns-copy")) return block;
  const bare = /** @type {Element} */ (block.cloneNode(true));
  for (const made of bare.querySelectorAll(".ns-copy")) made.remove();
  return bare;
}

/**
 * Find blocks of the output that have the same text as blocks of the live view; one whose text
 * occurs in the output more than once is not found.
 *
 * @param {Element} output
 * @returns {(block: Element) => Element | null}
 */
export function matchBlocks(output) {
  const byText = Map.groupBy(output.children, wordsOf);
  return (block) => {
    const same = byText.get(wordsOf(block));
    return same?.length === 1 ? (same[0] ?? null) : null;
  };
}

/**
 * A position in the text of a block: the characters before it that are no blanks.
 *
 * @typedef {{ block: Element, characters: number }} Point
 */

/**
 * Return a position of the selection as one in a block of the text; null where it is in none.
 *
 * @param {Element} text
 * @param {Node | null} node
 * @param {number} offset
 * @returns {Point | null}
 */
export function pointAt(text, node, offset) {
  const block = [...text.children].find((one) => one.contains(node));
  if (!block || !node) return null;
  const range = document.createRange();
  range.setStart(block, 0);
  range.setEnd(node, offset);
  return { block, characters: range.toString().replace(/\s+/g, "").length };
}

/**
 * Return the node and the offset of a position in a block.
 *
 * @param {Element} block
 * @param {number} characters
 * @returns {[Node, number]}
 */
export function resolvePoint(block, characters) {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  let left = characters;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const found = [...(node.nodeValue ?? "").matchAll(/\S/g)].map((match) => match.index);
    if (left <= found.length) return [node, left ? (found[left - 1] ?? 0) + 1 : (found[0] ?? 0)];
    left -= found.length;
  }
  return [block, block.childNodes.length];
}
