"""How a target and its options become a deployment.

This module decides which options a deployment takes, how they become its spec, and which of
them are refused. It must not know how deployments are kept, nor how they are spoken about.
"""

from __future__ import annotations

import difflib
import getpass
import math
import os
import platform
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from nbflow.context import FlowRunContext
from nbflow.deployments.checking import as_json
from nbflow.deployments.here import own_runs
from nbflow.deployments.scheduling import Stated, check_parameters, schedules_of
from nbflow.deployments.snapshot import content_hash, take_snapshot
from nbflow.deployments.source import Source
from nbflow.deployments.targets import Target, source_of
from nbflow.engine.notebook_flow import NotebookFlow
from nbflow.exceptions import InvalidNameError, ObjectNotFound, UsageError
from nbflow.flows import Flow
from nbflow.models.deployments import (
    CatchUp,
    Collision,
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
)
from nbflow.notebooks.document import is_remote
from nbflow.paths import expanded
from nbflow.store import open_store
from nbflow.store.base import Store

E = TypeVar("E", Collision, CatchUp)

#: What an author may state of a spec; the rest follows from the target.
SPEC_OPTIONS: Final = tuple(
    each.name
    for each in fields(DeploymentSpec)
    if each.name not in {"entrypoint", "kind", "parameter_schema"}
)
_FOR_NOTEBOOKS: Final = ("cell_timeout_seconds", "keep_kernel_seconds", "kernel_name", "output")
#: Least values, where not everything makes sense.
_LEAST: Final = {
    "retries": 0,
    "retry_delay_seconds": 0,
    "crash_retries": 0,
    "keep_kernel_seconds": 0,
    "concurrency_limit": 1,
    "keep_runs": 0,
    "keep_days": 0,
}
_WHOLE: Final = frozenset(
    {"retries", "crash_retries", "concurrency_limit", "keep_runs", "priority"}
)
_POSITIVE: Final = ("timeout_seconds", "cell_timeout_seconds")
#: Options of Prefect's `deploy` that have no meaning here.
_PREFECT_ONLY: Final = frozenset(
    {
        "build",
        "enforce_parameter_schema",
        "entrypoint_type",
        "ignore_warnings",
        "image",
        "print_next_steps",
        "push",
        "triggers",
        "version",
        "version_type",
        "work_pool_name",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A deployment that is complete, and not yet kept anywhere."""

    flow_name: str
    name: str
    spec: DeploymentSpec
    #: None leaves the schedules of an existing deployment as they are.
    schedules: tuple[DeploymentSchedule, ...] | None
    content_hash: str
    snapshot: bytes | None
    #: None leaves an existing deployment as it is.
    paused: bool | None = None

    @property
    def full_name(self) -> str:
        """`flow/name`."""
        return f"{self.flow_name}/{self.name}"

    def save(self, store: Store | None = None) -> Deployment:
        """Make the deployment, or bring it up to date; the same twice changes nothing."""
        store = store or open_store()
        return store.deployments.save(
            self.flow_name,
            self.name,
            self.spec,
            schedules=self.kept_schedules(store),
            content_hash=self.content_hash,
            snapshot=self.snapshot,
            author=_author(),
            paused=self.paused,
        )

    def kept_schedules(self, store: Store) -> tuple[DeploymentSchedule, ...]:
        """The schedules that the deployment will have."""
        if self.schedules is not None:
            return self.schedules
        existing = self.existing(store)
        return existing.schedules if existing else ()

    def existing(self, store: Store) -> Deployment | None:
        """The deployment of this name as it is now, if there is one."""
        try:
            found = store.deployments.find(self.full_name)
        except ObjectNotFound:
            return None
        return found if found.full_name == self.full_name else None


def deploy(
    target: Target,
    name: str | None = None,
    *,
    cron: str | Iterable[str] | None = None,
    interval: Any = None,
    rrule: str | Iterable[str] | None = None,
    schedule: Stated | None = None,
    schedules: Iterable[Stated] | None = None,
    timezone: str | None = None,
    tz: str | None = None,
    anchor_date: datetime | str | None = None,
    parameters: Mapping[str, Any] | None = None,
    queue: str | None = None,
    tags: Iterable[str] | None = None,
    paused: bool | None = None,
    include: Sequence[str] = (),
    follow: bool = False,
    **options: Any,
) -> Deployment:
    """Let a notebook or a flow run without its author: make a deployment, or bring it up to date.

    Nothing of the target is executed. The same twice changes nothing; a change of the source
    or of the options makes a new version. Without any schedule, those there are stay.

    Args:
        target: A notebook's path, `file.py:flow`, or a flow; a flow that a notebook's cell
            defines deploys its notebook.
        name: The deployment's name; default: the flow's.
        cron: A cron text, or several.
        interval: A distance between runs (seconds, `timedelta` or "15m"), or several.
        rrule: An iCalendar rule, or several.
        schedule: A `Cron`, `Interval` or `RRule`.
        schedules: Several of them, or mappings that add `parameters`, `slug` or `active`; an
            empty list removes all.
        timezone: The IANA zone of schedules that name none; default: UTC.
        tz: The same.
        anchor_date: From when the intervals count.
        parameters: In place of the flow's defaults, by name.
        queue: The work queue in which its runs wait.
        tags: Of all its runs.
        paused: Whether its schedules rest; None: as it was.
        include: Patterns of more files for the snapshot, relative to the file's folder.
        follow: Let each run take the file as it is then, instead of a snapshot.
        **options: Fields of `DeploymentSpec`: description, priority, retries,
            retry_delay_seconds, crash_retries, timeout_seconds, cell_timeout_seconds,
            keep_kernel_seconds, concurrency_limit, collision, catchup, cwd, kernel_name, env,
            output, keep_runs, keep_days. Prefect's work_queue_name is the queue; what only its
            work pools know is left aside with a warning.

    Raises:
        UsageError: The target or an option cannot be used, and why.
        ScheduleError: A schedule cannot be used; `field` names its part at fault.
        ParameterError: A parameter does not fit.
    """
    given = {key: value for key, value in locals().items() if key != "options"}
    own = own_deployment(target)
    return own or draft(**given, **options).save()


def draft(
    target: Target,
    name: str | None = None,
    *,
    cron: str | Iterable[str] | None = None,
    interval: Any = None,
    rrule: str | Iterable[str] | None = None,
    schedule: Stated | None = None,
    schedules: Iterable[Stated] | None = None,
    timezone: str | None = None,
    tz: str | None = None,
    anchor_date: datetime | str | None = None,
    paused: bool | None = None,
    include: Sequence[str] = (),
    follow: bool = False,
    **options: Any,
) -> Draft:
    """What `deploy` would make, without making it."""
    source = source_of(target)
    spec = spec_of(source, {**options, "follow": follow})
    records = schedules_of(
        cron=cron,
        interval=interval,
        rrule=rrule,
        schedule=schedule,
        schedules=schedules,
        timezone=timezone if timezone is not None else tz,
        anchor_date=anchor_date,
    )
    full_name = f"deployment {f'{source.flow_name}/{name or source.flow_name}'!r}"
    check_parameters(spec, records or (), owner=full_name)
    snapshot = None if follow else take_snapshot(source, include)
    if follow and include:
        raise UsageError("A deployment that follows its file takes no snapshot: leave out include.")
    return Draft(
        flow_name=checked_name(source.flow_name, "flow"),
        name=checked_name(name or source.flow_name, "deployment"),
        spec=spec,
        schedules=records,
        content_hash=snapshot.content_hash if snapshot else content_hash(source),
        snapshot=snapshot.archive if snapshot else None,
        paused=paused,
    )


def checked_name(name: Any, what: str) -> str:
    """A name that a deployment can have; raises `InvalidNameError`."""
    if not isinstance(name, str) or not name.strip() or name != name.strip() or "/" in name:
        raise InvalidNameError(
            f"{name!r} cannot be the name of a {what}: it needs a text without slashes, and "
            "without spaces around it."
        )
    return name


# ── the spec ─────────────────────────────────────────────────────────────────────────────


def spec_of(source: Source, options: Mapping[str, Any]) -> DeploymentSpec:
    """The spec of a source with an author's options; raises `UsageError` for what cannot be."""
    given = _known_options(options)
    for option in _FOR_NOTEBOOKS:
        if option in given and not source.is_notebook:
            raise UsageError(f"{option} is for notebooks; {source.label} is a Python flow.")
    for option, value in given.items():
        _check_number(option, value)
    values = {
        "description": source.description,
        "kernel_name": source.kernel_name,
        "cwd": source.cwd,
        **source.stated,
        **given,
    }
    return DeploymentSpec(
        entrypoint=source.entrypoint(follow=bool(values.get("follow"))),
        kind=source.kind,
        parameter_schema=source.parameter_schema(),
        **{name: _READERS.get(name, _as_it_is)(value) for name, value in values.items()},
    )


def _known_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a spec that say something, Prefect's spellings translated."""
    given = {name: value for name, value in options.items() if value is not None}
    if "work_queue_name" in given:
        given.setdefault("queue", given.pop("work_queue_name"))
        given.pop("work_queue_name", None)
    if variables := dict(given.pop("job_variables", {})):
        given["env"] = {**variables.pop("env", {}), **given.get("env", {})}
    ignored = sorted(
        {*(given.keys() & _PREFECT_ONLY), *(f"job_variables[{v!r}]" for v in variables)}
    )
    if ignored:
        warnings.warn(
            f"{', '.join(ignored)} has no meaning here and is left aside: runs wait in queues, "
            "which workers serve.",
            stacklevel=4,
        )
    for name in given.keys() - {*SPEC_OPTIONS, *_PREFECT_ONLY}:
        near = difflib.get_close_matches(name, SPEC_OPTIONS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Options are {', '.join(SPEC_OPTIONS)}."
        raise UsageError(f"A deployment has no option {name!r}. {hint}")
    return {name: given[name] for name in SPEC_OPTIONS if name in given}


def _check_number(name: str, value: Any) -> None:
    if name not in _LEAST and name not in _POSITIVE and name not in _WHOLE:
        return
    kind = int if name in _WHOLE else int | float
    if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
        wanted = "a whole number" if name in _WHOLE else "a number"
        raise UsageError(f"{name} is {wanted}, not {value!r}.")
    if name in _POSITIVE and value <= 0:
        raise UsageError(f"{name} is more than 0, not {value}.")
    if name in _LEAST and value < _LEAST[name]:
        raise UsageError(f"{name} is {_LEAST[name]} or more, not {value}.")


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{value!r} is no text. Write one.")
    return value


def _tags(value: Any) -> frozenset[str]:
    return frozenset({value} if isinstance(value, str) else map(_text, value))


def _member(kind: type[E]) -> Any:
    def read(value: Any) -> E:
        try:
            return kind(str(value).lower().replace("-", "_"))
        except ValueError:
            choices = ", ".join(each.value for each in kind)
            raise UsageError(
                f"{value!r} is no {kind.__name__.lower()} policy. Write one of {choices}."
            ) from None

    return read


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(v, str | int | float) for v in value.values()
    ):
        raise UsageError("env holds names of environment variables, each with its text.")
    return {str(name): str(text) for name, text in value.items()}


def _absolute(value: Any) -> str:
    text = os.fspath(value)
    end = os.sep if text.endswith(("/", os.sep)) else ""
    return text if is_remote(text) else f"{expanded(text).absolute()}{end}"


def _parameters(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"parameters are names with values, not {value!r}.")
    return as_json({str(name): each for name, each in value.items()}, owner="the deployment")


_READERS: Final = {
    "parameters": _parameters,
    "tags": _tags,
    "queue": _text,
    "collision": _member(Collision),
    "catchup": _member(CatchUp),
    "cwd": _absolute,
    "output": _absolute,
    "env": _environment,
    "follow": bool,
}


# ── who deploys ──────────────────────────────────────────────────────────────────────────


def _author() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = "somebody"
    return f"{user}@{platform.node() or 'localhost'}"


def own_deployment(target: Target) -> Deployment | None:
    """The deployment of which this code is a run, when it would deploy itself anew.

    A notebook that holds the line which deploys it runs that line, too, whenever it runs as a
    deployment; so does a file at whose top level such a line stands.
    """
    store = open_store()
    for run in own_runs():
        if run.deployment_id is None:
            continue
        try:
            own = store.deployments.get(run.deployment_id)
        except ObjectNotFound:
            continue
        if _is_itself(target, own):
            return own
    return None


def _is_itself(target: Target, own: Deployment) -> bool:
    if isinstance(target, Flow) and not isinstance(target, NotebookFlow):
        in_cell = target.source is None or not Path(target.source).exists()
        return in_cell or FlowRunContext.get() is None  # while the file is imported
    path = expanded(str(target.path) if isinstance(target, NotebookFlow) else os.fspath(target))
    folder = own.spec.cwd and Path(own.spec.cwd)
    return (path.name, path.absolute().parent) == (Path(own.spec.entrypoint).name, folder)


__all__ = ["Draft", "deploy", "draft"]
