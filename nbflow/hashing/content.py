"""The content of a value as a short text that is equal wherever the value is equal.

This module decides how plain data, containers and ordinary objects are hashed, and holds
the table of types that `code` and `libraries` add to. It must not import the libraries
whose values it meets, nor know what hashes are used for.

A hash is equal in two processes and two runs, and for a value and its pickled copy: it
depends on types and contents only, never on addresses, `hash()`, insertion order of dicts,
the chunks of a table or the memory layout of an array. Values of different types differ,
equal or not (1, 1.0, True). Objects are told apart by what pickle would store of them.

How it works: small plain values become tagged bytes; everything else becomes the digest of
its type's name and its parts, each of which is hashed in turn.
"""

from __future__ import annotations

import collections
import contextlib
import copyreg
import dataclasses
import datetime as dt
import enum
import hashlib
import os
import re
import struct
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import HashError

#: Change this when hashes of the same values change, so that old caches are not found.
_VERSION: Final = b"nbflow-1:"
_SIZE: Final = 16

#: A part of a value: how one gets there (".name", "[3]"), and what is there. Bytes with an
#: empty step are hashed as they are.
Part = tuple[str, Any]
Parts = Iterable[Part]
#: What a type is made of.
Handler = Callable[[Any], Parts]


class Unhashable(HashError):
    """A value has no content that could be compared; knows where inside it sits."""

    def __init__(self, reason: str, value: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []
        self.kind = type_name(type(value))

    def described(self, name: str) -> str:
        """One sentence about the value called `name`."""
        if not self.steps:
            return f"{name} {self.reason}"
        place = "".join(self.steps)
        place = place if len(place) <= _LONGEST_PLACE else f"{place[: _LONGEST_PLACE - 1]}…"
        word = "attribute" if place.startswith(".") else "element"
        return f"{name}: {word} {place} {self.reason}"


def content_hash(value: Any, *, name: str = "the value") -> str:
    """The content of a value as 32 hexadecimal digits.

    Args:
        value: Anything with content: plain data, containers, arrays, tables, models,
            functions (by their code), objects (by what pickle would store).
        name: What to call the value in an error.

    Raises:
        HashError: The value, or something inside it, is a lock, an iterator, a connection or
            the like; the message names it and where it is.
    """
    leaf = _LEAVES.get(type(value))
    if leaf is not None:
        return hashlib.blake2b(_VERSION + leaf(value), digest_size=_SIZE).hexdigest()
    try:
        token = Hasher().token(value)
    except Unhashable as error:
        raise HashError(f"{error.described(name)}.") from None
    except RecursionError:
        raise HashError(f"{name} is nested too deeply to be hashed.") from None
    return hashlib.blake2b(_VERSION + token, digest_size=_SIZE).hexdigest()


# ── plain values ─────────────────────────────────────────────────────────────────────────

#: Beyond it, decimal digits get slow and finally refused.
_DECIMAL_BITS: Final = 10_000


def _int(value: int) -> bytes:
    digits = repr(value) if value.bit_length() < _DECIMAL_BITS else hex(value)
    return b"i" + digits.encode()


def _float(value: float) -> bytes:
    # All NaNs are one; -0.0 is not 0.0, because code can tell.
    return b"f" + (struct.pack("<d", value) if value == value else b"nan")  # noqa: PLR0124


def _text(value: str) -> bytes:
    return b"s" + value.encode("utf-8", "surrogatepass")


_LEAVES: Final[dict[type, Callable[[Any], bytes]]] = {
    type(None): lambda _: b"n",
    bool: lambda value: b"t" if value else b"F",
    int: _int,
    float: _float,
    complex: lambda value: b"c" + _float(value.real) + _float(value.imag),
    str: _text,
    bytes: lambda value: b"b" + value,
    type(...): lambda _: b"e",
    type(NotImplemented): lambda _: b"N",
}
#: A list of these only is told apart by its `repr`, which is written at the speed of C.
_BULK: Final = frozenset({type(None), bool, int, float, complex, str})


#: Characters that an error tells of the way to what has no content.
_LONGEST_PLACE: Final = 80
#: Objects that refer to each other in circles are hashed from each place where they are met:
#: beyond this many times it would never end.
_TANGLE: Final = 10_000

# ── the walk ─────────────────────────────────────────────────────────────────────────────


class Hasher:
    """Hashes one value and all that is inside it."""

    #: Whether the order of a dict's items counts.
    ordered = False

    def __init__(self) -> None:
        #: Digests of what was met, by id; the values are held so that ids stay theirs.
        self._done: dict[int, tuple[Any, bytes]] = {}
        #: What is being hashed, by id, with its depth: meeting it again is a cycle.
        self._open: dict[int, int] = {}
        #: The outermost value a cycle led back to since it was last reset.
        self._reaches = sys.maxsize
        #: What was hashed as part of a cycle, and how often that was done over again.
        self._in_cycles: set[int] = set()
        self._again = 0

    def token(self, value: Any) -> bytes:
        """The value's bytes when it is small and plain, else its digest."""
        leaf = _LEAVES.get(type(value))
        return leaf(value) if leaf is not None else b"#" + self._digest(value)

    def _digest(self, value: Any) -> bytes:
        key = id(value)
        if key in self._done:
            return self._done[key][1]
        depth = self._open.get(key)
        if depth is not None:
            self._reaches = min(self._reaches, depth)
            return b"cycle to %d" % (len(self._open) - depth)
        return self._new_digest(key, value)

    def _new_digest(self, key: int, value: Any) -> bytes:
        depth = len(self._open)
        if key in self._in_cycles:
            self._count_again(value)
        outer, self._reaches = self._reaches, sys.maxsize
        self._open[key] = depth
        try:
            digest = self._compute(value)
        finally:
            del self._open[key]
        # Part of an outer cycle, a value hashes differently from where it stands alone.
        if self._reaches >= depth:
            self._done[key] = (value, digest)
        else:
            self._in_cycles.add(key)
        self._reaches = min(outer, self._reaches if self._reaches < depth else sys.maxsize)
        return digest

    def _count_again(self, value: Any) -> None:
        self._again += 1
        if self._again > _TANGLE:
            raise Unhashable("is part of a tangle of objects that refer to each other", value)

    def _compute(self, value: Any) -> bytes:
        kind = type(value)
        state = hashlib.blake2b(digest_size=_SIZE)
        if kind is dict:
            state.update(b"dict" + self._dict_items(value))
        elif kind in _UNORDERED:
            state.update(kind.__name__.encode() + b"".join(sorted(self._tokens(value))))
        elif kind in _SEQUENCES:
            state.update(kind.__name__.encode())
            self._sequence(state, value)
        else:
            handler = _handler(kind)
            state.update(type_name(kind).encode() + b"\0")
            self._parts(state, handler(value))
        return state.digest()

    def _sequence(self, state: Any, value: Iterable[Any]) -> None:
        if _BULK.issuperset(map(type, value)):
            with contextlib.suppress(ValueError):  # integers too long for decimal digits
                state.update(b"=" + repr(value).encode("utf-8", "surrogatepass"))
                return
        for token in self._tokens(value):
            state.update(token)

    def _tokens(self, values: Iterable[Any]) -> Iterator[bytes]:
        for index, value in enumerate(values):
            try:
                token = self.token(value)
            except Unhashable as error:
                error.steps.insert(0, f"[{index}]")
                raise
            yield b"%d:" % len(token) + token

    def _dict_items(self, value: dict[Any, Any]) -> bytes:
        if _BULK.issuperset(map(type, value.values())) and _only_text(value):
            items = value.items() if self.ordered else sorted(value.items())
            with contextlib.suppress(ValueError):
                return b"=" + repr(list(items)).encode("utf-8", "surrogatepass")
        tokens = self._items(value)
        return b"".join(tokens if self.ordered else sorted(tokens))

    def _items(self, value: dict[Any, Any]) -> Iterator[bytes]:
        for key, item in value.items():
            try:
                tokens = self.token(key), self.token(item)
            except Unhashable as error:
                error.steps.insert(0, f"[{_label(key)}]")
                raise
            yield b"%d:%d:" % (len(tokens[0]), len(tokens[1])) + tokens[0] + tokens[1]

    def _parts(self, state: Any, parts: Parts) -> None:
        for step, value in parts:
            if not step and isinstance(value, (bytes, memoryview, Blocks)):
                _raw(state, value)
                continue
            try:
                token = self.token(value)
            except Unhashable as error:
                error.steps.insert(0, step)
                raise
            state.update(b"%d,%d:" % (len(step), len(token)) + step.encode() + token)


@dataclasses.dataclass(frozen=True, slots=True)
class Blocks:
    """Bytes of a known number that are made piece by piece while they are hashed."""

    pieces: Iterator[bytes]
    size: int

    def __len__(self) -> int:
        return self.size


#: Large buffers are hashed in pieces of this size, several at a time.
_PIECE: Final = 4 << 20
_LARGE: Final = 4 * _PIECE


def _raw(state: Any, value: bytes | memoryview | Blocks) -> None:
    state.update(b"%d:" % len(value))
    if len(value) >= _LARGE:
        state.update(b"".join(_piecewise(value)))
        return
    for piece in value.pieces if isinstance(value, Blocks) else (value,):
        state.update(piece)


def _piecewise(value: bytes | memoryview | Blocks) -> Iterable[bytes]:
    """The digests of a large buffer's pieces; hashing lets go of the interpreter's lock."""
    if isinstance(value, Blocks):  # made one by one, to need little memory
        return map(_digest_of, _cut(value.pieces))
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for large buffers only

    view = memoryview(value)
    pieces = (view[start : start + _PIECE] for start in range(0, len(view), _PIECE))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return pool.map(_digest_of, pieces)


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of the one size."""
    rest = bytearray()
    for block in blocks:
        rest += block
        while len(rest) >= _PIECE:
            yield bytes(rest[:_PIECE])
            del rest[:_PIECE]
    if rest:
        yield bytes(rest)


def _digest_of(piece: bytes | memoryview) -> bytes:
    return hashlib.blake2b(piece, digest_size=_SIZE).digest()


_UNORDERED: Final = frozenset({set, frozenset})
_SEQUENCES: Final = frozenset({list, tuple})


def by_name(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The items of a dict in the order of their names; values are never compared."""
    return ((name, values[name]) for name in sorted(values))


def _only_text(value: dict[Any, Any]) -> bool:
    return {str}.issuperset(map(type, value))


def _label(key: Any) -> str:
    return repr(key)[:60] if type(key) in _LEAVES else f"a {type(key).__name__} key"


def type_name(kind: type) -> str:
    """A type's full name, the same in every process."""
    return f"{kind.__module__}.{kind.__qualname__}"


# ── the table of types ───────────────────────────────────────────────────────────────────

_HANDLERS: Final[dict[type, Handler]] = {}
#: Types of libraries by "package.TypeName", so that knowing them imports nothing.
_LIBRARY_HANDLERS: Final[dict[str, Handler]] = {}
_found: Final[weakref.WeakKeyDictionary[type, Handler]] = weakref.WeakKeyDictionary()


def register(*kinds: type | str) -> Callable[[Handler], Handler]:
    """Say what values of some types are made of.

    A type is given itself, or as "package.TypeName"; the latter also covers the subclasses
    that the package itself defines.
    """

    def add(handler: Handler) -> Handler:
        for kind in kinds:
            if isinstance(kind, str):
                _LIBRARY_HANDLERS[kind] = handler
            else:
                _HANDLERS[kind] = handler
        return handler

    return add


def _handler(kind: type) -> Handler:
    handler = _found.get(kind)
    if handler is None:
        handler = _found[kind] = _find_handler(kind)
    return handler


def _find_handler(kind: type) -> Handler:
    if kind in _HANDLERS:
        return _HANDLERS[kind]
    if issubclass(kind, type):  # a class whose metaclass is its own
        return _HANDLERS[type]
    package = kind.__module__.partition(".")[0]
    for base in kind.__mro__:
        name = f"{package}.{base.__name__}"
        if base.__module__.partition(".")[0] == package and name in _LIBRARY_HANDLERS:
            return _LIBRARY_HANDLERS[name]
    return next((handler for test, handler in _SHAPES if test(kind)), reduced)


# ── types of the standard library ────────────────────────────────────────────────────────


@register(bytearray, memoryview)
def _buffer(value: Any) -> Parts:
    yield "", bytes(value)


@register(dt.date, dt.timedelta, dt.timezone, "decimal.Decimal", "fractions.Fraction", range, slice)
def _by_repr(value: Any) -> Parts:
    yield "", repr(value).encode()


@register(dt.datetime, dt.time)
def _clock(value: dt.datetime | dt.time) -> Parts:
    yield "", repr(value.replace(tzinfo=None)).encode()  # tells fold
    yield ".tzinfo", value.tzinfo


@register("zoneinfo.ZoneInfo")
def _zone(value: Any) -> Parts:
    yield "", (value.key or repr(value)).encode()


@register(UUID)
def _uuid(value: UUID) -> Parts:
    yield "", value.bytes


@register(re.Pattern)
def _pattern(value: re.Pattern[Any]) -> Parts:
    yield ".pattern", value.pattern
    yield ".flags", value.flags


@register(types.MappingProxyType)
def _mapping_proxy(value: types.MappingProxyType[Any, Any]) -> Parts:
    yield "", dict(value)


@register(types.SimpleNamespace)
def _namespace(value: types.SimpleNamespace) -> Parts:
    yield from ((f".{name}", item) for name, item in by_name(vars(value)))


@register(collections.OrderedDict)
def _ordered(value: collections.OrderedDict[Any, Any]) -> Parts:
    yield "", list(value.items())  # two of them are equal only in the same order


def _path(value: PurePath) -> Parts:
    yield "", os.fsencode(str(value))


def _enum_member(value: enum.Enum) -> Parts:
    yield ".name", value.name
    if isinstance(value, enum.Flag):
        yield ".value", value.value


def _named_tuple(value: Any) -> Parts:
    return ((f".{name}", item) for name, item in zip(value._fields, value, strict=True))


def _dataclass(value: Any) -> Parts:
    for each in dataclasses.fields(value):
        yield f".{each.name}", getattr(value, each.name, None)


def _attrs(value: Any) -> Parts:
    for each in type(value).__attrs_attrs__:
        yield f".{each.name}", getattr(value, each.name, None)


def _pydantic(value: Any) -> Parts:
    state = value.__getstate__()  # set fields are not content, and a set
    for name in ("__dict__", "__pydantic_extra__", "__pydantic_private__"):
        for field, item in by_name(state.get(name) or {}):
            yield f".{field}", item


def _iterator(value: Any) -> Parts:
    kind = type_name(type(value)).removeprefix("builtins.")
    raise Unhashable(f"is a {kind}, which reading would use up", value)


#: Which handler fits a type by its shape, tried in order.
_SHAPES: Final[tuple[tuple[Callable[[Any], bool], Handler], ...]] = (
    (lambda kind: issubclass(kind, PurePath), _path),
    (lambda kind: issubclass(kind, enum.Enum), _enum_member),
    (lambda kind: issubclass(kind, tuple) and hasattr(kind, "_fields"), _named_tuple),
    (lambda kind: hasattr(kind, "__pydantic_fields_set__"), _pydantic),
    (lambda kind: "__dataclass_fields__" in kind.__dict__, _dataclass),
    (lambda kind: "__attrs_attrs__" in kind.__dict__, _attrs),
    (lambda kind: hasattr(kind, "__next__"), _iterator),
)


# ── ordinary objects ─────────────────────────────────────────────────────────────────────


def reduced(value: Any) -> Parts:
    """What pickle would store of an object, hashed instead."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        found = reducer(value) if reducer else value.__reduce_ex__(4)
    except RecursionError:
        raise
    except Exception as error:
        kind = type_name(type(value)).removeprefix("builtins.")
        raise Unhashable(f"is a {kind}", value) from error
    return _reduction(value, found)


def _reduction(value: Any, found: str | tuple[Any, ...]) -> Parts:
    if isinstance(found, str):  # the name of a global
        yield "", found.encode()
        return
    function, args, state, items, pairs, *_ = (*found, None, None, None)
    yield "", getattr(function, "__qualname__", type_name(type(function))).encode()
    for index, argument in enumerate(args):
        # The class itself is told by its name: its code is not the object's content.
        yield f"({index})", type_name(argument) if isinstance(argument, type) else argument
    yield from _state(state)
    if items is not None:
        yield "", list(items)
    if pairs is not None:
        yield "", dict(pairs) if isinstance(value, dict) else list(pairs)


def _state(state: Any) -> Parts:
    if isinstance(state, tuple) and len(state) == 2 and _is_attributes(state[1]):  # noqa: PLR2004 - (dict, slots)
        yield from _state(state[0])
        yield from _state(state[1])
    elif _is_attributes(state):
        yield from ((f".{name}", item) for name, item in by_name(state))
    elif state is not None:
        yield ".__getstate__()", state


def _is_attributes(state: Any) -> bool:
    return type(state) is dict and _only_text(state)
