"""The imports at the head of an exported module.

This module decides how they are merged, grouped and sorted. It must not know what uses them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Sequence

from nbflow.export.hoisting import import_keys, is_star, modules_of
from nbflow.export.magics import Ours
from nbflow.export.pieces import Piece


def import_block(pieces: Sequence[Piece], ours: Ours) -> str:
    """The notebook's imports, and those that the exported code needs besides."""
    lines = _split_imports(pieces)
    known = {key for piece in pieces for key in _bindings(piece)}
    own = (_import_of(what, name) for name, what in ours.used.items())
    lines += [line for line in own if not set(_bindings_of(line)) <= known]
    return _grouped(lines)


def _import_of(what: str, name: str) -> str:
    module, _, attribute = what.partition(":")
    if attribute:
        alias = "" if attribute == name else f" as {name}"
        return f"from {module} import {attribute}{alias}"
    return f"import {module}" + ("" if module == name else f" as {name}")


def _bindings(piece: Piece) -> Iterable[tuple[str, str]]:
    return import_keys(piece.node).items()


def _bindings_of(line: str) -> Iterable[tuple[str, str]]:
    return import_keys(ast.parse(line).body[0]).items()


def _split_imports(pieces: Iterable[Piece]) -> list[str]:
    """One statement each; names that an earlier one brought are left out."""
    lines: list[str] = []
    known: set[tuple[str, str, str]] = set()
    for piece in pieces:
        node = piece.node
        assert isinstance(node, ast.Import | ast.ImportFrom)
        module = (
            ("." * node.level + (node.module or "")) if isinstance(node, ast.ImportFrom) else ""
        )
        new = [a for a in node.names if (module, a.name, a.asname or "") not in known]
        known |= {(module, a.name, a.asname or "") for a in node.names}
        if len(new) == len(node.names) and (module or len(new) == 1):
            lines.append(piece.source)
            continue
        spelled = [f"{a.name} as {a.asname}" if a.asname else a.name for a in new]
        lines += (
            [f"from {module} import {', '.join(spelled)}"]
            if module and spelled
            else [f"import {each}" for each in spelled]
        )
    return lines


def _grouped(lines: list[str]) -> str:
    """The imports in groups: what Python brings, libraries, the notebook's own order inside."""
    groups: dict[int, list[str]] = {}
    merged = _merged(lines)
    if any(is_star(ast.parse(line).body[0]) for line in merged):
        groups[1] = [line for line in merged if "__future__" not in line]
        groups[0] = [line for line in merged if "__future__" in line]
    else:
        for line in merged:
            groups.setdefault(_group(line), []).append(line)
        groups = {key: sorted(group, key=_place_in_group) for key, group in groups.items()}
    return "\n".join("\n".join(groups[key]) + "\n" for key in sorted(groups) if groups[key])


def _place_in_group(line: str) -> tuple[bool, str]:
    node = ast.parse(line).body[0]
    if isinstance(node, ast.ImportFrom):
        return True, "." * node.level + (node.module or "").lower()
    return False, modules_of(node)[0].lower()  # type: ignore[arg-type]


def _merged(lines: list[str]) -> list[str]:
    """One `from m import …` where ours would stand beside the notebook's."""
    found: dict[str, str] = {}
    for line in lines:
        match = re.fullmatch(r"from ([\w.]+) import ([\w, ]+)", line)
        key = match[1] if match else line
        if (
            match
            and key in found
            and (old := re.fullmatch(r"from [\w.]+ import ([\w, ]+)", found[key]))
        ):
            names = sorted({*old[1].split(", "), *match[2].split(", ")})
            found[key] = f"from {key} import {', '.join(names)}"
        elif match and key in found:
            found[line] = line
        else:
            found[key] = line
    return list(found.values())


def _group(line: str) -> int:
    node = ast.parse(line).body[0]
    assert isinstance(node, ast.Import | ast.ImportFrom)
    modules = modules_of(node)
    if "__future__" in modules:
        return 0
    return 1 if all(module in sys.stdlib_module_names for module in modules) else 2
