// Tells when MathJax has set the formulas of an output.

const SETTLED_MS = 300; // The time without a new formula after which no other is expected.

/** Watches the formulas of an output. */
export class Formulas {
  #output;
  #expected;
  #count = 0;
  #changed = 0;

  /**
   * @param {Element} output
   * @param {number} expected The number of formulas in the text.
   */
  constructor(output, expected) {
    this.#output = output;
    this.#expected = expected;
  }

  /**
   * Return whether the output is there and its formulas stand; to be called in each frame.
   *
   * @param {number} now In milliseconds.
   */
  stand(now) {
    const found = this.#output.querySelectorAll("mjx-container").length;
    if (found !== this.#count) this.#changed = now;
    this.#count = found;
    if (!this.#output.firstChild) return false;
    if (!found) return !this.#expected;
    // The fonts of formulas begin to load in the frame after their insertion.
    const isLaidOut = now > this.#changed && document.fonts.status === "loaded";
    return isLaidOut && (found >= this.#expected || now > this.#changed + SETTLED_MS);
  }
}

/**
 * Lay out an output, which asks for the fonts of its formulas, and return whether all are there.
 *
 * @param {Element} output
 */
export function areFontsLoaded(output) {
  output.getBoundingClientRect();
  return document.fonts.status === "loaded";
}
