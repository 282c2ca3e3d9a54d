"""`nbflow queue`: lists, makes and changes the queues in which runs wait for workers.

This module decides how queues read on a terminal and in JSON. It must not know how runs are
taken from them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import click
from rich.table import Table

from nbflow.cli.console import make_console, say
from nbflow.cli.groups import command_group
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.exceptions import ObjectAlreadyExists
from nbflow.models.deployments import WorkQueue
from nbflow.store import open_store

_NO_LIMIT: Final = "none"

_queue = click.argument("name", metavar="QUEUE")


class _Limit(click.ParamType):  # type: ignore[type-arg] # not generic in click 8.1
    """A number of runs, or `none`."""

    name = "limit"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Read what was written."""
        text = str(value).lower()
        if text == _NO_LIMIT:
            return None
        if not text.isdecimal():
            self.fail(f"{value!r} is no number of runs; write 3, or none.", param, ctx)
        return int(text)


@command_group()
def group() -> None:
    """List, make and change the queues in which runs wait for workers."""


# ── looking ──────────────────────────────────────────────────────────────────────────────


@group.command("ls")
@speech_options
def ls_command(json: bool, colour: bool) -> int:
    """List all queues, those that are served first at the top."""
    console = make_console(colour=colour)
    found = open_store().dispatch.queues()
    if json:
        write_json(console, [_as_json(queue) for queue in found])
    else:
        say(console, _table(found))
    return 0


@group.command("inspect")
@_queue
@speech_options
def inspect_command(name: str, json: bool, colour: bool) -> int:
    """Show one queue, and who serves it."""
    console, dispatch = make_console(colour=colour), open_store().dispatch
    queue = dispatch.queue(name)
    workers = [w.name for w in dispatch.workers() if not w.queues or name in w.queues]
    if json:
        write_json(console, {**_as_json(queue), "workers": workers})
        return 0
    say(console, _table([queue]))
    if queue.description:
        say(console, queue.description)
    served = ", ".join(workers) or f"nobody. Start a worker: nbflow worker start -q {name}"
    say(console, f"Served by {served}")
    return 0


def _as_json(queue: WorkQueue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "priority": queue.priority,
        "concurrency_limit": queue.concurrency_limit,
        "paused": queue.paused,
        "description": queue.description,
        "waiting": queue.waiting,
        "running": queue.running,
    }


def _table(queues: list[WorkQueue]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("queue", "priority", "limit", "waiting", "running", ""):
        table.add_column(title, no_wrap=True)
    for queue in queues:
        table.add_row(
            queue.name,
            str(queue.priority),
            _limit_words(queue),
            str(queue.waiting),
            str(queue.running),
            "paused" if queue.paused else "",
        )
    return table


def _limit_words(queue: WorkQueue) -> str:
    return _NO_LIMIT if queue.concurrency_limit is None else str(queue.concurrency_limit)


# ── changing ─────────────────────────────────────────────────────────────────────────────


@group.command("create")
@_queue
@click.option("--priority", type=int, default=100, show_default=True, help="Smaller goes first.")
@click.option("--limit", type=_Limit(), default=_NO_LIMIT, help="Most runs at the same time.")
@click.option("--description", metavar="TEXT", help="What it is for.")
def create_command(name: str, **given: Any) -> int:
    """Make a queue. One that a deployment names is made by itself."""
    dispatch = open_store().dispatch
    if any(queue.name == name and _is_kept(queue) for queue in dispatch.queues()):
        raise ObjectAlreadyExists(
            f"There is a queue {name!r} already. Change it: nbflow queue set-limit, set-priority."
        )
    limit = given.pop("limit")
    queue = dispatch.save_queue(WorkQueue(name=name, concurrency_limit=limit, **given))
    return _say(f"The queue {queue.name} is there.")


def _is_kept(queue: WorkQueue) -> bool:
    """The default queue is listed also where nobody has made it."""
    return queue != WorkQueue(name=queue.name)


@group.command("pause")
@_queue
def pause_command(name: str) -> int:
    """Let no more runs start from a queue; those that run go on."""
    _change(name, paused=True)
    return _say(f"The queue {name} is paused. Go on: nbflow queue resume {name}")


@group.command("resume")
@_queue
def resume_command(name: str) -> int:
    """Let runs start from a queue again."""
    _change(name, paused=False)
    return _say(f"Runs start from the queue {name} again.")


@group.command("set-limit")
@_queue
@click.argument("limit", type=_Limit(), metavar="N|none")
def set_limit_command(name: str, limit: int | None) -> int:
    """Set how many runs of a queue may run at the same time, over all workers."""
    _change(name, concurrency_limit=limit)
    most = "Any number of runs" if limit is None else f"At most {limit} runs"
    return _say(f"{most} of the queue {name} may run at the same time.")


@group.command("set-priority", context_settings={"ignore_unknown_options": True})
@_queue
@click.argument("priority", type=int, metavar="N")
def set_priority_command(name: str, priority: int) -> int:
    """Set a queue's place among all queues: the smaller is served first."""
    _change(name, priority=priority)
    return _say(f"The queue {name} has the priority {priority}.")


@group.command("delete")
@_queue
def delete_command(name: str) -> int:
    """Forget a queue in which nothing waits."""
    open_store().dispatch.delete_queue(name)
    return _say(f"The queue {name} is gone.")


def _change(name: str, **changes: Any) -> WorkQueue:
    dispatch = open_store().dispatch
    return dispatch.save_queue(replace(dispatch.queue(name), **changes))


def _say(line: str) -> int:
    say(make_console(), line, wrap=False)
    return 0
