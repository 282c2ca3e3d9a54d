"""Flows: how they end, subflows, retries, names, hooks, methods, generators, async."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from nbflow import flow, get_run_logger, runtime, tags, task
from nbflow.exceptions import FailedRun, ParameterTypeError, UpstreamTaskError
from nbflow.states import Completed, Failed, Running
from nbflow.task_runners import ThreadPoolTaskRunner


@task
def ok(x: Any = 1) -> Any:
    return x


@task
def bad(x: Any = None) -> None:
    raise ValueError("bad")


def submitted_bad_and_forgot() -> None:
    bad.submit()


def submitted_bad_and_returned_it() -> Any:
    return bad.submit()


def mixed_futures() -> Any:
    return [ok.submit(), bad.submit(), {"deep": ok.submit()}]


def good_futures() -> Any:
    return [ok.submit(), ok.submit()]


def blocked() -> Any:
    return ok.submit(bad.submit())


FLOWS = [
    (lambda: 5, "Completed"),
    (lambda: None, "Completed"),
    (submitted_bad_and_forgot, "Completed"),
    (submitted_bad_and_returned_it, "Failed"),
    (mixed_futures, "Failed"),
    (good_futures, "Completed"),
    (blocked, "Failed"),
    (bad, "Failed"),
    (lambda: bad(return_state=True), "Failed"),
    (lambda: [bad(return_state=True), ok(return_state=True)], "Failed"),
    (lambda: Completed(message="as I say"), "Completed"),
    (lambda: Failed(message="as I say"), "Failed"),
    (Running, "Failed"),
]


@pytest.mark.parametrize(("fn", "name"), FLOWS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_flows_end_is_decided_as_prefect_does(
    fn: Any, name: str, is_async: bool, record: Any
) -> None:
    async def async_fn() -> Any:
        return fn()

    main = flow(name="main")(async_fn if is_async else fn)
    state = main(return_state=True)
    if is_async:
        state = asyncio.run(state)
    assert state.name == name
    assert record.state() == name


def test_subflows_are_child_runs(record: Any) -> None:
    @flow
    def child(x: int) -> int:
        return ok(x)

    @flow
    def main() -> int:
        first = child(1)
        return child(ok.submit(first + 1))

    assert main() == 2
    parent, *children = record.runs()
    assert [run.record.parent_id for run in children] == [parent.id, parent.id]
    assert [len(run.task_runs) for run in (parent, *children)] == [1, 1, 1]


def test_a_failing_subflow_can_be_handled(record: Any) -> None:
    @flow
    def child() -> None:
        bad()

    @flow
    def main() -> str:
        with pytest.raises(ValueError):
            child()
        return child(return_state=True).name

    assert main() == "Failed"
    assert record.state() == "Completed"


def test_deep_recursion_ends_as_an_ordinary_failure(record: Any) -> None:
    @flow
    def down(n: int) -> int:
        return down(n + 1)

    with pytest.raises(RecursionError):
        down(0)
    assert {run.state.name for run in record.runs()} == {"Failed"}
    assert ok() == 1


def test_a_flow_is_retried_as_a_whole(record: Any) -> None:
    calls = []

    @flow(retries=2, retry_delay_seconds=0.01)
    def main() -> int:
        calls.append(runtime.flow_run.run_count)
        if len(calls) < 3:
            raise ValueError
        return ok.submit(7).result()

    assert main() == 7
    assert calls == [1, 2, 3]
    assert record.flow_history() == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying",
        "Completed",
    ]  # fmt: skip


def test_parameters_are_converted_or_the_run_fails(record: Any) -> None:
    @flow
    def main(x: int) -> int:
        return x

    assert main("3") == 3
    with pytest.raises(ParameterTypeError, match="x"):
        main("three")
    assert [run.state.name for run in record.runs()] == ["Completed", "Failed"]

    @flow(validate_parameters=False)
    def loose(x: int) -> Any:
        return x

    assert loose("three") == "three"


def test_names_come_from_templates_and_functions(record: Any) -> None:
    def by_runtime() -> str:
        return f"{runtime.flow_run.flow_name}/{runtime.task_run.task_name}/" + str(
            runtime.task_run.parameters["x"]
        )

    @task(task_run_name="step-{x}-{d[k]}")
    def templated(x: int, d: dict[str, int]) -> int:
        return x

    @task(task_run_name=by_runtime)
    def made(x: int) -> int:
        return x

    @flow(flow_run_name="run-{day:03d}")
    def main(day: int) -> None:
        a = templated.submit(day, {"k": 5})
        b = made.submit(a)
        templated.submit(b, {"k": 6})
        made(1)

    main("4")
    assert record.run().name == "run-004"
    assert set(record.tasks()) == {"step-4-5", "main/made/4", "step-4-6", "main/made/1"}


def test_a_bad_template_fails_the_task_with_a_sentence(record: Any) -> None:
    @task(task_run_name="{nothing}")
    def step() -> None: ...

    @flow
    def main() -> None:
        step()

    with pytest.raises(ValueError, match="task_run_name of task 'step'"):
        main()
    assert record.tasks() == {"step": "Failed"}


def test_hooks_are_called_inside_the_run_and_never_change_it(record: Any) -> None:
    heard: list[str] = []

    def note(owner: Any, run: Any, state: Any) -> None:
        heard.append(f"{owner.name} {state.name}")
        get_run_logger().info("noted %s", state.name)
        assert runtime.flow_run.name is not None

    async def later(owner: Any, run: Any, state: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"later {state.name}")

    def broken(owner: Any, run: Any, state: Any) -> None:
        raise RuntimeError("hook")

    def leaving(owner: Any, run: Any, state: Any) -> None:
        raise SystemExit(1)

    hooks = [broken, leaving, note, later]

    @task(on_running=hooks, on_completion=hooks, on_failure=hooks)
    def step(fails: bool) -> None:
        if fails:
            raise ValueError

    @step.on_completion
    def more(task: Any, run: Any, state: Any) -> None:
        heard.append("more")

    @flow(on_completion=[note])
    def main() -> None:
        step(False)
        step.submit(True).wait()

    main()
    assert heard == [
        "step Running", "later Running", "step Completed", "later Completed", "more",
        "step Running", "later Running", "step Failed", "later Failed",
        "main Completed",
    ]  # fmt: skip
    assert record.tasks() == {"step": "Completed", "step-2": "Failed"}
    assert "noted Completed" in record.logs("step")
    assert any("hook broken failed" in line for line in record.logs("step"))


def test_methods_of_every_kind_are_tasks_and_flows(record: Any) -> None:
    class Pipeline:
        factor = 3

        @task
        def times(self, x: int) -> int:
            return self.factor * x

        @task
        @classmethod
        def of_class(cls, x: int) -> int:
            return cls.factor * x

        @task
        @staticmethod
        def alone(x: int) -> int:
            return 3 * x

        @flow
        def main(self) -> Any:
            return (
                self.times(1),
                self.times.submit(1).result(),
                self.of_class(1),
                self.alone(1),
                Pipeline.alone(1),
                *self.times.map([1]).result(),
            )

    assert Pipeline().main() == (3,) * 6


def test_generators_pass_values_on_as_they_come(record: Any) -> None:
    seen = []

    @task(log_prints=True)
    def count(n: int) -> Any:
        for i in range(n):
            seen.append(runtime.task_run.name)
            print(f"at {i}")
            yield i

    @task
    async def acount(n: int) -> Any:
        for i in range(n):
            yield i

    @flow
    def main() -> Any:
        for i in count(10):
            if i == 1:
                break
        return list(count(2)), count.submit(2).result(), acount.submit(2).result()

    @flow
    async def amain() -> Any:
        return [i async for i in acount(2)]

    assert main() == ([0, 1], [0, 1], [0, 1])
    assert seen[:2] == ["count", "count"]
    assert record.logs("count")[:2] == ["at 0", "at 1"]
    assert record.tasks()["count"] == "Completed"
    assert asyncio.run(amain()) == [0, 1]


def test_a_flow_may_be_a_generator(record: Any) -> None:
    @flow
    def values() -> Any:
        for i in range(3):
            yield ok.submit(i).result()

    assert list(values()) == [0, 1, 2]
    assert record.state() == "Completed"


def iter_into(values: Any, got: list[Any]) -> Any:
    for value in values:
        got.append(value)
    return []


def test_a_failing_generator_fails_its_run(record: Any) -> None:
    @task
    def count() -> Any:
        yield 1
        raise ValueError("two")

    @flow
    def main() -> list[int]:
        got = []
        with pytest.raises(ValueError, match="two"):
            got.extend(iter_into(count(), got))
        return got

    assert main() == [1]
    assert record.tasks() == {"count": "Failed"}


def test_async_flows_gather_submit_and_nest(record: Any) -> None:
    @task
    async def later(x: int) -> int:
        await asyncio.sleep(0.001)
        return x

    @flow
    async def child(x: int) -> int:
        return await later(x)

    @flow
    async def main() -> Any:
        many = await asyncio.gather(*[later(i) for i in range(3)])
        futures = later.map([1, 2])
        one = await later.submit(5)
        kids = await asyncio.gather(child(1), child(2))
        return many, futures.result(), one, kids, ok(3)

    assert asyncio.run(main()) == ([0, 1, 2], [1, 2], 5, [1, 2], 3)
    assert len(record.runs()) == 3


def test_a_call_that_is_never_awaited_records_nothing(record: Any) -> None:
    @task
    async def later() -> None: ...

    @flow
    async def main() -> None:
        later().close()

    asyncio.run(main())
    assert record.tasks() == {}


def test_cancelling_an_async_flow_cancels_its_run(record: Any) -> None:
    begun = asyncio.Event()

    @task
    async def slow() -> None:
        begun.set()
        await asyncio.sleep(90)

    @flow
    async def main() -> None:
        await slow()

    async def run() -> None:
        running = asyncio.create_task(main())
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert record.state() == "Cancelled"
    assert record.tasks() == {"slow": "Cancelled"}


def test_flows_run_in_threads_and_inside_running_loops(record: Any) -> None:
    @flow
    def main() -> int:
        return ok.submit(4).result()

    async def inside() -> int:
        return main()

    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(main()))
    thread.start()
    thread.join()
    assert asyncio.run(inside()) == 4
    assert answers == [4]


def test_futures_cross_flows(record: Any) -> None:
    @flow
    def child(x: Any) -> int:
        return ok.submit(x).result()

    @flow(task_runner=ThreadPoolTaskRunner(1))
    def main() -> int:
        return child(ok.submit(8))

    assert main() == 8


def test_a_subflow_after_a_failure_is_not_ready(record: Any) -> None:
    @flow
    def child(x: Any) -> None: ...

    @flow
    def main() -> str:
        with pytest.raises(UpstreamTaskError):
            child(bad.submit())
        return child(bad.submit(), return_state=True).name

    assert main() == "NotReady"


def test_tags_are_merged(record: Any) -> None:
    @task(tags=["mine"])
    def step() -> None: ...

    @flow
    def main() -> None:
        with tags("inner"):
            step.submit().wait()

    with tags("outer"):
        main()
    assert record.run().tags == {"outer"}
    assert record.run().task_runs[0].tags == {"mine", "inner", "outer"}


def test_a_state_returned_by_hand_without_value_raises_its_message(record: Any) -> None:
    @flow
    def main() -> Any:
        return Failed(message="no luck")

    with pytest.raises(FailedRun, match="no luck"):
        main()
