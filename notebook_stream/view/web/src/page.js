// The page around the view: the element that scrolls it, and those that would clip its bar.

/**
 * Return the element that scrolls a node.
 *
 * @param {Element} node
 * @returns {Element}
 */
export function scrollerOf(node) {
  for (let up = node.parentElement; up; up = up.parentElement) {
    const flow = getComputedStyle(up).overflowY;
    if (up !== document.body && (flow === "auto" || flow === "scroll")) return up;
  }
  return document.scrollingElement ?? document.documentElement;
}

/**
 * Return what the events of a scroller are sent to.
 *
 * @param {Element} scroller
 */
export function targetOf(scroller) {
  return scroller === document.scrollingElement ? document : scroller;
}

/**
 * Return the height on the screen at which the scrolled area begins.
 *
 * @param {Element} scroller
 */
export function topOf(scroller) {
  return scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top;
}

/**
 * Return the height on the screen at which the scrolled area ends.
 *
 * @param {Element} scroller
 */
export function bottomOf(scroller) {
  return topOf(scroller) + scroller.clientHeight;
}

/**
 * Let nothing between the view and its cell clip the view: a sticky bar cannot leave an element
 * that clips its overflow, as outputs of a cell do.
 *
 * @param {Element} root
 * @returns {() => void} Undoes it.
 */
export function unclip(root) {
  /** @type {Element[]} */
  const clipping = [];
  for (let up = root.parentElement; up; up = up.parentElement) {
    const style = getComputedStyle(up);
    // Long outputs that the reader has made scroll are limited in their height.
    if (up.matches(".jp-Cell, .cell, body") || style.maxHeight !== "none") break;
    if (style.overflowY !== "visible") clipping.push(up);
  }
  for (const up of clipping) up.classList.add("ns-unclipped");
  return () => {
    for (const up of clipping) up.classList.remove("ns-unclipped");
  };
}
