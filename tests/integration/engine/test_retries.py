"""Failed attempts start again as often, as late and under such conditions as was asked."""

from __future__ import annotations

from typing import Any

import pytest

from nbflow import flow, task


@pytest.mark.parametrize("how", ["direct", "submit"])
@pytest.mark.parametrize(
    ("retries", "failures", "final"), [(0, 1, "Failed"), (2, 2, "Completed"), (2, 9, "Failed")]
)
def test_attempts_are_counted(
    how: str, retries: int, failures: int, final: str, record: Any
) -> None:
    calls = []

    @task(retries=retries)
    def flaky() -> int:
        calls.append(1)
        if len(calls) <= failures:
            raise ValueError
        return 1

    @flow
    def main() -> str:
        state = flaky(return_state=True) if how == "direct" else flaky.submit(return_state=True)
        return state.name

    assert main() == final
    assert len(calls) == min(retries, failures) + 1
    assert record.run().task_runs[0].attempt == len(calls)


@pytest.mark.parametrize("answer", [True, False, "raises"])
def test_the_users_condition_decides(answer: Any, record: Any) -> None:
    asked = []

    def condition(task: Any, run: Any, state: Any) -> bool:
        asked.append((task.name, run.attempt, type(state.result(raise_on_failure=False))))
        if answer == "raises":
            raise RuntimeError("condition")
        return answer

    @task(retries=1, retry_condition_fn=condition)
    def fails() -> None:
        raise KeyError

    @flow
    def main() -> str:
        return fails.submit(return_state=True).name

    assert main() == "Failed"
    assert asked == [("fails", 1, KeyError)]
    assert record.run().task_runs[0].attempt == (2 if answer is True else 1)


def test_a_task_that_returns_failed_is_retried(record: Any) -> None:
    from nbflow.states import Completed, Failed

    calls = []

    @task(retries=1)
    def step() -> Any:
        calls.append(1)
        return Failed(message="again") if len(calls) == 1 else Completed(message="now")

    @flow
    def main() -> str:
        return step(return_state=True).message

    assert main() == "now"
