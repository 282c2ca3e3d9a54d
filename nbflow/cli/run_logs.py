"""`nbflow logs`: prints what a run logged and printed, to its end or on and on.

This module decides how lines of a log read on a terminal and in JSON. It must not know how they
are stored.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from rich.console import Console

from nbflow.cli.console import local_clock, make_console, say, shows_colours
from nbflow.cli.options import LogOptions
from nbflow.cli.reports import json_event, record_lines
from nbflow.models import LogFilter, LogRecord, TaskRun
from nbflow.runs import Run, get_run
from nbflow.store.base import Store
from nbflow.story import Logged
from nbflow.terminal_text import plain_line
from nbflow.wording import cell_width, middle_ellipsis

_PAGE: Final = 5000


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
        where = replace(where, after=page[-1].sequence or 0)


def _follow(run: Run, where: LogFilter, teller: LogTeller, last: int) -> None:
    while not run.refresh().state.is_settled():
        for _ in run.store.watch(run.id, timeout=1.0):
            last = teller.tell(_stored(run.store, replace(where, after=last), None)) or last
    teller.tell(_stored(run.store, replace(where, after=last), None))


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
