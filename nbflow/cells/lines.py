"""The lines of `%%task` and `%%flow`: their options, described once, and how they are read.

This module decides spellings, help texts and what is said of values that do not go together.
The definitions are click's, so that usage lines, `?` help and tab completion come from the
same place. It must not know IPython, nor what the options do.
"""

from __future__ import annotations

import ast
import keyword
import math
from typing import Final

import click

from nbflow.cells.line_command import BareOption, LineCommand, WordsOption
from nbflow.cells.line_values import RUNNERS, Count, DisplayName, Runner, Seconds
from nbflow.cells.records import FlowCellOptions, TaskCellOptions

#: The metavar that says: names of the notebook stand here.
NAMES: Final = "NAME…"


# ── the definitions ──────────────────────────────────────────────────────────────────────


def _name_argument() -> click.Argument:
    return click.Argument(["name"], type=DisplayName(), metavar="NAME", required=False)


def _run_options(what: str) -> list[click.Parameter]:
    """What a task and a flow can both be told."""
    return [
        click.Option(
            ["--retries"], type=Count(), metavar="N", help=f"Run {what} again, up to N times."
        ),
        WordsOption(
            ["--retry-delay", "retry_delays"],
            type=Seconds(zero=True),
            metavar="TIME…",
            help="Wait before each retry: 30, 90s, 15m; the last one repeats.",
        ),
        click.Option(
            ["--timeout"],
            type=Seconds(zero=False),
            metavar="TIME",
            help=f"Stop {what} after that long: 30, 90s, 15m, 2h.",
        ),
    ]


def _tags_option() -> click.Option:
    return WordsOption(["--tags", "--tag", "tags"], metavar="TAG…", help="Tag its runs.")


def _runner_option(help_text: str) -> click.Option:
    return click.Option(["--runner"], type=Runner(), metavar="|".join(RUNNERS), help=help_text)


TASK_LINE: Final = LineCommand(
    "%%task",
    add_help_option=False,
    help="Make the cell a task, and run it.\n\nWhat the cell reads and binds is found in its code.",
    params=[
        _name_argument(),
        WordsOption(
            ["--in", "inputs"], empty=True, metavar=NAMES, help="Names that the cell reads."
        ),
        WordsOption(
            ["--out", "outputs"], empty=True, metavar=NAMES, help="Names that the cell makes."
        ),
        *_run_options("the cell"),
        BareOption(
            ["--cache"],
            type=Seconds(zero=False, bare=True),
            metavar="TIME",
            help="Keep what it makes, for that long or for ever, and do not run it "
            "again while its code and what it reads are the same.",
        ),
        _tags_option(),
        _runner_option("Where it runs; default: in the notebook's own thread."),
        click.Option(["--submit"], is_flag=True, help="Run it in the background."),
        click.Option(["--no-run"], is_flag=True, help="Only define the task."),
    ],
)

FLOW_LINE: Final = LineCommand(
    "%%flow",
    add_help_option=False,
    help="Make the cell the body of a flow, and run it.",
    params=[
        _name_argument(),
        WordsOption(
            ["--param", "parameters"],
            commas=False,
            raw=True,
            metavar="NAME:TYPE=VALUE…",
            help="Parameters, as in a function's signature; in quotes when there are "
            "spaces: 'day: str = \"today\"'.",
        ),
        *_run_options("the flow"),
        _tags_option(),
        _runner_option("Where the tasks run that the flow submits; default: threads."),
        click.Option(["--define"], is_flag=True, help="Only define the flow."),
    ],
)


# ── reading ──────────────────────────────────────────────────────────────────────────────


def read_task_line(line: str) -> TaskCellOptions:
    """What the line of a `%%task` cell asks for; raises `MagicUsageError`."""
    given = TASK_LINE.read(line)
    if given["submit"] and given["no_run"]:
        TASK_LINE.refuse("--submit runs the task and --no-run does not; leave one out.")
    cache: float | None = given["cache"]
    return TaskCellOptions(
        name=given["name"],
        inputs=_names(TASK_LINE, "--in", given["inputs"]),
        outputs=_names(TASK_LINE, "--out", given["outputs"]),
        retries=given["retries"],
        retry_delays=given["retry_delays"],
        timeout=given["timeout"],
        cache=cache is not None,
        cache_seconds=None if cache == math.inf else cache,
        tags=frozenset(given["tags"] or ()),
        runner=given["runner"],
        submit=given["submit"],
        run=not given["no_run"],
    )


def read_flow_line(line: str) -> FlowCellOptions:
    """What the line of a `%%flow` cell asks for; raises `MagicUsageError`."""
    given = FLOW_LINE.read(line)
    parameters = given["parameters"] or ()
    for text in parameters:
        _check_parameter(text)
    return FlowCellOptions(
        name=given["name"],
        parameters=parameters,
        retries=given["retries"],
        retry_delays=given["retry_delays"],
        timeout=given["timeout"],
        tags=frozenset(given["tags"] or ()),
        runner=given["runner"],
        define=given["define"],
    )


def _names(
    command: LineCommand, spelling: str, values: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Names of the notebook, each once; an option that stands alone says: none."""
    if values is None:
        return None
    names = tuple(dict.fromkeys(value for value in values if value))
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            command.refuse(f"{spelling}: {name!r} is no name of a variable.")
    return names


def _check_parameter(text: str) -> None:
    """Refuse what cannot stand in a signature."""
    try:
        (function,) = ast.parse(f"def f(*, {text}\n): pass").body
    except (SyntaxError, ValueError):
        function = None
    if not isinstance(function, ast.FunctionDef) or not _is_one_parameter(function.args):
        FLOW_LINE.refuse(
            f"--param: {text} is no parameter; write name, name:type or name:type=value, "
            "in quotes when there are spaces."
        )


def _is_one_parameter(arguments: ast.arguments) -> bool:
    return len(arguments.kwonlyargs) == 1 and arguments.kwarg is None
