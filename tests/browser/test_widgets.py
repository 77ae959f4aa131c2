"""Widgets in layouts of one's own."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from ..loopback import Hold, Pause, Script, delta, end, start
from .conftest import Lab, Notebook

BOX = """
from ipywidgets import Button, HTML, Tab, VBox, link
from notebook_stream import AnswerWidget
area, words, button = AnswerWidget(), HTML(), Button(description="Ask")
link((area, "text"), (words, "value"))
button.on_click(lambda _: area.ask("Go."))
"""


def test_a_button_asks_and_the_answer_grows_in_its_box(page: Page, lab: Lab, app: str) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta("Some **bold** words.\n\n"), hold, delta("More."), end()]))
    path = lab.write(f"box-{app}", BOX, "VBox([button, area, words])")
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".ns-area .ns-text strong")).to_have_text("bold")
    expect(page.locator(".ns-area .ns-state")).to_have_text("Writing")
    expect(page.locator(".widget-html-content")).to_contain_text("words.")
    hold.let_go.set()
    expect(page.locator(".ns-area .ns-text p")).to_have_count(2)
    expect(page.locator(".ns-area .ns-footer small")).to_be_visible()


def test_stop_in_a_box_closes_the_connection_and_asking_again_begins_anew(
    page: Page, lab: Lab, app: str
) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta("First"), hold]))
    path = lab.write(f"again-{app}", BOX, "VBox([button, area])", "area.state, area.text")
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".ns-text")).to_contain_text("First")
    page.locator(".ns-stop").click()
    expect(page.locator(".ns-area .ns-footer strong")).to_have_text("Stopped")
    lab.api.play(Script([start(), delta("Second"), Pause(0.1), end()]))
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".ns-area .ns-text p")).to_have_text("Second")
    expect(page.locator(".ns-area small")).to_be_visible()
    notebook.run_last()
    expect(notebook.output(3)).to_contain_text("('done', 'Second')")
