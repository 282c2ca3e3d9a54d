"""Lengths of time as people type them: `90`, `90s`, `15m`, `1h30m`, `2d`.

This module decides that spelling only. It must not know options, settings or what the time
is for; `wording.duration` is the other direction.
"""

from __future__ import annotations

import math
import re
from typing import Final

_SECONDS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}
_NUMBER: Final = r"\d+(?:\.\d*)?(?:e[+-]?\d+)?"
_PART: Final = re.compile(rf"({_NUMBER})\s*(ms|[smhdw])")
_WHOLE: Final = re.compile(rf"-?(?:(?:{_NUMBER}\s*(?:ms|[smhdw])\s*)+|{_NUMBER})")


def read_duration(text: str) -> float:
    """The seconds that `90`, `90s`, `15m`, `1h30m`, `2d` mean.

    A bare number is seconds; a leading minus makes the whole negative. Raises `ValueError`
    with a sentence that tells how to write it.
    """
    plain = text.strip().lower()
    if not _WHOLE.fullmatch(plain):
        raise ValueError(f"{text!r} is no length of time; write 90s, 15m, 2h or 1d")
    sign, size = (-1.0, plain[1:]) if plain.startswith("-") else (1.0, plain)
    parts = _PART.findall(size)
    seconds = sum(float(n) * _SECONDS[unit] for n, unit in parts) if parts else float(size)
    if not math.isfinite(seconds):
        raise ValueError(f"{text!r} is too long")
    return sign * seconds
