"""Which earlier cells a cell of a live kernel must follow, told as each cell is about to run.

This module decides, for cells that run in whatever order people choose, what `graph` decides for
a whole notebook; the edges are the same, but told cell by cell, and with why they are there. It
also takes back what cells were taken to bind when they fail. It must not know how cells wait for
each other, nor which of them have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from . import known
from .cells import analyse_cell
from .edges import Why
from .header import Header
from .libraries import is_object
from .linking import Linker
from .objects import Object, Run, Variable
from .records import NONE, CellAnalysis, Effects, Names

#: What each cell may add to the steps that a notebook may take to be linked.
_EXTRA_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """One cell on its way through a kernel, and which earlier ones it must follow.

    What follows from other steps is left out: a step counts as ended only when all that *it* must
    follow have ended, too, even if it failed before it could start.
    """

    index: int
    analysis: CellAnalysis
    #: Earlier steps whose values it needs, with the names.
    data: Mapping[int, tuple[str, ...]]
    #: Earlier steps that it must follow because objects or shared state may be changed in place
    #: (reading may use an object up, too), because one of them hides what it touches, or because
    #: functions look a name up in the notebook itself while another step binds it there.
    changes: frozenset[int]
    #: Earlier steps that it must follow only because one of the two merely binds or deletes a
    #: name that the other reads or binds: no reason when the earlier one has a namespace of its
    #: own, or has taken what it needs.
    rebinds: frozenset[int]
    #: Names that the functions which it calls read, builtins included: they find them in the
    #: notebook, whatever namespace the cell itself runs in.
    looks_up: Names
    #: Names that the functions which it calls bind or delete there.
    writes: Names

    @property
    def after(self) -> frozenset[int]:
        """All earlier steps that it must follow."""
        return self.changes | self.rebinds | self.data.keys()


@dataclass(slots=True)
class _Past:
    """What is remembered of a step, in case that it fails."""

    analysis: CellAnalysis
    #: The names that it binds or deletes: what they were before.
    replaced: dict[str, Variable]
    #: What those of them stood for that stood for something.
    origins: dict[str, str]


class CellHistory:
    """The cells that ran, or began to run, in a kernel, in the order in which they came."""

    def __init__(self) -> None:
        self._linker = Linker()
        self._origins: dict[str, str] = {}
        #: Names of modules that stood for something else at some time.
        self._rebound: set[str] = set()
        #: Code that reads a name which stood for a module's when it was written.
        self._trusting: dict[str, list[Effects]] = {}
        self._past: list[_Past] = []
        self._late_reads: set[str] = set()
        self._late_writes: set[str] = set()
        #: What the functions called by the last step look up.
        self._looked_up: Names = NONE

    def __len__(self) -> int:
        return len(self._past)

    @property
    def late_reads(self) -> frozenset[str]:
        """All names that any code seen so far may read when it runs later, builtins included.

        What task cells keep under their names counts only if the last step calls it.
        """
        return self._looked_up | self._late_reads

    @property
    def late_writes(self) -> frozenset[str]:
        """All names that any code seen so far may bind or delete when it runs later."""
        return frozenset(self._late_writes)

    @property
    def ambiguous(self) -> bool:
        """True when some cell hid what it binds, so that names may hold anything."""
        return bool(self._linker.barriers)

    # ── coming ───────────────────────────────────────────────────────────────────────────

    def enter(self, source: str, *, may_raise: bool = False) -> Step:
        """The cell is about to run: what it does, and which earlier ones it must follow.

        `may_raise`: it may stop anywhere without that being told by `failed`.
        """
        analysis = analyse_cell(source, self._origins)
        if may_raise:
            analysis = analysis.unsure()
        index = len(self._past)
        origins = self._change_origins(analysis, may_raise=may_raise)
        self._linker.extra_steps += _EXTRA_STEPS
        run = self._linker.cell(index, analysis)
        self._linker.edges.clear()  # they are told once
        self._remember_code(analysis)
        self._looked_up = frozenset(run.looked_up)
        self._past.append(_Past(analysis, run.replaced, origins))
        if reason := self._linker.reasons.pop(index, ""):
            analysis = analysis.because(reason)
        return _step(index, analysis, run)

    def in_notebook(self, index: int) -> None:
        """The step works on the notebook's own namespace while other cells go on.

        To pass it by binding a name that it reads or binds is out of the question, then: later
        steps have it, or who comes between, in `changes` instead of `rebinds`.
        """
        past = self._past[index]
        for name in past.analysis.refs | past.analysis.builtins | past.replaced.keys():
            variable = self._linker.variable(name)
            later = (other for other in variable.definers[-1:] if other > index)
            variable.in_place.update({index, *later})

    def _change_origins(self, analysis: CellAnalysis, *, may_raise: bool) -> dict[str, str]:
        """Note what names stand for from here on; gives what those stood for that it binds."""
        replaced = {}
        for name in (analysis.defs | analysis.deletes) & self._origins.keys():
            origin = replaced[name] = self._origins.pop(name)
            if not is_object(origin) and analysis.imports.get(name) != origin:
                self._rebind(name)
        if analysis.ambiguous:
            self._origins.clear()
        found = {**analysis.made, **({} if may_raise else analysis.imports)}
        self._origins |= {name: found[name] for name in found.keys() - self._rebound}
        return replaced

    def _rebind(self, name: str) -> None:
        """Code that was written before may find something else there: it may do anything."""
        self._rebound.add(name)
        self._linker.distrusted.update(map(id, self._trusting.pop(name, ())))

    def _remember_code(self, analysis: CellAnalysis) -> None:
        body = Header.read(analysis.magic, analysis.magic_line).name
        kept = analysis.functions.get(body) if analysis.magic in known.BODY_MAGICS else None
        for code in (analysis.handed, *analysis.functions.values()):
            if code is not kept:
                self._late_reads |= code.reads | code.builtins
            self._late_writes |= code.writes
            for name in code.reads & self._origins.keys():
                if not is_object(self._origins[name]):
                    self._trusting.setdefault(name, []).append(code)

    # ── failing ──────────────────────────────────────────────────────────────────────────

    def failed(self, index: int) -> None:
        """The step stopped somewhere: what it binds may be bound, or may be as it was."""
        past = self._past[index]
        for name in past.replaced.keys() & self._origins.keys():
            if self._linker.variables[name].definers[-1:] == [index]:
                del self._origins[name]
        self._revise(index, self._perhaps)

    def never_ran(self, index: int) -> None:
        """The step turned out to be no code at all (a typing error): nothing of it ran."""
        self._linker.barriers.discard(index)
        self.undone(index)

    def undone(self, index: int) -> None:
        """The step was rolled back: it bound nothing; objects may have been changed in place."""
        past = self._past[index]
        for name in past.replaced:
            if self._linker.variables[name].definers[-1:] == [index]:
                self._origins.pop(name, None)
                if name in past.origins and name not in self._rebound:
                    self._origins[name] = past.origins[name]
        self._revise(index, self._without)

    def _revise(self, index: int, revised: Callable[[Variable, Variable, int], Variable]) -> None:
        """Every record of a name that rests on the step is replaced."""
        for name, old in self._past[index].replaced.items():
            for table in self._tables(index + 1):
                variable = table.get(name)
                if variable is not None and index in variable.definers:
                    table[name] = revised(variable, old, index)

    def _tables(self, start: int) -> Iterator[dict[str, Variable]]:
        """Where names' records are kept: now, and as later steps found them."""
        yield self._linker.variables
        yield from (past.replaced for past in self._past[start:])

    def _perhaps(self, variable: Variable, old: Variable, index: int) -> Variable:
        """What the name may be: what it was made, or what it was."""
        del index
        same = not old.bound or variable.origin == old.origin
        return Variable(
            self._united([variable.object, old.object]),
            _together(old.definers, variable.definers),
            old.readers | variable.readers,
            old.in_place | variable.in_place,
            function=None if old.bound else variable.function,
            origin=variable.origin if same else "",
            constant=variable.constant and (old.constant or not old.bound),
            oneshot=variable.oneshot or old.oneshot,
            bound=variable.bound or old.bound,
        )

    def _without(self, variable: Variable, old: Variable, index: int) -> Variable:
        """What the name is when the step did not bind it."""
        if variable.definers[-1] == index:
            found, item = old, old.object
        else:  # others have perhaps bound it since
            found, item = variable, self._united([variable.object, old.object])
        later = [other for other in variable.definers if other > index]
        return Variable(
            item,
            _together(old.definers, later),
            {index} | old.readers | variable.readers,
            old.in_place | variable.in_place,
            function=found.function,
            origin=found.origin,
            constant=found.constant,
            oneshot=old.oneshot or variable.oneshot,
            bound=found.bound or old.bound,
        )

    def _united(self, objects: Iterable[Object]) -> Object:
        """One object for several that a name may hold."""
        first, *others = objects
        for other in others:
            self._linker.unite(first, other)
        return first


def _together(earlier: Iterable[int], later: Iterable[int]) -> list[int]:
    return list(dict.fromkeys([*earlier, *later]))


def _step(index: int, analysis: CellAnalysis, run: Run) -> Step:
    data = run.follows[Why.VALUE]
    changes = run.follows[Why.CHANGE].keys()
    rebinds = run.follows[Why.REBIND].keys() - changes - data.keys()
    return Step(
        index,
        analysis,
        {source: tuple(sorted(data[source])) for source in sorted(data)},
        frozenset(changes),
        frozenset(rebinds),
        frozenset(run.looked_up),
        frozenset(run.writes),
    )
