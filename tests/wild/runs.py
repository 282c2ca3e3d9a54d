"""One notebook through papermill's command and through `nbflow run`, and what they made of it.

Both run in a fresh copy of the notebook's folder, as a user in that folder would; papermill runs
a second time only where the two disagree, to learn which outputs repeat at all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import compare

#: Seconds one run may take.
PATIENCE: Final = 240.0
#: Where nbflow is meant to differ, and why.
MEANT: Final = {
    "Skip Exceptions with Cell Tags": "an expected exception is no failure; papermill calls it one",
    "test2": "nbflow reads notebooks of format 2, papermill does not",
    "complex_parameters": "a parameters cell that is no Python is told before a kernel starts",
}


@dataclass(slots=True)
class Tool:
    """A command that executes notebooks."""

    name: str
    #: From notebook, output and kernel options to the command's arguments.
    arguments: Callable[[str, str, list[str]], list[str]]


PAPERMILL: Final = Tool(
    "papermill", lambda nb, out, k: ["papermill", nb, out, "--no-progress-bar", *k]
)
NBFLOW: Final = Tool("nbflow", lambda nb, out, k: ["nbflow", "run", nb, "-o", out, "--quiet", *k])


@dataclass(slots=True)
class Executed:
    """What one command left."""

    code: int
    seconds: float
    words: str
    cells: list[dict[str, Any]]


@dataclass(slots=True)
class Verdict:
    """Where the two commands agree, and where not."""

    path: Path
    papermill: Executed
    nbflow: Executed
    complaints: list[str] = field(default_factory=list)
    repeated: bool = False

    @property
    def broken(self) -> bool:
        """Whether the two disagree where they should not."""
        return bool(self.complaints) and self.path.stem not in MEANT

    @property
    def words(self) -> str:
        """One line of the table."""
        agreed = "same" if not self.complaints else "; ".join(self.complaints)
        if self.complaints and not self.broken:
            agreed = f"differs as meant: {MEANT[self.path.stem]}"
        times = f"{self.papermill.seconds:.1f} s / {self.nbflow.seconds:.1f} s"
        codes = f"exit {self.papermill.code}/{self.nbflow.code}"
        cells = sum(cell["cell_type"] == "code" for cell in self.nbflow.cells)
        unstable = ", some outputs never repeat" if self.repeated else ""
        return f"{self.path.stem}: {agreed} ({cells} code cells, {codes}, {times}{unstable})"


def judge(path: Path, folder: Path, environment: dict[str, str]) -> Verdict:
    """Run one notebook through both, and compare."""
    theirs = execute(PAPERMILL, path, folder / "papermill", environment)
    ours = execute(NBFLOW, path, folder / "nbflow", environment)
    verdict = Verdict(path, theirs, ours)
    told = compare.differences(theirs.cells, ours.cells)
    if told:
        again = execute(PAPERMILL, path, folder / "again", environment)
        verdict.repeated = bool(compare.differences(theirs.cells, again.cells))
        told = compare.differences(theirs.cells, ours.cells, again.cells)
    if bool(theirs.code) != bool(ours.code):
        told.append(f"exit {theirs.code} there, {ours.code} here: {theirs.words} / {ours.words}")
    elif theirs.code and (there := compare.failure_of(theirs.cells)) != (
        here := compare.failure_of(ours.cells)
    ):
        told.append(f"fails at {there} there, at {here} here")
    verdict.complaints = told + compare.dishonest(ours.cells)
    return verdict


def execute(tool: Tool, path: Path, folder: Path, environment: dict[str, str]) -> Executed:
    """Run one command in a fresh copy of the notebook's folder."""
    place = folder / path.stem
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(path.parent, place, ignore=shutil.ignore_patterns("*.pyc"))
    output = place / "executed.ipynb"
    command = tool.arguments(path.name, str(output), _kernel_options(path))
    begun = time.monotonic()
    try:
        done = subprocess.run(  # noqa: PLW1510 - its exit code is what is compared
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        code, words = done.returncode, done.stderr.strip()[-400:]
    except subprocess.TimeoutExpired:
        code, words = -1, "hangs"
    seconds = time.monotonic() - begun
    return Executed(code, seconds, words, compare.cells_of(output) if output.exists() else [])


def _kernel_options(path: Path) -> list[str]:
    """This machine's Python, where the notebook names a kernel that only its author had."""
    metadata = json.loads(path.read_text(encoding="utf-8")).get("metadata", {})
    known = metadata.get("kernelspec", {}).get("name") == "python3"
    return [] if known else ["-k", "python3"]


def environment(home: Path, python: Path) -> dict[str, str]:
    """The environment of both commands: those of one virtual environment, and a store apart."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "NBFLOW_HOME"}
    kept = {key: value for key, value in os.environ.items() if key not in unwanted}
    return kept | {
        "PATH": f"{python.parent}{os.pathsep}{kept.get('PATH', '')}",
        "NBFLOW_HOME": str(home),
        "PYTHONHASHSEED": "0",
    }
