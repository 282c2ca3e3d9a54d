"""Futures on their own, and how nested arguments are searched and rebuilt."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest

from nbflow import states
from nbflow.annotations import allow_failure, quote
from nbflow.exceptions import UpstreamTaskError
from nbflow.futures import Future, FutureList, as_completed, find_futures, resolve, wait
from nbflow.models import new_id


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass
class Box:
    content: Any


def future(state: Any = None, name: str = "step") -> Future[Any]:
    return Future(new_id(), name, state or states.Pending())


def done(value: Any) -> Future[Any]:
    return future(states.Completed(data=value))


ONE = done(1)
SHAPES = [
    (ONE, 1),
    ([ONE, 2], [1, 2]),
    ((ONE,), (1,)),
    ({"a": {"b": [ONE]}}, {"a": {"b": [1]}}),
    (Pair(ONE, 2), Pair(1, 2)),
    (Box(ONE), Box(1)),
    ({ONE}, {1}),
    (OrderedDict(a=ONE), OrderedDict(a=1)),
    (allow_failure([ONE]), [1]),
]


@pytest.mark.parametrize(("nested", "resolved"), SHAPES)
def test_futures_are_found_and_replaced_anywhere(nested: Any, resolved: Any) -> None:
    assert find_futures(nested) == [ONE]
    assert resolve(nested) == resolved


@pytest.mark.parametrize("value", [[1, [2]], {"a": [object()]}, Box([1]), Pair(1, [2]), "text", 5])
def test_what_holds_no_future_is_passed_on_untouched(value: Any) -> None:
    assert find_futures(value) == []
    assert resolve(value) is value


def test_a_circle_is_no_trap() -> None:
    circle: list[Any] = [ONE]
    circle.append(circle)
    assert find_futures(circle) == [ONE]
    assert resolve(circle)[0] == 1


def test_a_quoted_value_is_not_searched() -> None:
    inside = [ONE]
    assert find_futures(quote(inside)) == []
    assert resolve(quote(inside)) is inside


def test_a_failed_upstream_is_named() -> None:
    failed = future(states.Failed(data=ValueError("no")), name="load")
    with pytest.raises(UpstreamTaskError, match="'load'"):
        resolve([failed])
    assert isinstance(resolve(allow_failure(failed)), ValueError)


def test_a_future_settles_once() -> None:
    one = future()
    heard: list[Any] = []
    one.add_done_callback(heard.append)
    one.update(states.Running())
    assert not one.done()
    one.update(states.Completed(data=1))
    one.update(states.Failed())
    one.add_done_callback(heard.append)
    assert heard == [one, one]
    assert one.result() == 1


def test_a_callback_that_fails_does_not_stop_the_others(caplog: Any) -> None:
    one = future()
    heard: list[Any] = []
    one.add_done_callback(lambda _: 1 / 0)
    one.add_done_callback(heard.append)
    one.update(states.Completed())
    assert heard == [one]
    assert "callback" in caplog.text


def test_waiting_ends_in_time() -> None:
    one = future()
    with pytest.raises(TimeoutError, match="'step'"):
        one.result(timeout=0.01)
    ended, open_ = wait([one, ONE], timeout=0.01)
    assert (ended, open_) == ({ONE}, {one})
    with pytest.raises(TimeoutError, match="1 of 2"):
        list(as_completed([one, ONE], timeout=0.01))


def test_another_thread_settles_it() -> None:
    one = future()
    threading.Timer(0.02, one.update, [states.Completed(data=5)]).start()
    assert FutureList([one, ONE]).result(timeout=10) == [5, 1]


def test_a_failure_is_raised_or_returned() -> None:
    error = ValueError("no")
    failed = future(states.Failed(data=error))
    with pytest.raises(ValueError, match="no"):
        failed.result()
    assert failed.result(raise_on_failure=False) is error


def test_a_future_shows_its_run_as_a_card() -> None:
    shown = ONE._repr_mimebundle_()
    assert "step" in shown["image/svg+xml"]
    assert "step" in shown["text/plain"]
