// Lays text of right-to-left scripts out from the right, block by block. The styles that do so cost
// a layout that looks at each character, so that only an answer with such a script gets them. The
// lists, quotes and tables of the view come with `dir="auto"`.

// Hebrew, Arabic, Syriac, Thaana, N'Ko and their like; the presentation forms; the historic scripts.
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const CONTAINERS = "ul, ol, blockquote, table";

/**
 * Lay out the blocks of an element from the right where their text asks for it, if any of it may.
 *
 * @param {Element} element
 * @param {string} text The text in it, or what is new of it.
 * @returns {boolean} Whether the element has such a layout.
 */
export function directByText(element, text) {
  const directed = element.classList.contains("ns-bidi") || RIGHT_TO_LEFT.test(text);
  if (directed) element.classList.add("ns-bidi");
  return directed;
}

/**
 * Do the same in the static output, where JupyterLab gives no block a direction.
 *
 * @param {Element} output
 */
export function directOutput(output) {
  if (!directByText(output, output.textContent)) return;
  for (const one of output.querySelectorAll(CONTAINERS)) {
    if (!one.parentElement?.closest(CONTAINERS)) one.setAttribute("dir", "auto");
  }
}
