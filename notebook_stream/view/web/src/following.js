// Scrolls to the end of the answer as it grows, until the reader scrolls away from it.

import { button } from "./elements.js";
import { bottomOf, targetOf, topOf } from "./page.js";

const AT_END_PX = 48; // The distance from the end within which the reader counts as at the end.
const JUMP_PX = 8; // The distance of the Jump button from the bar.

/** Keeps the end of a view in sight. */
export class Following {
  #root;
  #scroller;
  #target;
  #jump;
  #set = -1;
  #following;

  /**
   * @param {HTMLElement} root The view, which has just appeared.
   * @param {Element} scroller What scrolls it.
   */
  constructor(root, scroller) {
    this.#root = root;
    this.#scroller = scroller;
    this.#target = targetOf(scroller);
    this.#following = this.#isInSight(root.getBoundingClientRect().top);
    // Not in the view, which may be out of sight, nor in what may contain its layout.
    this.#jump = button("ns-jump", document.body, "Jump to the end ↓", () => {
      this.#following = true;
      this.update();
    });
    this.#jump.hidden = true;
    this.#target.addEventListener("scroll", this.#onScroll, { passive: true });
  }

  /** @param {number} y A height on the screen. */
  #isInSight(y) {
    return y > topOf(this.#scroller) && y <= bottomOf(this.#scroller) + AT_END_PX;
  }

  #toEnd() {
    const over = this.#root.getBoundingClientRect().bottom - bottomOf(this.#scroller);
    if (over > 0) this.#scroller.scrollTop += over;
    this.#set = this.#scroller.scrollTop;
  }

  // Called after each scroll; one that `#toEnd` made is not the reader's.
  #onScroll = () => {
    if (this.#scroller.scrollTop === this.#set) return;
    this.#following = this.#isInSight(this.#root.getBoundingClientRect().bottom);
    this.update();
  };

  /** Scroll to the end, or offer to; to be called when the answer has grown. */
  update() {
    if (this.#following) this.#toEnd();
    const isPast = this.#root.getBoundingClientRect().bottom <= bottomOf(this.#scroller);
    this.#jump.hidden = this.#following || isPast || !this.#scroller.clientHeight;
    if (!this.#jump.hidden) this.#place();
  }

  // Above the bar, which is at the bottom edge then.
  #place() {
    const box = this.#scroller.getBoundingClientRect();
    const bar = this.#root.querySelector(".ns-bar")?.clientHeight ?? 0;
    const style = this.#jump.style;
    style.left = `${box.left + this.#scroller.clientWidth / 2}px`;
    style.top = `${bottomOf(this.#scroller) - bar - JUMP_PX}px`;
  }

  /** Scroll no more. */
  end() {
    this.#jump.remove();
    this.#target.removeEventListener("scroll", this.#onScroll);
  }
}
