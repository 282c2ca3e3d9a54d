"""`nbflow variable`: lists, reads, sets and forgets variables.

This module decides how variables read on a terminal and how a value is read from the command
line. It must not know where they are kept.
"""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import click
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import make_console, plain_table, say
from nbflow.cli.groups import command_group
from nbflow.cli.listing import tell_list
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.models.deployments import Variable
from nbflow.store import open_store
from nbflow.terminal_text import plain_line
from nbflow.wording import ago, middle_ellipsis

_ROOM: Final = 60

_name = click.argument("name", metavar="NAME")


@command_group()
def group() -> None:
    """List, read, set and forget variables: values that runs share by name."""


@group.command("ls")
@speech_options
def ls_command(json: bool, colour: bool) -> int:
    """List all variables."""
    return tell_list(
        open_store().vault.variables(),
        as_json=_as_json,
        as_table=_table,
        nothing="No variables yet. Set one: nbflow variable set NAME VALUE",
        json=json,
        colour=colour,
    )


@group.command("get")
@_name
@speech_options
def get_command(name: str, json: bool, colour: bool) -> int:
    """Print a variable's value: text as it is, anything else as JSON."""
    console = make_console(colour=colour)
    variable = open_store().vault.variable(name)
    if json:
        write_json(console, _as_json(variable))
    else:
        say(console, Text(_words(variable.value)), wrap=False)
    return 0


@group.command("set", context_settings={"ignore_unknown_options": True})
@_name
@click.argument("value", metavar="VALUE")
@click.option("--text", is_flag=True, help="Take VALUE as text, also where it reads as JSON.")
def set_command(name: str, value: str, text: bool) -> int:
    """Set a variable, or change it.

    VALUE is JSON (0.5, true, '["a", "b"]') or else text; - reads it from standard input.
    """
    given = sys.stdin.read().removesuffix("\n") if value == "-" else value
    open_store().vault.set_variable(name, given if text else read_value(given))
    say(make_console(), f"The variable {name} is set.", wrap=False)
    return 0


@group.command("unset")
@_name
def unset_command(name: str) -> int:
    """Forget a variable."""
    open_store().vault.delete_variable(name)
    say(make_console(), f"The variable {name} is gone.", wrap=False)
    return 0


def read_value(text: str) -> Any:
    """The JSON value that a text stands for; the text itself when it is no JSON."""
    try:
        return json_format.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> NoReturn:
    """NaN and Infinity are words like others: JSON does not have them."""
    raise ValueError(word)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json_format.dumps(value, ensure_ascii=False)


def _as_json(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "value": variable.value,
        "updated": variable.updated.isoformat(),
    }


def _table(variables: Sequence[Variable]) -> Table:
    now = datetime.now(UTC)
    table = plain_table("variable", "value", "changed")
    for each in variables:
        shown = middle_ellipsis(plain_line(_words(each.value)), _ROOM)
        table.add_row(each.name, Text(shown), ago(each.updated, now))
    return table
