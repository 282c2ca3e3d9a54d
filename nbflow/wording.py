"""How numbers, times and long names are put into words, the same on every surface.

This module decides the wording only: it takes plain values and gives short plain text.
It must not know about runs, stores, terminals or pictures.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Final

#: State names that count as done well.
DONE_NAMES: Final = frozenset({"Completed", "Cached", "Skipped", "RolledBack"})
#: State names that count as gone wrong, the most telling first.
BAD_NAMES: Final = ("Failed", "TimedOut", "Crashed", "Cancelled")

#: Control sequences of terminals: CSI, strings (OSC, DCS, …) up to their end, then the rest.
ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)"
    r"|\x1b[ -/]*[0-~]?"
)

_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86400
_ELLIPSIS: Final = "…"
#: Marks that reorder the text around them: a name must not rewrite its neighbours.
_BIDI_CONTROLS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def duration(seconds: float | None) -> str:
    """A length of time for people: `340 ms`, `1.2 s`, `2 m 05 s`, `1 h 02 m`, `3 d 04 h`.

    None gives an empty text; a negative length (clocks that differ) counts as zero.
    """
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:  # noqa: PLR2004  above it would read 1000 ms
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:  # noqa: PLR2004  below ten seconds the tenth is news
        return f"{seconds:.1f} s"
    return _long_duration(int(seconds + 0.5))


def _long_duration(seconds: int) -> str:
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} m {seconds % _MINUTE:02} s"
    minutes = seconds // _MINUTE
    if seconds < _DAY:
        return f"{minutes // 60} h {minutes % 60:02} m"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR:02} h"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 task`, `12 tasks`, `2 retries`."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}".replace(",", "\u202f")


def progress(counts: Mapping[str, int]) -> str:
    """How far many runs got: `187/200 · 3 failed`; `counts` maps state names to numbers."""
    return " · ".join(words for words, _ in progress_parts(counts))


def progress_parts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """The parts of `progress`, each with the name of the state that it tells of, if any."""
    done = sum(number for name, number in counts.items() if name in DONE_NAMES)
    bad = [(f"{counts[name]} {state_word(name)}", name) for name in BAD_NAMES if counts.get(name)]
    return [(f"{done}/{sum(counts.values())}", ""), *bad]


def state_word(name: str) -> str:
    """A state's name inside a sentence: `TimedOut` becomes `timed out`."""
    spaced = "".join(f" {char}" if char.isupper() else char for char in name)
    return spaced.strip().lower()


def one_line(text: str) -> str:
    """The text on one line, without anything that steers a terminal or reorders its neighbours."""
    printable = "".join(_printable(char) for char in text)
    return " ".join(printable.split())


def _printable(char: str) -> str:
    if char.isspace():
        return " "
    if char in _BIDI_CONTROLS:
        return ""
    # Control characters, lone surrogates and non-characters cannot be shown, nor put into XML.
    hidden = unicodedata.category(char) in {"Cc", "Cs"} or ord(char) & 0xFFFE == 0xFFFE  # noqa: PLR2004
    return "\ufffd" if hidden else char


def without_escapes(text: str) -> str:
    """Text without colours and the other control sequences of terminals."""
    return ESCAPES.sub("", text)


def last_line(text: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    lines = [line for line in text.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def cell_width(text: str) -> int:
    """How many terminal cells the text takes: wide characters take two, marks none."""
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def middle_ellipsis(text: str, limit: float, width: Callable[[str], float] = cell_width) -> str:
    """The text within `limit` (terminal cells, or what `width` measures), its middle left out.

    Both ends stay, because names differ at their ends: `fetch_customers_2024_q3` becomes
    `fetch_cus…2024_q3`.
    """
    if len(text) <= limit and width(text) <= limit:
        return text
    text = text[:500] + text[-500:] if len(text) > 1000 else text  # noqa: PLR2004  bounds the work
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = width(_without_middle(text, middle)) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return _without_middle(text, low)


def _without_middle(text: str, kept: int) -> str:
    if kept >= len(text):
        return text
    head = (kept + 1) // 2
    tail = kept - head
    return text[:head].rstrip() + _ELLIPSIS + (text[-tail:].lstrip() if tail else "")


def ago(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """When something happened: `just now`, `3 minutes ago`, `Tuesday 06:00`, `3 May 2024`.

    Within the last six hours the distance is told, then the local time (of `zone`, default
    this machine's). A time to come reads `in 3 minutes`.
    """
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 6 * _HOUR:
        return _near(seconds)
    local, today = moment.astimezone(zone), now.astimezone(zone)
    days = (today.date() - local.date()).days
    day = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days)
    if day is None and abs(days) < 7:  # noqa: PLR2004  within a week the weekday is unambiguous
        day = f"{local:%A}"
    if day is not None:
        return f"{day} {local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}"


def _near(seconds: float) -> str:
    size = abs(seconds)
    if size < 10:  # noqa: PLR2004  nobody counts these
        return "just now"
    unit, noun = next(
        (unit, noun)
        for unit, noun in ((_HOUR, "hour"), (_MINUTE, "minute"), (_SECOND, "second"))
        if size >= unit
    )
    words = counted(int(size // unit), noun)
    return f"{words} ago" if seconds > 0 else f"in {words}"
