"""`nbflow limit`: lists, shows, sets and forgets concurrency limits.

This module decides how limits read on a terminal and in JSON. It must not know who holds
their slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from nbflow.cli.console import make_console, plain_table, say
from nbflow.cli.groups import command_group
from nbflow.cli.listing import tell_list
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.models.deployments import ConcurrencyLimit
from nbflow.store import open_store
from nbflow.wording import counted

_name = click.argument("name", metavar="NAME")


@command_group()
def group() -> None:
    """List, show, set and forget limits on what is used at once.

    A limit called tag:NAME holds for the tasks of that tag; any other for code inside
    `with concurrency(NAME)`, or after `rate_limit(NAME)`.
    """


@group.command("ls")
@speech_options
def ls_command(json: bool, colour: bool) -> int:
    """List all limits, and what is taken of each."""
    return tell_list(
        open_store().limits.limits(),
        as_json=_as_json,
        as_table=_table,
        nothing="No limits yet. Set one: nbflow limit set NAME SLOTS",
        json=json,
        colour=colour,
    )


@group.command("show")
@_name
@speech_options
def show_command(name: str, json: bool, colour: bool) -> int:
    """Show one limit, and what is taken of it."""
    console = make_console(colour=colour)
    limit = open_store().limits.limit(name)
    if json:
        write_json(console, _as_json(limit))
    else:
        say(console, _table([limit]))
    return 0


@group.command("set")
@_name
@click.argument("slots", metavar="SLOTS", type=click.IntRange(min=0))
@click.option(
    "--decay",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="Make it a rate: so many slots become free again each second, however long they are held.",
)
@click.option("--off", is_flag=True, help="Let everybody through, but go on counting.")
def set_command(name: str, slots: int, decay: float | None, off: bool) -> int:
    """Make a limit of SLOTS slots, or change one; 0 lets nobody through."""
    limit = ConcurrencyLimit(name=name, slots=slots, slot_decay_per_second=decay, active=not off)
    saved = open_store().limits.save(limit)
    say(make_console(), f"The limit {saved.name} has {_words(saved)}.", wrap=False)
    return 0


@group.command("unset")
@_name
def unset_command(name: str) -> int:
    """Forget a limit; whoever waits for it goes on."""
    open_store().limits.delete(name)
    say(make_console(), f"The limit {name} is gone.", wrap=False)
    return 0


def _words(limit: ConcurrencyLimit) -> str:
    rate = limit.slot_decay_per_second
    slots = counted(limit.slots, "slot")
    again = "" if rate is None else f", {rate:g} of them free again each second"
    return f"{slots}{again}{'' if limit.active else ', and is off'}"


def _as_json(limit: ConcurrencyLimit) -> dict[str, Any]:
    return {
        "name": limit.name,
        "slots": limit.slots,
        "taken": limit.taken,
        "slot_decay_per_second": limit.slot_decay_per_second,
        "active": limit.active,
    }


def _table(limits: Sequence[ConcurrencyLimit]) -> Table:
    table = plain_table(
        "limit", "slots", "taken", "per second", "", right={"slots", "taken", "per second"}
    )
    for limit in limits:
        rate = limit.slot_decay_per_second
        table.add_row(
            limit.name,
            str(limit.slots),
            str(limit.taken),
            "" if rate is None else f"{rate:g}",
            "" if limit.active else "off",
        )
    return table
