"""Marks around an argument that say how a call should treat it.

This module decides the wrappers users put around arguments: `unmapped`, `allow_failure`
and `quote`. It must not know who reads them.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Generic, Self, TypeVar

T = TypeVar("T")


class BaseAnnotation(Generic[T]):
    """A value with a mark around it."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        """The value without its mark."""
        return self.value

    def rewrap(self, value: T) -> Self:
        """The same mark around another value."""
        return type(self)(value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseAnnotation) or type(self) is not type(other):
            return NotImplemented
        return bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(BaseAnnotation[T]):  # noqa: N801 - reads as a verb where it is used
    """Give this argument, whole, to every run of a `map`, instead of splitting it."""

    __slots__ = ()

    def __getitem__(self, _: object) -> T:
        # As if it were a list of any length that holds the value everywhere.
        return self.value


class allow_failure(BaseAnnotation[T]):  # noqa: N801 - reads as a verb where it is used
    """Start even when this upstream failed; its exception is passed in place of its value."""

    __slots__ = ()


class quote(BaseAnnotation[T]):  # noqa: N801 - reads as a verb where it is used
    """Pass this argument as it is: it is not searched for futures, nor coerced.

    Saves the walk through a large collection. Dependencies inside it are not seen.
    """

    __slots__ = ()

    def unquote(self) -> T:
        """The value without its mark."""
        return self.value


class _NotSet(Enum):
    NOT_SET = "NotSet"

    def __repr__(self) -> str:
        return "NotSet"

    def __bool__(self) -> bool:
        return False


#: Tells "not given" from `None`.
NotSet: Final = _NotSet.NOT_SET
#: For annotations: `int | None | NotSetType = NotSet`.
NotSetType = _NotSet


def unwrap(value: Any) -> Any:
    """The value inside any marks around it; any other value as it is."""
    while isinstance(value, BaseAnnotation):
        value = value.unwrap()
    return value
