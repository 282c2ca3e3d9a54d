"""Values as every JSON reader takes them.

This module decides what becomes of text that is no Unicode, of numbers that JSON does not know,
and of what is too long to be read in a page. It must not know what values mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from nbflow.wording import counted

#: Characters of one text, such as a printed line.
LONGEST_TEXT: Final = 20_000
_DEEPEST: Final = 60


def text(words: str, limit: int = LONGEST_TEXT) -> str:
    """Text that can be sent: half a surrogate pair becomes a question mark, a novel its beginning.

    Control characters stay: JSON can say them, and whoever shows them decides.
    """
    if len(words) > limit:
        more = counted(len(words) - limit, "more character")
        words = f"{words[:limit]}… ({more})"
    return sendable(words)


def sendable(words: str) -> str:
    """The text without halves of characters, which cannot leave the kernel."""
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")


def optional(words: str | None, limit: int = LONGEST_TEXT) -> str | None:
    """The same, where there may be none."""
    return None if words is None else text(words, limit)


def plain(value: Any, depth: int = 0, *, limit: int = LONGEST_TEXT) -> Any:
    """A JSON value with text that can be sent, and NaN and infinities as text."""
    if isinstance(value, str):
        return text(value, limit)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {text(str(k)): plain(each, depth + 1, limit=limit) for k, each in value.items()}
    return [plain(each, depth + 1, limit=limit) for each in value]


def millis(moment: datetime | None) -> int | None:
    """An instant as pages count it: milliseconds since 1970."""
    return None if moment is None else round(moment.timestamp() * 1000)


def at(moment: datetime) -> int:
    """The same, where there is one."""
    return round(moment.timestamp() * 1000)
