"""What a person means by a target: a notebook, a flow of a Python file, or a recorded run.

This module decides how targets are spelled and what is said when none fits. It must not know
what is done with them.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nbflow.exceptions import NotebookError, UsageError
from nbflow.failure import source_line
from nbflow.file_targets import split_target, why_no_file
from nbflow.flows import Flow
from nbflow.settings import get_settings


@dataclass(frozen=True, slots=True)
class NotebookTarget:
    """A notebook file, or an address papermill can read."""

    path: str


@dataclass(frozen=True, slots=True)
class FlowTarget:
    """A flow in a Python file; `name` is empty when the file's only flow is meant."""

    path: Path
    name: str


def runnable(text: str) -> NotebookTarget | FlowTarget:
    """What `nbflow run` is asked to run; raises `UsageError` when it is neither kind."""
    path, name = split_target(text)
    if path.suffix == ".py":
        if not path.is_file():
            raise NotebookError(why_no_file(path))
        return FlowTarget(path, name)
    if path.is_file() or path.suffix == ".ipynb" or text == "-" or "://" in text:
        return NotebookTarget(text)
    raise NotebookError(why_no_file(path))


def is_file_target(text: str) -> bool:
    """Whether the text means a file, so not a recorded run."""
    path, _ = split_target(text)
    return path.suffix in {".py", ".ipynb"} or path.exists() or "/" in text


# ── flows of Python files ────────────────────────────────────────────────────────────────


def load_flow(target: FlowTarget) -> Flow[Any, Any]:
    """Import the file and find its flow; raises `UsageError` when either fails."""
    found = _flows_of(_load(target.path))
    if not target.name:
        return _only_flow(target.path, found)
    by_name = {flow.name: flow for flow in found.values()} | found
    if target.name in by_name:
        return by_name[target.name]
    near = difflib.get_close_matches(target.name, by_name, n=1)
    hint = f"Did you mean {target.path}:{near[0]}?" if near else _choices(target.path, found)
    raise UsageError(f"{target.path} has no flow {target.name!r}. {hint}")


def _only_flow(path: Path, found: dict[str, Flow[Any, Any]]) -> Flow[Any, Any]:
    if len({id(flow) for flow in found.values()}) == 1:
        return next(iter(found.values()))
    if not found:
        raise UsageError(f"{path} has no flow. Decorate a function with @flow.")
    raise UsageError(f"{path} has several flows. {_choices(path, found)}")


def _choices(path: Path, found: dict[str, Flow[Any, Any]]) -> str:
    if not found:
        return "It has none at all: decorate a function with @flow."
    return f"Name one: {', '.join(f'{path}:{name}' for name in found)}."


def _flows_of(module: ModuleType) -> dict[str, Flow[Any, Any]]:
    """The file's flows by variable; imported ones only when it defines none of its own."""
    flows = {name: each for name, each in vars(module).items() if isinstance(each, Flow)}
    own = {n: f for n, f in flows.items() if getattr(f.fn, "__module__", "") == module.__name__}
    return own or flows


def _load(path: Path) -> ModuleType:
    """Import a file as Python would for a script beside it, so that its own imports work."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    get_settings()  # a wrong setting is no mistake of the file
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported. Name a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the file is the user's code
        sys.modules.pop(path.stem, None)
        raise UsageError(_load_failure(path, error)) from error
    return module


def _load_failure(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        place = f"line {error.lineno}: {(error.text or '').strip()}"
    else:
        lines = "".join(traceback.format_exception(error)).splitlines()
        line = source_line(lines)
        place = f"{line.place}: {line.text}" if line else "on import"
    reason = str(error.msg if isinstance(error, SyntaxError) else error)
    return (
        f"{path} could not be loaded ({type(error).__name__}: {reason}; {place}). "
        "Correct it, then run it again."
    )
