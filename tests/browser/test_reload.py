"""A page that is loaded again, or loses its kernel, in the middle of a stream."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import Page, expect

from ..loopback import Hold, Script, delta, end, event, start
from .conftest import TOKEN, Lab, Notebook, top_of
from .test_live import LONG


def test_a_saved_notebook_gets_its_view_back(page: Page, lab: Lab, app: str) -> None:
    first, second = Hold(), Hold()
    lab.api.play(
        Script([start(), delta("# One\n\nBegin"), first, delta("ning.\n\nMore"), second, end()])
    )
    notebook = Notebook(page, lab, lab.write(f"reload-{app}", "%%claude poem\nGo."), app=app)
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("Begin")
    notebook.save("widget-view")
    page.reload()
    expect(page.locator(".ns-text h1")).to_have_text("One")
    expect(page.locator(".ns-state")).to_have_text("Writing")
    first.let_go.set()
    expect(page.locator(".ns-text")).to_contain_text("More")
    second.let_go.set()
    expect(page.locator(".ns-footer").last).to_contain_text("25 in · 12 out")
    expect(page.locator(".ns-bar")).to_have_count(0)
    page.reload()
    expect(page.locator(".ns-text p").last).to_have_text("More")
    expect(page.locator(".ns-footer").last).to_contain_text("25 in · 12 out")
    expect(page.locator(".ns-bar")).to_have_count(0)


def test_a_view_that_was_reloaded_ends_without_a_jump(page: Page, lab: Lab) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta(LONG), hold, end()]))
    notebook = Notebook(page, lab, lab.write("reload-end", "%%claude poem\nGo."), app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text p")).to_have_count(40)
    notebook.save("widget-view")
    page.reload()
    expect(page.locator(".ns-state")).to_have_text("Writing")
    read = page.locator(".ns-text p", has_text="Paragraph 30.")
    read.evaluate("p => p.scrollIntoView({block: 'center'})")
    expect(page.locator(".ns-jump")).to_be_visible()
    before = top_of(read)
    height = page.locator(".ns-live").bounding_box()
    hold.let_go.set()
    expect(page.locator(".ns-bar")).to_have_count(0)
    assert abs(top_of(read) - before) < 1.5
    assert page.locator(".ns-live").bounding_box() == pytest.approx(height, abs=1.5)


def test_a_reloaded_page_can_stop(page: Page, lab: Lab) -> None:
    lab.api.play(Script([start(), delta("A partial"), Hold()]))
    path = lab.write("reload-stop", "%%claude poem\nGo.")
    notebook = Notebook(page, lab, path, app="lab")
    before = len(lab.api.requests)
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("A partial")
    notebook.save("widget-view")
    page.reload()
    page.locator(".ns-stop").click()
    assert lab.api.requests[before].has_closed()
    expect(page.locator(".ns-footer strong")).to_have_text("Stopped")
    expect(page.locator(".ns-text")).to_contain_text("A partial")


def test_a_reloaded_page_shows_the_sentence_of_an_error(page: Page, lab: Lab) -> None:
    hold = Hold()
    fault = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    lab.api.play(Script([start(), delta("A partial"), hold, fault]))
    notebook = Notebook(page, lab, lab.write("reload-fault", "%%claude poem\nGo."), app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("A partial")
    notebook.save("widget-view")
    page.reload()
    expect(page.locator(".ns-text")).to_contain_text("A partial")
    hold.let_go.set()
    expect(page.locator(".ns-footer", has_text="verloaded")).to_have_count(1)


def test_a_notebook_never_saved_loses_its_output_and_not_the_variable(page: Page, lab: Lab) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta("text"), hold, end()]))
    path = lab.write("reload-unsaved", "%%claude poem\nGo.", "print('kept:', poem)")
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("text")
    # Another workspace: that of the page opens the notebook a second time, beside its address, and
    # of two at once JupyterLab 4.6 may start a new kernel.
    page.goto(f"{lab.url}/lab/workspaces/another/tree/{path.name}?token={TOKEN}")
    page.wait_for_selector(".jp-CodeCell")
    expect(page.locator(".ns-live")).to_have_count(0)
    hold.let_go.set()
    notebook.wait_until_idle()
    notebook.run_last()
    expect(notebook.output(2)).to_contain_text("kept: text")


def test_a_kernel_that_dies_leaves_the_text(page: Page, lab: Lab) -> None:
    lab.api.play(Script([start(), delta("What came so far"), Hold()]))
    path = lab.write("dies", "import os; print('pid', os.getpid())", "%%claude poem\nGo.")
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("What came so far")
    os.kill(int(notebook.output(1).inner_text().split()[1]), signal.SIGKILL)
    expect(page.locator(".ns-state")).to_have_text("No word from the kernel", timeout=30_000)
    expect(page.locator(".ns-text")).to_contain_text("What came so far")
    file = notebook.save("Claude is answering")
    assert "poem" in file.cells[2].outputs[0].data["text/markdown"]
