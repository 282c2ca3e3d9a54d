"""The command line, with real notebooks, kernels and stores."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbflow import flow, task
from nbflow.cli.main import main
from nbflow.runs import get_run, list_runs
from nbflow.store import close_stores

PARAMETERS = "rows: int = 2  # how many\nfail: bool = False"
WORK = "import time\nfor i in range(rows):\n    print('\\x1b[32mrow\\x1b[0m', i)"
FAIL = "def check(x):\n    if x:\n        raise ValueError('Input X contains NaN.')\ncheck(fail)"
FLOWS = """
from nbflow import flow, task

@task
def load(n: int) -> list[int]:
    return list(range(n))

@task(log_prints=True)
def total(values: list[int]) -> int:
    print("adding up")
    return sum(values)

@flow
def inner(n: int) -> int:
    return total(load(n))

@flow
def outer(n: int = 3, fail: bool = False) -> int:
    found = inner(n)
    if fail:
        raise RuntimeError("asked to fail")
    return found
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a notebook and some flows, which is the current one."""
    cells = [
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_markdown_cell("## Load data"),
        new_code_cell(WORK),
        new_markdown_cell("## Check it"),
        new_code_cell(FAIL),
        new_markdown_cell("## Report"),
        new_code_cell("print('done')"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "etl.ipynb"
    )
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "text.ipynb").write_text("hello")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    close_stores()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nbflow", *arguments]


# ── run ──────────────────────────────────────────────────────────────────────────────────


def test_a_notebook_runs(folder, capsys) -> None:
    """Events in lines, parameters applied, a summary with the executed notebook, exit code 0."""
    assert main(["run", "etl.ipynb", "-p", "rows", "3", "-t", "nightly", "--name", "my {run}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [line.partition(" ")[2] for line in lines]
    assert told.index("Load data │ row 2") < [t.startswith("Load data: ✓") for t in told].index(
        True
    )
    assert not any("\x1b" in line for line in lines)
    summary = re.fullmatch(r"✓ completed in [\d.]+ m?s · 5 cells · (.+)", lines[-1])
    assert summary is not None
    assert "row" in Path(summary[1]).read_text()
    run = get_run("my {run}")
    assert (dict(run.parameters), run.tags, run.output) == (
        {"rows": 3},
        {"nightly"},
        Path(summary[1]),
    )


def test_a_failure_is_told_now_and_later(folder, capsys) -> None:
    """Cell, error, the user's own line, next steps; and again from the record, with traceback."""
    assert main(["run", "etl.ipynb", "-y", "fail: true", "-o", "out.ipynb", "-q"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[1:5] == [
        "✗ Cell 'Check it' failed",
        "  ValueError: Input X contains NaN.",
        "",
        "  line 3  raise ValueError('Input X contains NaN.')",
    ]
    assert re.search(r"✗ failed in .* · 3 of 5 cells · 1 failed · 1 not run · .*out.ipynb$", out)
    assert main(["runs", "show"]) == 0
    shown = capsys.readouterr().out
    assert "----> 4 check(fail)" in shown
    assert "----> 3         raise ValueError('Input X contains NaN.')" in shown
    assert "· not run    Report" in shown
    assert "site-packages" not in shown
    (next_step,) = re.findall(r"nbflow (runs logs .*)$", shown, re.MULTILINE)
    assert main(["runs", "logs", "latest", "--task", "Check it"]) == 0
    assert next_step.endswith("--task 'Check it'")
    assert "ValueError: Input X contains NaN." in capsys.readouterr().out


def test_json_lines_tell_a_notebook_run(folder, capsys) -> None:
    """Every cell's states, what it printed unchanged, and the ending."""
    assert main(["run", "etl.ipynb", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["event"] for event in events} == {"run", "task", "log", "run_ended"}
    done = [e["name"] for e in events if e["event"] == "task" and e["state"] == "Completed"]
    assert done == ["parameters", "Load data", "Check it", "Report"]
    assert "\x1b[32mrow\x1b[0m 1" in [e["message"] for e in events if e["event"] == "log"]
    assert events[-1]["counts"] == {"Completed": 4}
    assert Path(events[-1]["output"]).exists()


def test_a_python_flow_runs_with_its_subflow(folder, capsys) -> None:
    """Tasks of subflows are told and counted; parameters are read by the signature."""
    assert main(["run", "flows.py:outer", "-p", "n", "4"]) == 0
    out = capsys.readouterr().out
    assert "adding up" in out
    assert re.search(r"^✓ completed in .* · 2 tasks$", out, re.MULTILINE)
    assert get_run().state.name == "Completed"
    assert [task.name for task in get_run().subflows[0].task_runs] == ["load", "total"]


def test_a_failed_python_flow_names_the_users_line(folder, capsys) -> None:
    """From the exception itself, without frames of the engine."""
    assert main(["run", "flows.py:outer", "-p", "fail", "true", "-q"]) == 1
    out = capsys.readouterr().out
    assert "RuntimeError: asked to fail" in out
    assert re.search(r"flows.py, line \d+, in outer  raise RuntimeError", out)


def test_parameters_are_listed(folder, capsys) -> None:
    """Of notebooks and flows, as a table or as JSON Schema; nothing runs."""
    assert main(["run", "etl.ipynb", "--help-parameters"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"rows +int +2 +how many", out)
    assert main(["run", "flows.py:outer", "--help-parameters", "--json"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["n"]["type"] == "integer"
    assert list_runs() == []


def test_a_notebook_from_standard_input(folder, capsys, monkeypatch) -> None:
    """It runs in the current folder."""
    cell = new_code_cell("from pathlib import Path\nprint(Path('here.txt').read_text())")
    (folder / "here.txt").write_text("found it")
    text = nbformat.writes(new_notebook(cells=[cell]))
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert main(["run", "-", "-o", "out.ipynb"]) == 0
    assert "│ found it" in capsys.readouterr().out
    assert "found it" in (folder / "out.ipynb").read_text()


def test_a_path_that_the_shell_took_apart_is_put_together(folder, capsys) -> None:
    """Who forgot the quotes is told so, and not of an extra argument."""
    (folder / "my first etl.ipynb").write_text("{}")
    assert main(["run", "my", "first", "etl.ipynb", "-p", "rows", "3"]) == 2
    assert 'put it in quotes: "my first etl.ipynb"' in capsys.readouterr().err


MISTAKES = {
    "no such file": (["run", "elt.ipynb"], "Did you mean etl.ipynb?"),
    "not a notebook": (["run", "text.ipynb"], "is not a notebook"),
    "unknown kernel": (["run", "etl.ipynb", "-k", "cobol"], "Installed kernels: python3"),
    "unknown parameter": (["run", "etl.ipynb", "-p", "rwos", "3"], "Did you mean 'rows'?"),
    "ill-typed parameter": (["run", "etl.ipynb", "-p", "rows", "many"], "must be an int"),
    "ill-typed YAML": (["run", "etl.ipynb", "-y", "rows: [1]"], "must be an int"),
    "no folder for output": (["run", "etl.ipynb", "-o", "text.ipynb/x.ipynb"], "cannot be written"),
    "a script for output": (["run", "etl.ipynb", "-o", "flows.py"], "not overwritten"),
    "a device for output": (["run", "etl.ipynb", "-o", "/dev/null"], "is no file"),
    "unknown user": (["run", "~no-such-user/etl.ipynb"], "There is no notebook"),
    "no parameters file": (["run", "etl.ipynb", "-f", "nowhere.yaml"], "Correct -f"),
    "a notebook's option": (["run", "flows.py:outer", "-k", "python3"], "Leave it out"),
    "no folder to run in": (["run", "etl.ipynb", "--cwd", "nowhere"], "Correct --cwd"),
    "no time limit": (["run", "etl.ipynb", "--timeout", "0"], "above 0"),
    "a negative time": (["run", "etl.ipynb", "--timeout", "-1"], "less than nothing"),
    "no number": (["limit", "set", "api", "ten"], "'ten' is no whole number. Type"),
    "no fraction": (["limit", "set", "api", "3", "--decay", "x"], "'x' is no number"),
    "no time at all": (["run", "etl.ipynb", "--cell-timeout", "soon"], "write 90s"),
    "too many words": (["run", "etl.ipynb", "again"], "(again). Type `nbflow run --help`"),
    "ambiguous flow": (["run", "flows.py"], "flows.py:inner, flows.py:outer"),
    "unknown flow": (["run", "flows.py:outre"], "Did you mean flows.py:outer?"),
    "unknown option": (["run", "etl.ipynb", "--qiuet"], "--quiet"),
    "incomplete option": (["run", "etl.ipynb", "-p", "rows"], "`nbflow run --help`"),
    "a parameter with a sign": (["run", "etl.ipynb", "-p", "rows=3"], "such as -p rows 500"),
    "a missing parameter": (["run", "flows.py:inner"], "needs the parameter 'n'"),
    "no target": (["run"], "`nbflow run --help`"),
    "unknown run": (["runs", "show", "no-such-run"], "no-such-run"),
    "unknown state": (["runs", "ls", "-s", "faild"], "Did you mean 'failed'?"),
    "no such time": (["runs", "ls", "--since", "soon"], "Write 30m"),
    "graph of nothing": (["graph", "nothing.ipynb"], "nothing.ipynb"),
    "graph to nowhere": (["graph", "etl.ipynb", "-o", "text.ipynb/x.svg"], "with -o"),
    "graph as pixels": (["graph", "etl.ipynb", "-o", "etl.png"], "name the file etl.svg"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_one_sentence(folder, capsys, arguments, words) -> None:
    """On stderr, with what to do, exit code 2, no traceback, and no run is recorded."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nbflow: ")
    assert words in err
    assert err.count("\n") == 1
    assert list_runs() == []


def test_a_corrupt_database(folder, capsys, nbflow_home) -> None:
    """Each command says the same sentence; the doctor finds it and answers 1."""
    nbflow_home.mkdir(mode=0o700)
    (nbflow_home / "nbflow.db").write_bytes(b"no database at all" * 1000)
    for arguments in (["run", "etl.ipynb"], ["runs", "ls"], ["runs", "logs"], ["graph", "latest"]):
        assert main(arguments) == 2
        assert "damaged" in capsys.readouterr().err
    assert main(["doctor"]) == 1
    assert re.search(r"✗ bad +database +.*damaged", capsys.readouterr().out)


def test_a_bad_setting(folder, capsys, monkeypatch) -> None:
    """The sentence names the setting and where it stands."""
    monkeypatch.setenv("NBFLOW_LOG_PRINTS", "maybe")
    for arguments in (["runs", "ls"], ["run", "etl.ipynb"], ["run", "flows.py:outer"]):
        assert main(arguments) == 2
        err = capsys.readouterr().err
        assert err.startswith("nbflow: The setting log_prints in the environment is 'maybe'")


# ── in a process of its own ──────────────────────────────────────────────────────────────


def slow_notebook(folder: Path) -> Path:
    cells = [new_code_cell("print('going to sleep', flush=True)\nimport time\ntime.sleep(60)")]
    path = folder / "slow.ipynb"
    nbformat.write(new_notebook(cells=[*cells, new_code_cell("1")]), path)
    return path


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
def test_ctrl_c_cancels(folder) -> None:
    """Exit code 130, the cell cancelled, the next one not run, the notebook kept."""
    slow_notebook(folder)
    process = subprocess.Popen(command("run", "slow.ipynb"), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "going to sleep" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(r"⊘ cancelled in .* · 0 of 2 cells · 1 cancelled · 1 not run", rest)
    run = get_run()
    assert run.state.name == "Cancelled"
    assert run.output is not None
    assert run.output.exists()


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_on_a_terminal_the_display_is_live(folder) -> None:
    """A bar that is redrawn, then gone; the notebook's colours; the summary at the end."""
    import pty

    leader, follower = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    environ.pop("NO_COLOR", None)
    process = subprocess.Popen(
        command("run", "etl.ipynb"), stdout=follower, stderr=follower, env=environ
    )
    os.close(follower)
    told = b""
    while chunk := _read(leader):
        told += chunk
    os.close(leader)
    assert process.wait(timeout=60) == 0
    assert "\x1b[32mrow" in told.decode()
    text = re.sub(r"\x1b\[[\d;]*m", "", told.decode())
    assert re.search(r"\d of 4", text)
    assert re.search(r"Load data +│ row 1", text)
    assert re.search(r"✓ completed in .* · 4 cells · ", text.splitlines()[-1])


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # Linux's way of saying that the other side closed
        return b""


@pytest.mark.skipif(os.name == "nt", reason="pipes differ")
def test_a_reader_that_went_away(folder, capsys) -> None:
    """Listings end quietly; a run goes on, and answers as if it had been read."""
    assert main(["run", "etl.ipynb", "-q"]) == 0
    for arguments, code in ((["runs", "show"], 141), (["run", "etl.ipynb"], 0)):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            command(*arguments), stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (code, "")
    assert [run.state.name for run in list_runs()] == ["Completed", "Completed"]


def test_version_loads_nothing_heavy() -> None:
    """So that it answers at once, as completion does."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "nbflow", "version"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"rich", "sqlalchemy", "jupyter_client", "papermill", "nbformat", "pydantic", "sqlite3"}
    assert "click" in loaded
    assert loaded & heavy == set()
    assert not {name for name in loaded if name.startswith("nbflow.engine")}


# ── runs, graph, doctor ──────────────────────────────────────────────────────────────────


@pytest.fixture
def ran(folder, capsys) -> Path:
    """After one completed and one failed run."""
    main(["run", "flows.py:outer", "-q", "--name", "good", "-t", "nightly"])
    main(["run", "flows.py:outer", "-q", "--name", "bad", "-p", "fail", "true"])
    capsys.readouterr()
    return folder


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["bad", "good"]),
        (["--state", "failed"], ["bad"]),
        (["-t", "nightly"], ["good"]),
        (["--flow", "outer", "--limit", "1"], ["bad"]),
        (["--flow", "inner"], []),
        (["--text", "goo"], ["good"]),
        (["--since", "1h"], ["bad", "good"]),
        (["--state", "failed", "--state", "completed"], ["bad", "good"]),
    ],
)
def test_runs_are_listed(ran, capsys, options, names) -> None:
    """Newest first, by every condition, in a table and as JSON; subflows are left out."""
    assert main(["runs", "ls", "--json", *options]) == 0
    assert [run["name"] for run in json.loads(capsys.readouterr().out)] == names
    assert main(["runs", "ls", *options]) == 0
    out = capsys.readouterr().out
    assert [name for name in ("bad", "good") if f"  {name} " in out] == names or names == [
        *reversed([name for name in ("good", "bad") if f"  {name} " in out])
    ]


def test_an_empty_list_says_what_to_do(folder, capsys) -> None:
    """No runs at all, or none that fits."""
    assert main(["runs", "ls"]) == 0
    assert "nbflow run NOTEBOOK" in capsys.readouterr().out


def test_abandoned_runs_are_closed_before_listing(folder, capsys) -> None:
    """A run whose process was killed is not shown as running for ever."""
    slow_notebook(folder)
    process = subprocess.Popen(command("run", "slow.ipynb"), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("going to sleep" in line for line in process.stdout)
    process.kill()
    process.communicate(timeout=60)
    assert main(["runs", "ls", "--state", "crashed", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["state"] == "Crashed"


def test_a_run_is_shown_as_json(ran, capsys) -> None:
    """With its tasks, and the failure as `run --json` tells it."""
    assert main(["runs", "show", "bad", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["parameters"] == {"n": 3, "fail": True}
    assert shown["failure"]["error"] == "RuntimeError: asked to fail"
    assert shown["failure"]["source"] == 'raise RuntimeError("asked to fail")'


def test_logs_can_be_narrowed(ran, capsys) -> None:
    """By level, task and number; the subflow's log is its own."""
    assert main(["runs", "logs", "bad", "--level", "error", "--json"]) == 0
    errors = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert errors
    assert {record["level"] for record in errors} == {40}
    subflow = get_run("good").subflows[0]
    assert main(["runs", "logs", str(subflow.id), "--task", "total"]) == 0
    assert re.fullmatch(r"[\d:]+ total +│ adding up\n", capsys.readouterr().out)
    assert main(["runs", "logs", "good", "--tail", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_logs_follow_a_run_of_another_process(folder, capsys) -> None:
    """Until it ends."""
    code = "import time\nfor i in range(8):\n    print('step', i, flush=True)\n    time.sleep(0.1)"
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), folder / "steps.ipynb")
    process = subprocess.Popen(
        command("run", "steps.ipynb", "--name", "steps"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert any("step 0" in line for line in process.stdout)
    assert main(["runs", "logs", "steps", "--follow"]) == 0
    process.communicate(timeout=60)
    assert re.findall(r"step \d", capsys.readouterr().out) == [f"step {i}" for i in range(8)]


def test_graphs_are_drawn(ran, capsys) -> None:
    """Of a notebook, a flow and a run; as text, to a file and to standard output."""
    assert main(["graph", "etl.ipynb"]) == 0
    assert re.search(r"Load data +← parameters \(rows\)", capsys.readouterr().out)
    assert main(["graph", "flows.py:outer"]) == 0
    assert "total" in capsys.readouterr().out
    assert main(["graph", "good", "-o", "run.svg", "--theme", "dark", "--direction", "lr"]) == 0
    assert capsys.readouterr().out == "run.svg\n"
    assert ET.parse(ran / "run.svg").getroot().tag.endswith("svg")
    assert main(["graph", "bad", "-o", "-", "--radial"]) == 0
    assert ET.fromstring(capsys.readouterr().out).tag.endswith("svg")


def test_the_doctor_finds_a_healthy_place_healthy(ran, capsys) -> None:
    """Every part is examined, and the kernel really answers."""
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    subjects = [finding["subject"] for finding in told["findings"]]
    assert subjects[:3] == ["Python", "nbflow", "settings"]
    assert {"home", "disk", "database", "graph layout", "kernels", "kernel python3"} <= set(
        subjects
    )


@pytest.mark.skipif(os.name == "nt", reason="modes differ")
def test_the_doctor_warns_of_an_open_home(folder, capsys, nbflow_home) -> None:
    """With the command that closes it."""
    nbflow_home.mkdir()
    nbflow_home.chmod(0o755)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"! warn +home", out)
    assert "chmod 700" in out


# ── Run, in Python ───────────────────────────────────────────────────────────────────────


def test_a_run_as_an_object(ran) -> None:
    """What it was given, how it went, its tasks, log, picture and subflows."""
    run = get_run("bad")
    assert repr(run).startswith("<Run 'bad' of outer: Failed in ")
    assert run.refresh() is run
    assert run.wait(1).state.name == "Failed"
    assert (run.flow_name, run.output, dict(run.parameters)) == (
        "outer",
        None,
        {"n": 3, "fail": True},
    )
    assert [task.name for task in run.all_task_runs] == ["load", "total"]
    bundle = run._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "inner" in bundle["text/plain"]
    subflow = run.subflows[0]
    assert [record.message for record in subflow.logs(task="total")][-1] == "adding up"
    assert subflow.find_task("load").state.is_completed()
    assert get_run(run.id).name == "bad"


def test_waiting_for_a_run_of_another_process(folder) -> None:
    """Returns when it has ended; a limit raises and names the run."""
    from nbflow.exceptions import RunTimeout

    code = (
        "import pathlib, time\nprint('here', flush=True)\n"
        "while not pathlib.Path('go-on').exists(): time.sleep(0.02)"
    )
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), folder / "short.ipynb")
    process = subprocess.Popen(
        command("run", "short.ipynb", "--name", "short"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert any("here" in line for line in process.stdout)
    run = get_run("short")
    with pytest.raises(RunTimeout, match="'short' is still running"):
        run.wait(0.1)
    (folder / "go-on").touch()
    before = time.monotonic()
    assert run.wait(100).state.is_completed()
    assert time.monotonic() - before < 50
    process.communicate(timeout=60)


def test_the_runs_of_one_map_are_one_line_and_the_failed_ones_more(capsys) -> None:
    @task
    def fetch(page: int) -> int:
        if page == 7:
            raise ValueError("page 7 is empty")
        return page

    @flow
    def pages() -> list[Any]:
        return fetch.map(range(20))

    pages(return_state=True)
    assert main(["runs", "show", "latest"]) == 0
    shown = capsys.readouterr().out
    assert "fetch × 20" in shown
    assert "19/20 · 1 failed" in shown
    assert "fetch-8" in shown
    assert "fetch-9" not in shown
