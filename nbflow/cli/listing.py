"""How commands that list things answer: in JSON for programs, as a table for people.

This module decides that a list is JSON when asked for, and that an empty one says what to do
instead of showing a table without rows. It must not know what is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.table import Table

from nbflow.cli.console import make_console, say
from nbflow.cli.reports import write_json

T = TypeVar("T")


def tell_list(
    found: Sequence[T],
    *,
    as_json: Callable[[T], object],
    as_table: Callable[[Sequence[T]], Table],
    nothing: str,
    json: bool,
    colour: bool,
) -> int:
    """Tell what was found; gives the command's exit code.

    Args:
        found: The things, in their order.
        as_json: What stands for one of them in JSON.
        as_table: The table of all of them.
        nothing: The sentence where there are none: what there is not, and the first step.
        json: Whether a program reads.
        colour: Whether colours are allowed.
    """
    console = make_console(colour=colour)
    if json:
        write_json(console, [as_json(each) for each in found])
    else:
        say(console, as_table(found) if found else nothing)
    return 0
