// Scrolls to the end of the answer as it grows, until the reader scrolls away from it.

import { button } from "./elements.js";
import { bottomOf } from "./page.js";

const AT_END_PX = 48; // The distance from the end within which the reader counts as at the end.

/** Keeps the end of a view in sight. */
export class Following {
  #root;
  #scroller;
  #target;
  #jump;
  #set = -1;
  #following;

  /**
   * @param {HTMLElement} root The view.
   * @param {Element} scroller What scrolls it.
   */
  constructor(root, scroller) {
    this.#root = root;
    this.#scroller = scroller;
    this.#target = scroller === document.scrollingElement ? document : scroller;
    this.#following = this.#isAtEnd();
    this.#jump = button("ns-jump", root, "Jump to the end ↓", () => {
      this.#following = true;
      this.update();
    });
    this.#jump.hidden = true;
    this.#target.addEventListener("scroll", this.#onScroll, { passive: true });
  }

  #isAtEnd() {
    const end = this.#root.getBoundingClientRect().bottom;
    const bottom = bottomOf(this.#scroller);
    return end <= bottom + AT_END_PX && end > bottom - this.#scroller.clientHeight;
  }

  #toEnd() {
    const over = this.#root.getBoundingClientRect().bottom - bottomOf(this.#scroller);
    if (over > 0) this.#scroller.scrollTop += over;
    this.#set = this.#scroller.scrollTop;
  }

  // Called after each scroll; one that `#toEnd` made is not the reader's.
  #onScroll = () => {
    if (this.#scroller.scrollTop === this.#set) return;
    this.#following = this.#isAtEnd();
    this.update();
  };

  /** Scroll to the end, or offer to; to be called when the answer has grown. */
  update() {
    if (this.#following) this.#toEnd();
    const box = this.#root.getBoundingClientRect();
    const bottom = bottomOf(this.#scroller);
    this.#jump.hidden = this.#following || box.bottom <= bottom || box.top > bottom;
  }

  /** Scroll no more. */
  end() {
    this.#jump.remove();
    this.#target.removeEventListener("scroll", this.#onScroll);
  }
}
