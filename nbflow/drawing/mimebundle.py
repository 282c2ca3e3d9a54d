"""What a notebook shows for a run graph: the picture, and the text beside it.

This module decides that a drawing never breaks a cell: without Graphviz there is text.
"""

from __future__ import annotations

from nbflow.drawing.places import Direction
from nbflow.drawing.svg import graph_svg
from nbflow.drawing.text import graph_text
from nbflow.drawing.themes import Theme
from nbflow.exceptions import VisualizationError
from nbflow.models import RunGraph
from nbflow.run_graph import close_groups, is_large


def mimebundle(
    graph: RunGraph,
    *,
    theme: Theme | str = Theme.AUTO,
    direction: Direction | str | None = None,
) -> dict[str, str]:
    """The graph for `_repr_mimebundle_`: `image/svg+xml` and `text/plain`.

    A large graph is shown with its subflows closed. When it cannot be laid out, the text
    alone is returned, with a hint why.
    """
    shown = close_groups(graph) if is_large(graph) else graph
    text = graph_text(shown)
    try:
        picture = graph_svg(shown, theme=theme, direction=direction)
    except VisualizationError as error:
        return {"text/plain": f"{text}\n\n(No picture: {error})"}
    return {"image/svg+xml": picture, "text/plain": text}
