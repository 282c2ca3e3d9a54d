"""The options of `nbflow deploy` and of the commands around deployments, described once.

This module decides spellings and help texts; see `options`. It must not know what commands do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from nbflow.cli.options import (
    Duration,
    OutputOptions,
    ParameterOptions,
    all_of,
    colour_option,
    events_option,
    parameter_option,
    parameter_options,
    quiet_option,
    speech_options,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOptions(ParameterOptions):
    """What `nbflow deploy` is told."""

    target: str | None = None
    name: str | None = None
    cron: tuple[str, ...] = ()
    interval: tuple[str, ...] = ()
    rrule: tuple[str, ...] = ()
    timezone: str | None = None
    no_schedules: bool = False
    queue: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    priority: int | None = None
    retries: int | None = None
    retry_delay: float | None = None
    crash_retries: int | None = None
    timeout: float | None = None
    cell_timeout: float | None = None
    keep_kernel: float | None = None
    concurrency: int | None = None
    collision: str | None = None
    catchup: str | None = None
    follow: bool = False
    include: tuple[str, ...] = ()
    cwd: str | None = None
    kernel: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    output: str | None = None
    keep_runs: int | None = None
    keep_days: float | None = None
    paused: bool | None = None
    everything: bool = False
    file: str | None = None
    dry_run: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRunOptions(ParameterOptions):
    """What `nbflow deployment run` is told."""

    deployment: str
    at: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    queue: str | None = None
    idempotency_key: str | None = None
    watch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOptions(OutputOptions):
    """What `nbflow deployment ls` is told."""

    flow: str | None = None
    tag: str | None = None
    queue: str | None = None
    text: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions(OutputOptions):
    """What `nbflow schedule add` is told."""

    deployment: str
    cron: tuple[str, ...] = ()
    interval: tuple[str, ...] = ()
    rrule: tuple[str, ...] = ()
    timezone: str | None = None
    slug: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOptions(ParameterOptions):
    """What `nbflow backfill start` is told."""

    deployment: str
    start: str
    end: str
    parameter: str | None = None
    schedule: str | None = None
    every: str | None = None
    limit: int = 1
    reverse: bool = False
    again: bool = False
    tags: tuple[str, ...] = ()
    dry_run: bool = False
    yes: bool = False


deployment_argument: Final = click.argument("deployment", metavar="DEPLOYMENT")
_tags = click.option(
    "-t", "--tag", "tags", multiple=True, metavar="TAG", help="Tag its runs; repeatable."
)

schedule_kinds = all_of(
    click.option(
        "--cron", multiple=True, metavar="TEXT", help='A cron text: "0 6 * * 1-5"; repeatable.'
    ),
    click.option(
        "--interval", multiple=True, metavar="TIME", help="A distance: 15m, 2h, 1d; repeatable."
    ),
    click.option(
        "--rrule", multiple=True, metavar="RULE", help="An iCalendar rule: FREQ=…; repeatable."
    ),
    click.option(
        "--tz", "timezone", metavar="ZONE", help="Time zone of the schedules. Default: UTC."
    ),
)

_limits = all_of(
    click.option("--retries", type=click.IntRange(0), metavar="N", help="Retries of a failed run."),
    click.option("--retry-delay", type=Duration(), metavar="TIME", help="Wait before each retry."),
    click.option(
        "--crash-retries",
        type=click.IntRange(0),
        metavar="N",
        help="Starts anew when a worker or machine died under a run.",
    ),
    click.option("--timeout", type=Duration(), metavar="TIME", help="Time a run may take."),
    click.option("--cell-timeout", type=Duration(), metavar="TIME", help="Time a cell may take."),
    click.option(
        "--concurrency",
        type=click.IntRange(1),
        metavar="N",
        help="Most runs of it at the same time.",
    ),
    click.option(
        "--collision",
        type=click.Choice(["queue", "cancel_new", "cancel_running", "skip"]),
        help="What becomes of a due run that finds no free slot. Default: queue.",
    ),
    click.option(
        "--catchup",
        type=click.Choice(["skip", "latest", "all"]),
        help="Which scheduled runs that were missed still run. Default: latest.",
    ),
)

_places = all_of(
    click.option(
        "--follow", is_flag=True, help="Let each run take the file as it is then: no snapshot."
    ),
    click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="More files for the snapshot, from the file's folder; repeatable.",
    ),
    click.option("--cwd", metavar="DIR", help="Folder that relative paths are meant from."),
    click.option("-k", "--kernel", metavar="NAME", help="Kernel; default: the notebook's own."),
    click.option(
        "--env", nargs=2, multiple=True, metavar="NAME VALUE", help="Environment variable of runs."
    ),
    click.option("-o", "--output", metavar="DIR", help="Where executed notebooks go."),
    click.option(
        "--keep-kernel",
        type=Duration(),
        metavar="TIME",
        help="Keep the kernel of a failed run so long.",
    ),
    click.option(
        "--keep-runs", type=click.IntRange(0), metavar="N", help="Most ended runs to keep; 0: all."
    ),
    click.option("--keep-days", type=float, metavar="DAYS", help="Keep ended runs so long."),
)

_from_a_file = all_of(
    click.option(
        "--all", "everything", is_flag=True, help="Deploy what nbflow.yaml declares, as it does."
    ),
    click.option("--file", metavar="FILE", help="Another file than nbflow.yaml, with --all."),
    click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing."),
    click.option(
        "--prune", is_flag=True, help="Remove what was deployed here and is declared no more."
    ),
)

deploy_options = all_of(
    click.option(
        "-n", "--name", metavar="NAME", help="The deployment's name; default: the flow's."
    ),
    schedule_kinds,
    click.option("--no-schedules", is_flag=True, help="Remove its schedules."),
    parameter_options,
    click.option(
        "--queue", metavar="QUEUE", help="Work queue in which its runs wait. Default: default."
    ),
    _tags,
    click.option("--description", metavar="TEXT", help="What it is for."),
    click.option("--priority", type=int, metavar="N", help="In its queue, the smaller first."),
    _limits,
    _places,
    click.option("--paused/--active", default=None, help="Let its schedules rest, or go on."),
    _from_a_file,
    speech_options,
)

start_run_options = all_of(
    deployment_argument,
    parameter_options,
    click.option("-w", "--watch", is_flag=True, help="Tell how the run goes until it ends."),
    click.option(
        "--at", metavar="TIME", help="Not before: 30m (from now), or 2026-05-03 06:00 (local)."
    ),
    click.option("--name", metavar="NAME", help="Name of the run, e.g. load-{day}."),
    _tags,
    click.option("--queue", metavar="QUEUE", help="Another queue than the deployment's."),
    click.option("--idempotency-key", metavar="KEY", help="The same key means the same run."),
    quiet_option,
    events_option,
    colour_option,
)

find_options = all_of(
    click.option("--flow", metavar="NAME", help="Only of this flow."),
    click.option("-t", "--tag", metavar="TAG", help="Only with this tag."),
    click.option("--queue", metavar="QUEUE", help="Only of this queue."),
    click.option("--text", metavar="TEXT", help="Only with TEXT in the name."),
    click.option(
        "--limit", type=click.IntRange(1), default=100, show_default=True, help="Most to list."
    ),
    speech_options,
)

schedule_add_options = all_of(
    deployment_argument,
    schedule_kinds,
    click.option("--slug", metavar="SLUG", help="Its name; default: follows from what it says."),
    parameter_option("A parameter of its runs; repeatable."),
    speech_options,
)

backfill_options = all_of(
    deployment_argument,
    click.option("--from", "start", required=True, metavar="DATE", help="The first day or time."),
    click.option("--to", "end", required=True, metavar="DATE", help="The last day or time."),
    click.option(
        "--param", "parameter", metavar="NAME", help="Parameter that gets each run's date."
    ),
    click.option("--schedule", metavar="SLUG", help="Whose dates; needed if there are several."),
    click.option("--every", metavar="TIME", help="Distances from the start instead: 1d."),
    click.option(
        "--limit",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Most of its runs at the same time.",
    ),
    click.option("--reverse", is_flag=True, help="Start with the latest."),
    click.option("--again", is_flag=True, help="Run dates again that were backfilled before."),
    parameter_options,
    _tags,
    click.option("--dry-run", is_flag=True, help="List the runs, and start none."),
    click.option("--yes", is_flag=True, help="Start more than 1000 runs."),
    speech_options,
)
