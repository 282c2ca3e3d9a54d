"""Runs Graphviz: DOT in, its JSON out.

This module decides where Graphviz runs: inside this process (`pygraphviz`, which brings its
own Graphviz), else by the `dot` program. It must not know what is being drawn: the DOT it
gets holds no words of users, only sizes. Without text Graphviz looks for no font, and so
prints no font warnings into people's notebooks either.
"""

from __future__ import annotations

import os
import threading
from typing import Final

from nbflow.exceptions import VisualizationError

_ENCODING: Final = "utf-8"

# Graphviz keeps global state: one layout at a time. A fork may happen while another thread
# holds the lock; the child has no such thread, so it gets a fresh one.
_lock = threading.Lock()


def _fresh_lock() -> None:
    global _lock  # noqa: PLW0603  the lock is the process's, not an object's
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_lock)


def run_graphviz(source: str, program: str) -> str:
    """The positions of a DOT graph, as Graphviz's own JSON.

    `program` is `dot` or `twopi`. Raises `VisualizationError` when Graphviz is not there or
    cannot place the graph.
    """
    try:
        return _in_process(source, program)
    except ImportError:
        return _by_program(source, program)


def _in_process(source: str, program: str) -> str:
    # Loaded at the first drawing: it brings a C library of its own.
    from pygraphviz import AGraph, DotError  # noqa: PLC0415
    from pygraphviz import graphviz as library  # noqa: PLC0415

    # `AGraph.draw` would print a warning for large graphs; the same three calls do not.
    with _lock:
        try:
            graph = AGraph(string=source)
            context = library.gvContextWithBuiltins()
            failed = library.gvLayout(context, graph.handle, program.encode())
            if failed:
                raise VisualizationError("Graphviz could not place this graph.")
            failed, text = library.gvRenderData(context, graph.handle, b"json0")
            library.gvFreeLayout(context, graph.handle)
            library.gvFreeContext(context)
            graph.close()
        except (DotError, ValueError, RuntimeError) as error:
            raise VisualizationError("Graphviz could not place this graph.") from error
    if failed:
        raise VisualizationError("Graphviz could not tell where it placed this graph.")
    return text.decode(_ENCODING) if isinstance(text, bytes) else str(text)


def _by_program(source: str, program: str) -> str:
    import graphviz  # noqa: PLC0415  as above

    try:
        return str(graphviz.pipe_string(program, "json0", source, encoding=_ENCODING, quiet=True))
    except graphviz.ExecutableNotFound as error:
        raise VisualizationError(
            "The graph cannot be drawn because Graphviz is not there: "
            "install pygraphviz, or Graphviz's dot program."
        ) from error
    except graphviz.CalledProcessError as error:
        raise VisualizationError("Graphviz could not place this graph.") from error
