"""How a command tells a list: to people, to programs, and when there is nothing."""

from __future__ import annotations

import json

import pytest

from nbflow.cli.console import plain_table
from nbflow.cli.listing import tell_list


def _table(found):
    table = plain_table("name")
    for each in found:
        table.add_row(each)
    return table


CASES = {
    "a table for people": (["a", "b"], False, "name\na\nb\n"),
    "the first step instead of an empty table": ([], False, "Nothing yet. Make one.\n"),
    "JSON for programs": (["a"], True, json.dumps([{"name": "a"}], indent=2) + "\n"),
    "an empty list in JSON": ([], True, "[]\n"),
}


@pytest.mark.parametrize(("found", "as_json", "said"), CASES.values(), ids=CASES)
def test_lists(found, as_json, said, capsys) -> None:
    """One way for all commands."""
    code = tell_list(
        found,
        as_json=lambda name: {"name": name},
        as_table=_table,
        nothing="Nothing yet. Make one.",
        json=as_json,
        colour=False,
    )

    assert code == 0
    assert capsys.readouterr().out == said
