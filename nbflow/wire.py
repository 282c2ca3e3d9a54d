"""Records as JSON, and back: what travels between processes and to browsers.

This module decides the JSON form of records: an object of their fields, with ids and times as
text (ISO 8601 in UTC), sets as sorted lists, bytes as base64. It is read off the types of the
fields. It must not know what records mean, nor how JSON travels.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from nbflow.states import State, StateType

Load = Callable[[Any], Any]


def dump(value: Any) -> Any:
    """JSON-able form of a record, a list of records, or a plain value."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, State):
        return _dump_state(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: dump(getattr(value, name)) for name in _names(type(value))}
    return _dump_container(value)


def _dump_container(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(dump(item) for item in value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Sequence):
        return [dump(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no JSON form: only records and JSON values do.")


def _dump_state(state: State[Any]) -> dict[str, Any]:
    """Without its value, which lies in a result store."""
    return {
        "type": state.type.value,
        "name": state.name,
        "message": state.message,
        "timestamp": dump(state.timestamp),
        "scheduled_time": dump(state.scheduled_time),
    }


def load(kind: Any, data: Any) -> Any:
    """The value of a type from its JSON form.

    Raises `ValueError`, `TypeError` or `KeyError` for what is not of that form; a record's
    missing fields get their defaults, unknown ones are left out.
    """
    return _loader(kind)(data)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


@cache
def _loader(kind: Any) -> Load:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is State or origin is State:
        return _load_state
    if origin in {Union, types.UnionType}:
        return _optional(arguments)
    if origin is not None:
        return _container(origin, arguments)
    if isinstance(kind, type):
        return _plain(kind)
    return _as_it_is


def _plain(kind: type) -> Load:
    if is_dataclass(kind):
        return partial(_load_record, kind)
    for known, loader in _LOADERS.items():
        if issubclass(kind, known):
            return loader or kind
    return _as_it_is


def _optional(arguments: tuple[Any, ...]) -> Load:
    inner = [_loader(each) for each in arguments if each is not type(None)]
    if len(inner) != 1:
        return _as_it_is
    return lambda data: None if data is None else inner[0](data)


def _container(origin: Any, arguments: tuple[Any, ...]) -> Load:
    if issubclass(origin, Mapping):
        value = _loader(arguments[1])
        return lambda data: {key: value(item) for key, item in _checked(data, dict).items()}
    if issubclass(origin, tuple) and arguments[-1] is not Ellipsis:
        parts = [_loader(each) for each in arguments]
        return lambda data: tuple(p(item) for p, item in zip(parts, data, strict=True))
    item_of = _loader(arguments[0])
    made = origin if origin in {tuple, frozenset, set} else list
    return lambda data: made(item_of(item) for item in _checked(data, list))


def _checked(data: Any, kind: type) -> Any:
    if not isinstance(data, kind):
        raise TypeError(f"{data!r} is no {'object' if kind is dict else 'list'}")
    return data


def _load_record(kind: type, data: Any) -> Any:
    hints = _hints(kind)
    return kind(**{name: hints[name](item) for name, item in data.items() if name in hints})


@cache
def _hints(kind: type) -> Mapping[str, Load]:
    hints = get_type_hints(kind)
    return {name: _loader(hints[name]) for name in _names(kind)}


def _load_state(data: Any) -> State[Any]:
    return State(
        StateType(data["type"]),
        data["name"],
        data.get("message"),
        _load_time(data["timestamp"]),
        None if data.get("scheduled_time") is None else _load_time(data["scheduled_time"]),
    )


def _load_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_it_is(data: Any) -> Any:
    return data


#: By base class, the first that fits; None: the class itself takes the JSON value.
_LOADERS: Mapping[type, Load | None] = {
    Enum: None,
    datetime: _load_time,
    date: date.fromisoformat,
    UUID: None,
    bytes: base64.b64decode,
}
