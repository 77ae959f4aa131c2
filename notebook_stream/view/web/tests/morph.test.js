import { expect, test } from "vitest";
import { changeText } from "../src/morph.js";

const LONG = "beta, gamma, delta, epsilon, zeta, eta, theta";

test.each([
  ["it grows", "one two", "one two three", [4, 7], "two"],
  ["its beginning is dropped", `… alpha ${LONG} end`, `… ${LONG} end of it`, [8, 12], "beta"],
  ["its middle changes", "one two three", "one TWO three", [0, 3], "one"],
])("a selection stays in a text when %s", (_, before, after, [from, to], selected) => {
  const node = document.createTextNode(before);
  document.body.append(node);
  const range = document.createRange();
  range.setStart(node, Number(from));
  range.setEnd(node, Number(to));
  changeText(node, after);
  expect(node.data).toBe(after);
  expect(range.toString()).toBe(selected);
});

test("any text becomes any other", () => {
  const words = ["", "a", "ab", "abab", "aab", "bab", "abc".repeat(20), `x${"abc".repeat(20)}`];
  for (const before of words) {
    for (const after of words) {
      const node = document.createTextNode(before);
      changeText(node, after);
      expect(node.data).toBe(after);
    }
  }
});
