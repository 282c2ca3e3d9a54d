"""Runs Graphviz: DOT in, its JSON out.

This module decides where Graphviz runs: inside this process (`pygraphviz`, which brings its
own Graphviz), in another one where its time is limited, else by the `dot` program. It must not
know what is being drawn: the DOT it gets holds no words of users, only sizes. Without text
Graphviz looks for no font, and so prints no font warnings into people's notebooks either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Final

from nbflow.drawing import placing
from nbflow.exceptions import VisualizationError

_ENCODING: Final = "utf-8"
#: So few arrows are placed before another process has started.
_SMALL: Final = 200

# Graphviz keeps global state: one layout at a time. A fork may happen while another thread
# holds the lock; the child has no such thread, so it gets a fresh one.
_lock = threading.Lock()


def _fresh_lock() -> None:
    global _lock  # noqa: PLW0603  the lock is the process's, not an object's
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_lock)


def run_graphviz(source: str, program: str, seconds: float | None = None) -> str:
    """The positions of a DOT graph, as Graphviz's own JSON.

    `program` is `dot` or `twopi`. With `seconds`, a graph that is not small is placed by another
    process, which is ended when it takes longer. Raises `VisualizationError` when that happens,
    and when Graphviz is not there or cannot place the graph.
    """
    try:
        if seconds is None or source.count("->") <= _SMALL or not sys.executable:
            return _in_process(source, program)
        return _in_another_process(source, program, seconds)
    except ImportError:
        return _by_program(source, program)


def _in_process(source: str, program: str) -> str:
    with _lock:
        try:
            return placing.place(source, program)
        except ValueError as error:
            raise VisualizationError("Graphviz could not place this graph.") from error


def _in_another_process(source: str, program: str, seconds: float) -> str:
    """The same where it can be ended; meanwhile other threads of this process go on, too."""
    command = [sys.executable, "-P", str(placing.__file__), program]
    try:
        done = subprocess.run(  # noqa: S603 - this very Python, and a file of our own
            command,
            input=source.encode(_ENCODING),
            capture_output=True,
            timeout=seconds,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows
        )
    except subprocess.TimeoutExpired as error:
        raise VisualizationError(
            f"Graphviz was ended after {seconds:g} s, before it had placed all cards: "
            "nbflow graph … --output all.svg lets it take its time."
        ) from error
    if done.returncode == placing.MISSING:
        raise ImportError("pygraphviz")
    if done.returncode:
        raise VisualizationError("Graphviz could not place this graph.")
    return done.stdout.decode(_ENCODING)


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
