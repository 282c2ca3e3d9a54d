"""A kernel's side of live views, as pages meet it: over a real kernel's sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from nbflow.models import new_id
from tests.integration.widgets.kernels import DEADLINE, WIDGET_JS, Kernel, Page
from tests.waiting import until

FLOWS = """
import time
from pathlib import Path
from nbflow import get_run
from nbflow.engine import run_flow
from nbflow.models import new_id
from nbflow.logging import get_run_logger
from nbflow.settings import temporary_settings

@task
def double(number):
    return 2 * number

@flow
def etl():
    return [double(number) for number in range(3)]

@flow
def slow():
    double(1)
    time.sleep(300)

def until(file):
    while not Path(file).exists():
        time.sleep(0.01)

@flow
def steps(number, seen):
    for each in range(number):
        double(each)
    until(seen)

@flow
def flood(lines):
    log = get_run_logger()
    for line in range(lines):
        log.info("line %s", line)

def quietly(call, *args):
    with temporary_settings(inline_views=False, logging_to_console=False):
        call(*args)
    return get_run()

run = quietly(etl)
"""

_names = count()


@pytest.fixture(scope="module", autouse=True)
def _flows(kernel: Kernel) -> None:
    kernel.run(FLOWS)
    assert not kernel.opened(), "a bridge before the first view"
    kernel.run("RunView(run)")


@pytest.fixture
def tab(new: Callable[[], Page]) -> Page:
    """A page whose messages are handled while cells run."""
    return new()


@pytest.fixture(scope="module")
def subshell(kernel: Kernel) -> str:
    return kernel.new_subshell()


@pytest.fixture
def new(kernel: Kernel, subshell: str) -> Callable[[], Page]:
    return lambda: Page(kernel, kernel.bridge(), f"page-{next(_names)}", subshell)


def value(kernel: Kernel, expression: str) -> str:
    """A text of the kernel."""
    return str(kernel.run(f"print({expression})")[0]["content"]["text"].strip())


@contextmanager
def blocked(kernel: Kernel, file: Path, first: str = "", last: str = "") -> Iterator[str]:
    """During the block, a cell keeps the kernel's main thread busy."""
    wait = f"print('busy', flush=True)\nuntil({str(file)!r})"
    request = kernel.start(f"{first}\n{wait}\n{last}")
    kernel.wait_for(lambda: kernel.is_printed(request, "busy"), "the cell's start")
    try:
        yield request
        assert not kernel.has_ended(request)
    finally:
        file.touch()
    kernel.finish(request)


def printed(kernel: Kernel, request: str) -> str:
    """What a cell has printed: `print` writes twice, and the kernel may send in between."""
    return "".join(output["content"]["text"] for output in kernel.outputs(request))


# ── what is shown, and what is opened for it ─────────────────────────────────────────────


def test_views_are_html_and_text(kernel: Kernel) -> None:
    [shown] = kernel.run("RunView(run)")
    data = shown["content"]["data"]
    assert set(data) == {"text/html", "text/plain"}
    run = value(kernel, "run.id")
    assert data["text/html"].startswith(f'<nbflow-view run="{run}">')
    assert "<script" not in data["text/html"]
    assert "etl" in data["text/plain"]


def test_there_is_one_light_bridge_that_belongs_to_no_cell(kernel: Kernel) -> None:
    kernel.run("RunView(run)")
    kernel.run("FlowView(etl)")
    [opened] = kernel.opened()
    assert opened["parent_header"] == {}
    assert WIDGET_JS not in str(opened["content"])
    assert len(str(opened["content"])) < 1000


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "blocked"])
def test_a_page_gets_the_front_end_once(
    kernel: Kernel, tab: Page, tmp_path: Path, *, busy: bool
) -> None:
    with blocked(kernel, tmp_path / "free") if busy else nullcontext():
        for _ in range(5):  # as they pile up while the kernel does not answer
            tab.say("hello", have=None)
        tab.ask(1, "deploy.preview", cron="0 6 * * *")  # all hellos were handled before
        [bundle] = [message for message in tab.heard() if message["type"] == "bundle"]
        assert bundle["code"] == WIDGET_JS
        tab.say("hello", have=bundle["hash"])
        again = tab.hears(lambda m: m["type"] == "bundle" and m["code"] is None, "a short answer")
        assert again["hash"] == bundle["hash"]


def test_a_beat_is_answered(tab: Page) -> None:
    tab.say("beat")
    tab.hears(lambda message: message["type"] == "alive", "a sign of life")


# ── watching ─────────────────────────────────────────────────────────────────────────────


def test_a_recorded_run_is_told_while_a_cell_blocks(
    kernel: Kernel, tab: Page, tmp_path: Path
) -> None:
    run = value(kernel, "run.id")
    with blocked(kernel, tmp_path / "free"):
        tab.watch({"run": run})
        update = tab.sees(lambda u: "run" in u, "the run")
    assert update["reset"]
    assert update["run"]["state"]["name"] == "Completed"
    assert len(update["tasks"]) == 3


def test_a_run_is_followed_while_it_blocks_its_cell(
    kernel: Kernel, tab: Page, tmp_path: Path
) -> None:
    run, seen = value(kernel, "(planned := new_id())"), tmp_path / "seen"
    tab.watch({"run": run})  # before it is recorded
    request = kernel.start(
        "print('mine')\n"
        "with temporary_settings(logging_to_console=False):\n"
        f"    state = run_flow(steps, {{'number': 5, 'seen': {str(seen)!r}}}, run_id=planned)"
    )
    tab.sees(lambda u: "run" in u, "the run")
    seen.touch()
    kernel.finish(request)
    last = tab.sees(lambda u: u.get("run", {}).get("end_time"), "the end")
    assert last["run"]["state"]["name"] == "Completed"
    [first, *others] = tab.updates()
    assert first["reset"] and first["run"]["state"]["name"] == "Running"
    assert others  # how many is a matter of the machine's speed
    assert not any("reset" in each or "gone" in each for each in others)
    assert printed(kernel, request) == "mine\n"


def test_a_run_of_another_process_is_followed(kernel: Kernel, tab: Page, tmp_path: Path) -> None:
    run = str(new_id())
    tab.watch({"run": run})
    script = tmp_path / "other.py"
    script.write_text(
        "import sys, time\nfrom uuid import UUID\nfrom nbflow import flow\n"
        "from nbflow.engine import run_flow\n"
        "@flow\ndef far():\n    print('far away')\n"
        "run_flow(far.with_options(log_prints=True), {}, run_id=UUID(sys.argv[1]))\n"
    )
    home = value(kernel, "__import__('os').environ['NBFLOW_HOME']")
    subprocess.run(
        [sys.executable, script, run], env={**os.environ, "NBFLOW_HOME": home}, check=True
    )
    tab.sees(lambda u: u.get("run", {}).get("end_time"), "the end")
    assert "far away" in [line["text"] for line in lines(tab)]


def test_two_pages_are_told_both(kernel: Kernel, new: Callable[[], Page]) -> None:
    run = value(kernel, "run.id")
    pages = [new(), new()]
    for each in pages:
        each.watch({"run": run})
    for each in pages:
        assert each.sees(lambda u: "run" in u, "the run")["reset"]


def test_a_table_is_about_its_runs(kernel: Kernel, tab: Page) -> None:
    [shown] = kernel.run("table = RunsTable(flow='nothing of the kind')\ntable")
    view = shown["content"]["data"]["text/html"].split('"')[1]
    assert tab.ask(1, "runs.list", limit=5)["result"]["total"] >= 1
    assert tab.ask(2, "runs.list", limit=5, view=view)["result"] == {"items": [], "total": 0}


def test_a_flow_is_drawn_as_one_looks_at_it(kernel: Kernel, tab: Page) -> None:
    [shown] = kernel.run("view = FlowView(etl)\nview")
    html = shown["content"]["data"]["text/html"]
    assert html.startswith('<nbflow-view view="')
    view = html.split('"')[1]
    tab.watch({"view": view})
    first = tab.sees(lambda u: "graph" in u, "the graph")
    assert first["reset"]
    tab.say("look", watch=1, look={"closed": None, "direction": "radial"})
    again = tab.sees(lambda u: u.get("graph", {}).get("version") == 2, "another look")
    assert again["graph"]["direction"] == "radial"


def test_what_is_gone_is_told_in_a_sentence(tab: Page) -> None:
    tab.watch({"view": "earlier"})
    assert "Run its cell again." in tab.sees(lambda u: "gone" in u, "an end")["gone"]


# ── asking ───────────────────────────────────────────────────────────────────────────────


def test_runs_are_listed_while_a_cell_blocks(kernel: Kernel, tab: Page, tmp_path: Path) -> None:
    listed = {"where": {"flow": "etl"}, "order": "-created", "limit": 1, "offset": 0}
    with blocked(kernel, tmp_path / "free"):
        told = tab.ask(1, "runs.list", **listed)
    assert told["result"]["total"] >= 1
    [item] = told["result"]["items"]
    assert item["run"]["flow_name"] == "etl"
    assert item["duration"] >= 0
    assert item["deployment"] is None


@pytest.mark.parametrize(
    ("method", "params", "sentence"),
    [
        ("runs.list", {"where": {"states": ["ODD"]}}, "where.states"),
        ("runs.list", {"limit": "many"}, "limit"),
        ("run.act", {"run": "no id", "action": "cancel"}, "no id"),
        ("run.act", {"run": "00000000-0000-0000-0000-000000000001", "action": "x"}, "00000000"),
        ("deploy.describe", {"view": "gone"}, "Run its cell again."),
        ("deploy.preview", {"cron": "at noon"}, "cron"),
        ("system", {}, "'system'"),
    ],
)
def test_a_refusal_is_one_sentence(
    tab: Page, method: str, params: dict[str, Any], sentence: str
) -> None:
    answer = tab.ask(1, method, **params)
    assert sentence in answer["error"]
    assert "\n" not in answer["error"]


def test_a_button_ends_the_run_that_blocks_the_kernel(kernel: Kernel, tab: Page) -> None:
    request = kernel.start(
        "try:\n    quietly(slow)\nexcept BaseException as error:\n    print(type(error).__name__)"
    )
    listed = {"where": {"flow": "slow"}, "order": "-created", "limit": 1, "offset": 0}
    number = count(1)

    def running() -> Any:
        items = tab.ask(next(number), "runs.list", **listed)["result"]["items"]
        return items and items[0]["run"]["state"]["name"] == "Running" and items[0]["run"]["id"]

    run = until(running, "the run among those listed", DEADLINE)
    assert "result" in tab.ask(next(number), "run.act", run=run, action="cancel")
    kernel.finish(request)  # it would have slept for longer than anybody waits here
    assert kernel.run("get_run().state.name")[0]["content"]["data"]["text/plain"] == "'Cancelled'"


# ── what must not happen ─────────────────────────────────────────────────────────────────


def test_a_flood_comes_in_few_messages(kernel: Kernel, tab: Page) -> None:
    run = value(kernel, "(planned := new_id())")
    tab.watch({"run": run})
    began, before = time.monotonic(), len(sent(tab))
    kernel.run(
        "with temporary_settings(logging_to_console=False):\n"
        "    state = run_flow(flood, {'lines': 20_000}, run_id=planned)"
    )
    tab.sees(lambda u: u.get("run", {}).get("end_time"), "the end")
    kernel.wait_for(lambda: lines(tab) and lines(tab)[-1]["text"] == "line 19999", "all lines")
    took = time.monotonic() - began
    assert len(sent(tab)) - before <= 10 * took + 1
    told = [line["text"] for line in lines(tab)]
    assert told == [f"line {number}" for number in range(20_000)][-len(told) :]
    stamps = [m["header"]["date"].timestamp() for m in kernel.heard if _is_update(m, tab)]
    assert all(b - a > 0.09 for a, b in pairwise(stamps))


def sent(tab: Page) -> list[dict[str, Any]]:
    """The messages with updates, whoever they were for."""
    return [message for message in tab.messages() if message["type"] == "updates"]


def _is_update(message: dict[str, Any], tab: Page) -> bool:
    content = message["content"]
    return content.get("comm_id") == tab.bridge and (
        content["data"].get("content", {}).get("type") == "updates"
    )


def lines(tab: Page) -> list[dict[str, Any]]:
    """The log as the page has it."""
    return [line for update in tab.updates() for line in update.get("logs", ())]


def test_messages_disturb_no_cell(kernel: Kernel, tab: Page, tmp_path: Path) -> None:
    kernel.run("calls = []\nget_ipython().events.register('post_execute', lambda: calls.append(1))")
    before = len(kernel.heard)
    with blocked(kernel, tmp_path / "free", "calls.clear()", "print(len(calls))") as request:
        for odd in (None, [], 3, {}, {"method": "custom"}, {"method": "custom", "content": None}):
            tab.send(odd)
        for kind, told in ODD:
            tab.say(kind, **told)
        tab.ask(1, "deploy.preview", cron="0 6 * * *")
        tab.hears(lambda m: m.get("ask") == 2, "the answer to the last odd question")
    assert printed(kernel, request) == "busy\n0\n"
    texts = [m["content"]["text"] for m in kernel.heard[before:] if m["msg_type"] == "stream"]
    assert "".join(texts) == "busy\n0\n"  # nor under any other cell
    assert {m["msg_type"] for m in kernel.of(request)} == {"status", "execute_input", "stream"}


#: What only a broken page would say.
ODD: list[tuple[str, dict[str, Any]]] = [
    ("unknown", {}),
    ("watch", {}),
    ("watch", {"watch": "one", "target": {"run": "no id"}}),
    ("watch", {"watch": 1, "target": {"run": None, "view": None}}),
    ("look", {"watch": 99, "look": "sideways"}),
    ("seen", {"watch": 99, "visible": True}),
    ("unwatch", {"watch": 99}),
    ("ask", {"ask": 1, "method": ["run.act"]}),
    ("ask", {"ask": 2, "method": "run.act", "params": {"run": "no id", "action": "cancel"}}),
]


def test_a_deleted_run_is_told_of_once(kernel: Kernel, tab: Page) -> None:
    run = value(kernel, "(doomed := quietly(etl)).id")
    tab.watch({"run": run})
    tab.sees(lambda u: "run" in u, "the run")
    kernel.run("doomed.store.delete_flow_run(doomed.id); doomed.store.flush()")
    assert "deleted" in tab.sees(lambda u: "gone" in u, "its end")["gone"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks there")
def test_a_forked_process_has_no_bridge(kernel: Kernel) -> None:
    kernel.run(
        "import os\nfrom nbflow.widgets.bridge import bridge\n"
        "assert bridge() is not None\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    os._exit(0 if bridge() is None else 1)\n"
        "assert os.waitpid(pid, 0)[1] == 0"
    )


def test_whether_a_run_is_watched(kernel: Kernel, tab: Page) -> None:
    run = value(kernel, "(other := quietly(etl)).id")
    asked = "__import__('nbflow.widgets.bridge').widgets.bridge.bridge().is_watched(other.id)"
    assert value(kernel, asked) == "False"
    tab.watch({"run": run})
    tab.sees(lambda u: "run" in u, "the run")
    assert value(kernel, asked) == "True"
    tab.say("unwatch", watch=1)
    tab.ask(1, "deploy.preview", cron="0 6 * * *")  # it was handled before
    assert value(kernel, asked) == "False"
