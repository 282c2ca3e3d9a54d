"""How a value becomes bytes, and comes back.

This module decides the formats results can be stored in and their names. It must not know
where the bytes are kept.
"""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from nbflow.exceptions import ConfigurationError, SerializationError

#: Values of exactly these types need nothing but the C pickler.
_PLAIN: Final = frozenset({type(None), bool, int, float, complex, str, bytes})

_ALTERNATIVES: Final = (
    "Return something that can be (a path, a table, plain data), choose another "
    "result_serializer, or set persist_result=False and cache_policy=NO_CACHE."
)


@runtime_checkable
class Serializer(Protocol):
    """Turns values into bytes and back; `type` names it in a stored result."""

    @property
    def type(self) -> str:
        """The name under which `get_serializer` finds it again."""

    def dumps(self, value: Any) -> bytes:
        """The value as bytes; raises `SerializationError`."""

    def loads(self, blob: bytes) -> Any:
        """The value back; raises `SerializationError`."""


@dataclass(frozen=True)
class PickleSerializer:
    """Keeps any Python value, functions and classes of a notebook included (cloudpickle).

    Reading runs code that the file names: share storage only with those you trust.
    """

    type: str = field(default="pickle", init=False)

    def dumps(self, value: Any) -> bytes:
        """The value as bytes."""
        if type(value) in _PLAIN:
            return pickle.dumps(value, protocol=5)
        import cloudpickle  # noqa: PLC0415 - plain values do without it

        try:
            return bytes(cloudpickle.dumps(value, protocol=5))
        except Exception as error:  # reducing objects is the user's code
            raise _cannot("pickled", value, error) from error

    def loads(self, blob: bytes) -> Any:
        """The value back."""
        try:
            return pickle.loads(blob)  # noqa: S301 - the class's docstring warns
        except Exception as error:  # rebuilding objects is the user's code
            raise _unreadable("pickle", error) from error


@dataclass(frozen=True)
class JSONSerializer:
    """Keeps plain data as JSON that people and other programs can read.

    A value that JSON would bring back changed (a tuple, a number as key, NaN) is refused.
    """

    type: str = field(default="json", init=False)

    def dumps(self, value: Any) -> bytes:
        """The value as UTF-8 JSON."""
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            blob = text.encode()
            changed = json.loads(text) != value
        except Exception as error:  # comparing values is the user's code
            raise _cannot("written as JSON", value, error) from error
        if changed:
            reason = TypeError("it would come back changed, e.g. a tuple as a list")
            raise _cannot("written as JSON", value, reason)
        return blob

    def loads(self, blob: bytes) -> Any:
        """The value back."""
        try:
            return json.loads(blob)
        except ValueError as error:
            raise _unreadable("JSON", error) from error


@dataclass(frozen=True)
class CompressedSerializer:
    """Another serializer, compressed.

    Args:
        serializer: What makes the bytes, or its name.
        compressionlib: A module with `compress` and `decompress`: lzma, zlib, bz2, blosc, ….
    """

    serializer: Serializer | str = "pickle"
    compressionlib: str = "lzma"

    @property
    def type(self) -> str:
        """The name under which `get_serializer` finds it again."""
        library = "" if self.compressionlib == "lzma" else f":{self.compressionlib}"
        return f"compressed/{self._inner().type}{library}"

    def dumps(self, value: Any) -> bytes:
        """The value as compressed bytes."""
        return bytes(self._library().compress(self._inner().dumps(value)))

    def loads(self, blob: bytes) -> Any:
        """The value back."""
        try:
            plain = self._library().decompress(blob)
        except Exception as error:  # each library has errors of its own
            raise _unreadable(f"{self.compressionlib} data", error) from error
        return self._inner().loads(plain)

    def _inner(self) -> Serializer:
        return get_serializer(self.serializer)

    def _library(self) -> Any:
        try:
            return importlib.import_module(self.compressionlib)
        except ImportError as error:
            raise ConfigurationError(
                f"The compression library {self.compressionlib!r} is not installed. "
                "Install it, or use lzma, zlib or bz2."
            ) from error


class CompressedPickleSerializer(CompressedSerializer):
    """Pickle, compressed with lzma."""


@dataclass(frozen=True)
class CompressedJSONSerializer(CompressedSerializer):
    """JSON, compressed with lzma."""

    serializer: Serializer | str = "json"


_REGISTRY: Final[dict[str, Callable[[], Serializer]]] = {
    "pickle": PickleSerializer,
    "json": JSONSerializer,
}


def register_serializer(name: str, factory: Callable[[], Serializer]) -> None:
    """Make a serializer of your own known by name, in every process that reads results."""
    _REGISTRY[name] = factory


def get_serializer(serializer: Serializer | str) -> Serializer:
    """The serializer of that name: pickle, json, compressed/pickle, compressed/json, ….

    Raises `ConfigurationError` for an unknown name.
    """
    if not isinstance(serializer, str):
        return serializer
    if serializer.startswith("compressed/"):
        inner, _, library = serializer.removeprefix("compressed/").partition(":")
        return CompressedSerializer(get_serializer(inner), library or "lzma")
    try:
        return _REGISTRY[serializer]()
    except KeyError:
        names = sorted({*_REGISTRY, *(f"compressed/{name}" for name in _REGISTRY)})
        raise ConfigurationError(
            f"There is no serializer {serializer!r}. Use one of {', '.join(names)}, "
            "or register yours with nbflow.serializers.register_serializer."
        ) from None


def _cannot(how: str, value: Any, error: Exception) -> SerializationError:
    return SerializationError(
        f"A value of type {type(value).__qualname__} cannot be {how} ({_short(error)}). "
        + _ALTERNATIVES
    )


def _unreadable(what: str, error: Exception) -> SerializationError:
    return SerializationError(
        f"The stored value is not readable as {what} ({_short(error)}). "
        "Install the libraries it was made with, or run again to make it anew."
    )


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"  # noqa: PLR2004 - a line or two
