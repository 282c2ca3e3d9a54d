"""Stand-ins for `sys.stdout` and `sys.stderr`, through which others hear what is printed.

This module decides how stand-ins are put in front of a stream, stand before one another, and
leave again in any order. It must not know who listens, or what for.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Final, TextIO

_lock: Final = threading.Lock()


class StandIn(io.TextIOBase):
    """Stands in front of a stream of `sys`; a subclass says what it does with what is printed."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream = stream
        #: `stdout` or `stderr`.
        self.place = name

    @abstractmethod
    def hear(self, text: str) -> int:
        """Take note of printed text and pass it on to `stream`; returns what it answers."""

    def write(self, text: str) -> int:
        """Hear the text, unless one of this kind has heard it already."""
        with unheard(type(self), self.place) as news:
            return self.hear(text) if news else self.stream.write(text)

    def flush(self) -> None:
        """Flush the stream behind."""
        self.stream.flush()

    def close(self) -> None:
        """Close nothing: the stream behind belongs to others, who still write to it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    # TextIOBase defines these itself, so `__getattr__` never sees them.
    def isatty(self) -> bool:
        """Whether the stream behind is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """The file descriptor of the stream behind."""
        return self.stream.fileno()

    def writable(self) -> bool:
        """Streams to print to always are."""
        return True

    @property
    def closed(self) -> bool:
        """Whether the stream behind is closed; anyone's stream may not know."""
        return bool(getattr(self.stream, "closed", False))

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream behind."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What the stream behind does with characters that it cannot encode."""
        return getattr(self.stream, "errors", None)


#: The stand-ins, by kind and place, that let pass what this context prints at the moment.
_deaf: ContextVar[frozenset[tuple[type[StandIn], str]]] = ContextVar(
    "nbflow_deaf", default=frozenset()
)


@contextlib.contextmanager
def unheard(kind: type[StandIn], place: str) -> Iterator[bool]:
    """Let what the block prints pass this kind of stand-in; False where it would anyway."""
    deaf = _deaf.get()
    token = _deaf.set(deaf | {(kind, place)})
    try:
        yield (kind, place) not in deaf
    finally:
        _deaf.reset(token)


@contextlib.contextmanager
def standing_in(kind: type[StandIn], *names: str) -> Iterator[None]:
    """Have one stand-in of the kind in front of each of the named streams inside the block.

    Blocks of several threads share it, and may end in any order.
    """
    _enter(kind, names)
    try:
        yield
    finally:
        _leave(kind, names)


#: How many blocks share the stand-ins of each kind.
_users: Final[Counter[type[StandIn]]] = Counter()


def _enter(kind: type[StandIn], names: tuple[str, ...]) -> None:
    with _lock:
        _users[kind] += 1
        for name in names:
            stream = getattr(sys, name)
            if stream is not None and not _stands(kind, stream):
                setattr(sys, name, kind(stream, name))


def _leave(kind: type[StandIn], names: tuple[str, ...]) -> None:
    with _lock:
        _users[kind] -= 1
        if _users[kind]:
            return
        for name in names:
            stream = getattr(sys, name)
            rest = _without(kind, stream)
            if rest is not stream:
                setattr(sys, name, rest)


def _stands(kind: type[StandIn], stream: Any) -> bool:
    while isinstance(stream, StandIn):
        if isinstance(stream, kind):
            return True
        stream = stream.stream
    return False


def _without(kind: type[StandIn], stream: Any) -> Any:
    """The stream as it is when the stand-ins of this kind step out of the row.

    One behind somebody else's stream cannot be reached: it stays, and hears nothing that
    concerns anyone, until that stream is gone and the next block finds it there.
    """
    if not isinstance(stream, StandIn):
        return stream
    behind = _without(kind, stream.stream)
    if isinstance(stream, kind):
        return behind
    stream.stream = behind
    return stream
