"""The kinds of values that options of a magic's line take.

This module decides how each is written, and what is said of one that is none. It must not know
which options there are.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any, Final

import click

from nbflow.durations import read_duration
from nbflow.wording import one_line

#: Where a cell's task, or the tasks of a flow, may execute.
RUNNERS: Final = ("thread", "process", "sequential")


class Seconds(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """A length of time: 30, 90s, 15m, 2h, 1d."""

    name = "seconds"

    def __init__(self, *, zero: bool, bare: bool = False) -> None:
        #: Whether no time at all is a sensible answer.
        self.zero = zero
        #: Whether the option may stand alone; then it means for ever.
        self.bare = bare

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the value, or fail with a sentence about it."""
        if self.bare and value == "":  # the option stands alone
            return math.inf
        try:
            seconds = read_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds < 0 or (seconds == 0 and not self.zero):
            self.fail(f"{value} is not more than zero" if not self.zero else f"{value} is negative")
        return seconds


class Count(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """A whole number, zero or more."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the value, or fail with a sentence about it."""
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"{value!r} is no whole number", param, ctx)
        if number < 0:
            self.fail(f"{number} is negative; write 0 or more", param, ctx)
        return number


class Runner(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """Where to execute."""

    name = "runner"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the value, or fail with the choices."""
        word = str(value).lower()
        if word not in RUNNERS:
            near = difflib.get_close_matches(word, RUNNERS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose {_either(RUNNERS)}"
            self.fail(f"{value!r} is no runner; {hint}", param, ctx)
        return word


class DisplayName(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """What a cell is called: any words on one line."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the value, or fail with a sentence about it."""
        text = str(value)
        if not text.strip() or one_line(text) != text:
            self.fail(f"{text!r} is no name; write a word, or words in quotes", param, ctx)
        return text


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
