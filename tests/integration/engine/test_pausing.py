"""Flows that wait for a person: what they are given, and what is recorded meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field, field_validator

from nbflow import flow, pause_flow_run, resume_flow_run, suspend_flow_run, task
from nbflow.exceptions import (
    MissingContextError,
    ParameterError,
    RunTimeout,
    UsageError,
)
from nbflow.runs import Run, list_runs
from nbflow.store import open_store
from tests.waiting import until


class Approval(BaseModel):
    """Is the model good enough?"""

    approved: bool
    limit: int = Field(default=3, ge=1, description="Most retries")

    @field_validator("limit")
    @classmethod
    def even_numbers_are_refused(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value


pytestmark = pytest.mark.usefixtures("record")


def paused_run(questions: int = 1) -> Run:
    """The run, once it has asked so often and waits."""

    def waits(run: Run) -> bool:
        asked = run.store.dispatch.inputs(run.id)
        is_asked = len(asked) == questions and asked[-1].answered is None
        return run.state.name == "Paused" and is_asked

    return until(lambda: next(filter(waits, list_runs()), None), "a paused run")


@contextmanager
def meanwhile(do: Callable[[], Any]) -> Iterator[None]:
    """Do something in another thread; what it raises is raised here."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            do()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()
    if raised:
        raise raised[0]


def answer(*answers: Any) -> Callable[[], None]:
    def work() -> None:
        for count, each in enumerate(answers, start=1):
            resume_flow_run(paused_run(count).id, each)

    return work


# ── what comes back ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "given", "got"),
    [
        (None, None, None),
        (str, "yes", "yes"),
        (int, 5, 5),
        (list[int], [1, 2], [1, 2]),
        (date, date(2026, 5, 3), date(2026, 5, 3)),
        (date, {"value": "2026-05-03"}, date(2026, 5, 3)),
        (Approval, {"approved": True}, Approval(approved=True)),
        (Approval, Approval(approved=False, limit=7), Approval(approved=False, limit=7)),
    ],
)
def test_the_answer_has_the_type_that_was_asked_for(
    wanted: Any, given: Any, got: Any, record: Any
) -> None:
    @flow
    def run() -> Any:
        return pause_flow_run(wanted)

    with meanwhile(answer(given)):
        assert run() == got
    assert record.flow_history() == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_the_question_is_kept_in_words_and_schema() -> None:
    asked: list[Any] = []

    @flow
    def run() -> None:
        pause_flow_run(Approval)

    def look() -> None:
        paused = paused_run()
        asked.extend([paused, *paused.store.dispatch.inputs(paused.id)])
        resume_flow_run(paused, {"approved": True})

    with meanwhile(look):
        run()
    paused, question = asked
    assert question.message == "Is the model good enough?"
    assert question.schema["properties"]["limit"]["description"] == "Most retries"
    assert question.deadline > question.created
    assert question.message in paused.state.message
    assert f"nbflow resume {str(paused.id)[-8:]}" in paused.state.message


def test_what_does_not_fit_is_refused_or_asked_for_anew(record: Any) -> None:
    @flow
    def run() -> Any:
        return pause_flow_run(Approval)

    def slips() -> None:
        first = paused_run()
        with pytest.raises(ParameterError, match="approved"):  # the schema says so
            resume_flow_run(first, {"approved": "maybe"})
        resume_flow_run(first, {"approved": True, "limit": 4})  # only its validator knows
        second = paused_run(2)
        assert "must be odd" in second.state.message
        resume_flow_run(second, {"approved": True, "limit": 5})

    with meanwhile(slips):
        assert run() == Approval(approved=True, limit=5)


def test_several_pauses_each_have_their_answer() -> None:
    @flow
    def run() -> list[int]:
        return [pause_flow_run(int) for _ in range(3)]

    with meanwhile(answer(1, 2, 3)):
        assert run() == [1, 2, 3]


def test_a_key_is_asked_once_whichever_the_attempt(record: Any) -> None:
    @flow(retries=1)
    def run() -> int:
        value = pause_flow_run(int)
        if len(record.flow_history()) < 5:
            raise ValueError("once")
        return value

    with meanwhile(answer(7)):
        assert run() == 7
    assert record.flow_history().count("Paused") == 1


def test_async_flows_await_and_their_loop_is_free(record: Any) -> None:
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.005)

    @flow
    async def run() -> Any:
        clock = asyncio.create_task(tick())
        value = await pause_flow_run(int)
        clock.cancel()
        return value

    def later() -> None:
        paused = paused_run()
        before = len(ticks)
        while len(ticks) < before + 5:
            time.sleep(0.005)
        resume_flow_run(paused, 5)

    with meanwhile(later):
        assert asyncio.run(run()) == 5


# ── time ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["main", "thread", "loop"])
def test_a_pause_does_not_count_toward_the_time_limit(place: str) -> None:
    @flow(timeout_seconds=1.5)
    def run() -> int:
        return pause_flow_run(int)  # type: ignore[no-any-return]

    @flow(timeout_seconds=1.5)
    async def run_async() -> int:
        return await pause_flow_run(int)  # type: ignore[no-any-return]

    def late() -> None:
        paused = paused_run()
        time.sleep(1.7)  # longer than the limit
        resume_flow_run(paused, 5)

    results: list[int] = []
    with meanwhile(late):
        if place == "main":
            results.append(run())
        elif place == "loop":
            results.append(asyncio.run(run_async()))
        else:
            thread = threading.Thread(target=lambda: results.append(run()))
            thread.start()
            thread.join()
    assert results == [5]


def test_the_limit_holds_again_after_the_pause(record: Any) -> None:
    @flow(timeout_seconds=1.5)
    def run() -> None:
        pause_flow_run(int)
        time.sleep(90)

    with meanwhile(answer(1)):
        assert run(return_state=True).name == "TimedOut"


def test_nobody_answers_in_time(record: Any) -> None:
    @flow
    def run() -> None:
        pause_flow_run(str, timeout=0.1)

    with pytest.raises(RunTimeout, match="Nobody answered within 100 ms"):
        run()
    state = record.run().state
    assert state.is_failed()
    assert "Nobody answered" in state.message


def test_tasks_go_on_while_the_flow_waits(record: Any) -> None:
    going = threading.Event()

    @task
    def work() -> str:
        assert going.wait(60)
        return "done"

    @flow
    def run() -> Any:
        future = work.submit()
        pause_flow_run()
        return future.result()

    def see() -> None:
        paused = paused_run()
        going.set()
        while record.tasks() != {"work": "Completed"}:
            time.sleep(0.005)
        assert paused.refresh().state.name == "Paused"
        resume_flow_run(paused)

    with meanwhile(see):
        assert run() == "done"


def test_an_interrupt_ends_a_paused_run_as_cancelled(record: Any) -> None:
    @flow
    def run() -> None:
        pause_flow_run()

    def interrupt() -> None:
        paused_run()
        os.kill(os.getpid(), signal.SIGINT)  # arrives in the main thread

    with pytest.raises(KeyboardInterrupt), meanwhile(interrupt):
        run()
    assert record.state() == "Cancelled"


# ── where it cannot be ───────────────────────────────────────────────────────────────────


def test_outside_of_flows_there_is_nothing_to_pause() -> None:
    with pytest.raises(MissingContextError, match="nbflow run"):
        pause_flow_run()


def test_tasks_do_not_pause_their_flow(record: Any) -> None:
    @task
    def work() -> None:
        pause_flow_run()

    @flow
    def run() -> None:
        work()

    with pytest.raises(UsageError, match="in the flow itself"):
        run()


def test_only_runs_of_deployments_are_suspended(record: Any) -> None:
    @flow
    def run() -> None:
        suspend_flow_run()

    with pytest.raises(UsageError, match="no run of a deployment"):
        run()
    assert record.state() == "Failed"


def test_what_has_no_schema_cannot_be_asked_for(record: Any) -> None:
    @flow
    def run() -> None:
        pause_flow_run(threading.Lock)

    with pytest.raises(UsageError, match="pydantic model"):
        run()
    assert "Paused" not in record.flow_history()


def test_nobody_resumes_what_does_not_wait(record: Any) -> None:
    @flow
    def run() -> None:
        pass

    run()
    with pytest.raises(UsageError, match="waits for no answer"):
        resume_flow_run(record.run())
    assert open_store().dispatch.inputs(record.run().id) == []
