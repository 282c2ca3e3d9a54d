"""Cell tags that make a plain cell a task, as if its first line were a `%%task` line.

This module decides which tags are understood and what they ask for. It must not know
kernels, nor what a task does about its options.

`task`, `task:NAME`, `step:NAME`, `retries:N`, `retry-delay:S`, `timeout:S`, `cache`,
`cache:TTL` and `submit` make the task; `prev:NAME` names a cell that comes first. The
notebook's source stays as it is: the line is put in front when the cell is sent.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from nbflow.dataflow import analyse_cell
from nbflow.durations import read_duration
from nbflow.exceptions import NotebookError
from nbflow.notebooks.events import CellInfo, CellKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTags:
    """What the tags of a cell ask for; None: nothing said."""

    #: Whether any tag makes the cell a task.
    is_task: bool = False
    name: str | None = None
    retries: int | None = None
    #: Seconds.
    retry_delay: float | None = None
    #: Seconds.
    timeout: float | None = None
    cache: bool = False
    #: How long a cached value stays good, as written: `1h`.
    cache_age: str | None = None
    submit: bool = False
    #: Names of cells that come first.
    previous: tuple[str, ...] = ()


def read_tags(cell: CellInfo) -> TaskTags:
    """What a cell's tags ask for.

    Raises `NotebookError`, naming the cell and the tag, for a tag that says something that
    cannot be.
    """
    found = TaskTags()
    for tag in sorted(cell.tags):
        word, _, value = tag.partition(":")
        reader = _READERS.get(word)
        if reader is None or ((":" in tag) is not reader.takes_value and not reader.optional):
            continue  # anyone's own
        try:
            found = replace(found, **reader.read(found, value.strip()))
        except ValueError:
            raise NotebookError(
                f"The tag {tag!r} of the cell {cell.name!r} cannot be understood: "
                f"write {reader.example}."
            ) from None
    return found


def tags_of(cells: Sequence[CellInfo]) -> Mapping[str, TaskTags]:
    """The tags of a notebook's cells by cell id, those that `prev:NAME` names being there.

    Raises `NotebookError`, naming the cell and the tag.
    """
    read = {cell.cell_id: read_tags(cell) for cell in cells}
    for cell in cells:
        for name in read[cell.cell_id].previous:
            if not named_before(cells, cell, name, read):
                raise NotebookError(
                    f"The tag 'prev:{name}' of the cell {cell.name!r} cannot be understood: "
                    f"no cell above is named {name!r}. Correct it, or tag that cell "
                    f"'step:{name}'."
                )
    return read


def named_before(
    cells: Sequence[CellInfo], cell: CellInfo, name: str, read: Mapping[str, TaskTags]
) -> list[CellInfo]:
    """The cells above that a `prev:NAME` means: all those of that name or tag."""
    above = (other for other in cells if other.index < cell.index)
    return [other for other in above if name in {other.name, read[other.cell_id].name}]


def order_edges(cells: Sequence[CellInfo]) -> list[tuple[CellInfo, CellInfo]]:
    """What `prev:NAME` tags say: pairs of a cell and one that comes after it.

    Raises `NotebookError` like `tags_of`.
    """
    read = tags_of(cells)
    return [
        (earlier, cell)
        for cell in cells
        for name in read[cell.cell_id].previous
        for earlier in named_before(cells, cell, name, read)
    ]


def is_tagged_task(cell: CellInfo, tags: TaskTags) -> bool:
    """Whether the tags make this cell a task: only a plain cell, that has no magic yet."""
    return tags.is_task and cell.kind is CellKind.PLAIN


def header(cell: CellInfo, tags: TaskTags) -> str:
    """The `%%task` line that says what the tags say."""
    words = ["%%task"]
    # A task and a variable cannot share a name; the step is shown by its tag all the same.
    if tags.name is not None and tags.name not in analyse_cell(cell.source).defs:
        words.append(tags.name if tags.name.isidentifier() else shlex.quote(tags.name))
    if tags.retries is not None:
        words.append(f"--retries {tags.retries}")
    if tags.retry_delay is not None:
        words.append(f"--retry-delay {tags.retry_delay:g}")
    if tags.timeout is not None:
        words.append(f"--timeout {tags.timeout:g}")
    if tags.cache:
        words.append(f"--cache {tags.cache_age}" if tags.cache_age else "--cache")
    if tags.submit:
        words.append("--submit")
    return " ".join(words)


# ── single tags ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Reader:
    """How one kind of tag is read; `read` raises ValueError."""

    read: Callable[[TaskTags, str], dict[str, Any]]
    example: str
    takes_value: bool = True
    optional: bool = False


def _name(found: TaskTags, value: str) -> dict[str, Any]:
    return {"is_task": True, "name": found.name or _text(value)}


def _task(found: TaskTags, value: str) -> dict[str, Any]:
    return _name(found, value) if value else {"is_task": True}


def _previous(found: TaskTags, value: str) -> dict[str, Any]:
    return {"previous": (*found.previous, _text(value))}


def _retries(found: TaskTags, value: str) -> dict[str, Any]:
    del found
    if not value.isdecimal():
        raise ValueError(value)
    return {"is_task": True, "retries": int(value)}


def _seconds(field: str, *, zero: bool) -> Callable[[TaskTags, str], dict[str, Any]]:
    def read(found: TaskTags, value: str) -> dict[str, Any]:
        del found
        seconds = read_duration(value)
        if seconds < 0 or not (zero or seconds):
            raise ValueError(value)
        return {"is_task": True, field: seconds}

    return read


def _cache(found: TaskTags, value: str) -> dict[str, Any]:
    if value and read_duration(value) <= 0:
        raise ValueError(value)
    return {"is_task": True, "cache": True, "cache_age": value or found.cache_age}


def _submit(found: TaskTags, value: str) -> dict[str, Any]:
    del found, value
    return {"is_task": True, "submit": True}


def _text(value: str) -> str:
    if not value:
        raise ValueError(value)
    return value


_READERS: Final[Mapping[str, _Reader]] = {
    "task": _Reader(_task, "'task' or 'task:NAME'", optional=True),
    "step": _Reader(_name, "'step:NAME'"),
    "prev": _Reader(_previous, "'prev:NAME'"),
    "retries": _Reader(_retries, "a whole number, such as 'retries:3'"),
    "retry-delay": _Reader(
        _seconds("retry_delay", zero=True), "seconds, such as 'retry-delay:2.5'"
    ),
    "timeout": _Reader(_seconds("timeout", zero=False), "seconds, such as 'timeout:60'"),
    "cache": _Reader(_cache, "'cache', or how long it stays good: 'cache:1h'", optional=True),
    "submit": _Reader(_submit, "'submit'", takes_value=False),
}
