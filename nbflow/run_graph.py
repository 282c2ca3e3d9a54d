"""Turns the records of one run into the graph that every view draws.

This module decides what becomes a node: which runs are told apart, which are folded into
one card (maps, loops), what lies in which subflow, and which edges say something new.
It must not know where records come from, nor how a graph is laid out or drawn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from nbflow.models import (
    Dependency,
    FlowRun,
    GraphEdge,
    GraphNode,
    NodeKind,
    RunGraph,
    TaskKind,
    TaskRun,
)
from nbflow.states import State, StateType
from nbflow.wording import BAD_NAMES, counted, last_line

#: A task called more often than this in one run is a loop: one card instead of many.
LOOP_THRESHOLD: Final = 8

#: More visible nodes than this, and subflows are drawn closed.
OPEN_LIMIT: Final = 150

_REDUCTION_LIMIT: Final = 400

Run = FlowRun | TaskRun


def graph_of_run(
    flow_run: FlowRun,
    task_runs: Iterable[TaskRun],
    subflows: Iterable[FlowRun] = (),
    now: datetime | None = None,
) -> RunGraph:
    """The graph of one flow run: its tasks and cells, what they waited for, and its subflows.

    `task_runs` holds those of the subflows too. All runs of one `.map`, and a task called more
    than `LOOP_THRESHOLD` times, become one MAP node with counts. With `now`, what is still
    running has a duration. The same records give the same graph, whatever their order.
    """
    runs = _in_order([*task_runs, *subflows], flow_run.id)
    cards = _fold(runs)
    node_of_run = {run.id: card.id for card in cards for run in card.runs}
    nodes = tuple(_node(card, node_of_run, now) for card in cards)
    return RunGraph(
        nodes=nodes,
        edges=_into_groups(_edges(cards, node_of_run, nodes), nodes),
        title=flow_run.name,
        state_type=flow_run.state.type,
        state_name=flow_run.state.name,
        duration=_duration([flow_run], now),
        message=_reason(flow_run.state),
    )


def graph_of_cells(
    cells: Iterable[tuple[str, str, int | None]],
    edges: Iterable[tuple[str, str, str, bool]] = (),
    title: str = "",
) -> RunGraph:
    """The graph of a notebook that has not run.

    Args:
        cells: `(id, label, position in the notebook)` of each cell.
        edges: `(source id, target id, variable, certain)`.
        title: What stands above the picture.
    """
    nodes = tuple(
        GraphNode(id=id_, label=label, kind=NodeKind.CELL, cell_index=index)
        for id_, label, index in cells
    )
    found = [GraphEdge(*edge) for edge in edges]
    return RunGraph(nodes=nodes, edges=_tidy(found, nodes), title=title)


def close_groups(graph: RunGraph, groups: Iterable[str] | None = None) -> RunGraph:
    """The graph with subflows drawn as one card each, their members counted on it.

    `groups` are the ids of those to close; by default all of the outermost.
    """
    by_id = {node.id: node for node in graph.nodes}
    closing = {node.id for node in graph.nodes} if groups is None else set(groups)
    into = {node.id: _outermost(node, by_id, closing) for node in graph.nodes}
    open_groups = {node.group for node in graph.nodes}
    members: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for node in graph.nodes:
        if into[node.id] != node.id:
            members[into[node.id]].update(_counts(node, open_groups))
    kept = tuple(
        replace(node, counts=dict(sorted(members[node.id].items()))) if node.id in members else node
        for node in graph.nodes
        if into[node.id] == node.id
    )
    moved = [
        replace(edge, source=into[edge.source], target=into[edge.target])
        for edge in graph.edges
        if edge.source in into and edge.target in into
    ]
    outer = [edge for edge in moved if edge.source != edge.target]
    return replace(graph, nodes=kept, edges=_tidy(outer, kept))


def state_counts(graph: RunGraph) -> dict[str, int]:
    """How many runs are in each named state, maps counted run by run, open subflows not at all."""
    open_groups = {node.group for node in graph.nodes}
    total: Counter[str] = Counter()
    for node in graph.nodes:
        total.update(_counts(node, open_groups))
    return dict(total)


def is_large(graph: RunGraph) -> bool:
    """Whether the graph has more nodes than a person can take in at once."""
    return len(graph.nodes) > OPEN_LIMIT


# ── which runs share a card ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Card:
    """The runs that one node stands for, in order."""

    id: str
    runs: tuple[Run, ...]
    folded: bool = False


def _in_order(runs: Iterable[Run], top: UUID) -> list[Run]:
    unique = {run.id: run for run in runs if run.id != top}
    return sorted(unique.values(), key=_order)


def _order(run: Run) -> tuple[bool, int, datetime, int, UUID]:
    """Cells as the notebook reads, then all else as it came to be."""
    cell = run.cell_index if isinstance(run, TaskRun) else None
    place = run.map_index if isinstance(run, TaskRun) else None
    return (cell is None, cell or 0, run.created, place or 0, run.id)


def _fold(runs: Sequence[Run]) -> list[_Card]:
    loops = Counter(_loop_key(run) for run in runs)
    together: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        together.setdefault(_card_key(run, loops), []).append(run)
    return [_card(key, tuple(members)) for key, members in together.items()]


def _card_key(run: Run, loops: Mapping[tuple[str, ...], int]) -> tuple[str, ...]:
    if isinstance(run, TaskRun) and run.map_id is not None:
        return ("map", str(run.map_id))
    key = _loop_key(run)
    return key if loops[key] > LOOP_THRESHOLD else ("run", str(run.id))


def _loop_key(run: Run) -> tuple[str, ...]:
    """What all calls of the same task (or subflow) by the same caller have in common."""
    if isinstance(run, FlowRun):
        return ("loop", str(run.parent_id), run.flow_name)
    if run.kind is TaskKind.CELL or run.map_id is not None:
        return ("run", str(run.id))
    return ("loop", str(run.flow_run_id), run.task_key or run.task_name)


def _card(key: tuple[str, ...], runs: tuple[Run, ...]) -> _Card:
    if key[0] == "run":
        return _Card(id=key[1], runs=runs)
    return _Card(id=":".join(key), runs=runs, folded=True)


# ── what a card says ─────────────────────────────────────────────────────────────────────


def _node(card: _Card, node_of_run: Mapping[UUID, str], now: datetime | None) -> GraphNode:
    first = card.runs[0]
    state = _common_state([run.state for run in card.runs]) if card.folded else first.state
    return GraphNode(
        id=card.id,
        label=_task_name(first) if card.folded else _run_name(first),
        kind=_kind(card),
        state_type=state.type,
        state_name=state.name,
        duration=_duration(card.runs, now),
        attempt=max(run.attempt for run in card.runs),
        counts=_state_names(card.runs) if card.folded else {},
        group=_group(first, node_of_run),
        cell_index=first.cell_index if isinstance(first, TaskRun) else None,
        message=_folded_reason(card.runs) if card.folded else _reason(state),
    )


def _kind(card: _Card) -> NodeKind:
    first = card.runs[0]
    if card.folded:
        return NodeKind.MAP
    if isinstance(first, FlowRun):
        return NodeKind.FLOW
    return NodeKind.CELL if first.kind is TaskKind.CELL else NodeKind.TASK


def _task_name(run: Run) -> str:
    return run.flow_name if isinstance(run, FlowRun) else run.task_name


def _run_name(run: Run) -> str:
    return run.flow_name or run.name if isinstance(run, FlowRun) else run.name or run.task_name


def _group(run: Run, node_of_run: Mapping[UUID, str]) -> str | None:
    """The node of the subflow that made the run; None for the top flow's own."""
    caller = run.parent_id if isinstance(run, FlowRun) else run.flow_run_id
    return node_of_run.get(caller) if caller is not None else None


def _state_names(runs: Iterable[Run]) -> dict[str, int]:
    return dict(sorted(Counter(run.state.name for run in runs).items()))


def _common_state(states: Sequence[State[object]]) -> State[object]:
    """The one state that tells how a set of runs is doing.

    While any runs, it runs; once all settled, the worst end is told; before the first
    start, what they wait for.
    """
    return min(states, key=_telling)


def _telling(state: State[object]) -> tuple[int, int]:
    names = ("Completed", "Cached", "RolledBack", "Skipped")
    place = names.index(state.name) if state.name in names else 0
    if state.is_settled() and state.type is StateType.PENDING:  # NotReady, NotRun
        return (_SETTLED_UNRUN, place)
    return (_TELLING.index(state.type), place)


_TELLING: Final = (
    StateType.CANCELLING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.PENDING,
    StateType.SCHEDULED,
    StateType.FAILED,
    StateType.CRASHED,
    StateType.CANCELLED,
    StateType.COMPLETED,
)
_SETTLED_UNRUN: Final = _TELLING.index(StateType.CANCELLED)


def _duration(runs: Iterable[Run], now: datetime | None) -> float | None:
    """Seconds from the first start to the last end; to `now` while anything still runs."""
    started = [run for run in runs if run.start_time is not None]
    ends = [run.end_time or (None if run.state.is_settled() else now) for run in started]
    if not started or None in ends:
        return None
    begin = min(run.start_time for run in started if run.start_time)
    end = max(end for end in ends if end)
    return max(0.0, (end - begin).total_seconds())


def _reason(state: State[object]) -> str | None:
    bad = state.name in BAD_NAMES or state.type in (StateType.FAILED, StateType.CRASHED)
    return (last_line(state.message) or None) if bad and state.message else None


def _folded_reason(runs: Sequence[Run]) -> str | None:
    bad = [run for run in runs if run.state.type in (StateType.FAILED, StateType.CRASHED)]
    if not bad:
        return None
    reason = _reason(bad[0].state)
    told = f"{_run_name(bad[0])}: {reason}" if reason else _run_name(bad[0])
    return told if len(bad) == 1 else f"{told} (and {counted(len(bad) - 1, 'more failure')})"


def _counts(node: GraphNode, open_groups: Collection[str | None]) -> dict[str, int]:
    if node.counts:
        return dict(node.counts)
    return {node.state_name: 1} if node.state_name and node.id not in open_groups else {}


def _outermost(node: GraphNode, by_id: Mapping[str, GraphNode], closing: set[str]) -> str:
    """The id of the outermost closing group around a node, or its own."""
    found, seen, group = node.id, {node.id}, node.group
    while group is not None and group in by_id and group not in seen:
        seen.add(group)
        found = group if group in closing else found
        group = by_id[group].group
    return found


# ── which edges say something ────────────────────────────────────────────────────────────


def _edges(
    cards: Sequence[_Card], node_of_run: Mapping[UUID, str], nodes: Sequence[GraphNode]
) -> tuple[GraphEdge, ...]:
    found = [
        GraphEdge(node_of_run[need.upstream], card.id, need.name, need.certain)
        for card in cards
        for run in card.runs
        for need in _needs(run)
        if need.upstream in node_of_run and node_of_run[need.upstream] != card.id
    ]
    return _tidy(found, nodes)


def _into_groups(edges: Sequence[GraphEdge], nodes: Sequence[GraphNode]) -> tuple[GraphEdge, ...]:
    """Leave out an edge to a subflow where one from the same source goes on to its members."""
    groups = {node.id: node.group for node in nodes}
    finer = {
        (edge.source, group)
        for edge in edges
        if (group := groups[edge.target]) is not None and groups[edge.source] != group
    }
    return tuple(edge for edge in edges if (edge.source, edge.target) not in finer)


def _needs(run: Run) -> tuple[Dependency, ...]:
    """What must come first; a task called inside a task comes after its caller began."""
    if isinstance(run, TaskRun) and run.parent_id is not None:
        return (*run.dependencies, Dependency(run.parent_id))
    return run.dependencies


def _tidy(edges: Iterable[GraphEdge], nodes: Sequence[GraphNode]) -> tuple[GraphEdge, ...]:
    """One edge per pair, in the order of the nodes, without those a longer path implies."""
    place = {node.id: number for number, node in enumerate(nodes)}
    pairs: defaultdict[tuple[str, str], list[GraphEdge]] = defaultdict(list)
    for edge in edges:
        if edge.source in place and edge.target in place:
            pairs[edge.source, edge.target].append(edge)
    merged = [_merge(together) for together in pairs.values()]
    merged.sort(key=lambda edge: (place[edge.source], place[edge.target]))
    return tuple(_reduce(merged) if len(nodes) <= _REDUCTION_LIMIT else merged)


def _merge(edges: Sequence[GraphEdge]) -> GraphEdge:
    names = dict.fromkeys(edge.label for edge in edges if edge.label)
    first, certain = edges[0], any(edge.certain for edge in edges)
    return GraphEdge(first.source, first.target, ", ".join(names), certain)


def _reduce(edges: Sequence[GraphEdge]) -> list[GraphEdge]:
    """Leave out what carries no name and is implied by a longer path of certain edges."""
    after: defaultdict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge.certain:
            after[edge.source].add(edge.target)
    reach = _reacher(after)
    beyond = {source: _beyond(source, steps, reach) for source, steps in after.items()}
    return [edge for edge in edges if edge.label or edge.target not in beyond.get(edge.source, ())]


def _beyond(source: str, steps: Iterable[str], reach: Callable[[str], frozenset[str]]) -> set[str]:
    """The nodes that a path of two steps or more leads to, circles back to its start aside."""
    found: set[str] = set()
    for step in steps:
        if source not in reach(step):
            found |= reach(step) - {step}
    return found


def _reacher(after: Mapping[str, set[str]]) -> Callable[[str], frozenset[str]]:
    """A function from a node to all nodes after it, remembering its answers."""
    known: dict[str, frozenset[str]] = {}

    def reach(start: str) -> frozenset[str]:
        if start not in known:
            seen: set[str] = set()
            waiting = list(after.get(start, ()))
            while waiting:
                step = waiting.pop()
                if step not in seen:
                    seen.add(step)
                    waiting.extend(after.get(step, ()))
            known[start] = frozenset(seen)
        return known[start]

    return reach
