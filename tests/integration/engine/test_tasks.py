"""Tasks called directly and submitted: values, states, and everything callable as a task."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from nbflow import flow, task
from nbflow.annotations import allow_failure, quote, unmapped
from nbflow.exceptions import (
    FailedRun,
    MappingLengthMismatch,
    MappingMissingIterable,
    ParameterBindError,
    ReservedArgumentError,
    UpstreamTaskError,
)
from nbflow.futures import as_completed, wait
from nbflow.states import Cancelled, Completed, Failed, Pending, Running, State
from nbflow.task_runners import SequentialTaskRunner, ThreadPoolTaskRunner


class Doubler:
    """A callable object."""

    def __call__(self, x: int) -> int:
        return 2 * x


class AsyncDoubler:
    """An object whose call has to be awaited."""

    async def __call__(self, x: int) -> int:
        return 2 * x


def double(x: int, factor: int = 2) -> int:
    return x * factor


async def async_double(x: int) -> int:
    return 2 * x


def wrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


CALLABLES = {
    "function": double,
    "lambda": lambda x: 2 * x,
    "partial": functools.partial(double, factor=2),
    "object": Doubler(),
    "bound method": Doubler().__call__,
    "builtin": (2).__mul__,
    "wrapped function": wrapped(double),
    "positional-only": eval("lambda x, /: 2 * x"),
    "varargs": lambda *args: 2 * args[0],
}


@pytest.mark.parametrize("name", CALLABLES)
def test_anything_callable_is_a_task(name: str, record: Any) -> None:
    made = task(CALLABLES[name])

    @flow
    def main() -> list[int]:
        return [made(21), made.submit(21).result(), *made.map([21]).result()]

    assert main() == [42, 42, 42]
    assert set(record.tasks().values()) == {"Completed"}


ASYNC_CALLABLES = {
    "async function": async_double,
    "async partial": functools.partial(async_double),
    "async object": AsyncDoubler(),
    "wrapped async function": wrapped(async_double),
}


@pytest.mark.parametrize("name", ASYNC_CALLABLES)
def test_async_callables_submit_like_others(name: str, record: Any) -> None:
    made = task(ASYNC_CALLABLES[name])

    @flow
    def main() -> int:
        return made.submit(21).result()

    assert main() == 42
    assert set(record.tasks().values()) == {"Completed"}


@pytest.mark.parametrize("name", ASYNC_CALLABLES)
def test_async_callables_are_awaited(name: str, record: Any) -> None:
    import asyncio

    made = task(ASYNC_CALLABLES[name])

    @flow
    async def main() -> int:
        return await made(21)

    assert asyncio.run(main()) == 42
    assert set(record.tasks().values()) == {"Completed"}


def test_every_kind_of_parameter_arrives(record: Any) -> None:
    @task
    def everything(a, /, b, *args, c, d=4, **kwargs):
        return a, b, args, c, d, kwargs

    @flow
    def main() -> Any:
        one = everything(1, 2, 3, 4, c=5, e=6)
        two = everything.submit(1, b=2, c=3).result()
        return one, two

    assert main() == ((1, 2, (3, 4), 5, 4, {"e": 6}), (1, 2, (), 3, 4, {}))


def test_mutable_defaults_are_shared_as_in_python(record: Any) -> None:
    @task
    def collect(x: int, seen: list[int] = []) -> list[int]:  # noqa: B006
        seen.append(x)
        return list(seen)

    @flow
    def main() -> Any:
        return collect(1), collect(2)

    assert main() == ([1], [1, 2])


@pytest.mark.parametrize("name", ["wait_for", "return_state"])
def test_names_of_our_own_keywords_are_refused(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def clash({name}): ...", namespace)
    with pytest.raises(ReservedArgumentError, match=name):
        task(namespace["clash"])


def test_a_wrong_call_records_nothing(record: Any) -> None:
    @task
    def one(x: int) -> int:
        return x

    @flow
    def main() -> None:
        with pytest.raises(ParameterBindError, match="one"):
            one(1, 2)

    main()
    assert record.tasks() == {}


def boom() -> None:
    raise ValueError("boom")


STATES_AND_ERRORS = [
    (lambda: 1, "Completed", None),
    (boom, "Failed", ValueError),
    (lambda: Completed(message="fine", data=3), "Completed", None),
    (lambda: Completed(name="Skipped"), "Skipped", None),
    (lambda: Failed(message="by hand"), "Failed", FailedRun),
    (lambda: Cancelled(message="no"), "Cancelled", Exception),
    (Running, "Failed", FailedRun),
    (Pending, "Failed", FailedRun),
]


@pytest.mark.parametrize(("fn", "name", "error"), STATES_AND_ERRORS)
@pytest.mark.parametrize("how", ["call", "submit", "sequential"])
def test_what_a_task_returns_decides_its_state(
    fn: Any, name: str, error: Any, how: str, record: Any
) -> None:
    step = task(name="step")(fn)
    runner = SequentialTaskRunner() if how == "sequential" else None

    @flow(task_runner=runner)
    def main() -> str:
        state = step(return_state=True) if how == "call" else step.submit(return_state=True)
        if error is not None:
            with pytest.raises(error):
                state.result()
        return state.name

    assert main() == name
    assert record.tasks() == {"step": name}


def test_an_exception_keeps_its_identity(record: Any) -> None:
    mine = KeyError("mine")

    @task
    def fails() -> None:
        raise mine

    @flow
    def main() -> None:
        with pytest.raises(KeyError) as caught:
            fails()
        assert caught.value is mine
        with pytest.raises(KeyError) as caught:
            fails.submit().result()
        assert caught.value is mine

    main()


def test_exceptions_with_broken_text_are_recorded(record: Any) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    @task
    def fails() -> None:
        raise Broken

    @flow
    def main() -> None:
        with pytest.raises(Broken):
            fails()
        with pytest.raises(Broken):
            fails.submit().result()

    main()
    assert record.tasks() == {"fails": "Failed", "fails-2": "Failed"}
    assert record.state() == "Completed"


def test_dependencies_are_recorded_by_parameter(record: Any) -> None:
    @task
    def load() -> list[object]:
        return [object()]

    @task
    def use(data: Any, also: Any = None) -> str:
        return "used"

    @flow
    def main() -> None:
        future = load.submit()
        value = load()
        use.submit({"deep": [future]}).wait()
        use(value)
        use.submit(0, wait_for=[future]).wait()

    main()
    run = record.run()
    by_id = {task.id: task.name for task in run.task_runs}
    edges = {
        (by_id[d.upstream], task.name, d.name) for task in run.task_runs for d in task.dependencies
    }
    assert edges == {("load", "use", "data"), ("load-2", "use-2", "data"), ("load", "use-3", "")}


@pytest.mark.parametrize("runner", [ThreadPoolTaskRunner(1), SequentialTaskRunner(), None])
def test_failures_block_what_depends_on_them(runner: Any, record: Any) -> None:
    @task
    def bad() -> None:
        raise ValueError("bad")

    @task
    def after(x: Any = None) -> str:
        return type(x).__name__

    @flow(task_runner=runner)
    def main() -> Any:
        broken = bad.submit()
        blocked = after.submit(broken)
        ordered = after.submit(wait_for=[broken])
        allowed = after.submit(allow_failure(broken))
        wait([blocked, ordered, allowed])
        with pytest.raises(UpstreamTaskError, match="bad"):
            blocked.result()
        assert not blocked.state.is_final()
        assert ordered.state.name == "NotReady"
        return allowed.result()

    assert main() == "ValueError"
    assert record.tasks() == {
        "bad": "Failed",
        "after": "NotReady",
        "after-2": "NotReady",
        "after-3": "Completed",
    }


def test_map_splits_lists_and_keeps_constants(record: Any) -> None:
    @task
    def add(x: int, y: Any, *more: int, **options: int) -> Any:
        return x, y, more, options

    @flow
    def main() -> Any:
        first = add.map([1, 2], unmapped([9]))
        varied = add.map([1, 2], [3, 4], [5, 6], z=[7, 8])
        return first.result(), varied.result()

    assert main() == (
        [(1, [9], (), {}), (2, [9], (), {})],
        [(1, 3, (5,), {"z": 7}), (2, 4, (6,), {"z": 8})],
    )
    ids = {(t.map_id, t.map_index) for t in record.run().task_runs}
    assert len(ids) == 4


def test_map_over_a_future_and_of_futures(record: Any) -> None:
    @task
    def numbers() -> list[int]:
        return [1, 2, 3]

    @task
    def inc(x: int) -> int:
        return x + 1

    @flow
    def main() -> Any:
        first = inc.map(numbers.submit())
        return inc.map(first).result()

    assert main() == [3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(((1,), [1, 2]), MappingLengthMismatch), ((1, 2), MappingMissingIterable)],
)
def test_map_says_what_cannot_be_mapped(arguments: Any, error: Any, record: Any) -> None:
    @task
    def add(x: Any, y: Any) -> None: ...

    @flow
    def main() -> None:
        with pytest.raises(error, match="add"):
            add.map(*arguments)

    main()


def test_as_completed_yields_the_fast_ones_first(record: Any) -> None:
    import threading

    gate = threading.Event()

    @task
    def slow() -> str:
        gate.wait(60)
        return "slow"

    @task
    def fast() -> str:
        return "fast"

    @flow
    def main() -> list[str]:
        order = []
        for future in as_completed([slow.submit(), fast.submit()], timeout=90):
            order.append(future.result())
            gate.set()
        return order

    assert main() == ["fast", "slow"]


def test_a_quoted_argument_is_left_alone(record: Any) -> None:
    @task
    def look(x: Any) -> str:
        return type(x[0]).__name__

    @flow
    def main() -> str:
        future = look.submit([1])
        return look(quote([future]))

    assert main() == "Future"


def test_arguments_that_contain_themselves_pass(record: Any) -> None:
    @task
    def look(x: Any) -> bool:
        return x[0] is x

    circle: list[Any] = []
    circle.append(circle)

    @flow
    def main() -> tuple[bool, bool]:
        return look(circle), look.submit(circle).result()

    assert main() == (True, True)


def test_values_may_be_anything(record: Any) -> None:
    @task
    def give(what: Any) -> Any:
        return what()

    generator = (i for i in range(3))

    @flow
    def main() -> None:
        assert give(lambda: ValueError("a value")).args == ("a value",)
        assert give(lambda: give) is give
        assert give(lambda: generator) is generator
        assert give.submit(lambda: give.submit(lambda: 5)).result() == 5
        assert len(give(lambda: bytes(10**7))) == 10**7

    main()
    assert set(record.tasks().values()) == {"Completed"}


def test_tasks_run_outside_of_flows(record: Any) -> None:
    @task
    def inc(x: int) -> int:
        return x + 1

    assert inc(1) == 2
    assert inc.submit(inc.submit(1)).result() == 3
    assert inc.map([1, 2]).result() == [2, 3]


def test_a_state_carries_the_value(record: Any) -> None:
    @task
    def one() -> int:
        return 1

    @task
    def inc(x: int) -> int:
        return x + 1

    @flow
    def main() -> int:
        state: State[int] = one(return_state=True)
        return inc(state)

    assert main() == 2


@pytest.mark.parametrize("submitted", [False, True], ids=["a list", "a future of one"])
def test_mapped_runs_depend_on_the_task_whose_list_was_split(submitted: bool, record: Any) -> None:
    """Also where an element, such as a small number, cannot tell where it is from."""

    @task
    def load() -> list[int]:
        return [1, 2, 3]

    @task
    def score(x: int) -> int:
        return x

    @flow
    def main() -> None:
        score.map(load.submit() if submitted else load())

    main()
    runs = {run.name: run for run in record.run().task_runs}
    scores = [run for name, run in runs.items() if name.startswith("score")]
    assert len(scores) == 3
    for run in scores:
        assert [(d.upstream, d.name) for d in run.dependencies] == [(runs["load"].id, "x")]
