"""When a module waits for the task cells that a notebook runs in the background.

This module decides before which cell each submitted task's result is taken, and for which other
tasks a submitted task waits. It must not know how that is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from nbflow.cells.records import TaskCellOptions
from nbflow.dataflow import Edge, analyse_cells
from nbflow.export.hoisting import import_keys
from nbflow.export.placing import Body, Unit


@dataclass
class Waiting:
    """What is waited for."""

    #: Cells whose task runs in the background.
    submitted: list[int] = field(default_factory=list)
    #: For each cell: the submitted ones whose results are taken before it.
    before: dict[int, list[int]] = field(default_factory=dict)
    #: For each submitted cell: those that must have ended before it begins.
    first: dict[int, list[int]] = field(default_factory=dict)
    #: For each submitted cell: names that it is given as futures, with the cell they come from.
    futures: dict[int, dict[str, int]] = field(default_factory=dict)
    #: Cells that ask for a process of their own, and can have one.
    in_processes: frozenset[int] = frozenset()
    #: Those whose results are taken when the flow ends.
    at_end: list[int] = field(default_factory=list)


def waiting(bodies: Sequence[Body], units: Mapping[int, Unit]) -> Waiting:
    """When to wait for what."""
    numbers = [body.cell.number for body in bodies]
    graph = analyse_cells([(body.cell.python, body.cell.may_raise) for body in bodies])
    found = Waiting(in_processes=_in_processes(units))
    links = {(numbers[edge.source], numbers[edge.target]) for edge in graph.edges}
    pending: list[int] = []
    for place, body in enumerate(bodies):
        number = body.cell.number
        needed = [e for e in graph.edges if e.target == place and numbers[e.source] in pending]
        background = _is_background(body, units.get(number), found.in_processes)
        if background:
            taken = _for_background(found, units, body, needed, numbers)
        elif _is_asked(body) or _has_imports(body):  # it sees more than its names
            taken = pending
        else:
            taken = [numbers[e.source] for e in needed]
        taken = _with_rivals(taken, pending, units, links)
        pending = [each for each in pending if each not in taken]
        if taken:
            found.before[number] = taken
        if background:
            first = dict.fromkeys(found.first.get(number, []))
            found.first[number] = [n for n in first if n in pending]
            pending.append(number)
            found.submitted.append(number)
    found.at_end = pending
    return found


def _is_asked(body: Body) -> bool:
    return isinstance(body.cell.options, TaskCellOptions) and body.cell.options.submit


def _has_imports(body: Body) -> bool:
    """Whether imports stayed in the cell, because they depend on what ran before."""
    return any(import_keys(piece.node) for piece in body.pieces)


def _is_background(body: Body, unit: Unit | None, in_processes: AbstractSet[int]) -> bool:
    if unit is None or not _is_asked(body) or not unit.isolated or unit.deletes:
        return False
    if in_processes and body.cell.number not in in_processes:
        return False  # a flow has one runner: this one runs in its place
    return getattr(body.cell.options, "runner", None) != "sequential" and not body.cell.may_raise


def _in_processes(units: Mapping[int, Unit]) -> frozenset[int]:
    return frozenset(
        number
        for number, unit in units.items()
        if getattr(unit.body.cell.options, "runner", None) == "process"
        and isinstance(unit.body.cell.options, TaskCellOptions)
        and unit.isolated
    )


def _for_background(
    found: Waiting, units: Mapping[int, Unit], body: Body, needed: list[Edge], numbers: list[int]
) -> list[int]:
    """A background cell takes futures where it can; results that must come first are returned."""
    number = body.cell.number
    unit = units[number]
    taken: list[int] = []
    for edge in needed:
        source = numbers[edge.source]
        outputs = units[source].outputs
        if edge.name in unit.inputs and edge.name in outputs:
            if len(outputs) == 1:
                found.futures.setdefault(number, {})[edge.name] = source
            else:
                taken.append(source)
        elif not _only_rebinds(edge.name, body, units[source]):
            found.first.setdefault(number, []).append(source)
    return list(dict.fromkeys(taken))


def _only_rebinds(name: str, body: Body, earlier: Unit) -> bool:
    """Whether the cell makes a new value for a name: each task has names of its own."""
    analysis = body.when_it_ends
    touched = analysis.refs | analysis.mutates | analysis.may_mutate
    return name in analysis.sure_defs and name not in touched and bool(earlier.outputs)


def _with_rivals(
    taken: list[int],
    pending: list[int],
    units: Mapping[int, Unit],
    links: AbstractSet[tuple[int, int]],
) -> list[int]:
    """Results come in the notebook's order where one task's names matter to the other."""
    wanted = set(taken)
    for number in reversed(pending):
        later = [each for each in wanted if each > number]
        names = {n for each in later for n in units[each].outputs}
        if names & set(units[number].outputs) or any((number, each) in links for each in later):
            wanted.add(number)
    return [number for number in pending if number in wanted]
