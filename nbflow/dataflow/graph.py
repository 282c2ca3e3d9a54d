"""How the cells of a notebook depend on each other.

This module decides, from the analyses of the cells in notebook order, which cell's values each
cell needs (DATA) and which cells must merely not change places (ORDER). It must not know how
cells are analysed, run or drawn.

`linking` finds the dependencies, `arrows` decides which of them people see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .arrows import arrows
from .cells import analyse_in_order
from .edges import Edge, EdgeKind
from .linking import Linker
from .records import CellAnalysis


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

    def stale_after(self, changed: Iterable[int], *, order: bool = False) -> frozenset[int]:
        """The cells whose result may differ once the `changed` ones did; those not included."""
        return self._closure(tuple(changed), _links(self._relevant(order=order), forward=True))

    def display_edges(self) -> tuple[DisplayEdge, ...]:
        """The arrows to draw: from whoever made a value to whoever uses it.

        Left out is what other arrows show already; see `arrows`.
        """
        light = {index: node.light for index, node in enumerate(self.nodes)}
        found = arrows(self._relevant(order=False), light)
        return tuple(DisplayEdge(*pair, *found[pair]) for pair in sorted(found))

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


def analyse_cells(sources: Sequence[str | tuple[str, bool]]) -> CellGraph:
    """The graph of a notebook's code cells, given their texts in notebook order.

    A text may come as `(text, may_raise)`: a cell that is allowed to fail (`raises-exception`)
    may have bound and changed only some of its names. Never raises, whatever the texts: a cell
    that is not Python is an opaque node in its place.
    """
    pairs = [(source, False) if isinstance(source, str) else source for source in sources]
    return link_cells(analyse_in_order(pairs))


def link_cells(analyses: Sequence[CellAnalysis]) -> CellGraph:
    """The graph of cells that were analysed before (by the kernel's own Python, say)."""
    linker = Linker()
    for index, analysis in enumerate(analyses):
        linker.cell(index, analysis)
    nodes = [
        analysis.because(linker.reasons[index]) if index in linker.reasons else analysis
        for index, analysis in enumerate(analyses)
    ]
    return CellGraph(tuple(nodes), linker.result(), frozenset(linker.barriers))


def _links(edges: Iterable[Edge], *, forward: bool) -> dict[int, set[int]]:
    links: dict[int, set[int]] = defaultdict(set)
    for edge in edges:
        start, end = (edge.source, edge.target) if forward else (edge.target, edge.source)
        links[start].add(end)
    return links
