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
