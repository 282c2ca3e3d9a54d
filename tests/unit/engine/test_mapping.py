"""What `map` splits, and what goes whole to every run."""

from __future__ import annotations

from typing import Any

import pytest

from nbflow.annotations import allow_failure, quote, unmapped
from nbflow.engine.mapping import split
from nbflow.exceptions import MappingLengthMismatch, MappingMissingIterable
from nbflow.tasks import Task


def fn(x: Any = 0, y: Any = 0, *rest: Any, **more: Any) -> None: ...


TABLE: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    ({"x": [1, 2]}, [{"x": 1}, {"x": 2}]),
    ({"x": range(2), "y": "text"}, [{"x": 0, "y": "text"}, {"x": 1, "y": "text"}]),
    ({"x": (1,), "y": {"a": 1}}, [{"x": 1, "y": {"a": 1}}]),
    ({"x": [1], "y": unmapped([5, 6])}, [{"x": 1, "y": [5, 6]}]),
    ({"x": [1], "y": quote([5, 6])}, [{"x": 1, "y": quote([5, 6])}]),
    ({"x": allow_failure([1, 2])}, [{"x": allow_failure(1)}, {"x": allow_failure(2)}]),
    ({"x": []}, []),
    ({"x": [1], "rest": ([2], 3)}, [{"x": 1, "rest": (2, 3)}]),
    ({"x": 0, "more": {"z": [1, 2]}}, [{"x": 0, "more": {"z": 1}}, {"x": 0, "more": {"z": 2}}]),
    ({"x": iter([1, 2])}, [{"x": 1}, {"x": 2}]),
]


@pytest.mark.parametrize(("given", "rows"), TABLE)
def test_rows(given: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    assert list(split(Task(fn), given)) == rows


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"x": 1}, MappingMissingIterable),
        ({"x": unmapped([1])}, MappingMissingIterable),
        ({"x": [1], "y": [1, 2]}, MappingLengthMismatch),
        ({"x": [1], "rest": ([1, 2],)}, MappingLengthMismatch),
    ],
)
def test_refusals(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        list(split(Task(fn), given))
