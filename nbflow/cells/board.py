"""Which cells are under way in this kernel, and who waits for whom.

This module decides when a cell may start, what a background cell takes from cells that have
not ended, and when its outputs become the notebook's. It must not know how a body is run,
nor front ends.

Cells run in an order that people choose; the board keeps their history and learns from the
analysis of their code which of those still under way a new one must follow. A cell in a
namespace of its own took its inputs when it was submitted: rebinding a name that it reads or
makes is then no reason to wait, and what it makes becomes the notebook's only where no later
cell has bound the name since.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbflow.annotations import allow_failure
from nbflow.cells.records import CellInterface, CellValues, Mode
from nbflow.cells.run import Awaited, publish
from nbflow.dataflow.history import CellHistory, Step
from nbflow.exceptions import UpstreamCellError
from nbflow.futures import Future
from nbflow.states import Pending, State
from nbflow.wording import one_line


class Cancellable(Protocol):
    """A submitted run that can be told to stop."""

    future: Future[Any]

    def cancel(self) -> None:
        """End it: what has not started never will, what runs is interrupted."""


@dataclass(eq=False)
class CellUnderWay:
    """A background cell that has not ended, or that failed."""

    step: Step
    name: str
    interface: CellInterface
    execution: Cancellable
    upstream: Upstream
    #: Done when its values are the notebook's and everything has been told: what others wait
    #: for. `future` is done a moment earlier, when functions would not find its values yet.
    published: Future[CellValues] = field(init=False)

    def __post_init__(self) -> None:
        future = self.execution.future
        self.published = Future(future.task_run_id, future.name, Pending())

    @property
    def future(self) -> Future[CellValues]:
        """What it will have made."""
        return self.execution.future

    @property
    def binds(self) -> frozenset[str]:
        """The names it may give the notebook or take away."""
        return frozenset(self.interface.outputs) | self.interface.deletes

    def wait(self) -> None:
        """Return when its values are the notebook's."""
        while not self.published.done():
            self.published.wait(0.1)  # in slices, so that an interrupt comes through

    @property
    def failed(self) -> bool:
        """Whether it has ended without values."""
        return self.future.done() and not self.future.state.is_completed()


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a new cell follows."""

    #: Cells that make values it needs, with the names.
    data: tuple[tuple[CellUnderWay, tuple[str, ...]], ...] = ()
    #: Cells that must merely have ended.
    order: tuple[CellUnderWay, ...] = ()
    #: The names that it binds or deletes, perhaps: it finds them as those cells leave them.
    binds: frozenset[str] = frozenset()

    @property
    def cells(self) -> list[CellUnderWay]:
        """All of them, each once."""
        return list(dict.fromkeys([*(cell for cell, _ in self.data), *self.order]))

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to wait for."""
        return all(cell.published.done() for cell in self.cells)

    def awaited(self) -> tuple[Awaited, ...]:
        """The values to take over when they are there."""
        needs = dict(self.data)
        cells = sorted(self.cells, key=lambda cell: cell.step.index)
        return tuple(
            Awaited(cell.published, (*needed, *sorted(cell.binds & self.binds)), needed)
            for cell in cells
            for needed in (needs.get(cell, ()),)
        )

    def wait_for(self) -> list[Any]:
        """The same for the engine: a failed producer stops its reader, and only its reader."""
        needed = [cell.published for cell, _ in self.data]
        return [*needed, *(allow_failure(cell.published) for cell in self.order)]


class Board:
    """The cells of one kernel."""

    def __init__(self, namespace: Callable[[], dict[str, Any]]) -> None:
        self._namespace = namespace
        self.history = CellHistory()
        self._cells: dict[int, CellUnderWay] = {}
        #: Failures whose values later cells may still ask for.
        self._failed: dict[int, CellUnderWay] = {}
        #: Failures that nobody who waited has been told of.
        self._untold: dict[int, CellUnderWay] = {}
        self._bound_by: dict[str, int] = {}
        self._undone: list[int] = []
        self._lock = threading.RLock()

    # ── arrival ──────────────────────────────────────────────────────────────────────────

    def enter(self, source: str, *, failed: bool = False) -> Step:
        """A cell is about to run; `failed`: it ran long ago, and stopped somewhere."""
        with self._lock:
            for index in self._undone:
                self.history.undone(index)
            self._undone.clear()
            step = self.history.enter(source)
            if failed and step.analysis.opaque:
                self.history.never_ran(step.index)
            elif failed:
                self.history.failed(step.index)
            return step

    def upstream(self, step: Step, *, private: bool) -> Upstream:
        """What the cell has to follow among those under way.

        `private`: it takes what it needs now and runs in a namespace of its own.
        """
        with self._lock:
            known = {**self._failed, **self._cells}
            data = [(known[i], names) for i, names in sorted(step.data.items()) if i in known]
            before = {i for i in step.changes if i in self._cells}
            before |= {i for i in step.rebinds if self._collide(step, i, private=private)}
            needed = {cell.step.index for cell, _ in data}
            order = tuple(self._cells[i] for i in sorted(before - needed))
            return Upstream(tuple(data), order, step.analysis.defs | step.analysis.deletes)

    def _collide(self, step: Step, index: int, *, private: bool) -> bool:
        """Whether the two bind or read a name in a way that namespaces do not keep apart."""
        other = self._cells.get(index)
        if other is None:
            return False
        if other.interface.mode is not Mode.PRIVATE:
            return True
        both = other.binds & (step.analysis.defs | step.analysis.deletes)
        if private:  # what it surely binds comes later, whoever ends first
            both -= step.analysis.sure_defs
        return bool(both)

    def wait(self, upstream: Upstream) -> None:
        """Return when all of these have ended.

        Raises `UpstreamCellError`, which names the culprit, when one that makes a needed value
        has failed.
        """
        for cell in upstream.cells:
            cell.wait()
        for cell, names in upstream.data:
            if cell.failed:
                raise UpstreamCellError(blocked(cell, names))

    def binds(self, step: Step) -> None:
        """The cell binds its names from now on; earlier cells no longer do."""
        with self._lock:
            for name in step.analysis.defs | step.analysis.deletes:
                self._bound_by[name] = step.index

    def stopped(self, step: Step) -> None:
        """The cell failed on its way: some of its names may be bound."""
        with self._lock:
            self.history.failed(step.index)

    def never_ran(self, step: Step) -> None:
        """The cell turned out to be no code: nothing of it ran."""
        with self._lock:
            self.history.never_ran(step.index)

    def put_back(self, step: Step) -> None:
        """The cell failed and left the names as they were."""
        with self._lock:
            self._undone.append(step.index)

    # ── background cells ─────────────────────────────────────────────────────────────────

    def add(self, cell: CellUnderWay, told: Callable[[CellUnderWay, State[Any]], None]) -> None:
        """A background cell is under way; `told` hears of its end, before those who wait."""
        with self._lock:
            self._cells[cell.step.index] = cell
            if cell.interface.mode is Mode.SHARED:
                self.history.in_notebook(cell.step.index)
        cell.future.add_done_callback(lambda future: self._ended(cell, future.state, told))

    def _ended(
        self,
        cell: CellUnderWay,
        state: State[Any],
        told: Callable[[CellUnderWay, State[Any]], None],
    ) -> None:
        try:
            if state.is_completed():
                self._publish(cell, state.result())
        finally:
            try:
                told(cell, state)
            finally:
                self._put_away(cell, state)

    def _put_away(self, cell: CellUnderWay, state: State[Any]) -> None:
        """Nothing is under way any more for those who wait, now that all has been told."""
        index = cell.step.index
        with self._lock:
            del self._cells[index]
            if not state.is_completed():  # readers are told, until a cell makes the names anew
                self._failed[index] = self._untold[index] = cell
        cell.published.update(state)

    def _publish(self, cell: CellUnderWay, values: CellValues) -> None:
        if cell.interface.mode is not Mode.PRIVATE and cell.future.state.name != "Cached":
            return  # it worked on the notebook's names themselves
        index = cell.step.index
        with self._lock:

            def allowed(name: str) -> bool:
                if self._bound_by.get(name, -1) > index:
                    return False
                self._bound_by[name] = index
                return True

            publish(values, self._namespace(), allowed)

    # ── looking and waiting ──────────────────────────────────────────────────────────────

    def under_way(self) -> list[CellUnderWay]:
        """The background cells that have not ended, in the order of their submission."""
        with self._lock:
            return [self._cells[index] for index in sorted(self._cells)]

    def take_failures(self) -> list[CellUnderWay]:
        """The background cells that failed since this was asked last, in their order."""
        with self._lock:
            taken, self._untold = self._untold, {}
            return [taken[index] for index in sorted(taken)]

    def cancel(self) -> None:
        """Tell everything under way to stop, the last first, for others may wait for the first."""
        for cell in reversed(self.under_way()):
            cell.execution.cancel()

    def settle(self) -> None:
        """Return when nothing is under way any more."""
        while cells := self.under_way():
            for cell in cells:
                cell.wait()


def blocked(cell: CellUnderWay, names: Iterable[str]) -> str:
    """Why a reader of a failed cell does not run."""
    what, culprit = ", ".join(map(repr, names)), culprit_of(cell)
    reason = one_line(culprit.future.state.message or culprit.future.state.name).rstrip(".")
    if culprit is cell:
        story = f"did not complete ({reason})"
    else:
        story = f"was not run, because the background cell {culprit.name!r} failed ({reason})"
    return (
        f"Not run: the background cell {cell.name!r}, which makes {what}, {story}. "
        f"Correct {culprit.name!r} and run it again first."
    )


def culprit_of(cell: CellUnderWay) -> CellUnderWay:
    """The cell whose own failure kept this one from completing."""
    while not cell.future.state.is_final():
        failed = [above for above, _ in cell.upstream.data if above.failed]
        if not failed:
            break
        cell = failed[0]
    return cell
