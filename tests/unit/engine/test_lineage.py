"""Values are traced to their runs for as long as somebody holds them, and no longer."""

from __future__ import annotations

import gc
import sys
import threading

import pytest

from nbflow.engine.lineage import Lineage
from nbflow.models import new_id


class Value:
    pass


@pytest.mark.parametrize("make", [Value, lambda: [1, 2], lambda: {"a": 1}, lambda: 10**6 + 7])
def test_a_value_somebody_holds_is_traced(make: object) -> None:
    lineage, run = Lineage(), new_id()
    value = make()  # type: ignore[operator]
    lineage.remember(value, run)
    for _ in range(2000):
        lineage.remember(Value(), new_id())
    assert lineage.origin(value) == run


@pytest.mark.parametrize("make", [Value, lambda: [1, 2], lambda: (Value(), {"a": 1})])
def test_memory_is_bounded_by_what_is_held(make: object) -> None:
    lineage = Lineage()
    for _ in range(5000):
        lineage.remember(make(), new_id())  # type: ignore[operator]
    assert len(lineage) <= 512


@pytest.mark.parametrize("value", [None, True, 5, "", "a", b"", (), ...])
def test_values_that_all_code_shares_have_no_origin(value: object) -> None:
    lineage = Lineage()
    lineage.remember(value, new_id())
    assert lineage.origin(value) is None


def test_parts_of_a_returned_tuple_are_traced() -> None:
    lineage, run = Lineage(), new_id()
    parts = (Value(), Value())
    lineage.remember(parts, run)
    assert lineage.origin(parts[1]) == run


def test_an_equal_value_is_not_the_same() -> None:
    lineage = Lineage()
    value = [1, 2, 3]
    lineage.remember(value, new_id())
    assert lineage.origin([1, 2, 3]) is None


def test_many_threads_remember_while_garbage_is_collected() -> None:
    """A finaliser lets other threads run in the middle of a sweep."""

    class Finalised:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            for _ in range(50):
                pass

    lineage, errors, kept = Lineage(), [], []
    run_id = new_id()

    def work(number: int) -> None:
        try:
            for value in range(10_000 * number, 10_000 * number + 2_000):
                Finalised()
                kept.append(value)
                lineage.remember(value, run_id)
        except RuntimeError as error:
            errors.append(error)

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 13)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)

    assert errors == []
    assert len(lineage) == len(kept)
