"""Markdown as comments and docstrings.

This module decides how a notebook's words look in a module. It must not know code.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

WIDTH: Final = 100
_HEADING: Final = re.compile(r"#{1,6}\s+(?P<text>.*?)\s*#*$")
#: Lines that belong where they are: lists, tables, quotes, code.
_FIXED: Final = re.compile(r"\s*([-*+>|]|\d+[.)])\s|\s{4}|\||```|~~~")


def paragraphs(markdown: Iterable[str]) -> list[str]:
    """The paragraphs of markdown texts; headings without their marks, each a paragraph."""
    return [part for text in markdown for part in _paragraphs(text)]


def _paragraphs(text: str) -> Iterator[str]:
    lines: list[str] = []
    fenced = False
    for line in [*text.strip("\n").split("\n"), ""]:
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line.strip())
        if heading or (not line.strip() and not fenced):
            if lines:
                yield "\n".join(lines)
            lines = []
            if heading:
                yield heading["text"]
        else:
            lines.append(line.rstrip())
    if lines:
        yield "\n".join(lines)


def wrapped(paragraph: str, width: int) -> list[str]:
    """The paragraph in lines of at most `width`, its lists, tables and code left alone."""
    if any(_FIXED.match(line) for line in paragraph.split("\n")):
        return paragraph.split("\n")
    return textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)


def comment(markdown: Iterable[str], indent: str) -> str:
    """The markdown as comment lines."""
    blocks = [wrapped(each, WIDTH - len(indent) - 2) for each in paragraphs(markdown)]
    lines = [line for block in blocks for line in ("", *block)][1:]
    return "".join(f"{indent}# {line}".rstrip() + "\n" for line in lines)


def docstring(texts: Iterable[str], indent: str) -> str:
    """The paragraphs as a docstring; empty when they are none."""
    blocks = [wrapped(each, WIDTH - len(indent)) for each in texts]
    if not blocks:
        return ""
    first = _as_sentence(" ".join(blocks[0]))
    lines = wrapped(first, WIDTH - len(indent) - 3)
    for block in blocks[1:]:
        lines += ["", *block]
    lines = [line.replace("\\", "\\\\").replace('"""', "'''") for line in lines]
    if len(lines) == 1 and len(lines[0]) + len(indent) + 6 <= WIDTH:
        return f'{indent}"""{_closed(lines[0])}"""\n'
    text = "\n".join(f"{indent}{line}".rstrip() for line in lines[1:])
    return f'{indent}"""{lines[0]}\n{text}\n{indent}"""\n'


def _as_sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?:;…\"'`)" else f"{text}."


def _closed(line: str) -> str:
    """A docstring cannot end with a quote of its own kind."""
    return f"{line} " if line.endswith('"') else line
