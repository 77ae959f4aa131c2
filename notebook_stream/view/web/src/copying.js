// Copies the answer as Markdown, which the kernel sends, or a block of code.

import { button, element } from "./elements.js";

const CONFIRMED_MS = 1500;

/**
 * Put a text into the clipboard.
 *
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that was loaded over plain HTTP has no clipboard API.
    const area = element("textarea", "ns-copying", document.body);
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * Show for a moment on a button that its text was copied.
 *
 * @param {HTMLButtonElement} pressed
 */
export function confirmCopy(pressed) {
  pressed.textContent = "Copied";
  setTimeout(() => {
    pressed.textContent = "Copy";
  }, CONFIRMED_MS);
}

/**
 * Give each block of code a button, from one block of the text to the last.
 *
 * @param {Element | null} from
 */
export function addCopyButtons(from) {
  for (let node = from; node; node = node.nextElementSibling) {
    for (const pre of node.matches("pre") ? [node] : node.querySelectorAll("pre")) {
      const code = pre.querySelector("code");
      if (code && !pre.querySelector(".ns-copy")) addCopyButton(pre, code);
    }
  }
}

/**
 * @param {Element} pre
 * @param {Element} code
 */
function addCopyButton(pre, code) {
  const made = button("ns-copy", pre, "Copy", () => {
    copy(code.textContent);
    confirmCopy(made);
  });
  made.setAttribute("aria-label", "Copy the code");
}
