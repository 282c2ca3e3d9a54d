"""The flows that a Python file defines, found without importing it.

This module decides what counts as a flow in a file's text, and what is said when the one that
is meant is not there. It must not know deployments.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nbflow.exceptions import UsageError
from nbflow.parameters import Parameter, PythonFile
from nbflow.parameters.functions import FunctionNode


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFlow:
    """A flow as its text states it."""

    #: The variable that holds it.
    variable: str
    #: None when only running the file could tell.
    name: str | None
    description: str | None
    parameters: tuple[Parameter, ...]


def refuse_relative_imports(path: Path, file: PythonFile | None = None) -> None:
    """Raise `UsageError` for a file that only runs as a part of its package.

    A worker executes it by itself, as `nbflow run` does.
    """
    for node in ast.walk((file or read_file(path)).tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            written = f"from {'.' * node.level}{node.module or ''} import …"
            raise UsageError(
                f"{path}, line {node.lineno}: `{written}` works inside of a package only, and a "
                "deployed file is no part of one. Deploy a file beside the package that imports "
                "the flow's code by its full name."
            )


def flow_in(path: Path, name: str) -> WrittenFlow:
    """The flow of a Python file that is meant by a variable or a flow's name, or by "".

    Raises `UsageError` when the file is not Python, or has no such flow, or several when no
    name is given.
    """
    file = read_file(path)
    refuse_relative_imports(path, file)
    found = flows_of(file)
    flow = _chosen(path, file, found, name)
    if flow.name is None:
        raise UsageError(
            f"The name of the flow {flow.variable} in {path} is computed, so that it is not "
            "known before the file runs. Write it as a text: @flow(name='…')."
        )
    return flow


def read_file(path: Path) -> PythonFile:
    """The text of a Python file, parsed; raises `UsageError` when it is not Python."""
    try:
        return PythonFile(ast.parse(path.read_bytes(), filename=str(path)))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}. Check the path."
        ) from error
    except (SyntaxError, ValueError) as error:
        known = isinstance(error, SyntaxError) and error.lineno
        line = f", line {known}" if known else ""
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise UsageError(f"{path}{line} is not Python ({reason}). Correct it.") from error


def flows_of(file: PythonFile) -> dict[str, WrittenFlow]:
    """The flows of a file's top level, by the variable that holds each."""
    functions: dict[str, FunctionNode] = {}
    found: dict[str, WrittenFlow] = {}
    for statement in file.statements():
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                functions[name] = statement
                found.pop(name, None)
                options = _flow_decorator(file, statement.decorator_list)
                if options is not None:
                    found[name] = _written(file, name, statement, options)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                made = _made_by(file, value, functions, found)
                found.pop(name, None)
                if made is not None:
                    found[name] = replace(made, variable=name)
    return found


def _written(
    file: PythonFile, variable: str, function: FunctionNode, options: Mapping[str, ast.expr]
) -> WrittenFlow:
    name = _text(file, options.get("name"), function.name.replace("_", "-"))
    description = _text(file, options.get("description"), ast.get_docstring(function))
    parameters = file.parameters_of(function)
    return WrittenFlow(variable=variable, name=name, description=description, parameters=parameters)


def _text(file: PythonFile, node: ast.expr | None, default: str | None) -> str | None:
    """What a text option says; the default where it is not given or None."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return default
    value = file.value(node)
    return (value or default) if isinstance(value, str) else None


def _flow_decorator(file: PythonFile, decorators: list[ast.expr]) -> Mapping[str, ast.expr] | None:
    """The options of the decorator that makes a function a flow; None when there is none."""
    return next((o for d in decorators if (o := _flow_options(file, d)) is not None), None)


def _flow_options(file: PythonFile, node: ast.expr) -> Mapping[str, ast.expr] | None:
    """The options of `flow`, `nbflow.flow` or `flow(...)`."""
    called = node.func if isinstance(node, ast.Call) else node
    if file.full_name(called).rpartition(".")[2] != "flow":
        return None
    return _keywords(node) if isinstance(node, ast.Call) else {}


def _keywords(call: ast.Call) -> Mapping[str, ast.expr]:
    return {each.arg: each.value for each in call.keywords if each.arg is not None}


def _made_by(
    file: PythonFile,
    call: ast.expr,
    functions: Mapping[str, FunctionNode],
    flows: Mapping[str, WrittenFlow],
) -> WrittenFlow | None:
    """The flow that `flow(fn)`, `flow(...)(fn)` or `other.with_options(...)` gives."""
    if not isinstance(call, ast.Call):
        return None
    match call.func:
        case ast.Attribute(value=ast.Name(id=other), attr="with_options") if other in flows:
            return _changed(file, flows[other], _keywords(call))
    match call.args:
        case [ast.Name(id=name)] if name in functions:
            options = _flow_options(file, call.func)
            if options is None:
                return None
            return _written(file, name, functions[name], {**options, **_keywords(call)})
    return None


def _changed(file: PythonFile, flow: WrittenFlow, options: Mapping[str, ast.expr]) -> WrittenFlow:
    name = _text(file, options.get("name"), flow.name)
    description = _text(file, options.get("description"), flow.description)
    return replace(flow, name=name, description=description)


# ── choosing ─────────────────────────────────────────────────────────────────────────────


def _chosen(
    path: Path, file: PythonFile, found: Mapping[str, WrittenFlow], name: str
) -> WrittenFlow:
    if not name:
        return _only(path, found)
    by_name: dict[str, WrittenFlow] = {f.name: f for f in found.values() if f.name}
    by_name |= found
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1)
    hint = f"Did you mean {path}:{near[0]}?" if near else _choices(path, file, found, name)
    raise UsageError(f"{path} has no flow {name!r}. {hint}")


def _only(path: Path, found: Mapping[str, WrittenFlow]) -> WrittenFlow:
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise UsageError(f"{path} defines no flow. Decorate a function with @flow.")
    names = ", ".join(f"{path}:{name}" for name in found)
    raise UsageError(f"{path} defines several flows. Name one: {names}.")


def _choices(path: Path, file: PythonFile, found: Mapping[str, WrittenFlow], name: str) -> str:
    origin = file.names.get(name)
    if isinstance(origin, str) and "." in origin:
        module = origin.rpartition(".")[0]
        return f"It imports that name from {module}: deploy the file that defines the flow."
    if not found:
        return "It defines none at all: decorate a function with @flow."
    return f"Name one: {', '.join(f'{path}:{each}' for each in found)}."
