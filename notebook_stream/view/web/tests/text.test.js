import { beforeEach, expect, test } from "vitest";
import { GrowingText } from "../src/text.js";

/** @type {GrowingText} */
let text;
beforeEach(() => {
  document.body.replaceChildren();
  text = new GrowingText(document.body);
});

const shown = () => text.element.textContent.replace(/Copy|\s/g, "");

test("finished blocks stay and the open one is replaced", () => {
  text.show(0, [["<p>one</p>"]], ["", "<p>tw</p>"]);
  const first = text.element.querySelector("p");
  text.show(1, [["<p>two</p>"]], ["", "<p>three</p>"]);
  expect(shown()).toBe("onetwothree");
  expect(text.element.querySelector("p")).toBe(first);
  expect(text.have).toBe(2);
});

test("packets that are sent again are shown once", () => {
  text.show(0, [["<p>1</p>"], ["<p>2</p>"]], ["", "<p>3</p>"]);
  text.show(0, [["<p>1</p>"]], ["", "<p>2</p>"]);
  expect(shown()).toBe("123");
  text.show(0, [["<p>1</p>"], ["<p>2</p>"], ["<p>3</p>"]], ["", ""]);
  expect(shown()).toBe("123");
  expect(text.have).toBe(3);
});

test.each([
  ["<ul><li>a</li></ul>", "+<li>b</li>", "<li>c</li>", "li"],
  [
    "<table><tbody><tr><td>a</td></tr></tbody></table>",
    "+<tbody><tr><td>b</td></tr></tbody>",
    "<tbody><tr><td>c</td></tr></tbody>",
    "td",
  ],
])("a long block grows in pieces: %s", (first, piece, inside, item) => {
  text.show(0, [[first]], [piece.slice(1), ""]);
  text.show(1, [[piece]], [inside, ""]);
  expect(shown()).toBe("abc");
  expect(text.element.querySelectorAll(item)).toHaveLength(3);
  expect(text.element.children[0]?.parentElement).toBe(text.element);
});

test("code grows in pieces", () => {
  text.show(0, [["<pre class='ns-code'><code>a\n</code></pre>"]], ["b", ""]);
  text.show(1, [["+b\n"]], ["c", "<p>after</p>"]);
  expect(text.element.querySelector("code")?.textContent).toBe("a\nb\nc");
  expect(shown()).toBe("abcafter");
});

test("a list is loose once an item is", () => {
  text.show(0, [["<ul><li><p>a</p></li></ul>"]], ['<li class="ns-loose"><p>b</p></li>', ""]);
  expect(text.element.querySelector("ul")?.className).toBe("ns-loose");
});

test("what grows is the same node all along, also once it is finished", () => {
  text.show(0, [], ["", "<p>one <a href='#'>two</a> thr</p>"]);
  const [paragraph, link] = [text.element.querySelector("p"), text.element.querySelector("a")];
  const tail = /** @type {Text} */ (paragraph?.lastChild);
  const range = document.createRange();
  range.setStart(tail, 1);
  range.setEnd(tail, 4);
  text.show(0, [], ["", "<p>one <a href='#'>two</a> three</p>"]);
  text.show(0, [["<p>one <a href='#'>two</a> three.</p>"]], ["", "<p>four</p>"]);
  expect(text.element.querySelector("p")).toBe(paragraph);
  expect(text.element.querySelector("a")).toBe(link);
  expect(range.toString()).toBe("thr");
});

test("an open item stays the same node when its list is finished in pieces", () => {
  text.show(0, [], ["", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"]);
  const item = text.element.querySelectorAll("li")[1];
  text.show(0, [["<ul>\n<li>a</li>\n</ul>"]], ["<li>b!</li>", ""]);
  expect(text.element.querySelectorAll("li")[1]).toBe(item);
  text.show(1, [["+<li>b!</li>"]], ["<li>c</li>", ""]);
  expect(text.element.querySelectorAll("li")[1]).toBe(item);
  expect(shown()).toBe("ab!c");
});

test("a block of another kind takes the place of the open one", () => {
  text.show(0, [], ["", "<p>| a |</p>"]);
  text.show(0, [], ["", "<table></table>"]);
  text.show(0, [["<p>x</p>", "<table></table>"]], ["", ""]);
  expect([...text.element.children].map((one) => one.tagName)).toEqual(["P", "TABLE"]);
});

test("a fold that the reader has clicked stays as it is", () => {
  const fold = (/** @type {string} */ words, open = "") =>
    `<details class="ns-thinking"${open}><summary>Thinking</summary><div>${words}</div></details>`;
  text.show(0, [], ["", fold("a", " open")]);
  const details = /** @type {HTMLDetailsElement} */ (text.element.querySelector("details"));
  details.querySelector("summary")?.click();
  details.open = false;
  text.show(0, [], ["", fold("a b", " open")]);
  expect(details.open).toBe(false);
  expect(details.isConnected).toBe(true);
  details.open = true;
  text.show(0, [[fold("a b c")]], ["", ""]);
  expect(details.open).toBe(true);
});

test("the Copy button of growing code stays", () => {
  const code = (/** @type {string} */ words) => `<pre class="ns-code"><code>${words}</code></pre>`;
  text.show(0, [], ["", code("a")]);
  const copy = text.element.querySelector("button");
  expect(copy?.textContent).toBe("Copy");
  text.show(0, [], ["", code("a\nb")]);
  text.show(0, [[code("a\nb\n")]], ["", "<p>after</p>"]);
  expect(text.element.querySelectorAll("button")).toHaveLength(1);
  expect(text.element.querySelector("button")).toBe(copy);
});
