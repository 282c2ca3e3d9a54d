"""What follows from what, over any graph, each node visited once.

This module decides how reachability is computed; it must not know what the nodes are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, TypeVar

Node = TypeVar("Node")
Fact = TypeVar("Fact")


class Closure(Generic[Node, Fact]):
    """The facts of a node and of all nodes that it leads to; asked many times, computed once.

    Nodes that lead to each other (recursive functions, say) share one set of facts.
    """

    def __init__(
        self,
        links: Callable[[Node], Collection[Node]],
        facts: Callable[[Node], Iterable[Fact]],
    ) -> None:
        self._links = links
        self._facts = facts
        self._known: dict[Node, frozenset[Fact]] = {}
        #: Nodes visited so far.
        self.visits = 0

    def __call__(self, node: Node) -> frozenset[Fact]:
        """All facts that hold for the node."""
        if node not in self._known:
            for component in self._components(node):
                self._settle(component)
        return self._known[node]

    def _settle(self, component: list[Node]) -> None:
        """All that a component leads to is known already."""
        inside = set(component)
        found: set[Fact] = set()
        for node in component:
            found.update(self._facts(node))
            outside = {self._known[other] for other in self._links(node) if other not in inside}
            found.update(*outside)
        facts = frozenset(found)
        self._known.update(dict.fromkeys(component, facts))

    def _components(self, start: Node) -> Iterator[list[Node]]:
        """Tarjan's strongly connected components, those led to first, without recursion."""
        order: dict[Node, int] = {start: 0}
        lowest: dict[Node, int] = {start: 0}
        pending = [start]
        path = [(start, iter(self._links(start)))]
        open_nodes = {start}
        while path:
            node, rest = path[-1]
            for other in rest:
                if other in self._known:
                    continue
                if other not in order:
                    order[other] = lowest[other] = len(order)
                    pending.append(other)
                    open_nodes.add(other)
                    path.append((other, iter(self._links(other))))
                    break
                if other in open_nodes:
                    lowest[node] = min(lowest[node], order[other])
            else:
                path.pop()
                self.visits += 1
                if path:
                    parent = path[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == order[node]:
                    component = pending[pending.index(node) :]
                    del pending[-len(component) :]
                    open_nodes.difference_update(component)
                    yield component
