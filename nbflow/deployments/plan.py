"""What `nbflow deploy --all` would change, and the changing of it.

This module decides how the deployments that a file declares differ from those there are. It
reads targets and never executes them. It must not know how a plan is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from nbflow.deployments.deploying import Draft, draft
from nbflow.deployments.diff import (
    Change,
    changed_files,
    files_of,
    schedule_changes,
    source_of_version,
    spec_changes,
)
from nbflow.deployments.plan_file import Entry, read_plan_file
from nbflow.exceptions import NbflowError, UsageError
from nbflow.models.deployments import Deployment
from nbflow.notebooks.document import is_remote
from nbflow.paths import expanded
from nbflow.store.base import Store

_ALL = 100_000


class Action(str, Enum):
    """What is to be done with a deployment."""

    CREATE = "create"  # it is not there yet
    CHANGE = "change"  # something differs
    KEEP = "keep"  # nothing differs
    REMOVE = "remove"  # the file does not declare it any more

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done with one deployment, and why."""

    action: Action
    full_name: str
    changes: tuple[Change, ...] = ()
    #: What is to be; None for one that is removed.
    draft: Draft | None = None
    #: What is; None for one that is created.
    existing: Deployment | None = None

    def carry_out(self, store: Store) -> Deployment | None:
        """Do it; None when the deployment is not there any more."""
        if self.draft is None:
            assert self.existing is not None
            store.deployments.delete(self.existing.id)
            return None
        return self.draft.save(store) if self.action is not Action.KEEP else self.existing


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in the order of the file; removals last."""

    steps: tuple[Step, ...] = field(default_factory=tuple)

    def carry_out(self, store: Store) -> list[Deployment]:
        """Do all of it; once more does nothing. Returns the deployments there are then."""
        done = [step.carry_out(store) for step in self.steps]
        return [each for each in done if each is not None]

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to do."""
        return any(step.action is not Action.KEEP for step in self.steps)


def plan_of(path: Path, store: Store, *, prune: bool = False) -> Plan:
    """What has to be done so that the deployments are as a file declares them.

    With `prune`, deployments that were made from the file's folder, or from below it, and are
    not declared any more, are removed.
    """
    drafts = drafts_of(read_plan_file(path))
    steps = [step_of(each, store) for each in drafts]
    if prune:
        steps += _removals(path.absolute().parent, {each.full_name for each in drafts}, store)
    return Plan(tuple(steps))


def drafts_of(entries: Iterable[Entry]) -> list[Draft]:
    """The deployments that the entries describe; raises `UsageError` that names the line."""
    drafts: dict[str, Draft] = {}
    for entry in entries:
        try:
            made = draft(*_call(entry), **_options(entry))
        except NbflowError as error:
            raise UsageError(f"{entry.place}: {error}") from error
        if made.full_name in drafts:
            raise UsageError(
                f"{entry.place}: {made.full_name} is declared twice. Give each its own name."
            )
        drafts[made.full_name] = made
    return list(drafts.values())


def _call(entry: Entry) -> tuple[str, str | None]:
    return _target(entry), entry.name


def _target(entry: Entry) -> str:
    """The target as the file means it: relative to its own folder."""
    target = entry.target
    if is_remote(target) or expanded(target).is_absolute():
        return target
    return str(entry.path.absolute().parent / target)


def _options(entry: Entry) -> dict[str, Any]:
    """Flows run in the folder of the file, wherever it is read; no schedules means none."""
    options = dict(entry.options)
    folder = entry.path.absolute().parent
    if "cwd" in options:
        options["cwd"] = str(folder / expanded(str(options["cwd"])))
    elif not entry.target.partition(":")[0].endswith(".ipynb"):
        options["cwd"] = str(folder)
    if isinstance(include := options.get("include"), str):
        options["include"] = [include]
    options["schedules"] = options.get("schedules") or []
    return options


def step_of(made: Draft, store: Store) -> Step:
    """What has to be done for one deployment."""
    existing = made.existing(store)
    if existing is None:
        return Step(action=Action.CREATE, full_name=made.full_name, draft=made)
    changes = (
        *spec_changes(existing.spec, made.spec),
        *schedule_changes(existing.schedules, made.kept_schedules(store)),
        *_source_changes(existing, made, store),
        *_paused_change(existing, made),
    )
    return Step(
        action=Action.CHANGE if changes else Action.KEEP,
        full_name=made.full_name,
        changes=changes,
        draft=made,
        existing=existing,
    )


def _source_changes(existing: Deployment, made: Draft, store: Store) -> list[Change]:
    version = store.deployments.version(existing.id, existing.version)
    if version.content_hash == made.content_hash:
        return []
    files = changed_files(source_of_version(store, version), files_of(made.snapshot))
    return [Change("source", None, f"{', '.join(files) or 'the file'} changed")]


def _paused_change(existing: Deployment, made: Draft) -> list[Change]:
    if made.paused is None or made.paused == existing.paused:
        return []
    return [Change("paused", existing.paused, made.paused)]


def _removals(folder: Path, declared: set[str], store: Store) -> Sequence[Step]:
    return [
        Step(action=Action.REMOVE, full_name=each.full_name, existing=each)
        for each in store.deployments.search(limit=_ALL)
        if each.full_name not in declared and _was_made_in(folder, each)
    ]


def _was_made_in(folder: Path, deployment: Deployment) -> bool:
    cwd = deployment.spec.cwd
    return cwd is not None and Path(cwd).is_relative_to(folder)
