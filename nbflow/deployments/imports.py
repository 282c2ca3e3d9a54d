"""Which files a file needs: the local modules that it imports, and what these import.

This module decides which names in code stand for files beside it. It reads code and never
runs it, so names that are computed are not found. It must not know archives.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from nbflow.dataflow import to_python
from nbflow.exceptions import NotebookError
from nbflow.notebooks.document import read_notebook

#: `%run steps.py` and `%load_ext steps`; options of `%run` come before the file.
_RUN: Final = re.compile(r"^\s*%run\s+(?:-[a-zA-Z]\s+)*(['\"]?)(?P<file>[^\s'\"]+)\1", re.MULTILINE)
_EXTENSION: Final = re.compile(r"^\s*%(?:re)?load_ext\s+(?P<module>[\w.]+)", re.MULTILINE)
#: Functions whose first argument, when it is a text, is a module or a notebook.
_TAKES_MODULE: Final = frozenset({"import_module", "__import__"})
_TAKES_NOTEBOOK: Final = frozenset({"notebook", "NotebookFlow"})


def needed_files(file: Path, root: Path) -> set[Path]:
    """The files inside of `root` that a file needs, itself included.

    Modules are looked for in `root`, as Python does for a script or notebook that lies there.
    """
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _needs(path, root)
    return found


def _needs(path: Path, root: Path) -> Iterator[Path]:
    text, magics = _code(path)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # whoever runs it will be told
        return
    for name in [*_imported(tree, path, root), *_EXTENSION.findall(magics)]:
        yield from _module_files(root, name)
    for place in _places(tree, magics):
        candidate = root / place
        if candidate.is_file() and candidate.resolve().is_relative_to(root.resolve()):
            yield candidate


def _code(path: Path) -> tuple[str, str]:
    """The Python of a file, and the text in which its magics stand."""
    if path.suffix == ".ipynb":
        try:
            cells = read_notebook(path).cells
        except NotebookError:
            return "", ""
        sources = [cell.source for cell in cells if cell.cell_type == "code"]
        return "\n".join(_valid(to_python(source).python) for source in sources), "\n".join(sources)
    if path.suffix != ".py":
        return "", ""
    try:
        return path.read_text(encoding="utf-8"), ""
    except (OSError, UnicodeDecodeError):
        return "", ""


def _valid(python: str) -> str:
    """A cell's Python, or nothing: one broken cell does not hide the imports of the others."""
    try:
        ast.parse(python)
    except (SyntaxError, ValueError):
        return ""
    return python


# ── names ────────────────────────────────────────────────────────────────────────────────


def _imported(tree: ast.Module, path: Path, root: Path) -> Iterator[str]:
    """The dotted names of modules that code may import, seen from `root`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = _start(path, root, level)
                if start is None:
                    continue
                parts = ".".join(part for part in (start, module) if part)
                yield from ([parts] if parts else [])
                # What is imported from a package may be a module of it.
                yield from (f"{parts}.{each.name}".lstrip(".") for each in names)
            case ast.Call() if _called(node) in _TAKES_MODULE:
                yield from _texts(node)


def _start(path: Path, root: Path, level: int) -> str | None:
    """The package that the dots of a relative import mean; "" is the root, None outside of it."""
    if level == 0:
        return ""
    folder = path.parent
    for _ in range(level - 1):
        folder = folder.parent
    if not folder.is_relative_to(root):
        return None
    return ".".join(folder.relative_to(root).parts)


def _places(tree: ast.Module, magics: str) -> Iterator[str]:
    """Files that are named by a path."""
    yield from (match["file"] for match in _RUN.finditer(magics))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _TAKES_NOTEBOOK:
            yield from _texts(node)


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _texts(node: ast.Call) -> Iterable[str]:
    match node.args:
        case [ast.Constant(value=str(text)), *_]:
            return [text]
    return []


# ── files ────────────────────────────────────────────────────────────────────────────────


def _module_files(root: Path, name: str) -> Iterator[Path]:
    """The files of a module and of the packages around it; none when it is not local."""
    if name.partition(".")[0] == "nbflow":  # a checkout beside the file is the worker's, not its
        return
    folder = root
    for part in name.split("."):
        if not part.isidentifier():
            return
        package = folder / part / "__init__.py"
        module = folder / f"{part}.py"
        if package.is_file():
            yield package
        elif module.is_file():
            yield module
            return
        elif not (folder / part).is_dir():
            return
        folder = folder / part
