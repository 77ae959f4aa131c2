// Layout that is put off: formulas change the height of an output several times (when they are set,
// when their fonts are there), and each time the browser would lay out all of it. While a cover is
// over the output, only the blocks that are about to be seen are laid out.

/** Puts off the layout of the blocks of an output that are far from the screen. */
export class Deferral {
  #output;
  #shown;
  /** @type {Element[]} */
  #deferred = [];
  #observer;

  /**
   * Wait for the first formula: MathJax measures each place of a formula before it sets any.
   *
   * @param {Element} output
   * @param {{ from: number, to: number }} shown Its blocks that are laid out, in fractions of all.
   */
  constructor(output, shown) {
    this.#output = output;
    this.#shown = shown;
    this.#observer = new MutationObserver(() => this.#begin());
    this.#observer.observe(output, { childList: true, subtree: true });
  }

  #begin() {
    if (!this.#output.querySelector("mjx-container")) return;
    this.#observer.disconnect();
    const blocks = [...this.#output.children];
    const { from, to } = this.#shown;
    this.#deferred = blocks.filter(
      (_, n) => n + 1 <= from * blocks.length || n >= to * blocks.length,
    );
    for (const block of this.#deferred) block.classList.add("ns-deferred");
  }

  /** Let the browser lay out all blocks. */
  end() {
    this.#observer.disconnect();
    for (const block of this.#deferred) block.classList.remove("ns-deferred");
    this.#deferred = [];
  }
}
