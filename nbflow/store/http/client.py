"""The store behind a server: whatever a `Store` offers, asked for over HTTP.

This module decides how each method of `Store` becomes a write on its way (`outbox.py`) or a
question (`connection.py`). It must not know databases.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from nbflow import __version__, wire
from nbflow import owner as owners
from nbflow.exceptions import ServerUnreachable, StoreError
from nbflow.models import (
    Changes,
    FlowRun,
    FlowRunFilter,
    FlowRunOrder,
    LogFilter,
    LogRecord,
    RunKind,
    StateChange,
    TaskRun,
    new_id,
)
from nbflow.store import rows
from nbflow.store.base import StoreInfo
from nbflow.store.http import abandoned
from nbflow.store.http.components import LONGEST_WAIT_SECONDS, Component, Events
from nbflow.store.http.connection import ANSWER_SECONDS, Connection, api_address
from nbflow.store.http.interface import PROTOCOL, RUNS, Method, methods
from nbflow.store.http.outbox import Outbox
from nbflow.store.http.writes import RunWrite

if TYPE_CHECKING:
    from nbflow.models.deployments import Fence
    from nbflow.store.orchestration import (
        ArtifactStore,
        DeploymentStore,
        DispatchStore,
        EventStore,
        LimitStore,
        UpkeepStore,
        VaultStore,
    )

#: Cleaning and copying a large database takes its time.
_UPKEEP_SECONDS: Final = 3_600.0


class HTTPStore:
    """Runs and everything around them, behind a server; see `Store` for what each method does.

    `flush` returns when the server has made durable what was written before.
    """

    def __init__(self, url: str, token: str = "", *, fence: Fence | None = None) -> None:
        """Reach the server at `url`, such as http://127.0.0.1:4200.

        Raises `ServerUnreachable` when nobody answers there, or not to this token, and
        `ConfigurationError` for what is no address.
        """
        self.url, own_token = api_address(url)
        self.closed = False
        self._connection = Connection(self.url, token or own_token)
        self._outbox = Outbox(self._connection)
        self._outbox.fence = fence
        try:
            #: Whether the server is on this machine, and can see who lives here.
            self._is_near = _greet(self.url, self._connection.get("/store"))
        except BaseException:
            self._connection.close()
            raise

    # ── beside runs ──────────────────────────────────────────────────────────────────────
    # `Component` has what the Protocols declare, read off them; no type checker sees that.

    @cached_property
    def deployments(self) -> DeploymentStore:
        """Deployments with their versions, snapshots and schedules."""
        return cast("DeploymentStore", Component("deployments", self._ask))

    @cached_property
    def dispatch(self) -> DispatchStore:
        """Runs that wait for workers, and queues, workers and backfills."""
        return cast("DispatchStore", Component("dispatch", self._ask))

    @cached_property
    def limits(self) -> LimitStore:
        """Named concurrency limits."""
        return cast("LimitStore", Component("limits", self._ask))

    @cached_property
    def vault(self) -> VaultStore:
        """Variables and secrets."""
        return cast("VaultStore", Component("vault", self._ask))

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """What runs left behind to look at."""
        return cast("ArtifactStore", Component("artifacts", self._ask))

    @cached_property
    def events(self) -> EventStore:
        """Everything that happened."""
        return cast("EventStore", Events("events", self._ask))

    @cached_property
    def upkeep(self) -> UpkeepStore:
        """Keeping the database small and safe."""
        return cast("UpkeepStore", Component("upkeep", self._ask))

    # ── writes ───────────────────────────────────────────────────────────────────────────
    def create_flow_run(self, run: FlowRun) -> None:
        """Remember a new flow run, its state being the first of its history."""
        # As text now: the caller may change a nested list before it is sent.
        parameters = rows.to_json(run.parameters)
        self._write("create_flow_run", (replace(run, parameters={}), parameters))

    def create_task_run(self, run: TaskRun) -> None:
        """Remember a new task run, its state being the first of its history."""
        self._write("create_task_run", run)

    def set_state(self, change: StateChange) -> None:
        """Append to a run's history and make it the run's present state."""
        self._write("set_state", change)

    def set_output(self, flow_run_id: UUID, output: str) -> None:
        """Remember where the executed notebook is."""
        self._write("set_output", (flow_run_id, output))

    def rename_task_run(self, task_run_id: UUID, name: str) -> None:
        """Give a task run the name that its arguments make, once they are there."""
        self._write("rename_task_run", (task_run_id, name))

    def add_dependencies(
        self,
        task_run_id: UUID,
        flow_run_id: UUID | None,
        dependencies: Sequence[tuple[UUID, str, bool]],
    ) -> None:
        """Add (upstream, name, certain) dependencies found after the run was created."""
        del flow_run_id  # the server finds it by the task run
        if dependencies:
            self._write("add_dependencies", (task_run_id, tuple(dependencies)))

    def add_logs(self, records: Sequence[LogRecord]) -> None:
        """Remember log records, in order."""
        if records:
            self._write("add_logs", tuple(records))

    def delete_flow_run(self, flow_run_id: UUID) -> None:
        """Forget a flow run, its subflows, task runs, states and logs."""
        self._write("delete_flow_run", flow_run_id)

    def flush(self, timeout: float | None = None) -> None:
        """Return when every earlier write is durable; raises `StoreError` if one failed."""
        self._outbox.flush(timeout)

    def write_under(self, fence: Fence | None) -> None:
        """Let all further writes of runs carry a claim; they end when it is lost."""
        self._outbox.settle()  # what was written before is not under it
        self._outbox.fence = fence

    def close(self) -> None:
        """Flush and release everything; calling it twice is fine."""
        if self.closed:
            return
        self.closed = True
        try:
            self._outbox.close()
        finally:
            self._connection.close()

    def _write(self, name: str, argument: Any) -> None:
        self._outbox.put(RunWrite(name, argument))

    # ── reads ────────────────────────────────────────────────────────────────────────────
    def flow_run(self, flow_run_id: UUID) -> FlowRun:
        """One flow run; raises `ObjectNotFound`."""
        return cast("FlowRun", self._read("flow_run", flow_run_id))

    def find_flow_run(self, reference: str) -> FlowRun:
        """The flow run a person means by an id, the start or end of one, a name, or `latest`."""
        return cast("FlowRun", self._read("find_flow_run", reference))

    def flow_runs(
        self,
        where: FlowRunFilter | None = None,
        *,
        limit: int = 200,
        offset: int = 0,
        order: FlowRunOrder = FlowRunOrder.NEWEST,
    ) -> list[FlowRun]:
        """Flow runs in order, by default the newest first."""
        found = self._read("flow_runs", where, limit=limit, offset=offset, order=order)
        return cast("list[FlowRun]", found)

    def count_flow_runs(self, where: FlowRunFilter | None = None) -> int:
        """How many flow runs match."""
        return cast("int", self._read("count_flow_runs", where))

    def task_run(self, task_run_id: UUID) -> TaskRun:
        """One task run; raises `ObjectNotFound`."""
        return cast("TaskRun", self._read("task_run", task_run_id))

    def task_runs(self, flow_run_id: UUID) -> list[TaskRun]:
        """The task runs of a flow run (not of its subflows), in order of creation."""
        return cast("list[TaskRun]", self._read("task_runs", flow_run_id))

    def states(self, kind: RunKind, run_id: UUID) -> list[StateChange]:
        """A run's whole history, oldest first."""
        return cast("list[StateChange]", self._read("states", kind, run_id))

    def logs(self, where: LogFilter, *, limit: int = 1000, newest: bool = False) -> list[LogRecord]:
        """Log records in order; with `newest`, the last `limit` of them (still in order)."""
        found = self._read("logs", where, limit=limit, newest=newest)
        return cast("list[LogRecord]", found)

    def changes(self, flow_run_id: UUID, *, after: int = 0, limit: int = 5000) -> Changes:
        """What is new in a flow run since the cursor `after` (0: everything)."""
        return cast("Changes", self._read("changes", flow_run_id, after=after, limit=limit))

    def watch(
        self, flow_run_id: UUID, *, after: int = 0, timeout: float | None = None
    ) -> Iterator[Changes]:
        """Yield changes as they come, until the run has settled or `timeout` seconds passed."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self.flow_run(flow_run_id)  # an unknown run is an error, one deleted later an end
        while True:
            left = max(0.0, deadline - time.monotonic())
            changes, over = self._news(flow_run_id, after, min(left, LONGEST_WAIT_SECONDS))
            if changes is not None:
                yield changes
                after = changes.cursor
            elif over or left <= LONGEST_WAIT_SECONDS:
                return

    def _news(self, flow_run_id: UUID, after: int, seconds: float) -> tuple[Changes | None, bool]:
        """What is new once something is, and whether nothing more will come."""
        self._outbox.settle()
        question = wire.dump({"flow_run_id": flow_run_id, "after": after, "timeout": seconds})
        answer = self._post("/store/watch", question, seconds=seconds + ANSWER_SECONDS)
        changes: Changes | None = wire.load(Changes | None, answer["changes"])
        return changes, bool(answer["over"])

    # ── care ─────────────────────────────────────────────────────────────────────────────
    def close_abandoned(self, now: datetime) -> list[UUID]:
        """Mark runs whose owner process, here or at the server, is gone as Crashed."""
        closed = cast("list[UUID]", self._read("close_abandoned", now))
        return closed if self._is_near else [*closed, *abandoned.close_own(self, now)]

    def take_over(self, flow_run_id: UUID, owner: str, now: datetime) -> FlowRun:
        """Give an ended run to a process that resumes it, and return the run as it is then."""
        return cast("FlowRun", self._read("take_over", flow_run_id, owner, now))

    def info(self) -> StoreInfo:
        """Version, size and counts of the server's database; the address is the server's."""
        return replace(cast("StoreInfo", self._read("info")), url=self.url)

    # ── asking ───────────────────────────────────────────────────────────────────────────
    def _read(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._ask(methods(RUNS)[name], args, kwargs)

    def _ask(self, method: Method, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a method at the server, after all that was written before."""
        arguments = method.dump_arguments(args, kwargs)
        if self.closed:
            raise StoreError("The store is closed. Open it again: nbflow.store.open_store().")
        self._outbox.settle()
        headers = {} if method.reads else {"Nbflow-Call": new_id().hex}
        seconds = _UPKEEP_SECONDS if method.component == "upkeep" else ANSWER_SECONDS
        raw = method.raw_argument
        data = arguments.pop(raw, None) if raw is not None else None
        content = json.dumps({"arguments": arguments}).encode()
        if data is not None:
            headers["Nbflow-Bytes"] = str(len(content))
            content += data
        answer = self._connection.post(f"/store/{method.path}", content, headers, seconds=seconds)
        if method.raw_result:
            return answer
        return wire.load(method.result, json.loads(answer)["result"])

    def _post(self, path: str, question: Any, *, seconds: float) -> Any:
        content = json.dumps(question).encode()
        return json.loads(self._connection.post(path, content, {}, seconds=seconds))


def _greet(url: str, answer: bytes) -> bool:
    """Whether the server is on this machine.

    Raises `ServerUnreachable` unless both ends mean the same by what they say.
    """
    try:
        said = json.loads(answer)
        protocol, version, host = int(said["protocol"]), str(said["version"]), said["host"]
    except (ValueError, TypeError, KeyError):
        raise ServerUnreachable(
            f"What answers at {url} is no nbflow server. Check NBFLOW_API_URL."
        ) from None
    if protocol != PROTOCOL:
        raise ServerUnreachable(
            f"The server at {url} is nbflow {version}, which does not understand this nbflow "
            f"{__version__}. Install the same version at both ends."
        )
    return bool(host == owners.place_of(owners.this_owner())[0])
