"""`nbflow graph`: draws a notebook, a flow or a recorded run.

This module decides what of a target is drawn and where the drawing goes. It must not know
how graphs are laid out.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from nbflow.cli.console import make_console, say
from nbflow.cli.options import GraphOptions, graph_options
from nbflow.cli.targets import FlowTarget, is_file_target, load_flow, runnable
from nbflow.drawing import Direction, graph_svg, graph_text, takes_long
from nbflow.exceptions import NbflowError, OutputPathError, UsageError, VisualizationError
from nbflow.failure import source_line
from nbflow.flows import Flow
from nbflow.models import RunGraph
from nbflow.paths import expanded, short_path
from nbflow.runs import get_run

_DIRECTIONS: Final[Mapping[str | None, Direction | None]] = {
    None: None,
    "LR": Direction.RIGHT,
    "TB": Direction.DOWN,
}

#: Endings that promise another kind of file than the picture is.
_OTHER_KINDS: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".ps", ".dot", ".html", ".htm", ".txt"}
)


@click.command()
@graph_options
def command(**given: Any) -> int:
    """Draw a notebook, a flow or a run.

    TARGET is a notebook (train.ipynb), a flow (file.py:flow) or a run (id, name, latest).
    Without -o the graph is drawn with characters; nothing is executed.

    \b
    nbflow graph train.ipynb
    nbflow graph latest -o run.svg
    nbflow graph flows.py:etl --open
    """  # noqa: D301 - click's mark for lines that stay as they are
    return graph(GraphOptions(**given))


def graph(options: GraphOptions) -> int:
    """Draw what the options name."""
    if options.text and (options.output or options.open):
        raise UsageError("--text draws on the terminal; leave out -o and --open, or --text.")
    _refuse_other_kinds(options.output)
    drawn = graph_of(options.target)
    if options.output is None and not options.open:
        say(make_console(colour=options.colour), graph_text(drawn), wrap=False)
        return 0
    write_picture(drawn, options)
    return 0


def _refuse_other_kinds(output: str | None) -> None:
    """An SVG under another name opens nowhere, and nothing says why."""
    if output and (path := Path(output)).suffix.lower() in _OTHER_KINDS:
        raise OutputPathError(
            f"Pictures are SVG: name the file {path.with_suffix('.svg')}; "
            "any browser shows it, and prints it as PDF."
        )


def write_picture(drawn: RunGraph, options: GraphOptions) -> None:
    """Write the picture where the options say, and open it if they ask for that."""
    _write(_svg(drawn, options), options)


def graph_of(target: str) -> RunGraph:
    """The graph of a notebook, a flow or a run."""
    if not is_file_target(target):
        return get_run(target).graph
    found = runnable(target)
    if isinstance(found, FlowTarget):
        flow = load_flow(found)
        return _graph_of_flow(found, flow)
    from nbflow.cli.notebook_target import graph_of_notebook  # noqa: PLC0415 - see that module

    return graph_of_notebook(found.path)


def _graph_of_flow(target: FlowTarget, flow: Flow[Any, Any]) -> RunGraph:
    # Drawing runs no task, so mostly nothing looks at the values that are made up here.
    made_up = {p.name: None for p in flow.parameters if p.required}
    try:
        return flow.graph(**made_up)
    except NbflowError:
        raise
    except Exception as error:  # the flow's body is the user's code
        line = source_line("".join(traceback.format_exception(error)).splitlines())
        where = f" at {line.place}: {line.text}" if line else ""
        raise VisualizationError(
            f"{target.path}:{target.name or flow.name} cannot be drawn without running it "
            f"({type(error).__name__}: {error}{where}). Run it, then draw the run: "
            "nbflow graph latest."
        ) from error


def _svg(drawn: RunGraph, options: GraphOptions) -> str:
    direction = Direction.RADIAL if options.radial else _DIRECTIONS[_upper(options.direction)]
    if takes_long(drawn, direction):
        click.echo("This is a large graph: drawing all of it may take minutes.", err=True)
    return graph_svg(drawn, theme=options.theme, direction=direction)


def _upper(text: str | None) -> str | None:
    return text.upper() if text else None


def _write(svg: str, options: GraphOptions) -> None:
    if options.output == "-":
        sys.stdout.write(f"{svg}\n")
        return
    path = expanded(options.output) if options.output else _temporary()
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise OutputPathError(
            f"The picture cannot be written to {path}: {error.strerror or error}. "
            "Choose another place with -o."
        ) from error
    click.echo(short_path(path))
    if options.open and not webbrowser.open(path.resolve().as_uri()):
        click.echo("No browser could be opened; open that file yourself.", err=True)


def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix="nbflow-graph-"), "graph.svg")
