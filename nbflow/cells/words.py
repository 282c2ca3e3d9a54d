"""The words of a magic's line, and a text as one of them.

This module decides what quotes and backslashes mean there. It must not know what words are for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from nbflow.exceptions import MagicUsageError
from nbflow.wording import one_line

_WORD: Final = re.compile(r"""(?:[^\s'"\\]|\\(?s:.)|\\$|'[^']*'|"(?:\\(?s:.)|[^"\\])*")+""")
_QUOTED: Final = re.compile(r"""\\([\s'"\\])|'([^']*)'|"((?:\\.|[^"\\])*)\"""")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line: as written, as meant, and where it begins."""

    raw: str
    text: str
    start: int


def split_words(line: str) -> list[Word]:
    """The words of a line; quotes hold words together.

    A backslash stands for itself unless a space, a quote or another backslash follows, so
    that Windows paths and regular expressions need no care. Raises `MagicUsageError` for a
    quote without its partner.
    """
    words, end = [], 0
    for match in _WORD.finditer(line):
        if line[end : match.start()].strip():
            break
        words.append(Word(match[0], _unquoted(match[0]), match.start()))
        end = match.end()
    if line[end:].strip():
        rest = line[end:].strip()
        raise MagicUsageError(f"The quote {rest[0]} in {one_line(rest)} has no partner.")
    return words


def _unquoted(raw: str) -> str:
    return _QUOTED.sub(_inside, raw)


def _inside(match: re.Match[str]) -> str:
    escaped, single, double = match.groups()
    if escaped is not None:
        return escaped
    return single if single is not None else re.sub(r'\\(["\\])', r"\1", double)


def quoted(text: str) -> str:
    """The text as one word of a line."""
    if text and not re.search(r"[\s'\"\\]", text):
        return text
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
