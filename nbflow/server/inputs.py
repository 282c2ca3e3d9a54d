"""The kinds of value that requests carry.

This module decides what a time, a name or a piece of JSON has to look like, before anything
else sees it. It must not know which routes take them.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

#: Rows of one answer.
MOST: Final = 1_000
#: Beyond this, JavaScript and databases do not agree about integers.
GREATEST: Final = 2**53 - 1
_DEEPEST: Final = 60
_DAY: Final = len("2026-01-31")


class Body(BaseModel):
    """A request's body: what it does not know is an error, not a guess."""

    model_config = ConfigDict(extra="forbid")


_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def _moment(value: Any) -> datetime:
    """A time in ISO 8601; without a zone it is UTC."""
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("This is no time. Write 2026-01-31T09:00:00Z") from None
    try:
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except OverflowError:  # within a day of where the calendar begins or ends
        return _FIRST if moment.year == 1 else _LAST


def _day(value: Any) -> date:
    """A day, or a point in time; without a zone it is by the schedule's clock."""
    try:
        return date.fromisoformat(value) if len(value) == _DAY else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("This is no day. Write 2026-01-31, or 2026-01-31T09:00:00Z") from None


def _plain(value: Any, depth: int = 0) -> Any:
    """Refuse what JSON has no word for, and what is nested beyond reason."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinity")
    if depth > _DEEPEST:
        raise ValueError(f"The value is nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            _plain(key)
            _plain(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _plain(item, depth + 1)
    elif isinstance(value, str):
        _whole_characters(value)
    return value


def _whole_characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The text holds half of a character") from None
    return text


def _storable(text: str) -> str:
    _whole_characters(text)
    if "\0" in text:
        raise ValueError("The text holds a null character")
    return text


def _integral(value: Any) -> Any:
    """In JSON, 1.0 is an integer, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Storable: Final = AfterValidator(_storable)
_Integral: Final = BeforeValidator(_integral)

_NO_NULL: Final = r"^[^\x00]*$"
_CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"


def _line(but: str = "") -> str:
    """The pattern of one line without space around it, and without further characters."""
    return rf"^[^\s{_CONTROL}{but}]([^{_CONTROL}{but}]*[^\s{_CONTROL}{but}])?$"


def _named(pattern: str) -> Any:
    return StringConstraints(strict=True, min_length=1, max_length=200, pattern=pattern)


#: A day, or a point in time.
Day = Annotated[
    Any,
    AfterValidator(_day),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": each} for each in ("date", "date-time")]}
    ),
]
#: A point in time, aware and in UTC once it is here.
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Text = Annotated[
    str, StringConstraints(strict=True, max_length=10_000, pattern=_NO_NULL), _Storable
]
Name = Annotated[str, _named(_line()), _Storable]
#: A part of `flow/name`.
Part = Annotated[str, _named(_line(but="/")), _Storable]
#: Of a variable or a secret.
Word = Annotated[str, _named(r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$")]
#: `name:value`, the value in JSON.
Equation = Annotated[str, _named(rf"^[^\s{_CONTROL}:][^{_CONTROL}:]*:[^{_CONTROL}]*$"), _Storable]
Json = Annotated[Any, AfterValidator(_plain)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_plain)]
Whole = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1), _Integral]
Counted = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), _Integral]
Signed = Annotated[int, Field(strict=True, ge=-(2**31), le=2**31 - 1), _Integral]
Flag = Annotated[bool, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]

Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of the answer.")]
Offset = Annotated[int, Query(ge=0, le=GREATEST, description="How many items to pass over.")]
After = Annotated[
    int, Query(ge=0, le=GREATEST, description="Only what has a greater sequence number.")
]


def read_id(text: str) -> UUID | None:
    """The id that a text is; None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def read_parameter(text: str) -> tuple[str, Any]:
    """The name and the value of `name:value`; what is no JSON value is a text."""
    name, _, value = text.partition(":")
    try:
        return name, _plain(json.loads(value))
    except (ValueError, RecursionError):
        return name, value
