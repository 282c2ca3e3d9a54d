"""`nbflow runs`: lists runs, and tells how one went.

This module decides how runs read on a terminal and in JSON. It must not know how they are
stored.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import (
    make_console,
    moment_words,
    plain_table,
    say,
    state_label,
)
from nbflow.cli.groups import command_group
from nbflow.cli.options import (
    DeleteOptions,
    ListOptions,
    LogOptions,
    RetryOptions,
    ShowOptions,
    delete_options,
    list_options,
    log_options,
    retry_options,
    run_argument,
    speech_options,
)
from nbflow.cli.reports import (
    count_words,
    json_failure,
    json_run,
    json_task,
    seconds_of,
    tell_failure,
    write_json,
)
from nbflow.cli.run_changes import delete, retry
from nbflow.cli.run_filters import filter_of
from nbflow.cli.run_logs import logs
from nbflow.failure import explain, short_id
from nbflow.models import FlowRunFilter, TaskRun
from nbflow.parameters import shown_text
from nbflow.paths import short_path
from nbflow.run_graph import LOOP_THRESHOLD
from nbflow.runs import Run, deployment_names, get_run, list_runs
from nbflow.states import State
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.tally import tally
from nbflow.terminal_text import plain_line
from nbflow.wording import (
    BAD_NAMES,
    ago,
    counted,
    duration,
    middle_ellipsis,
    progress,
)


@command_group()
def group() -> None:
    """List runs, and look into one.

    A RUN is an id (or its start or end), a name, or latest.
    """


@group.command("ls")
@list_options
def ls_command(**given: Any) -> int:
    """List runs, newest first."""
    return ls(ListOptions(**given))


@group.command("show")
@run_argument
@speech_options
def show_command(**given: Any) -> int:
    """Tell how a run went: its tasks, what failed, and what to do next."""
    return show(ShowOptions(**given))


@group.command("logs")
@run_argument
@log_options
def logs_command(**given: Any) -> int:
    """Print what a run logged and printed."""
    return logs(LogOptions(**given))


@group.command("retry")
@retry_options
def retry_command(**given: Any) -> int:
    """Let an ended run of a deployment wait for its next attempt."""
    return retry(RetryOptions(**given))


@group.command("delete")
@delete_options
def delete_command(**given: Any) -> int:
    """Forget runs that have ended, with their tasks and logs."""
    return delete(DeleteOptions(**given))


# ── ls ───────────────────────────────────────────────────────────────────────────────────


def ls(options: ListOptions) -> int:
    """List the runs that fit the options."""
    console, now = make_console(colour=options.colour), datetime.now(UTC)
    store = open_store()
    ids = frozenset(store.deployments.find(name).id for name in options.deployments)
    where = filter_of(options, now, ids)
    store.close_abandoned(now)
    runs = list_runs(where, limit=options.limit, store=store)
    if options.json:
        names = deployment_names(runs, store)
        write_json(console, [_json_of(run, names) for run in runs])
    elif runs:
        say(console, _run_table(runs, console, now, deployment_names(runs, store)))
        _tell_rest(console, store, where, len(runs))
    else:
        say(console, _nothing(store))
    return 0


def _json_of(run: Run, names: Mapping[UUID, str]) -> dict[str, Any]:
    due, of = run.scheduled_time, run.record.deployment_id
    return {
        **json_run(run.record),
        "deployment": names.get(of) if of else None,
        "scheduled_time": due.isoformat() if due else None,
    }


def _run_table(
    runs: Sequence[Run], console: Console, now: datetime, names: Mapping[UUID, str]
) -> Table:
    table = plain_table(
        "state", "run", "deployment" if names else "flow", "took", "started", "id", right={"took"}
    )
    room = max(12, (console.width - 58) // 2)
    for run in runs:
        of = run.record.deployment_id
        flow = names.get(of, run.flow_name) if of else run.flow_name
        table.add_row(
            state_label(run.state),
            middle_ellipsis(plain_line(run.name), room),
            middle_ellipsis(plain_line(flow), room),
            duration(run.duration),
            _when(run, now),
            Text(short_id(run.record), style="dim"),
        )
    return table


def _when(run: Run, now: datetime) -> str:
    """When it started; of a run that waits, when it is due."""
    due = run.state.scheduled_time
    if run.state.is_scheduled() and due is not None:
        left = (due - now).total_seconds()
        return f"in {duration(left)}" if left > 0 else f"due {ago(due, now)}"
    return ago(run.record.start_time or run.record.created, now)


def _tell_rest(console: Console, store: Store, where: FlowRunFilter, shown: int) -> None:
    total = store.count_flow_runs(where)
    if total > shown and console.is_terminal:
        say(console, Text(f"{counted(total - shown, 'run')} more; see --limit", style="dim"))


def _nothing(store: Store) -> str:
    if store.count_flow_runs():
        return "No run fits. Leave out some of the conditions, or see them all: nbflow runs ls"
    return "No runs yet. Start one: nbflow run NOTEBOOK"


# ── show ─────────────────────────────────────────────────────────────────────────────────


def show(options: ShowOptions) -> int:
    """Tell how a run went."""
    console, now = make_console(colour=options.colour), datetime.now(UTC)
    store = open_store()
    store.close_abandoned(now)
    run = get_run(options.run, store=store)
    tasks = run.task_runs
    failure = explain(run.record, run.all_task_runs, logs=run.logs(level=logging.ERROR, limit=50))
    if options.json:
        told = {**json_run(run.record), "tasks": [json_task(task) for task in tasks]}
        write_json(console, {**told, "failure": json_failure(failure)})
        return 0
    _tell_run(console, run, tasks, now)
    if failure is not None:
        tell_failure(console, failure, run.record, with_traceback=True)
    return 0


def _tell_run(console: Console, run: Run, tasks: Sequence[TaskRun], now: datetime) -> None:
    head = Text.assemble(state_label(run.state), "  ", (plain_line(run.name), "bold"))
    head.append(f"  {' · '.join(_headline(run, tasks))}")
    say(console, head, "", wrap=False)
    say(console, Padding(_facts(run, now), (0, 0, 0, 2)))
    if lines := list(_lines(run, tasks)):
        say(console, "", Padding(_step_table(lines, console), (0, 0, 0, 2)))


def _headline(run: Run, tasks: Sequence[TaskRun]) -> Iterator[str]:
    if run.duration is not None:
        yield duration(run.duration)
    yield from count_words(tally(tasks))


def _facts(run: Run, now: datetime) -> Table:
    record = run.record
    facts = {
        "flow": plain_line(run.flow_name),
        "id": str(run.id),
        "deployment": run.deployment.full_name if run.deployment else "",
        "due": _due_words(run, now),
        "started": moment_words(record.start_time or record.created, now),
        "parameters": _parameter_words(run),
        "tags": ", ".join(sorted(run.tags)),
        "source": short_path(record.source) if record.source else "",
        "notebook": short_path(record.output) if record.output else "",
        "attempt": str(record.attempt) if record.attempt > 1 else "",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, value)
    return table


def _due_words(run: Run, now: datetime) -> str:
    due = run.scheduled_time if run.state.is_scheduled() else None
    return moment_words(due, now) if due else ""


def _parameter_words(run: Run) -> str:
    values = (f"{name} = {shown_text(value)}" for name, value in run.parameters.items())
    return plain_line(", ".join(values))


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the list of steps."""

    state: State[Any]
    name: str
    seconds: float | None
    note: str = ""


def _lines(run: Run, tasks: Sequence[TaskRun]) -> Iterator[_Line]:
    """The steps of a run; the runs of one `.map` call are one line, those that failed more."""
    mapped: defaultdict[UUID | None, list[TaskRun]] = defaultdict(list)
    for task in tasks:
        mapped[task.map_id].append(task)
    for task in tasks:
        together = mapped[task.map_id] if task.map_id else []
        if len(together) <= LOOP_THRESHOLD:
            note = f"attempt {task.attempt}" if task.attempt > 1 else ""
            yield _Line(task.state, task.name, seconds_of(task), note)
        elif task is together[0]:
            yield from _mapped_lines(together)
    for subflow in run.subflows:
        seconds = seconds_of(subflow.record)
        yield _Line(subflow.state, subflow.flow_name, seconds, f"subflow {subflow.name}")


def _mapped_lines(together: Sequence[TaskRun]) -> Iterator[_Line]:
    counts = Counter(task.state.name for task in together)
    bad = [task for task in together if task.state.name in BAD_NAMES]
    unfinished = (task for task in together if not task.state.is_settled())
    shown = bad[0] if bad else next(unfinished, together[0])
    name = f"{together[0].task_name} × {len(together)}"
    yield _Line(shown.state, name, _span(together), progress(counts))
    for task in bad[:LOOP_THRESHOLD]:
        yield _Line(task.state, task.name, seconds_of(task), task.state.message or "")


def _span(tasks: Sequence[TaskRun]) -> float | None:
    starts = [task.start_time for task in tasks if task.start_time]
    ends = [task.end_time for task in tasks if task.end_time]
    return (max(ends) - min(starts)).total_seconds() if starts and ends else None


def _step_table(lines: Iterable[_Line], console: Console) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for right in (False, False, True, False):
        table.add_column(no_wrap=True, justify="right" if right else "left")
    room = max(12, console.width - 40)
    for line in lines:
        name = middle_ellipsis(plain_line(line.name), room)
        note = Text(plain_line(line.note), style="dim")
        table.add_row(state_label(line.state), name, duration(line.seconds), note)
    return table
