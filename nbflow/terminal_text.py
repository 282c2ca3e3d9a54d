"""What of a notebook's printed text may reach a terminal, and how it reads there.

This module decides which characters are let through: colours when they are wanted, nothing
that moves the cursor, renames the window or clears the screen. It must not know runs or
where text goes.
"""

from __future__ import annotations

import re
from typing import Final

from nbflow.wording import ESCAPES, one_line

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_RESET: Final = re.compile(r"\x1b\[0*m")
#: Remaining C0 and C1 controls (tabs are expanded first, line ends split first).
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]")
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]*\Z")

DIM: Final = "\x1b[2m"
RESET: Final = "\x1b[0m"


def printed_lines(message: str, *, colours: bool) -> list[str]:
    """The lines a terminal would end up showing for printed text.

    Text that was overwritten after a carriage return (a progress bar) is left out, other
    control sequences are removed, and colours stay only when asked for.
    """
    if _PLAIN.match(message):  # nearly all lines, so it pays
        return [message]
    lines = message.replace("\r\n", "\n").rstrip("\n").split("\n")
    return [_clean(_overwritten(line), colours=colours) for line in lines]


def plain_line(text: str) -> str:
    """The text on one line, without colours, control characters, or what reorders letters."""
    line = " ".join(printed_lines(text, colours=False))
    return " ".join(line.split()) if line.isascii() else one_line(line)


def dimmed(line: str) -> str:
    """The line in faint type, also after its own colours end."""
    return f"{DIM}{_RESET.sub(RESET + DIM, line)}{RESET}"


def _overwritten(line: str) -> str:
    # A trailing return has not overwritten anything yet.
    return line.rstrip("\r").rpartition("\r")[2]


def _clean(line: str, *, colours: bool) -> str:
    kept = ESCAPES.sub(lambda found: found[0] if _keeps(found[0], colours) else "", line)
    kept = _CONTROLS.sub("", kept.expandtabs(8))
    # A colour left open would run into what follows.
    return f"{kept}{RESET}" if colours and _COLOUR.search(kept) else kept


def _keeps(sequence: str, colours: bool) -> bool:
    return colours and _COLOUR.fullmatch(sequence) is not None
