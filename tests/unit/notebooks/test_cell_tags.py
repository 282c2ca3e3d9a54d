"""Tags make a task of a plain cell, as a line of the cell would."""

from __future__ import annotations

import pytest

from nbflow.exceptions import NotebookError
from nbflow.notebooks.cell_names import kind_of, name_of
from nbflow.notebooks.cell_tags import (
    header,
    is_tagged_task,
    order_edges,
    read_tags,
    tags_of,
)
from nbflow.notebooks.events import CellInfo


def cell(*tags: str, source: str = "x = 1", name: str = "x", index: int = 0) -> CellInfo:
    tagged = frozenset(tags)
    return CellInfo(index, f"cell-{index}", source, tagged, name, kind_of(source, tagged))


HEADERS = {
    "task": (["task"], "%%task"),
    "a name": (["task:load"], "%%task load"),
    "Kale's name": (["step:load"], "%%task load"),
    "a name of several words": (["task:load the rows"], "%%task 'load the rows'"),
    "a name that the cell binds itself": (["task:x"], "%%task"),
    "retries": (["retries:3", "retry-delay:0.5"], "%%task --retries 3 --retry-delay 0.5"),
    "a delay with its unit": (
        ["retries:1", "retry-delay:2m"],
        "%%task --retries 1 --retry-delay 120",
    ),
    "a time limit": (["task:load", "timeout:60"], "%%task load --timeout 60"),
    "a cache": (["cache"], "%%task --cache"),
    "a cache that grows old": (["cache:1h"], "%%task --cache 1h"),
    "in the background": (["submit", "task:load"], "%%task load --submit"),
    "everything": (
        ["submit", "cache:7d", "timeout:5", "retries:2", "step:fit"],
        "%%task fit --retries 2 --timeout 5 --cache 7d --submit",
    ),
}


@pytest.mark.parametrize(("tags", "line"), HEADERS.values(), ids=HEADERS.keys())
def test_tags_say_what_a_line_would(tags: list[str], line: str) -> None:
    tagged = cell(*tags)
    read = read_tags(tagged)
    assert is_tagged_task(tagged, read)
    assert header(tagged, read) == line
    written = f"{line}\nx = 1"
    assert str(kind_of(written, frozenset())) == "task"
    if read.name and read.name != "x":
        assert name_of(written, frozenset(), None) == read.name


@pytest.mark.parametrize(
    "tags",
    [
        [],
        ["parameters"],
        ["remove-cell", "hide_input", "tasks", "stepwise:3", "timeout", "submit:now"],
        ["prev:load"],
    ],
)
def test_other_tags_make_no_task(tags: list[str]) -> None:
    tagged = cell(*tags)
    assert not is_tagged_task(tagged, read_tags(tagged))


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("%%bash\nls", ["task"]),
        ("%%task load\nx = 1", ["retries:3"]),
        ("x = 1", ["parameters", "task"]),
    ],
)
def test_a_cell_that_has_its_magic_or_role_stays_what_it_is(source: str, tags: list[str]) -> None:
    tagged = cell(*tags, source=source)
    assert not is_tagged_task(tagged, read_tags(tagged))


@pytest.mark.parametrize(
    ("tag", "says"),
    [
        ("retries:many", "whole number"),
        ("retries:-1", "whole number"),
        ("retries:1.5", "whole number"),
        ("timeout:soon", "timeout:60"),
        ("timeout:0", "timeout:60"),
        ("timeout:-3", "timeout:60"),
        ("timeout:inf", "timeout:60"),
        ("retry-delay:x", "retry-delay:2.5"),
        ("cache:forever", "cache:1h"),
        ("step:", "step:NAME"),
        ("prev: ", "prev:NAME"),
    ],
)
def test_what_cannot_be_understood_names_cell_tag_and_spelling(tag: str, says: str) -> None:
    with pytest.raises(NotebookError) as raised:
        read_tags(cell(tag))
    assert f"The tag {tag!r} of the cell 'x' cannot be understood" in str(raised.value)
    assert says in str(raised.value)


def test_previous_names_cells_above_by_tag_or_name() -> None:
    cells = [
        cell("step:load", name="load", index=0),
        cell("step:load", name="load (2)", index=1),
        cell(name="clean", index=2),
        cell("prev:load", "prev:clean", name="fit", index=3),
    ]
    pairs = [(a.index, b.index) for a, b in order_edges(cells)]
    assert sorted(pairs) == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize("place", [0, 1])
def test_previous_must_be_above(place: int) -> None:
    cells = [cell(name="a", index=0), cell(name="b", index=1)]
    cells[place] = cell("prev:b", name=cells[place].name, index=place)
    with pytest.raises(NotebookError, match="no cell above is named 'b'"):
        tags_of(cells)
