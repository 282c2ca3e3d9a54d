"""What is read as a table, and how its cells are written down."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nbflow.artifacts.tables import plain_number, plain_value, tabulate
from nbflow.exceptions import UsageError

AT = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("table", "columns", "rows"),
    [
        ([{"a": 1, "b": 2}, {"b": 3, "c": 4}], ["a", "b", "c"], [[1, 2, None], [None, 3, 4]]),
        ([[1, 2], (3,)], ["1", "2"], [[1, 2], [3, None]]),
        ({"a": [1, 2], "b": ("x", "y")}, ["a", "b"], [[1, "x"], [2, "y"]]),
        ({"a": np.array([1, 2]), 3: range(2)}, ["a", "3"], [[1, 0], [2, 1]]),
        (pd.DataFrame({"a": [1, 2], "b": [None, 0.5]}), ["a", "b"], [[1, None], [2, 0.5]]),
        (pd.DataFrame({"a": [1]}, index=["x"]), ["index", "a"], [["x", 1]]),
        (pd.DataFrame({"a": [1]}, index=pd.Index([7], name="id")), ["id", "a"], [[7, 1]]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ["a", "a"], [[1, 2]]),
        (pl.DataFrame({"a": [1, None], "b": ["x", "y"]}), ["a", "b"], [[1, "x"], [None, "y"]]),
        (pa.table({"a": [1, 2]}), ["a"], [[1], [2]]),
        ([], [], []),
        ({}, [], []),
        (pd.DataFrame(), [], []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tables_of_all_kinds(table: Any, columns: list[str], rows: list[Any]) -> None:
    found = tabulate(table)
    assert found == {"columns": columns, "rows": rows, "total": len(rows)}
    json.dumps(found, allow_nan=False)


def test_long_tables_are_cut_and_say_so() -> None:
    for table in ([{"a": n} for n in range(1_500)], pd.DataFrame({"a": range(1_500)})):
        found = tabulate(table)
        assert (len(found["rows"]), found["total"]) == (1_000, 1_500)
        assert found["rows"][-1] == [999]


@pytest.mark.parametrize(
    "wrong", [None, 1, "text", b"bytes", {"a": 1}, {"a": "xy"}, [1, 2], [{}, []]]
)
def test_what_is_no_table_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"table|columns"):
        tabulate(wrong)


def test_columns_that_differ_in_length_are_named() -> None:
    with pytest.raises(UsageError, match="'a': 1, 'b': 2"):
        tabulate({"a": [1], "b": [1, 2]})


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array(3), 3),
        (float("nan"), None),
        (float("inf"), "Infinity"),
        (pd.NA, None),
        (pd.NaT, None),
        (AT, "2026-03-29T01:00:00+00:00"),
        (pd.Timestamp(AT), "2026-03-29T01:00:00+00:00"),
        (date(2026, 3, 29), "2026-03-29"),
        (Decimal("1.10"), "1.10"),
        (Path("a/b"), str(Path("a/b"))),
        ([1, 2], "[1, 2]"),
        (np.array([1, 2]), "[1 2]"),
    ],
    ids=repr,
)
def test_cells_become_plain(value: Any, plain: Any) -> None:
    found = plain_value(value)
    assert found == plain and type(found) is type(plain)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (1, 1),
        (0.25, 0.25),
        (np.float64(0.25), 0.25),
        (np.array([0.5]), 0.5),
        (Fraction(1, 4), 0.25),
        (float("nan"), "NaN"),
        (np.inf, "Infinity"),
        (-np.inf, "-Infinity"),
        (True, None),
        (np.bool_(True), None),
        ("1", None),
        (None, None),
        (np.array([1, 2]), None),
        (1j, None),
    ],
    ids=repr,
)
def test_numbers_become_plain(value: Any, plain: Any) -> None:
    found = plain_number(value)
    assert found == plain and type(found) is type(plain)
