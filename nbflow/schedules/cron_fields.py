"""What is wrong with a cron text, in the user's words.

This module decides which cron texts are taken, and explains the others. It must not know
dates: what a text means is for `cron`. Taken is what Debian's cron takes, and for days also
`L` (the last day of the month), `LW` (its last weekday), `5L` (its last Friday) and `1#2`
(its second Monday).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nbflow.exceptions import ScheduleError

#: Names for whole cron texts.
MACROS: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One of the five columns of a cron text; `names` stand for its numbers from `low` on."""

    name: str
    low: int
    high: int
    names: Sequence[str] = ()
    #: Further forms of a term.
    extra: str = r"(?!)"


_MONTHS: Final = [
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
]
_WEEKDAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_WEEKDAY: Final = rf"(?:[0-7]|{'|'.join(_WEEKDAYS)})"

FIELDS: Final = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day", 1, 31, extra="LW?"),
    Field("month", 1, 12, _MONTHS),
    Field("weekday", 0, 7, _WEEKDAYS, extra=rf"[0-7]L|{_WEEKDAY}#[1-5]"),
)

_ORDER: Final = "minute hour day month weekday"
_PERIOD: Final = re.compile(r"(?P<base>[^/]*)(?:/(?P<step>.*))?", re.DOTALL)


def plain_cron(text: str) -> str:
    """The cron text in its plain form: five fields, capitals, single spaces, no `@daily`.

    Raises:
        ScheduleError: It cannot be used; the message says which part, and what would be right.
    """
    if not isinstance(text, str):
        raise _error(f"a cron schedule is a text such as '0 6 * * 1-5', not {text!r}")
    expanded = MACROS.get(text.strip().lower(), text)
    parts = expanded.split()
    if expanded.lstrip().startswith("@"):
        raise _error(f"{text.strip()!r} is not known; write {', '.join(MACROS)} or five fields")
    if len(parts) != len(FIELDS):
        raise _error(_miscounted(text, len(parts)))
    for field, part in zip(FIELDS, parts, strict=True):
        _check_field(field, part)
    return " ".join(parts).upper()


def _miscounted(text: str, count: int) -> str:
    taken = f"{text.strip()!r} has {count} field{'s' if count != 1 else ''}"
    if count > len(FIELDS):
        return (
            f"{taken}, a cron schedule five ({_ORDER}): leave seconds and years away, "
            "and use an interval for less than a minute"
        )
    return f"{taken}, a cron schedule five ({_ORDER}), such as '0 6 * * 1-5'"


def _check_field(field: Field, part: str) -> None:
    for term in part.split(","):
        if not re.fullmatch(field.extra, term, re.IGNORECASE):
            _check_term(field, term)


def _check_term(field: Field, term: str) -> None:
    period = _PERIOD.fullmatch(term)
    assert period is not None  # it matches everything
    base, step = period["base"], period["step"]
    if step is not None:
        _check_step(field, step)
    if base == "*":
        return
    first, dash, last = base.partition("-")
    start = _number(field, first)
    if dash and _number(field, last) < start:
        raise _error(_backwards(field, base, start, _number(field, last)))


def _check_step(field: Field, step: str) -> None:
    size = field.high - field.low + 1
    if not (step.isascii() and step.isdigit()) or not int(step):
        raise _error(f"the step /{step} of the {field.name} is not a whole number from 1")
    if int(step) > size:
        raise _error(
            f"the {field.name} step /{step} is longer than the {size} {field.name}s there are; "
            "for such a distance use an interval"
        )


def _number(field: Field, word: str) -> int:
    if word.upper() in field.names:
        return field.low + list(field.names).index(word.upper())
    if not (word.isascii() and word.isdigit()):
        names = f", {field.names[0]}–{field.names[-1]}" if field.names else ""
        wrong = f"{word!r} is no {field.name}" if word else f"a {field.name} is missing"
        raise _error(f"{wrong}; write a number from {field.low} to {field.high}{names} or *")
    if not field.low <= int(word) <= field.high:
        raise _error(f"{field.name} {word} is not in {field.low}–{field.high}")
    return int(word)


def _backwards(field: Field, base: str, start: int, end: int) -> str:
    if field.name == "weekday" and end == 0:
        right = f"{start}-7"
    else:
        high = 6 if field.name == "weekday" else field.high
        right = f"{_span(start, high)},{_span(field.low, end)}"
    return f"the {field.name} range {base} runs backwards; write {right}"


def _span(start: int, end: int) -> str:
    return f"{start}" if start == end else f"{start}-{end}"


def _error(message: str) -> ScheduleError:
    return ScheduleError(message[0].upper() + message[1:] + ".", field="cron")
