"""The stored form of single values."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.models import Dependency, FlowRun, TaskRun
from nbflow.store import rows, schema

A, B = UUID(int=1), UUID(int=2)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_survive_exactly(moment: datetime) -> None:
    assert rows.from_micros(rows.to_micros(moment)) == moment


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stored_times_sort_as_times_do(one: datetime, other: datetime) -> None:
    assert (rows.to_micros(one) < rows.to_micros(other)) == (one < other)


def test_the_zone_does_not_matter_but_there_must_be_one() -> None:
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert rows.to_micros(east) == rows.to_micros(datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(TypeError):
        rows.to_micros(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("stored", "more", "expected"),
    [
        ((), [], ()),
        ((), [(A, "x", True)], (Dependency(A, "x"),)),
        ((Dependency(A, "x"),), [(A, "x", True)], (Dependency(A, "x"),)),
        ((Dependency(A, "x"),), [(A, "y", True)], (Dependency(A, "x"), Dependency(A, "y"))),
        (
            (Dependency(B),),
            [(A, "", False), (A, "", False)],
            (Dependency(B), Dependency(A, "", False)),
        ),
    ],
)
def test_dependencies_are_added_once_and_keep_their_order(stored, more, expected) -> None:
    text = rows.dependencies_to_text(stored)
    assert rows.dependencies_from_text(rows.merge_dependencies(text, more)) == expected


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (schema.FLOW_RUN, rows.FLOW_RUN_COLUMNS),
        (schema.TASK_RUN, rows.TASK_RUN_COLUMNS),
        (schema.STATE, rows.HISTORY_COLUMNS),
        (schema.LOG, rows.LOG_COLUMNS),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_rows_have_the_columns_of_the_schema(table, columns) -> None:
    assert tuple(column.name for column in table.columns) == columns


@pytest.mark.parametrize(
    ("record", "columns"),
    [(FlowRun, rows.FLOW_RUN_COLUMNS), (TaskRun, rows.TASK_RUN_COLUMNS)],
)
def test_every_field_of_a_record_has_a_column(record, columns) -> None:
    names = {field.name for field in fields(record)} - {"state"}
    assert names <= set(columns)
