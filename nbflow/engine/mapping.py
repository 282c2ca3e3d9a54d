"""Splitting the arguments of a `map` call into one set for each run.

This module decides what is split and what goes whole to every run.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from nbflow.annotations import allow_failure, quote, unmapped
from nbflow.exceptions import MappingLengthMismatch, MappingMissingIterable
from nbflow.futures import Future
from nbflow.states import State
from nbflow.tasks import Task

#: Iterable, but one thing in people's minds.
_WHOLE: Final = (str, bytes, bytearray, io.IOBase, Mapping, type)


def split(task: Task[..., Any], parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters of each run of a `map` call.

    Raises `MappingMissingIterable` and `MappingLengthMismatch`, naming the arguments.
    """
    extra_name = _var_keyword(task.signature)
    extra = parameters.get(extra_name, {})
    flat = {**{k: v for k, v in parameters.items() if k != extra_name}, **extra}
    columns = {name: column for name, v in flat.items() if (column := _column(v)) is not None}
    _check(task, flat, columns)
    static = {name: _static(value) for name, value in flat.items() if name not in columns}
    for values in zip(*columns.values(), strict=True):
        row = {**static, **dict(zip(columns, values, strict=True))}
        if extra:
            row[extra_name] = {name: row.pop(name) for name in extra}
        yield row


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


def _var_keyword(signature: inspect.Signature) -> str:
    kinds = {p.kind: p.name for p in signature.parameters.values()}
    return kinds.get(inspect.Parameter.VAR_KEYWORD, "")


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
