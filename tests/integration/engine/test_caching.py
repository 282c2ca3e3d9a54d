"""Values that were computed are found again, and only where they may be."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nbflow import flow, task
from nbflow.cache_policies import INPUTS, NO_CACHE
from nbflow.settings import get_settings, temporary_settings
from nbflow.task_runners import ProcessPoolTaskRunner
from nbflow.tasks import task_input_hash


def run_twice(step: Any, *args: Any) -> list[str]:
    names = []
    for _ in range(2):

        @flow
        def main() -> str:
            return step(*args, return_state=True).name

        names.append(main())
    return names


@pytest.mark.parametrize(
    ("options", "second"),
    [
        ({"cache_policy": INPUTS}, "Cached"),
        ({"cache_key_fn": task_input_hash}, "Cached"),
        ({"cache_key_fn": lambda context, args: f"key-{args['x']}"}, "Cached"),
        ({"result_storage_key": "value-of-{parameters[x]}"}, "Cached"),
        ({"cache_policy": INPUTS, "refresh_cache": True}, "Completed"),
        ({"cache_policy": INPUTS, "cache_expiration": timedelta(0)}, "Completed"),
        ({"cache_policy": INPUTS, "cache_expiration": timedelta(hours=1)}, "Cached"),
        ({"cache_policy": NO_CACHE}, "Completed"),
        ({"persist_result": True}, "Completed"),
        ({}, "Completed"),
    ],
)
def test_a_second_run_finds_what_the_policy_allows(options: Any, second: str, record: Any) -> None:
    @task(**options)
    def step(x: int) -> int:
        return x + 1

    assert run_twice(step, 1) == ["Completed", second]


def test_what_cannot_be_hashed_is_named_once_and_runs(record: Any) -> None:
    @task(cache_policy=INPUTS)
    def step(lock: Any) -> int:
        return 1

    @flow
    def main() -> int:
        return step(threading.Lock())

    assert main() == 1
    warnings = [line for line in record.logs("step") if "Not cached" in line]
    assert len(warnings) == 1
    assert "'lock'" in warnings[0]


def test_a_key_function_that_fails_does_not_fail_the_task(record: Any) -> None:
    def key(context: Any, args: Any) -> str:
        raise RuntimeError("no key")

    @task(cache_key_fn=key)
    def step() -> int:
        return 1

    @flow
    def main() -> int:
        return step()

    assert main() == 1
    assert any("Not cached" in line for line in record.logs("step"))


def test_a_damaged_file_is_computed_again(record: Any) -> None:
    @task(cache_policy=INPUTS)
    def step(x: int) -> int:
        return x + 1

    assert run_twice(step, 1) == ["Completed", "Cached"]
    files = [p for p in Path(get_settings().results_root()).rglob("*") if p.is_file()]
    for file in files:
        file.write_bytes(file.read_bytes()[:-3])
    assert files
    assert run_twice(step, 1) == ["Completed", "Cached"]


def test_processes_share_the_cache(record: Any) -> None:
    @task(cache_policy=INPUTS)
    def step(x: int) -> int:
        return x + 1

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def main() -> Any:
        return [step.submit(1, return_state=True).name for _ in range(2)], step.submit(1).result()

    assert main() == (["Completed", "Cached"], 2)


def test_two_tasks_may_compute_one_key_at_once(record: Any) -> None:
    barrier = threading.Barrier(2)

    @task(cache_policy=INPUTS)
    def step(x: int) -> int:
        barrier.wait(60)
        return x + 1

    @flow
    def main() -> list[int]:
        return [f.result() for f in (step.submit(1), step.submit(1))]

    assert main() == [2, 2]


def test_a_value_that_cannot_be_stored_stays_usable(record: Any) -> None:
    @task(persist_result=True)
    def step() -> Any:
        return threading.Lock()

    @flow
    def main() -> bool:
        return step().locked()

    assert main() is False
    assert any("not stored" in line for line in record.logs("step"))


def test_an_unusable_storage_fails_with_a_sentence(record: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    @task(persist_result=True, result_storage=str(tmp_path / "file" / "below"))
    def step() -> int:
        return 1

    @flow
    def main() -> int:
        return step()

    assert main() == 1
    assert any("not stored" in line for line in record.logs("step"))


@pytest.mark.parametrize(
    "changes", [{"result_serializer": "carrier-pigeon"}, {"results": "no-such-kind://bucket"}]
)
def test_a_storage_that_cannot_be_opened_does_not_keep_a_run_from_its_end(
    record: Any, changes: dict[str, str]
) -> None:
    @task(cache_policy=INPUTS)
    def step(x: int) -> int:
        return x

    @flow
    def main() -> int:
        return step(2)

    with temporary_settings(persist_results=True, **changes):
        assert main() == 2
    assert record.state() == "Completed"
    assert any("Not taken from the cache" in line for line in record.logs("step"))
