"""Small notebooks, a recorder of what a run tells, and a look at leftover processes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbflow.notebooks.events import CellEnded, CellPrinted, NotebookEvent, NotebookOutcome
from nbflow.notebooks.execute import run_notebook
from tests.waiting import until

ECHO_KERNEL = """
from ipykernel.kernelbase import Kernel
from ipykernel.kernelapp import IPKernelApp


class Echo(Kernel):
    implementation = "echo"
    implementation_version = "1"
    language = "echo"
    language_version = "1"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}
    banner = "echo"

    def do_execute(self, code, silent, *args, **kwargs):
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code + "\\n"})
        if "fail" in code:
            content = {"ename": "EchoError", "evalue": "asked to", "traceback": ["asked to"]}
            return {"status": "error", "execution_count": self.execution_count, **content}
        return {"status": "ok", "execution_count": self.execution_count, "user_expressions": {}}


IPKernelApp.launch_instance(kernel_class=Echo)
"""


@dataclass
class Told:
    """All events of a run, with the questions tests ask of them."""

    events: list[NotebookEvent] = field(default_factory=list)

    def __call__(self, event: NotebookEvent) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def printed(self, cell: str | None = None) -> str:
        printed = self.of(CellPrinted)
        return "".join(e.text for e in printed if cell in {None, e.cell.name})

    def outcomes(self) -> list[str]:
        ended = sorted(self.of(CellEnded), key=lambda e: e.cell.index)
        return [str(event.outcome) for event in ended]


@dataclass
class Ran:
    """A finished run."""

    outcome: NotebookOutcome
    told: Told
    output: Path

    @cached_property
    def nb(self) -> Any:
        return nbformat.v4.reads(self.output.read_text(encoding="utf-8"))

    def states(self) -> list[str]:
        """The states that the executed notebook itself shows."""
        codes = (c for c in self.nb.cells if c.cell_type == "code")
        return [c.metadata.nbflow.state for c in codes]

    def papermill(self) -> list[str]:
        codes = (c for c in self.nb.cells if c.cell_type == "code")
        return [c.metadata.papermill.status for c in codes]

    def text(self, index: int) -> str:
        codes = [c for c in self.nb.cells if c.cell_type == "code"]
        return "".join(o.text for o in codes[index].outputs if o.output_type == "stream")


def make_notebook(path: Path, *cells: Any, **metadata: Any) -> Path:
    """Write a notebook; a string is a code cell, `# …` with a blank first a heading."""
    nodes = []
    for number, cell in enumerate(cells):
        if isinstance(cell, str) and cell.startswith("# "):
            nodes.append(new_markdown_cell(cell, id=f"text-{number}"))
            continue
        source, tags = cell if isinstance(cell, tuple) else (cell, [])
        nodes.append(new_code_cell(source, id=f"cell-{number}", metadata={"tags": list(tags)}))
    nb = new_notebook(cells=nodes)
    nb.metadata.update(nbformat.from_dict(metadata))
    path.write_text(nbformat.v4.writes(nb), encoding="utf-8")
    return path


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    def make(*cells: Any, name: str = "source.ipynb", **metadata: Any) -> Path:
        return make_notebook(tmp_path / name, *cells, **metadata)

    return make


@pytest.fixture
def run(tmp_path: Path, notebook: Callable[..., Path]) -> Callable[..., Ran]:
    """Run cells to the end, whatever the outcome, and check what must hold of every run."""

    def go(*cells: Any, **options: Any) -> Ran:
        metadata, also = options.pop("metadata", {}), options.pop("also_tell", None)
        source = notebook(*cells, **metadata)
        output = tmp_path / "out" / "executed.ipynb"
        told = Told()

        def tell(event: NotebookEvent) -> None:
            told(event)
            if also is not None:
                also(event)

        outcome = run_notebook(
            source, output=output, on_event=tell, raise_on_failure=False, **options
        )
        ran = Ran(outcome, told, output)
        text = output.read_text(encoding="utf-8")
        if len(text) < 100_000:  # validating is slow
            nbformat.validate(json.loads(text))
        assert nbformat.v4.writes(nbformat.v4.reads(text)) == text
        assert [str(c.outcome) for c in outcome.cells] == told.outcomes()
        return ran

    return go


@pytest.fixture
def echo_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kernel of another language."""
    folder = tmp_path / "jupyter" / "kernels" / "echo"
    folder.mkdir(parents=True)
    program = folder / "echo.py"
    program.write_text(ECHO_KERNEL, encoding="utf-8")
    argv = [sys.executable, str(program), "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Echo", "language": "echo"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return "echo"


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return sys.platform != "linux"
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def processes() -> Any:
    """Questions about processes: `alive(pid)`, `gone(pid, …)`."""

    class Processes:
        alive = staticmethod(is_alive)

        @staticmethod
        def gone(*pids: int) -> bool:
            return until(lambda: not any(map(is_alive, pids)), "the end of processes")

    return Processes()
