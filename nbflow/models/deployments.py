"""The records of what runs without its author: deployments, schedules, queues, workers.

This module decides what is remembered of them. It must not know how instants of schedules are
computed (`nbflow.schedules`), nor where records are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from nbflow.models.runs import FlowKind, FlowRun

#: The queue of whoever names none.
DEFAULT_QUEUE = "default"


class Collision(str, Enum):
    """What happens to a due run while its deployment has no free slot."""

    QUEUE = "queue"  # it waits
    CANCEL_NEW = "cancel_new"  # it is cancelled
    CANCEL_RUNNING = "cancel_running"  # the oldest running one is cancelled, then it starts
    SKIP = "skip"  # it is recorded as Skipped

    def __str__(self) -> str:
        return self.value


class CatchUp(str, Enum):
    """What happens to scheduled runs that could not start in time."""

    SKIP = "skip"  # none of them runs
    LATEST = "latest"  # the latest of them runs, the others are Skipped
    ALL = "all"  # all of them run, the oldest first

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """What a deployment's author states; each version of a deployment keeps one."""

    #: `notebook.ipynb` or `file.py:flow`: inside the snapshot, or absolute when followed.
    entrypoint: str
    kind: FlowKind
    description: str | None = None
    #: JSON values that take the place of the flow's defaults.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: JSON Schema of all parameters, as the code declares them.
    parameter_schema: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    queue: str = DEFAULT_QUEUE
    #: Among the due runs of a queue, the smaller first.
    priority: int = 0
    #: Retries of the whole run after a failure; None: what the flow's code says.
    retries: int | None = None
    retry_delay_seconds: float | None = None
    #: How often a run is started again after its worker or machine died under it.
    crash_retries: int = 0
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    #: How long the kernel of a failed run is kept; None: the worker's setting.
    keep_kernel_seconds: float | None = None
    #: Most runs at the same time; None: no limit.
    concurrency_limit: int | None = None
    collision: Collision = Collision.QUEUE
    catchup: CatchUp = CatchUp.LATEST
    #: True: each run takes the file as it is then; False: as it was when deployed.
    follow: bool = False
    #: The folder in which relative paths of the code are meant, where the worker has it.
    cwd: str | None = None
    kernel_name: str | None = None
    #: Environment variables of the run.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Where executed notebooks go; None: the worker's notebooks folder.
    output: str | None = None
    #: Ended runs to keep, at most, and for how many days; None: the settings' defaults.
    keep_runs: int | None = None
    keep_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSchedule:
    """One of the schedules of a deployment."""

    #: Its name within the deployment; stays the same when deployed again.
    slug: str
    #: As `nbflow.schedules.to_json` writes it.
    schedule: Mapping[str, Any]
    #: In place of the deployment's own, by name.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    active: bool = True
    #: The nominal time of the run that waits; None while paused, or when there is no more.
    next_fire: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A flow under a name, with everything it needs to run without its author."""

    id: UUID
    name: str
    flow_name: str
    spec: DeploymentSpec
    #: The number of the version in use, counted from 1.
    version: int
    #: True: its schedules rest; it can still be run by hand.
    paused: bool = False
    schedules: tuple[DeploymentSchedule, ...] = ()
    created: datetime
    updated: datetime

    @property
    def full_name(self) -> str:
        """`flow/name`, which is unique."""
        return f"{self.flow_name}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentVersion:
    """One state of a deployment that was in use at some time."""

    deployment_id: UUID
    number: int
    spec: DeploymentSpec
    #: SHA-256 of the source, in hexadecimal.
    content_hash: str
    #: The snapshot with the source; None for a deployment that follows its file.
    snapshot: str | None
    created: datetime
    #: Who deployed it, and where: for people.
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRun:
    """How a flow run comes to a worker.

    It waits (`due`), or is held by a worker (`lease_until`), or neither: it is over, or rests
    until somebody resumes it.
    """

    run_id: UUID
    queue: str = DEFAULT_QUEUE
    priority: int = 0
    deployment_id: UUID | None = None
    #: The deployment's version that runs; None until a worker takes it.
    version: int | None = None
    #: Not before this time.
    due: datetime | None = None
    #: The schedule it comes from, and the instant it stands for.
    schedule: str | None = None
    nominal: datetime | None = None
    idempotency_key: str | None = None
    backfill_id: UUID | None = None
    worker_id: UUID | None = None
    #: Grows with each claim; only the newest may write.
    token: int = 0
    lease_until: datetime | None = None
    crash_retries_left: int = 0
    #: True: the next attempt goes on from where the last one ended.
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write about a flow run, as long as nobody has claimed it anew."""

    run_id: UUID
    token: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that a worker holds."""

    run: FlowRun
    queued: QueuedRun
    #: None for a run without a deployment.
    version: DeploymentVersion | None

    @property
    def fence(self) -> Fence:
        """What its writes carry."""
        return Fence(self.run.id, self.queued.token)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a worker learns when it says that it lives."""

    #: Claims that are not its own any more: stop what runs under them without a word.
    lost: tuple[Fence, ...] = ()
    #: Runs that somebody wants to end.
    cancelling: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQueue:
    """A named line of due runs."""

    name: str
    #: The smaller is served first.
    priority: int = 100
    #: Most runs at the same time, over all workers; None: no limit.
    concurrency_limit: int | None = None
    paused: bool = False
    description: str | None = None
    #: Runs that are due and wait, and runs that are held.
    waiting: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that claims runs and executes them."""

    id: UUID
    name: str
    #: The process, as `Owner` writes it.
    owner: str
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    #: Most runs at the same time.
    limit: int = 1
    version: str = ""
    started: datetime
    heartbeat: datetime
    #: When it ended in an orderly way.
    stopped: datetime | None = None
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyLimit:
    """How much of a named thing may be used at once."""

    #: `tag:NAME` for the tasks of a tag.
    name: str
    slots: int
    #: Slots that become free again per second, however long they are held: a rate limit.
    slot_decay_per_second: float | None = None
    active: bool = True
    #: Slots that are held at present.
    taken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A named JSON value that runs read."""

    name: str
    value: Any
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A named value of which only the name is ever shown."""

    name: str
    updated: datetime


class ArtifactKind(str, Enum):
    """How an artifact is shown."""

    MARKDOWN = "markdown"
    TABLE = "table"
    LINK = "link"
    IMAGE = "image"
    PROGRESS = "progress"
    METRIC = "metric"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Something to look at that a run left behind."""

    id: UUID
    kind: ArtifactKind
    #: Artifacts of one key are versions of the same thing.
    key: str | None = None
    description: str | None = None
    #: JSON: text, rows of a table, an address, a number.
    data: Any = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Runs of a deployment for a span of the past, as one thing."""

    id: UUID
    deployment_id: UUID
    start: datetime
    end: datetime
    #: The parameter that is given each run's instant; None: only the nominal time tells.
    parameter: str | None = None
    #: Most of its runs at the same time.
    concurrency_limit: int | None = 1
    cancelled: bool = False
    created: datetime
    #: Its runs by the type of their state.
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """What a paused run waits for."""

    flow_run_id: UUID
    #: Each pause of a run has its own.
    key: str
    #: JSON Schema of the answer; None: only the word to go on.
    schema: Mapping[str, Any] | None = None
    message: str | None = None
    created: datetime
    #: When the run gives up waiting.
    deadline: datetime | None = None
    answer: Mapping[str, Any] | None = None
    answered: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, at its place in the order of everything that did."""

    #: Grows; what comes later has the greater number.
    sequence: int
    #: `flow-run.Completed`, `task-run.Running`, `deployment.updated`, `worker.started`, …
    kind: str
    #: The id, or the name, of what it happened to.
    subject: str
    timestamp: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
