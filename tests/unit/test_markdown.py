"""Markdown while it grows, and when it is done."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from notebook_stream.markdown import GrowingMarkdown, render_plain, sanitize
from notebook_stream.markdown.deflated import DeflatedText
from notebook_stream.markdown.escaping import BACKSLASH, MONEY

EVERYTHING = r"""# Title with `code`

Para one
second line with $x^2$ and **bold
over lines**.

- a
- b

  para in item

  ```py
  x = 1
  ```
1. one
2. two
   - [x] deep

> quote
lazy

| a | b |
|---|--:|
| 1 | `|` |

$$
a
- b < c
$$

\[ x \]

````md
```
inner
```
````

***

Setext
===
    code block

last https://example.com line"""


def static(*pieces: str) -> tuple[str, str]:
    growing = GrowingMarkdown()
    for piece in pieces:
        growing.grow(piece)
    return growing.render_static()


def page(blocks: list[str]) -> str:
    """What a page makes of blocks, of which those that begin with + go into the one before."""
    shown: list[str] = []
    for block in blocks:
        if block.startswith("+"):
            kind = (shown[-1][1:3], "</code>")
            end = {"ul": "</ul>", "ol": "</ol>", "ta": "</table>"}.get(*kind)
            before, closing, after = shown[-1].rpartition(end)
            shown[-1] = before + block[1:] + closing + after
        else:
            shown.append(block)
    # A browser shows the rows of two bodies as those of one.
    whole = re.sub(r"\s*(</?t(?:able|body|head|r)>)\s*", r"\1", "".join(map(marked_once, shown)))
    return whole.replace("</tbody><tbody>", "")


def marked_once(block: str) -> str:
    """A block, at whose beginning it says whether it is a list that has the mark, in any item."""
    unmarked = re.sub(r' class="ns-loose"|(?<=item) ns-loose', "", block)
    return block if unmarked == block else f"(loose){unmarked}"


def rendered(*pieces: str) -> str:
    growing = GrowingMarkdown()
    blocks = [block for piece in pieces for block in growing.grow(piece)]
    inside, after = growing.render_open_block()
    return page([*blocks, *([f"+{inside}"] if inside else []), after])


@given(st.lists(st.one_of(st.text(), st.sampled_from(["🌊", "\ud83c", "\udf0a", "a\n\n"]))))
def test_deflated_text_is_read_unchanged(pieces: list[str]) -> None:
    text = DeflatedText()
    for piece in pieces:
        text.append(piece)
    assert str(text) == "".join(pieces)
    assert text.end == "".join(pieces[-1:])[-2:]


def test_a_tour_renders_the_same_cut_anywhere() -> None:
    assert rendered("") == ""
    expected = rendered(EVERYTHING)
    assert rendered(*EVERYTHING) == expected
    for size in (3, 50):
        pieces = [EVERYTHING[i : i + size] for i in range(0, len(EVERYTHING), size)]
        assert rendered(*pieces) == expected, size
        assert static(*pieces) == (sanitize(EVERYTHING), render_plain(EVERYTHING)), size


LINES = st.sampled_from([
    "text", "- item", "  - nested", "1. one", "> quote", "# head", "---", "===", "```", "```py", "~~~",
    "    indented", "| a | b |", "|---|---|", "$$", "a $x$ b", r"\[", r"\]", "", "", "- ", "* x", "+ y",
    "#", "1.", "***", "`", "  cont", "a `b", "[x](y)", "![i](j)", "<b>", "\t", "$5 and $6", "- [ ] t",
])  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(LINES, max_size=14), st.lists(st.integers(0, 120), max_size=12))
def test_any_text_renders_the_same_cut_anywhere(lines: list[str], cuts: list[int]) -> None:
    text = "\n".join(lines)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert rendered(*pieces) == rendered(text)
    assert static(*pieces) == (sanitize(text), render_plain(text))


def test_a_formula_that_a_blank_line_ends_belongs_to_the_text_before_it() -> None:
    assert rendered("text\n$$\n", "\nmore") == rendered("text\n$$\n\nmore")


def test_a_link_definition_that_is_shown_before_it_is_whole_is_read_whole() -> None:
    growing = GrowingMarkdown()
    assert growing.grow("[a]: https://a.exa") == []
    assert growing.render_open_block() == ("", "")
    growing.grow("mple/x\n\nSee [a].\n")
    assert 'href="https://a.example/x"' in growing.render_open_block()[1]


def test_a_list_may_begin_with_nothing() -> None:
    assert render_plain("0. none\n1. one") == "0. none\n1. one"


def test_finished_blocks_are_given_once() -> None:
    growing = GrowingMarkdown()
    assert growing.grow("one\n\ntwo") == []
    assert growing.grow("\n\nthree\n") == ["<p>one</p>\n", "<p>two</p>\n"]
    assert growing.render_open_block() == ("", "<p>three</p>\n")


ITEMS = "".join(
    f"{n}. **item** {n}\n" + "   - sub\n     ```\n\n     x\n     ```\n" * (n % 9 == 0)
    for n in range(3, 90)
)
LISTS = (
    f"before\n\n{ITEMS}\n{ITEMS}\n" + "- a\n  b\n" * 40 + "* c\n\n\n" * 40 + " - d\n  - e\n" * 30
)
ROWS = "".join(f"| {n} | `x{n}` |\n" for n in range(150))
CODE = "".join(f"s = '''{n}\n\n\n" if n % 9 == 0 else f"f({n})\n" for n in range(150))
LONG = f"before\n\n```python\n{CODE}```\nbetween\n\n| a | b |\n|---|---|\n{ROWS}\nafter\n\n~~~\n\n\n{CODE}"


@pytest.mark.parametrize("text", [LONG, LISTS], ids=["code and tables", "lists"])
@pytest.mark.parametrize("size", [37, 1000])
def test_long_blocks_are_finished_in_pieces_that_make_the_same(text: str, size: int) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert rendered(*pieces) == rendered(text)
    assert static(*pieces) == (sanitize(text), render_plain(text))


ITEM_LINES = st.sampled_from([
    "- item", "- item", "- item", "  text", "", "  - nested", "   - three", "    - four", "\t- tab", "* x",
    "  ```", "  $$", "    code", "- [x] t", "- ", "-", "lazy", "  1. one", "---", " - in", "  | a |", "  |---|",
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(ITEM_LINES, min_size=15, max_size=60), st.sampled_from([1, 7, 40]), st.booleans())
def test_any_long_list_renders_the_same_cut_anywhere(
    lines: list[str], size: int, ordered: bool
) -> None:
    text = "- item\n" * 14 + "\n".join(lines)
    text = re.sub(r"^- ", "4. ", text, flags=re.MULTILINE) if ordered else text
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert rendered(*pieces) == rendered(text)
    assert static(*pieces) == (sanitize(text), render_plain(text))


def test_a_list_is_loose_by_an_item_whose_blocks_are_apart() -> None:
    text = "- item\n" * 16 + "- \n  1. one\n\n  - nested\n* x\n" + "- item\n" * 16
    assert rendered(*text) == rendered(text)


@pytest.mark.parametrize(
    ("opening", "line"),
    [
        ("```python\n", ""),
        ("| a | b |\n|---|---|\n", ""),
        ("", "- "),
        ("", "1. "),
        ("", "- \n\n  "),
    ],
)
def test_what_is_open_stays_small(opening: str, line: str) -> None:
    growing = GrowingMarkdown()
    growing.grow(opening)
    for n in range(300):
        growing.grow(f"{line}| {n} | x |\n")
        assert n % 9 or len("".join(growing.render_open_block())) < 12_000


def test_the_first_row_of_a_table_is_a_table_already() -> None:
    before = "Words:\n\n"
    rows = "| a \\| b | c |\n|:---|--:|\n| 1 | 2 |\n"
    for end in range(1, len(rows) + 1):
        growing = GrowingMarkdown()
        html = "".join([*growing.grow(before + rows[:end]), *growing.render_open_block()])
        assert "<table " in html, rows[:end]
        assert "|" not in html.replace("a |", ""), rows[:end]


def test_a_row_in_code_or_after_another_is_no_table() -> None:
    for text in ("```\n| a", "| a\n| b", "| a |\n\n", "> | a"):
        growing = GrowingMarkdown()
        assert "<table " not in "".join([*growing.grow(text), *growing.render_open_block()])


def test_an_open_fence_is_code_already() -> None:
    assert '<span class="ns-k">def</span>' in rendered("```python\ndef f")
    assert "&lt;b&gt;" in rendered("```nolanguage\n<b>")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [("$x$", 1), ("costs $5 and $10", 0), ("$5 \\$ $x$", 1), (r"\(x\) and \[y\]", 2), ("$$x$$", 1),
     ("$$\nx\n$$", 1), ("$ x $", 0), ("`$x$`", 0), ("$x\n\ny$", 0)],
)  # fmt: skip
def test_math_is_math_and_money_is_money(text: str, formulas: int) -> None:
    assert rendered(text).count("<math") == formulas


ATTACKS = [
    '```py"><img src=x>\nx\n```', "[x](vscode:y)", "<ms-msdt:x>", "[x]: intent:y\n\n[x]",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))",
    r"$\text{<script>alert(1)</script>}$", r"$\href{javascript:alert(1)}{x}$",
    r"$\style{background:url(//e)}{x}$", "![x](http://evil/x.png)", "<svg onload=alert(1)>",
    "```<script>\nx\n```", "[x](data:text/html,<script>)", "$$\\text{<img src=x onerror=alert(1)>}$$",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_of_the_answer_becomes_a_tag_or_a_dangerous_address(text: str) -> None:
    html = rendered(text)
    assert not re.search(
        r"<(script|img|svg|iframe|style)|href=.(javascript|data|vscode|ms-msdt|intent)|\bstyle=",
        html,
    )


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a <b>bold</b>", "a &lt;b>bold&lt;/b>"),
        ("`<b>` and <b>", "`<b>` and &lt;b>"),
        ("```\n<b>\n```\n", "```\n<b>\n```\n"),
        ("    <b> code\n\nx", "```\n<b> code\n```\n\nx"),
        ("    code\n", "    code\n"),
        ("`` `<b> ``", "<code>&#96;&#60;b&#62;</code>"),
        ("1 < 2", "1 < 2"),
        ("<https://a.b>", "<https://a.b>"),
        ("$a<b$", "$a< b$"),
        (r"\(x\)", "$x$"),
        (r"\[x\]", "$$x$$"),
        ("![alt](u)", "[alt](u)"),
        ("![](u)", "[u](u)"),
        ("one $5", "one $5"),
        ("$5 to $10", "<span>&#36;</span>5 to <span>&#36;</span>10"),
        (r"\$5 $x$", "<span>&#36;</span>5 $x$"),
        ("```\ncut", "```\ncut\n```\n"),
        ('```py"><img src=x>\nx\n```\n', "```py\nx\n```\n"),
        ("> ~~~ mermaid x\n> x\n", "> ~~~text\n> x\n> ~~~\n"),
        ("``` c++ title\ncut", "```c++\ncut\n```\n"),
        (r"$\def\x{1}$ $\beta$", r"`\def\x{1}` $\beta$"),
        (rf"${'{' * 40}{'}' * 40}$", rf"`{'{' * 40}{'}' * 40}`"),
        (r"\\(x\\)", "<span>&#92;</span>(x<span>&#92;</span>)"),
        ("&bsol;(x&#x5c;) &dollar;y&#36;", f"{BACKSLASH}(x{BACKSLASH}) {MONEY}y{MONEY}"),
        ("~" * 60 + "\n<b>$1", "&#126;" * 60 + f"\n&#60;b&#62;{MONEY}1"),
        ("~" * 11_000, "&#126;" * 11_000),
        (r"\begin{x}", "<span>&#92;</span>begin{x}"),
        ("<http://a/$x$>", "&lt;http://a/$x$>"),
        ("- " * 32 + "x", "- " * 30 + "&#45; &#45; x"),
        ("[a](vscode:x) [b](/c)", "[a]&#40;vscode:x) [b](/c)"),
        ("- a\n  ```py\n  cut", "- a\n  ```py\n  cut\n  ```\n"),
        ("> ~~~\n> cut", "> ~~~\n> cut\n> ~~~\n"),
        ("<!-- x", "&lt;!-- x"),
        ("```md\nUse:\n```python", "```md\nUse:\n```python\n```\n"),
        ("a\x0cb\u202e<img src=x>\r\n\r\n```\n<b>\n```\n", "ab&lt;img src=x>\n\n```\n<b>\n```\n"),
        ("a ` b\n\n<img src=x>\n\nc ` d", "a &#96; b\n\n&lt;img src=x>\n\nc &#96; d"),
        ("- a ` b\n- <img src=x>\n- c ` d", "- a &#96; b\n- &lt;img src=x>\n- c &#96; d"),
        ("# a `\n<b>\n`", "# a &#96;\n&lt;b>\n&#96;"),
        ("|a|b|\n|-|-|\n|`|<b>`|\n", "|a|b|\n|-|-|\n|&#96;|&lt;b>&#96;|\n"),
        ("a `b\n<c>` d", "a `b <c>` d"),
        ("[x](java&#115;cript:a)", "[x]&#40;java&#115;cript:a)"),
        ("[x]: <data:a>", "[x]&#58; &lt;data:a>"),
        ("$![a](u)$", "$! [a] (u)$"),
        ("!![a](u)", "&#33;[a](u)"),
        ("Wow![1] and ![2]\n\n[2]: u", "Wow&#33;[1] and [2]\n\n[2]: u"),
    ],
)
def test_the_saved_markdown_is_safe_and_says_the_same(text: str, safe: str) -> None:
    assert sanitize(text) == safe


class Tags(HTMLParser):
    """Collects what would run or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.bad: list[Any] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        runs = [name for name, _ in attrs if name.startswith("on")]
        to = [v for _, v in attrs if v and re.match(r"\s*(javascript|data|vbscript):", v, re.I)]
        if tag not in HARMLESS_TAGS or runs or to:
            self.bad.append((tag, attrs))


HARMLESS_TAGS = {
    "a", "b", "blockquote", "br", "code", "del", "details", "div", "em", "h1", "h2", "h3", "hr", "li",
    "ol", "p", "pre", "s", "section", "small", "span", "strong", "summary", "sup", "table", "tbody",
    "td", "th", "thead", "tr", "ul",
    "math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow",
    "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder",
    "munderover",
}  # fmt: skip
PIECES = st.sampled_from([
    "`", "``", "```", "~~~", "<evil>", "<evil x=1>", "<img src=x onerror=y>", "![a](u)", "![](u)",
    "!![a](u)", "[a]", "[a]: /u", "![a]", "$", "$$", r"\(", r"\)", r"\[", r"\]", "|", "\n", "\n\n", "- ",
    "> ", "    ", "\t", "# ", "a", " ", "\\", "&lt;", "<!--", "-->", "<?", "1. ", "|---|---|\n",
    "| a | b |\n", "*", "_", "<http://a>", "[x](javascript:alert(1))", "[x](<java&#115;cript:a>)", "'",
    '"', "(", ")", "]", "[", "!", "<a ", "href=", "</b>", "===\n", "---\n", "<script>", "</script>",
    '"><evil x=1>', "mermaid", "\x0c", "\r", "[x]: javascript:alert(1)\n", "[^1]", "[^1]: <evil>\n", "<div>\n", "~~",
])  # fmt: skip
GITHUB = MarkdownIt("gfm-like", {"html": True})


def written_into_a_class(self: Any, tokens: Any, idx: int, options: Any, env: Any) -> str:
    """As JupyterLab writes a fence: what follows the language, too."""
    return f'<pre class="language-{tokens[idx].info.strip()}"></pre>'


GITHUB.add_render_rule("fence", written_into_a_class)


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(PIECES, max_size=14))
def test_no_reader_of_the_saved_markdown_runs_or_loads_anything(pieces: list[str]) -> None:
    saved = sanitize("".join(pieces))
    assert not Tags(GITHUB.render(saved).replace(MONEY, "$")).bad, saved


def test_plain_text_has_no_markup() -> None:
    text = render_plain(
        "# T\n\n**a** `b` [c](http://d)\n\n- x\n  1. y\n- z\n\n|h|i|\n|-|-|\n|1|2|\n\n```py\nf()\n```"
    )
    assert text == "T\n\na b c (http://d)\n\n• x\n  1. y\n• z\n\nh  i  \n1  2  \n\nf()"
