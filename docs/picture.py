"""Take the picture of the README, in a real JupyterLab that plays recorded replies.

Run ``python -m docs.picture`` in the environment of the tests (`sh .ci/venv test`). The picture
shows one answer that is done and one that is being written.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SETTINGS, Lab, Notebook, a_chromium, jupyter, serving_pages

PICTURE = Path(__file__).parent / "images" / "answer.webp"
MOST_BYTES = 150_000
WIDTH, HEIGHT = 1000, 1000
"""Of the window, in CSS pixels; the picture has 2 dots for each."""

QUALITY = 80
"""Of the WebP, in percent."""

CELLS = (
    "%%claude planets\nCompare Mercury, Venus, Earth and Mars in a table.",
    'print(planets.usage.output_tokens, "tokens,", planets.stop_reason)',
    "%%claude sorting\nExplain ten sorting algorithms, at length.",
)
LAST_WORDS = "then the number of"
"""What the answer on its way has come to when the picture is taken."""


def main() -> None:
    """Take the picture, and check that it is small enough for a README."""
    with tempfile.TemporaryDirectory() as folder, a_chromium() as browser:
        command = jupyter("jupyterlab", Path(folder))
        with serving_pages(command, environment(Path(folder)), Path(folder)) as lab:
            data = take(browser, lab)
    if len(data) > MOST_BYTES:
        msg = f"the picture has {len(data):,} bytes, more than {MOST_BYTES:,}; lower QUALITY."
        raise SystemExit(msg)
    PICTURE.write_bytes(data)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a person in demo mode who has no settings but the tests'."""
    for name, setting in SETTINGS.items():
        path = home / "jupyter" / "lab" / "user-settings" / "@jupyterlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting), encoding="utf-8")
    folders = {"HOME": home, "IPYTHONDIR": home / "ipython", "JUPYTER_CONFIG_DIR": home / "jupyter"}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")},
        **{name: str(path) for name, path in folders.items()},
        "NOTEBOOK_STREAM_DEMO": "1",
    }


def take(browser: Browser, lab: Lab) -> bytes:
    """Run the cells and return the picture as WebP, taken while the last answer is written."""
    page = browser.new_page(
        viewport={"width": 1300, "height": 900}, device_scale_factor=2, color_scheme="light"
    )
    notebook = Notebook(page, lab, lab.write("answer", *CELLS), app="lab")
    page.keyboard.press("Control+b")  # without the list of files
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text(LAST_WORDS)
    return shoot(page)


def shoot(page: Page) -> bytes:
    """Return the notebook's panel as WebP, which Playwright itself does not make."""
    box = page.locator(".jp-NotebookPanel-notebook").bounding_box()
    devtools = page.context.new_cdp_session(page)
    options = {"format": "webp", "quality": QUALITY, "clip": {**(box or {}), "scale": 1}}
    return base64.b64decode(devtools.send("Page.captureScreenshot", options)["data"])


if __name__ == "__main__":
    main()
