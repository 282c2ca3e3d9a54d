"""Drives one task run: performs what the state machine commands.

This module decides how commands are carried out: recording, caching, calling, storing.
Whether and when they happen is the machine's decision; in which thread or process the call
happens is the runner's. It is the one place that catches what a task's code raises.
"""

from __future__ import annotations

import contextvars
import inspect
import logging
import random
import threading
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from nbflow import states
from nbflow.context import (
    FlowRunContext,
    TaskRunContext,
    current_tags,
    enter_task,
    settle_in,
)
from nbflow.engine import machine as m
from nbflow.engine import remote
from nbflow.engine.dependencies import dependencies_of
from nbflow.engine.failed_inputs import keep_inputs, source_of
from nbflow.engine.hooks import hooks_for, run_hooks
from nbflow.engine.mapping import MapPlace
from nbflow.engine.naming import templated_name
from nbflow.engine.outcomes import state_of_exception, state_of_task_value
from nbflow.engine.processes import RemoteCall
from nbflow.engine.session import FlowSession, current_session
from nbflow.engine.slot_wait import SlotWait
from nbflow.engine.slots import SlotRequest, known_limits
from nbflow.engine.storage import TaskStorage, storage_for
from nbflow.engine.timeouts import await_within, call_within
from nbflow.engine.tracebacks import trim, user_traceback
from nbflow.exceptions import TaskRunTimeout, UpstreamTaskError
from nbflow.futures import Future, resolve
from nbflow.logging import captured_prints, run_logger, state_logger
from nbflow.models import Dependency, RunKind, StateChange, TaskRun, new_id
from nbflow.parameters.model import to_call
from nbflow.settings import get_settings
from nbflow.states import State, StateType
from nbflow.store import open_store
from nbflow.tasks import CallKind, Task

_claims: Final = threading.Lock()


class TaskExecution:
    """One run of one task, from its creation to its last state."""

    __slots__ = (
        "_claimed",
        "_named",
        "_session",
        "_slots",
        "_storage",
        "_store",
        "_wait_for",
        "context",
        "future",
        "interrupt",
        "machine",
        "run_context",
        "task",
        "upstream",
    )

    def __init__(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Any = None,
        map_place: MapPlace | None = None,
        *,
        run_id: UUID | None = None,
    ) -> None:
        self.task = task
        self._claimed = False
        self._wait_for = [wait_for] if isinstance(wait_for, Future) else wait_for
        self._session = session = current_session()
        self._store = session.store if session else open_store()
        lineage = session.lineage if session else None
        dependencies, self.upstream = dependencies_of(parameters, self._wait_for, lineage)
        run = _new_run(task, session, dependencies, map_place, run_id)
        self.run_context = TaskRunContext(
            parameters, self._store.add_logs, _log_prints(task), task=task, task_run=run
        )
        self._storage: TaskStorage | None = storage_for(task, session)
        self.machine = m.RunMachine(
            task.retry_policy,
            random.random,
            cached=self._storage is not None,
            asks=task.retry_condition_fn is not None,
            limited=bool(run.tags),
        )
        #: The slots that its tags ask for; None while it neither waits for nor holds any.
        self._slots: SlotRequest | None = None
        #: What ended the program while the task ran: raised again once recorded.
        self.interrupt: BaseException | None = None
        self.context = contextvars.copy_context()
        self._named = task.task_run_name is None
        if not self._named and all(future.done() for future in self.upstream):
            self._name_early(parameters)
        run = self.run_context.task_run
        self.future: Future[Any] = Future(run.id, run.name, run.state)
        self._store.create_task_run(run)

    @property
    def is_async(self) -> bool:
        """Whether the call has to be awaited."""
        return self.task.isasync

    def claim(self) -> bool:
        """Whether the caller may start the run: True for the first who asks."""
        with _claims:
            claimed, self._claimed = self._claimed, True
        return not claimed

    def cancel(self) -> None:
        """End the run: one that has not started never will, one that runs is interrupted."""
        if self.claim():
            self.proceed(m.Stop(states.NotRun(message="Cancelled before it began.")))
        elif (interrupt := getattr(self.task.fn, "interrupt", None)) is not None:
            interrupt()

    # ── events ───────────────────────────────────────────────────────────────────────────

    def begin(self) -> m.Event:
        """Take the values of upstream runs, which have settled, into the arguments."""
        try:
            if self._wait_for is not None:
                resolve(list(self._wait_for))
            parameters = {k: resolve(v) for k, v in self.run_context.parameters.items()}
            self.run_context.parameters = parameters
            if not self._named:
                self._rename(self._templated_name(parameters))
        except UpstreamTaskError as error:
            return m.BeginBlocked(states.NotReady(message=str(error), data=error))
        except Exception as error:  # noqa: BLE001 - a run-name function is the user's code
            return m.BeginBlocked(state_of_exception(error))
        return m.Begin()

    def call(self) -> m.Event:
        """Call the user's function in this thread."""
        try:
            with enter_task(self.run_context), captured_prints(self.run_context):
                return m.Returned(state_of_task_value(self._call_function()))
        except BaseException as error:  # noqa: BLE001 - the user's code
            return self.raised(error)

    async def call_async(self) -> m.Event:
        """Call and await the user's function."""
        try:
            with enter_task(self.run_context), captured_prints(self.run_context):
                value = await self._await_function()
                if isinstance(value, Future):
                    await value.wait_async()
                return m.Returned(state_of_task_value(value))
        except BaseException as error:  # noqa: BLE001 - the user's code
            return self.raised(error)

    def remote_call(self) -> RemoteCall:
        """The call in a form that another process understands."""
        return remote.prepare(self.task, self.run_context)

    def called(self, call: RemoteCall) -> m.Event:
        """What the outcome of a remote call means."""
        try:
            return m.Returned(state_of_task_value(remote.value_of(call)))
        except BaseException as error:  # noqa: BLE001 - the user's code, in its process
            return self.raised(error)

    def raised(self, error: BaseException) -> m.Raised:
        """What an exception out of the call means."""
        if not isinstance(error, Exception):
            self.interrupt = error
        error.__traceback__ = trim(error.__traceback__)
        return m.Raised(state_of_exception(error))

    failed_to_run = raised

    def _call_function(self) -> Any:
        args, kwargs = to_call(self.task.signature, self.run_context.parameters)
        fn, limit = self.task.fn, self.task.timeout_seconds
        if self.task.kind is CallKind.GENERATOR:
            generator = fn
            fn = lambda *args, **kwargs: list(generator(*args, **kwargs))  # noqa: E731 - same call
        if limit is None:
            return fn(*args, **kwargs)
        return call_within(limit, lambda: fn(*args, **kwargs), TaskRunTimeout)

    async def _await_function(self) -> Any:
        args, kwargs = to_call(self.task.signature, self.run_context.parameters)
        awaitable = self.task.fn(*args, **kwargs)
        if not inspect.isawaitable(awaitable) and self.task.kind is CallKind.ASYNC:
            return awaitable  # a decorator around the async function awaited it already
        if self.task.kind is CallKind.ASYNC_GENERATOR:
            awaitable = _collect(awaitable)
        if self.task.timeout_seconds is None:
            return await awaitable
        return await await_within(self.task.timeout_seconds, awaitable, TaskRunTimeout)

    def open(self, context: contextvars.Context) -> Any:
        """Call a generator function, in a context that is the run's own."""
        args, kwargs = to_call(self.task.signature, self.run_context.parameters)
        context.run(settle_in, self.run_context)
        return context.run(self.task.fn, *args, **kwargs)

    def equipped(self) -> AbstractContextManager[None]:
        """Record what is printed inside the block, when the run asks for it."""
        return captured_prints(self.run_context)

    def exhausted(self) -> m.Event:
        """What the end of a generator means."""
        return m.Returned(states.Completed())

    # ── commands ─────────────────────────────────────────────────────────────────────────

    def proceed(self, event: m.Event) -> m.Call | m.Sleep | SlotWait | None:
        """Take in an event and carry out what follows from it.

        Returns the next thing that takes time (a call, a sleep, a wait for slots), or None
        when the run is over.
        """
        if isinstance(event, m.Returned | m.Raised) or self._waits_for_slots(event):
            self._release_slots()
        next_event: m.Event | None = event
        while next_event is not None:
            commands, next_event = self._handle(next_event), None
            for command in commands:
                if isinstance(command, m.Call | m.Sleep):
                    return command
                if isinstance(command, m.AwaitSlots):
                    assert self._slots is not None
                    return SlotWait(self._slots)
                next_event = self._perform(command)
        return None

    def _handle(self, event: m.Event) -> m.Commands:
        with _claims:  # a stopped run may still hear from the thread that executes it
            if self.machine.final is None:
                return self.machine.handle(event)
        if isinstance(event, m.SlotsGranted):  # too late
            self._release_slots()
        return ()

    def _perform(self, command: m.Command) -> m.Event | None:
        match command:
            case m.SetState(state, attempt):
                self._set_state(state, attempt)
            case m.LookUpCache():
                return self._look_up()
            case m.TakeSlots():
                return self._take_slots()
            case m.AskRetry(state):
                return self._ask_retry(state)
            case m.Finish(state, attempt):
                self._finish(state, attempt)
        return None

    def _set_state(self, state: State[Any], attempt: int, result: Any = None) -> None:
        run = self.run_context.task_run
        # Values stay out of the queue of what is to be written: it would keep them alive.
        told = state if state.data is None else state.with_data(None)
        change = StateChange(RunKind.TASK, run.id, told, attempt, result, run.flow_run_id)
        with _claims:
            if not (state.is_settled() or self.machine.final is None):
                return  # stopped meanwhile: what came last must stay last
            self.run_context.task_run = replace(run, state=state, attempt=attempt, result=result)
            self._store.set_state(change)
        if not state.is_settled():
            self.future.update(state)
        if state.name == "AwaitingRetry":
            reason = (state.message or "Failed").rstrip(".")
            state_logger(self.run_context).warning("%s. Trying again.", reason)
        if hooks := hooks_for(self.task, state):
            run_hooks(hooks, self.task, self.run_context.task_run, state, self.run_context)

    def _look_up(self) -> m.Event:
        assert self._storage is not None
        try:
            with enter_task(self.run_context):
                found = self._storage.look_up(self.run_context)
        except Exception as error:  # noqa: BLE001 - the storage may be anyone's, and anywhere
            return m.BeginBlocked(state_of_exception(error))
        if found is None:
            return m.CacheMiss()
        return m.CacheHit(states.Cached(data=found))

    def _take_slots(self) -> m.Event:
        run = self.run_context.task_run
        try:
            limits = self._store.limits
            known = known_limits(limits, (f"tag:{tag}" for tag in run.tags))
            if not known:
                return m.SlotsGranted()
            names = tuple(limit.name for limit in known)
            self._slots = SlotRequest(limits=limits, names=names, holder=f"task run {run.name}")
            return m.SlotsGranted() if self._slots.take() else m.SlotsRefused()
        except Exception as error:  # noqa: BLE001 - stores may be anyone's, and anywhere
            return m.BeginBlocked(state_of_exception(error))

    def _waits_for_slots(self, event: m.Event) -> bool:
        """Whether the run is stopped while it waits; a call goes on, and keeps what it holds."""
        stopped = isinstance(event, m.Stop) and self._slots is not None
        return stopped and self._slots is not None and self._slots.slot is None

    def _release_slots(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()

    def _ask_retry(self, state: State[Any]) -> m.Event:
        assert self.task.retry_condition_fn is not None
        try:
            run = self.run_context.task_run
            with enter_task(self.run_context):
                answer = bool(self.task.retry_condition_fn(self.task, run, state))
        except Exception:  # noqa: BLE001 - the user's code
            self._log(logging.ERROR, "retry_condition_fn failed; not retrying.", exc_info=True)
            answer = False
        return m.RetryAnswered(answer)

    def _finish(self, state: State[Any], attempt: int) -> None:
        result = None
        try:
            if self._storage is not None and state.is_completed():
                state, result = self._storage.keep(state, self.run_context)
            self._look_back(state, attempt)
            self._set_state(state, attempt, result)
        finally:  # whatever went wrong: those who wait must hear of the end
            self.future.update(state)

    def _look_back(self, state: State[Any], attempt: int) -> None:
        """Remember where a value came from, or what led to a failure."""
        if state.is_completed() and self._session is not None:
            self._session.lineage.remember(state.data, self.future.task_run_id)
        elif state.type is StateType.FAILED or state.is_crashed():
            self._tell_failure(state)
        if state.type is StateType.FAILED and attempt and get_settings().keep_failed_inputs:
            run = self.run_context
            keep_inputs(run.task_run.id, run.parameters, source_of(self.task.fn))

    def _tell_failure(self, state: State[Any]) -> None:
        error = state.data
        story = user_traceback(error) if isinstance(error, BaseException) else None
        self._log(logging.ERROR, "%s", state.message or state.name, story=story)

    def _log(
        self, level: int, message: str, *args: Any, story: str | None = None, exc_info: bool = False
    ) -> None:
        extra = {"nbflow_story": story} if story else {}
        run_logger(self.run_context).log(level, message, *args, extra=extra, exc_info=exc_info)

    def _name_early(self, parameters: dict[str, Any]) -> None:
        """Name the run before it is recorded; what goes wrong is told when it begins."""
        with suppress(Exception):  # a run-name function is the user's code
            resolved = {k: resolve(v) for k, v in parameters.items()}
            name = self._templated_name(resolved)
            self.run_context.task_run = replace(self.run_context.task_run, name=name)
            self._named = True

    def _templated_name(self, parameters: dict[str, Any]) -> str:
        assert self.task.task_run_name is not None
        what = f"task_run_name of task {self.task.name!r}"
        # Name functions ask `nbflow.runtime` for the parameters: they see values, not futures.
        named = replace(self.run_context, parameters=parameters)
        with enter_task(named):
            return templated_name(self.task.task_run_name, parameters, what=what)

    def _rename(self, name: str) -> None:
        run = self.run_context.task_run
        self.run_context.task_run = replace(run, name=name)
        self.future.name = name
        self._store.rename_task_run(run.id, name)


def _new_run(
    task: Task[..., Any],
    session: FlowSession | None,
    dependencies: tuple[Dependency, ...],
    map_place: MapPlace | None,
    run_id: UUID | None,
) -> TaskRun:
    flow, parent = FlowRunContext.get(), TaskRunContext.get()
    state: State[Any] = states.Pending()
    if map_place is not None:  # an element with an origin of its own has told it already
        told = {each.upstream for each in dependencies}
        more = (each for each in map_place.sources if each.upstream not in told)
        dependencies = (*dependencies, *more)
    return TaskRun(
        id=run_id or new_id(),
        name=session.names.next(task.name) if session and run_id is None else task.name,
        task_name=task.name,
        state=state,
        kind=task.run_kind,
        flow_run_id=flow.flow_run.id if flow else None,
        parent_id=parent.task_run.id if parent else None,
        task_key=task.task_key,
        map_id=map_place.map_id if map_place else None,
        map_index=map_place.index if map_place else None,
        tags=task.tags | current_tags(),
        dependencies=dependencies,
        created=state.timestamp,
    )


def _log_prints(task: Task[..., Any]) -> bool:
    if task.log_prints is not None:
        return task.log_prints
    flow = FlowRunContext.get()
    return flow.log_prints if flow else get_settings().log_prints


async def _collect(values: Any) -> list[Any]:
    return [value async for value in values]
