"""What running code can ask about its own run: `from nbflow.runtime import flow_run`.

This module decides which facts are offered. Outside of runs every fact is None or empty, so
that notebook cells which use them also work on their own. It must not know the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from nbflow.context import FlowRunContext, TaskRunContext


class _FlowRunFacts:
    """Facts about the current flow run."""

    @property
    def id(self) -> str | None:
        """The flow run's id."""
        context = FlowRunContext.get()
        return str(context.flow_run.id) if context else None

    @property
    def name(self) -> str | None:
        """The flow run's name."""
        context = FlowRunContext.get()
        return context.flow_run.name if context else None

    @property
    def flow_name(self) -> str | None:
        """The flow's name."""
        context = FlowRunContext.get()
        return context.flow_run.flow_name if context else None

    @property
    def flow_version(self) -> str | None:
        """The flow's version."""
        context = FlowRunContext.get()
        return context.flow_run.flow_version if context else None

    @property
    def tags(self) -> list[str]:
        """The flow run's tags, sorted."""
        context = FlowRunContext.get()
        return sorted(context.flow_run.tags) if context else []

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The flow run's parameters."""
        context = FlowRunContext.get()
        return dict(context.parameters) if context else {}

    @property
    def run_count(self) -> int:
        """How often the flow run was started, this time included."""
        context = FlowRunContext.get()
        return context.flow_run.attempt if context else 0

    @property
    def scheduled_start_time(self) -> datetime | None:
        """When the flow run was due."""
        context = FlowRunContext.get()
        return context.flow_run.created if context else None

    @property
    def parent_flow_run_id(self) -> str | None:
        """The id of the flow run that called this one as a subflow."""
        context = FlowRunContext.get()
        return _text(context.flow_run.parent_id) if context else None


class _TaskRunFacts:
    """Facts about the current task run."""

    @property
    def id(self) -> str | None:
        """The task run's id."""
        context = TaskRunContext.get()
        return str(context.task_run.id) if context else None

    @property
    def name(self) -> str | None:
        """The task run's name."""
        context = TaskRunContext.get()
        return context.task_run.name if context else None

    @property
    def task_name(self) -> str | None:
        """The task's name."""
        context = TaskRunContext.get()
        return context.task_run.task_name if context else None

    @property
    def tags(self) -> list[str]:
        """The task run's tags, sorted."""
        context = TaskRunContext.get()
        return sorted(context.task_run.tags) if context else []

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The arguments of the task run."""
        context = TaskRunContext.get()
        return dict(context.parameters) if context else {}

    @property
    def run_count(self) -> int:
        """How often the task run was started, this time included."""
        context = TaskRunContext.get()
        return context.task_run.attempt if context else 0


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None


flow_run = _FlowRunFacts()
task_run = _TaskRunFacts()
