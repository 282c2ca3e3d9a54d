"""Anything that looks like a table, as columns and rows of plain JSON values.

This module decides what is read as a table and how its cells are written down. It imports no
library of data frames: those that are given bring theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from numbers import Integral, Real
from typing import Any, Final

from nbflow.exceptions import UsageError

#: Rows that are kept; an artifact is to be looked at, data belong in files.
MOST_ROWS: Final = 1_000


def tabulate(table: Any) -> dict[str, Any]:
    """`{"columns", "rows", "total"}` of a table, its first rows only.

    Raises `UsageError` for what is no table.
    """
    if hasattr(table, "to_dataframe"):  # bigframes, xarray
        table = table.to_dataframe()
    columns, rows, total = _read(table)
    kept = [[plain_value(cell) for cell in row] for row in islice(rows, MOST_ROWS)]
    return {"columns": [str(name) for name in columns], "rows": kept, "total": total}


_Table = tuple[Sequence[Any], Iterable[Sequence[Any]], int]


def _read(table: Any) -> _Table:
    if hasattr(table, "itertuples"):
        return _of_pandas(table)
    if hasattr(table, "iter_rows"):
        return table.columns, table.iter_rows(), len(table)
    if hasattr(table, "to_pylist"):  # pyarrow
        names = list(table.schema.names)
        return names, (list(row.values()) for row in table.to_pylist()), table.num_rows
    if isinstance(table, Mapping):
        return _of_columns(table)
    if isinstance(table, Sequence) and not isinstance(table, (str, bytes)):
        return _of_rows(table)
    raise _no_table(table)


def _of_pandas(table: Any) -> _Table:
    index = table.index
    counted = type(index).__name__ == "RangeIndex" and index.name is None
    frame = table if counted else table.reset_index(allow_duplicates=True)
    return list(frame.columns), frame.itertuples(index=False, name=None), len(frame)


def _of_columns(table: Mapping[Any, Any]) -> _Table:
    values = list(table.values())
    if any(isinstance(each, (str, bytes)) or not isinstance(each, Iterable) for each in values):
        raise UsageError(
            "A dict is a table when its values are columns: lists of the same length. "
            "For one row, give a list of one dict."
        )
    columns = [list(each) for each in values]
    lengths = {str(name): len(each) for name, each in zip(table, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise UsageError(f"The table's columns differ in length: {lengths}. Make them equal.")
    return list(table), zip(*columns, strict=True), max(lengths.values(), default=0)


def _of_rows(table: Sequence[Any]) -> _Table:
    if all(isinstance(row, Mapping) for row in table):
        columns = list(dict.fromkeys(name for row in table for name in row))
        return columns, ([row.get(name) for name in columns] for row in table), len(table)
    if all(isinstance(row, (list, tuple)) for row in table):
        width = max(map(len, table))
        rows = ([*row, *[None] * (width - len(row))] for row in table)
        return list(range(1, width + 1)), rows, len(table)
    raise _no_table(table)


def _no_table(table: object) -> UsageError:
    return UsageError(
        f"A {type(table).__name__} is no table. Give a DataFrame, a list of dicts, a list of "
        "lists, or a dict of columns."
    )


# ── single values ────────────────────────────────────────────────────────────────────────


def plain_value(value: Any) -> Any:
    """The value as JSON can say it: numbers stay numbers, what has no JSON form becomes text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if _is_missing(value):
        return None
    number = plain_number(value)
    if number is not None:
        return number
    if hasattr(value, "isoformat"):
        return value.isoformat()
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        return plain_value(item())
    return str(value)


def plain_number(value: Any) -> int | float | str | None:
    """A number as JSON can say it, NaN and infinities as text; None for what is no number."""
    if isinstance(value, bool):
        return None
    item = getattr(value, "item", None)
    if not isinstance(value, Real) and callable(item):  # numpy's scalars, tensors of one number
        try:
            value = item()
        except (TypeError, ValueError, RuntimeError):
            return None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    if isinstance(value, Integral):  # numpy's, too
        return int(value)
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _is_missing(value: Any) -> bool:
    """Whether it is how data frames say that there is nothing."""
    if type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float) and math.isnan(value)


__all__ = ["MOST_ROWS", "plain_number", "plain_value", "tabulate"]
