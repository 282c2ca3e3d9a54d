"""A table of runs as a saved notebook keeps it.

This module decides which of a run's sides a row shows. It must not know which runs are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from nbflow.states import look_of
from nbflow.widgets import markup
from nbflow.widgets.run_search import Row
from nbflow.wording import (
    ago,
    counted,
    duration,
    middle_ellipsis,
    one_line,
    state_word,
    without_escapes,
)

_HEADS: Final = ("state", "run", "flow", "took", "started")
_LONGEST_NAME: Final = 40
_CELL: Final = "text-align:left;padding:3px 20px 3px 0;border:0;background:none;white-space:nowrap"
_NOTHING: Final = "No run fits."


def html(rows: Sequence[Row], total: int, now: datetime) -> str:
    """The list as HTML."""
    if not rows:
        return markup.page(markup.words(_NOTHING, "nbf-mute"))
    lines = [_line((markup.chip(row.run.state), *_words(row, now))) for row in rows]
    head = "".join(f'<th style="{_CELL};font-weight:400">{name}</th>' for name in _HEADS)
    table = (
        '<table style="border-collapse:collapse;font-size:inherit">'
        f'<thead class="nbf-mute"><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )
    return markup.page(table, markup.words(_rest(rows, total), "nbf-mute"))


def text(rows: Sequence[Row], total: int, now: datetime) -> str:
    """The list as text."""
    if not rows:
        return _NOTHING
    cells = [(_state(row), *_texts(row, now)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, cell, widths)).rstrip() for cell in cells]
    return "\n".join(filter(None, [*lines, _rest(rows, total)]))


def _line(cells: Sequence[str]) -> str:
    inner = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
    return f"<tr>{inner}</tr>"


def _words(row: Row, now: datetime) -> list[str]:
    return [markup.words(each) for each in _texts(row, now)]


def _texts(row: Row, now: datetime) -> tuple[str, str, str, str]:
    """Name, flow, how long it took and when it began."""
    run = row.run
    name, flow = (
        middle_ellipsis(one_line(without_escapes(each)), _LONGEST_NAME)
        for each in (run.name, row.deployment or run.flow_name)
    )
    return name, flow, duration(row.duration), ago(run.start_time or run.created, now)


def _state(row: Row) -> str:
    state = row.run.state
    return f"{look_of(state.name, state.type).glyph} {state_word(state.name)}"


def _rest(rows: Sequence[Row], total: int) -> str:
    more = total - len(rows)
    return f"{counted(more, 'run')} more" if more > 0 else ""
