"""What a notebook shows for a run graph: the picture, and the text beside it.

This module decides that a drawing never breaks a cell, nor keeps it busy: without Graphviz
there is text, and of what would take long there is as much as fits, and a note.
"""

from __future__ import annotations

from typing import Final

from nbflow.drawing.fitting import MOST_CARDS, Fitted, fitted
from nbflow.drawing.layout import lay_out
from nbflow.drawing.places import Direction, Layout
from nbflow.drawing.svg import graph_svg
from nbflow.drawing.text import graph_text
from nbflow.drawing.themes import Theme
from nbflow.exceptions import VisualizationError
from nbflow.models import RunGraph

#: What should take a second is ended after so many, on a busy machine or by an unlucky estimate.
_PATIENCE: Final = 15.0
_ASK: Final = "nbflow graph … --output all.svg draws all of it, which may take minutes."


def mimebundle(
    graph: RunGraph,
    *,
    theme: Theme | str = Theme.AUTO,
    direction: Direction | str | None = None,
) -> dict[str, str]:
    """The graph for `_repr_mimebundle_`: `image/svg+xml` and `text/plain`.

    A large graph is shown with its subflows closed, one that would take long as far as it can
    be drawn meanwhile. When it cannot be laid out, the text alone is returned, with a hint why.
    """
    shown = fitted(graph, Direction(direction) if direction else None)
    text = fitted_text(shown, _ASK)
    try:
        picture = fitted_svg(shown, theme=theme, ask=_ASK)
    except VisualizationError as error:
        return {"text/plain": f"{text}\n\n(No picture: {error})"}
    return {"image/svg+xml": picture, "text/plain": text}


def fitted_svg(
    shown: Fitted, *, theme: Theme | str = Theme.AUTO, scope: str | None = None, ask: str = ""
) -> str:
    """Draw what fits; `ask` says how to see all of a graph that does not.

    Raises `VisualizationError` when it cannot be laid out.
    """
    if shown.direction is None:
        layout = Layout(Direction.DOWN, 0.0, 0.0)
    else:
        layout = lay_out(shown.graph, shown.direction, _PATIENCE)
    return graph_svg(shown.graph, theme=theme, layout=layout, scope=scope, note=_note(shown, ask))


def fitted_text(shown: Fitted, ask: str = "") -> str:
    """The text form of what fits, with the first of its cards when there are too many."""
    told = graph_text(shown.graph, most=MOST_CARDS)
    return "\n\n".join(filter(None, (told, _note(shown, ask))))


def _note(shown: Fitted, ask: str) -> str:
    return f"{shown.note} {ask}".rstrip() if shown.note else ""
