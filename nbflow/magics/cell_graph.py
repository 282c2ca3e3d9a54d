"""The cells that ran in this session, as a run graph.

This module decides which cells of a session's history are drawn, and that a cell which ran
again stands for its earlier runs. It must not know IPython.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from nbflow.dataflow import analyse_cells
from nbflow.models import GraphNode, RunGraph
from nbflow.notebooks.cell_names import name_of, unique
from nbflow.run_graph import graph_of_cells
from nbflow.states import StateType

#: Cells about the notebook, not of it.
_ASIDE: Final = re.compile(r"\s*(?:%nbflow|%load_ext|%reload_ext|%?\??\w+\?+\s*$|%%?\w+\?)")


#: Nothing is known but whether a cell failed.
_NO_STATES: Final[Mapping[str, tuple[StateType, str]]] = MappingProxyType({})


def session_graph(
    cells: Iterable[tuple[str, bool]],
    states: Mapping[str, tuple[StateType, str]] = _NO_STATES,
) -> RunGraph:
    """The graph of cells given as `(source, failed)` in the order in which they ran.

    `states`: what is known of task cells by their source, restored and background ones above all.
    """
    shown = _latest(cells)
    edges = analyse_cells(shown).display_edges()
    names: list[str] = []
    for source, _ in shown:
        names.append(unique(name_of(source, frozenset(), None), frozenset(names)))
    graph = graph_of_cells(
        [(str(number), name, None) for number, name in enumerate(names)],
        [(str(e.source), str(e.target), ", ".join(e.names), e.certain) for e in edges],
        title="this session",
    )
    nodes: list[GraphNode] = []
    for node, (source, failed) in zip(graph.nodes, shown, strict=True):
        kind, name = _state(failed, states.get(source))
        nodes.append(replace(node, state_type=kind, state_name=name))
    return replace(graph, nodes=tuple(nodes))


def _state(failed: bool, told: tuple[StateType, str] | None) -> tuple[StateType, str]:
    if failed:
        return StateType.FAILED, "Failed"
    return told or (StateType.COMPLETED, "Completed")


def _latest(cells: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Each cell's latest run; those that were about the notebook only are left out."""
    latest: dict[str, bool] = {}
    for source, failed in cells:
        text = source.strip()
        if text and not _ASIDE.match(text):
            latest.pop(text, None)
            latest[text] = failed
    return list(latest.items())
