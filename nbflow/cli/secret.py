"""`nbflow secret`: lists, sets and forgets secrets, and shows one to who insists.

This module decides how a secret's value comes in, which is never as an argument: those stand
in the shell's history and in everybody's list of processes. It must not know how values are
encrypted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import make_console, moment_words, plain_table, say
from nbflow.cli.groups import command_group
from nbflow.cli.listing import tell_list
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.exceptions import UsageError
from nbflow.models.deployments import Secret
from nbflow.store import open_store
from nbflow.store.near import not_there
from nbflow.wording import ago

_name = click.argument("name", metavar="NAME")


@command_group()
def group() -> None:
    """List, set and forget secrets: values that are kept encrypted."""


@group.command("ls")
@speech_options
def ls_command(json: bool, colour: bool) -> int:
    """List the names of all secrets."""
    return tell_list(
        open_store().vault.secrets(),
        as_json=_as_json,
        as_table=_table,
        nothing="No secrets yet. Set one: nbflow secret set NAME",
        json=json,
        colour=colour,
    )


@group.command("set")
@_name
@click.argument("rest", nargs=-1, metavar="")
def set_command(name: str, rest: tuple[str, ...]) -> int:
    """Set a secret, or change it.

    A terminal asks for its value, unseen; else the value is what standard input holds, without
    the line break at its end.
    """
    if rest:  # not repeated: the message may be kept where the value should not be
        raise UsageError(
            "A secret's value is no argument: the shell's history and the list of processes "
            f"would show it. Type it when asked, or send it: … | nbflow secret set {name}"
        )
    open_store().vault.set_secret(name, _value(name))
    say(make_console(), f"The secret {name} is set.", wrap=False)
    return 0


def _value(name: str) -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt(f"Value of {name}", hide_input=True, err=True)
        return asked
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


@group.command("get")
@_name
@click.option("--reveal", is_flag=True, help="Print the value, for whoever looks over a shoulder.")
@speech_options
def get_command(name: str, reveal: bool, json: bool, colour: bool) -> int:
    """Say whether there is a secret; with --reveal, print its value alone."""
    console, vault = make_console(colour=colour), open_store().vault
    found = {secret.name: secret for secret in vault.secrets()}
    if name not in found:
        raise not_there("secret", name, found, "nbflow secret ls")
    secret = found[name]
    value = {"value": vault.secret_value(name)} if reveal else {}
    if json:
        write_json(console, _as_json(secret) | value)
    elif reveal:
        say(console, Text(value["value"]), wrap=False)
    else:
        when = moment_words(secret.updated, datetime.now(UTC))
        say(console, f"The secret {name} was set {when}. --reveal prints it.", wrap=False)
    return 0


@group.command("unset")
@_name
def unset_command(name: str) -> int:
    """Forget a secret."""
    open_store().vault.delete_secret(name)
    say(make_console(), f"The secret {name} is gone.", wrap=False)
    return 0


def _as_json(secret: Secret) -> dict[str, Any]:
    return {"name": secret.name, "updated": secret.updated.isoformat()}


def _table(secrets: Sequence[Secret]) -> Table:
    now = datetime.now(UTC)
    table = plain_table("secret", "changed")
    for secret in secrets:
        table.add_row(secret.name, ago(secret.updated, now))
    return table
