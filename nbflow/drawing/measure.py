"""How wide text will be, without a font at hand.

This module decides widths from a small table of the widest of the usual UI fonts, so that
text fits in any of them. It must not know what the text is for.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_CLASSES: Final = (
    ("ijl'|", 0.28),
    (".,:;I![]()f/\\·", 0.35),
    (' trJ-"`', 0.41),
    ("sczkvxy_", 0.55),
    ("w~+=<>%&@", 0.83),
    ("mMW", 0.98),
    ("…", 1.0),
)
#: Widths in parts of the font size.
_WIDTHS: Final = {char: width for chars, width in _CLASSES for char in chars}
_LOWER, _DIGIT, _UPPER, _WIDE, _EMOJI = 0.62, 0.64, 0.70, 1.02, 1.35
_FIRST_EMOJI: Final = 0x1F000


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The width in pixels that the text takes at most in a UI font of `size` pixels."""
    return sum(map(_char_width, text)) * size * (1.1 if bold else 1.0)


def _char_width(char: str) -> float:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if char.isascii():
        return _DIGIT if char.isdigit() else _UPPER if char.isupper() else _LOWER
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0.0
    if ord(char) >= _FIRST_EMOJI:
        return _EMOJI
    return _WIDE if unicodedata.east_asian_width(char) in "WF" else _UPPER
