"""What a code cell is called and what it is for, read off its text and tags.

This module decides names only. It must not know documents, kernels or other cells, but for
the heading above and the names already taken.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from nbflow.dataflow.names import parse
from nbflow.notebooks.events import CellKind

_LONGEST_NAME: Final = 60
_CELL_MAGIC: Final = re.compile(
    r"\A\s*%%(?P<magic>\w+)[ \t]*(?P<rest>[^\n]*)\n?(?P<body>.*)", re.DOTALL
)
#: The name stands first, but for flags: options with values come after it.
_MAGIC_NAME: Final = re.compile(
    r"""(?:--(?:submit|no-run|define)\s+)*(?:(?P<quote>['"])(?P<quoted>.+?)(?P=quote)"""
    r"""|(?P<plain>[^-\s'"]\S*))"""
)
_DESCRIPTION: Final = re.compile(r"papermill_description=(?P<text>[^\n]+)")
_NAMING_TAG: Final = re.compile(r"(?:task|step):(?P<name>.+)")
_HEADING: Final = re.compile(r"^\s{0,3}#{1,6}\s+(?P<text>.+?)\s*#*\s*$", re.MULTILINE)
_MARKUP: Final = re.compile(r"[*_`]+|\[(?P<text>[^\]]*)\]\([^)]*\)")
#: Tags that people write into headings; not `List<int>`.
_HTML_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|big|br|center|code|del|div|em|font|h[1-6]|i|img|kbd|mark|p|s|small|span"
    r"|strong|sub|sup|u)(?:\s+[\w-]+\s*=[^<>]*)?\s*/?>",
    re.IGNORECASE,
)
#: What starts a comment in Python, R, Julia, JavaScript, C, Lisp…; `#include` is none.
_COMMENT_MARK: Final = re.compile(r"^(?:#+|//+|;+|--+|%+)\s+")
#: Functions that say nothing of a cell but that it shows something.
_SHOWING: Final = frozenset({"print", "display"})
_LINE_MAGIC: Final = re.compile(r"^(?P<indent>\s*)[%!?].*$", re.MULTILINE)
#: Cell magics whose body is still this kernel's Python.
_TRANSPARENT: Final = frozenset({"task", "flow", "time", "timeit", "capture", "prun"})


def kind_of(source: str, tags: AbstractSet[str]) -> CellKind:
    """What the cell is for."""
    if "injected-parameters" in tags:
        return CellKind.INJECTED
    if "parameters" in tags:
        return CellKind.PARAMETERS
    magic = _CELL_MAGIC.match(source)
    if magic is None:
        return CellKind.PLAIN
    return {"task": CellKind.TASK, "flow": CellKind.FLOW}.get(magic["magic"], CellKind.MAGIC)


def heading_of(markdown: str) -> str | None:
    """The last heading of a markdown cell, without markup."""
    found = _HEADING.findall(markdown)
    if not found:
        return None
    plain = _HTML_TAG.sub("", found[-1])
    return _MARKUP.sub(lambda m: m["text"] or "", plain).strip() or None


def name_of(source: str, tags: AbstractSet[str], heading: str | None) -> str:
    """The best name for a cell: the user's own words first, then what its code does first."""
    candidates = (
        _magic_name(source),
        _tag_name(tags),
        _description(source),
        _special_name(tags),
        heading,
        _code_name(source),
    )
    name = next(filter(None, candidates), None) or "cell"
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def unique(name: str, taken: AbstractSet[str]) -> str:
    """The name, or the name with the first number that makes it new: `load (2)`."""
    if name not in taken:
        return name
    number = next(n for n in range(2, len(taken) + 3) if f"{name} ({n})" not in taken)
    return f"{name} ({number})"


def _magic_name(source: str) -> str | None:
    match = _CELL_MAGIC.match(source)
    if match is None or match["magic"] not in {"task", "flow"}:
        return None
    name = _MAGIC_NAME.match(match["rest"])
    return (name["quoted"] or name["plain"]) if name else None


def _tag_name(tags: AbstractSet[str]) -> str | None:
    matches = filter(None, (_NAMING_TAG.fullmatch(tag) for tag in sorted(tags)))
    return next((m["name"].strip() for m in matches), None)


def _description(source: str) -> str | None:
    match = _DESCRIPTION.search(source)
    return match["text"].strip() if match else None


def _special_name(tags: AbstractSet[str]) -> str | None:
    if "injected-parameters" in tags:
        return "injected parameters"
    return "parameters" if "parameters" in tags else None


def _code_name(source: str) -> str:
    match = _CELL_MAGIC.match(source)
    if match is not None and match["magic"] not in _TRANSPARENT:
        return f"%%{match['magic']} {_first_line(match['body'])}".strip()
    body = match["body"] if match else source
    try:
        return _python_name(body)
    except (SyntaxError, ValueError):  # another language, or broken code
        return _first_line(body)
    except (RecursionError, MemoryError):  # code of a machine, nested too deeply
        return _first_line(body)


def _python_name(body: str) -> str:
    tree = parse(_LINE_MAGIC.sub(r"\g<indent>pass", body))
    return next(_names_by_worth(tree), None) or _first_line(_first_code(tree) or body)


def _first_line(text: str) -> str:
    """The first line that says anything, without what marks it as a comment."""
    lines = (_COMMENT_MARK.sub("", line.strip()) for line in text.splitlines())
    return next((line for line in lines if re.search(r"\w", line)), "")


def _first_code(tree: ast.Module) -> str:
    """The first statement on as few lines as it takes; comments and magics are none."""
    statements = (node for node in tree.body if not isinstance(node, ast.Pass))
    return next(map(ast.unparse, statements), "")


def _names_by_worth(tree: ast.Module) -> Iterator[str]:
    yield from filter(None, map(_assigned, tree.body))
    yield from filter(None, map(_called, tree.body))
    yield from filter(None, map(_imported, tree.body))


def _assigned(node: ast.stmt) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[target, *_]):
            return _target(target)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return _target(target)
    return None


def _target(target: ast.expr) -> str | None:
    match target:
        case ast.Name(id=name):
            return None if name.startswith("_") else name
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return ", ".join(filter(None, map(_target, elements))) or None
        case ast.Subscript() | ast.Attribute():
            return ast.unparse(target)
    return None


def _called(node: ast.stmt) -> str | None:
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    if not isinstance(value, ast.Call):
        return None
    name = _dotted(value.func)
    return _first_line(ast.unparse(value)) if name in _SHOWING else name


def _dotted(function: ast.expr) -> str | None:
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Call(func=inner), attr=attr):
            return f"{_dotted(inner)}().{attr}"
        case ast.Attribute(value=owner, attr=attr):
            outer = _dotted(owner)
            return f"{outer}.{attr}" if outer else attr
    return None


def _imported(node: ast.stmt) -> str | None:
    match node:
        case ast.Import(names=[alias, *_]):
            return f"import {alias.name}"
        case ast.ImportFrom(module=module):
            return f"import {module or '.'}"
    return None
