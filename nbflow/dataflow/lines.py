"""Logical lines of a cell, magics among them, and what IPython puts into such lines.

This module decides where lines end and which of them are magics. It must not know what the
magics mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .names import parse

CELL_MAGIC = re.compile(r"(?:[ \t]*(?:\#[^\n]*)?\n)*%%(?P<name>\S+)(?P<rest>[^\n]*)(?:\n|$)")
ESCAPE = re.compile(r"(?P<indent>[ \t]*)(?P<escape>!!|\?\?|[!%?,;/])(?P<rest>.*)", re.DOTALL)
HELP = re.compile(r"[ \t]*%{0,2}(?P<target>[^\W\d][\w*]*(?:\.[^\W\d][\w*]*|\[-?\d+\])*)\?\??\s*$")
ASSIGNED = re.compile(r"\s*(?P<escape>%(?=[A-Za-z_])|!(?!=))(?P<rest>.*)", re.DOTALL)
_TOKEN = re.compile(
    r"""
    (?:\"{3}(?:\\.|(?!\"{3})[^\\])*(?:\"{3}|\Z))     # strings; an open one runs to the end
    | (?:'{3}(?:\\.|(?!'{3})[^\\])*(?:'{3}|\Z))
    | (?:"(?:\\.|[^"\\\n])*"?)
    | (?:'(?:\\.|[^'\\\n])*'?)
    | (?P<comment>\#[^\n]*)
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<newline>\n)
    | (?P<assign>(?<![=!<>:+\-*/%&|^@~])=(?!=))
    | \\. | [^"'#()\[\]{}\\\n=]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One logical line."""

    text: str
    line: int
    #: Where the right side of its first plain assignment starts; 0 when there is none.
    right: int = 0


def statements(text: str, line: int) -> Iterator[Statement]:
    """Cut text into logical lines; a line that starts as a magic ends where a shell line ends."""
    position = 0
    while position < len(text):
        end, right = _end_of(text, position)
        piece = text[position:end]
        yield Statement(piece, line, right and right - position)
        line += piece.count("\n")
        position = end


def _end_of(text: str, start: int) -> tuple[int, int]:
    if ESCAPE.match(text, start):
        return _end_of_shell_line(text, start), 0
    depth, assigned = 0, 0
    for token in _TOKEN.finditer(text, start):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "newline" and not depth:
            return token.end(), assigned
        elif kind == "assign" and not depth and not assigned:
            assigned = token.end()
            if ASSIGNED.match(text, assigned):
                return _end_of_shell_line(text, start), assigned
    return len(text), assigned


def _end_of_shell_line(text: str, start: int) -> int:
    """Shell lines and magics end with the line, unless a backslash continues them."""
    end = text.find("\n", start)
    while end > 0 and text[end - 1] == "\\":
        end = text.find("\n", end + 1)
    return len(text) if end < 0 else end + 1


# ── interpolation ────────────────────────────────────────────────────────────────────────

_DOLLAR = re.compile(r"(?<![\\$])\$([A-Za-z_]\w*)")
_BRACES = re.compile(r"\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")


def interpolations(text: str) -> list[str]:
    """The Python expressions that IPython puts into a shell or magic line."""
    found = list(_DOLLAR.findall(text))
    for inside in _BRACES.findall(text.replace("{{", "").replace("}}", "")):
        expression = re.sub(r"(?:![rsa])?(?::[^:\[\]()'\"]*)?$", "", inside).strip()
        if is_expression(expression):
            found.append(expression)
    return found


def is_expression(text: str) -> bool:
    """True for one Python expression."""
    try:
        tree = parse(f"({text}\n)").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(tree) == 1 and bool(text.strip())


def is_python(text: str) -> bool:
    """True for Python statements; nothing at all is none."""
    try:
        return bool(parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
