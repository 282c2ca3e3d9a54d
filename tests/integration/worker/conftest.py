"""A store with deployments, and a worker that executes their runs in real processes."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbflow.deployments.running import new_run
from nbflow.models import FlowKind, FlowRun, LogFilter, RunKind
from nbflow.models.deployments import Deployment, DeploymentSpec
from nbflow.settings import Settings, temporary_settings
from nbflow.store import SQLStore
from nbflow.worker.worker import Worker
from tests.waiting import PATIENCE, until

#: The queue that the shared worker serves.
SERVED = "tests"


def notebook(*cells: str, parameters: str | None = None, kernel: str = "python3") -> str:
    """A notebook with these cells, below one of parameters."""
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    if parameters is not None:
        tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        made.insert(0, tagged)
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    return nbformat.writes(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": spec}))


def zipped(files: Mapping[str, str]) -> bytes:
    """An archive of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


@dataclass
class Shop:
    """A store, and what tests do with it."""

    store: SQLStore
    settings: Settings
    queue: str = SERVED
    lines: list[str] = field(default_factory=list)
    worker: Worker | None = None

    def deploy(
        self, entry: str, files: Mapping[str, str] | None, name: str = "d", **options: Any
    ) -> Deployment:
        """Deploy a notebook, or a function as `file.py:flow`, with the files of its snapshot."""
        is_notebook = entry.endswith(".ipynb")
        spec = DeploymentSpec(
            entrypoint=entry,
            kind=FlowKind.NOTEBOOK if is_notebook else FlowKind.FUNCTION,
            queue=options.pop("queue", self.queue),
            parameter_schema={"type": "object", "additionalProperties": True},
            follow=files is None,
            **options,
        )
        archive = None if files is None else zipped(files)
        flow = Path(entry).stem if is_notebook else entry.rpartition(":")[2]
        content = hashlib.sha256(archive or entry.encode()).hexdigest()
        return self.store.deployments.save(flow, name, spec, content_hash=content, snapshot=archive)

    def submit(self, deployment: Deployment, **parameters: Any) -> FlowRun:
        """Let a run of a deployment wait."""
        return self.store.dispatch.submit(*new_run(deployment, parameters))

    def at(self, run: FlowRun, *names: str) -> FlowRun:
        """The run as soon as it is in one of these states."""

        def look() -> FlowRun | None:
            present = self.store.flow_run(run.id)
            wrong = present.state.is_settled() and present.state.name not in names
            assert not wrong, f"{present.state}\n{self.text(run)}"
            return present if present.state.name in names else None

        return until(look, f"{run.name} being {' or '.join(names)}")

    def ended(self, run: FlowRun) -> FlowRun:
        """The run when it has ended, and its worker has let go of it."""

        def look() -> FlowRun | None:
            queued = self.store.dispatch.queued(run.id)
            assert queued is not None
            held = queued.lease_until is not None or queued.due is not None
            present = self.store.flow_run(run.id)
            return None if held or not present.state.is_settled() else present

        return until(look, f"the end of {run.name}")

    def run(self, deployment: Deployment, **parameters: Any) -> FlowRun:
        """Run a deployment to its end."""
        return self.ended(self.submit(deployment, **parameters))

    def text(self, run: FlowRun) -> str:
        """All that the run logged and printed."""
        return "\n".join(log.message for log in self.store.logs(LogFilter(flow_run_id=run.id)))

    def history(self, run: FlowRun) -> list[str]:
        """The names of the states that the run had."""
        return [each.state.name for each in self.store.states(RunKind.FLOW, run.id)]

    def cells(self, run: FlowRun) -> list[str]:
        """The names of the states of its cells."""
        return [each.state.name for each in self.store.task_runs(run.id)]

    def first_cell_started(self, run: FlowRun) -> datetime:
        """When its first cell began."""
        return until(
            lambda: next((t.start_time for t in self.store.task_runs(run.id)), None),
            "its first cell",
        )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A store with a worker in this process, whose runs have processes of their own."""
    home = tmp_path_factory.mktemp("shop") / "home"
    with temporary_settings(home=home, cancel_grace_seconds=2.0) as settings:
        settings.ensure_home()
        shop = Shop(SQLStore(settings.resolved_database_url()), settings)
        shop.worker = worker = Worker(
            shop.store, queues=[SERVED], limit=2, name="shared", warm=False, tell=shop.lines.append
        )
    thread = threading.Thread(target=worker.run, name="worker under test")
    thread.start()
    assert worker.ready.wait(PATIENCE)
    yield shop
    worker.stop(hard=True)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    shop.store.close()
