"""A run that blocks its kernel is cancelled from a link, where no page can speak to the kernel."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from nbflow.models import new_id
from nbflow.owner import owner_of, this_owner
from nbflow.server import presence
from nbflow.server.presence import Presence
from nbflow.server.tickets import cancel_path
from nbflow.settings import Settings, temporary_settings
from nbflow.states import now
from nbflow.widgets import stopping
from nbflow.widgets.stopping import Desk, address_to_cancel, find_desk, has_button
from tests.integration.widgets.kernels import DEADLINE, Kernel, running_kernel
from tests.waiting import until

TOKEN = "long-enough-that-nobody-finds-it-by-trying"
START = [sys.executable, "-m", "nbflow", "server", "start", "--no-worker", "--port", "0"]

FLOW = """
import time

@flow
def slow():
    time.sleep(120)

def attempt():
    try:
        slow()
    except BaseException as error:
        print("ended by", type(error).__name__)
"""
LINK = re.compile(r'<a href="([^"]+)" target="_blank" rel="noopener noreferrer"')


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server runs."""
    home = tmp_path_factory.mktemp("served") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBFLOW_HOME", str(home))
        process = subprocess.Popen(START, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: presence.read(home), "the server", DEADLINE)
        yield home
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE)


@pytest.fixture(scope="module")
def kernel(home: Path) -> Iterator[Kernel]:
    """A kernel of that home."""
    with running_kernel(home.parent) as running:
        running.run(FLOW)
        yield running


def shown(kernel: Kernel, request: str) -> list[str]:
    """The HTML of a cell's displays, each time that they were drawn."""
    kinds = {"display_data", "update_display_data"}
    drawn = [m["content"]["data"] for m in kernel.of(request) if m["msg_type"] in kinds]
    return [data["text/html"] for data in drawn if "text/html" in data]


def link_in(html: list[str]) -> str:
    """The address of the link that was drawn last; empty where there is none."""
    found = LINK.findall(html[-1]) if html else []
    return unescape(found[0]) if found else ""


def test_a_link_ends_a_run_that_blocks_its_kernel(kernel: Kernel, home: Path) -> None:
    request = kernel.start("attempt()")
    link = kernel.wait_for(lambda: link_in(shown(kernel, request)), "the link")
    token = (home / "token").read_text().strip()
    assert not any(token in str(message["content"]) for message in kernel.heard)
    words = shown(kernel, request)[-1]
    assert "To end it: the notebook&#x27;s stop button, or nbflow cancel " in words

    page = httpx.get(link)
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    began = time.monotonic()
    done = httpx.post(link, follow_redirects=True)
    kernel.finish(request)
    assert time.monotonic() - began < 30  # it would have slept for 120 s
    assert "was cancelled" in done.text
    assert kernel.is_printed(request, "ended by KeyboardInterrupt")
    state = kernel.run("__import__('nbflow').get_run().state.name")
    assert state[0]["content"]["data"]["text/plain"] == "'Cancelled'"

    last = shown(kernel, request)[-1]
    assert "cancelled" in last
    assert "/cancel/" not in last
    assert httpx.post(link).status_code == 409


def test_a_run_that_has_ended_has_no_link(kernel: Kernel) -> None:
    request = kernel.start("flow(lambda: 1, name='quick')()")
    kernel.finish(request)
    assert "/cancel/" not in shown(kernel, request)[-1]


# ── which server ─────────────────────────────────────────────────────────────────────────


def make_presence(home: Path, url: str, owner: str) -> None:
    home.mkdir(exist_ok=True)
    presence.write(home, Presence(url=url, pid=1, owner=owner, started=now(), version="1"))


HERE = "http://127.0.0.1:4200"


@pytest.mark.parametrize(
    ("told", "token", "given", "found"),
    [
        (HERE, TOKEN, {}, Desk(HERE, TOKEN)),
        ("http://[::1]:4200", TOKEN, {}, Desk("http://[::1]:4200", TOKEN)),
        (HERE, TOKEN, {"api_token": TOKEN[::-1]}, Desk(HERE, TOKEN[::-1])),
        (HERE, "", {}, None),
        (HERE, "short-but-valid-token", {}, None),
        ("http://192.168.1.9:4200", TOKEN, {}, None),
        ("", TOKEN, {}, None),
        ("", "", {"api_url": f"{HERE}/api", "api_token": TOKEN}, Desk(HERE, TOKEN)),
        ("", "", {"api_url": f"{HERE}/?token={TOKEN}"}, Desk(HERE, TOKEN)),
        (HERE, TOKEN, {"api_url": "http://localhost:4200"}, Desk("http://localhost:4200", TOKEN)),
        ("", "", {"api_url": HERE}, None),
        ("", "", {"api_url": "https://127.0.0.1:4200", "api_token": TOKEN}, None),
        (HERE, TOKEN, {"api_url": "http://flows.example:4200", "api_token": TOKEN}, None),
        (HERE, TOKEN, {"api_url": "http://127.0.0.1.evil.example", "api_token": TOKEN}, None),
    ],
    ids=["own", "ipv6", "own-token", "no-token", "guessable", "elsewhere", "none", "api-url",
         "token-in-url", "own-by-url", "url-alone", "tls", "remote", "look-alike"],
)  # fmt: skip
def test_which_server_can_cancel(
    tmp_path: Path, told: str, token: str, given: dict[str, str], found: Desk | None
) -> None:
    home = tmp_path / "home"
    if told:
        make_presence(home, told, this_owner())
    if token:
        home.mkdir(exist_ok=True)
        (home / "token").write_text(token)
    assert find_desk(Settings(home=home, **given)) == found
    assert (home / "token").exists() is bool(token), "a look makes no token"


def test_a_server_that_is_gone_is_not_asked(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = owner_of(ended.pid)
    ended.communicate()
    make_presence(tmp_path, HERE, owner)
    (tmp_path / "token").write_text(TOKEN)
    assert find_desk(Settings(home=tmp_path)) is None


def test_a_token_is_not_shown_by_accident() -> None:
    assert TOKEN not in repr(Desk(HERE, TOKEN))


# ── asking it ────────────────────────────────────────────────────────────────────────────


def test_a_server_that_does_not_know_the_run_has_no_button(home: Path) -> None:
    found = find_desk(Settings(home=home))
    assert found is not None
    assert not has_button(f"{found.url}{cancel_path(found.token, new_id())}")
    assert not has_button(f"{found.url}{cancel_path(TOKEN, new_id())}")


def asked_with(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[UUID]:
    """Let `answer` speak for the server; whom it was asked about."""
    asked: list[UUID] = []
    monkeypatch.setattr(stopping, "_questions", {})
    monkeypatch.setattr(stopping, "find_desk", lambda settings: Desk(HERE, TOKEN))

    def has(address: str) -> bool:
        asked.append(UUID(address.split("/")[-2]))
        return bool(answer())

    monkeypatch.setattr(stopping, "has_button", has)
    for name in stopping._REMOTE:
        monkeypatch.delenv(name, raising=False)
    return asked


def address_in_time(run: UUID) -> str:
    return until(lambda: address_to_cancel(run), "the address to cancel at", DEADLINE)


def test_it_is_asked_once_for_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_with(monkeypatch, lambda: True)
    runs = [new_id() for _ in range(3)]
    for run in runs * 3:
        assert address_in_time(run) == f"{HERE}{cancel_path(TOKEN, run)}"
    assert asked == runs


def test_no_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_with(monkeypatch, lambda: False)
    run = new_id()
    assert [address_to_cancel(run) for _ in range(3)] == [""] * 3
    stopping._questions[run].answered.wait(DEADLINE)
    assert address_to_cancel(run) == ""
    assert asked == [run]


def test_nobody_waits_for_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    asked_with(monkeypatch, lambda: answer.wait(DEADLINE))
    run = new_id()
    assert address_to_cancel(run) == ""  # while it is still being asked
    assert not stopping._questions[run].answered.is_set()
    answer.set()
    assert address_in_time(run)


def test_old_runs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_with(monkeypatch, lambda: True)
    monkeypatch.setattr(stopping, "find_desk", lambda settings: None)
    for _ in range(2 * stopping._MOST):
        address_to_cancel(new_id())
    assert len(stopping._questions) == stopping._MOST


@pytest.mark.parametrize("name", stopping._REMOTE)
def test_a_browser_that_is_elsewhere_gets_no_link(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked = asked_with(monkeypatch, lambda: True)
    monkeypatch.setenv(name, "/user/ada/")
    assert address_to_cancel(new_id()) == ""
    assert asked == []


def test_settings_that_cannot_be_used_are_not_told_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_questions", {})
    with temporary_settings(api_url="no address"):
        assert address_to_cancel(new_id()) == ""
