"""The records of the run graph: what `run_graph` builds, `drawing` lays out, clients draw.

This module decides what a node and an edge tell. It must not know runs or pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from nbflow.states import StateType


class NodeKind(str, Enum):
    """What a node of the run graph stands for."""

    TASK = "task"  # one task run, or a task of a flow not yet run
    CELL = "cell"  # a notebook cell
    MAP = "map"  # all runs of one `.map` call, or of one task called in a loop
    FLOW = "flow"  # a subflow: a group that opens and closes

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """One card of the run graph."""

    id: str
    label: str
    kind: NodeKind = NodeKind.TASK
    #: None: not run yet, as in a flow that is only drawn.
    state_type: StateType | None = None
    state_name: str | None = None
    #: Seconds from start to end, or to now while running.
    duration: float | None = None
    attempt: int = 0
    #: For a map: how many runs are in each named state.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: The subflow node this node lies in.
    group: str | None = None
    #: The cell's position in its notebook, for jumping to it.
    cell_index: int | None = None
    #: The failure's last line, in plain words.
    message: str | None = None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """One quiet curve of the run graph."""

    source: str
    target: str
    #: The variable or parameter.
    label: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class RunGraph:
    """Nodes and edges of one run, or of one flow that has not run."""

    nodes: tuple[GraphNode, ...] = ()
    edges: tuple[GraphEdge, ...] = ()
    title: str = ""
    #: The run's own state; None for a flow that is only drawn.
    state_type: StateType | None = None
    state_name: str | None = None
    #: Seconds from start to end, or to now while running.
    duration: float | None = None
    #: Why the run failed, in one line.
    message: str | None = None
