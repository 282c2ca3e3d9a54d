"""A failed run goes on as its next attempt, and gives what an undisturbed run gives."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow.cli.main import main
from nbflow.models import RunKind, new_id
from nbflow.notebooks.kernels.parking import free_run, parked_kernel, parked_kernels
from nbflow.notebooks.kernels.processes import group_members
from nbflow.owner import this_owner
from nbflow.replay import debug_cells
from nbflow.runs import Run, get_run
from nbflow.states import Failed, Running, StateType, now
from nbflow.store import close_stores, open_store
from tests.waiting import until

PARAMETERS = "import datetime\nday: datetime.date = datetime.date(2026, 1, 1)\nn: int = 1"
#: Leaves a mark each time that it runs.
COUNTED = "from pathlib import Path\nwith Path('ran').open('a') as file:\n    file.write('x')\nrows = [n, day.year]"
FAILS = "total = sum(rows) / 0\nprint('total', total)"
MENDED = "total = sum(rows) / 1\nprint('total', total)"
LAST = "print(day, rows, total)"
COMMAND = [sys.executable, "-m", "nbflow"]

FLOWS = """
from pathlib import Path
from nbflow import flow, task

@task(persist_result=True)
def load(n: int) -> int:
    with Path("ran").open("a") as file:
        file.write("x")
    return n

@task
def check(n: int) -> int:
    if not Path("mended").exists():
        raise ValueError("not yet")
    return n

@flow
def etl(n: int = 3) -> int:
    return check(load(n))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in; no kernel stays."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for parked in parked_kernels():
        free_run(parked.run_id)
    close_stores()


def write(*sources: str, name: str = "n.ipynb") -> str:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        new_code_cell(source, id=f"c{n}", metadata={"tags": [] if n else ["parameters"]})
        for n, source in enumerate(sources)
    ]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), name)
    return name


def failed(*options: str) -> Run:
    """A notebook run whose third cell failed."""
    path = write(PARAMETERS, COUNTED, FAILS, LAST)
    assert main(["run", path, "-q", "-p", "day", "2026-05-03", *options]) == 1
    return get_run()


def executed(run: Run) -> list[tuple[str, str, list[str]]]:
    """State, source and outputs of each cell of the executed notebook, paths left out."""
    nb = nbformat.read(run.output, as_version=4)
    nbformat.validate(nb)
    return [
        (cell.metadata.nbflow.state, cell.source, [json.dumps(o) for o in cell.outputs])
        for cell in nb.cells
        if cell.cell_type == "code"
    ]


def history(run: Run) -> list[str]:
    return [change.state.name for change in run.store.states(RunKind.FLOW, run.id)]


def states(run: Run) -> dict[str, tuple[str, int]]:
    return {task.task_key: (task.state.name, task.attempt) for task in run.task_runs}


# ── on the kept kernel ───────────────────────────────────────────────────────────────────


def test_a_resumed_run_equals_an_undisturbed_one(folder, capsys) -> None:
    """The cells above keep their outputs and do not run again; the fixed cell and those below do."""
    run = failed("--keep-kernel", "10m")
    first = parked_kernel(str(run.id))
    assert main(["resume", "latest", "-q"]) == 1, "nothing was mended"
    parked = parked_kernel(str(run.id))
    assert first is not None
    assert parked is not None
    assert parked.process == first.process, "the same kernel, kept anew"
    write(PARAMETERS, COUNTED, MENDED, LAST)
    capsys.readouterr()

    assert main(["resume", str(run.id), "--kernel", "kept"]) == 0

    assert "Resumed in its kept kernel, at the cell 'total'" in capsys.readouterr().out
    run.refresh()
    again = ["Resuming", "Pending", "Retrying"]
    assert history(run) == ["Pending", "Running", "Failed", *again, "Failed", *again, "Completed"]
    assert (run.record.attempt, run.record.owner) == (3, None)
    assert states(run) == {
        "c0": ("Completed", 1),
        "injected-parameters": ("Completed", 1),
        "c1": ("Completed", 1),
        "c2": ("Completed", 3),
        "c3": ("Completed", 1),
    }
    assert (folder / "ran").read_text() == "x"
    assert not group_members(parked.pid)
    assert main(["run", "n.ipynb", "-q", "-p", "day", "2026-05-03"]) == 0
    assert executed(run) == executed(get_run())
    assert (folder / "ran").read_text() == "xx"


def test_what_somebody_ran_in_the_kernel_meanwhile_is_told(capsys) -> None:
    """It stays, which may be just what was wanted."""
    from nbflow.notebooks.kernels.attached import take_kernel
    from nbflow.notebooks.kernels.parking import park

    run = failed("--keep-kernel", "10m")
    before = parked_kernel(str(run.id))
    kernel = take_kernel(str(run.id))
    assert kernel is not None
    assert before is not None
    assert kernel.wait_ready(30)
    kernel.channels.execute("rows.append(1)")
    assert kernel.execution_count(30) == (before.execution_count or 0) + 1
    after = park(kernel, seconds=60, run_id=str(run.id), run_name="r", notebook="n.ipynb")
    record = Path(os.environ["NBFLOW_HOME"], "parked", f"{run.id}.json")
    record.write_text(
        record.read_text().replace(
            f'"execution_count": {after.execution_count}',
            f'"execution_count": {before.execution_count}',
        )
    )
    write(PARAMETERS, COUNTED, MENDED, LAST)

    assert main(["resume", "latest"]) == 0

    shown = capsys.readouterr().out
    assert "Somebody ran a cell in the kept kernel since the failure" in shown
    assert f"total {1 + 2026 + 1}" in shown


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ((PARAMETERS, COUNTED + "  # other", MENDED, LAST), "above the failed one was changed"),
        ((PARAMETERS, COUNTED, "print('fixed')", LAST), "may have left"),
    ],
    ids=["changed above", "a leftover"],
)
def test_an_unsound_resume_is_refused_or_starts_at_the_top(folder, capsys, cells, reason) -> None:
    """`kept` says no with the reason; `auto` says why it takes a new kernel."""
    cells = tuple(c if c != "print('fixed')" else "1" for c in cells)
    path = write(PARAMETERS, COUNTED, "total = 1\n1 / 0", LAST)
    assert main(["run", path, "-q", "--keep-kernel", "10m"]) == 1
    run = get_run()
    write(*cells)
    capsys.readouterr()

    assert main(["resume", "latest", "--kernel", "kept"]) == 2

    refused = capsys.readouterr().err
    assert reason in refused
    assert "--kernel new" in refused
    assert run.refresh().state.name == "Failed"
    assert parked_kernel(str(run.id)) is not None
    write(PARAMETERS, cells[1], MENDED, LAST)
    expected = "above the failed one" if reason.startswith("above") else "kept kernel"
    assert main(["resume", "latest"]) == 0
    assert expected in capsys.readouterr().out
    assert (folder / "ran").read_text() == ("xx" if reason.startswith("above") else "x")


# ── in a new kernel ──────────────────────────────────────────────────────────────────────


def test_without_a_kept_kernel_it_starts_at_the_top(folder, capsys) -> None:
    """With the parameters of the run, types and all; plain cells run again."""
    run = failed("--cwd", str(folder), "--cell-timeout", "55")
    write(PARAMETERS, COUNTED, MENDED, LAST)
    capsys.readouterr()

    assert main(["resume", str(run.id)[-8:], "--json"]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["event"] == "run_ended"
    assert (lines[-1]["id"], lines[-1]["attempt"]) == (str(run.id), 2)
    assert any("no kernel of it waits" in (line.get("message") or "") for line in lines)
    assert not any(line.get("message") == "Cell 'total' raised" for line in lines)
    assert (folder / "ran").read_text() == "xx"
    printed = [out for _, source, outs in executed(run.refresh()) for out in outs if source == LAST]
    assert "2026-05-03 [1, 2026] 2027.0" in printed[0]


def test_task_cells_are_restored_in_a_new_kernel(folder) -> None:
    """What is unchanged is not computed again; the mended cell and what follows it run."""
    load = "%%task load\nopen('ran', 'a').write('x')\nrows = [n] * 3"
    work = "%%task work\ntotal = sum(rows) / {}"
    write("n = 3", "%load_ext nbflow", load, work.format(0), "print(total)")
    assert main(["run", "n.ipynb", "-q"]) == 1
    write("n = 3", "%load_ext nbflow", load, work.format(2), "print(total)")

    assert main(["resume", "latest", "-q"]) == 0

    run = get_run()
    assert states(run)["c2"][0] == "Cached"
    assert (folder / "ran").read_text() == "x"
    assert "4.5" in executed(run)[-1][2][0]


def test_a_run_whose_process_was_killed_goes_on(folder) -> None:
    """It is closed as crashed first; the same run then completes."""
    path = write(
        "x = 1", "import time\nfrom pathlib import Path\nPath('on').touch()\ntime.sleep(600)"
    )
    process = subprocess.Popen([*COMMAND, "run", path, "-q"])
    try:
        until((folder / "on").exists, "the endless cell")
    finally:
        process.kill()
        process.wait()
    write("x = 1", "x")

    assert main(["resume", "latest", "-q"]) == 0

    assert [n for n in history(get_run()) if n in {"Crashed", "Resuming", "Completed"}] == [
        "Crashed",
        "Resuming",
        "Completed",
    ]


# ── Python flows ─────────────────────────────────────────────────────────────────────────


def test_a_python_flow_runs_again_with_what_was_kept(folder, capsys) -> None:
    """Persisted results of the first attempt are not computed again."""
    (folder / "flows.py").write_text(FLOWS)
    assert main(["run", "flows.py:etl", "-q", "-p", "n", "5"]) == 1
    (folder / "mended").touch()

    assert main(["resume", "latest", "-q"]) == 0

    run = get_run()
    assert (run.record.attempt, dict(run.parameters)) == (2, {"n": 5})
    assert (folder / "ran").read_text() == "x"
    assert "completed" in capsys.readouterr().out


# ── replay ───────────────────────────────────────────────────────────────────────────────


def test_the_cells_that_do_a_failure_again(folder) -> None:
    """A plain cell after those that made what it reads; a task on the inputs that it had."""
    write("a = 5", "unrelated = 1", "b = [a]", "print('no')", "c = b[1]")
    assert main(["run", "n.ipynb", "-q"]) == 1
    *before, last = debug_cells("latest")
    names: dict[str, Any] = {}
    assert before == ["a = 5", "b = [a]"]
    assert "IndexError" in last
    with pytest.raises(IndexError):
        exec("\n".join([*before, last]), names)

    (folder / "flows.py").write_text(FLOWS)
    assert main(["run", "flows.py:etl", "-q", "-p", "n", "5"]) == 1
    loading, code = debug_cells("latest", "check")
    exec(loading, names)
    assert names["n"] == 5
    assert code.startswith("if not Path")


# ── refusals ─────────────────────────────────────────────────────────────────────────────


def record_failed(**changes: Any) -> Run:
    from dataclasses import replace

    from nbflow.models import FlowRun

    store = open_store()
    base = FlowRun(id=new_id(), name="r", flow_name="etl", state=Failed(), created=now())
    run = replace(base, **changes)
    store.create_flow_run(run)
    store.flush()
    return Run(run, store)


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"source": "gone.ipynb", "kind": "notebook"}, [], "is not there any more"),
        ({"source": "gone.py"}, [], "is not there any more"),
        ({"source": None}, [], "interactive session"),
        ({"source": "gone.py"}, ["--kernel", "kept"], "it has no kernel"),
        ({"parameters": {"x": {"$type": "Frame", "repr": ""}}}, [], "'x' of r was not kept"),
        ({"state": Running(), "owner": this_owner()}, [], "has not ended"),
    ],
    ids=["no notebook", "no file", "interactive", "no kernel", "lost parameter", "running"],
)
def test_what_cannot_be_resumed_says_why(changes, options, words, capsys) -> None:
    from nbflow.models import FlowKind

    if "kind" in changes:
        changes = changes | {"kind": FlowKind(changes["kind"])}
    run = record_failed(**changes)
    assert main(["resume", str(run.id), *options]) == 2
    assert words in capsys.readouterr().err
    assert run.refresh().state.type == run.record.state.type


def test_subflows_and_completed_runs_are_not_resumed(folder, capsys) -> None:
    parent = record_failed()
    child = record_failed(parent_id=parent.id)
    assert main(["resume", str(child.id)]) == 2
    assert f"nbflow resume {str(parent.id)[-8:]}" in capsys.readouterr().err
    write("1", name="done.ipynb")
    assert main(["run", "done.ipynb", "-q"]) == 0
    capsys.readouterr()
    assert main(["resume", "latest"]) == 2
    assert "has completed" in capsys.readouterr().err


def test_of_two_resumes_at_once_the_second_is_refused(folder, capsys) -> None:
    """Whoever takes the run over first has it."""
    write("x = 1", "1 / 0")
    assert main(["run", "n.ipynb", "-q"]) == 1
    run = get_run()
    write(
        "x = 1",
        "import time\nfrom pathlib import Path\nwhile not Path('go').exists():\n    time.sleep(0.02)",
    )
    first = subprocess.Popen([*COMMAND, "resume", str(run.id), "-q"])
    try:
        until(lambda: run.refresh().state.type is StateType.RUNNING, "the run going on")
        capsys.readouterr()
        assert main(["resume", str(run.id)]) == 2
        assert "has not ended" in capsys.readouterr().err
        (folder / "go").touch()
        assert first.wait(60) == 0
    finally:
        first.kill()
        first.wait()


# ── cancel ───────────────────────────────────────────────────────────────────────────────

ENDLESS = "import time\nfrom pathlib import Path\nPath('on').touch()\ntime.sleep(600)"


@pytest.fixture
def running(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a run in another process, and waits until its endless cell has begun."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, deaf: bool = False) -> subprocess.Popen[bytes]:
        write("x = 1", ENDLESS, name="endless.ipynb")
        ignore = signal.SIG_IGN if deaf else signal.default_int_handler
        process = subprocess.Popen(
            [*COMMAND, "run", "endless.ipynb", "-q", "--keep-kernel", "10m"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, ignore if deaf else signal.SIG_DFL),  # noqa: PLW1509
        )
        started.append(process)
        until((folder / "on").exists, "the endless cell")
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("deaf", "did", "code", "state"),
    [
        (False, ["interrupted"], 130, "Cancelled"),
        (True, ["told to end"], 3, "Crashed"),
    ],
    ids=["Ctrl-C", "SIGTERM when that is ignored"],
)
def test_cancel_ends_a_run_of_another_process(running, capsys, deaf, did, code, state) -> None:
    """As Ctrl-C would, or firmly where that is ignored; it says what it did."""
    process = running(deaf=deaf)

    assert main(["cancel", "latest", "--json", "--wait", "30s"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert [re.sub(r".* was ", "", words) for words in told["did"]] == did
    assert told["state"] == state
    assert process.wait(30) == code
    kept = parked_kernel(str(get_run().id))
    assert kept is not None, "the kernel can be opened all the same"
    assert kept.cell_id == "c1"


def test_cancel_closes_a_run_whose_process_is_gone(running, capsys) -> None:
    process = running()
    process.kill()
    process.wait()
    assert main(["cancel", "latest"]) == 0
    assert "its process was gone already" in capsys.readouterr().out
    assert get_run().state.name == "Crashed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": Failed()}, "has ended already"),
        (
            {"state": Running(), "owner": "elsewhere:1:2"},
            "runs on the machine elsewhere (process 1)",
        ),
        ({"state": Running(), "owner": this_owner()}, "in this very process"),
        ({"state": Running(), "owner": None}, "No process is known"),
    ],
    ids=["ended", "elsewhere", "itself", "nobody"],
)
def test_cancel_refuses_what_it_cannot_do(changes, words, capsys) -> None:
    run = record_failed(**changes)
    assert main(["cancel", str(run.id)]) == 2
    assert words in capsys.readouterr().err


def test_cancel_of_a_subflow_names_its_run(capsys) -> None:
    parent = record_failed(state=Running(), owner=this_owner())
    child = record_failed(state=Running(), owner=this_owner(), parent_id=parent.id)
    assert main(["cancel", str(child.id)]) == 2
    assert f"nbflow cancel {str(parent.id)[-8:]}" in capsys.readouterr().err
