"""What `%%task?`, `%%flow?` and `%nbflow?` show.

This module decides where the texts come from: the definitions that read the lines. It must
stay light, because it is imported whenever the extension is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

from nbflow.cells.lines import FLOW_LINE, TASK_LINE
from nbflow.cli.main import cli

#: The commands that a notebook has beyond the terminal's, and what the overview says of them.
NOTEBOOK_COMMANDS: Final = {
    "show": "Show a run, live while it goes on: graph, timeline, logs, results.",
    "cells": "List the cells that are under way in the background.",
    "wait": "Wait until the background cells have ended.",
}


def task_help() -> str:
    """The text of `%%task?`."""
    return TASK_LINE.explanation()


def flow_help() -> str:
    """The text of `%%flow?`."""
    return FLOW_LINE.explanation()


def nbflow_help() -> str:
    """The text of `%nbflow?`, and of `%nbflow` alone."""
    formatter = click.HelpFormatter(width=100)
    formatter.write_usage("%nbflow", "COMMAND [ARGS]...")
    with formatter.indentation():
        formatter.write_paragraph()
        formatter.write_text("The commands of nbflow, in the notebook. $name is a variable.")
    with formatter.section("Commands"):
        formatter.write_dl(list((summaries() | NOTEBOOK_COMMANDS).items()))
    formatter.write_paragraph()
    formatter.write_text("Every command explains itself: %nbflow COMMAND --help.")
    return formatter.getvalue().rstrip("\n")


def summaries() -> dict[str, str]:
    """The terminal's commands, each with its line of the overview."""
    found: dict[str, str] = cli.summaries()
    return found


def explain(function: Any, text: Callable[[], str]) -> Any:
    """Let IPython's `?` show the text for a magic, made when it is asked for.

    The line of the magic is taken as it stands: braces and dollars are not IPython's there.
    """
    function.getdoc = text
    function._ipython_magic_no_var_expand = True  # noqa: SLF001 - IPython's mark
    return function
