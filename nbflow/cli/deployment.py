"""`nbflow deployment`: looks at deployments, runs them, and goes between their versions.

This module decides how deployments read on a terminal and in JSON. It must not know how they
are kept, nor who executes their runs.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow import wire
from nbflow.cli.console import (
    is_live,
    make_console,
    moment_words,
    plain_table,
    say,
    shows_colours,
    state_label,
)
from nbflow.cli.deploy_options import (
    FindOptions,
    StartRunOptions,
    deployment_argument,
    find_options,
    start_run_options,
)
from nbflow.cli.deployment_words import (
    facts,
    json_deployment,
    next_words,
    quoted,
    steps,
    unserved,
    unserved_words,
)
from nbflow.cli.groups import command_group
from nbflow.cli.main import EXIT_CANCELLED
from nbflow.cli.options import speech_options
from nbflow.cli.reports import json_run, write_json
from nbflow.cli.run import reporter_for, told, values_of
from nbflow.deployments.checking import read_text
from nbflow.deployments.diff import source_diff, source_of_version, spec_changes
from nbflow.deployments.running import new_run
from nbflow.durations import read_duration
from nbflow.exceptions import UsageError
from nbflow.models import FlowRun, FlowRunFilter
from nbflow.models.deployments import Deployment, DeploymentVersion
from nbflow.runs import get_run
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.wording import ago, counted

_RECENT: Final = 5


class _WithCreate(click.Group):
    """The group with a command that is loaded when it is called: reading notebooks takes time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "create"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "create":
            return super().get_command(ctx, cmd_name)
        found: click.Command = importlib.import_module("nbflow.cli.deploy").create_command
        return found


@command_group(_WithCreate)
def group() -> None:
    """List, run, pause and compare deployments.

    A DEPLOYMENT is flow/name, a name that only one has, or an id or its start.
    """


# ── looking ──────────────────────────────────────────────────────────────────────────────


@group.command("ls")
@find_options
def ls_command(**given: Any) -> int:
    """List deployments by name."""
    return ls(FindOptions(**given))


def ls(options: FindOptions) -> int:
    """List the deployments that fit the options."""
    console, store = make_console(colour=options.colour), open_store()
    found = store.deployments.search(
        flow_name=options.flow,
        tag=options.tag,
        queue=options.queue,
        text=options.text,
        limit=options.limit,
    )
    if options.json:
        write_json(console, [json_deployment(each) for each in found])
    elif found:
        say(console, _table(found))
        more = store.deployments.count() - len(found)
        if more > 0 and len(found) == options.limit:
            say(console, Text(f"Of {len(found) + more}. List more with --limit.", style="dim"))
    else:
        filtered = store.deployments.count()
        words = "No deployment fits." if filtered else "There are no deployments."
        say(console, f"{words} Make one: nbflow deploy NOTEBOOK --name NAME")
    return 0


def _table(found: list[Deployment]) -> Table:
    table = plain_table("deployment", "queue", "version", "next run", fold=True)
    moment = datetime.now(UTC)
    for each in found:
        table.add_row(
            Text(each.full_name), each.spec.queue, str(each.version), _next_run(each, moment)
        )
    return table


def _next_run(deployment: Deployment, now: datetime) -> Text:
    if deployment.schedules and (
        deployment.paused or not any(each.active for each in deployment.schedules)
    ):
        return Text("paused", style="yellow")
    fires = [each.next_fire for each in deployment.schedules if each.next_fire is not None]
    return Text(ago(min(fires), now)) if fires else Text("by hand", style="dim")


@group.command("inspect")
@deployment_argument
@speech_options
def inspect_command(deployment: str, json: bool, colour: bool) -> int:
    """Tell what a deployment does, when it runs next, and how its last runs went."""
    console, store = make_console(colour=colour), open_store()
    found = store.deployments.find(deployment)
    if json:
        write_json(console, json_deployment(found))
        return 0
    say(console, Text.assemble((found.full_name, "bold"), f" (version {found.version})"))
    if found.spec.description:
        say(console, Text(f"  {found.spec.description.splitlines()[0]}"))
    say(console, *facts(found, datetime.now(UTC)), wrap=False)
    _tell_recent_runs(console, store, found)
    if unserved(store, found.spec.queue):
        say(console, Text(f"  {unserved_words(found.spec.queue)}", style="yellow"), wrap=False)
    name = quoted(found.full_name)
    commands = [
        ("start a run", f"nbflow deployment run {name} --watch"),
        ("see its versions", f"nbflow deployment versions {name}"),
    ]
    say(console, *steps(commands), wrap=False)
    return 0


def _tell_recent_runs(console: Console, store: Store, deployment: Deployment) -> None:
    where = FlowRunFilter(deployment_ids=frozenset({deployment.id}))
    moment = datetime.now(UTC)
    for run in store.flow_runs(where, limit=_RECENT):
        when = run.start_time or run.state.scheduled_time or run.created
        say(
            console,
            Text.assemble("  ", state_label(run.state), f" {run.name}, {ago(when, moment)}"),
        )


@group.command("versions")
@deployment_argument
@speech_options
def versions_command(deployment: str, json: bool, colour: bool) -> int:
    """List the versions of a deployment, the newest first."""
    console, store = make_console(colour=colour), open_store()
    found = store.deployments.find(deployment)
    versions = store.deployments.versions(found.id)
    if json:
        write_json(console, [wire.dump(each) for each in versions])
        return 0
    table = plain_table("version", "deployed", "by", "source")
    moment = datetime.now(UTC)
    for each in versions:
        mark = " (in use)" if each.number == found.version else ""
        table.add_row(
            f"{each.number}{mark}",
            moment_words(each.created, moment),
            each.author or "",
            each.content_hash[:8],
        )
    say(console, table)
    return 0


# ── comparing ────────────────────────────────────────────────────────────────────────────


@group.command("diff")
@deployment_argument
@click.argument("old", type=int, required=False, metavar="[OLD]")
@click.argument("new", type=int, required=False, metavar="[NEW]")
@click.option("--color/--no-color", "colour", default=True, help="Use colours on a terminal.")
def diff_command(deployment: str, old: int | None, new: int | None, colour: bool) -> int:
    """Show what differs between two versions: options, and source.

    OLD and NEW are numbers of versions; by default the version in use is compared with the one
    before it. Notebooks are compared by cells where nbdime is installed (nbflow[diff]).
    """
    console, store = make_console(colour=colour), open_store()
    found = store.deployments.find(deployment)
    before, after = _pair(store, found, old, new)
    title = f"{found.full_name}: version {before.number} → {after.number}"
    changes = spec_changes(before.spec, after.spec)
    say(console, Text(title, style="bold"), *(Text(f"  {each}") for each in changes), wrap=False)
    lines = list(
        source_diff(
            source_of_version(store, before),
            source_of_version(store, after),
            colours=shows_colours(console),
        )
    )
    for line in lines:
        console.file.write(f"{line}\n")
    if not changes and not lines:
        same = before.content_hash == after.content_hash
        say(console, "  They are the same." if same else "  The followed file has changed.")
    return 0


def _pair(
    store: Store, found: Deployment, old: int | None, new: int | None
) -> tuple[DeploymentVersion, DeploymentVersion]:
    after = new if new is not None else found.version
    before = old if old is not None else after - 1
    if before < 1 and old is None:
        raise UsageError(f"{found.full_name} has one version only: there is nothing to compare.")
    read = store.deployments.version
    return read(found.id, before), read(found.id, after)


@group.command("rollback")
@deployment_argument
@click.argument("version", type=int, required=False, metavar="[VERSION]")
@speech_options
def rollback_command(deployment: str, version: int | None, json: bool, colour: bool) -> int:
    """Go back to an earlier version; by default to the one before. Later runs take it.

    Going forward again works the same way. Schedules stay as they are.
    """
    console, store = make_console(colour=colour), open_store()
    found = store.deployments.find(deployment)
    wanted = version if version is not None else found.version - 1
    if wanted < 1 and version is None:
        raise UsageError(f"{found.full_name} is at its first version: there is none before it.")
    now_used = store.deployments.use_version(found.id, wanted)
    if json:
        write_json(console, json_deployment(now_used))
        return 0
    say(
        console,
        Text.assemble(
            ("✓ ", "green"),
            f"{found.full_name} is at version {now_used.version} (it was {found.version}).",
        ),
        *steps(
            [
                (
                    "go forward",
                    f"nbflow deployment rollback {quoted(found.full_name)} {found.version}",
                )
            ]
        ),
        wrap=False,
    )
    return 0


# ── running ──────────────────────────────────────────────────────────────────────────────


@group.command("run")
@start_run_options
def run_command(**given: Any) -> int:
    """Let a worker run a deployment now, or at a time.

    With --watch the exit codes are those of nbflow run; Ctrl-C ends the watching, not the run.
    """
    return start_run(StartRunOptions(**given))


def start_run(options: StartRunOptions) -> int:
    """Start a run of a deployment, and tell how it goes if that is wanted."""
    console, store = make_console(colour=options.colour), open_store()
    found = store.deployments.find(options.deployment)
    owner = f"deployment {found.full_name!r}"
    schema = found.spec.parameter_schema
    run, queued = new_run(
        found,
        values_of(options, lambda name, text: read_text(schema, name, text, owner=owner)),
        due=None if options.at is None else moment_of(options.at, datetime.now(UTC)),
        tags=options.tags,
        name=options.name,
        queue=options.queue,
        idempotency_key=options.idempotency_key,
    )
    submitted = store.dispatch.submit(run, queued)
    if unserved(store, queued.queue):
        click.echo(f"nbflow: {unserved_words(queued.queue)}", err=True)
    if options.watch:
        return _watch(console, submitted, options)
    if options.json:
        write_json(console, json_run(submitted))
    else:
        _tell_submitted(console, found, submitted, options)
    return 0


def _watch(console: Console, run: FlowRun, options: StartRunOptions) -> int:
    if not options.json and not options.quiet and not is_live(console):
        say(console, f"{run.name} waits for a worker.")
    try:
        _, ending = told(
            lambda: get_run(run.id).wait().state, run.id, reporter_for(console, options)
        )
    except KeyboardInterrupt:
        short = str(run.id)[-8:]
        click.echo(f"nbflow: The run goes on. To end it: nbflow cancel {short}", err=True)
        return EXIT_CANCELLED
    return ending.exit_code


def _tell_submitted(
    console: Console, deployment: Deployment, run: FlowRun, options: StartRunOptions
) -> None:
    due = run.state.scheduled_time
    what = f"runs {ago(due, datetime.now(UTC))}" if options.at and due else "waits for a worker"
    mark = ("✓ ", "green")
    say(console, Text.assemble(mark, (run.name, "bold"), f" of {deployment.full_name} {what}"))
    short = str(run.id)[-8:]
    say(
        console,
        *steps(
            [("see how it goes", f"nbflow runs show {short}"), ("end it", f"nbflow cancel {short}")]
        ),
        wrap=False,
    )


def moment_of(text: str, now: datetime) -> datetime:
    """The time to come that `30m`, `+2h` or a local date and time means."""
    plain = text.strip()
    try:
        return now + timedelta(seconds=read_duration(plain.removeprefix("in ").lstrip("+")))
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(plain).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time. Write 30m (from now), or a time such as 2026-05-03T06:00."
        ) from None


# ── changing ─────────────────────────────────────────────────────────────────────────────


@group.command("pause")
@deployment_argument
@speech_options
def pause_command(deployment: str, json: bool, colour: bool) -> int:
    """Let the schedules of a deployment rest; it can still be run by hand."""
    return _set_paused(deployment, paused=True, json=json, colour=colour)


@group.command("resume")
@deployment_argument
@speech_options
def resume_command(deployment: str, json: bool, colour: bool) -> int:
    """Let the schedules of a deployment go on from now."""
    return _set_paused(deployment, paused=False, json=json, colour=colour)


def _set_paused(reference: str, *, paused: bool, json: bool, colour: bool) -> int:
    console, store = make_console(colour=colour), open_store()
    found = store.deployments.set_paused(store.deployments.find(reference).id, paused)
    if json:
        write_json(console, json_deployment(found))
        return 0
    moment = datetime.now(UTC)
    words = "rests" if paused else "goes on"
    say(console, Text.assemble(("✓ ", "green"), f"{found.full_name} {words}"))
    for schedule in found.schedules:
        say(console, f"  {schedule.slug}: {next_words(schedule, moment, paused=paused)}")
    return 0


@group.command("delete")
@deployment_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete_command(deployment: str, yes: bool) -> int:
    """Forget a deployment with its waiting runs; runs that began are kept."""
    console, store = make_console(), open_store()
    found = store.deployments.find(deployment)
    if not yes:
        click.confirm(
            f"Forget {found.full_name} and {counted(len(found.schedules), 'schedule')}?", abort=True
        )
    store.deployments.delete(found.id)
    say(console, f"{found.full_name} is forgotten.")
    return 0
