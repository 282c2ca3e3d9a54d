"""Where the command's words go, and in which colours.

This module decides how a state looks on a terminal and when colours are used. Its colours are
those of the user's own terminal theme, by role, so that they are readable on light and dark
alike (docs/decisions/0060-terminal-colours.md). It must not know what is shown.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Literal, TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from nbflow.states import State, StateType, look_of
from nbflow.wording import ago, state_word

#: The roles of `states.LOOKS` as colours of the terminal's theme.
STYLE_OF_ROLE: Final = {
    "slate": "bright_black",
    "amber": "yellow",
    "blue": "blue",
    "green": "green",
    "teal": "cyan",
    "red": "red",
    "orange": "dark_orange",
    "stone": "bright_black",
    "violet": "magenta",
    "border": "bright_black",
}


#: Columns of what has no width.
UNBOUNDED: Final = 10_000


class _Console(Console):
    """Writes what belongs together at once, from whichever thread.

    Rich moves the cursor to the top of a live display, then draws: two threads that do so at
    the same time (a flow that prints, a display that is refreshed) would leave torn lines.
    """

    def __init__(self, **options: Any) -> None:
        self._whole = threading.RLock()
        super().__init__(**options)

    def __enter__(self) -> Console:
        self._whole.acquire()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        try:
            super().__exit__(*error)
        finally:
            self._whole.release()

    def on_broken_pipe(self) -> None:
        """Leave it to the caller whether a reader that went away ends anything."""
        raise BrokenPipeError


class Sheet(io.StringIO):
    """Takes what a command writes, colours included, to be shown as a whole elsewhere.

    Put in the place of standard output, it is written to as to a terminal of its width.
    """

    columns: Final = 100


def plain_table(*titles: str, right: Collection[str] = (), fold: bool = False) -> Table:
    """An empty table without lines, as all lists of the commands are.

    Args:
        titles: Of its columns.
        right: Those of numbers, which stand at the right.
        fold: Whether cells break into lines where the terminal is narrow; else they are cut.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        side: Literal["right", "left"] = "right" if title in right else "left"
        overflow: Literal["fold", "ellipsis"] = "fold" if fold else "ellipsis"
        table.add_column(title, no_wrap=not fold, justify=side, overflow=overflow)
    return table


def make_console(*, colour: bool = True, file: TextIO | None = None) -> Console:
    """A console on standard output, or `file`; rich itself minds NO_COLOR and FORCE_COLOR."""
    plain: dict[str, Any] = {"highlight": False, "emoji": False, "markup": False}
    no_color = None if colour else True
    out = file or sys.stdout
    if isinstance(out, Sheet):
        plain |= {"force_terminal": True, "color_system": "standard", "legacy_windows": False}
        plain |= {"width": out.columns, "no_color": no_color}
        return _Console(file=out, force_jupyter=False, **plain)
    # Rich would send each print to Jupyter as a display of its own.
    made = _Console(file=file, no_color=no_color, force_jupyter=False, **plain)
    if not made.is_terminal:  # a pipe has no width: rows stay whole
        made.width = UNBOUNDED
    return made


def say(console: Console, *what: RenderableType, wrap: bool = True) -> None:
    """Print, without the spaces that fill tables up to a width that a pipe does not have.

    With `wrap=False` long lines stay whole, so that paths in them can be copied.
    """
    if console.is_terminal:
        console.print(*what, soft_wrap=not wrap, sep="\n")
        return
    with console.capture() as capture:
        console.print(*what, soft_wrap=not wrap, sep="\n")
    lines = capture.get().splitlines()
    console.file.write("".join(f"{line.rstrip()}\n" for line in lines))


def is_live(console: Console) -> bool:
    """Whether lines can be redrawn in place there: a person watches, not a pipe or a log."""
    isatty = getattr(console.file, "isatty", None)
    return bool(isatty and isatty()) and not console.is_dumb_terminal


def shows_colours(console: Console) -> bool:
    """Whether colours of the user's own output may be passed on."""
    return console.color_system is not None and not console.no_color and not console.legacy_windows


def style_of(name: str, type_: StateType) -> str:
    """The rich style of a state."""
    return STYLE_OF_ROLE[look_of(name, type_).role]


def glyph(state: State[object]) -> Text:
    """The state's icon, in its colour."""
    return Text(look_of(state.name, state.type).glyph, style=style_of(state.name, state.type))


def state_label(state: State[object]) -> Text:
    """The state's icon and word, in its colour: `✓ completed`."""
    text = f"{look_of(state.name, state.type).glyph} {state_word(state.name)}"
    return Text(text, style=style_of(state.name, state.type))


def local_clock(moment: datetime) -> str:
    """The local time of day."""
    return f"{moment.astimezone():%H:%M:%S}"


def moment_words(moment: datetime, now: datetime) -> str:
    """A time for people: relative, then local and exact: `3 minutes ago (2026-05-03 06:00:12)`."""
    return f"{ago(moment, now)} ({moment.astimezone():%Y-%m-%d %H:%M:%S})"
