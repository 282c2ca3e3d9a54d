"""The calls that place a DOT graph with pygraphviz; as a script, from standard input to output.

This module decides nothing. It must not know nbflow: what runs in a process of its own, so that
it can be ended, should start at once.
"""

from __future__ import annotations

import sys
from typing import Final

_ENCODING: Final = "utf-8"
#: How the script tells that there is no pygraphviz.
MISSING: Final = 3


def place(source: str, program: str) -> str:
    """The positions as Graphviz's own JSON; raises `ValueError` where there are none."""
    # Loaded at the first drawing: it brings a C library of its own.
    from pygraphviz import AGraph, DotError  # noqa: PLC0415
    from pygraphviz import graphviz as library  # noqa: PLC0415

    # `AGraph.draw` would print a warning for large graphs; the same three calls do not.
    try:
        graph = AGraph(string=source)
        context = library.gvContextWithBuiltins()
        if library.gvLayout(context, graph.handle, program.encode()):
            raise ValueError("Graphviz could not place this graph.")
        failed, text = library.gvRenderData(context, graph.handle, b"json0")
        library.gvFreeLayout(context, graph.handle)
        library.gvFreeContext(context)
        graph.close()
    except (DotError, RuntimeError) as error:
        raise ValueError("Graphviz could not place this graph.") from error
    if failed:
        raise ValueError("Graphviz could not tell where it placed this graph.")
    return text.decode(_ENCODING) if isinstance(text, bytes) else str(text)


def _main() -> int:
    source = sys.stdin.buffer.read().decode(_ENCODING)
    try:
        placed = place(source, sys.argv[1])
    except ImportError:
        return MISSING
    except ValueError:
        return 1
    sys.stdout.buffer.write(placed.encode(_ENCODING))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
