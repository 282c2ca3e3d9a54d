"""Records as JSON, and back: what travels between processes and to browsers.

This module decides the JSON form of records: an object of their fields, with ids and times as
text (ISO 8601 in UTC), sets as sorted lists, bytes as base64. It is read off the types of the
fields; where they leave it open (`Any`) stands JSON already, and passes as it is. It must not
know what records mean, nor how JSON travels.
"""

from __future__ import annotations

import base64
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from nbflow.states import State

Load = Callable[[Any], Any]
Dump = Callable[[Any], Any]
T = TypeVar("T")

#: What a state carries for its own process alone.
_NEVER_TRAVELS: Final[Mapping[type, frozenset[str]]] = {State: frozenset({"data"})}
_SHOWN_LENGTH: Final = 60


class Unfit(ValueError):
    """A value does not fit its type, or has no JSON form: where (`path`), and why."""

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        #: As in `spec.tags[2]`; empty for the whole.
        self.path = path.removeprefix(".")
        super().__init__(f"{self.path}: {reason}" if path else reason)

    def below(self, step: str) -> Unfit:
        """The same, told one level further out; a step is `.name` or `[index]`."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return Unfit(self.reason, f"{step}{joint}{self.path}")


# ── out ──────────────────────────────────────────────────────────────────────────────────


def dump(value: Any) -> Any:
    """JSON-able form of a record, a list of records, or a plain value.

    Raises `Unfit`, naming the place, for what has none: other objects, times without a
    zone, containers that contain themselves.
    """
    with _finite():
        return _dump(value)


def _dump(value: Any) -> Any:
    if isinstance(value, Enum):  # first: it may be a kind of text or number as well
        return _dump(value.value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, datetime):
        return _dump_time(value)
    if isinstance(value, UUID):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: _at(f".{name}", dump_it, getattr(value, name))
            for name, dump_it in _dumpers(type(value))
        }
    return _dump_container(value)


def dump_named(kinds: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of values that each have a type; raises `Unfit` for what is not of it."""
    with _finite():
        return {name: _at(f".{name}", _dumper(kinds[name]), item) for name, item in values.items()}


@contextmanager
def _finite() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise Unfit("a value contains itself, or is nested too deeply for JSON") from None


@cache
def _dumpers(kind: type) -> tuple[tuple[str, Dump], ...]:
    """How each field of a record is written: where it says `Any`, only JSON fits."""
    try:
        hints = get_type_hints(kind)
    except NameError:  # a record of a function's own: `load` cannot read it, either
        hints = {}
    return tuple(
        (name, _json if _is_open(hints.get(name)) else _dump) for name in _field_names(kind)
    )


def _is_open(hint: Any) -> bool:
    """Whether a type, or that of a container's items, is `Any`."""
    if get_origin(hint) in {Union, types.UnionType}:
        return any(_is_open(each) for each in get_args(hint))
    return hint is Any or (get_origin(hint) is not State and Any in get_args(hint))


@cache
def _dumper(kind: Any) -> Dump:
    if _is_open(kind):
        return _json
    is_union = get_origin(kind) in {Union, types.UnionType}
    plain = [each for each in (get_args(kind) if is_union else (kind,)) if each in _STRICT]
    return partial(_dump_plain, plain[0]) if plain else _dump


def _dump_plain(kind: type, value: Any) -> Any:
    # Without the value: it may be a secret.
    if value is not None and not isinstance(value, kind):
        raise Unfit(f"{type(value).__name__} is no {_WORDS[kind]}")
    return _dump(value)


def _json(value: Any) -> Any:
    """A value that is JSON, as it is."""
    if isinstance(value, dict):
        for key, item in value.items():
            _key(key)
            _at(f".{key}", _json, item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _at(f"[{index}]", _json, item)
    elif value is not None and not isinstance(value, (str, bool, int, float)):
        raise _formless(value)
    return value


def _formless(value: Any) -> Unfit:
    return Unfit(f"{type(value).__name__} has no JSON form: only records and JSON values do")


def _dump_container(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _at(f".{key}", _dump, item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        items = [_at("[…]", _dump, item) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Sequence):
        return [_at(f"[{index}]", _dump, item) for index, item in enumerate(value)]
    if isinstance(value, date):
        return value.isoformat()
    raise _formless(value)


def _key(key: Any) -> str:
    """A name of an object: a text; numbers and such become one as JSON has it."""
    if isinstance(key, (str, UUID, Enum)):
        return str(_dump(key))
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise Unfit(f"{_shown(key)} is no name: JSON objects have texts for names")


def _dump_time(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise Unfit(f"{moment.isoformat()} has no time zone: give it one, such as UTC")
    try:
        text = moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise Unfit(f"{moment.isoformat()} lies outside the years that UTC can name") from None
    return text.replace("+00:00", "Z")


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    hidden = _NEVER_TRAVELS.get(kind, frozenset())
    return tuple(each.name for each in fields(kind) if each.name not in hidden)


# ── in ───────────────────────────────────────────────────────────────────────────────────


def load(kind: Any, data: Any) -> Any:
    """The value of a type from its JSON form.

    Raises `Unfit`, naming the field, for what is not of that form. A record's missing
    fields get their defaults, unknown ones are left out; a time without a zone is in UTC.
    """
    return _loader(kind)(data)


def load_named(
    kinds: Mapping[str, Any], data: Any, *, required: Sequence[str] = ()
) -> dict[str, Any]:
    """The values of an object whose names each have a type; raises `Unfit` for other names."""
    loaders = {name: _loader(kind) for name, kind in kinds.items()}
    for name in _expect(dict, data):
        if name not in loaders:
            raise Unfit(f"is not known: there are {', '.join(loaders) or 'none'}", f".{name}")
    return _load_fields(loaders, required, data)


@cache
def _loader(kind: Any) -> Load:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return _optional(arguments)
    if isinstance(origin, type):
        return _record(origin) if is_dataclass(origin) else _container(origin, arguments)
    if isinstance(kind, type):
        return _record(kind) if is_dataclass(kind) else _plain(kind)
    return _as_it_is


def _optional(arguments: tuple[Any, ...]) -> Load:
    inner = [_loader(each) for each in arguments if each is not types.NoneType]
    if len(inner) != 1 or len(arguments) == 1:
        return _as_it_is
    load_it = inner[0]
    return lambda data: None if data is None else load_it(data)


# ── in: records ──────────────────────────────────────────────────────────────────────────


def _record(kind: type) -> Load:
    # Looked at when first used: a record may contain records of its own kind.
    return lambda data: _load_record(kind, _expect(dict, data))


def _load_record(kind: type, data: Mapping[str, Any]) -> Any:
    return kind(**_load_fields(*_form(kind), data))


def _load_fields(
    loaders: Mapping[str, Load], required: Sequence[str], data: Mapping[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, item in data.items():
        loader = loaders.get(name)
        if loader is not None:
            values[name] = _at(f".{name}", loader, item)
    for name in required:
        if name not in values:
            raise Unfit("is missing", f".{name}")
    return values


@cache
def _form(kind: type) -> tuple[Mapping[str, Load], tuple[str, ...]]:
    """The loader of each field, and the fields that have to be there."""
    hints = get_type_hints(kind)
    loaders = {name: _loader(hints[name]) for name in _field_names(kind)}
    required = tuple(
        each.name
        for each in fields(kind)
        if each.default is MISSING and each.default_factory is MISSING
    )
    return loaders, required


def _at(step: str, convert: Callable[[Any], Any], value: Any) -> Any:
    """Convert a part of something; an error says where it stands."""
    try:
        return convert(value)
    except Unfit as error:
        raise error.below(step) from None


# ── in: containers ───────────────────────────────────────────────────────────────────────


def _container(origin: type, arguments: tuple[Any, ...]) -> Load:
    if issubclass(origin, Mapping):
        return _mapping(_loader(arguments[0]), _loader(arguments[1]))
    if issubclass(origin, tuple) and arguments[-1] is not Ellipsis:
        return _fixed_tuple([_loader(each) for each in arguments])
    return _items(origin if origin in {tuple, frozenset, set} else list, _loader(arguments[0]))


def _mapping(key: Load, value: Load) -> Load:
    def loader(data: Any) -> Any:
        found = _expect(dict, data)
        return {
            _at(f".{name}", key, name): _at(f".{name}", value, item) for name, item in found.items()
        }

    return loader


def _fixed_tuple(parts: Sequence[Load]) -> Load:
    def loader(data: Any) -> Any:
        found = _expect(list, data)
        if len(found) != len(parts):
            raise Unfit(f"has {len(found)} items, not {len(parts)}")
        return tuple(
            _at(f"[{index}]", part, item)
            for index, (part, item) in enumerate(zip(parts, found, strict=True))
        )

    return loader


def _items(made: Callable[[Any], Any], item_of: Load) -> Load:
    def loader(data: Any) -> Any:
        found = _expect(list, data)
        if item_of is _as_it_is:
            return made(found)
        return made(_at(f"[{index}]", item_of, item) for index, item in enumerate(found))

    return loader


# ── in: single values ────────────────────────────────────────────────────────────────────


def _plain(kind: type) -> Load:
    if kind in _WORDS:
        return _load_float if kind is float else partial(_expect, kind)
    for known, loader in _LOADERS.items():
        if issubclass(kind, known):
            return loader
    if issubclass(kind, Enum):
        return lambda data: _load_member(kind, data)
    return _as_it_is


def _expect(kind: type, data: Any) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise Unfit(f"{_shown(data)} is no {_WORDS[kind]}")
    return data


def _load_float(data: Any) -> float:
    if isinstance(data, int) and not isinstance(data, bool):
        return _parsed(float, data, "number")
    return float(_expect(float, data))


def _load_member(kind: type[Enum], data: Any) -> Enum:
    try:
        return kind(data)
    except ValueError:
        choices = ", ".join(str(member.value) for member in kind)
        raise Unfit(f"{_shown(data)} is none of {choices}") from None


def _load_time(data: Any) -> datetime:
    moment = _parsed(datetime.fromisoformat, _expect(str, data), "time")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return _parsed(lambda _: moment.astimezone(UTC), data, "time in UTC")


def _load_bytes(data: Any) -> bytes:
    return _parsed(lambda text: base64.b64decode(text, validate=True), _expect(str, data), "base64")


def _parsed(parse: Callable[[Any], T], data: Any, what: str) -> T:
    try:
        return parse(data)
    except (ValueError, OverflowError):
        raise Unfit(f"{_shown(data)} is no {what}") from None


def _shown(data: Any) -> str:
    try:
        text = repr(data)
    except RecursionError:
        text = f"a {type(data).__name__}"
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"


def _as_it_is(data: Any) -> Any:
    return data


_WORDS: Final = {
    dict: "object",
    list: "list",
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
}

#: Types of which only their own values are taken.
_STRICT: Final = frozenset({str, bool, int})

#: By base class, the first that fits. (A time is a date, and an enumeration may be a text.)
_LOADERS: Final[Mapping[type, Load]] = {
    datetime: _load_time,
    date: lambda data: _parsed(date.fromisoformat, _expect(str, data), "date"),
    UUID: lambda data: _parsed(UUID, _expect(str, data), "id"),
    bytes: _load_bytes,
}
