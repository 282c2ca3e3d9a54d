"""`nbflow schedule`: lists, tries, adds, pauses and removes the schedules of deployments.

This module decides how schedules read on a terminal and in JSON. It must not know when they
fire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import click
from rich.table import Table
from rich.text import Text

from nbflow import wire
from nbflow.cli.console import make_console, plain_table, say
from nbflow.cli.deploy_options import (
    ScheduleOptions,
    deployment_argument,
    schedule_add_options,
    schedule_kinds,
)
from nbflow.cli.deployment_words import next_words, schedule_words
from nbflow.cli.groups import command_group
from nbflow.cli.listing import tell_list
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.deployments.checking import read_text
from nbflow.deployments.scheduling import check_parameters, schedules_of
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models.deployments import Deployment, DeploymentSchedule
from nbflow.schedules import from_json, in_words, upcoming
from nbflow.store import open_store

_ALL: Final = 100_000

_slug = click.argument("slug", metavar="[SCHEDULE]", required=False)


@command_group()
def group() -> None:
    """List, try, add, pause and remove the schedules of deployments."""


@group.command("ls")
@click.argument("deployment", metavar="[DEPLOYMENT]", required=False)
@speech_options
def ls_command(deployment: str | None, json: bool, colour: bool) -> int:
    """List the schedules of a deployment, or of all."""
    store = open_store().deployments
    found = [store.find(deployment)] if deployment else store.search(limit=_ALL)
    return tell_list(
        [(each, schedule) for each in found for schedule in each.schedules],
        as_json=lambda row: {"deployment": row[0].full_name, **wire.dump(row[1])},
        as_table=_table,
        nothing='There are no schedules. Add one: nbflow schedule add NAME --cron "0 6 * * *"',
        json=json,
        colour=colour,
    )


def _table(rows: Sequence[tuple[Deployment, DeploymentSchedule]]) -> Table:
    table = plain_table("deployment", "schedule", "when", "next", fold=True)
    moment = datetime.now(UTC)
    for deployment, schedule in rows:
        soon = next_words(schedule, moment, paused=deployment.paused, count=1)
        table.add_row(
            Text(deployment.full_name), schedule.slug, schedule_words(schedule), Text(soon)
        )
    return table


@group.command("preview")
@click.argument("deployment", metavar="[DEPLOYMENT]", required=False)
@schedule_kinds
@click.option(
    "-n", "--count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many."
)
@speech_options
def preview_command(
    deployment: str | None, count: int, json: bool, colour: bool, **kinds: Any
) -> int:
    """List the coming runs of a deployment, or of a schedule that is only tried.

    \b
    nbflow schedule preview --cron "30 2 * * *" --tz Europe/Paris
    """  # noqa: D301 - click's mark for lines that stay as they are
    console = make_console(colour=colour)
    stated = schedules_of(**kinds)
    if (deployment is None) == (stated is None):
        raise UsageError("Name a deployment, or a schedule by --cron, --interval or --rrule.")
    if stated is None:
        assert deployment is not None
        stated = open_store().deployments.find(deployment).schedules
    moment = datetime.now(UTC)
    coming = {each.slug: upcoming(from_json(each.schedule), moment, count) for each in stated}
    if json:
        write_json(
            console, {slug: [m.isoformat() for m in found] for slug, found in coming.items()}
        )
        return 0
    for each in stated:
        rule = from_json(each.schedule)
        say(console, Text(f"{in_words(rule)} ({each.slug})", style="bold"))
        for found in coming[each.slug]:
            say(console, f"  {_in_zone(found, rule.timezone)}")
    return 0


def _in_zone(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M:%S %Z}"


@group.command("add")
@schedule_add_options
def add_command(**given: Any) -> int:
    """Add a schedule to a deployment, or change the one of that slug."""
    return add(ScheduleOptions(**given))


def add(options: ScheduleOptions) -> int:
    """Add what the options state."""
    console, store = make_console(colour=options.colour), open_store().deployments
    found = store.find(options.deployment)
    stated = schedules_of(
        cron=options.cron,
        interval=options.interval,
        rrule=options.rrule,
        timezone=options.timezone,
    )
    if not stated:
        raise UsageError("Say when: --cron, --interval or --rrule.")
    if options.slug is not None and len(stated) > 1:
        raise UsageError("A slug names one schedule. Add the others by themselves.")
    owner, schema = f"deployment {found.full_name!r}", found.spec.parameter_schema
    values = {n: read_text(schema, n, text, owner=owner) for n, text in options.parameters}
    for each in stated:
        record = replace(each, slug=options.slug or each.slug, parameters=values)
        check_parameters(found.spec, [record], owner=owner)
        found = store.set_schedule(found.id, record)
    if options.json:
        write_json(console, [wire.dump(each) for each in found.schedules])
    else:
        say(console, _table([(found, each) for each in found.schedules]))
    return 0


@group.command("pause")
@deployment_argument
@_slug
@speech_options
def pause_command(deployment: str, slug: str | None, json: bool, colour: bool) -> int:
    """Let one schedule of a deployment rest."""
    return _change(deployment, slug, lambda s: replace(s, active=False), json=json, colour=colour)


@group.command("resume")
@deployment_argument
@_slug
@speech_options
def resume_command(deployment: str, slug: str | None, json: bool, colour: bool) -> int:
    """Let one schedule of a deployment go on from now."""
    return _change(deployment, slug, lambda s: replace(s, active=True), json=json, colour=colour)


@group.command("remove")
@deployment_argument
@_slug
@speech_options
def remove_command(deployment: str, slug: str | None, json: bool, colour: bool) -> int:
    """Remove a schedule of a deployment, and its waiting run."""
    return _change(deployment, slug, None, json=json, colour=colour)


def _change(
    reference: str,
    slug: str | None,
    change: Callable[[DeploymentSchedule], DeploymentSchedule] | None,
    *,
    json: bool,
    colour: bool,
) -> int:
    console, store = make_console(colour=colour), open_store().deployments
    found = store.find(reference)
    meant = _meant(found, slug)
    if change is None:
        found = store.remove_schedule(found.id, meant.slug)
    else:
        found = store.set_schedule(found.id, change(meant))
    if json:
        write_json(console, [wire.dump(each) for each in found.schedules])
    elif found.schedules:
        say(console, _table([(found, each) for each in found.schedules]))
    else:
        say(console, f"{found.full_name} has no schedule any more: it runs when it is told to.")
    return 0


def _meant(deployment: Deployment, slug: str | None) -> DeploymentSchedule:
    by_slug = {each.slug: each for each in deployment.schedules}
    if slug is None and len(by_slug) == 1:
        return next(iter(by_slug.values()))
    if slug is not None and slug in by_slug:
        return by_slug[slug]
    names = ", ".join(by_slug) or "none"
    if slug is None:
        raise UsageError(f"Name one of the schedules of {deployment.full_name}: {names}.")
    raise ObjectNotFound(f"{deployment.full_name} has no schedule {slug!r}. It has {names}.")
