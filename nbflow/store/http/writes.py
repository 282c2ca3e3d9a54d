"""The buffered writes of runs as JSON, and back.

This module decides how each write travels: its name, which is that of a method of `Store`,
and what the method of that name of `Batch` takes. It must not know how they are sent or
carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from nbflow import wire
from nbflow.models import FlowRun, LogRecord, StateChange, TaskRun

#: What each write carries. A flow run's parameters are JSON text of their own already.
_CARRIED: Final[Mapping[str, Any]] = {
    "create_flow_run": tuple[FlowRun, str],
    "create_task_run": TaskRun,
    "set_state": StateChange,
    "set_output": tuple[UUID, str],
    "add_dependencies": tuple[UUID, tuple[tuple[UUID, str, bool], ...]],
    "rename_task_run": tuple[UUID, str],
    "add_logs": tuple[LogRecord, ...],
    "delete_flow_run": UUID,
}


class RunWrite(NamedTuple):
    """One write about a run."""

    #: A method of `Store`.
    name: str
    argument: Any

    def words(self) -> str:
        """The write as people say it: `create task run`."""
        return self.name.replace("_", " ")


def dump_write(write: RunWrite) -> list[Any]:
    """The JSON form; raises `wire.Unfit` for values that have none."""
    return [write.name, wire.dump(write.argument)]


def load_write(data: Any) -> RunWrite:
    """The inverse of `dump_write`; raises `wire.Unfit` for what is none."""
    name, argument = wire.load(tuple[str, Any], data)
    if name not in _CARRIED:
        raise wire.Unfit(f"{name!r} is none of {', '.join(_CARRIED)}")
    return RunWrite(name, wire.load(_CARRIED[name], argument))
