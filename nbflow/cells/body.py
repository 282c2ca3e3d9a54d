"""The code of a cell, compiled once and run in whatever namespace it is given.

This module decides how a cell's text becomes code: with the line numbers of the cell as
people see it, its last expression apart so that it can be shown, and top-level `await`. It
must not know IPython, tasks or where the namespace comes from.
"""

from __future__ import annotations

import ast
import asyncio
import contextvars
import functools
import inspect
import linecache
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any

from nbflow.hashing.syntax import patiently

Transform = Callable[[ast.Module], ast.Module]


@dataclass(frozen=True, slots=True)
class CompiledBody:
    """The two halves of a cell's code."""

    statements: CodeType | None
    #: The last expression, whose value a cell displays.
    last: CodeType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBody:
    """A cell's code as text, and all that compiling it takes."""

    #: The whole cell, as tracebacks show it.
    cell: str
    #: The body as it was written, without the line of the magic.
    text: str
    #: The body as Python: line magics and shell lines turned into calls.
    python: str
    #: Lines of the cell above the body's first one.
    header: int
    filename: str
    #: `from __future__` imports of earlier cells.
    flags: int = 0
    #: False when a semicolon at the end asks for silence.
    shows_last: bool = True
    #: True: show the value of an assignment at the end, too (IPython's `last_expr_or_assign`).
    shows_assignment: bool = False

    def compile(self, transform: Transform | None = None) -> CompiledBody:
        """The code; raises `SyntaxError` with the cell's own line numbers."""
        if transform is None:
            return _compiled(self, None)
        return _compiled.__wrapped__(self, transform)

    def remember_source(self) -> None:
        """Let tracebacks find the cell's lines, as Python: what shows them parses them, too."""
        above = self.cell.split("\n")[: self.header]
        source = "".join(f"# {line}\n" if line.strip() else "\n" for line in above) + self.python
        entry = (len(source), None, source.splitlines(keepends=True), self.filename)
        linecache.cache[self.filename] = entry
        # IPython keeps its cells through linecache.checkcache by this.
        getattr(linecache, "_ipython_cache", {})[self.filename] = entry

    def run(
        self,
        code: CompiledBody,
        namespace: dict[str, Any],
        show: Callable[[Any], None] | None = None,
    ) -> Any:
        """Run the code and return the value of its last expression, showing it if asked."""
        __tracebackhide__ = True
        if code.statements is not None:
            _run(code.statements, namespace)
        if code.last is None:
            return None
        value = _run(code.last, namespace)
        if show is not None and self.shows_last:
            show(value)
        return value


@functools.lru_cache(maxsize=256)
def _compiled(body: CellBody, transform: Transform | None) -> CompiledBody:
    # Empty lines stand for the header, so that every number is the cell's own.
    source = "\n" * body.header + body.python
    flags = body.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    parsed = _parsed(source, body.filename, flags)
    tree: ast.Module = parsed if transform is None else transform(parsed)
    statements, last = _split(tree, assignments=body.shows_assignment)

    def code(node: ast.Module | ast.Expression, mode: str) -> CodeType:
        made: CodeType = compile(
            ast.fix_missing_locations(node), body.filename, mode, flags, dont_inherit=True
        )
        return made

    return CompiledBody(
        code(statements, "exec") if statements.body else None,
        code(last, "eval") if last is not None else None,
    )


def _parsed(source: str, filename: str, flags: int) -> ast.Module:
    only_read = flags | ast.PyCF_ONLY_AST
    read = partial(compile, source, filename, "exec", only_read, dont_inherit=True)
    tree: Any = patiently(read)
    assert isinstance(tree, ast.Module)
    return tree


def _split(tree: ast.Module, *, assignments: bool) -> tuple[ast.Module, ast.Expression | None]:
    """The statements before the last expression, and that."""
    body = list(tree.body)
    if assignments and body and (name := _assigned_name(body[-1])) is not None:
        shown = ast.Name(name, ast.Load())
        body.append(ast.copy_location(ast.Expr(ast.copy_location(shown, body[-1])), body[-1]))
    if not body or not isinstance(body[-1], ast.Expr):
        return ast.Module(body, tree.type_ignores), None
    last = body.pop()
    assert isinstance(last, ast.Expr)
    return ast.Module(body, tree.type_ignores), ast.Expression(last.value)


def _assigned_name(node: ast.stmt) -> str | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.AugAssign(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _run(code: CodeType, namespace: dict[str, Any]) -> Any:
    __tracebackhide__ = True
    value = eval(code, namespace)  # noqa: S307 - running the user's cell is the purpose
    if code.co_flags & inspect.CO_COROUTINE:
        return _awaited(value)
    return value


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The value of a cell with top-level `await`, in an event loop of its own.

    A kernel's own loop is busy running the magic that brought us here.
    """
    __tracebackhide__ = True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[Any] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.extend((True, context.run(asyncio.run, coroutine)))
        except BaseException as error:  # noqa: BLE001 - the user's code; raised again below
            outcome.extend((False, error))

    thread = threading.Thread(target=work, name="nbflow-await", daemon=True)
    thread.start()
    thread.join()
    succeeded, value = outcome
    if not succeeded:
        raise value
    return value
