"""A failure's story as the user should read it: starting at their own line.

This module decides which frames are the user's. It must not know runs.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import Final

_OURS: Final = str(Path(__file__).resolve().parents[1])


def user_traceback(error: BaseException) -> str:
    """The formatted traceback without the engine's frames above the user's first one."""
    lines = traceback.format_exception(type(error), error, trim(error.__traceback__))
    return "".join(lines).rstrip()


def trim(tb: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not the engine's; None if none is."""
    first = tb
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_OURS):
        first = first.tb_next
    return first
