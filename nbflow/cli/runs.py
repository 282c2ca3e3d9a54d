"""`nbflow runs`: lists runs, tells how one went, and prints its log.

This module decides which runs are meant and how they read on a terminal and in JSON. It must
not know how runs are stored.
"""

from __future__ import annotations

import difflib
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import (
    local_clock,
    make_console,
    moment_words,
    plain_table,
    say,
    shows_colours,
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
    json_event,
    json_failure,
    json_run,
    json_task,
    record_lines,
    seconds_of,
    tell_failure,
    write_json,
)
from nbflow.cli.run_changes import delete, retry
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.failure import explain, short_id
from nbflow.models import FlowRunFilter, LogFilter, LogRecord, TaskRun
from nbflow.paths import short_path
from nbflow.run_graph import LOOP_THRESHOLD
from nbflow.runs import Run, get_run, list_runs
from nbflow.states import LOOKS, State, StateType
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.story import Logged
from nbflow.tally import tally
from nbflow.terminal_text import plain_line
from nbflow.wording import (
    BAD_NAMES,
    ago,
    cell_width,
    counted,
    duration,
    middle_ellipsis,
    progress,
)

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PAGE: Final = 5000


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


def filter_of(
    options: ListOptions, now: datetime, deployment_ids: frozenset[UUID] = frozenset()
) -> FlowRunFilter:
    """The store's filter that the options mean; raises `UsageError` for an unknown state."""
    types, names = states_of(options.states)
    after = since(options.since, now) if options.since else None
    before = since(options.until, now) if options.until else None
    # Of runs that wait for workers the times count at which they are due.
    by_due = bool(options.deployments or options.queues)
    return FlowRunFilter(
        states=types,
        state_names=names,
        flow_names=frozenset(options.flows),
        tags=frozenset(options.tags),
        created_after=None if by_due else after,
        created_before=None if by_due else before,
        scheduled_after=after if by_due else None,
        scheduled_before=before if by_due else None,
        text=options.text,
        top_level=True,
        deployment_ids=deployment_ids,
        queues=frozenset(options.queues),
        parameters={name: _json_or_text(text) for name, text in options.parameters},
    )


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def states_of(words: Iterable[str]) -> tuple[frozenset[StateType], frozenset[str]]:
    """State types and names: `failed` is the type, so timed-out runs count; `TimedOut` a name."""
    types = {type_.value.lower(): type_ for type_ in StateType}
    names = {name.lower(): name for name in LOOKS}
    found_types, found_names = set(), set()
    for word in words:
        plain = re.sub(r"[-_ ]", "", word.lower())
        if plain in types:
            found_types.add(types[plain])
        elif plain in names:
            found_names.add(names[plain])
        else:
            raise UsageError(_unknown_state(word, [*types, *names]))
    if found_types and found_names:  # the store asks for both; one name per type means "either"
        found_names |= {n for n in LOOKS if n.upper() in {str(t) for t in found_types}}
        return frozenset(), frozenset(found_names)
    return frozenset(found_types), frozenset(found_names)


def _unknown_state(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else ""
    some = ", ".join(dict.fromkeys(type_.value.lower() for type_ in StateType))
    return f"There is no state {word!r}. {hint or f'States are: {some}.'}"


def since(text: str, now: datetime) -> datetime:
    """The moment that `2h`, `7d`, `today`, `yesterday` or a local date and time means."""
    if match := re.fullmatch(r"(\d+)\s*([smhdw])", text.strip().lower()):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": 0, "yesterday": 1}.get(text.strip().lower())
    if days is not None:
        return (midnight - timedelta(days=days)).astimezone(UTC)
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time. Write 30m, 2h, 7d, today, or a date such as 2026-05-03."
        ) from None


def deployment_names(runs: Iterable[Run], store: Store) -> dict[UUID, str]:
    """The names of the deployments that these runs are of, where they still are."""
    found: dict[UUID, str] = {}
    for run in runs:
        deployment_id = run.record.deployment_id
        if deployment_id is not None and deployment_id not in found:
            with suppress(ObjectNotFound):
                found[deployment_id] = store.deployments.get(deployment_id).full_name
    return found


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
    values = (
        f"{name} = {json.dumps(value, ensure_ascii=False, default=str)}"
        for name, value in run.parameters.items()
    )
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


# ── logs ─────────────────────────────────────────────────────────────────────────────────


def logs(options: LogOptions) -> int:
    """Print a run's log, to its end or on and on."""
    console = make_console(colour=options.colour)
    run = get_run(options.run)
    task = run.find_task(options.task) if options.task else None
    where = LogFilter(
        flow_run_id=run.id,
        task_run_id=task.id if task else None,
        min_level=logging.getLevelNamesMapping()[options.level.upper()],
    )
    teller = LogTeller(console, run, as_json=options.json)
    last = teller.tell(_stored(run.store, where, options.tail))
    if options.follow:
        _follow(run, where, teller, last)
    elif not teller.told and not options.json and console.is_terminal:
        say(console, _no_log(run, options))
    return 0


def _no_log(run: Run, options: LogOptions) -> str:
    if options.task or options.level.upper() != "DEBUG":
        return f"Nothing in the log of {run.name} fits. Leave out --task or --level."
    return f"{run.name} logged and printed nothing."


def _stored(store: Store, where: LogFilter, tail: int | None) -> Iterator[LogRecord]:
    if tail is not None:
        yield from store.logs(where, limit=tail, newest=True)
        return
    while page := store.logs(where, limit=_PAGE):
        yield from page
        where = _after(where, page[-1].sequence or 0)


def _after(where: LogFilter, sequence: int) -> LogFilter:
    return LogFilter(
        flow_run_id=where.flow_run_id,
        task_run_id=where.task_run_id,
        min_level=where.min_level,
        after=sequence,
    )


def _follow(run: Run, where: LogFilter, teller: LogTeller, last: int) -> None:
    while not run.refresh().state.is_settled():
        for _ in run.store.watch(run.id, timeout=1.0):
            last = teller.tell(_stored(run.store, _after(where, last), None)) or last
    teller.tell(_stored(run.store, _after(where, last), None))


class LogTeller:
    """Prints log records of one run."""

    def __init__(self, console: Console, run: Run, *, as_json: bool) -> None:
        self.console = console
        self.run = run
        self.as_json = as_json
        self.told = 0
        self.tasks: dict[Any, TaskRun] = {}
        self.colours = console.is_terminal and shows_colours(console)

    def tell(self, records: Iterable[LogRecord]) -> int:
        """Print records; returns the last one's place in the log, 0 for none."""
        last = 0
        for record in records:
            task = self._task(record)
            write = self.console.file.write
            if self.as_json:
                write(f"{json.dumps(json_event(Logged(record, task)))}\n")
            else:
                write("".join(f"{line}\n" for line in self._lines(record, task)))
            self.told += 1
            last = record.sequence or last
        self.console.file.flush()
        return last

    def _task(self, record: LogRecord) -> TaskRun | None:
        if record.task_run_id is None:
            return None
        if record.task_run_id not in self.tasks:
            self.tasks = {task.id: task for task in self.run.task_runs}
        return self.tasks.get(record.task_run_id)

    def _lines(self, record: LogRecord, task: TaskRun | None) -> Iterator[str]:
        name = middle_ellipsis(plain_line(task.name), 24) if task else ""
        prefix = f"{local_clock(record.timestamp)} {name}{' ' * (18 - cell_width(name))} │ "
        if self.colours:
            prefix = f"\x1b[2m{prefix}\x1b[0m"
        for line in record_lines(record, colours=self.colours):
            yield f"{prefix}{line}"
