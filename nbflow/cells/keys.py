"""When two runs of a cell are the same, so that one may take the values of the other.

This module decides the key of a cell: its code, the content of its inputs, and the code and
data that it rests on. It must not know where values are kept, nor IPython.

A key never depends on the cell's name or place. What it does not see: files, databases and
environment variables that the code reads, and names that it makes up while it runs
(`globals()[name]`).
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from nbflow.cells.records import CellInterface
from nbflow.dataflow import to_python
from nbflow.exceptions import HashError
from nbflow.flows import Flow
from nbflow.hashing import Uses, content_hash, normal_form
from nbflow.hashing.content import Parts, Unhashable
from nbflow.hashing.syntax import parse
from nbflow.hashing.uses import Place
from nbflow.models import FlowKind
from nbflow.tasks import Task

#: Change this when keys of the same cells change, so that old values are not found.
_VERSION: Final = "cell-1"
_INPUT: Final = "input"
_SKIPPED: Final = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT}
)


def cell_key(
    code: str,
    inputs: Mapping[str, Any],
    surroundings: Mapping[str, Any],
    namespace: Mapping[str, Any],
) -> str:
    """What tells a run of a cell from others, as 32 hexadecimal digits.

    Args:
        code: The cell's body as written. Comments, formatting and docstrings do not count.
        inputs: The data that it reads, by name: counts by content.
        surroundings: The functions, classes, modules and tasks that it uses, by name: count
            by code, with the functions, classes and data of the notebook that they read.
        namespace: The notebook's names, where functions look up what they read.

    Raises:
        HashError: An input, or data that a function reads, has no content that could be
            compared; one sentence names it.
    """
    return key_of(code, rested_on(code, inputs, surroundings, namespace))


def rested_on(
    code: str,
    inputs: Mapping[str, Any],
    surroundings: Mapping[str, Any],
    namespace: Mapping[str, Any],
) -> CellUses:
    """All that a cell rests on besides its own code, as it is now."""
    uses = CellUses()
    for name in sorted(inputs):
        uses.add_value((_INPUT, name), inputs[name], f"Input {name!r}")
    for name in sorted(surroundings):
        if name not in namespace or namespace[name] is not surroundings[name]:
            uses.add_value(("surroundings", name), surroundings[name], f"{name!r}")
        else:
            uses.add_name(namespace, name)
    for module in sorted(_imports(code)):
        uses.add_import(module)
    return uses


def key_of(code: str, uses: CellUses) -> str:
    """The key of a cell that rests on this."""
    return content_hash([_VERSION, normal_code(code), uses.digests()])


class CellUses(Uses):
    """What code of a notebook rests on: tasks and flows count by their functions."""

    def unwrapped(self, value: Any) -> Any:
        """The function of a task or flow: its options do not change its values."""
        if isinstance(value, (Task, Flow)) and not _is_notebook(value):
            return value.fn
        return super().unwrapped(value)

    def parts_of_code(self, value: Any) -> Parts | None:
        """What code is made of; the body of another cell is code, too."""
        if _is_notebook(value):
            return self._notebook(value)
        if type(value).__module__.startswith("nbflow.cells."):
            interface = getattr(value, "interface", None)
            if isinstance(interface, CellInterface):
                return self._cell(value, interface)
        return super().parts_of_code(value)

    def _notebook(self, flow: Any) -> Parts:
        """Another notebook: its file, wherever that can be read."""
        yield ".path", str(flow.path)
        yield ".kernel_name", flow.kernel_name
        try:
            yield "", Path(flow.path).read_bytes()
        except OSError as error:
            raise Unhashable("is a notebook whose file cannot be read", flow) from error

    def _cell(self, cell: Any, interface: CellInterface) -> Parts:
        yield "", normal_code(cell.body.python).encode()
        yield ".returns", tuple(interface.outputs)
        namespace = cell.namespace()
        for name in (*interface.inputs, *sorted(interface.surroundings)):
            self._note_read(namespace, name)


def _is_notebook(value: Any) -> bool:
    return isinstance(value, Flow) and value.kind_of_flow is FlowKind.NOTEBOOK


def described(place: Place) -> str:
    """What people call the thing at a place."""
    group, name = place
    if group == _INPUT:
        return f"its input {name!r}"
    return f"{name!r}" if name not in {"", "class"} else f"{group!r}"


# ── the code itself ──────────────────────────────────────────────────────────────────────


def normal_code(code: str) -> str:
    """A cell's code without what does not matter; lines of magics as they are written."""
    try:
        return _plain_code(code)
    except (SyntaxError, ValueError):
        pass
    cell = to_python(code)
    if cell.magic and cell.external:  # a body in another language
        return _trimmed(code)
    magics = [line.rstrip() for line in code.splitlines() if line.lstrip()[:1] in "!%?"]
    try:
        return "\n".join([_plain_code(cell.python), *magics, cell.magic, cell.magic_line])
    except (SyntaxError, ValueError):
        return _trimmed(code)


def _trimmed(code: str) -> str:
    return "\n".join(line.rstrip() for line in code.strip().splitlines())


def _plain_code(code: str) -> str:
    tree = parse(code)
    silent = bool(tree.body) and isinstance(tree.body[-1], ast.Expr) and _ends_silently(code)
    return normal_form(tree) + (";" if silent else "")


def _ends_silently(code: str) -> bool:
    """Whether a semicolon at the end keeps the last value from being shown."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, IndentationError):
        return code.rstrip().endswith(";")
    last = next((token for token in reversed(tokens) if token.type not in _SKIPPED), None)
    return last is not None and last.string == ";"


def _imports(code: str) -> Iterable[str]:
    try:
        tree = parse(to_python(code).python)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


__all__ = ["CellUses", "HashError", "cell_key", "described", "key_of", "normal_code", "rested_on"]
