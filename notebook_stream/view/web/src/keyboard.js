// Keys and focus: Esc stops an answer that is in sight, and the focus goes to what stays.

import { bottomOf, scrollerOf, topOf } from "./page.js";

/**
 * Call a function when Esc is pressed in an answer, or while its notebook is in command mode and
 * the answer is in sight.
 *
 * @param {HTMLElement} root The view.
 * @param {() => void} stop
 * @returns {() => void} Ends it.
 */
export function listenForEscape(root, stop) {
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const target = /** @type {Element} */ (event.target);
    if (root.contains(target) || (isCommanding(root, target) && isInSight(root))) stop();
  };
  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}

/**
 * Return whether a key goes to the notebook of a view itself, and not to an editor or a field.
 *
 * @param {Element} root
 * @param {Element} target What has the focus.
 */
function isCommanding(root, target) {
  const notebook = root.closest(".jp-Notebook");
  return (
    !!notebook?.classList.contains("jp-mod-commandMode") &&
    notebook.contains(target) &&
    !target.closest("input, textarea, select, [contenteditable=true]")
  );
}

/** @param {Element} root */
function isInSight(root) {
  const box = root.getBoundingClientRect();
  const scroller = scrollerOf(root);
  return box.height > 0 && box.bottom > topOf(scroller) && box.top < bottomOf(scroller);
}

/**
 * Give the focus to an element without scrolling, as the notebook does with a cell in command mode.
 *
 * @param {Element | null | undefined} next
 */
export function focus(next) {
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}
