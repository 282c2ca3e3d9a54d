"""A cell's code cut into its top-level statements, as text that can stand elsewhere.

This module decides which comments belong to a statement and how text is indented without
changing what its strings say. It must not know what statements mean.
"""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nbflow.export.names import Names, names_of


@dataclass(eq=False)
class Piece:
    """One statement with the comments above it and behind it."""

    node: ast.stmt
    #: The statement's own text.
    text: str
    #: The comment behind it.
    behind: str = ""
    #: The comment lines above it.
    above: str = ""
    #: True when a blank line stood in front of it.
    paragraph: bool = False
    #: True when it shows nothing as the last one of a cell: it ends with a semicolon.
    quiet: bool = False

    @cached_property
    def names(self) -> Names:
        """What the statement does to the notebook's names."""
        return names_of([self.node])

    @property
    def source(self) -> str:
        """The comments and the statement."""
        return f"{self.above}{self.text}{self.behind}"


@dataclass(frozen=True, slots=True)
class Cut:
    """A cell's statements, and the comments after the last one."""

    pieces: list[Piece] = field(default_factory=list)
    below: str = ""


def parsed(python: str) -> ast.Module:
    """The code of a cell, which may await; raises SyntaxError."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = compile(python, "<cell>", "exec", flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def cut(python: str) -> Cut:
    """Cut code into statements; raises SyntaxError."""
    tree = parsed(python)
    lines = python.split("\n")
    comments = _comments(python)
    pieces: list[Piece] = []
    done = 0  # lines that are in some piece
    nodes = tree.body
    for number, node in enumerate(nodes):
        first = _first_line(node)
        above = lines[done : first - 1] if first > done else []
        text = _segment(lines, node)
        last = node.end_lineno or first
        alone = number + 1 == len(nodes) or _first_line(nodes[number + 1]) > last
        rest = _tail(lines[last - 1], node) if alone else ";"
        done = last
        pieces.append(
            Piece(
                node=node,
                text=text,
                behind=f"  {comments[last]}" if alone and last in comments else "",
                above=_comment_block(above),
                paragraph=bool(above) and not above[0].strip() and bool(pieces),
                quiet=rest.lstrip().startswith(";"),
            )
        )
    return Cut(pieces, _comment_block(lines[done:]))


def _first_line(node: ast.stmt) -> int:
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(each.lineno for each in decorators)])


def _segment(lines: list[str], node: ast.stmt) -> str:
    """The statement's text; a decorated one begins with its decorators."""
    first, last = _first_line(node), node.end_lineno or node.lineno
    start = node.col_offset if first == node.lineno else 0
    part = lines[first - 1 : last]
    part[-1] = part[-1].encode()[: node.end_col_offset].decode()
    part[0] = part[0].encode()[start:].decode()
    return "\n".join(part)


def _tail(line: str, node: ast.stmt) -> str:
    return line.encode()[node.end_col_offset :].decode()


def _comment_block(lines: Sequence[str]) -> str:
    """The comments among the lines, blank ones around them left out."""
    text = "\n".join(line.strip() for line in lines).strip("\n")
    return f"{text}\n" if text else ""


def _comments(python: str) -> dict[int, str]:
    """The comment behind the code of each line."""
    tokens = tokenize.generate_tokens(io.StringIO(python).readline)
    return {
        token.start[0]: token.string
        for token in tokens
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip()
    }


# ── moving text ──────────────────────────────────────────────────────────────────────────


def indented(text: str, indent: str) -> str:
    """The text with every line indented, except for those that begin inside a string."""
    if not indent:
        return text
    fixed = lines_in_strings(text)
    return "\n".join(
        line if number in fixed or not line.strip() else indent + line
        for number, line in enumerate(text.split("\n"), start=1)
    )


def dedented(text: str) -> str:
    """The text without its common indentation, strings left alone."""
    fixed = lines_in_strings(textwrap.dedent(text)) if text else set()
    lines = text.split("\n")
    free = [line for n, line in enumerate(lines, 1) if line.strip() and n not in fixed]
    margin = min((len(line) - len(line.lstrip()) for line in free), default=0)
    return "\n".join(
        line if number in fixed else line[margin:] for number, line in enumerate(lines, 1)
    )


def lines_in_strings(text: str) -> set[int]:
    """The lines, counted from 1, that begin inside a string."""
    found: set[int] = set()
    for first, last in _strings(text):
        found.update(range(first + 1, last + 1))
    return found


def _strings(text: str) -> Iterator[tuple[int, int]]:
    starts: list[int] = []
    begin, end = (getattr(tokenize, f"FSTRING_{word}", None) for word in ("START", "END"))
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING:
                yield token.start[0], token.end[0]
            elif token.type == begin:
                starts.append(token.start[0])
            elif token.type == end:
                yield starts.pop(), token.end[0]
    except (tokenize.TokenError, IndentationError):  # a part of a statement
        return
