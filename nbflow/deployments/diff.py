"""What differs between two states of a deployment: its spec, its schedules, its source.

This module decides which differences are told, and in which form. It must not know where
versions are kept beyond the store's interface, nor what is done about a difference.
"""

from __future__ import annotations

import difflib
import importlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from nbflow import wire
from nbflow.models.deployments import DeploymentSchedule, DeploymentSpec, DeploymentVersion
from nbflow.parameters import short_repr
from nbflow.schedules import from_json, in_words
from nbflow.store.base import Store

#: Bytes of a file that are compared line by line.
_LARGEST: Final = 2_000_000
#: Told by the source itself, or by nothing a person would read.
_TOLD_ELSEWHERE: Final = frozenset({"parameter_schema"})


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs; None where it is not there at all."""

    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.what}: {_shown(self.after)}"
        if self.after is None:
            return f"{self.what}: no more {_shown(self.before)}"
        return f"{self.what}: {_shown(self.before)} → {_shown(self.after)}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else short_repr(value, 100)


def spec_changes(before: DeploymentSpec, after: DeploymentSpec) -> list[Change]:
    """The fields of a spec that differ; of parameters, tags and the like each one by itself."""
    found: list[Change] = []
    old, new = wire.dump(before), wire.dump(after)
    for name in (each.name for each in fields(DeploymentSpec)):
        if old[name] == new[name]:
            continue
        if name in _TOLD_ELSEWHERE:
            found.append(Change("the parameters it declares", "as before", "others"))
        elif isinstance(old[name], dict):
            found += _entries(name, old[name], new[name])
        else:
            found.append(Change(name, old[name], new[name]))
    return found


def _entries(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    keys = dict.fromkeys([*old, *new])
    return [
        Change(f"{name}.{key}", old.get(key), new.get(key))
        for key in keys
        if (key in old) != (key in new) or old.get(key) != new.get(key)
    ]


def schedule_changes(
    before: Sequence[DeploymentSchedule], after: Sequence[DeploymentSchedule]
) -> list[Change]:
    """The schedules that come, go or change; when each fires next is no difference."""
    old = {each.slug: _schedule_words(each) for each in before}
    new = {each.slug: _schedule_words(each) for each in after}
    return [
        Change(f"schedule {slug}", old.get(slug), new.get(slug))
        for slug in dict.fromkeys([*old, *new])
        if old.get(slug) != new.get(slug)
    ]


def _schedule_words(schedule: DeploymentSchedule) -> str:
    words = in_words(from_json(schedule.schedule))
    if schedule.parameters:
        words += f" with {json.dumps(dict(schedule.parameters), sort_keys=True)}"
    return words if schedule.active else f"{words} (paused)"


# ── source ───────────────────────────────────────────────────────────────────────────────


def files_of(archive: bytes | None) -> dict[str, bytes]:
    """The files of a snapshot; none for a version that has none."""
    if archive is None:
        return {}
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def changed_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """The names of files that came, went or changed."""
    return sorted(n for n in {*before, *after} if before.get(n) != after.get(n))


def source_of_version(store: Store, version: DeploymentVersion) -> dict[str, bytes]:
    """The files that a version's runs find."""
    if version.snapshot is None:
        return {}
    return files_of(store.deployments.snapshot(version.snapshot))


def version_diff(store: Store, old: DeploymentVersion, new: DeploymentVersion) -> Iterator[str]:
    """The differences of two versions, of their specs and of their sources, line by line."""
    yield from map(str, spec_changes(old.spec, new.spec))
    yield from source_diff(source_of_version(store, old), source_of_version(store, new))


def source_diff(
    before: Mapping[str, bytes], after: Mapping[str, bytes], *, colours: bool = False
) -> Iterator[str]:
    """The differences of all files, line by line; notebooks by cells, where nbdime is there."""
    for name in changed_files(before, after):
        yield from _file_diff(name, before.get(name), after.get(name), colours=colours)


def _file_diff(
    name: str, before: bytes | None, after: bytes | None, *, colours: bool
) -> Iterator[str]:
    if before is None or after is None:
        yield f"{'+++' if before is None else '---'} {name}: {'new' if before is None else 'gone'}"
        return
    old, new = _notebook(name, before), _notebook(name, after)
    if old and new and (by_cells := _notebook_diff()) is not None:
        yield f"=== {name}"
        yield from by_cells(old, new, colours)
        return
    yield from difflib.unified_diff(
        _lines(name, before), _lines(name, after), f"before/{name}", f"after/{name}", lineterm=""
    )


def _notebook(name: str, content: bytes) -> dict[str, Any] | None:
    """The notebook that a file holds; None for anything else, whatever its name says."""
    if not name.endswith(".ipynb"):
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    cells = found.get("cells") if isinstance(found, dict) else None
    fits = isinstance(cells, list) and all(
        isinstance(cell, dict) and {"cell_type", "source"} <= cell.keys() for cell in cells
    )
    return found if fits else None


def _notebook_diff() -> Callable[[Any, Any, bool], Iterator[str]] | None:
    """How nbdime shows two notebooks; None without it."""
    try:
        nbdime: Any = importlib.import_module("nbdime")
        pretty: Any = importlib.import_module("nbdime.prettyprint")
        nbformat: Any = importlib.import_module("nbformat")
    except ImportError:
        return None

    def show(before: Any, after: Any, colours: bool) -> Iterator[str]:
        old, new = nbformat.from_dict(before), nbformat.from_dict(after)
        out = io.StringIO()
        # Never asks git, whose settings and speed are its user's own.
        config = pretty.PrettyPrintConfig(out=out, use_git=False, use_diff=False, use_color=colours)
        found = nbdime.diff_notebooks(old, new)
        pretty.pretty_print_notebook_diff("before", "after", old, found, config)
        yield from out.getvalue().splitlines()

    return show


def _lines(name: str, content: bytes) -> list[str]:
    if len(content) > _LARGEST:
        return [f"({len(content)} bytes)"]
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return [f"(no text: {len(content)} bytes)"]
    notebook = _notebook(name, content)
    return (text if notebook is None else _as_script(notebook)).splitlines()


def _as_script(notebook: Mapping[str, Any]) -> str:
    """A notebook's cells as a text that a line-by-line difference reads well in."""
    return "\n".join(
        f"# %% [{cell['cell_type']}] {cell.get('id', '')}\n{_joined(cell)}\n"
        for cell in notebook["cells"]
    )


def _joined(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
