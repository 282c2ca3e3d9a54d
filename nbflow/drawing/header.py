"""What stands above the graph: state, name, duration, how far the run got, and why it failed.

This module decides what stands there, a note last, and how it shares the width. It must not
know the graph below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from nbflow import wording
from nbflow.drawing.marks import bar, chip, glyph, rect, text
from nbflow.drawing.measure import text_width
from nbflow.drawing.places import Box
from nbflow.drawing.summary import first_failure, is_bad, k_of_n
from nbflow.models import RunGraph
from nbflow.run_graph import state_counts
from nbflow.states import LOOKS, StateType, look_of

_LINE: Final = 24.0
_TITLE_SIZE: Final = 15.0
_SIDE_SIZE: Final = 12.5
_GAP: Final = 12.0
_ALARM_SIZE: Final = 13.0
_ALARM_STEP: Final = 19.0
_MOST_LINES: Final = 3
_NOTE_STEP: Final = 18.0
_NOTE_GAP: Final = 12.0
#: A picture is not made wider than this for the sake of a long reason.
_WIDEST: Final = 560.0


class Header(NamedTuple):
    """The drawn header, and how much of the height it takes."""

    svg: str
    height: float


def header_of(graph: RunGraph, width: float, note: str = "") -> Header:
    """Draw the header in the given width; without title, state or note there is none."""
    told = _told(graph, width) if graph.title or graph.state_name is not None else Header("", 0.0)
    if not note:
        return told
    lines = _wrapped(note, width, _SIDE_SIZE)
    below = "".join(
        text(line, (0, told.height + _NOTE_STEP * (number + 0.5)), _SIDE_SIZE, "side muted")
        for number, line in enumerate(lines)
    )
    return Header(told.svg + below, told.height + _NOTE_STEP * len(lines) + _NOTE_GAP)


def _told(graph: RunGraph, width: float) -> Header:
    """State, name, how far it got, and a failure's reason."""
    parts, bottom = [_line(graph, width)], _LINE
    counts = state_counts(graph)
    if counts:
        parts.append(bar(counts, (0, bottom + 12), width))
        bottom += 16
    alarm = _alarm(graph)
    if alarm:
        lines = _wrapped(alarm, width - 54)
        parts.append(_banner(graph, lines, bottom + 14, width))
        bottom += 14 + _banner_height(lines)
    return Header("".join(parts), bottom + 22)


def _line(graph: RunGraph, width: float) -> str:
    start, parts = 0.0, []
    if graph.state_name is not None:
        look = look_of(graph.state_name, graph.state_type or StateType.PENDING)
        mark, taken = chip(look, graph.state_name, (0, 0))
        parts.append(mark)
        start = taken + _GAP
    side = " · ".join(filter(None, (k_of_n(graph), wording.duration(graph.duration))))
    room = width - start - text_width(side, _SIDE_SIZE) - 2 * _GAP
    title = wording.middle_ellipsis(
        wording.one_line(graph.title), room, lambda part: text_width(part, _TITLE_SIZE, bold=True)
    )
    parts.append(text(title, (start, _LINE / 2), _TITLE_SIZE, "t"))
    parts.append(text(side, (width, _LINE / 2), _SIDE_SIZE, "side muted end"))
    return "".join(parts)


def _alarm(graph: RunGraph) -> str:
    """The reason of the failure, in one line: of the task that failed, else of the run."""
    node = first_failure(graph)
    if node is not None and node.counts and node.message:  # it names the run that failed
        return wording.one_line(node.message)
    if node is not None:
        return wording.one_line(f"{node.label}: {node.message or 'failed'}")
    return wording.one_line(graph.message or "")


def wanted_width(graph: RunGraph, note: str = "") -> float:
    """The width at which the reason of a failure, and a note, stand on one line, within limits."""
    alarm = _alarm(graph)
    wide = text_width(alarm, _ALARM_SIZE) + 54 if alarm else 0.0
    return min(_WIDEST, max(wide, text_width(note, _SIDE_SIZE)))


def _wrapped(words: str, width: float, size: float = _ALARM_SIZE) -> list[str]:
    """The words on up to three lines; of what is longer, the middle is left out."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if len(lines) == _MOST_LINES or text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines = [*filter(None, lines), word]
    return [
        wording.middle_ellipsis(line, width, lambda part: text_width(part, size)) for line in lines
    ]


def _banner_height(lines: Sequence[str]) -> float:
    return 34.0 + _ALARM_STEP * (len(lines) - 1)


def _banner(graph: RunGraph, lines: Sequence[str], y: float, width: float) -> str:
    node = first_failure(graph)
    if node is not None and not is_bad(node):  # a map that goes on after a failure
        look = LOOKS["Failed"]
    else:
        type_ = (node.state_type if node else graph.state_type) or StateType.FAILED
        look = look_of((node.state_name if node else graph.state_name) or "", type_)
    middle = y + 17
    return (
        rect(Box("", 0, y, width, _banner_height(lines)), "alarm", radius=8)
        + glyph(look, (12, middle - 7), loud=True)
        + "".join(
            text(line, (36, middle + number * _ALARM_STEP), _ALARM_SIZE, f"n {look.role}-f")
            for number, line in enumerate(lines)
        )
    )
