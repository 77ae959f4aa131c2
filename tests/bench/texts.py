"""Answers to measure with: Markdown with every construct, cut into deltas at a pace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

from ..loopback import Pause, Script, Step, delta, end, start

WORDS = """
    the lighthouse keeper counts waves while the model writes about tide tables and their moving
    averages because every harbour needs a chart that people can read at night
""".split()  # noqa: SIM905 - easier to read than a list of quoted words
CODE = {
    "python": "def mean_{n}(values: list[float]) -> float:\n    # of what is there\n    return sum(values) / max(len(values), {n})\n",
    "javascript": "const f{n} = (x) => {{ return `${{x}} of {n}`; }}; // a template\n",
    "sql": "SELECT name, count(*) FROM t{n} WHERE price > {n} GROUP BY name;\n",
    "": "plain output of step {n}\n    with an indent\n",
}


def _prose(chance: random.Random, words: int = 40) -> str:
    chosen = [chance.choice(WORDS) for _ in range(words)]
    chosen[3] = f"**{chosen[3]}**"
    chosen[7] = f"`{chosen[7]}`"
    chosen[11] = f"[{chosen[11]}](https://example.org/{chosen[12]})"
    return " ".join(chosen).capitalize() + "."


def _blocks(chance: random.Random, n: int) -> Iterator[str]:
    yield f"## Part {n}: {chance.choice(WORDS)}"
    yield _prose(chance)
    yield "\n".join(f"{'  ' * (i % 2)}- {_prose(chance, 13)}" for i in range(4))
    yield "\n".join(f"{i + 1}. [{'x' if i else ' '}] {_prose(chance, 13)}" for i in range(3))
    language, code = chance.choice(list(CODE.items()))
    yield f"```{language}\n{''.join(code.format(n=n + i) for i in range(8))}```"
    yield f"The mean is $\\bar x_{{{n}}} = \\frac{{1}}{{n}}\\sum x_i$, and it costs $5 to $10."
    yield f"$$\n\\int_0^{{{n}}} e^{{-x^2}}\\,dx\n$$"
    rows = "\n".join(f"| {chance.choice(WORDS)} | {i * n} | {i / (n + 1):.2f} |" for i in range(6))
    yield f"| name | count | share |\n|:--|--:|--:|\n{rows}"
    yield f"> {_prose(chance, 20)}\n> ~~{chance.choice(WORDS)}~~ 🌊 潮汐表 مد وجزر"


def document(characters: int, seed: int = 1) -> str:
    """Markdown of so many characters."""
    chance = random.Random(seed)  # noqa: S311 - the same text each time
    blocks: list[str] = []
    length = n = 0
    while length < characters:
        blocks += _blocks(chance, n)
        length = sum(map(len, blocks)) + 2 * len(blocks)
        n += 1
    return "\n\n".join(blocks)[:characters]


def dense(characters: int, seed: int = 1) -> str:
    """Many short blocks, with a formula every 200 characters: the hard kind for a renderer."""
    chance = random.Random(seed)  # noqa: S311 - the same text each time
    blocks: list[str] = []
    n = length = 0
    while length < characters:
        some = " ".join(chance.choice(WORDS) for _ in range(16))
        blocks += [
            f"### Step {n}",
            f"{some} $x_{{{n}}}^2 + \\alpha$ and {some}.",
            f"- **{chance.choice(WORDS)}** `x{n}`\n- {chance.choice(WORDS)}",
            f"```python\nx_{n} = f({n})  # {chance.choice(WORDS)}\n```",
            f"> [{chance.choice(WORDS)}](https://example.org/{n}) is *better* by $\\frac{{1}}{{{n + 1}}}$.",
        ]
        length = sum(map(len, blocks)) + 2 * len(blocks)
        n += 1
    return "\n\n".join(blocks)[:characters]


def one_fence(characters: int) -> str:
    """A block of code that is open all the time."""
    return ("```python\n" + "".join(f"print({n} + {n})  # {n}\n" for n in range(characters // 15)))[
        :characters
    ]


def one_table(characters: int) -> str:
    """A table, row by row."""
    rows = "".join(f"| {n} | some words | `x` |\n" for n in range(characters // 20))
    return f"| a | b | c |\n|--|--|--|\n{rows}"[:characters]


def one_list(characters: int) -> str:
    """A numbered list, of items with items of their own."""
    items = (
        f"{n}. **Item** {n} with some words\n    - and `more`\n" for n in range(characters // 30)
    )
    return "".join(items)[:characters]


def deltas(text: str, count: int) -> list[bytes]:
    """The text in so many deltas of about one length."""
    cuts = [len(text) * i // count for i in range(count + 1)]
    return [delta(text[a:b]) for a, b in pairwise(cuts)]


def full_speed(text: str, count: int) -> Script:
    """As fast as the socket takes it, a write for each hundred deltas."""
    return Script([start(), *_joined(deltas(text, count), 100), end()])


def paced(text: str, count: int, per_second: int) -> Script:
    """At so many deltas a second, in bursts of 10 ms."""
    steps: list[Step] = [start()]
    for burst in _joined(deltas(text, count), per_second // 100):
        steps += [burst, Pause(0.01)]
    return Script([*steps, end()])


def _joined(pieces: list[bytes], of: int) -> list[bytes]:
    return [b"".join(pieces[n : n + of]) for n in range(0, len(pieces), of)]
