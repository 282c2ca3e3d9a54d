"""`nbflow server`: starts, shows and stops the server of this home.

This module decides how that reads on a terminal and in JSON. It must not know how a server
works.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import make_console, moment_words, say
from nbflow.cli.groups import command_group
from nbflow.cli.reports import write_json
from nbflow.exceptions import ServerUnreachable, UsageError
from nbflow.owner import is_alive, place_of
from nbflow.paths import short_path
from nbflow.server import presence
from nbflow.server.presence import Presence
from nbflow.server.token import token_of
from nbflow.settings import Settings, get_settings
from nbflow.wording import counted, duration

if TYPE_CHECKING:  # slow to load, and only `start` needs it
    from nbflow.server.process import Started

_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.05
_ASK_SECONDS: Final = 10.0
_LOG_NAME: Final = "server.log"
_SHOWN_LINES: Final = 5
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """What `nbflow server start` was told."""

    host: str | None
    port: int | None
    no_worker: bool
    worker_limit: int | None
    allow_host: tuple[str, ...]
    background: bool


@command_group()
def group() -> None:
    """Start, show and stop the server of this home: API, scheduler and a worker."""


# ── start ────────────────────────────────────────────────────────────────────────────────


@group.command("start")
@click.option("--host", metavar="ADDRESS", help="Where to listen. Default: only this machine.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="NUMBER", help="Default: 4200.")
@click.option("--no-worker", is_flag=True, help="Execute no runs here.")
@click.option(
    "--worker-limit",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Most runs of the local worker at the same time.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME[:PORT]",
    help="A further name by which browsers may call the server. May be repeated.",
)
@click.option(
    "--background/--foreground", default=False, help="Return once it serves. Default: stay."
)
def start_command(**given: Any) -> int:
    """Serve the API, fire schedules, and execute runs, until Ctrl-C or `nbflow server stop`."""
    options = StartOptions(**given)
    return start_in_background(options) if options.background else start(options)


def start(options: StartOptions) -> int:
    """Serve until the process is told to end."""
    from nbflow.server.process import ServerOptions, serve  # noqa: PLC0415 - slow to load

    settings = get_settings()
    console = make_console()
    arguments = ("--limit", str(options.worker_limit)) if options.worker_limit else ()
    plan = ServerOptions(
        settings=settings,
        host=options.host or settings.server_host,
        port=settings.server_port if options.port is None else options.port,
        host_is_explicit=options.host is not None,
        allowed_hosts=options.allow_host,
        worker=not options.no_worker,
        worker_arguments=arguments,
    )
    serve(plan, lambda started: _tell_start(console, started))
    say(console, "The server has ended.")
    return 0


def _tell_start(console: Console, started: Started) -> None:
    say(console, f"nbflow serves {started.url}", wrap=False)
    say(console, f"Open it:  {started.url_with_token}", wrap=False)
    if started.exposed:
        say(
            console,
            Text(
                "Other machines reach this address, without encryption. Whoever has the token can "
                "run code here: put a proxy with TLS before it.",
                style="yellow",
            ),
        )
    console.file.flush()


def start_in_background(options: StartOptions) -> int:
    """Start a server that outlives this command, and return once it serves."""
    settings, console = get_settings(), make_console()
    present = presence.read(settings.ensure_home())
    if present is not None:
        raise UsageError(
            f"The server of this home runs at {present.url} already (process {present.pid}). "
            "Stop it first: nbflow server stop"
        )
    log = settings.home / _LOG_NAME
    process = _spawn(_arguments(options), log)
    found = _wait_until(lambda: _begun(settings, process, log), _START_SECONDS)
    if found is None:
        raise ServerUnreachable(f"The server did not start in time. See its log: {log}")
    say(console, f"nbflow serves {found.url} (process {found.pid})", wrap=False)
    say(console, f"Open it:  {found.url}/?token={token_of(settings)}", wrap=False)
    say(console, f"Its log:  {short_path(log)}", wrap=False)
    return 0


def _arguments(options: StartOptions) -> list[str]:
    found = ["--no-worker"] if options.no_worker else []
    found += ["--host", options.host] if options.host else []
    found += ["--port", str(options.port)] if options.port is not None else []
    found += ["--worker-limit", str(options.worker_limit)] if options.worker_limit else []
    return found + [word for name in options.allow_host for word in ("--allow-host", name)]


def _spawn(arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    command = [sys.executable, "-m", "nbflow", "server", "start", *arguments]
    try:
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, start_new_session=True
        )
    finally:
        os.close(handle)


def _begun(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> Presence | None:
    if process.poll() is not None:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LINES:]
        words = " ".join(line.removeprefix("nbflow: ") for line in said) or f"See {log}."
        raise UsageError(words)
    found = presence.read(settings.home)
    return found if found is not None and found.pid == process.pid else None


# ── status ───────────────────────────────────────────────────────────────────────────────


@group.command("status")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--url", "only_url", is_flag=True, help="Print the address alone, for scripts.")
@click.option("--show-token", is_flag=True, help="Show the address with the token in it.")
def status_command(as_json: bool, only_url: bool, show_token: bool) -> int:
    """Tell where the server is, and how busy; the exit code is 1 when there is none."""
    settings, console = get_settings(), make_console()
    present = presence.read(settings.home)
    if present is None:
        return _tell_none(console, as_json=as_json, only_url=only_url)
    if only_url:
        say(console, present.url, wrap=False)
        return 0
    token = token_of(settings)
    told = {**_facts(present), **_asked(present, token)}
    if show_token:
        told["url_with_token"] = f"{present.url}/?token={token}"
    if as_json:
        write_json(console, told)
    else:
        say(console, _table(told, datetime.now(UTC)))
    return 0


def _tell_none(console: Console, *, as_json: bool, only_url: bool) -> int:
    if as_json:
        write_json(console, None)
    elif not only_url:
        say(console, "No server runs from this home. Start one: nbflow server start")
    return 1


def _facts(present: Presence) -> dict[str, Any]:
    return {
        "url": present.url,
        "pid": present.pid,
        "version": present.version,
        "started": present.started.isoformat(),
        "uptime_seconds": round((datetime.now(UTC) - present.started).total_seconds(), 1),
    }


def _asked(present: Presence, token: str) -> dict[str, Any]:
    """What the server itself says of its load."""
    import httpx  # noqa: PLC0415 - slow to load

    try:
        with httpx.Client(
            base_url=present.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_ASK_SECONDS,
            trust_env=False,
        ) as client:
            info, queues, workers = (
                client.get(f"/api/{path}").raise_for_status().json()
                for path in ("info", "queues", "workers")
            )
    except httpx.HTTPError as error:
        raise ServerUnreachable(
            f"The process {present.pid} is there, but {present.url} does not answer ({error}). "
            "Stop it: nbflow server stop"
        ) from error
    return {"info": info, "queues": queues, "workers": workers}


def _table(told: dict[str, Any], now: datetime) -> Table:
    info = told["info"]
    facts = {
        "address": told.get("url_with_token", told["url"]),
        "process": str(told["pid"]),
        "started": moment_words(datetime.fromisoformat(told["started"]), now),
        "up for": duration(told["uptime_seconds"]),
        "version": told["version"],
        "database": f"{info['database']}, {_size(info['size_bytes'])}, "
        f"{counted(info['flow_runs'], 'run')}",
        "deployments": str(info["deployments"]),
        "workers": ", ".join(_worker_words(each) for each in told["workers"]) or "none",
        "queues": ", ".join(_queue_words(each) for each in told["queues"]) or "none",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _size(size: int | None) -> str:
    if size is None:
        return "size unknown"
    value = float(size)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:  # noqa: PLR2004 - a thousand of one is one of the next
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


def _worker_words(worker: dict[str, Any]) -> str:
    return f"{worker['name']} ({worker['running']}/{worker['limit']})"


def _queue_words(queue: dict[str, Any]) -> str:
    words = f"{queue['name']} ({queue['waiting']} waiting, {queue['running']} running)"
    return f"{words} paused" if queue["paused"] else words


# ── stop ─────────────────────────────────────────────────────────────────────────────────


@group.command("stop")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it gets to end in an orderly way; then it is killed.",
)
def stop_command(wait: float) -> int:
    """End the server of this home; its worker ends with it."""
    settings, console = get_settings(), make_console()
    present = presence.read(settings.home)
    if present is None:
        say(console, "No server runs from this home. There is nothing to stop.")
        return 0
    host, pid = place_of(present.owner)
    if is_alive(present.owner) is None:
        raise UsageError(f"The server runs on the machine {host}. Type the command there.")
    _signal(pid, signal.SIGTERM)
    if _wait_until(lambda: _gone(present), wait):
        say(console, "The server has ended.")
        return 0
    _signal(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    _wait_until(lambda: _gone(present), _ASK_SECONDS)
    presence.remove(settings.home, present.owner)
    say(console, f"The server did not end in {duration(wait)}, and was killed.")
    return 0


def _gone(present: Presence) -> bool:
    return is_alive(present.owner) is False


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise UsageError(
            f"The process {pid} of the server is another user's. Ask that user to stop it."
        ) from None


def _wait_until(condition: Callable[[], Any], seconds: float) -> Any:
    """What the condition answers as soon as that is anything; None when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            return None
        time.sleep(_LOOK_SECONDS)
