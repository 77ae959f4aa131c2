import { expect, test } from "vitest";
import { matchBlocks } from "../src/places.js";

test.each([
  ["<pre><code>x = 1</code>COPY</pre>", "<pre><code>x = 1</code></pre>"],
  [
    "<details><summary>Output</summary><pre><code>x</code>COPY</pre></details>",
    "<details><summary>Output</summary>\n\n<pre><code>x\n</code></pre></details>",
  ],
])("a block with code is found in the output: %s", (live, final) => {
  const [view, output] = [document.createElement("div"), document.createElement("div")];
  view.innerHTML = live.replace("COPY", '<button class="ns-copy">Copy</button>');
  output.innerHTML = final;
  const block = /** @type {Element} */ (view.firstElementChild);
  expect(matchBlocks(output)(block)).toBe(output.firstElementChild);
});
