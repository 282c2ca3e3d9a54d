"""Where each name of a notebook lives in the exported module, and what each task is told.

This module decides which names are the flow's own variables and which the module's: those that
functions read late, that classes or `global` statements name, and that shadow builtins. From that
follow the parameters and the results of the tasks. It must not know how Python is written.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from nbflow.cells.records import FlowCellOptions
from nbflow.dataflow import CellAnalysis, analyse_python
from nbflow.export.hoisting import Hoisted, hoist, import_keys, is_definition
from nbflow.export.names import Names, names_of
from nbflow.export.pieces import Piece
from nbflow.export.reading import Cell, Role, Source

_BUILTINS: Final = frozenset(dir(builtins))
#: What makes a function return code that may be called by anyone.
_CARRIERS: Final = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.GeneratorExp,
    ast.Yield,
    ast.YieldFrom,
)


@dataclass(eq=False)
class Body:
    """What is left of a cell when imports and definitions have gone to the top of the module."""

    cell: Cell
    pieces: list[Piece]

    @cached_property
    def names(self) -> Names:
        """What the statements do to the notebook's names."""
        return names_of(piece.node for piece in self.pieces)

    @cached_property
    def when_it_ends(self) -> CellAnalysis:
        """Which of that is sure when it does not raise."""
        return analyse_python("\n".join(piece.text for piece in self.pieces))

    @property
    def analysis(self) -> CellAnalysis:
        """Which of that is sure."""
        return self.when_it_ends.unsure() if self.cell.may_raise else self.when_it_ends

    @cached_property
    def definitions(self) -> frozenset[str]:
        """Names bound by a `def`, `class` or `import` that stayed."""
        stayed = (p for p in self.pieces if is_definition(p.node) or import_keys(p.node))
        return frozenset(name for piece in stayed for name in piece.names.binds)

    @cached_property
    def order(self) -> dict[str, int]:
        """Where each name first stands in the code: the order of parameters and results."""
        words = re.findall(r"[^\W\d]\w*", "\n".join(piece.text for piece in self.pieces))
        return {name: number for number, name in reversed(list(enumerate(words)))}

    @property
    def never_ends(self) -> bool:
        """Whether it always raises."""
        return bool(self.pieces) and isinstance(self.pieces[-1].node, ast.Raise)

    @property
    def awaits(self) -> bool:
        """Whether it has to run inside a coroutine."""
        return self.names.awaits


@dataclass(eq=False)
class Unit:
    """A task cell, or flow cell, as a function."""

    body: Body
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    #: Names of the module that it binds itself.
    globals: list[str] = field(default_factory=list)
    #: Names that the flow deletes once it has run.
    deletes: list[str] = field(default_factory=list)
    #: Whether it needs nothing of the flow but its inputs, so that it may run anywhere.
    isolated: bool = True
    #: Why what it makes cannot be cached; empty when it can.
    uncached: str = ""


@dataclass
class Plan:
    """Where everything goes."""

    hoisted: Hoisted
    bodies: list[Body]
    units: dict[int, Unit]
    #: Names that are the module's although the flow binds them.
    globals: frozenset[str]
    #: Names that the flow certainly holds at its end, in the order of their first assignment.
    results: list[str]
    #: Why all names are the module's; empty when they are not.
    everything: str = ""


def plan(source: Source, parameters: Iterable[str]) -> Plan:
    """Decide where the code and the names of a notebook go.

    Args:
        source: The notebook, its parameters taken out of their cell.
        parameters: The flow's parameters.
    """
    return _Placing(source, list(parameters)).plan()


class _Placing:
    def __init__(self, source: Source, parameters: list[str]) -> None:
        self.parameters = parameters
        self.hoisted = hoist(source.cells, parameters)
        self.bodies = [
            Body(cell, [p for p in cell.pieces if not self.hoisted.has(p)]) for cell in source.cells
        ]
        self.bound = {n for body in self.bodies for n in body.names.binds} | set(parameters)
        #: Names that stand for code, at least for a while; they are the module's.
        self.definitions = frozenset[str]().union(*(body.definitions for body in self.bodies))
        self.everything = self._why_everything()
        self.reached = self._reached_by_functions()
        self.anywhere = self._reached_from_anywhere()
        self.globals = frozenset(self._globals())

    def plan(self) -> Plan:
        units: dict[int, Unit] = {}
        sure = set(self.parameters)
        for body in self.bodies:
            if body.cell.is_called:
                units[body.cell.number] = self._unit(body, sure)
            sure = self._after(body, sure)
        results = self._results(sure, units)
        # A unit may have made more names the module's.
        return Plan(self.hoisted, self.bodies, units, self.globals, results, self.everything)

    @staticmethod
    def _after(body: Body, sure: AbstractSet[str]) -> set[str]:
        """The names that are certainly bound after a cell."""
        if body.cell.is_called and not _is_run(body.cell):
            return set(sure)
        gone = body.analysis.deletes | body.names.deletes.keys() - body.analysis.sure_defs
        return (set(sure) | body.analysis.sure_defs) - gone

    # ── names of the module ──────────────────────────────────────────────────────────────

    def _why_everything(self) -> str:
        for body in self.bodies:
            for piece in body.cell.pieces:
                if called := [*piece.names.namespace, *piece.names.late_namespace]:
                    return f"{called[0]}()"
                if piece in self.hoisted.stars_in_place:
                    return "a star import"
        return ""

    def _late(self) -> dict[str, set[str]]:
        """What each definition of the notebook reads when it is called."""
        found: dict[str, set[str]] = {}
        for body in self.bodies:
            for piece in body.cell.pieces:
                if is_definition(piece.node):
                    for name in piece.names.binds:
                        found.setdefault(name, set()).update(piece.names.late_reads)
        return found

    def _reached_by_functions(self) -> dict[str, set[str]]:
        """The same, through the functions that they call."""
        late = self._late()
        reached = {}
        for name in late:
            seen: set[str] = set()
            todo = [name]
            while todo:
                new = late.get(todo.pop(), set()) - seen
                seen |= new
                todo.extend(new)
            reached[name] = seen
        return reached

    def _reached_from_anywhere(self) -> set[str]:
        """What code reads that may be called by anyone: methods, lambdas, functions handed on."""
        found: set[str] = set()
        for body in self.bodies:
            for piece in body.cell.pieces:
                names = piece.names
                if not _is_simple_function(piece.node):
                    found |= names.late_reads.keys()
                for name in names.handed:
                    found |= self.reached.get(name, set())
        for name in list(found):
            found |= self.reached.get(name, set())
        return found

    def _globals(self) -> set[str]:
        if self.everything:
            return {n for body in self.bodies for n in body.names.binds} | (
                self.bound & set(self.parameters)
            )
        found: set[str] = set()
        called = {n for b in self.bodies if b.cell.is_called for n in b.names.binds}
        for body in self.bodies:
            found |= body.definitions
            for piece in body.cell.pieces:
                names = piece.names
                found |= names.late_writes.keys() | names.class_reads.keys()
                lasting = any(map(is_definition, _statements(piece.node)))
                found |= names.late_reads.keys() if lasting else names.late_reads.keys() & called
            if not _is_run(body.cell):
                found |= body.names.mentions.keys() if body.cell.role is Role.FLOW else set()
        found |= self._rebound_under_lambdas() | self._shadowing() | self._unsure_outputs()
        return found & self.bound

    def _rebound_under_lambdas(self) -> set[str]:
        """What code made by a task cell reads late, and a later cell binds anew."""
        found: set[str] = set()
        late: set[str] = set()
        for body in self.bodies:
            changed = body.names.binds.keys() | body.names.deletes.keys()
            found |= late & changed
            if body.cell.is_called:
                late |= body.names.late_reads.keys()
        return found

    def _shadowing(self) -> set[str]:
        """Builtins, and what a star import may bind, that are read before they are bound."""
        found: set[str] = set()
        sure = set(self.parameters)
        for body in self.bodies:
            early = (body.analysis.refs | body.analysis.builtins) - sure
            found |= early if self.hoisted.star else early & _BUILTINS
            sure = self._after(body, sure)
        return found

    def _unsure_outputs(self) -> set[str]:
        """What a task cell binds on some paths only, and nobody has bound above."""
        found: set[str] = set()
        sure = set(self.parameters)
        for body in self.bodies:
            if body.cell.is_called and not body.never_ends:
                analysis = body.when_it_ends
                found |= body.names.binds.keys() - analysis.sure_defs - sure - analysis.sure_deletes
            sure = self._after(body, sure)
        return found

    # ── tasks ────────────────────────────────────────────────────────────────────────────

    def _unit(self, body: Body, sure: AbstractSet[str]) -> Unit:
        unit = Unit(body)
        analysis = body.when_it_ends
        declared = declared_names(body.cell)
        changed = [n for n in body.names.binds | body.names.deletes if n not in declared]
        unit.globals = [n for n in changed if n in self.globals and self._is_own(n, body, sure)]
        unit.inputs = [n for n in self._inputs(body, analysis, sure) if n not in unit.globals]
        own = set(unit.globals) | body.definitions
        unit.outputs = [
            n
            for n in body.names.binds
            if n not in own
            and (n in analysis.sure_defs or n in unit.inputs)
            and n not in analysis.sure_deletes
        ]
        unit.outputs.sort(key=lambda name: body.order.get(name, len(body.order)))
        unit.outputs = _as_stated(unit.outputs, body.cell)
        unit.deletes = [
            n for n in body.names.deletes if n in analysis.sure_deletes and n not in own
        ]
        through = (self.reached.get(name, set()) for name in body.names.mentions)
        read = sorted(frozenset[str]().union(*through) & self.globals)
        unit.isolated = not (self.everything or unit.globals or read or body.awaits)
        unit.uncached = self._why_uncached(unit, analysis, read)
        return unit

    def _is_own(self, name: str, body: Body, sure: AbstractSet[str]) -> bool:
        """Whether a cell must bind a name of the module itself: others look at it meanwhile."""
        if self.everything or name in self.definitions or name in self.anywhere:
            return True
        if any(name in self.reached.get(mentioned, ()) for mentioned in body.names.mentions):
            return True
        late = body.names.late_reads.keys() | body.names.late_writes.keys()
        surely = name in body.when_it_ends.sure_defs | body.when_it_ends.sure_deletes
        return name in late or not (surely or name in sure or body.never_ends)

    def _inputs(self, body: Body, analysis: CellAnalysis, sure: AbstractSet[str]) -> list[str]:
        if self.everything:
            return []
        names = body.names
        first, order = analysis.refs | analysis.builtins, body.order
        unsure = names.binds.keys() - analysis.sure_defs
        wanted = [
            *(n for n in names.mentions if n in first or n not in names.binds),
            *(n for n in names.words if n in sure and n not in names.binds),
            *(
                n
                for n in (*names.deletes, *names.binds)
                if n in sure and n in unsure | names.deletes.keys()
            ),
        ]
        late = names.late_reads.keys() & self.globals & self._rebound_under_lambdas()
        own = declared_names(body.cell)
        fitting = {n for n in wanted if n in self.bound - self.definitions - late - own}
        found = sorted(fitting, key=lambda name: order.get(name, len(order)))
        stated = getattr(body.cell.options, "inputs", None) or ()
        return [*(n for n in stated if n in found), *(n for n in found if n not in stated)]

    def _why_uncached(self, unit: Unit, analysis: CellAnalysis, read: list[str]) -> str:
        if not getattr(unit.body.cell.options, "cache", False):
            return ""
        if self.everything or unit.globals or unit.deletes:
            return "it binds names of the module"
        changed = sorted((analysis.mutates | analysis.may_mutate) & set(unit.inputs))
        if changed:
            return f"the cell may change {', '.join(changed)} in place"
        return f"functions that it calls read {', '.join(read)}" if read else ""

    # ── results ──────────────────────────────────────────────────────────────────────────

    def _results(self, sure: AbstractSet[str], units: Mapping[int, Unit]) -> list[str]:
        found: dict[str, None] = {}
        for body in self.bodies:
            unit = units.get(body.cell.number)
            assigned = _assigned(body)
            found |= dict.fromkeys(
                n for n in assigned if unit is None or n in unit.outputs or n in unit.globals
            )
        return [
            n for n in found if n in sure and not n.startswith("_") and n not in self.definitions
        ]


def declared_parameters(cell: Cell) -> list[ast.arguments]:
    """The parameters that the line of a `%%flow` cell declares, as signatures of one each."""
    options = cell.options
    texts = options.parameters if isinstance(options, FlowCellOptions) else ()
    functions = [ast.parse(f"def f({text}): ...").body[0] for text in texts]
    return [each.args for each in functions if isinstance(each, ast.FunctionDef)]


def declared_names(cell: Cell) -> frozenset[str]:
    """Their names."""
    return frozenset(arg.arg for each in declared_parameters(cell) for arg in each.args)


def _is_run(cell: Cell) -> bool:
    """Whether a task or flow cell does more than to define something."""
    options = cell.options
    return getattr(options, "run", True) and not getattr(options, "define", False)


def _is_simple_function(node: ast.stmt) -> bool:
    """Whether only its name leads to its code: no closure, generator or coroutine of it does."""
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return False
    inside = (each for statement in node.body for each in ast.walk(statement))
    return not any(isinstance(each, _CARRIERS) for each in inside)


def _statements(node: ast.AST) -> Iterable[ast.stmt]:
    return (each for each in ast.walk(node) if isinstance(each, ast.stmt))


def _as_stated(outputs: list[str], cell: Cell) -> list[str]:
    stated = getattr(cell.options, "outputs", None)
    return outputs if stated is None else [name for name in stated if name in outputs]


def _assigned(body: Body) -> list[str]:
    """Names that hold data: not the variables of loops, not functions without a name."""
    found: dict[str, None] = {}
    for piece in body.pieces:
        for node in _outer_statements(piece.node):
            match node:
                case ast.Assign(value=ast.Lambda()):
                    continue
                case ast.Assign(targets=targets):
                    found |= names_of([ast.Assign(targets, ast.Constant(None))]).binds
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                    found[name] = None
                case ast.AugAssign(target=ast.Name(id=name)):
                    found[name] = None
    return [name for name in body.names.binds if name in found]


def _outer_statements(node: ast.AST) -> Iterable[ast.stmt]:
    """The statement and those in its blocks, but not those of functions and classes."""
    if isinstance(node, ast.stmt):
        yield node
    if isinstance(node, ast.stmt) and is_definition(node):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _outer_statements(child)


__all__ = ["Body", "Plan", "Unit", "declared_names", "declared_parameters", "plan"]
