"""Flows run for real against a SQLite store of their own, and their record is read back."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbflow
from nbflow.models import FlowRunFilter, RunKind
from nbflow.store import close_stores, open_store


class Record:
    """What was recorded, in the words of tests."""

    def runs(self) -> list[Any]:
        """All flow runs, oldest first, subflows too."""
        return nbflow.list_runs(FlowRunFilter(), limit=10_000)[::-1]

    def run(self) -> Any:
        """The first top-level flow run."""
        return next(run for run in self.runs() if run.record.parent_id is None)

    def state(self) -> str:
        """The name of the flow run's last state."""
        return self.run().state.name

    def tasks(self) -> dict[str, str]:
        """Task run names and their last state's name."""
        return {task.name: task.state.name for task in self.run().task_runs}

    def task(self, name: str) -> Any:
        """The task run of exactly this name."""
        return next(task for task in self.run().task_runs if task.name == name)

    def history(self, name: str) -> list[str]:
        """The names of all states of a task run."""
        states = open_store().states(RunKind.TASK, self.task(name).id)
        return [change.state.name for change in states]

    def flow_history(self) -> list[str]:
        """The names of all states of the flow run."""
        return [change.state.name for change in open_store().states(RunKind.FLOW, self.run().id)]

    def logs(self, task: str | None = None) -> list[str]:
        """Messages of the flow run's log, or of one task's."""
        return [line.message for line in self.run().logs(task=task and self.task(task))]


@pytest.fixture
def record(nbflow_home: Path) -> Iterator[Record]:
    """The record of what the test runs."""
    yield Record()
    close_stores()


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a Python script of its own in the test's home."""

    def start(source: str, **options: Any) -> subprocess.Popen[str]:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(source))
        return subprocess.Popen(
            [sys.executable, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            **options,
        )

    return start
