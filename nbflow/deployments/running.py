"""How a run of a deployment comes to be, wherever it is asked for.

This module decides what a new run looks like before it waits in its queue, and how
`run_deployment` waits for it. It must not know who executes runs, nor queues' rules.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from nbflow import states
from nbflow.context import current_tags
from nbflow.deployments.checking import as_json, check
from nbflow.engine.dependencies import dependencies_of
from nbflow.engine.naming import templated_name
from nbflow.engine.session import FlowSession, current_session
from nbflow.exceptions import RunTimeout, UsageError
from nbflow.futures import resolve
from nbflow.models import FlowRun, new_id
from nbflow.models.deployments import Deployment, QueuedRun
from nbflow.run_names import random_name
from nbflow.runs import Run
from nbflow.store import open_store
from nbflow.store.base import Store

#: Frames that belong to the function they stand in.
_INLINED: Final = frozenset({"<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>", "<lambda>"})
_ASYNC_CODE: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: How long a thread waits for an awaited run before it looks whether anybody still awaits.
_PATIENCE_SECONDS: Final = 1.0


def new_run(
    deployment: Deployment,
    parameters: Mapping[str, Any] | None = None,
    *,
    due: datetime | None = None,
    tags: Iterable[str] = (),
    name: str | None = None,
    idempotency_key: str | None = None,
    parent_id: UUID | None = None,
    queue: str | None = None,
    backfill_id: UUID | None = None,
    schedule: str | None = None,
    nominal: datetime | None = None,
) -> tuple[FlowRun, QueuedRun]:
    """A run of a deployment, ready for `store.dispatch.submit`.

    Args:
        deployment: What is to run.
        parameters: In place of the deployment's own, by name.
        due: Not before this time; default: now.
        tags: Beside those of the deployment.
        name: A name, possibly with parameters in it (`load-{day}`); default: two words.
        idempotency_key: The same key again means the same run.
        parent_id: The flow run whose subflow it is.
        queue: Another queue than the deployment's.
        backfill_id: The backfill it belongs to.
        schedule: The slug of the schedule it comes from, whose parameters it has.
        nominal: The instant it stands for.

    Raises:
        UnknownParameterError: The flow has no such parameter; near names are told.
        ParameterTypeError: A value does not fit; what fits is told.
        ParameterBindError: A parameter without default got no value.
    """
    owner, spec = f"deployment {deployment.full_name!r}", deployment.spec
    given = as_json(parameters or {}, owner=owner)
    values = {**spec.parameters, **_of_schedule(deployment, schedule), **given}
    check(spec.parameter_schema, values, owner=owner)
    created = datetime.now(UTC)
    moment = created if due is None else due.astimezone(UTC)
    run = FlowRun(
        id=new_id(),
        name=_name(name, values),
        flow_name=deployment.flow_name,
        state=states.Scheduled(scheduled_time=moment),
        kind=spec.kind,
        parameters=values,
        tags=spec.tags | frozenset(tags),
        parent_id=parent_id,
        created=created,
        source=spec.entrypoint,
        deployment_id=deployment.id,
    )
    return run, QueuedRun(
        run_id=run.id,
        queue=queue or spec.queue,
        priority=spec.priority,
        deployment_id=deployment.id,
        due=moment,
        schedule=schedule,
        nominal=nominal,
        idempotency_key=idempotency_key,
        backfill_id=backfill_id,
        crash_retries_left=spec.crash_retries,
    )


def _of_schedule(deployment: Deployment, slug: str | None) -> Mapping[str, Any]:
    return next((each.parameters for each in deployment.schedules if each.slug == slug), {})


def _name(template: str | None, values: Mapping[str, Any]) -> str:
    if not template:
        return random_name()
    return templated_name(template, values, what="The run's name") if "{" in template else template


# ── run_deployment ───────────────────────────────────────────────────────────────────────


class SubmittedRun(Run):
    """A run of a deployment; `await` it to wait for its end."""

    #: When waiting for it ends, by the monotonic clock; None: when the run does.
    deadline: float | None = None

    def __await__(self) -> Generator[Any, None, SubmittedRun]:
        """Wait without holding the event loop up; at the deadline the run is as it is."""
        return self._settled().__await__()

    async def _settled(self) -> SubmittedRun:
        while not self.state.is_settled():
            left = _left(self.deadline)
            if left is not None and left <= 0:
                break
            # Threads cannot be cancelled: each waits a little, so that a cancelled task ends.
            await asyncio.to_thread(self._wait, min(_PATIENCE_SECONDS, left or _PATIENCE_SECONDS))
        return self

    def _wait(self, timeout: float | None) -> None:
        with suppress(RunTimeout):
            self.wait(timeout)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()


def run_deployment(
    name: str | UUID,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    timeout: float | None = None,
    poll_interval: float | None = None,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    as_subflow: bool = True,
    flow_run_name: str | None = None,
    work_queue_name: str | None = None,
    job_variables: Mapping[str, Any] | None = None,
) -> SubmittedRun:
    """Run a deployment on a worker, wait for its end, and return the run.

    Called in an `async def`, it returns at once, and `await run_deployment(...)` waits.

    Args:
        name: `flow/deployment`, the deployment's name alone if only one has it, or its id.
        parameters: In place of the deployment's own, by name; futures stand for their values.
        scheduled_time: Not before this time; without a time zone it is a local time.
        timeout: Wait at most so many seconds, then return the run as it is; 0: do not wait.
        poll_interval: Accepted for compatibility: the wait ends when the run does.
        tags: Beside those of the deployment and of `with tags(...)`.
        idempotency_key: The same key again means the same run.
        as_subflow: Inside a flow, make it a subflow of that flow run.
        flow_run_name: The run's name, possibly with parameters in it: "load-{day}".
        work_queue_name: Another queue than the deployment's.
        job_variables: Not taken: a deployment's `env` says what its runs find.

    Raises:
        ObjectNotFound: There is no such deployment; near names are told.
        ParameterError: A parameter does not fit; nothing was started.
    """
    del poll_interval
    _refuse_job_variables(job_variables)
    session = current_session()
    store = session.store if session else open_store()
    run = _submit(
        store,
        store.deployments.find(str(name)),
        dict(parameters or {}),
        session=session if as_subflow else None,
        due=scheduled_time,
        tags=current_tags() | frozenset(tags or ()),
        idempotency_key=idempotency_key,
        name=flow_run_name,
        queue=work_queue_name,
    )
    submitted = SubmittedRun(run, store)
    submitted.deadline = None if timeout is None else time.monotonic() + timeout
    if timeout != 0 and not _called_from_async():
        submitted._wait(timeout)  # noqa: SLF001 - our own
    return submitted


async def arun_deployment(name: str | UUID, *args: Any, **kwargs: Any) -> SubmittedRun:
    """Run a deployment from async code, wait for its end, and return the run.

    The same as `await run_deployment(...)`, for those who need a coroutine.
    """
    return await run_deployment(name, *args, **kwargs)


def _submit(
    store: Store,
    deployment: Deployment,
    parameters: dict[str, Any],
    *,
    session: FlowSession | None,
    **options: Any,
) -> FlowRun:
    """Let the run wait in its queue; with a session, as a subflow with edges from its inputs."""
    lineage = session.lineage if session else None
    dependencies, awaited = dependencies_of(parameters, None, lineage)
    for future in awaited:  # a run elsewhere takes values, not futures
        future.wait()
    values = {key: resolve(value) for key, value in parameters.items()}
    parent_id = session.flow_run.id if session else None
    run, queued = new_run(deployment, values, parent_id=parent_id, **options)
    if session is None:
        return store.dispatch.submit(run, queued)
    store.flush()  # the parent has to be there before its child
    return store.dispatch.submit(replace(run, dependencies=dependencies), queued)


def _refuse_job_variables(given: Mapping[str, Any] | None) -> None:
    if given:
        raise UsageError(
            "job_variables configure Prefect's work pools, which nbflow does not have. "
            "Set environment variables of the runs with deploy(..., env={...})."
        )


def _called_from_async() -> bool:
    """Whether `run_deployment` was called by code that can await it.

    A notebook's cell runs inside of an event loop, but only a cell with an `await` is a
    coroutine: a plain one waits, as it would anywhere.
    """
    frame = sys._getframe(2)  # noqa: SLF001 - inspect.stack() reads files
    while frame.f_code.co_name in _INLINED and frame.f_back is not None:
        if frame.f_code.co_flags & _ASYNC_CODE:
            return True
        frame = frame.f_back
    return bool(frame.f_code.co_flags & _ASYNC_CODE)


__all__ = ["SubmittedRun", "arun_deployment", "new_run", "run_deployment"]
