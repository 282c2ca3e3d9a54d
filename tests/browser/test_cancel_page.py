"""The server's page that cancels a run, as a browser shows it and sends its form."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from nbflow.models import new_id
from nbflow.server import presence
from nbflow.server.tickets import cancel_path
from tests.browser.conftest import ROOT
from tests.browser.notebook_page import DEADLINE_MS
from tests.waiting import until

SERVER: Final = [sys.executable, "-m", "nbflow", "server", "start", "--no-worker", "--port", "0"]
#: A flow that sleeps; with a second argument it does not hear when it is interrupted.
FLOW: Final = """
import sys, time
from uuid import UUID
from nbflow import flow
from nbflow.engine import run_flow

@flow
def train_forecast():
    while True:
        try:
            print("begun", flush=True)
            time.sleep(300)
        except KeyboardInterrupt:
            if len(sys.argv) < 3:
                raise

run_flow(train_forecast, {}, run_id=UUID(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server runs."""
    home = tmp_path_factory.mktemp("served")
    with started(SERVER, home) as process:
        until(lambda: presence.read(home), "the server")
        yield home
        process.terminate()
        process.wait(timeout=60)


@contextmanager
def started(command: list[str], home: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "NBFLOW_HOME": str(home)}
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def run_in(home: Path, *arguments: str) -> Iterator[UUID]:
    """A run that is under way in a process of its own."""
    run_id = new_id()
    with started([sys.executable, "-c", FLOW, str(run_id), *arguments], home) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield run_id


def opened(context: BrowserContext, home: Path, run_id: UUID) -> tuple[Page, list[str]]:
    """The run's page, and what goes wrong in it from now on."""
    expect.set_options(timeout=DEADLINE_MS)
    found = presence.read(home)
    assert found is not None
    address = f"{found.url}{cancel_path((home / 'token').read_text().strip(), run_id)}"
    until(lambda: httpx.get(address).is_success, "the run's record")
    page, errors = context.new_page(), []
    page.set_viewport_size({"width": 760, "height": 460})
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto(address)
    return page, errors


def keep(page: Page, name: str) -> None:
    folder = ROOT / "out/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_run_is_cancelled_by_keyboard(
    new_context: Callable[..., BrowserContext], home: Path, theme: str
) -> None:
    context = new_context(color_scheme=theme)
    with run_in(home) as run_id:
        page, errors = opened(context, home, run_id)
        button = page.get_by_role("button", name="Cancel this run")
        expect(button).to_be_visible()
        page.keyboard.press("Tab")
        expect(button).to_be_focused()
        keep(page, f"cancel-page-{theme}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading")).to_contain_text("was cancelled")
        keep(page, f"cancel-page-done-{theme}")
        page.reload()  # asks nothing, and sends nothing again
        expect(page.get_by_role("heading")).to_contain_text("was cancelled")
        expect(page.get_by_role("button")).to_have_count(0)
        assert errors == []


def test_a_run_that_does_not_hear_is_ended_with_its_process(
    new_context: Callable[..., BrowserContext], home: Path
) -> None:
    with run_in(home, "deaf") as run_id:
        page, errors = opened(new_context(), home, run_id)
        page.get_by_role("button", name="Cancel this run").click()
        expect(page.get_by_role("heading")).to_contain_text("has not ended yet")
        keep(page, "cancel-page-waits-light")
        page.get_by_role("link", name="Look again").click()
        page.get_by_role("button", name="End its process").click()
        expect(page.get_by_role("button")).to_have_count(0)
        expect(page.get_by_role("heading")).not_to_contain_text("has not ended")
        assert errors == []


def test_a_page_of_others_neither_frames_it_nor_sends_its_form(
    new_context: Callable[..., BrowserContext], home: Path
) -> None:
    """Somebody has the link, from a shared notebook, and the user looks at his page."""
    with run_in(home) as run_id:
        page, _ = opened(new_context(), home, run_id)
        link = page.url
        evil = new_context().new_page()
        html = (
            f'<iframe src="{link}"></iframe><form method="post" action="{link}" target="answer">'
            "<button>Win!</button></form>"
        )
        evil.route(
            "http://evil.example/", lambda route: route.fulfill(body=html, content_type="text/html")
        )
        evil.goto("http://evil.example/")
        with evil.expect_popup() as popup:
            evil.get_by_role("button", name="Win!").click()
        expect(popup.value.locator("body")).to_contain_text("may not use this server")
        framed = evil.frames[1].locator("body")
        expect(framed).not_to_contain_text("Cancel")
        page.reload()
        expect(page.get_by_role("button", name="Cancel this run")).to_be_visible()
