"""Write the option table of the README from the table of options: ``python -m tests.docs``."""

from __future__ import annotations

import re
from pathlib import Path

from notebook_stream.request.table import markdown_rows

README = Path(__file__).parents[1] / "README.md"
HEAD = "| option | |\n|---|---|\n"


def written(readme: str) -> str:
    """The README with the rows of its option table made anew."""
    head, table = re.escape(HEAD), HEAD + "".join(f"{row}\n" for row in markdown_rows())
    return re.sub(rf"{head}(?:\|.*\n)*", lambda _: table, readme)


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
