"""What a page says to its kernel, as records.

This module decides which messages there are, and reads them; what is not one of them is nothing.
It must not know what is done about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from nbflow.wire import Unfit, load

#: Longest id of a page that is taken.
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a page watches: one of the two."""

    #: A recorded run.
    run: UUID | None = None
    #: An object of this kernel, by the id that it was shown under.
    view: str | None = None

    def __post_init__(self) -> None:
        if (self.run is None) == (self.view is None):
            raise Unfit("is neither a run nor a view")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A page is there, and asks for the front end unless it has it."""

    page: str
    #: The hash of what it has.
    have: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A page is still there."""

    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """A page wants to hear of a target, under a number of its own."""

    page: str
    watch: int
    target: Target
    #: As `Look.from_json` reads it.
    look: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """A page wants another look at a graph."""

    page: str
    watch: int
    look: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeing:
    """Somebody sees the view now, or no more."""

    page: str
    watch: int
    visible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A page wants to hear no more of a target."""

    page: str
    watch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A page asks for something, and for an answer."""

    page: str
    ask: int
    method: str
    params: dict[str, Any] = field(default_factory=dict)


Message = Hello | Beat | Watching | Looking | Seeing | Leaving | Asking

_KINDS: Final[Mapping[str, type]] = {
    "hello": Hello,
    "beat": Beat,
    "watch": Watching,
    "look": Looking,
    "seen": Seeing,
    "unwatch": Leaving,
    "ask": Asking,
}


def read(content: Any) -> Message | None:
    """The message; None for what is none, or says what this version does not understand."""
    kind = _KINDS.get(str(content.get("type"))) if isinstance(content, dict) else None
    if kind is None:
        return None
    try:
        message: Message = load(kind, content)
    except Unfit:
        return None
    return message if 0 < len(message.page) <= _LONGEST else None
