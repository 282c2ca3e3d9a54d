"""Whether a failed notebook run may go on in its kept kernel, and from which cell.

This module decides that from two notebooks alone: the executed one, which says what has run,
and the notebook as it is now. The rule: what goes on in the kept kernel must be what a run from
the top would give. Where that cannot be seen from the code, the answer is no, with the reason.
It must not know kernels, stores or commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from nbformat import NotebookNode

from nbflow.dataflow import CellAnalysis, analyse_in_order
from nbflow.dataflow.linking import Linker
from nbflow.notebooks.document import code_cells
from nbflow.notebooks.events import CellInfo, CellKind, CellOutcome

_DONE: Final = frozenset({"completed", "cached", "skipped"})
_NOT_RUN: Final = str(CellOutcome.NOT_RUN)
_SYNTAX: Final = frozenset({"SyntaxError", "IndentationError", "TabError"})


class Unsound(Exception):
    """The kept kernel cannot be gone on with; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a run goes on in its kept kernel."""

    #: The cell of the present notebook to start at.
    start: CellInfo
    #: What the cells before it left, by their id in the present notebook.
    known: Mapping[str, NotebookNode] = field(default_factory=dict)


def continuation(executed: NotebookNode, present: NotebookNode) -> Continuation:
    """Where the run goes on in the kernel that executed a notebook.

    Args:
        executed: The executed notebook of the failed run.
        present: The notebook as it is now, the run's parameters injected as before.

    Raises:
        Unsound: A run from the top could give something else.
    """
    before, now = code_cells(executed), code_cells(present)
    place = _first_undone(executed, before)
    _check_nothing_later_ran(executed, before, place)
    _check_unchanged(before[:place], now)
    if len(now) == place:
        raise Unsound(f"the cell {before[place].name!r} is not in the notebook any more")
    if _state(executed, before[place]) != _NOT_RUN:
        _check_harmless(executed, before[: place + 1], now[place:])
    pairs = zip(before[:place], now, strict=False)
    known = {cell.cell_id: executed.cells[old.index] for old, cell in pairs}
    return Continuation(now[place], known)


def _state(nb: NotebookNode, cell: CellInfo) -> str:
    return str(nb.cells[cell.index].metadata.get("nbflow", {}).get("state", _NOT_RUN))


def _first_undone(executed: NotebookNode, cells: Sequence[CellInfo]) -> int:
    for place, cell in enumerate(cells):
        if _state(executed, cell) not in _DONE:
            return place
    raise Unsound("no cell of it failed")


def _check_nothing_later_ran(executed: NotebookNode, cells: Sequence[CellInfo], place: int) -> None:
    for cell in cells[place + 1 :]:
        if _state(executed, cell) not in {_NOT_RUN, str(CellOutcome.SKIPPED)}:
            raise Unsound(
                f"the cell {cell.name!r} below the failed one had begun in the background"
            )


def _check_unchanged(before: Sequence[CellInfo], now: Sequence[CellInfo]) -> None:
    for old, new in zip(before, now, strict=False):
        if (old.cell_id, old.source, old.tags) != (new.cell_id, new.source, new.tags):
            raise Unsound(
                f"the cell {old.name!r} above the failed one was changed, moved or removed"
            )
    if len(now) < len(before):
        raise Unsound(f"the cell {before[len(now)].name!r} above the failed one was removed")


# ── what the failed cell may have done ───────────────────────────────────────────────────


def _check_harmless(
    executed: NotebookNode, cells: Sequence[CellInfo], after: Sequence[CellInfo]
) -> None:
    """Refuse a failed cell whose first lines may have changed what its last try starts from."""
    failed = cells[-1]
    analyses = analyse_in_order([(cell.source, cell.may_raise) for cell in (*cells, *after)])
    own = analyses[len(cells) - 1]
    if own.opaque and _never_began(executed.cells[failed.index]):
        return
    linker = Linker()
    for index, analysis in enumerate(analyses[: len(cells) - 1]):
        linker.cell(index, analysis)
    bound = {name for name, variable in linker.variables.items() if variable.bound}
    place = len(cells) - 1
    run = linker.cell(place, own)
    _check_effects(linker, place, own, bound)
    if failed.kind is CellKind.TASK:
        return  # its namespace was put back when it failed
    rebound = (own.defs | own.deletes | run.writes) & bound
    if both := sorted(rebound & (run.reads.keys() | own.deletes | run.writes)):
        raise Unsound(
            f"the failed cell may have given {_names(both)} another value before it failed"
        )
    _check_leftovers(own, analyses[len(cells) :])


def _never_began(node: NotebookNode) -> bool:
    errors = [each for each in node.outputs if each.get("output_type") == "error"]
    return bool(errors) and all(each.get("ename") in _SYNTAX for each in errors)


def _check_effects(linker: Linker, place: int, own: CellAnalysis, bound: set[str]) -> None:
    if own.opaque or own.ambiguous or place in linker.barriers or linker.sequential:
        raise Unsound("what the failed cell did before it failed cannot be told from its code")
    if own.external:
        raise Unsound("the failed cell acts outside Python (a shell line, or another magic)")
    if drawn := [state for state, last in linker.states.items() if last == place]:
        raise Unsound(f"the failed cell uses hidden state that cannot be put back ({drawn[0]})")
    # Modules are no objects of the linker's, but setting their attributes changes them.
    if changed := sorted(_changed(linker, place, bound) | (own.mutates & bound)):
        raise Unsound(
            f"the failed cell may have changed {_names(changed)} in place before it failed"
        )


def _changed(linker: Linker, place: int, bound: set[str]) -> set[str]:
    """Names, bound by the cells above, whose object the cell may have changed."""
    found: set[str] = set()
    for name in bound:
        item = linker.find(linker.variables[name].object)
        if place in item.mutators:
            found |= (
                {name}
                if name in item.mutators[place]
                else {min(item.mutators[place], default=name)}
            )
    return found


def _check_leftovers(own: CellAnalysis, after: Sequence[CellAnalysis]) -> None:
    """Refuse names that the failed try may have left, and that a run from the top would lack."""
    left = own.defs - after[0].sure_defs
    for analysis in after:
        used = analysis.refs | analysis.builtins | analysis.uses
        if both := sorted(left & used):
            raise Unsound(
                f"the failed cell may have left {_names(both)} behind, "
                "which its new text does not make"
            )
        if analysis.ambiguous and left:
            raise Unsound(f"the failed cell may have left {_names(sorted(left))} behind")
        left = left - analysis.sure_defs


def _names(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names[:2])
