"""How much of a graph is drawn while somebody waits.

This module decides, from its cards and arrows alone, whether Graphviz places a graph within
about a second, and what is drawn of one that takes longer: first its subflows are closed, then
it is drawn around a middle, and at last it is told in a sentence. It must not know who looks.

Layered pictures cost what their arrows cross together (measured: seconds of one busy core):

    =====================================  =====  ======  =======  =======
    graph                                  cards  arrows  crossed  seconds
    =====================================  =====  ======  =======  =======
    a chain                                  600     599      599      0.1
    a fan, and all of it into one card       600   1,196    1,196      0.3
    20 ranks of 30, two arrows to each       600   1,140    1,140      0.3
    10 ranks of 15, ten arrows to each       150   1,350    1,350      0.4
    at random                                150     450    1,776      0.5
    60 subflows, open                        660     599      599      0.2
    all that can be                           20     190    1,330      0.4
    a chain, the first leading to all         50      97    1,273      0.3
    the next ten of each                      50     445    2,365      0.9
    the next seven of each                   150   1,022    4,060      3.0
    10 ranks of 200, an arrow to each      2,000   1,800    1,800      1.8
    a chain, the first leading to all        150     297   11,473     10.7
    =====================================  =====  ======  =======  =======

Radial ones cost 0.3 to 1.4 s up to 600 cards and 500 arrows, however far those reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from nbflow.drawing.cards import cards_of, open_groups
from nbflow.drawing.places import Direction
from nbflow.drawing.shape import best_direction, levels, shape_of
from nbflow.models import RunGraph
from nbflow.run_graph import close_groups, is_large
from nbflow.wording import counted

#: More cards than these are not drawn.
MOST_CARDS: Final = 600
#: Ranks that all edges of a layered picture cross together: beyond, Graphviz takes over a second.
MOST_CROSSED: Final = 1_500
#: Edges of a radial picture.
MOST_SPOKES: Final = 500


@dataclass(frozen=True, slots=True)
class Fitted:
    """What of a graph is drawn."""

    #: The graph with `closed` subflows.
    graph: RunGraph
    closed: frozenset[str]
    #: Where the arrows lead; None: the graph is not drawn at all.
    direction: Direction | None
    #: Why it is not drawn as it was wanted; empty when it is.
    note: str = ""


def fitted(
    graph: RunGraph,
    direction: Direction | None = None,
    closed: frozenset[str] | None = None,
    sized: Callable[[RunGraph], RunGraph] = lambda graph: graph,
) -> Fitted:
    """Decide what is drawn of a graph that may be too large to be drawn as it is wanted.

    Args:
        graph: All that could be drawn.
        direction: Where the arrows should lead; by default chosen by shape.
        closed: The subflows to close; by default all those of a large graph.
        sized: The graph with the words that its cards keep room for.
    """
    groups = open_groups(graph)
    if closed is None:
        closed = groups if is_large(graph) else frozenset()
    total = len(graph.nodes) - len(groups)
    for note, closing, wanted in _ways(total, closed & groups, groups, direction):
        view = close_groups(graph, closing) if closing else graph
        chosen = wanted or _direction_of(sized(view))
        if not takes_long(view, chosen):
            return Fitted(view, closing, chosen, note)
    return Fitted(view, groups, None, _why_nothing(graph, total))


def takes_long(graph: RunGraph, direction: Direction | None = None) -> bool:
    """Whether all of a graph takes more than about a second to be drawn as it is."""
    if len(graph.nodes) > MOST_CARDS:
        return True
    if (direction or _direction_of(graph)) is Direction.RADIAL:
        return len(graph.edges) > MOST_SPOKES
    return _crossed(graph) > MOST_CROSSED


def _ways(
    total: int, closed: frozenset[str], groups: frozenset[str], direction: Direction | None
) -> Iterator[tuple[str, frozenset[str], Direction | None]]:
    """What to try, the best first: why it is not as wanted, what is closed, the direction."""
    shut = f"Subflows are closed: {counted(total, 'card')} are more than can be drawn here."
    around = "Drawn from the middle outwards: otherwise its many arrows would take too long."
    yield "", closed, direction
    if groups > closed:
        yield shut, groups, direction
    yield around, closed, Direction.RADIAL
    if groups > closed:
        yield shut, groups, Direction.RADIAL


def _why_nothing(graph: RunGraph, total: int) -> str:
    arrows = "" if total > MOST_CARDS else f" with {counted(len(graph.edges), 'arrow')}"
    return f"{counted(total, 'card')}{arrows} are more than can be drawn here."


def _direction_of(graph: RunGraph) -> Direction:
    return best_direction(shape_of(graph), cards_of(graph))


def _crossed(graph: RunGraph) -> int:
    """How many ranks all edges of a layered picture cross together."""
    ends = [(edge.source, edge.target) for edge in graph.edges]
    level = levels([node.id for node in graph.nodes], ends)
    return sum(
        abs(level[target] - level[source])
        for source, target in ends
        if source in level and target in level
    )
