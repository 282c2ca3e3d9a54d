"""What a worker makes of the runs it claims: real processes, real kernels."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from nbflow.models import FlowRun
from nbflow.models.deployments import Deployment
from nbflow.owner import is_alive, place_of
from tests.waiting import until

from .conftest import Shop, notebook

SLEEP = "print('begins', flush=True)\nimport time\ntime.sleep(600)"
STUBBORN = """
import time
print('begins', flush=True)
end = time.monotonic() + 600
while time.monotonic() < end:
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        pass
"""


def executed(run: FlowRun) -> nbformat.NotebookNode:
    assert run.output is not None
    return nbformat.read(run.output, as_version=4)


def printed(run: FlowRun) -> str:
    """What the cells of the executed notebook printed."""
    outputs = [out for cell in executed(run).cells for out in cell.get("outputs", ())]
    return "".join(out.text for out in outputs if out.output_type == "stream")


# ── from a snapshot ──────────────────────────────────────────────────────────────────────


def test_a_notebook_runs_from_its_snapshot(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("WHERE = 'live'\n")
    cell = "import helper, os\nprint(helper.WHERE, os.getcwd(), sorted(In), _ih[-1] == In[-1])"
    files = {"train.ipynb": notebook(cell), "helper.py": "WHERE = 'snapshot'\n"}
    run = shop.run(shop.deploy("train.ipynb", files, cwd=str(tmp_path)))
    assert run.state.is_completed(), shop.text(run)
    assert printed(run).split()[:2] == ["snapshot", str(tmp_path)]
    assert shop.cells(run) == ["Completed"]
    assert run.attempt == 1
    assert shop.history(run) == ["Scheduled", "Pending", "Running", "Completed"]


def test_what_a_flow_prints_stands_in_its_log_once(shop: Shop) -> None:
    source = """
import sys
from nbflow import flow, task

@task(log_prints=True)
def told():
    print("recorded as it comes")

@flow
def talk():
    print("recorded at the end")
    print("an error", file=sys.stderr)
    told()
"""
    run = shop.run(shop.deploy("talk.py:talk", {"talk.py": source}))
    assert run.state.is_completed(), shop.text(run)
    for line in ("recorded as it comes", "recorded at the end", "an error"):
        assert shop.text(run).count(line) == 1, shop.text(run)


def test_a_function_runs_from_its_snapshot(shop: Shop, tmp_path: Path) -> None:
    source = """
        import os
        import helper
        from nbflow import flow, get_run_logger, task

        @task
        def double(x):
            return 2 * x

        @flow
        def etl(x: int = 1):
            get_run_logger().info("%s in %s: %s", helper.WHERE, os.getcwd(), double(x))
            print("a plain print")
    """
    files = {"pkg/flows.py": _dedent(source), "helper.py": "WHERE = 'snapshot'\n"}
    (tmp_path / "helper.py").write_text("WHERE = 'live'\n")
    run = shop.run(shop.deploy("pkg/flows.py:etl", files, cwd=str(tmp_path)), x=21)
    assert run.state.is_completed(), shop.text(run)
    assert f"snapshot in {tmp_path}: 42" in shop.text(run)
    assert "a plain print" in shop.text(run)


def _dedent(source: str) -> str:
    import textwrap

    return textwrap.dedent(source)


def prints(what: str) -> str:
    """A Python file with a flow `f` that prints."""
    return f"from nbflow import flow\n@flow(log_prints=True)\ndef f():\n    print({what})\n"


def test_a_folder_that_is_not_here_is_replaced_by_the_snapshot(shop: Shop) -> None:
    files = {"a/m.py": prints("open('data.txt').read()"), "a/data.txt": "beside it"}
    run = shop.run(shop.deploy("a/m.py:f", files, cwd="/no/such/folder"))
    assert run.state.is_completed(), shop.text(run)
    assert "beside it" in shop.text(run)


def test_a_snapshot_is_as_it_was_and_a_followed_file_as_it_is(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(prints("'first'"))
    kept = shop.deploy("m.py:f", {"m.py": file.read_text()}, "kept", cwd=str(tmp_path))
    followed = shop.deploy(f"{file}:f", None, "followed", cwd=str(tmp_path))
    file.write_text(prints("'second'"))
    texts = [shop.text(shop.ended(run)) for run in (shop.submit(kept), shop.submit(followed))]
    assert ["first" in text for text in texts] == [True, False]
    assert ["second" in text for text in texts] == [False, True]


def test_parameters_arrive_with_their_types_and_variables_in_the_environment(shop: Shop) -> None:
    declared = (
        "import datetime\nday: datetime.date = datetime.date(2026, 1, 1)\nn: int = 1\nwhat = ['x']"
    )
    cell = (
        "import os\nprint(repr(day), repr(n), what, os.environ['MODE'], os.environ['NBFLOW_HOME'])"
    )
    made = shop.deploy(
        "p.ipynb",
        {"p.ipynb": notebook(cell, parameters=declared)},
        env={"MODE": "careful", "NBFLOW_HOME": "/elsewhere"},
        parameters={"n": 5},
    )
    run = shop.run(made, day="2026-05-04", what=["a", None, 1.5])
    assert run.state.is_completed(), shop.text(run)
    expected = "datetime.date(2026, 5, 4) 5 ['a', None, 1.5] careful"
    assert printed(run).strip() == f"{expected} {shop.settings.home}"


# ── what goes wrong before the flow begins ───────────────────────────────────────────────

FLOW = "from nbflow import flow\n@flow\ndef f(x: int = 1):\n    pass\n"
BROKEN = {
    "no such file": ("gone.py:f", {"m.py": FLOW}, {}, "has no file gone.py"),
    "no such flow": ("m.py:g", {"m.py": FLOW}, {}, "m.py has no flow 'g'. It has f."),
    "does not import": (
        "m.py:f",
        {"m.py": "import no_such_module_here"},
        {},
        "ModuleNotFoundError",
    ),
    "ends Python": ("m.py:f", {"m.py": "raise SystemExit(3)"}, {}, "SystemExit"),
    "no such kernel": ("n.ipynb", {"n.ipynb": notebook("1")}, {"kernel_name": "cobol"}, "cobol"),
    "not a notebook": ("n.ipynb", {"n.ipynb": "{}"}, {}, "n.ipynb"),
    "wrong parameter": ("m.py:f", {"m.py": FLOW}, {"parameters": {"x": "many"}}, "x"),
    "follows nothing": ("/no/such/m.py:f", None, {}, "is not there on this machine"),
    "leaves its folder": ("m.py:f", {"../m.py": FLOW}, {}, "'../m.py'"),
}


def test_what_goes_wrong_before_the_flow_fails_the_run(shop: Shop) -> None:
    runs = {
        case: shop.submit(shop.deploy(entry, files, case, **options))
        for case, (entry, files, options, _) in BROKEN.items()
    }
    for case, submitted in runs.items():
        run, words = shop.ended(submitted), BROKEN[case][3]
        assert run.state.name == "Failed", (case, run.state)
        assert words in (run.state.message or ""), case
        assert "\n" not in (run.state.message or ""), case
        assert words in shop.text(run), case  # with its traceback, where that helps


def test_a_process_that_ends_without_a_word_has_crashed(shop: Shop) -> None:
    source = "import os, sys\nprint('the last words', flush=True)\nos._exit(0)\n"
    run = shop.run(shop.deploy("m.py:f", {"m.py": source}))
    assert run.state.name == "Crashed"
    assert "exit code 0" in (run.state.message or "")
    assert "the last words" in (run.state.message or "")


def test_a_killed_process_is_tried_again_while_crash_retries_are_left(shop: Shop) -> None:
    deployment = shop.deploy("k.ipynb", {"k.ipynb": notebook(SLEEP)}, crash_retries=1)
    run = shop.submit(deployment)
    for attempt in (1, 2):
        _kill_in(shop, run, attempt)
    ended = shop.ended(run)
    assert ended.state.name == "Crashed"
    assert "killed by SIGKILL" in (ended.state.message or "")
    assert shop.history(run).count("AwaitingRetry") == 1


def _kill_in(shop: Shop, run: FlowRun, attempt: int) -> None:
    """Kill the process of a run in one of its attempts, and see its kernel end with it."""
    present = until(lambda: _running(shop, run, attempt), f"attempt {attempt}")
    kernel = _kernel_of(present)
    os.kill(place_of(present.owner)[1], signal.SIGKILL)
    until(lambda: not kernel.is_running() or kernel.status() == "zombie", "the kernel's end")


def _running(shop: Shop, run: FlowRun, attempt: int) -> FlowRun | None:
    present = shop.store.flow_run(run.id)
    begun = present.attempt == attempt and shop.text(run).count("begins") == attempt
    return present if begun else None


def _kernel_of(run: FlowRun) -> psutil.Process:
    assert run.owner is not None
    children = psutil.Process(place_of(run.owner)[1]).children()
    return next(child for child in children if "ipykernel_launcher" in " ".join(child.cmdline()))


# ── cancelling ───────────────────────────────────────────────────────────────────────────


def _begun(shop: Shop, deployment: Deployment) -> FlowRun:
    run = shop.submit(deployment)
    until(lambda: "begins" in shop.text(run), "its first cell")
    return shop.store.flow_run(run.id)


@pytest.mark.parametrize("cell", [SLEEP, STUBBORN], ids=["sleeps", "is stubborn"])
def test_a_cancelled_notebook_keeps_what_ran(shop: Shop, cell: str) -> None:
    deployment = shop.deploy("c.ipynb", {"c.ipynb": notebook("print('kept')", cell, "1")})
    run = _begun(shop, deployment)
    assert shop.store.dispatch.cancel(run.id).state.name == "Cancelling"
    ended = shop.ended(run)
    assert ended.state.name == "Cancelled"
    assert shop.cells(run) == ["Completed", "Cancelled", "NotRun"]
    assert printed(ended).startswith("kept\nbegins")
    assert is_alive(run.owner or "") is False


def test_a_cancelled_function_ends(shop: Shop) -> None:
    source = "import time\nfrom nbflow import flow\n@flow(log_prints=True)\ndef f():\n    print('begins')\n    time.sleep(600)\n"
    run = _begun(shop, shop.deploy("m.py:f", {"m.py": source}))
    shop.store.dispatch.cancel(run.id)
    assert shop.ended(run).state.name == "Cancelled"


def test_a_function_that_cannot_be_interrupted_is_killed(shop: Shop) -> None:
    source = (
        "import signal, time\nfrom nbflow import flow\n@flow(log_prints=True)\ndef f():\n"
        "    for s in (signal.SIGINT, signal.SIGTERM):\n        signal.signal(s, signal.SIG_IGN)\n"
        "    print('begins')\n    time.sleep(600)\n"
    )
    run = _begun(shop, shop.deploy("m.py:f", {"m.py": source}, "stubborn"))
    shop.store.dispatch.cancel(run.id)
    assert shop.ended(run).state.name == "Cancelled"


# ── limits ───────────────────────────────────────────────────────────────────────────────


def test_the_engine_keeps_the_time_limit_of_a_run(shop: Shop) -> None:
    for seconds in (3.0, 9.0, 27.0):  # until it is enough to start a kernel
        files = {"t.ipynb": notebook(SLEEP)}
        run = shop.run(shop.deploy("t.ipynb", files, timeout_seconds=seconds))
        assert run.state.name == "TimedOut"
        if "begins" in printed(run):
            break
    assert "begins" in printed(run)


def test_the_worker_ends_what_goes_on_after_its_time(shop: Shop) -> None:
    source = (
        "import signal, time\nfrom nbflow import flow\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "@flow\ndef f():\n    time.sleep(600)\n"
    )
    run = shop.run(shop.deploy("m.py:f", {"m.py": source}, "over", timeout_seconds=0.5))
    assert run.state.name == "TimedOut"
    assert "did not end by itself" in (run.state.message or "")


def test_a_worker_serves_its_queues_only_and_so_many_runs_at_once(shop: Shop) -> None:
    files = {"q.py": "import time\nfrom nbflow import flow\n@flow\ndef f():\n    time.sleep(0.5)\n"}
    elsewhere = shop.submit(shop.deploy("q.py:f", files, "elsewhere", queue="other"))
    deployment = shop.deploy("q.py:f", files)
    runs = [shop.submit(deployment) for _ in range(4)]
    most = 0
    while not all(shop.store.flow_run(run.id).state.is_settled() for run in runs):
        assert shop.worker is not None
        most = max(most, len(shop.worker.held()))
        time.sleep(0.02)
    assert most == 2
    assert shop.store.flow_run(elsewhere.id).state.name == "Scheduled"


# ── trying again ─────────────────────────────────────────────────────────────────────────


def test_a_failed_notebook_goes_on_in_its_kept_kernel(shop: Shop, tmp_path: Path) -> None:
    cells = ("print('above')", "print(open('data.txt').read())")
    files = {"r.ipynb": notebook(*cells)}
    deployment = shop.deploy("r.ipynb", files, keep_kernel_seconds=60.0, cwd=str(tmp_path))
    run = shop.run(deployment)
    assert run.state.name == "Failed"
    (tmp_path / "data.txt").write_text("it came")
    shop.store.dispatch.retry(run.id, resume=True)
    resumed = shop.ended(run)
    assert resumed.state.is_completed(), shop.text(run)
    assert resumed.attempt == 2
    assert "Resumed in its kept kernel" in shop.text(run)
    assert printed(resumed) == "above\nit came\n"
