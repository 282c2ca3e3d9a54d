"""Draws the run graph: one layout and one picture for every view.

A `RunGraph` goes in; positions (`lay_out`), a self-contained SVG (`graph_svg`), a text form
for terminals (`graph_text`) or all that a notebook shows (`mimebundle`) come out. All of a graph
may take long; what is drawn while somebody waits is `fitted` first. This package decides how a
graph looks. It must not know where graphs come from or who shows them.
"""

from nbflow.drawing.fitting import Fitted, fitted, takes_long
from nbflow.drawing.layout import lay_out
from nbflow.drawing.mimebundle import fitted_svg, fitted_text, mimebundle
from nbflow.drawing.places import Box, Direction, Layout, Path
from nbflow.drawing.svg import graph_svg
from nbflow.drawing.text import graph_text
from nbflow.drawing.themes import Theme

__all__ = [
    "Box",
    "Direction",
    "Fitted",
    "Layout",
    "Path",
    "Theme",
    "fitted",
    "fitted_svg",
    "fitted_text",
    "graph_svg",
    "graph_text",
    "lay_out",
    "mimebundle",
    "takes_long",
]
