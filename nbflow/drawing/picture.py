"""A drawn graph as an object: shown by notebooks, saved to a file, printed as text.

This module decides nothing about looks; it hands a graph to those who do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbflow.drawing.mimebundle import mimebundle
from nbflow.drawing.places import Direction
from nbflow.drawing.svg import graph_svg
from nbflow.drawing.text import graph_text
from nbflow.drawing.themes import Theme
from nbflow.models import RunGraph


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a run graph. In a notebook it shows itself; `print` gives text."""

    graph: RunGraph
    direction: Direction | str | None = None
    theme: Theme | str = Theme.AUTO

    @property
    def svg(self) -> str:
        """The picture as a self-contained SVG document."""
        return graph_svg(self.graph, theme=self.theme, direction=self.direction)

    def radial(self) -> Picture:
        """The same graph from the middle outwards: the radar view."""
        return Picture(self.graph, Direction.RADIAL, self.theme)

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file, and return its path."""
        path = Path(path)
        path.write_text(self.svg, encoding="utf-8")
        return path

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return mimebundle(self.graph, theme=self.theme, direction=self.direction)

    def __str__(self) -> str:
        return graph_text(self.graph)

    def __repr__(self) -> str:
        return f"Picture({self.graph.title!r}, {len(self.graph.nodes)} nodes)"
