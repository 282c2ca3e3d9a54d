"""The graph of a run while it runs: places are found when it grows, else cards change in place.

This module decides when the graph is made anew, when it is laid out, and which cards are told
of. A run that moved touches its own card only. It must not know where runs come from, nor
what else is sent of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, cast
from uuid import UUID

from nbflow.feed import graphs
from nbflow.feed.allowance import Allowance, Clock
from nbflow.feed.folding import Folding
from nbflow.feed.look import Look
from nbflow.feed.plain import millis
from nbflow.models import Dependency, FlowRun, GraphNode, RunGraph, TaskRun
from nbflow.run_graph import Run, close_groups, graph_of_run

Json = dict[str, Any]

#: Parts of the time that may go into finding places, and into counting cards of many runs. Whoever
#: follows a run may take 5 % of its time, and most of that is for what is read and sent.
_LAYOUT_SHARE: Final = 0.008
_COUNTING_SHARE: Final = 0.02

#: What leads to what: an upstream's card (or id, when it is not known), a card, how.
_Link = tuple[str | UUID, str, str, bool]


class LiveGraph:
    """The graph of one run, kept up to date run by run."""

    def __init__(self, run_id: UUID, clock: Clock) -> None:
        self._run_id = run_id
        self._runs: dict[UUID, Run] = {}
        self._folding = Folding()
        self._links: set[_Link] = set()
        #: Ids of runs that others name and that have not been seen.
        self._awaited: set[UUID] = set()
        self._is_outdated = True
        self._dirty: set[str] = set()
        self._layouts = Allowance(_LAYOUT_SHARE, clock)
        self._counting = Allowance(_COUNTING_SHARE, clock)
        # What was sent last.
        self._look: Look | None = None
        self._version = 0
        self._nodes: dict[str, GraphNode] = {}
        self._view: graphs.Shown | None = None
        self._states: dict[str, Json] = {}
        self._rooms: dict[str, tuple[object, ...]] = {}
        self._started: dict[str, int] = {}

    # ── what happens ─────────────────────────────────────────────────────────────────────

    def card(self, run_id: UUID) -> str | None:
        """The id of a run's card."""
        return self._folding.card(run_id)

    def put(self, run: Run) -> list[UUID]:
        """Take in a run as it is now; the ids of others that share a card from now on."""
        before, self._runs[run.id] = self._runs.get(run.id), run
        if isinstance(run, FlowRun) and run.id == self._run_id:
            return []
        card, moved = self._folding.put(run)
        self._dirty.add(card)
        if before is None:
            alone = len(self._folding.members(card)) == 1
            self._is_outdated |= alone or bool(moved) or run.id in self._awaited
            self._awaited.discard(run.id)
        if before is None or before.dependencies != run.dependencies:
            self._link(run, card)
        return moved

    def _link(self, run: Run, card: str) -> None:
        """Notice whether what a run needs leads to its card already."""
        for need in self._needs(run):
            source = self._folding.card(need.upstream)
            if source is None:
                self._awaited.add(need.upstream)
            link = (source or need.upstream, card, need.name, need.certain)
            if source != card and link not in self._links:
                self._links.add(link)
                self._is_outdated = True

    def _needs(self, run: Run) -> Iterable[Dependency]:
        """What must come first, or lies around it: of each the card has to be known."""
        yield from run.dependencies
        around = run.flow_run_id if isinstance(run, TaskRun) else None
        for other in (run.parent_id, around):
            if other is not None and other != self._run_id:
                yield Dependency(other)

    @property
    def spent(self) -> float:
        """Seconds of work that went into finding places."""
        return self._layouts.spent

    @property
    def is_behind(self) -> bool:
        """Whether there is something to be told that had to wait."""
        return self._is_outdated or bool(self._dirty)

    # ── what is sent ─────────────────────────────────────────────────────────────────────

    def update(self, look: Look, *, final: bool) -> Json:
        """`graph`, `nodes` or nothing; with `final`, all that is left to be told."""
        if look != self._look or (self._is_outdated and (final or self._layouts.permits)):
            with self._layouts.spending():
                return self._draw(look)
        if not self._dirty or not (final or self._counting.permits):
            return {}
        with self._counting.spending():
            nodes = self._refresh()
        if self._is_outdated and final:  # a card has more to say than there is room
            return self._draw(look) or {"nodes": nodes}
        return {"nodes": nodes} if nodes else {}

    def _draw(self, look: Look) -> Json:
        """Make the graph anew, and send it whole when anything but states is different."""
        graph = self._graph_of(self._runs.values())
        self._nodes = {node.id: node for node in graph.nodes}
        self._started = self._starts(self._nodes)
        self._look, self._is_outdated = look, False
        self._dirty.clear()
        view = graphs.shown(graph, look)
        if self._view is not None and _form(view) == _form(self._view):
            self._view = view
            nodes = self._changed(view.graph.nodes)
            return {"nodes": nodes} if nodes else {}
        return {"graph": self._place(view)}

    def _place(self, view: graphs.Shown) -> Json:
        self._version += 1
        placed = graphs.placed_json(view, self._version, self._started)
        self._view = view
        drawn = view.graph.nodes if placed["nodes"] else ()  # none where that failed
        self._states = {node.id: graphs.state_json(node, self._started) for node in drawn}
        self._rooms = {node.id: graphs.room_of(node) for node in drawn}
        return placed

    def _refresh(self) -> list[Json]:
        """The states of the cards whose runs moved."""
        cards, self._dirty = self._dirty, set()
        runs = [run for card in cards for run in self._folding.members(card)]
        nodes = [
            replace(node, group=self._nodes[node.id].group)
            for node in self._graph_of(runs).nodes
            if node.id in self._nodes
        ]
        self._nodes |= {node.id: node for node in nodes}
        self._started |= self._starts(cards)
        if self._view is None or not self._states:
            return []
        if self._view.closed:  # what lies in a closed subflow is counted on its card
            whole = RunGraph(nodes=tuple(self._nodes.values()))
            return self._changed(close_groups(whole, self._view.closed).nodes)
        return self._changed(nodes)

    def _graph_of(self, runs: Iterable[Run]) -> RunGraph:
        top = cast("FlowRun", self._runs[self._run_id])
        return graph_of_run(top, *_by_kind(runs))

    def _changed(self, nodes: Iterable[GraphNode]) -> list[Json]:
        """Those of the cards sent last that look different now."""
        found = []
        for node in nodes:
            if node.id not in self._states:
                continue
            told = graphs.state_json(node, self._started)
            if told != self._states[node.id]:
                self._states[node.id] = told
                found.append(told)
            if graphs.room_of(node) != self._rooms[node.id]:
                self._is_outdated = True
        return found

    def _starts(self, cards: Iterable[str]) -> dict[str, int]:
        """When the first run of each card began."""
        found = {}
        for card in cards:
            starts = [run.start_time for run in self._folding.members(card) if run.start_time]
            started = millis(min(starts, default=None))
            if started is not None:
                found[card] = started
        return found


def _form(view: graphs.Shown) -> tuple[object, ...]:
    """All of a picture but the states of its cards."""
    graph = view.graph
    cards = [(node.id, node.group, node.cell_index, graphs.room_of(node)) for node in graph.nodes]
    return (cards, graph.edges, view.closed, view.groups, view.total, view.direction, view.note)


def _by_kind(runs: Iterable[Run]) -> tuple[list[TaskRun], list[FlowRun]]:
    known = list(runs)
    return (
        [run for run in known if isinstance(run, TaskRun)],
        [run for run in known if isinstance(run, FlowRun)],
    )
