"""What the cells of a notebook read, write and may mutate, and how they depend on each other.

graph = analyse_cells(["x = 1", "y = x + 1"])
graph.edges  # (Edge(source=0, target=1, name='x', ...),)
"""

from .cells import CellSource, analyse_cell, analyse_in_order, to_python
from .edges import Edge, EdgeKind
from .graph import CellGraph, DisplayEdge, analyse_cells, link_cells
from .names import analyse_python
from .records import CellAnalysis, Effects, from_json, to_json

__all__ = [
    "CellAnalysis",
    "CellGraph",
    "CellSource",
    "DisplayEdge",
    "Edge",
    "EdgeKind",
    "Effects",
    "analyse_cell",
    "analyse_cells",
    "analyse_in_order",
    "analyse_python",
    "from_json",
    "link_cells",
    "to_json",
    "to_python",
]
