"""`nbflow backfill`: runs a deployment for a span of the past, as one thing.

This module decides how a backfill is asked for and how it reads. Which runs it has is for
`nbflow.deployments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from rich.table import Table
from rich.text import Text

from nbflow import wire
from nbflow.cli.console import make_console, moment_words, plain_table, say
from nbflow.cli.deploy_options import BackfillOptions, backfill_options
from nbflow.cli.deployment_words import parameter_words, steps, unserved, unserved_words
from nbflow.cli.groups import command_group
from nbflow.cli.listing import tell_list
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.cli.run import values_of
from nbflow.deployments.backfilling import BackfillPlan, plan_backfill
from nbflow.deployments.checking import read_text
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models.deployments import Backfill
from nbflow.states import now
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.wording import counted, state_word

_SHOWN: Final = 10


class _StartsByDefault(click.Group):
    """`nbflow backfill NAME` means `nbflow backfill start NAME`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            args = ["start", *args]
        return super().parse_args(ctx, args)


@command_group(_StartsByDefault)
def group() -> None:
    """Run a deployment for a span of the past, as one thing that can be cancelled.

    \b
    nbflow backfill train/nightly --from 2026-05-01 --to 2026-05-31 --param day
    """  # noqa: D301 - click's mark for lines that stay as they are


@group.command("start")
@backfill_options
def start_command(**given: Any) -> int:
    """Run a deployment once for each date of its schedule in a span.

    The same backfill again starts nothing twice, unless --again.
    """
    return start(BackfillOptions(**given))


def start(options: BackfillOptions) -> int:
    """Start the backfill that the options describe, or only list its runs."""
    console, store = make_console(colour=options.colour), open_store()
    deployment = store.deployments.find(options.deployment)
    owner, schema = f"deployment {deployment.full_name!r}", deployment.spec.parameter_schema
    plan = plan_backfill(
        deployment,
        _moment(options.start, "--from"),
        _moment(options.end, "--to"),
        parameter=options.parameter,
        schedule=options.schedule,
        every=options.every,
        limit=options.limit,
        reverse=options.reverse,
        on_existing="again" if options.again else "skip",
        parameters=values_of(
            options, lambda name, text: read_text(schema, name, text, owner=owner)
        ),
        tags=options.tags,
        allow_many=options.yes or options.dry_run,
    )
    made = None if options.dry_run else plan.submit(store)
    if options.json:
        write_json(console, _json_runs(plan) if made is None else wire.dump(made))
        return 0
    say(console, *_preview(plan), wrap=False)
    if made is not None:
        say(console, *_told(plan, made), wrap=False)
        if made.counts and unserved(store, deployment.spec.queue):
            say(console, Text(unserved_words(deployment.spec.queue), style="yellow"), wrap=False)
    return 0


def _moment(text: str, option: str) -> date | datetime:
    """A day, or a time by the clocks of the schedule's zone."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text} is no date. Write 2026-05-03, or 2026-05-03T06:00."
        ) from None


def _preview(plan: BackfillPlan) -> list[Text]:
    lines = [Text(f"{counted(len(plan.runs), 'run')}: {plan.words}", style="bold")]
    shown = plan.runs if len(plan.runs) <= _SHOWN else (*plan.runs[: _SHOWN - 1], plan.runs[-1])
    zone = ZoneInfo(plan.timezone)
    for run, queued in shown:
        assert queued.nominal is not None
        given = f"  {parameter_words(run.parameters)}" if run.parameters else ""
        lines.append(Text(f"  {queued.nominal.astimezone(zone):%a %Y-%m-%d %H:%M}{given}"))
    if len(shown) < len(plan.runs):
        lines.insert(-1, Text(f"  … {len(plan.runs) - len(shown)} more", style="dim"))
    return lines


def _told(plan: BackfillPlan, made: Backfill) -> list[Text]:
    new = sum(made.counts.values())
    old = len(plan.runs) - new
    if not new:
        return [
            Text(
                "All of them ran in an earlier backfill, or wait: nothing is started. Run them "
                "again with --again.",
                style="yellow",
            )
        ]
    known = f"; {old} were there already" if old else ""
    short = str(made.id)[-8:]
    return [
        Text(f"✓ {counted(new, 'run')} {'waits' if new == 1 else 'wait'}{known}", style="green"),
        *steps(
            [
                ("see how it goes", "nbflow backfill ls"),
                ("end it", f"nbflow backfill cancel {short}"),
            ]
        ),
    ]


def _json_runs(plan: BackfillPlan) -> list[dict[str, Any]]:
    return [
        {"nominal": wire.dump(queued.nominal), "parameters": dict(run.parameters)}
        for run, queued in plan.runs
    ]


# ── those there are ──────────────────────────────────────────────────────────────────────


@group.command("ls")
@click.argument("deployment", metavar="[DEPLOYMENT]", required=False)
@speech_options
def ls_command(deployment: str | None, json: bool, colour: bool) -> int:
    """List backfills, the newest first."""
    store = open_store()
    wanted = store.deployments.find(deployment).id if deployment else None
    return tell_list(
        store.dispatch.backfills(deployment_id=wanted),
        as_json=wire.dump,
        as_table=partial(_table, store),
        nothing="There are no backfills. Start one: nbflow backfill NAME --from DATE --to DATE",
        json=json,
        colour=colour,
    )


def _table(store: Store, found: Sequence[Backfill]) -> Table:
    table = plain_table("backfill", "deployment", "from", "to", "runs", "started", fold=True)
    for each in found:
        table.add_row(
            str(each.id)[-8:],
            _deployment_name(store, each),
            f"{each.start:%Y-%m-%d}",
            f"{each.end:%Y-%m-%d}",
            _counts(each),
            moment_words(each.created, now()),
        )
    return table


def _deployment_name(store: Store, backfill: Backfill) -> str:
    try:
        return store.deployments.get(backfill.deployment_id).full_name
    except ObjectNotFound:
        return "(forgotten)"


def _counts(backfill: Backfill) -> str:
    words = [
        f"{number} {state_word(type_.capitalize())}" for type_, number in backfill.counts.items()
    ]
    return ("cancelled: " if backfill.cancelled else "") + (", ".join(words) or "none")


@group.command("cancel")
@click.argument("backfill", metavar="BACKFILL")
@speech_options
def cancel_command(backfill: str, json: bool, colour: bool) -> int:
    """Cancel the waiting runs of a backfill, and ask for the end of its running ones."""
    console, store = make_console(colour=colour), open_store()
    made = store.dispatch.cancel_backfill(_find(store, backfill))
    if json:
        write_json(console, wire.dump(made))
    else:
        say(console, f"Cancelled: {_counts(made)}.")
    return 0


def _find(store: Store, reference: str) -> UUID:
    """The backfill whose id is, begins with, or ends with a text."""
    plain = reference.lower()
    known = [str(each.id) for each in store.dispatch.backfills(limit=10_000)]
    found = [each for each in known if each.startswith(plain) or each.endswith(plain)]
    if len(found) == 1:
        return UUID(found[0])
    what = "Several backfills have" if found else "There is no backfill with"
    raise ObjectNotFound(f"{what} the id {reference!r}. See those there are: nbflow backfill ls")
