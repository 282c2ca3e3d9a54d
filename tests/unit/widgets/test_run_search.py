"""The runs that a table is about, and those of them that a reader asks for."""

from __future__ import annotations

import pytest

from nbflow.exceptions import UsageError
from nbflow.states import StateType
from nbflow.widgets.run_search import Where

FAILED, DONE = StateType.FAILED, StateType.COMPLETED


@pytest.mark.parametrize(
    ("asked", "table", "both"),
    [
        (Where(), Where(), Where()),
        (Where(text="a"), Where(), Where(text="a")),
        (Where(), Where(text="b", flow="etl"), Where(text="b", flow="etl")),
        (Where(text="a"), Where(text="b"), Where(text="a")),
        (
            Where(states=frozenset({FAILED, DONE})),
            Where(states=frozenset({DONE})),
            Where(states=frozenset({DONE})),
        ),
        (Where(), Where(states=frozenset({DONE})), Where(states=frozenset({DONE}))),
        (Where(states=frozenset({DONE})), Where(), Where(states=frozenset({DONE}))),
        (Where(states=frozenset({FAILED})), Where(states=frozenset({DONE})), None),
        (Where(flow="other"), Where(flow="etl"), None),
        (Where(flow="etl"), Where(flow="etl"), Where(flow="etl")),
        (
            Where(tags=frozenset("a")),
            Where(tags=frozenset("b")),
            Where(tags=frozenset("ab")),
        ),
    ],
)
def test_a_reader_narrows_a_table(asked: Where, table: Where, both: Where | None) -> None:
    assert asked.within(table) == both


def test_lists_leave_subflows_out() -> None:
    found = Where(text="", flow=None, tags=frozenset({"x"})).filter()
    assert (found.text, found.flow_names, found.tags) == (None, frozenset(), frozenset({"x"}))
    assert found.top_level is True


def test_what_no_name_holds_is_not_looked_for() -> None:
    with pytest.raises(UsageError, match="a part of"):
        Where(text="%" * 100_000).filter()
