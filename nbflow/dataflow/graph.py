"""How the cells of a notebook depend on each other.

This module decides, from the analyses of the cells in notebook order, which cell's values each
cell needs (DATA) and which cells must merely not change places (ORDER). It must not know how
cells are analysed, run or drawn.

How it works. The cells are visited once, in order, as if they ran. For each name the builder
remembers who may have bound it, who has read it since, and which *object* it holds; names that
may share an object share one `_Object`, with its readers and mutators. Code runs where it is
called: a name carries the effects of the functions it may hold, and whoever reads the name has
those effects. Where code hides what it reads or binds, the cell becomes a barrier: everything
before it stays before, everything after it after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from . import known
from .cells import analyse_cell
from .records import NONE, CellAnalysis, Effects, Names, merge_effects


class EdgeKind(str, Enum):
    """Why one cell comes after another."""

    DATA = "data"  # the later cell may need a value that the earlier one bound or changed
    ORDER = "order"  # no value passes, but changing places could change a result

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """The cell at index `target` must run after the cell at index `source`."""

    source: int
    target: int
    #: The variable; or words for shared state; empty when a cell hides what it touches.
    name: str
    #: False when the code may not really touch the value.
    certain: bool = True
    kind: EdgeKind = EdgeKind.DATA


@dataclass(frozen=True, slots=True, order=True)
class DisplayEdge:
    """One arrow of the drawing, labelled with every variable that passes along it."""

    source: int
    target: int
    names: tuple[str, ...]
    #: False: draw it dashed.
    certain: bool


@dataclass(frozen=True, slots=True)
class CellGraph:
    """The cells of a notebook, by index in notebook order, and their dependencies."""

    nodes: tuple[CellAnalysis, ...]
    edges: tuple[Edge, ...]
    #: Cells that keep their place because their code hides what it reads or binds.
    barriers: frozenset[int]

    def before(self, index: int) -> frozenset[int]:
        """The cells that must have ended before this one may start."""
        return frozenset(edge.source for edge in self.edges if edge.target == index)

    def ancestors(self, index: int, *, order: bool = False) -> frozenset[int]:
        """The cells whose values this one needs, directly or not.

        With `order`, also those that must merely run before it.
        """
        return self._closure((index,), _links(self._relevant(order=order), forward=False))

    def descendants(self, index: int, *, order: bool = False) -> frozenset[int]:
        """The cells that need this one's values, directly or not (`order`: see `ancestors`)."""
        return self.stale_after((index,), order=order)

    def stale_after(self, changed: Iterable[int], *, order: bool = False) -> frozenset[int]:
        """The cells whose result may differ once the `changed` ones did; those not included."""
        return self._closure(tuple(changed), _links(self._relevant(order=order), forward=True))

    def display_edges(self) -> tuple[DisplayEdge, ...]:
        """The arrows to draw: DATA edges, without those that longer paths already show."""
        pairs: dict[tuple[int, int], list[Edge]] = defaultdict(list)
        for edge in self._relevant(order=False):
            pairs[edge.source, edge.target].append(edge)
        kept = _reduced({pair: any(e.certain for e in edges) for pair, edges in pairs.items()})
        return tuple(
            DisplayEdge(*pair, tuple(sorted({e.name for e in pairs[pair]} - {""})), certain)
            for pair, certain in sorted(kept.items())
        )

    def _relevant(self, *, order: bool) -> list[Edge]:
        return [edge for edge in self.edges if order or edge.kind is EdgeKind.DATA]

    @staticmethod
    def _closure(start: tuple[int, ...], links: Mapping[int, set[int]]) -> frozenset[int]:
        found: set[int] = set()
        todo = list(start)
        while todo:
            for other in links.get(todo.pop(), set()) - found:
                found.add(other)
                todo.append(other)
        return frozenset(found.difference(start))


def analyse_cells(sources: Sequence[str]) -> CellGraph:
    """The graph of a notebook's code cells, given their texts in notebook order.

    Never raises, whatever the texts: a cell that is not Python is an opaque node in its place.
    """
    return link_cells([analyse_cell(source) for source in sources])


def link_cells(analyses: Sequence[CellAnalysis]) -> CellGraph:
    """The graph of cells that were analysed before (by the kernel's own Python, say)."""
    builder = _Builder()
    for index, analysis in enumerate(analyses):
        builder.cell(index, analysis)
    return CellGraph(tuple(analyses), builder.result(), frozenset(builder.barriers))


def _links(edges: Iterable[Edge], *, forward: bool) -> dict[int, set[int]]:
    links: dict[int, set[int]] = defaultdict(set)
    for edge in edges:
        start, end = (edge.source, edge.target) if forward else (edge.target, edge.source)
        links[start].add(end)
    return links


def _reduced(pairs: Mapping[tuple[int, int], bool]) -> dict[tuple[int, int], bool]:
    """The transitive reduction; what is certain is only hidden by what is certain.

    Sets of cells are bits of an integer.
    """
    sources: dict[int, list[int]] = defaultdict(list)
    for source, target in pairs:
        sources[target].append(source)
    surely: dict[int, int] = defaultdict(int)
    perhaps: dict[int, int] = defaultdict(int)
    kept = {}
    for target in sorted(sources):
        for source in sorted(sources[target], reverse=True):
            certain = pairs[source, target]
            if not (surely if certain else perhaps)[target] >> source & 1:
                kept[source, target] = certain
            perhaps[target] |= perhaps[source] | 1 << source
            if certain:
                surely[target] |= surely[source] | 1 << source
    return kept


# ── building ─────────────────────────────────────────────────────────────────────────────

#: A cell that mutates an object comes after all earlier mutators of it, so that a reader needs
#: edges to the last ones only; this many are kept as labels for people.
_MUTATORS_SHOWN = 16


@dataclass(slots=True, eq=False)
class _Object:
    """What one or several names hold; they may share it, or parts of it."""

    names: set[str] = field(default_factory=set)
    readers: set[int] = field(default_factory=set)
    #: Cell -> name through which it changed the object -> whether it surely did.
    mutators: dict[int, dict[str, bool]] = field(default_factory=dict)
    merged_into: _Object | None = None


@dataclass(slots=True)
class _Variable:
    """One name while the notebook runs."""

    object: _Object
    #: Cells that may have bound (or deleted) it, the last sure one first.
    definers: list[int] = field(default_factory=list)
    #: Cells that read it since the last sure binding.
    readers: set[int] = field(default_factory=set)
    #: The code that it may hold.
    code: Effects = field(default_factory=Effects)
    #: The module or module member that it surely stands for.
    origin: str = ""
    #: True when it surely holds something that nothing can change in place.
    constant: bool = False
    #: True when reading it may use it up.
    oneshot: bool = False
    bound: bool = False


@dataclass(slots=True)
class _Run:
    """What one cell does, the code that it calls included."""

    index: int
    analysis: CellAnalysis
    #: Name -> whether the cell's own code reads it.
    reads: dict[str, bool] = field(default_factory=dict)
    writes: set[str] = field(default_factory=set)
    mutates: dict[str, bool] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    #: Names changed or bound by called functions.
    touched: set[str] = field(default_factory=set)
    ambiguous: bool = False


class _Builder:
    """Visits the cells in order; see the module's docstring."""

    def __init__(self) -> None:
        self.variables: dict[str, _Variable] = {}
        self.edges: dict[tuple[int, int, str, EdgeKind], bool] = {}
        self.barriers: set[int] = set()
        self.seen: list[int] = []
        self.fences: dict[EdgeKind, int] = {}
        self.states: dict[str, int] = {}

    def result(self) -> tuple[Edge, ...]:
        """All edges; an ORDER edge says nothing where a DATA edge stands."""
        data = {key[:2] for key in self.edges if key[3] is EdgeKind.DATA}
        return tuple(
            sorted(
                Edge(source, target, name, certain, kind)
                for (source, target, name, kind), certain in self.edges.items()
                if kind is EdgeKind.DATA or (source, target) not in data
            )
        )

    def edge(
        self, source: int, target: int, name: str, kind: EdgeKind, *, certain: bool = True
    ) -> None:
        if source != target:
            key = (source, target, name, kind)
            self.edges[key] = certain or self.edges.get(key, False)

    def cell(self, index: int, analysis: CellAnalysis) -> None:
        """The next cell runs."""
        if analysis == _EMPTY:
            return
        run = self._run(index, analysis)
        self._fence(run)
        self._order_shared_state(run)
        for name, certain in sorted(run.reads.items()):
            self._read(run, name, certain=certain)
        for name, certain in sorted(run.mutates.items()):
            self._mutate(run, name, certain=certain)
        self._bind_all(run)
        self.seen.append(index)

    # ── what the cell does ───────────────────────────────────────────────────────────────

    def variable(self, name: str) -> _Variable:
        """The name's record; a name not bound yet has one too, for its readers."""
        if name not in self.variables:
            self.variables[name] = _Variable(_Object({name}))
        return self.variables[name]

    def _bound(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in self.variables and self.variables[name].bound]

    def _run(self, index: int, analysis: CellAnalysis) -> _Run:
        run = _Run(index, analysis, ambiguous=bool(analysis.ambiguous))
        run.reads = dict.fromkeys(analysis.refs | analysis.builtins, True)
        run.calls |= analysis.calls
        self._follow_code(run)
        for name in analysis.mutates:
            run.mutates[name] = True
        for name in analysis.may_mutate:
            self._may_mutate(run, name, analysis.mutated_by.get(name, NONE))
        for name in run.reads:
            if name in self.variables and self.variables[name].oneshot:
                run.mutates.setdefault(name, False)
        self._shadowed_builtins(run)
        return run

    def _follow_code(self, run: _Run) -> None:
        """Count the effects of the code that the names read by the cell may hold."""
        todo = list(run.reads)
        while todo:
            name = todo.pop()
            variable = self.variables.get(name)
            if variable is None or variable.code == _NO_CODE:
                continue
            code = variable.code
            certain = run.reads[name] and name in run.calls
            todo += [other for other in code.reads | code.builtins if other not in run.reads]
            for other in code.reads | code.builtins:
                run.reads[other] = run.reads.get(other, False) or certain
            self._effects(run, code, certain=certain)

    @staticmethod
    def _effects(run: _Run, code: Effects, *, certain: bool) -> None:
        run.writes |= code.writes
        run.calls |= code.calls
        run.touched |= code.writes | code.mutates | code.may_mutate
        run.ambiguous = run.ambiguous or bool(code.ambiguous)
        for name in code.mutates:
            run.mutates[name] = certain or run.mutates.get(name, False)
        for name in code.may_mutate:
            run.mutates.setdefault(name, False)

    def _may_mutate(self, run: _Run, name: str, callees: Names) -> None:
        """The cell hands the name's object to some callees; some of them are known."""
        variable = self.variables.get(name)
        if variable and (variable.constant or _is_inert(variable)):
            return
        origins = [self._origin(run, callee) for callee in callees]
        if any(origin in known.MUTATING_FUNCTIONS for origin in origins):
            run.mutates[name] = True
        elif not origins or not all(map(_is_harmless, origins)):
            run.mutates.setdefault(name, False)

    def _origin(self, run: _Run, dotted: str) -> str:
        """`numpy.sort` for `np.sort`, whoever imported numpy as np; empty when not imported."""
        root, _, rest = dotted.partition(".")
        variable = self.variables.get(root)
        origin = run.analysis.imports.get(root) or (variable.origin if variable else "")
        return f"{origin}.{rest}" if origin and rest else origin

    def _shadowed_builtins(self, run: _Run) -> None:
        """Where a cell's `print` is an earlier cell's own, its arguments are not safe."""
        if self._bound(run.analysis.builtins & known.PURE_BUILTINS):
            for name in run.analysis.refs:
                run.mutates.setdefault(name, False)

    # ── barriers and shared state ────────────────────────────────────────────────────────

    def _fence(self, run: _Run) -> None:
        """Keep the cell's place among barriers, and everybody's if it is one itself."""
        for kind, fence in self.fences.items():
            self.edge(fence, run.index, "", kind, certain=False)
        if run.ambiguous:
            self._raise_fence(run, EdgeKind.DATA)
            self.barriers.add(run.index)
        elif run.analysis.external:
            self._raise_fence(run, EdgeKind.ORDER)

    def _raise_fence(self, run: _Run, kind: EdgeKind) -> None:
        last = self.fences.get(kind, -1)
        for index in reversed(self.seen):
            if index <= last:
                break
            self.edge(index, run.index, "", kind, certain=False)
        self.fences[kind] = run.index

    def _order_shared_state(self, run: _Run) -> None:
        """Calls that use a module's hidden state (random numbers…) keep their order."""
        origins = [self._origin(run, dotted) for dotted in run.calls]
        found = {_longest(known.SHARED_STATE, origin) for origin in origins}
        secret = {_longest(known.SEEDED_BY, origin) for origin in origins}
        for state in sorted((found | (secret & self.states.keys())) - {""}):
            if state in self.states:
                self.edge(self.states[state], run.index, state, EdgeKind.ORDER, certain=False)
            self.states[state] = run.index

    # ── names and objects ────────────────────────────────────────────────────────────────

    def _find(self, item: _Object) -> _Object:
        root = item
        while root.merged_into is not None:
            root = root.merged_into
        while item is not root and item.merged_into is not None:
            item.merged_into, item = root, item.merged_into
        return root

    def _unite(self, one: _Object, other: _Object) -> None:
        one, other = self._find(one), self._find(other)
        if one is other:
            return
        if len(one.names) < len(other.names):
            one, other = other, one
        other.merged_into = one
        one.names |= other.names
        one.readers |= other.readers
        for index, names in other.mutators.items():
            one.mutators.setdefault(index, {}).update(names)

    def _read(self, run: _Run, name: str, *, certain: bool) -> None:
        variable = self.variable(name)
        alone = len(variable.definers) == 1
        for definer in variable.definers:
            self.edge(definer, run.index, name, EdgeKind.DATA, certain=certain and alone)
        item = self._find(variable.object)
        for index in sorted(item.mutators)[-_MUTATORS_SHOWN:]:
            surely = certain and item.mutators[index].get(name, False)
            self.edge(index, run.index, name, EdgeKind.DATA, certain=surely)
        variable.readers.add(run.index)
        item.readers.add(run.index)

    def _mutate(self, run: _Run, name: str, *, certain: bool) -> None:
        variable = self.variables.get(name)
        if variable is None or name not in run.reads:
            return
        if variable.constant or _is_inert(variable):
            return
        item = self._find(variable.object)
        for index in item.readers:
            self.edge(index, run.index, name, EdgeKind.ORDER)
        for index in sorted(item.mutators)[-_MUTATORS_SHOWN:]:
            self.edge(index, run.index, name, EdgeKind.DATA, certain=False)
        item.readers = {run.index}
        names = item.mutators.setdefault(run.index, {})
        names[name] = certain or names.get(name, False)

    def _bind_all(self, run: _Run) -> None:
        """Bind and delete names, then note what shares objects and carries code now."""
        analysis = run.analysis
        before = dict(self.variables)
        bound = analysis.defs | analysis.deletes | run.writes
        after = {name: self._bind(run, name) for name in sorted(bound)}
        self.variables.update(after)
        for name in sorted(analysis.functions.keys() & analysis.defs):
            self.variables[name].code |= analysis.functions[name]
        for name in sorted(analysis.flows.keys() | analysis.results.keys()):
            self._link(run, name, before)
        self._hand_over(run, before)

    def _bind(self, run: _Run, name: str) -> _Variable:
        analysis, old = run.analysis, self.variable(name)
        for index in (*old.definers, *old.readers):
            self.edge(index, run.index, name, EdgeKind.ORDER)
        sure = name in analysis.sure_defs or name in analysis.sure_deletes
        one = name in analysis.oneshot
        if not sure:
            return _Variable(
                old.object,
                [*old.definers, *({run.index} - set(old.definers))],
                old.readers | {run.index} if name in run.reads else old.readers,
                old.code,
                oneshot=one or old.oneshot,
                bound=True,
            )
        self._find(old.object).names.discard(name)
        return _Variable(
            _Object({name}),
            [run.index],
            origin=analysis.imports.get(name, ""),
            constant=name in analysis.constants,
            oneshot=one,
            bound=name in analysis.sure_defs,
        )

    def _link(self, run: _Run, name: str, before: Mapping[str, _Variable]) -> None:
        """The name's value may share objects with other names, and carry their code."""
        analysis, target = run.analysis, self.variables.get(name)
        if target is None or target.constant or _is_inert(target):
            return
        code = Effects()
        for source, direct in analysis.flows.get(name, {}).items():
            for variable in self._versions(run, source, before):
                if not variable.constant and not _is_inert(variable):
                    self._unite(target.object, variable.object)
                code |= variable.code
                target.oneshot = target.oneshot or (direct and variable.oneshot)
        for callee in analysis.results.get(name, NONE):
            code |= self._result_of(run, callee, target, before)
        self._carry(target, code)

    def _versions(self, run: _Run, name: str, before: Mapping[str, _Variable]) -> list[_Variable]:
        """The name as the cell found it, and as the cell left it, where either may be meant."""
        found = [before[name]] if name in before and name in run.reads else []
        bound = name in run.analysis.defs or name in run.writes
        return found + ([self.variables[name]] if bound else [])

    def _result_of(
        self, run: _Run, callee: str, target: _Variable, before: Mapping[str, _Variable]
    ) -> Effects:
        """What the result of calling `callee` shares, and the code that it carries."""
        codes: list[Effects] = []
        todo, done = [callee], {callee}
        while todo:
            name = todo.pop()
            for variable in self._versions(run, name, before):
                codes.append(variable.code)
                target.oneshot = target.oneshot or (name == callee and variable.code.generator)
                if name != callee and not variable.constant and not _is_inert(variable):
                    self._unite(target.object, variable.object)
                todo += variable.code.returns - done
                done |= variable.code.returns
        return merge_effects(codes)

    def _carry(self, target: _Variable, code: Effects) -> None:
        """Whoever shares the object may now run the code."""
        if code == _NO_CODE:
            return
        target.code |= code
        for name in self._find(target.object).names:
            other = self.variables.get(name)
            if other is None or other.code.covers(code):
                continue
            if self._find(other.object) is self._find(target.object):
                other.code |= code

    def _hand_over(self, run: _Run, before: Mapping[str, _Variable]) -> None:
        """Called functions may store their arguments in what they touch."""
        code = run.analysis.handed
        given = [item for name in run.analysis.passed for item in self._versions(run, name, before)]
        for name in sorted(run.touched & self.variables.keys()):
            target = self.variables[name]
            for variable in given:
                if not variable.constant and not _is_inert(variable):
                    self._unite(target.object, variable.object)
                code |= variable.code
            self._carry(target, code)


_EMPTY = CellAnalysis()
_NO_CODE = Effects()


def _is_inert(variable: _Variable) -> bool:
    """True for modules, and members of modules that are known to leave things alone."""
    origin = variable.origin
    return bool(origin) and ("." not in origin or _is_harmless(origin + ".x"))


def _is_harmless(origin: str) -> bool:
    """True for functions of libraries that leave their arguments alone."""
    if origin in known.MUTATING_FUNCTIONS:
        return False
    parts = origin.split(".")
    return any(".".join(parts[:length]) in known.PURE_MODULES for length in range(1, len(parts)))


def _longest(table: Mapping[str, str], dotted: str) -> str:
    """The table's entry for the longest prefix of a dotted name."""
    parts = dotted.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((table[prefix] for prefix in prefixes if prefix in table), "")
