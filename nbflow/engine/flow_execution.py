"""Drives one flow run: performs what the state machine commands.

This module decides how a flow run is set up, called, waited for and closed. Whether and
when its function is called again is the machine's decision. It is the one place that
catches what a flow's code raises.
"""

from __future__ import annotations

import contextvars
import logging
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import Any
from uuid import UUID

from nbflow import states
from nbflow.context import FlowRunContext, current_tags, enter_flow, settle_in
from nbflow.engine import machine as m
from nbflow.engine import under_way
from nbflow.engine.dependencies import dependencies_of
from nbflow.engine.hooks import hooks_for, run_hooks
from nbflow.engine.naming import templated_name
from nbflow.engine.outcomes import state_of_exception, state_of_flow_value
from nbflow.engine.resume_calls import keep_call
from nbflow.engine.runners import TaskRunner, ThreadPoolTaskRunner
from nbflow.engine.session import FlowSession, current_session
from nbflow.engine.storage import keep_flow_value
from nbflow.engine.threads import let_threads_inherit
from nbflow.engine.timeouts import await_within, call_within
from nbflow.engine.tracebacks import trim, user_traceback
from nbflow.exceptions import FlowRunTimeout, TerminationSignal, UpstreamTaskError
from nbflow.flows import Flow
from nbflow.futures import Future, find_futures, resolve
from nbflow.logging import captured_prints, run_logger, state_logger
from nbflow.models import Dependency, FlowRun, RunKind, StateChange, new_id
from nbflow.owner import this_owner
from nbflow.parameters import preview
from nbflow.run_names import random_name
from nbflow.settings import get_settings
from nbflow.states import State, StateType
from nbflow.store import open_store
from nbflow.wording import duration as in_words


class FlowExecution:
    """One run of one flow, from its creation to its last state."""

    def __init__(
        self,
        flow: Flow[..., Any],
        values: dict[str, Any],
        wait_for: Any = None,
        *,
        run_id: UUID | None = None,
        name: str | None = None,
        again: FlowRun | None = None,
    ) -> None:
        """Set up a run; `again` is a run of this process's that is to have its next attempt."""
        let_threads_inherit()
        self.flow = flow
        self._wait_for = [wait_for] if isinstance(wait_for, Future) else wait_for
        self._parent = parent = current_session()
        store = parent.store if parent else open_store()
        lineage = parent.lineage if parent else None
        dependencies, self.upstream = dependencies_of(values, self._wait_for, lineage)
        flow_run = again or _new_run(flow, values, dependencies, run_id, name or random_name())
        self.session = FlowSession(
            values,
            store.add_logs,
            _log_prints(flow, parent),
            flow=flow,
            flow_run=flow_run,
            store=store,
            runner=_runner(flow),
        )
        self.machine = m.RunMachine(flow.retry_policy, random.random, attempt=flow_run.attempt)
        #: What ended the program while the flow ran: raised again once recorded.
        self.interrupt: BaseException | None = None
        self._terminated = False
        self._started = time.monotonic()
        if again is not None:
            if not again.state.is_pending():  # a worker that took it has said so
                self._set_state(states.Pending(), again.attempt)
            return
        if name is None and flow.flow_run_name is not None:
            self.session.flow_run = replace(flow_run, name=self._templated_name(values))
        store.create_flow_run(self.session.flow_run)

    def _templated_name(self, values: dict[str, Any]) -> str:
        assert self.flow.flow_run_name is not None
        if self.flow.should_validate_parameters and not self.upstream:
            with suppress(Exception):  # what does not fit is told when the run begins
                values = self.flow.validate_parameters(values)
        what = f"flow_run_name of flow {self.flow.name!r}"
        with enter_flow(self.session):
            return templated_name(self.flow.flow_run_name, values, what=what)

    # ── events ───────────────────────────────────────────────────────────────────────────

    def begin(self) -> m.Event:
        """Take the values of upstream runs into the parameters, and check them."""
        __tracebackhide__ = True
        if self._parent is None:
            under_way.enter(self.session.flow_run.id)
        try:
            if self._wait_for is not None:
                resolve(list(self._wait_for))
            values = {name: resolve(value) for name, value in self.session.parameters.items()}
            if self.flow.should_validate_parameters:
                values = self.flow.validate_parameters(values)
        except UpstreamTaskError as error:
            return m.BeginBlocked(states.NotReady(message=str(error), data=error))
        except Exception as error:  # noqa: BLE001 - validators are the user's code
            return m.BeginBlocked(state_of_exception(error))
        self.session.parameters = values
        if self._parent is None:
            keep_call(self.session.flow_run, values, self.flow.call_options)
        return m.Begin()

    def call(self) -> m.Event:
        """Call the user's function in this thread, and wait for what it submitted."""
        try:
            with self._entered():
                if self.flow.timeout_seconds is None:
                    state = self._call_function()
                else:
                    limit = self.flow.timeout_seconds
                    state = call_within(limit, self._call_function, FlowRunTimeout)
        except BaseException as error:  # noqa: BLE001 - the user's code
            return self.raised(error)
        return m.Returned(state)

    def _call_function(self) -> State[Any]:
        args, kwargs = self.flow.arguments(self.session.parameters)
        try:
            value = self.flow.fn(*args, **kwargs)
        except Exception:
            self.session.outstanding.wait()
            raise
        self.session.outstanding.wait()
        return state_of_flow_value(value)

    async def call_async(self) -> m.Event:
        """Call and await the user's function, and wait for what it submitted."""
        try:
            with self._entered():
                if self.flow.timeout_seconds is None:
                    state = await self._await_function()
                else:
                    limit = self.flow.timeout_seconds
                    state = await await_within(limit, self._await_function(), FlowRunTimeout)
        except BaseException as error:  # noqa: BLE001 - the user's code
            return self.raised(error)
        return m.Returned(state)

    async def _await_function(self) -> State[Any]:
        args, kwargs = self.flow.arguments(self.session.parameters)
        try:
            value = await self.flow.fn(*args, **kwargs)
        except Exception:
            await self.session.outstanding.wait_async()
            raise
        await self.session.outstanding.wait_async()
        for future in find_futures(value):  # of other flows
            await future.wait_async()
        return state_of_flow_value(value)

    def open(self, context: contextvars.Context) -> Any:
        """Call a generator function, in a context that is the run's own."""
        args, kwargs = self.flow.arguments(self.session.parameters)
        context.run(settle_in, self.session)
        return context.run(self.flow.fn, *args, **kwargs)

    def equipped(self) -> AbstractContextManager[None]:
        """What a generator's code needs around it, apart from its context."""
        return self._equipped()

    def exhausted(self) -> m.Event:
        """What the end of a generator means."""
        self.session.outstanding.wait()
        return m.Returned(states.Completed())

    def raised(self, error: BaseException) -> m.Event:
        """What an exception out of the flow means."""
        if not isinstance(error, Exception):
            self.interrupt = error
        error.__traceback__ = trim(error.__traceback__)
        # An event loop that is told to stop only says that it cancels.
        state = state_of_exception(TerminationSignal() if self._terminated else error)
        if not isinstance(error, Exception) or state.name == "TimedOut":
            # Nothing is waited for: what the flow submitted ends with it.
            self.session.outstanding.abandon(f"Its flow run is {state.name}.")
            self.session.runner.stop()
        return m.Raised(state)

    @contextmanager
    def _entered(self) -> Iterator[None]:
        with enter_flow(self.session), self._equipped():
            yield

    @contextmanager
    def _equipped(self) -> Iterator[None]:
        """A task runner for this attempt, recorded prints, and an orderly end by SIGTERM."""
        session = self.session
        session.runner = session.runner.duplicate()
        session.pauses.clear()
        with ExitStack() as stack:
            stack.callback(session.runner.close)
            stack.enter_context(captured_prints(session))
            if self._parent is None:
                stack.enter_context(self._termination_raises())
            yield

    @contextmanager
    def _termination_raises(self) -> Iterator[None]:
        """Let SIGTERM end the flow in an orderly way, and then the process."""
        ours = threading.current_thread() is threading.main_thread()
        if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            yield
            return

        def terminate(_: int, __: FrameType | None) -> None:
            self._terminated = True
            raise TerminationSignal

        signal.signal(signal.SIGTERM, terminate)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    # ── commands ─────────────────────────────────────────────────────────────────────────

    def proceed(self, event: m.Event) -> m.Call | m.Sleep | None:
        """Take in an event and carry out what follows from it.

        Returns the next thing that takes time (a call, a sleep), or None when the run is
        over.
        """
        for command in self.machine.handle(event):
            match command:
                case m.Call() | m.Sleep():
                    return command
                case m.SetState(state, attempt):
                    self._set_state(state, attempt)
                case m.Finish(state, attempt):
                    self._finish(state, attempt)
        return None

    def _set_state(self, state: State[Any], attempt: int, result: Any = None) -> None:
        session = self.session
        if state.name == "Suspended" and session.flow_run.state.name == "Suspended":
            return  # recorded before the code was left
        run = replace(session.flow_run, state=state, attempt=attempt)
        session.flow_run = run
        # Values stay out of the queue of what is to be written: it would keep them alive.
        told = state if state.data is None else state.with_data(None)
        session.store.set_state(StateChange(RunKind.FLOW, run.id, told, attempt, result, run.id))
        self._tell(state)
        if hooks := hooks_for(self.flow, state):
            run_hooks(hooks, self.flow, run, state, session)

    def _finish(self, state: State[Any], attempt: int) -> None:
        under_way.leave(self.session.flow_run.id)
        result = None
        if state.is_completed() and self.flow.keeps_result:
            result = keep_flow_value(self.flow, self.session, state)
        if state.is_completed() and self._parent is not None:
            self._parent.lineage.remember(state.data, self.session.flow_run.id)
        self._set_state(state, attempt, result)
        if self._parent is None:
            self.session.store.flush()

    def _tell(self, state: State[Any]) -> None:
        logger = state_logger(self.session)
        if state.type is StateType.RUNNING:
            logger.info("Started flow %r.", self.flow.name)
        elif state.name == "AwaitingRetry":
            logger.warning("%s. Trying again.", (state.message or "Failed").rstrip("."))
        elif state.is_paused():
            logger.info("%s: %s", state.name, state.message)
        elif state.is_final():
            took = in_words(time.monotonic() - self._started)
            good = state.is_completed()
            story = None if good else _story(state.data)
            if not good and (story is None or "\n" in story):  # news: lines of the user's own
                logger = run_logger(self.session)
            logger.log(
                logging.INFO if good else logging.ERROR,
                "%s after %s.%s",
                state.name,
                took,
                f" {state.message}" if state.message else "",
                extra={"nbflow_story": story} if story else {},
            )


def _story(error: Any) -> str | None:
    return user_traceback(error) if isinstance(error, BaseException) else None


def _new_run(
    flow: Flow[..., Any],
    values: dict[str, Any],
    dependencies: tuple[Dependency, ...],
    run_id: UUID | None,
    name: str,
) -> FlowRun:
    state: State[Any] = states.Pending()
    context = FlowRunContext.get()
    return FlowRun(
        id=run_id or new_id(),
        name=name,
        flow_name=flow.name,
        state=state,
        kind=flow.kind_of_flow,
        flow_version=flow.version,
        parameters=preview(values),
        tags=current_tags(),
        parent_id=context.flow_run.id if context else None,
        dependencies=dependencies,
        created=state.timestamp,
        source=flow.source,
        owner=this_owner(),
    )


def _runner(flow: Flow[..., Any]) -> TaskRunner:
    chosen = flow.task_runner
    if isinstance(chosen, type):  # `task_runner=SequentialTaskRunner`, without the call
        chosen = chosen()
    if chosen is None:
        return ThreadPoolTaskRunner()
    return chosen  # type: ignore[no-any-return]


def _log_prints(flow: Flow[..., Any], parent: FlowSession | None) -> bool:
    if flow.log_prints is not None:
        return flow.log_prints
    return parent.log_prints if parent else get_settings().log_prints
