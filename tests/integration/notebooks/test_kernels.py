"""Which kernel runs, what is said when it does not start, and what it may be asked."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from nbflow.exceptions import FlowRunTimeout, KernelDied, NotebookError, OutputPathError
from nbflow.notebooks import conversation
from nbflow.notebooks.document import read_notebook
from nbflow.notebooks.events import KernelReady, KernelStarting
from nbflow.notebooks.execute import run_notebook
from nbflow.notebooks.kernels.choice import choose_kernel
from nbflow.settings import temporary_settings


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a kernel whose program is the given Python code."""

    def go(name: str, code: str, language: str = "python") -> str:
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        argv = [sys.executable, "-c", code, "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": language}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        return name

    return go


def test_a_kernel_of_another_language_runs_the_notebook_whole(run, echo_kernel) -> None:
    metadata = {"language_info": {"name": "echo"}}

    ran = run("hello", "please fail", "never", metadata=metadata)

    assert ran.told.outcomes() == ["completed", "failed", "not_run"]
    assert ran.text(0) == "hello\n"
    assert ran.outcome.kernel_name == "echo"
    assert ran.told.of(KernelReady)[0].language == "echo"
    assert "EchoError" in str(ran.outcome.error)


CHOICES = {
    "asked for": ({}, "python3", "python3", "asked for"),
    "asked for, against the notebook": (
        {"kernelspec": {"name": "echo"}},
        "python3",
        "python3",
        "asked for",
    ),
    "the notebook's own": ({"kernelspec": {"name": "echo"}}, None, "echo", "named by the notebook"),
    "of its language": ({"language_info": {"name": "echo"}}, None, "echo", "language, echo"),
    "of its language, its own missing": (
        {"kernelspec": {"name": "conda-env-py"}, "language_info": {"name": "python"}},
        None,
        "python3",
        "language, python",
    ),
    "nothing said": ({}, None, "python3", "language, python"),
}


@pytest.mark.parametrize("case", CHOICES.values(), ids=CHOICES.keys())
def test_the_kernel_is_chosen_and_the_reason_given(notebook, echo_kernel, case) -> None:
    metadata, asked, expected, reason = case

    choice = choose_kernel(read_notebook(notebook("1", **metadata)), asked)

    assert choice.name == expected
    assert reason in choice.reason


@pytest.mark.parametrize(
    ("metadata", "asked"),
    [({}, "jula"), ({"kernelspec": {"name": "ir", "language": "R"}}, None)],
    ids=["asked for", "needed"],
)
def test_an_unknown_kernel_is_refused_with_the_installed_ones(notebook, metadata, asked) -> None:
    with pytest.raises(NotebookError, match=r"not installed. Installed kernels: .*python3"):
        run_notebook(notebook("1", **metadata), output=None, kernel_name=asked)


def test_a_kernel_that_dies_at_the_start_shows_its_last_words(run, install) -> None:
    name = install("broken", "import no_such_module_here")

    ran = run("1", kernel_name=name)

    assert isinstance(ran.outcome.error, KernelDied)
    assert "No module named 'no_such_module_here'" in str(ran.outcome.error)
    assert ran.told.outcomes() == ["not_run"]
    assert ran.states() == ["not_run"]
    assert str(ran.outcome.outcome) == "crashed"
    assert len(ran.told.of(KernelStarting)) == 1


def test_a_kernel_that_never_answers_is_given_up(run, install) -> None:
    name = install("mute", "import time\nprint('thinking', flush=True)\ntime.sleep(600)")
    began = time.monotonic()

    with temporary_settings(kernel_start_timeout_seconds=4):
        ran = run("1", kernel_name=name)

    assert "did not answer within 4 s" in str(ran.outcome.error)
    assert "thinking" in str(ran.outcome.error)
    assert "NBFLOW_KERNEL_START_TIMEOUT_SECONDS" in str(ran.outcome.error)
    assert time.monotonic() - began < 60


def test_the_time_limit_of_the_notebook_covers_the_kernels_start(run, install) -> None:
    name = install("mute", "import time\ntime.sleep(600)")

    ran = run("1", kernel_name=name, timeout=0.5)

    assert isinstance(ran.outcome.error, FlowRunTimeout)
    assert str(ran.outcome.outcome) == "timed_out"


def test_a_program_that_is_not_there_is_said(notebook, tmp_path, install) -> None:
    install("gone", "")
    spec = tmp_path / "jupyter" / "kernels" / "gone" / "kernel.json"
    broken = {**json.loads(spec.read_text()), "argv": ["/no/such/python", "{connection_file}"]}
    spec.write_text(json.dumps(broken))

    with pytest.raises(NotebookError, match="'gone' cannot be started"):
        run_notebook(notebook("1"), output=None, kernel_name="gone")


def test_a_working_directory_that_is_not_there_is_said(notebook, tmp_path) -> None:
    with pytest.raises(NotebookError, match=r"There is no folder .*nowhere"):
        run_notebook(notebook("1"), output=None, cwd=tmp_path / "nowhere")


def test_an_output_that_cannot_be_written_is_refused_before_the_kernel(notebook, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    told = []

    for output in (tmp_path / "file" / "out.ipynb", tmp_path, Path("/proc/nbflow/out.ipynb")):
        with pytest.raises(OutputPathError, match=r"(cannot be written|is a folder)"):
            run_notebook(notebook("1"), output=output, on_event=told.append)
    assert told == []


def test_a_flood_does_not_overtax_the_kernels_own_queue(run) -> None:
    ran = run("print(get_ipython().kernel.iopub_thread.socket.sndhwm)")

    assert ran.text(0) == "0\n"


def test_preparing_the_kernel_leaves_no_trace(run) -> None:
    ran = run("print(sorted(n for n in dir() if 'nbflow' in n), In, len(Out))", strict_shell=True)

    assert ran.text(0).startswith("[] ['', ")
    assert ran.nb.cells[0].execution_count == 1


def test_no_warning_about_unencrypted_tcp(run) -> None:
    ran = run(
        "import sys, json\nfrom ipykernel.connect import get_connection_info as i\nprint(json.loads(i())['transport'])"
    )

    assert ran.text(0) == "ipc\n"


def test_a_missing_idle_message_does_not_hang(run, install, monkeypatch) -> None:
    monkeypatch.setattr(conversation, "IDLE_PATIENCE", 3)
    code = (
        "import ipykernel.kernelbase as b, sys\n"
        "plain = b.Kernel._publish_status\n"
        "def publish(self, status, *a, **k):\n"
        "    parent = a[1] if len(a) > 1 else k.get('parent')\n"
        "    kind = (self.get_parent() or {}).get('msg_type')\n"
        "    if status == 'idle' and kind == 'execute_request': return\n"
        "    return plain(self, status, *a, **k)\n"
        "b.Kernel._publish_status = publish\n"
        "from ipykernel.kernelapp import IPKernelApp\n"
        "IPKernelApp.launch_instance(argv=['-f', sys.argv[1]])\n"
    )

    ran = run("print('kept', flush=True)", kernel_name=install("idless", code))

    assert ran.told.outcomes() == ["completed"]
    assert ran.text(0) == "kept\n"


def test_a_kernel_that_is_interrupted_by_message(run, tmp_path, install) -> None:
    install("polite", "")
    spec = tmp_path / "jupyter" / "kernels" / "polite" / "kernel.json"
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    changed = {**json.loads(spec.read_text()), "argv": argv, "interrupt_mode": "message"}
    spec.write_text(json.dumps(changed))
    patient = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('bye')"

    ran = run(
        "1",
        patient,
        "3",
        kernel_name="polite",
        cell_timeout=lambda cell: 2 if cell.index == 1 else None,
    )

    assert ran.told.outcomes() == ["completed", "timed_out", "not_run"]
    assert ran.text(1) == "bye\n"
