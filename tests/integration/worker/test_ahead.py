"""Kernels and processes that start before their run: nobody can tell, and nobody shares one."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from nbflow.notebooks import ahead
from nbflow.notebooks.events import KernelReady
from nbflow.notebooks.execute import run_notebook
from nbflow.settings import temporary_settings
from nbflow.store import SQLStore
from nbflow.worker.worker import Worker
from tests.waiting import PATIENCE, until

from .conftest import SERVED, Shop, notebook

LOOK = """
import json, os, sys, threading, builtins
shell = get_ipython()
look = {
    "cwd": os.getcwd(),
    "path": sys.path,
    "environment": dict(os.environ),
    "modules": sorted(sys.modules),
    "names": sorted(name for name in globals() if name not in {"look", "shell"}),
    "builtins": sorted(vars(builtins)),
    "in": list(In), "out": dict(Out), "visited": [str(each) for each in _dh],
    "types": [type(each).__name__ for each in _dh],
    "count": shell.execution_count, "start": str(shell.starting_dir),
    "history": [list(each) for each in shell.history_manager.get_range()],
    "threads": sorted(thread.name for thread in threading.enumerate()),
    "flags": list(sys.flags), "prefix": sys.prefix, "argv": sys.argv[:1],
    "displayed": shell.displayhook.exec_result is None,
    "signal": repr(__import__("signal").getsignal(2)),
}
import helper
look["helper"] = helper.__file__
print(json.dumps(look))
"""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A kernel that waits."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # ipykernel starts differently within tests
    found = ahead.start("python3")
    assert found is not None
    assert ahead.get_ready(PATIENCE, lambda: False)
    yield found
    ahead.discard()
    found.close()


def seen_by(file: Path, cwd: Path) -> tuple[dict[str, Any], int]:
    """What the first cell of a run sees, and the process that it ran in."""
    processes: list[int] = []

    def hear(event: Any) -> None:
        if isinstance(event, KernelReady):
            processes.append(event.pid or 0)

    output = file.with_name("executed.ipynb")
    run_notebook(file, output=output, cwd=cwd, on_event=hear)
    [cell] = nbformat.read(output, as_version=4).cells
    return json.loads(cell.outputs[0].text), processes[0]


def test_a_kernel_that_waited_is_the_equal_of_a_new_one(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, cwd, live = tmp_path / "snapshot", tmp_path / "work", tmp_path / "live"
    for folder in (snapshot, cwd, live):
        folder.mkdir()
        (folder / "helper.py").write_text("")
    (tmp_path / "look.ipynb").write_text(notebook(LOOK))
    known = [text for text in os.environ.get("PYTHONPATH", "").split(os.pathsep) if text]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(snapshot), str(live), *known]))
    monkeypatch.setenv("OF_THE_RUN", 'it\'s "quoted"\n and long')
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    waited, process = seen_by(tmp_path / "look.ipynb", cwd)
    assert process == kernel.pid
    new, other = seen_by(tmp_path / "look.ipynb", cwd)
    assert other != kernel.pid
    for each in (waited, new):
        assert each["environment"].pop("JPY_PARENT_PID") == "1"
    differing = {key: (waited[key], new[key]) for key in new if waited[key] != new[key]}
    assert not differing
    assert waited["helper"] == str(snapshot / "helper.py")
    assert waited["in"] == ["", waited["in"][1]]


BEFORE = {"PATH": "/bin", "PYTHONPATH": "/a:/b", "MODE": "one"}
PLACES = {
    "nothing changes": ({}, True),
    "a variable changes": ({"MODE": "two"}, True),
    "a variable goes": ({"MODE": None}, True),
    "more on the path": ({"PYTHONPATH": "/new:/a:/b"}, True),
    "less on the path": ({"PYTHONPATH": "/a"}, False),
    "another path": ({"PYTHONPATH": "/a:/c"}, False),
    "the same behind": ({"PYTHONPATH": "/a:/b:/c"}, False),
    "hashes": ({"PYTHONHASHSEED": "1"}, False),
    "time zone": ({"TZ": "Asia/Tokyo"}, False),
    "libraries": ({"LD_PRELOAD": "x.so"}, False),
    "home": ({"HOME": "/other"}, False),
    "another IPython": ({"IPYTHONDIR": "/other"}, False),
}


@pytest.mark.parametrize("case", PLACES)
def test_what_is_read_at_the_start_asks_for_a_new_kernel(case: str, tmp_path: Path) -> None:
    changes, possible = PLACES[case]
    after = {key: value for key, value in {**BEFORE, **changes}.items() if value is not None}
    assert (ahead.place_for(BEFORE, after, tmp_path) is not None) is possible


def test_folders_can_ask_for_a_new_kernel(tmp_path: Path) -> None:
    assert ahead.place_for({}, {}, tmp_path / "missing") is None
    (tmp_path / "ipython_config.py").touch()
    assert ahead.place_for({}, {}, tmp_path) is None
    custom = tmp_path / "custom"
    custom.mkdir()
    (custom / "sitecustomize.py").touch()
    assert ahead.place_for({}, {"PYTHONPATH": str(custom)}, custom) is None


def test_a_module_that_is_loaded_already_asks_for_a_new_kernel(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tornado.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert ahead.take("python3", str(tmp_path), {}) is None
    assert not psutil.pid_exists(kernel.pid)


def test_a_kernel_of_another_name_or_a_dead_one_is_not_taken(kernel: Any) -> None:
    os.kill(kernel.pid, signal.SIGKILL)
    until(lambda: not kernel.is_alive(), "its death")
    assert ahead.take("python3", None, {}) is None
    assert ahead.take("python3", None, {}) is None


# ── a worker with a process that waits ───────────────────────────────────────────────────


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A worker that keeps a process ready."""
    home = tmp_path_factory.mktemp("warm") / "home"
    with temporary_settings(home=home) as settings:
        settings.ensure_home()
        shop = Shop(SQLStore(settings.resolved_database_url()), settings)
        worker = Worker(shop.store, queues=[SERVED], name="warm", warm=True, tell=shop.lines.append)
    thread = threading.Thread(target=worker.run, name="warm worker under test")
    thread.start()
    yield shop
    worker.stop(hard=True)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    shop.store.close()


def ready(shop: Shop, count: int) -> int:
    """The process that waits, when that many have been ready."""

    def look() -> list[str]:
        lines = [line for line in shop.lines if line.startswith("ready: process ")]
        return lines if len(lines) >= count else []

    return int(until(look, f"process {count} being ready")[-1].split()[2])


def test_each_run_has_a_process_and_a_kernel_of_its_own(warm: Shop, tmp_path: Path) -> None:
    cell = "import os\nprint(os.getpid(), 'leak' in globals(), os.environ.get('LEAK'))\nleak = os.environ['LEAK'] = '1'"
    deployment = warm.deploy("n.ipynb", {"n.ipynb": notebook(cell)}, cwd=str(tmp_path))
    printed = []
    for number in (1, 2):
        process = ready(warm, number)
        run = warm.run(deployment)
        assert run.state.is_completed(), warm.text(run)
        assert any(f"in waiting process {process}" in line for line in warm.lines)
        [out] = nbformat.read(run.output, as_version=4).cells[0].outputs
        printed.append(out.text.split())
    assert [words[1:] for words in printed] == [["False", "None"]] * 2
    assert printed[0][0] != printed[1][0]


def test_a_run_does_not_need_the_process_that_waits(warm: Shop) -> None:
    process = ready(warm, 1 + sum("in waiting" in line for line in warm.lines))
    os.kill(process, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(process), "its end")
    run = warm.run(warm.deploy("n.ipynb", {"n.ipynb": notebook("1 + 1")}))
    assert run.state.is_completed(), warm.text(run)
    claimed = until(
        lambda: next((line for line in warm.lines if f"{run.name}: claimed" in line), ""),
        "word of its claim",
    )
    assert f"process {process}" not in claimed  # a new one, or the next that had got ready


def test_a_function_in_a_process_that_waited_imports_its_own_modules(warm: Shop) -> None:
    ready(warm, 1 + sum("in waiting" in line for line in warm.lines))
    source = (
        "import papermill\nfrom nbflow import flow\n@flow\ndef f():\n    assert papermill.OWN\n"
    )
    files = {"m.py": source, "papermill.py": "OWN = True\n"}
    run = warm.run(warm.deploy("m.py:f", files))
    assert run.state.is_completed(), warm.text(run)


def test_variables_that_are_read_at_the_start_get_a_new_process(warm: Shop) -> None:
    source = "import sys\nfrom nbflow import flow\n@flow\ndef f():\n    assert hash('a') == {}\n"
    expected = "__import__('subprocess').run([sys.executable, '-c', 'print(hash(chr(97)))'], capture_output=True, env={'PYTHONHASHSEED': '7'}).stdout.strip().decode()"
    source = source.replace("hash('a') == {}", f"str(hash('a')) == {expected}")
    run = warm.run(warm.deploy("m.py:f", {"m.py": source}, env={"PYTHONHASHSEED": "7"}))
    assert run.state.is_completed(), warm.text(run)
