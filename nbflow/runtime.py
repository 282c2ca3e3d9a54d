"""What running code can ask about its own run: `from nbflow.runtime import flow_run`.

This module decides which facts are offered. Outside of runs every fact is None or empty, so
that notebook cells which use them also work on their own. It must not know the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nbflow.context import FlowRunContext, TaskRunContext

if TYPE_CHECKING:  # flows that are simply called have none
    from nbflow.models.deployments import Deployment


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
        return context.record().flow_version if context else None

    @property
    def tags(self) -> list[str]:
        """The flow run's tags, sorted."""
        context = FlowRunContext.get()
        return sorted(context.record().tags) if context else []

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The flow run's parameters."""
        context = FlowRunContext.get()
        return dict(context.given()) if context else {}

    @property
    def run_count(self) -> int:
        """How often the flow run was started, this time included."""
        context = FlowRunContext.get()
        return context.record().attempt if context else 0

    @property
    def scheduled_start_time(self) -> datetime | None:
        """When the flow run was due; when it was made, where nobody scheduled it."""
        context = FlowRunContext.get()
        return context.scheduled_time() if context else None

    @property
    def parent_flow_run_id(self) -> str | None:
        """The id of the flow run that called this one as a subflow."""
        context = FlowRunContext.get()
        return _text(context.record().parent_id) if context else None

    @property
    def root_flow_run_id(self) -> str | None:
        """The id of the outermost flow run around this one; its own, where there is none."""
        context = FlowRunContext.get()
        return str(context.root_id()) if context else None

    @property
    def parent_deployment_id(self) -> str | None:
        """The id of the deployment that this is a run of."""
        context = FlowRunContext.get()
        return _text(context.record().deployment_id) if context else None


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


class _DeploymentFacts:
    """Facts about the deployment that the current flow run belongs to."""

    @property
    def id(self) -> str | None:
        """The deployment's id."""
        context = FlowRunContext.get()
        return _text(context.record().deployment_id) if context else None

    @property
    def flow_run_id(self) -> str | None:
        """The id of its flow run that this code belongs to."""
        context = FlowRunContext.get()
        return str(context.flow_run.id) if context and context.record().deployment_id else None

    @property
    def name(self) -> str | None:
        """The deployment's name, without the flow's."""
        found = _deployment()
        return found.name if found else None

    @property
    def version(self) -> str | None:
        """The number of the deployment's version that runs."""
        context = FlowRunContext.get()
        number = context.deployment_version() if context else None
        return None if number is None else str(number)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters that the deployment gives its runs, unless they are told otherwise."""
        found = _deployment()
        return dict(found.spec.parameters) if found else {}


def _deployment() -> Deployment | None:
    context = FlowRunContext.get()
    return context.deployment() if context else None


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None


flow_run = _FlowRunFacts()
task_run = _TaskRunFacts()
deployment = _DeploymentFacts()
