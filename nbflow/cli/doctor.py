"""`nbflow doctor`: checks the installation and its surroundings, and says what to do.

This module decides what is checked, when a finding is bad, and what the next step is. No
check may take the others down: each finding stands on its own.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow import __version__
from nbflow.cli.console import make_console, say
from nbflow.cli.options import OutputOptions, speech_options
from nbflow.cli.reports import write_json
from nbflow.drawing import lay_out
from nbflow.exceptions import ConfigurationError, NbflowError
from nbflow.models import GraphNode, RunGraph
from nbflow.paths import short_path
from nbflow.settings import PREFIX, Settings, get_settings, load_settings
from nbflow.store import open_store
from nbflow.store.dialects import without_password
from nbflow.wording import counted, duration

#: Where the front end lies, once it is built.
_FRONT_END: Final = Path(__file__).parents[1] / "static"
_FRONT_END_FILES: Final = ("bootstrap.js", "widget.js")
_LOW_DISK_BYTES: Final = 1_000_000_000
_NO_DISK_BYTES: Final = 50_000_000
_OLDEST_PYTHON: Final = (3, 11)


class Level(str, Enum):
    """How serious a finding is."""

    OK = "ok"  # as it should be
    WARN = "warn"  # works, with a limit worth knowing
    BAD = "bad"  # something that nbflow offers does not work

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    subject: str
    level: Level
    words: str
    #: What to do; empty when all is well.
    next_step: str = ""


Check = Callable[[], Iterator[Finding]]


@click.command()
@speech_options
def command(**given: Any) -> int:
    """Check the installation and its surroundings.

    Exit code 1 when something does not work.
    """
    return doctor(OutputOptions(**given))


def doctor(options: OutputOptions) -> int:
    """Check everything, say what was found, and return 1 if something is bad."""
    console = make_console(colour=options.colour)
    findings = []
    for finding in examine():
        findings.append(finding)
        if not options.json:  # a slow check should not hold back what is known
            _tell(console, finding)
    bad = [finding for finding in findings if finding.level is Level.BAD]
    if options.json:
        write_json(console, {"ok": not bad, "findings": [asdict(f) for f in findings]})
    else:
        _conclude(console, findings)
    return 1 if bad else 0


def examine() -> Iterator[Finding]:
    """All findings, quick ones first."""
    for subject, check in _CHECKS.items():
        try:
            yield from check()
        except ConfigurationError as error:  # all further checks would say the same
            yield Finding(subject, Level.BAD, str(error))
            return
        except NbflowError as error:
            yield Finding(subject, Level.BAD, str(error))
        except Exception as error:  # noqa: BLE001 - a broken installation breaks in any way it likes
            words = f"could not be checked: {type(error).__name__}: {error}"
            yield Finding(subject, Level.BAD, words, "Reinstall nbflow in a fresh environment.")


# ── the checks ───────────────────────────────────────────────────────────────────────────


def _python() -> Iterator[Finding]:
    words = f"{platform.python_version()} ({platform.system()} {platform.machine()})"
    if sys.version_info < _OLDEST_PYTHON:
        yield Finding("Python", Level.BAD, words, "Install Python 3.11 or newer.")
    else:
        yield Finding("Python", Level.OK, f"{words}, {short_path(sys.executable)}")


def _nbflow() -> Iterator[Finding]:
    yield Finding("nbflow", Level.OK, f"{__version__}, {short_path(Path(__file__).parents[1])}")


def _settings() -> Iterator[Finding]:
    settings, default = get_settings(), Settings()
    changed = [
        f"{field.name} = {_shown(getattr(settings, field.name))} ({_source(field.name)})"
        for field in fields(Settings)
        if getattr(settings, field.name) != getattr(default, field.name)
    ]
    yield Finding("settings", Level.OK, "; ".join(changed) or "all at their defaults")


def _shown(value: object) -> object:
    return without_password(value) if isinstance(value, str) else value


def _source(name: str) -> str:
    """Where a setting was set: the environment wins over the project, which wins over the home."""
    variable = f"{PREFIX}{name.upper()}"
    if os.environ.get(variable):
        return variable
    settings = get_settings()
    home = load_settings({f"{PREFIX}HOME": str(settings.home)}, Path(settings.home.anchor))
    if getattr(home, name) == getattr(settings, name):
        return short_path(settings.home / "config.toml")
    return "nbflow.toml or pyproject.toml of the project"


def _home() -> Iterator[Finding]:
    home = get_settings().home
    if not home.exists():
        yield Finding("home", Level.OK, f"{short_path(home)} will be made by the first run")
        return
    mode = stat.S_IMODE(home.stat().st_mode)
    if not os.access(home, os.W_OK | os.X_OK):
        step = "Set NBFLOW_HOME to a folder you can write to."
        yield Finding("home", Level.BAD, f"{short_path(home)} is not writable", step)
    elif os.name == "posix" and mode & 0o077:
        step = f"Close it: chmod 700 {short_path(home)}"
        yield Finding("home", Level.WARN, f"{short_path(home)} is open to others ({mode:o})", step)
    else:
        yield Finding("home", Level.OK, f"{short_path(home)} (mode {mode:o})")


def _disk() -> Iterator[Finding]:
    home = get_settings().home
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    words = f"{size_words(free)} free in {short_path(place)}"
    step = "Make room, or set NBFLOW_HOME to another disk."
    if free < _NO_DISK_BYTES:
        yield Finding("disk", Level.BAD, words, step)
    elif free < _LOW_DISK_BYTES:
        yield Finding("disk", Level.WARN, words, step)
    else:
        yield Finding("disk", Level.OK, words)


def _database() -> Iterator[Finding]:
    settings = get_settings()
    if not (settings.api_url or settings.database_url or settings.home.exists()):
        yield Finding("database", Level.OK, "will be made by the first run")
        return
    info = open_store().info()
    size = f", {size_words(info.size_bytes)}" if info.size_bytes is not None else ""
    counts = f"{counted(info.flow_runs, 'run')}, {counted(info.logs, 'log line')}"
    where = f" behind {info.url}" if settings.api_url else ""
    words = f"{info.dialect} {info.version}{where}, schema {info.schema_revision}{size}: {counts}"
    yield Finding("database", Level.OK, words)


def _graph() -> Iterator[Finding]:
    before = time.perf_counter()
    lay_out(RunGraph(nodes=(GraphNode(id="a", label="a"), GraphNode(id="b", label="b"))))
    took = duration(time.perf_counter() - before)
    yield Finding("graph layout", Level.OK, f"Graphviz answers in {took}")


def _views() -> Iterator[Finding]:
    if all((_FRONT_END / name).is_file() for name in _FRONT_END_FILES):
        yield Finding("views", Level.OK, "live in notebooks")
    else:
        words = "pictures alone in notebooks: this nbflow was installed without its front end"
        yield Finding("views", Level.WARN, words, "Build it, in a clone: make front-end")


def _kernels() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415 - slow to import

    found = sorted(KernelSpecManager().find_kernel_specs())
    if not found:
        step = "Install one: pip install ipykernel"
        yield Finding("kernels", Level.BAD, "none is installed", step)
        return
    yield Finding("kernels", Level.OK, ", ".join(found))
    yield _answering("python3" if "python3" in found else found[0])


def _answering(name: str) -> Finding:
    """Start a kernel, wait until it is ready, and stop it."""
    from jupyter_client.manager import start_new_kernel  # noqa: PLC0415 - slow to import

    before = time.perf_counter()
    try:
        manager, client = start_new_kernel(
            startup_timeout=get_settings().kernel_start_timeout_seconds,
            kernel_name=name,
            stderr=-3,  # its start-up warnings are no finding
        )
    except Exception as error:  # noqa: BLE001 - a kernel is any program, and fails in any way
        reason = f"does not start ({type(error).__name__}: {error})"
        step = f"Try it by hand: jupyter run --kernel {name}"
        return Finding(f"kernel {name}", Level.BAD, reason, step)
    took = duration(time.perf_counter() - before)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return Finding(f"kernel {name}", Level.OK, f"answers in {took}")


_CHECKS: Final[dict[str, Check]] = {
    "Python": _python,
    "nbflow": _nbflow,
    "settings": _settings,
    "home": _home,
    "disk": _disk,
    "database": _database,
    "graph layout": _graph,
    "views": _views,
    "kernels": _kernels,
}


def size_words(size: float) -> str:
    """A number of bytes for people: `1.4 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - units of a thousand
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"  # noqa: PLR2004 - a digit is news below ten
        size /= 1000
    return f"{size:.1f} TB"


# ── telling ──────────────────────────────────────────────────────────────────────────────

_LOOK: Final = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.BAD: ("✗", "red")}


def _tell(console: Console, finding: Finding) -> None:
    icon, style = _LOOK[finding.level]
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(style=style, width=6)
    row.add_column(width=14, overflow="fold")
    row.add_column(overflow="fold")
    words = Text(finding.words)
    if finding.next_step:
        words.append(f"\n{finding.next_step}", style="bold")
    row.add_row(f"{icon} {finding.level}", finding.subject, words)
    say(console, row)


def _conclude(console: Console, findings: list[Finding]) -> None:
    bad = sum(finding.level is Level.BAD for finding in findings)
    warned = sum(finding.level is Level.WARN for finding in findings)
    if bad:
        words = f"{counted(bad, 'thing does', 'things do')} not work."
        say(console, Text(f"\n{words}", style="bold red"))
    elif warned:
        say(console, f"\nEverything works; {counted(warned, 'thing')} could be better.")
    else:
        say(console, "\nEverything works.")
