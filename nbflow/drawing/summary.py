"""What a run graph says in words: for tooltips, screen readers and headers.

This module decides the sentences about nodes and whole graphs. It must not know how either
is drawn.
"""

from __future__ import annotations

from typing import Final

from nbflow import wording
from nbflow.models import GraphEdge, GraphNode, NodeKind, RunGraph
from nbflow.run_graph import state_counts
from nbflow.states import StateType

_BAD: Final = frozenset({StateType.FAILED, StateType.CRASHED})
_BAD_NAMES: Final = ("Failed", "TimedOut", "Crashed")
#: A description names so many nodes; nobody listens to more.
_NAMED: Final = 40


def is_bad(node: GraphNode) -> bool:
    """Whether the node failed or crashed."""
    return node.state_type in _BAD


def has_failure(node: GraphNode) -> bool:
    """Whether the node, or any run that it stands for, failed or crashed."""
    return is_bad(node) or any(node.counts.get(name) for name in _BAD_NAMES)


def first_failure(graph: RunGraph) -> GraphNode | None:
    """The node to look at first: the innermost one that failed, with a reason if there is one."""
    frames = {node.group for node in graph.nodes}
    bad = [node for node in graph.nodes if has_failure(node) and node.id not in frames]
    return next((node for node in bad if node.message), bad[0] if bad else None)


def k_of_n(graph: RunGraph) -> str:
    """How far the run got: `4 of 6`; for a graph that has not run, its size: `6 cells`."""
    counts = state_counts(graph)
    if counts:
        done = sum(number for name, number in counts.items() if name in wording.DONE_NAMES)
        return f"{done} of {sum(counts.values())}"
    cells = [node for node in graph.nodes if node.kind is NodeKind.CELL]
    only_cells = len(cells) == len(graph.nodes) and cells
    return wording.counted(len(graph.nodes), "cell" if only_cells else "task")


def headline(name: str, state: str | None, duration: float | None) -> str:
    """A name, its state and how long it took, as the start of a sentence."""
    words = [wording.one_line(name) or "(unnamed)"]
    if state:
        words.append(wording.one_line(state))
    told = ", ".join(words) if len(words) == 1 else f"{words[0]}: {words[1]}"
    return f"{told} after {wording.duration(duration)}" if duration is not None else told


def node_sentence(node: GraphNode) -> str:
    """All that is known of one node."""
    told = headline(node.label, node.state_name, node.duration)
    if node.counts:
        told += f", {wording.progress(node.counts)}"
    if node.attempt > 1:
        told += f", attempt {node.attempt}"
    return f"{told}. {wording.one_line(node.message)}" if node.message else f"{told}."


def edge_sentence(edge: GraphEdge, labels: dict[str, str]) -> str:
    """What one edge means: `df: load to clean`."""
    ends = " → ".join(wording.one_line(labels.get(id_, id_)) for id_ in (edge.source, edge.target))
    told = f"{wording.one_line(edge.label)}: {ends}" if edge.label else ends
    return told if edge.certain else f"{told} (perhaps)"


def summary(graph: RunGraph) -> str:
    """The whole graph for someone who cannot see it."""
    start = headline(graph.title or "Run graph", graph.state_name, graph.duration)
    told = [f"{start}; {k_of_n(graph)}."]
    if graph.message:
        told.append(wording.one_line(graph.message))
    told += [node_sentence(node) for node in graph.nodes[:_NAMED]]
    left_out = len(graph.nodes) - _NAMED
    if left_out > 0:
        told.append(f"And {left_out} more.")
    return " ".join(told)
