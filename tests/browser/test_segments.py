"""What stands beside the text of an answer looks the same while it streams and once it is done."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ..loopback import Hold, Script, end, event, start
from .conftest import Lab, Notebook

ENVELOPE = start()[: start().index(b"event: content_block")]
THOUGHT = """Is it *so*? I **look**:

1. one
2. two with `code`

- a
    - nested

```python
x = 1  # a comment
```

> Quoted.

So it is."""
PAGES = [
    {"type": "web_search_result", "url": f"https://a.example/{n}", "title": f"Page {n}"}
    for n in range(12)
]
QUERY = {"query": "the tide"}
CONTENT: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": THOUGHT},
    {"type": "text", "text": "Let me see."},
    {"type": "server_tool_use", "id": "t1", "name": "web_search", "input": QUERY},
    {"type": "web_search_tool_result", "tool_use_id": "t1", "content": PAGES},
    {"type": "text", "text": "And again:\n\n- a list\n"},
    {"type": "server_tool_use", "id": "t2", "name": "web_search", "input": QUERY},
    {"type": "web_search_tool_result", "tool_use_id": "t2", "content": PAGES[:2]},
    {"type": "bash_code_execution_tool_result", "content": {"stdout": "a\n  b\n    c"}},
    {"type": "bash_code_execution_tool_result", "content": {"stdout": "one line"}},
    {"type": "web_search_tool_result", "content": {"error_code": "max_uses_exceeded"}},
    {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
    {"type": "text", "text": "The end."},
]


def send(content: list[dict[str, Any]]) -> list[bytes]:
    """The events of whole content blocks."""
    return [
        event("content_block_start", index=n, content_block=block)
        + event("content_block_stop", index=n)
        for n, block in enumerate(content)
    ]


MEASURE = """root => {
  const shown = root.querySelectorAll("p, details, summary, small, strong, a, code, pre, ul, ol, li");
  const corner = root.getBoundingClientRect();
  return [...shown]
    .filter(one => one.checkVisibility() && !one.matches("li > p"))
    .map(one => {
      const [box, style] = [one.getBoundingClientRect(), getComputedStyle(one)];
      const words = one.textContent.replace("Copy", "").replace(/\\s+/g, "").slice(0, 30);
      return {
        what: `${one.localName}: ${words}`,
        place: [box.left - corner.left, box.top - corner.top, box.height],
        style: [style.fontSize, style.lineHeight, style.fontWeight, style.color,
                style.backgroundColor, style.listStyleType, style.cursor].join(" / "),
      };
    });
}"""


def is_alike(live: list[dict[str, Any]], final: list[dict[str, Any]]) -> None:
    """What stands in the live view is in the output, in the same place and style."""
    assert [one["what"] for one in live] == [one["what"] for one in final[: len(live)]]
    assert not [
        (one, same)
        for one, same in zip(live, final, strict=False)
        if one["style"] != same["style"] or one["place"] != pytest.approx(same["place"], abs=2)
    ]


@pytest.mark.parametrize("folds", ["closed", "open"])
def test_segments_look_live_as_they_look_when_final(
    page: Page, lab: Lab, folds: str, app: str
) -> None:
    hold = Hold()
    lab.api.play(Script([ENVELOPE, *send(CONTENT), hold, end()]))
    path = lab.write(f"segments-{folds}-{app}", "%%claude x\nGo.")
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    text = page.locator(".ns-text")
    expect(text).to_contain_text("The end.")
    expect(text.locator("details")).to_have_count(3)
    if folds == "open":
        for fold in text.locator("summary").all():
            fold.click()
    live = text.evaluate(MEASURE)
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    output = notebook.output(1).locator(".jp-RenderedMarkdown")
    expect(output.locator("details[open]")).to_have_count(3 if folds == "open" else 0)
    is_alike(live, output.evaluate(MEASURE))
