"""A kernel's side of live views when pages, processes and stores misbehave."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.integration.widgets.kernels import Kernel, Page

SETUP = """
import os, signal, sys, threading, time
import ipywidgets
from nbflow import get_run, get_run_logger
from nbflow.settings import temporary_settings
from nbflow.widgets import bridge as bridges

@task
def double(number):
    return 2 * number

@flow
def etl():
    return [double(number) for number in range(3)]

@flow
def wordy():
    for number in range(400):
        get_run_logger().info(f"line {number} " + "x" * 19_000)

def quietly(call, *args):
    with temporary_settings(inline_views=False, logging_to_console=False):
        call(*args)
    return get_run()

run = quietly(etl)
"""

_names = count()


@pytest.fixture(scope="module", autouse=True)
def run(kernel: Kernel) -> str:
    """The id of a run that a view has shown."""
    kernel.run(SETUP)
    kernel.run("RunView(run)")
    return value(kernel, "run.id")


@pytest.fixture(scope="module")
def subshell(kernel: Kernel) -> str:
    return kernel.new_subshell()


@pytest.fixture
def new(kernel: Kernel, subshell: str) -> Callable[[], Page]:
    """Pages of the bridge that was opened last."""
    return lambda: Page(kernel, newest(kernel), f"page-{next(_names)}", subshell)


def newest(kernel: Kernel) -> str:
    return str(kernel.opened()[-1]["content"]["comm_id"])


def value(kernel: Kernel, expression: str) -> str:
    """A text of the kernel."""
    return str(kernel.run(f"print({expression})")[0]["content"]["text"].strip())


def is_served(page: Page, run: str) -> None:
    page.watch({"run": run})
    page.sees(lambda update: "run" in update, "the run")


# ── pages ────────────────────────────────────────────────────────────────────────────────


def test_no_page_decides_what_other_pages_run(kernel: Kernel, new: Callable[[], Page]) -> None:
    page, before = new(), len(kernel.heard)
    for data in (
        {"method": "update", "state": {"_esm": "alert(1)"}, "buffer_paths": []},
        {"method": "update", "state": 5},
        {"method": "echo_update", "state": {"_esm": "alert(1)"}},
        {"method": ["custom"]},
        {"method": None},
        {},
        [],
        "custom",
    ):
        page.send(data)
    page.send({"method": "request_state"})
    page.ask(1, "deploy.preview", cron="0 6 * * *")
    [state] = [
        message["content"]["data"]["state"]
        for message in kernel.heard[before:]
        if message["msg_type"] == "comm_msg"
        and message["content"]["data"].get("method") in {"update", "echo_update"}
    ]
    assert "initialize" in state["_esm"]
    assert not [message for message in kernel.heard[before:] if message["msg_type"] == "stream"]


def test_a_page_knows_the_answer_to_its_question_by_the_parent(
    kernel: Kernel, new: Callable[[], Page]
) -> None:
    """A page whose kernel was slow asks each widget what it is; without answers it shows none."""
    page, before = new(), len(kernel.heard)
    asked = page.send({"method": "request_state"})
    page.ask(1, "deploy.preview", cron="0 6 * * *")
    parents = {
        message["content"]["data"]["method"]: message["parent_header"].get("msg_id")
        for message in kernel.heard[before:]
        if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == page.bridge
    }
    assert parents == {"update": asked["header"]["msg_id"], "custom": None}


DEEP: dict[str, Any] = {}
for _ in range(300):
    DEEP = {"deeper": DEEP}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("watch", {"watch": 1, "target": {"view": "__proto__"}, "look": DEEP}),
        ("watch", {"watch": 2**70, "target": {"view": "x" * 1_000_000}}),
        ("watch", {"watch": 1, "target": {"view": "x", "__proto__": {"run": "y"}}}),
        ("look", {"watch": 1, "look": {"closed": [None, DEEP], "direction": {}}}),
        ("look", {"watch": 1, "look": {"closed": ["x"] * 100_000, "direction": ["RIGHT"]}}),
        ("seen", {"watch": 1, "visible": "yes"}),
        ("hello", {"have": DEEP}),
        ("hello", {"have": "constructor"}),
        ("x" * 1_000_000, {}),
    ],
)
def test_a_page_that_says_odd_things_is_served_all_the_same(
    new: Callable[[], Page], run: str, kind: str, told: dict[str, Any]
) -> None:
    page = new()
    page.say(kind, **told)
    page.watch({"run": run}, 5)
    page.sees(lambda update: "run" in update, "the run", 5)


def test_a_flood_of_questions_is_answered_each(new: Callable[[], Page], run: str) -> None:
    page = new()
    for number in range(300):
        page.say("ask", ask=number, method="runs.list", params={"limit": 1})
    is_served(page, run)
    last = page.ask(300, "deploy.preview", cron="0 6 * * *")
    page.kernel.wait_for(
        lambda: len([m for m in page.heard() if m["type"] == "answer"]) == 301, "all answers"
    )
    assert set(last) >= {"result"} or "Try again" in last["error"]


def test_long_lines_come_in_messages_that_a_page_can_take(
    kernel: Kernel, new: Callable[[], Page]
) -> None:
    page = new()
    page.watch({"run": value(kernel, "quietly(wordy).id")})
    update = page.sees(lambda update: update.get("logs"), "the lines")
    assert len(update["logs"]) == 400
    assert sum(len(line["text"]) for line in update["logs"]) < 2_100_000
    assert update["logs"][7]["text"].startswith("line 7 xxx")
    assert "more characters)" in update["logs"][7]["text"]


# ── the bridge is closed ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("closed_by", ["kernel", "page"])
def test_a_bridge_that_was_closed_is_followed_by_another(
    kernel: Kernel, new: Callable[[], Page], run: str, closed_by: str
) -> None:
    before = newest(kernel)
    if closed_by == "kernel":
        kernel.run("ipywidgets.Widget.close_all()")
    else:
        session = kernel.client.session
        message = session.msg("comm_close", {"comm_id": before, "data": {}})
        kernel.client.shell_channel.send(message)
    kernel.run("RunView(run)")
    assert newest(kernel) != before
    is_served(new(), run)
    kernel.run("RunView(run)")
    begun = kernel.run("print(len(get_ipython().events.callbacks['pre_run_cell']))")
    kernel.run("RunView(run)")
    assert (
        begun[0]["content"]["text"]
        == value(kernel, "len(get_ipython().events.callbacks['pre_run_cell'])") + "\n"
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks there")
def test_a_forked_process_neither_speaks_for_the_kernel_nor_waits(
    kernel: Kernel, new: Callable[[], Page], run: str
) -> None:
    """As when it is forked while a thread of the kernel holds what it would wait for."""
    printed = value(
        kernel,
        "(lambda: exec('''"
        "made = bridges.bridge()\\n"
        "taken, done = threading.Event(), threading.Event()\\n"
        "def hold():\\n"
        "    with made._pages._lock, made._pump._lock:\\n"
        "        taken.set(); done.wait(30)\\n"
        "thread = threading.Thread(target=hold); thread.start(); taken.wait(30)\\n"
        "pid = os.fork()\\n"
        "if pid == 0:\\n"
        "    signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.alarm(20)\\n"
        "    bridges._cell_begins(); bridges._cell_has_ended(); bridges._kernel_ends()\\n"
        "    os._exit(0)\\n"
        "status = os.waitpid(pid, 0)[1]; done.set(); thread.join()\\n"
        "''', globals()) or status)()",
    )
    assert printed == "0"
    is_served(new(), run)


# ── the store goes away ──────────────────────────────────────────────────────────────────


def test_a_store_that_went_away_is_told_of_and_its_return_shown(
    kernel: Kernel, new: Callable[[], Page], run: str, tmp_path: Path
) -> None:
    home = Path(value(kernel, "os.environ['NBFLOW_HOME']"))
    gone = home.rename(tmp_path / "elsewhere")
    page = new()
    page.watch({"run": run})
    words = page.sees(lambda update: "gone" in update, "the trouble")["gone"]
    assert str(home) in words and "NBFLOW_HOME" in words
    assert str(home) in page.ask(1, "runs.list", limit=1)["error"]
    gone.rename(home)
    page.sees(lambda update: update.get("run"), "the run")
