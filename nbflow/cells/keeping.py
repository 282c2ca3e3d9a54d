"""How the engine keeps and finds the values of a cell, as it does those of any task.

This module decides what the engine is told: the key of a run, whether its values may be kept,
and what has to happen before kept values are used. It must not know IPython, nor how a cell
is run.

    Task(fn, cache_policy=CellPolicy(...), result_serializer=CellSerializer(), persist_result=True)

where `fn` takes the cell's inputs as keyword arguments and returns `CellValues`.
"""

# ruff: noqa: ARG002 - each hook looks at a part of what all policies are given

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from nbflow.cache_policies import CacheContext, CachePolicy, KeptResult
from nbflow.cells.kept import KeptValues, check_faithful, dumps_values, loads_values
from nbflow.cells.keys import CellUses, described, key_of, rested_on
from nbflow.cells.random_states import draws_since, may_be_seeded, positions
from nbflow.cells.records import CellValues
from nbflow.exceptions import HashError, NotKept
from nbflow.hashing.uses import Place
from nbflow.serializers import register_serializer

#: Runs that failed are never asked about again: so many are remembered at most.
_REMEMBERED: Final = 100


@dataclass(frozen=True)
class CellSerializer:
    """Keeps `CellValues`: see `nbflow.cells.kept`."""

    #: Outputs that a restore makes by executing their definitions again.
    defined: frozenset[str] = frozenset()
    type: str = field(default="cell", init=False)

    def dumps(self, value: Any) -> bytes:
        """The values as bytes; raises `NotKept`."""
        return dumps_values(value, {}, defined=self.defined)

    def loads(self, blob: bytes) -> Any:
        """The values back; raises `SerializationError`."""
        return loads_values(blob)


register_serializer("cell", CellSerializer)


@dataclass(slots=True)
class _Before:
    """What a cell rested on when its run began."""

    digests: Mapping[Place, str]
    reads: Mapping[Place, Any]
    random: Mapping[str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellPolicy(CachePolicy):
    """Keys of a cell's runs by its code, its inputs and what both rest on."""

    #: The cell's body as written.
    code: str
    #: The functions, classes, modules and tasks that it uses, asked anew for every run.
    surroundings: Callable[[], Mapping[str, Any]]
    #: The notebook's names.
    namespace: Callable[[], Mapping[str, Any]]
    #: Values are found within this scope alone, e.g. the id of a flow run; empty: by everybody.
    scope: str = ""
    #: The inputs that the code may change in place; None: any of them.
    may_change: Collection[str] | None = None
    #: Outputs that `redefine` makes.
    defined: frozenset[str] = frozenset()
    #: Executes the cell's definitions, before values that need them are restored; returns
    #: what undoes that, should the values not be restored after all.
    redefine: Callable[[], Callable[[], object]] | None = None
    _runs: dict[UUID, _Before] = field(default_factory=dict, init=False, repr=False)

    keeps_without_key = False

    @property
    def is_asked_for(self) -> bool:
        """Only by `--cache`; what a run keeps for itself is kept where that can be done."""
        return not self.scope

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The key of a run; raises `HashError` when an input has no content."""
        uses = rested_on(self.code, inputs, self.surroundings(), self.namespace())
        while len(self._runs) >= _REMEMBERED:
            self._runs.pop(next(iter(self._runs)))
        self._runs[task_ctx.task_run.id] = _Before(uses.digests(), dict(uses.reads), positions())
        scope = f"runs/{self.scope}/" if self.scope else ""
        return f"cells/{scope}{key_of(self.code, uses)}"

    def to_keep(self, task_ctx: CacheContext, inputs: Mapping[str, Any], value: Any) -> Any:
        """The values and what restoring them takes; raises `NotKept`."""
        before = self._runs.pop(task_ctx.task_run.id, None)
        if before is None or not isinstance(value, CellValues):
            raise NotKept("it is not known what the cell rested on.")
        self._refuse_changes(before, inputs)
        others = (each for place, each in before.reads.items() if place[1] not in inputs)
        check_faithful(value.outputs, inputs, others, self.defined)
        return KeptValues(
            outputs=value.outputs,
            deleted=value.deleted,
            shown=value.shown,
            draws=draws_since(before.random, self.code),
        )

    def _refuse_changes(self, before: _Before, inputs: Mapping[str, Any]) -> None:
        watched = {
            n: v for n, v in inputs.items() if self.may_change is None or n in self.may_change
        }
        try:
            changed = changed_places(before.digests, before.reads, watched)
        except HashError as error:
            raise NotKept(f"{str(error).rstrip('.')} after the run.") from None
        if changed:
            raise NotKept(
                _changed(changed[0]) + (" or leave --cache out." if self.is_asked_for else ".")
            )

    def restore(self, kept: KeptResult) -> None:
        """Load kept values now, so that the run takes place if that cannot be done."""
        undo = self.redefine() if self.redefine is not None else None
        try:
            self._restore(kept)
        except BaseException:
            if undo is not None:
                undo()
            raise

    def _restore(self, kept: KeptResult) -> None:
        values = kept.load()
        draws = values.draws if isinstance(values, KeptValues) else None
        if draws is not None and may_be_seeded(self.code, self.namespace()):
            draws.check()
            draws.leave()
        kept.hold(values)


def changed_places(
    before: Mapping[Place, str], reads: Mapping[Place, Any], inputs: Mapping[str, Any]
) -> list[Place]:
    """Where the very objects that a cell rested on have changed."""
    now = _digests(inputs, reads)
    watched = [*(("input", name) for name in inputs), *reads]
    return [place for place in watched if place in before and now.get(place) != before[place]]


def _digests(inputs: Mapping[str, Any], reads: Mapping[Place, Any]) -> Mapping[Place, str]:
    uses = CellUses(follow=False)
    for name, value in inputs.items():
        uses.add_value(("input", name), value, f"Input {name!r}")
    for place, value in reads.items():
        uses.add_value(place, value, described(place), lenient=place[0] != "__main__")
    return uses.digests()


def _changed(place: Place) -> str:
    group, name = place
    if group != "input":
        return (
            f"the cell changes {described(place)} in place, which functions read; make it an output"
        )
    return f"the cell changes its input {name!r} in place; work on a copy ({name} = {name}.copy())"
