"""Splitting the arguments of a `map` call into one set for each run.

This module decides what is split and what goes whole to every run.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from nbflow.annotations import allow_failure, quote, unmapped
from nbflow.exceptions import MappingLengthMismatch, MappingMissingIterable
from nbflow.futures import Future
from nbflow.models import Dependency
from nbflow.states import State
from nbflow.tasks import Task


@dataclass(frozen=True, slots=True)
class MapPlace:
    """One run's place among those of a `map` call."""

    map_id: UUID
    index: int
    #: The runs whose values were split: an element alone does not tell where it is from.
    sources: tuple[Dependency, ...] = ()


#: Iterable, but one thing in people's minds.
_WHOLE: Final = (str, bytes, bytearray, io.IOBase, Mapping, type)


def split(task: Task[..., Any], parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters of each run of a `map` call.

    Raises `MappingMissingIterable` and `MappingLengthMismatch`, naming the arguments.
    """
    flat, fold = _flatten(task.signature, parameters)
    columns = {name: column for name, v in flat.items() if (column := _column(v)) is not None}
    _check(task, flat, columns)
    static = {name: _static(value) for name, value in flat.items() if name not in columns}
    for values in zip(*columns.values(), strict=True):
        yield fold({**static, **dict(zip(columns, values, strict=True))})


def _flatten(
    signature: inspect.Signature, parameters: dict[str, Any]
) -> tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]]]:
    """Every argument by a name of its own, `*args` and `**kwargs` too, and the way back."""
    kinds = {p.kind: p.name for p in signature.parameters.values()}
    args_name = kinds.get(inspect.Parameter.VAR_POSITIONAL, "")
    kwargs_name = kinds.get(inspect.Parameter.VAR_KEYWORD, "")
    flat = {k: v for k, v in parameters.items() if k not in {args_name, kwargs_name}}
    args = {f"*{args_name}[{i}]": v for i, v in enumerate(parameters.get(args_name, ()))}
    kwargs: dict[str, Any] = parameters.get(kwargs_name, {})

    def fold(row: dict[str, Any]) -> dict[str, Any]:
        folded = {name: row[name] for name in flat}
        if args:
            folded[args_name] = tuple(row[name] for name in args)
        if kwargs:
            folded[kwargs_name] = {name: row[name] for name in kwargs}
        return folded

    return {**flat, **args, **kwargs}, fold


def _check(task: Task[..., Any], flat: Mapping[str, Any], columns: dict[str, list[Any]]) -> None:
    if not columns:
        raise MappingMissingIterable(
            f"{task.name}.map() got no list to map over among {sorted(flat)}. "
            f"Pass a list, or call {task.name}.submit() for a single run."
        )
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise MappingLengthMismatch(
            f"{task.name}.map() got lists of different lengths ({listed}). "
            "Wrap what should go whole to every run in unmapped(...)."
        )


def _column(value: Any) -> list[Any] | None:
    """The elements to split `value` into; None when it goes whole to every run."""
    if isinstance(value, allow_failure):
        inner = _column(value.unwrap())
        return None if inner is None else [allow_failure(element) for element in inner]
    if isinstance(value, unmapped | quote):
        return None
    if isinstance(value, Future | State):
        # Its length is only known once it is there.
        return _column(value.result())
    if isinstance(value, _WHOLE) or not isinstance(value, Iterable) or hasattr(value, "columns"):
        return None
    return list(value)


def _static(value: Any) -> Any:
    return value.unwrap() if isinstance(value, unmapped) else value
