"""The page that cancels a run: who may see it, what it says, and what its button does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from nbflow.exceptions import ObjectNotFound
from nbflow.models import FlowRun, RunKind, StateChange, new_id
from nbflow.owner import this_owner
from nbflow.server.app import create_app
from nbflow.server.auth import hosts_of
from nbflow.server.listening import listen
from nbflow.server.routes import cancelling
from nbflow.server.tickets import cancel_path, cancel_ticket
from nbflow.states import Completed, Failed, Running, StateType
from nbflow.store import SQLStore
from tests.waiting import until

from .conftest import deploy, flow_run, serving

TOKEN = "long-enough-that-nobody-finds-it-by-trying"
posix = pytest.mark.skipif(os.name != "posix", reason="a process is interrupted by a signal")

#: A flow in a process of its own; with `deaf` it goes on however it is interrupted.
FLOW = """
import sys, time
from uuid import UUID
from nbflow import flow
from nbflow.engine import run_flow

@flow
def slow(deaf):
    print("begun", flush=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            time.sleep(120)
        except KeyboardInterrupt:
            if not deaf:
                raise

run_flow(slow, {"deaf": len(sys.argv) > 2}, run_id=UUID(sys.argv[1]))
"""


@dataclass(frozen=True)
class Desk:
    """A server whose token is good for tickets."""

    store: SQLStore
    database: str
    url: str
    #: Has no token.
    browser: httpx.Client

    def path(self, run: FlowRun | UUID) -> str:
        return cancel_path(TOKEN, run if isinstance(run, UUID) else run.id)

    def look(self, run: FlowRun | UUID, **given: Any) -> httpx.Response:
        return self.browser.get(self.path(run), **given)

    def press(self, run: FlowRun | UUID, **given: Any) -> httpx.Response:
        return self.browser.post(self.path(run), **given)

    def running(self, **given: Any) -> FlowRun:
        """A run that some process executes."""
        run = flow_run(self.store, given.pop("name", "busy-bee"), **given)
        self.move(run, Running())
        return self.store.flow_run(run.id)

    def move(self, run: FlowRun, state: Any) -> None:
        self.store.set_state(StateChange(RunKind.FLOW, run.id, state, 1))
        self.store.flush()


@contextmanager
def desk_in(folder: Path, token: str) -> Iterator[Desk]:
    """A server with this token, over a store of its own."""
    database = f"sqlite:///{folder / 'nbflow.db'}"
    listener = listen("127.0.0.1", 0, folder)
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with closing(SQLStore(database)) as store:
        app = create_app(store, token=token, allowed_hosts=hosts_of("127.0.0.1", port))
        with serving(app, listener), httpx.Client(base_url=url, timeout=60) as browser:
            yield Desk(store, database, url, browser)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_in(tmp_path_factory.mktemp("desk"), TOKEN) as desk:
        yield desk


@contextmanager
def process_of(desk: Desk, *arguments: str) -> Iterator[tuple[UUID, subprocess.Popen[str]]]:
    """A run in a process of its own, which is under way."""
    run_id = new_id()
    env = {**os.environ, "NBFLOW_DATABASE_URL": desk.database, "NBFLOW_API_URL": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", FLOW, str(run_id), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        until(lambda: is_running(desk, run_id), "the run's record")
        yield run_id, process
    finally:
        process.kill()
        process.communicate()


def is_running(desk: Desk, run_id: UUID) -> bool:
    try:
        return desk.store.flow_run(run_id).state.is_running()
    except ObjectNotFound:  # its process has not written yet
        return False


def sentences(answer: httpx.Response) -> str:
    """The text of a page."""
    body = answer.text.partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("&nbsp;", " ").split())


def has_button(answer: httpx.Response) -> bool:
    """Whether there is something to press; the header has to say the same."""
    found = "<button" in answer.text
    assert answer.headers["allow"] == ("GET, POST" if found else "GET")
    return found


# ── who may ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/cancel/{run}/" + "A" * 43,
        "/cancel/{run}/{ticket}x",
        "/cancel/{run}/" + TOKEN,
        "/cancel/{other}/{ticket}",
        "/cancel/no-id/{ticket}",
        "/cancel/latest/{ticket}",
        "/cancel/{run}/%C3%A9%FF%00",
    ],
    ids=["another", "longer", "token", "other-run", "no-id", "latest", "odd"],
)
def test_only_the_ticket_of_the_run_opens_its_page(desk: Desk, path: str, method: str) -> None:
    run = desk.running(name="secret-name", owner=this_owner())
    ticket = cancel_ticket(TOKEN, run.id)
    address = path.format(run=run.id, other=new_id(), ticket=ticket)
    answer = desk.browser.request(method, address)
    assert answer.status_code == 403
    assert "This link does not fit" in sentences(answer)
    assert "secret-name" not in answer.text
    assert not has_button(answer)
    assert desk.store.flow_run(run.id).state.is_running()


def test_a_ticket_opens_nothing_else(desk: Desk) -> None:
    run = desk.running()
    ticket = cancel_ticket(TOKEN, run.id)
    for path in ("/", f"/api/flow_runs/{run.id}", f"{desk.path(run)}/", "/cancel", "/cancel/x"):
        assert desk.browser.get(f"{path}?token={ticket}").status_code == 401
        assert desk.browser.get(path, headers={"Authorization": f"Bearer {ticket}"}).status_code == 401  # fmt: skip
    assert desk.browser.put(desk.path(run)).status_code == 405


def test_no_page_of_others_presses_the_button(desk: Desk) -> None:
    foreign = [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ]
    with process_of(desk) as (run_id, process):
        for headers in foreign:
            assert desk.press(run_id, headers=headers).status_code == 403, headers
        assert process.poll() is None
        assert desk.store.flow_run(run_id).state.is_running()


def test_a_guessable_token_has_no_page(tmp_path: Path) -> None:
    token = "sixteen-letters!"
    with desk_in(tmp_path, token) as desk:
        run = desk.running(owner=this_owner())
        assert desk.browser.get(cancel_path(token, run.id)).status_code == 403


@pytest.mark.parametrize("kind", ["question", "misfit", "gone"])
def test_browsers_are_told_to_keep_it_to_themselves(desk: Desk, kind: str) -> None:
    run = desk.running(owner="elsewhere:1:1")
    path = {"question": desk.path(run), "misfit": "/cancel/a/b", "gone": desk.path(new_id())}[kind]
    headers = desk.browser.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "set-cookie" not in headers


# ── what it says ─────────────────────────────────────────────────────────────────────────


def test_a_run_that_is_gone(desk: Desk) -> None:
    for answer in (desk.look(new_id()), desk.press(new_id())):
        assert answer.status_code == 404
        assert "This run is gone" in sentences(answer)
        assert not has_button(answer)


@pytest.mark.parametrize(
    ("state", "words"),
    [(Completed(), "completed"), (Failed(message="no rows"), "failed")],
    ids=["completed", "failed"],
)
def test_a_run_that_has_ended(desk: Desk, state: Any, words: str) -> None:
    run = desk.running(name="early-bird")
    desk.move(run, state)
    answer = desk.look(run)
    assert answer.status_code == 200
    assert f"early-bird {words}" in sentences(answer)
    assert not has_button(answer)
    late = desk.press(run)
    assert late.status_code == 409
    assert f"early-bird had ended already It {words} at" in sentences(late)
    assert not has_button(late)
    assert desk.store.flow_run(run.id).state.type is state.type


def test_a_run_on_another_machine(desk: Desk) -> None:
    run = desk.running(owner="gpu-seven:12:99")
    for answer, status in ((desk.look(run), 200), (desk.press(run), 409)):
        assert answer.status_code == status
        assert "runs on the machine gpu-seven (process 12)" in sentences(answer)
        assert not has_button(answer)


def test_a_subflow_ends_with_its_flow(desk: Desk) -> None:
    whole = desk.running(name="whole", owner=this_owner())
    part = desk.running(name="part", parent_id=whole.id, owner=this_owner())
    answer = desk.look(part)
    assert "part is a subflow of whole" in sentences(answer)
    assert not has_button(answer)


def test_names_are_text(desk: Desk) -> None:
    name, flow_name = '<img src=x onerror="alert(1)">', "</title><script>alert(2)</script>"
    with process_of(desk) as (run_id, _):
        run = desk.running(name=name, flow_name=flow_name, owner=desk.store.flow_run(run_id).owner)
        answer = desk.look(run)
    assert has_button(answer)
    assert "<img" not in answer.text
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


# ── what it does ─────────────────────────────────────────────────────────────────────────


@posix
def test_a_blocked_process_is_interrupted(desk: Desk) -> None:
    with process_of(desk) as (run_id, process):
        before = desk.store.flow_run(run_id)
        for query in ({}, {"asked": "true"}, {"firmly": "true"}, {"token": TOKEN}):
            answer = desk.look(run_id, params=query)
            assert answer.status_code == 200
            assert has_button(answer)
        assert desk.store.flow_run(run_id) == before, "looking changes nothing"
        asked = desk.look(run_id)
        assert f"Cancel {before.name}?" in sentences(asked)
        assert "A run of slow , running since" in sentences(asked)
        began = time.monotonic()
        answer = desk.press(run_id, headers={"Origin": desk.url})
        assert (answer.status_code, answer.headers["location"]) == (303, "?asked=true")
        assert time.monotonic() - began < 30  # it would have slept for 120 s
        done = desk.browser.get(answer.next_request.url)
        assert f"{before.name} was cancelled" in sentences(done)
        assert not has_button(done)
        process.wait(timeout=60)
    assert desk.store.flow_run(run_id).state.name == "Cancelled"


@posix
def test_a_process_that_does_not_hear_is_ended_when_that_is_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with process_of(desk, "deaf") as (run_id, process):
        monkeypatch.setattr(cancelling, "_PATIENCE", 0.2)
        answer = desk.press(run_id, follow_redirects=True)
        assert answer.status_code == 200
        assert "has not ended yet" in sentences(answer)
        assert f"ends the process {process.pid} with all that is in its memory" in sentences(answer)
        assert 'action="?firmly=true"' in answer.text
        assert process.poll() is None
        monkeypatch.setattr(cancelling, "_PATIENCE", 30.0)
        done = desk.press(run_id, params={"firmly": "true"}, follow_redirects=True)
        assert not has_button(done)
        process.wait(timeout=60)
    assert desk.store.flow_run(run_id).state.is_settled()


def test_a_run_that_waits_for_a_worker_waits_no_more(desk: Desk) -> None:
    deploy(desk.store)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    made = desk.browser.post("/api/deployments/nightly/runs", json={}, headers=bearer)
    run = desk.store.flow_run(UUID(made.json()["id"]))
    answer = desk.look(run.id)
    assert has_button(answer)
    assert "Its worker ends it" in sentences(answer)
    assert desk.press(run.id).status_code == 303
    assert desk.store.flow_run(run.id).state.type is StateType.CANCELLED
    assert "was cancelled" in sentences(desk.look(run.id))


def test_a_run_whose_process_is_gone_is_closed(desk: Desk) -> None:
    with process_of(desk) as (run_id, process):
        process.kill()
        process.wait()
        assert has_button(desk.look(run_id))
        answer = desk.press(run_id, follow_redirects=True)
    assert "crashed" in sentences(answer)
    assert desk.store.flow_run(run_id).state.is_crashed()
