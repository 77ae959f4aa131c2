"""Text of right-to-left scripts is laid out from the right, live and in the output of that page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from ..loopback import Hold, Script, delta, end, start
from .conftest import Lab, Notebook

ENGLISH = "# Title.\n\nA paragraph.\n\n"
MIXED = """# مرحبا بالعالم.

هذا نص عربي مع `x = 1` فيه.

1. الأول.
2. الثاني.

   ```
   y = 1  # ثالث.
   ```

> اقتباس.

- first.
- ثاني.

| الاسم. | الحجم. |
|--------|--------|
| واحد.  | اثنان. |

```python
x = 1  # ملاحظة.
```

النهاية."""

LOOK = """root => {
  const boxOf = (text, from, to) => {
    const range = document.createRange();
    range.setStart(text, from);
    range.setEnd(text, to);
    return range.getBoundingClientRect();
  };
  const textsIn = one => {
    const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    return [texts.find(text => text.data.trim()), texts.findLast(text => text.data.includes("."))];
  };
  const blocks = root.querySelectorAll("h1, p, li, td, pre");
  return [...blocks].filter(one => !one.querySelector("p, small")).map(one => {
    const [first, last] = textsIn(one.matches("pre") ? one.querySelector("code") : one);
    const outer = one.getBoundingClientRect();
    const begin = boxOf(first, 0, 1);
    const dot = boxOf(last, last.data.lastIndexOf("."), last.data.lastIndexOf(".") + 1);
    const left = Math.min(begin.left, dot.left) - outer.left;
    const right = outer.right - Math.max(begin.right, dot.right);
    return [first.data.trim().slice(0, 8), begin.left < dot.left ? "ltr" : "rtl",
            one.matches("td") ? "" : left < right ? "left" : "right"].join(" ");
  });
}"""
SIDES = """root => ({
  list: getComputedStyle(root.querySelector("ol")).paddingRight,
  quote: getComputedStyle(root.querySelector("blockquote")).borderRightWidth,
  columns: [...root.querySelectorAll("td")].map(one => one.getBoundingClientRect().left),
})"""


def check_direction(text: Locator) -> None:
    """The first letter of a block gives its direction; an item stands beside its marker."""
    assert text.evaluate(LOOK) == [
        "Title. ltr left",
        "A paragr ltr left",
        "مرحبا با rtl right",
        "هذا نص ع rtl right",
        "الأول. rtl right",
        "الثاني. rtl right",
        "y = 1  # ltr left",
        "اقتباس. rtl right",
        "first. ltr left",
        "ثاني. rtl left",
        "واحد. rtl ",
        "اثنان. rtl ",
        "x ltr left",
        "النهاية. rtl right",
    ]
    sides = text.evaluate(SIDES)
    assert sides["list"] == "28px"
    assert sides["quote"] == "5px"
    assert sides["columns"][0] > sides["columns"][1]


def test_text_is_laid_out_from_the_side_on_which_its_script_begins(
    page: Page, lab: Lab, app: str
) -> None:
    first, second = Hold(), Hold()
    pieces = [delta(MIXED[n : n + 7]) for n in range(0, len(MIXED), 7)]
    lab.api.play(Script([start(), delta(ENGLISH), first, *pieces, second, end()]))
    notebook = Notebook(page, lab, lab.write(f"direction-{app}", "%%claude x\nGo."), app=app)
    notebook.run_all()
    text = page.locator(".ns-text")
    expect(text).to_contain_text("A paragraph.")
    first.let_go.set()
    expect(text).to_contain_text("النهاية.")
    check_direction(text)
    second.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    check_direction(notebook.output(1).locator(".jp-RenderedMarkdown"))
