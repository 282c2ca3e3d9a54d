"""Which cells must follow which, found by visiting them once, in order, as if they ran.

This module decides, from the analyses of the cells in notebook order, which cell's values each
cell needs (DATA) and which cells must merely not change places (ORDER). It must not know how
cells are analysed, run or drawn.

For each name the linker remembers who may have bound it, who has read it since, and which
*object* it holds. Names that may share an object, or parts of it, share one `Object`, with its
readers, its mutators and the code that it carries. Code runs where it may be called: whoever
reads a name that may hold a function has that function's effects. Where code hides what it
reads or binds, the cell becomes a barrier: everything before it stays before, everything after
it after. When a notebook is too entangled to be followed, its remaining cells keep their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import known
from .closures import Closure
from .edges import Edge, EdgeKind, Why
from .libraries import leaves_arguments
from .objects import Object, Run, Variable
from .records import (
    ANY,
    ENTANGLED,
    ITSELF,
    NONE,
    RECEIVER,
    CellAnalysis,
    Effects,
    Names,
    slot_of,
)

#: A cell that changes an object comes after all earlier ones that did, so that a reader needs
#: edges to the last of them only; some more are kept for people. Binding is alike.
_SHOWN = 16

#: Steps that a notebook may take to be linked; ordinary ones of 300 cells take about 10,000.
BUDGET = 400_000


class Linker:
    """Visits the cells in order; see the module's docstring."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.edges: dict[tuple[int, int, str, EdgeKind], bool] = {}
        self.barriers: set[int] = set()
        self.seen: list[int] = []
        self.fences: dict[EdgeKind, int] = {}
        self.states: dict[str, int] = {}
        #: The last cell that changed what imports find, and those that imported since.
        self.import_changer: int | None = None
        self.importers: list[int] = []
        #: Why cells keep the order of the notebook, where that is the linker's doing.
        self.reasons: dict[int, str] = {}
        self.sequential = False
        #: Steps taken so far, and those that may be taken beyond what one notebook may.
        self.steps = 0
        self.extra_steps = 0
        #: Code (by identity) that was understood by what is no longer so.
        self.distrusted: set[int] = set()

    def result(self) -> tuple[Edge, ...]:
        """All edges; an ORDER edge says nothing where a DATA edge stands."""
        data = {key[:2] for key in self.edges if key[3] is EdgeKind.DATA}
        return tuple(
            Edge(source, target, name, self.edges[source, target, name, kind], kind)
            for source, target, name, kind in sorted(self.edges)
            if kind is EdgeKind.DATA or (source, target) not in data
        )

    def edge(
        self, source: int, run: Run, name: str, kind: EdgeKind, why: Why, *, certain: bool = True
    ) -> None:
        """Note that the cell comes after the source."""
        if source != run.index:
            self.steps += 1
            key = (source, run.index, name, kind)
            self.edges[key] = certain or self.edges.get(key, False)
            run.follows[why].setdefault(source, set()).add(name)

    def cell(self, index: int, analysis: CellAnalysis) -> Run:
        """The next cell runs; gives all that it does."""
        if analysis == _EMPTY:
            return Run(index, analysis)
        self.sequential = self.sequential or ENTANGLED in analysis.ambiguous
        if self.sequential or self.steps > BUDGET + self.extra_steps:
            return self._keep_place(index, analysis)
        run = self._run(index, analysis)
        self._fence(run)
        self._order_shared_state(run)
        for name, certain in sorted(run.reads.items()):
            self._read(run, name, certain=certain)
        for name, certain in sorted(run.mutates.items()):
            self._mutate(run, name, certain=certain)
        self._bind_all(run)
        self.seen.append(index)
        return run

    def _keep_place(self, index: int, analysis: CellAnalysis) -> Run:
        """What the cells share is no longer known: this one follows all before it."""
        self.sequential = True
        self.reasons[index] = ENTANGLED
        run = Run(index, analysis, ambiguous=True)
        self._fence(run)
        self.seen.append(index)
        return run

    # ── what the cell does ───────────────────────────────────────────────────────────────

    def variable(self, name: str) -> Variable:
        """The name's record; a name not bound yet has one too, for its readers."""
        if name not in self.variables:
            self.variables[name] = Variable(Object({name}))
        return self.variables[name]

    def _bound(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in self.variables and self.variables[name].bound]

    def _run(self, index: int, analysis: CellAnalysis) -> Run:
        run = Run(index, analysis, ambiguous=bool(analysis.ambiguous))
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

    def _follow_code(self, run: Run) -> None:
        """Count the effects of the code that the names read by the cell may hold."""
        todo = list(run.reads)
        done: dict[int, bool] = {}
        while todo:
            name = todo.pop()
            variable = self.variables.get(name)
            if variable is None:
                continue
            certain = run.reads[name] and name in run.calls
            for code in self.code(variable):
                if id(code) in done and done[id(code)] >= certain:
                    continue
                done[id(code)] = certain
                self._effects(run, code, certain=certain)
                todo += self._read_by(run, code, certain=certain)

    def code(self, variable: Variable) -> list[Effects]:
        """The bodies of code that may run through the variable."""
        return list(self.find(variable.object).code.values())

    def _read_by(self, run: Run, code: Effects, *, certain: bool) -> list[str]:
        """Note what the code reads; gives the names that were not read, or less surely so."""
        names = code.reads | code.builtins
        run.looked_up |= names
        news = [name for name in names if name not in run.reads or (certain > run.reads[name])]
        run.reads.update(dict.fromkeys(news, certain))
        self.steps += len(names)
        return news

    def _effects(self, run: Run, code: Effects, *, certain: bool) -> None:
        run.writes |= code.writes
        run.calls |= code.calls
        run.kept |= code.keeps
        run.changes |= code.changes
        run.touched |= code.writes | code.mutates | code.may_mutate
        run.ambiguous = run.ambiguous or bool(code.ambiguous) or id(code) in self.distrusted
        for name in code.mutates:
            run.mutates[name] = certain or run.mutates.get(name, False)
        for name in code.may_mutate:
            variable = self.variables.get(name)
            if variable is None or variable.function is None:  # functions are called, not changed
                run.mutates.setdefault(name, False)

    def _may_mutate(self, run: Run, name: str, callees: Names) -> None:
        """The cell hands the name's object to some callees; some of them are known."""
        variable = self.variables.get(name)
        if variable and (variable.constant or _is_inert(variable)):
            return
        if any(self._origin(run, callee) in known.MUTATING_FUNCTIONS for callee in callees):
            run.mutates[name] = True
        elif not callees or not all(self._spares(run, name, callee) for callee in callees):
            run.mutates.setdefault(name, False)

    def _spares(self, run: Run, name: str, callee: str) -> bool:
        """True when a callee, such as `train(0)`, surely leaves the name's object alone."""
        todo, done = [callee], {callee}
        while todo:
            path, slot = slot_of(todo.pop())
            if origin := self._origin(run, path):
                if not leaves_arguments(origin):
                    return False
                continue
            if slot == RECEIVER and self._has_no_state(name):
                continue
            if slot == ITSELF:
                if not self._is_plain(name):
                    return False
                continue
            if slot == ANY and self._is_data(path):
                continue
            function = self._function(run, path)
            passed_to = function.handing(slot) if function else None
            if passed_to is None:
                return False
            todo += passed_to - done
            done |= passed_to
        return True

    def _has_no_state(self, name: str) -> bool:
        """True for functions, whose methods (`task.submit()`) change at most what they call."""
        variable = self.variables.get(name)
        return bool(variable and variable.function and not variable.function.carries)

    def _is_plain(self, name: str) -> bool:
        """True when calling the name changes no state that it carries with it."""
        variable = self.variables.get(name)
        return variable is None or variable.function is not None or not self.code(variable)

    def _is_data(self, name: str) -> bool:
        """True when no code of the notebook can be called through the name."""
        variable = self.variables.get(name)
        return variable is not None and variable.bound and not self.code(variable)

    def _function(self, run: Run, name: str) -> Effects | None:
        """The notebook's function of that name, if the cell surely finds it so."""
        variable = self.variables.get(name)
        analysis = run.analysis
        own = name in analysis.defs or name in run.writes
        return None if own or variable is None else variable.function

    def _origin(self, run: Run, dotted: str) -> str:
        """`numpy.sort` for `np.sort`, whoever imported numpy as np; empty when not imported."""
        root, _, rest = slot_of(dotted)[0].partition(".")
        variable = self.variables.get(root)
        origin = run.analysis.imports.get(root) or (variable.origin if variable else "")
        return f"{origin}.{rest}" if origin and rest else origin

    def _shadowed_builtins(self, run: Run) -> None:
        """Where a cell's `print` is an earlier cell's own, its arguments are not safe."""
        if self._bound(run.analysis.builtins & known.PURE_BUILTINS):
            for name in run.analysis.refs:
                run.mutates.setdefault(name, False)

    # ── barriers and shared state ────────────────────────────────────────────────────────

    def _fence(self, run: Run) -> None:
        """Keep the cell's place among barriers, and everybody's if it is one itself."""
        for kind, fence in self.fences.items():
            self.edge(fence, run, "", kind, Why.CHANGE, certain=False)
        if run.ambiguous:
            self._raise_fence(run, EdgeKind.DATA)
            self.barriers.add(run.index)
        elif run.analysis.external:
            self._raise_fence(run, EdgeKind.ORDER)

    def _raise_fence(self, run: Run, kind: EdgeKind) -> None:
        last = self.fences.get(kind, -1)
        for index in reversed(self.seen):
            if index <= last:
                break
            self.edge(index, run, "", kind, Why.CHANGE, certain=False)
        self.fences[kind] = run.index

    def _order_shared_state(self, run: Run) -> None:
        """Calls that use a module's hidden state (random numbers…) keep their order."""
        origins = [self._origin(run, dotted) for dotted in run.calls]
        found = {_longest(known.SHARED_STATE, origin) for origin in origins}
        secret = {_longest(known.SEEDED_BY, origin) for origin in origins}
        for state in sorted((found | (secret & self.states.keys())) - {""}):
            if state in self.states:
                last = self.states[state]
                self.edge(last, run, state, EdgeKind.ORDER, Why.CHANGE, certain=False)
            self.states[state] = run.index

        self._order_imports(run, changes=self._changes_imports(run, found))

    def _changes_imports(self, run: Run, states: Iterable[str]) -> bool:
        """Whether what `import` finds may differ after the cell (`sys.path`, `sys.modules`)."""
        if known.IMPORTS in states:  # `sys.path.append(…)`
            return True
        if any(self._origin(run, name) == "sys" for name in run.analysis.mutates):
            self.sequential = True  # `sys.modules[…] = …`: an import may give any object now
        return False

    def _order_imports(self, run: Run, *, changes: bool) -> None:
        """Imports keep their place among the cells that change what imports find."""
        if self.import_changer is not None and (changes or run.analysis.imports):
            changer = self.import_changer
            self.edge(changer, run, known.IMPORTS, EdgeKind.ORDER, Why.CHANGE, certain=False)
        if changes:
            for index in self.importers:
                self.edge(index, run, known.IMPORTS, EdgeKind.ORDER, Why.CHANGE, certain=False)
            self.importers.clear()
            self.import_changer = run.index
        elif run.analysis.imports:
            self.importers.append(run.index)

    # ── names and objects ────────────────────────────────────────────────────────────────

    def find(self, item: Object) -> Object:
        """The object that stands for all that may share with this one."""
        root = item
        while root.merged_into is not None:
            root = root.merged_into
        while item is not root and item.merged_into is not None:
            item.merged_into, item = root, item.merged_into
        return root

    def unite(self, one: Object, other: Object) -> None:
        """What holds one of them may hold the other, or share with it."""
        one, other = self.find(one), self.find(other)
        if one is other:
            return
        if len(one.names) < len(other.names):
            one, other = other, one
        other.merged_into = one
        one.names |= other.names
        one.readers |= other.readers
        one.code.update(other.code)
        self.steps += 1
        for index, names in other.mutators.items():
            one.mutators.setdefault(index, {}).update(names)

    def _read(self, run: Run, name: str, *, certain: bool) -> None:
        variable = self.variable(name)
        alone = len(variable.definers) == 1
        for definer in variable.definers:
            sure = certain and alone
            self.edge(definer, run, name, EdgeKind.DATA, Why.VALUE, certain=sure)
        item = self.find(variable.object)
        for index in _last(item.mutators):
            changed = item.mutators[index].get(name, False)
            why = Why.VALUE if changed else Why.CHANGE
            self.edge(index, run, name, EdgeKind.DATA, why, certain=certain and changed)
        variable.readers.add(run.index)
        if name in run.looked_up:
            variable.in_place.add(run.index)
        item.readers.add(run.index)

    def _mutate(self, run: Run, name: str, *, certain: bool) -> None:
        variable = self.variables.get(name)
        if variable is None or name not in run.reads:
            return
        self.change(run, variable, name, certain=certain)

    def change(self, run: Run, variable: Variable, name: str, *, certain: bool) -> None:
        """The cell changes, or may change, what the variable holds."""
        if variable.constant or _is_inert(variable):
            return
        item = self.find(variable.object)
        for index in item.readers:
            self.edge(index, run, name, EdgeKind.ORDER, Why.CHANGE)
        for index in _last(item.mutators):
            self.edge(index, run, name, EdgeKind.DATA, Why.CHANGE, certain=False)
        item.readers = {run.index}
        if len(item.mutators) > 2 * _SHOWN:
            item.mutators = {index: item.mutators[index] for index in _last(item.mutators)}
        names = item.mutators.setdefault(run.index, {})
        names[name] = certain or names.get(name, False)

    def _bind_all(self, run: Run) -> None:
        """Bind and delete names, then note what shares objects and carries code now."""
        analysis = run.analysis
        before = dict(self.variables)
        bound = analysis.defs | analysis.deletes | run.writes
        after = {name: self._bind(run, name) for name in sorted(bound)}
        self.variables.update(after)
        for name in analysis.oneshot - bound:  # something that reading uses up was put into it
            self.variable(name).oneshot = True
        for name in sorted(analysis.functions):
            if variable := self.variables.get(name):
                self.carry(variable, [analysis.functions[name]])
        results = _Results(self, run, before)
        for name in sorted(analysis.flows.keys() | analysis.results.keys()):
            self._link(run, name, results)
        results = _Results(self, run, before)  # the names now hold what they are linked to
        for callee in sorted(run.changes | analysis.changes):
            results.change(callee)
        self._hand_over(run, before)

    def _bind(self, run: Run, name: str) -> Variable:
        analysis, old = run.analysis, self.variable(name)
        run.replaced[name] = old
        in_place = self._follow_users(run, name, old)
        sure = name in analysis.sure_defs or name in analysis.sure_deletes
        one = name in analysis.oneshot
        if not sure:
            return Variable(
                old.object,
                self._definers(run, name, old.definers),
                old.readers & {run.index},  # the others come before this cell, so before later ones
                in_place,
                oneshot=one or old.oneshot,
                bound=True,
            )
        self.find(old.object).names.discard(name)
        return Variable(
            Object({name}),
            [run.index],
            in_place=in_place,
            origin=analysis.imports.get(name, ""),
            constant=name in analysis.constants,
            function=analysis.function(name),
            oneshot=one,
            bound=name in analysis.sure_defs,
        )

    def _follow_users(self, run: Run, name: str, old: Variable) -> set[int]:
        """The cell binds the name after all who use it; gives itself where it must, anyway.

        Cells that run in a namespace of their own may go on with what the name was; those that
        use the notebook's, be it by a function only, may not. Later cells follow this one only,
        so whoever may not pass those may not pass this one either.
        """
        looked_up = name in run.writes or name in run.looked_up
        for index in (*old.definers[-1:], *old.readers):
            binds_both = name in run.writes and index in old.definers
            firm = binds_both or index in old.in_place
            looked_up = looked_up or firm
            self.edge(index, run, name, EdgeKind.ORDER, Why.CHANGE if firm else Why.REBIND)
        return {run.index} if looked_up else set()

    def _definers(self, run: Run, name: str, old: list[int]) -> list[int]:
        """All that may have bound the name; of many, the last stands for some in the middle."""
        if len(old) > _SHOWN:
            self.edge(old[1], run, name, EdgeKind.DATA, Why.VALUE, certain=False)
            old = [old[0], *old[2:]]
        return [*old, *({run.index} - set(old))]

    def _link(self, run: Run, name: str, results: _Results) -> None:
        """The name's value may share objects with other names, and carry their code."""
        target = self.variables.get(name)
        if target is None or target.constant or _is_inert(target):
            return
        for source, direct in run.analysis.flows.get(name, {}).items():
            for variable in self.versions(run, source, results.before):
                self.share(target, variable)
                target.oneshot = target.oneshot or (direct and variable.oneshot)
        for callee in run.analysis.results.get(name, NONE):
            results.give(callee, target)

    def share(self, target: Variable, source: Variable) -> None:
        """Both may hold the same objects, unless nothing can change what the source holds."""
        if not source.constant and not _is_inert(source):
            self.unite(target.object, source.object)

    def versions(self, run: Run, name: str, before: Mapping[str, Variable]) -> list[Variable]:
        """The name as the cell found it, and as the cell left it, where either may be meant."""
        found = [before[name]] if name in before and name in run.reads else []
        bound = name in run.analysis.defs or name in run.writes
        return found + ([self.variables[name]] if bound else [])

    def carry(self, target: Variable, codes: Iterable[Effects]) -> None:
        """Whoever shares the object may now run the code."""
        code = self.find(target.object).code
        code.update((id(item), item) for item in codes if not item.idle)

    def _hand_over(self, run: Run, before: Mapping[str, Variable]) -> None:
        """Called functions may store their arguments in what they touch."""
        names = sorted(run.touched)
        touched = [item for name in names for item in self.versions(run, name, before)]
        stored = run.analysis.passed | run.kept
        given = [item for name in stored for item in self.versions(run, name, before)]
        if not given and run.analysis.handed == _NO_CODE:
            return
        for variable in given:
            for target in touched[:1]:
                self.share(target, variable)
        for target in touched:
            self.carry(target, [run.analysis.handed])
            if given:
                self.share(target, touched[0])


class _Results:
    """What calls of the notebook's functions give, as one cell may see it at its end."""

    def __init__(self, linker: Linker, run: Run, before: Mapping[str, Variable]) -> None:
        self.linker = linker
        self.run = run
        self.before = before
        self._returned = Closure(
            self._results,
            lambda name: {item for code in self._codes(name) for item in code.returns},
        )
        self._carried = Closure(
            self._results, lambda name: [id(code) for code in self._codes(name) if code.carries]
        )
        self._generated = Closure(
            self._results, lambda name: [True for code in self._codes(name) if code.generator]
        )
        self._found: dict[str, list[Effects]] = {}
        self._by_id: dict[int, Effects] = {}

    def _codes(self, name: str) -> list[Effects]:
        if name not in self._found:
            found = self.linker.versions(self.run, name, self.before)
            codes = {id(code): code for item in found for code in self.linker.code(item)}
            self._by_id |= codes
            self._found[name] = list(codes.values())
        return self._found[name]

    def _results(self, name: str) -> set[str]:
        """The functions whose result the function's result may be, or hold."""
        return {other for code in self._codes(name) for other in code.results | code.returns}

    def change(self, callee: str) -> None:
        """The cell may change what calling `callee` gives."""
        for name in self._returned(callee):
            for variable in self.linker.versions(self.run, name, self.before):
                self.linker.change(self.run, variable, name, certain=False)
            self.run.mutates.setdefault(name, False)

    def give(self, callee: str, target: Variable) -> None:
        """The target may hold what calling `callee` gives."""
        target.oneshot = target.oneshot or bool(self._generated(callee))
        for variable in self.linker.versions(self.run, callee, self.before):
            if variable.function is None and self.linker.code(variable):
                self.linker.share(target, variable)  # a closure may give what it keeps
        for name in self._returned(callee):
            for variable in self.linker.versions(self.run, name, self.before):
                self.linker.share(target, variable)
        self.linker.carry(target, [self._by_id[key] for key in self._carried(callee)])


_EMPTY = CellAnalysis()
_NO_CODE = Effects()


def _is_inert(variable: Variable) -> bool:
    """True for modules, and members of modules that are known to leave things alone."""
    origin = variable.origin
    return bool(origin) and ("." not in origin or leaves_arguments(origin + ".x"))


def _longest(table: Mapping[str, str], dotted: str) -> str:
    """The table's entry for the longest prefix of a dotted name."""
    parts = dotted.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((table[prefix] for prefix in prefixes if prefix in table), "")


def _last(cells: Iterable[int]) -> list[int]:
    """The last few of many cells, in order."""
    return sorted(cells)[-_SHOWN:]
