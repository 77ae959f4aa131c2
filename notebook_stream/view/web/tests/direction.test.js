import { beforeEach, expect, test } from "vitest";
import { directOutput } from "../src/direction.js";
import { GrowingText } from "../src/text.js";

beforeEach(() => document.body.replaceChildren());

test("only text of a right-to-left script gets the styles for it", () => {
  const text = new GrowingText(document.body);
  const shown = text.element.classList;
  text.show(0, [["<p>one é – 日本 →</p>"]], ["", "<p>two</p>"]);
  expect(shown.contains("ns-bidi")).toBe(false);
  text.show(1, [], ["", "<p>two שלום</p>"]);
  expect(shown.contains("ns-bidi")).toBe(true);
});

test.each(["שלום", "سلام", "ܫܠܡ", "߀", "ﬡ", "ﷲ", "𐤀", "𞤀"])("%s is of such a script", (words) => {
  const output = document.createElement("div");
  output.innerHTML = `<ul><li>${words}<ol><li>b</li></ol></li></ul><p>c</p>`;
  directOutput(output);
  expect(output.className).toBe("ns-bidi");
  expect(output.querySelectorAll("[dir=auto]")).toHaveLength(1);
});

test("an output without such text stays as it is", () => {
  const output = document.createElement("div");
  output.innerHTML = "<ul><li>a</li></ul>";
  directOutput(output);
  expect(output.outerHTML).toBe("<div><ul><li>a</li></ul></div>");
});
