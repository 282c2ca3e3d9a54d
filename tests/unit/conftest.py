"""Records for the tests of this folder and those below."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from nbflow.models import FlowKind, FlowRun, LogRecord, TaskKind, TaskRun
from nbflow.states import State

START = datetime(2026, 5, 3, 6, 0, tzinfo=UTC)
RUN_ID = UUID(int=0xABCDEF0123456789)


class Make:
    """Records with all that a test does not care about filled in."""

    id = RUN_ID

    @staticmethod
    def at(seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    @staticmethod
    def state(constructor: Any, seconds: float = 0, **options: Any) -> State[Any]:
        made = constructor(**options)
        return State(made.type, made.name, made.message, Make.at(seconds), made.scheduled_time)

    @staticmethod
    def flow_run(state: State[Any], **options: Any) -> FlowRun:
        defaults = {"id": RUN_ID, "name": "brave-lynx", "flow_name": "churn", "created": START}
        return FlowRun(**{**defaults, "kind": FlowKind.NOTEBOOK, "state": state, **options})

    @staticmethod
    def cell(number: int, state: State[Any], **options: Any) -> TaskRun:
        defaults = {
            "id": UUID(int=number + 1),
            "name": f"cell {number}",
            "task_name": f"cell {number}",
            "kind": TaskKind.CELL,
            "flow_run_id": RUN_ID,
            "cell_index": number,
            "created": START,
            "attempt": 1,
        }
        return TaskRun(**{**defaults, "state": state, **options})

    @staticmethod
    def log(
        message: str, task: TaskRun | None = None, seconds: float = 0, level: int = 20
    ) -> LogRecord:
        task_id = task.id if task else None
        return LogRecord(RUN_ID, task_id, level, "nbflow.stdout", message, Make.at(seconds))


@pytest.fixture
def make() -> type[Make]:
    return Make
