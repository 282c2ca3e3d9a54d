"""The `nbflow` command: finds the subcommand, and is the one place where errors become words.

This module decides exit codes and how an error reads. It must not import what a subcommand
needs: each is loaded when it is called, so that `nbflow version` and shell completion answer
at once (docs/decisions/0061-subcommands-load-when-called.md).
"""

from __future__ import annotations

import difflib
import importlib
import itertools
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from nbflow import __version__
from nbflow.exceptions import NbflowError, StoreError, TerminationSignal, UsageError
from nbflow.settings import get_settings

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERNAL: Final = 70
EXIT_CANCELLED: Final = 130
EXIT_BROKEN_PIPE: Final = 141
EXIT_TERMINATED: Final = 143

#: Where each subcommand is, and what the overview says of it.
_SUBCOMMANDS: Final = {
    "run": ("nbflow.cli.run:command", "Run a notebook, or a flow of a Python file."),
    "resume": (
        "nbflow.cli.resume:command",
        "Go on with a run that failed or was stopped, or that waits for a person.",
    ),
    "debug": ("nbflow.cli.debug:command", "Open the kernel of a run that failed."),
    "cancel": (
        "nbflow.cli.cancel:command",
        "End a run that another process executes, or that waits for a worker.",
    ),
    "runs": ("nbflow.cli.runs:group", "List runs, and look into one."),
    "logs": ("nbflow.cli.runs:logs_command", "Print what a run logged and printed."),
    "graph": ("nbflow.cli.graph:command", "Draw a notebook, a flow or a run."),
    "config": (
        "nbflow.cli.config:command",
        "Show the settings that hold here, and where each comes from.",
    ),
    "export": ("nbflow.cli.export:command", "Write a notebook out as a Python module."),
    "deploy": (
        "nbflow.cli.deploy:command",
        "Let a notebook or a flow run without its author.",
    ),
    "deployment": (
        "nbflow.cli.deployment:group",
        "List, run, pause and compare deployments.",
    ),
    "schedule": (
        "nbflow.cli.schedule:group",
        "List, try, add, pause and remove the schedules of deployments.",
    ),
    "backfill": (
        "nbflow.cli.backfill:group",
        "Run a deployment for a span of the past, as one thing that can be cancelled.",
    ),
    "server": (
        "nbflow.cli.server:group",
        "Start, show and stop the server of this home: API, scheduler and a worker.",
    ),
    "worker": (
        "nbflow.cli.worker:group",
        "Start, list and stop workers, which execute the runs of deployments.",
    ),
    "agent": ("nbflow.cli.worker:agent", "The same as nbflow worker: start, ls, stop."),
    "queue": (
        "nbflow.cli.queue:group",
        "List, make and change the queues in which runs wait for workers.",
    ),
    "limit": (
        "nbflow.cli.limit:group",
        "List, show, set and forget limits on what is used at once.",
    ),
    "variable": (
        "nbflow.cli.variable:group",
        "List, read, set and forget variables: values that runs share by name.",
    ),
    "secret": (
        "nbflow.cli.secret:group",
        "List, set and forget secrets: values that are kept encrypted.",
    ),
    "db": (
        "nbflow.cli.db:group",
        "Look after the run database: its size, old runs, copies, its revision.",
    ),
    "doctor": ("nbflow.cli.doctor:command", "Check the installation and its surroundings."),
}

#: Click's words, which are a programmer's, and ours.
_WORDS: Final = {
    r"('-[pr]') requires 2 arguments": r"\1 takes a name and a value, such as -p rows 500",
    r"is not a valid integer( range)?": "is no whole number",
    r"is not a valid float( range)?": "is no number",
}

#: How click begins when words are left over.
_TOO_MANY: Final = "Got unexpected extra argument"


class _ReaderGone(BaseException):
    """A closed pipe, on its way past click, which would end the process itself."""


@contextmanager
def _past_click() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are called."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the arguments; `--help` answers here."""
        with _past_click():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        with _past_click():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the overview."""
        return [*_SUBCOMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one subcommand."""
        if cmd_name not in _SUBCOMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _SUBCOMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that is meant, or say which may be meant."""
        name = args[0]
        if name in self.list_commands(ctx) or name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
        hint = f" Did you mean `nbflow {near[0]}`?" if near else ""
        raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The overview, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries().items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands, again without loading any."""
        fitting = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries().items()
            if name.startswith(incomplete)
        ]
        return fitting + click.Command.shell_complete(self, ctx, incomplete)

    def summaries(self) -> dict[str, str]:
        """What the overview says of each command."""
        own = {name: cmd.get_short_help_str() for name, cmd in self.commands.items()}
        return {name: summary for name, (_, summary) in _SUBCOMMANDS.items()} | own


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    epilog="Every command explains itself: nbflow COMMAND --help.",
)
@click.version_option(__version__, message="nbflow %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """From a notebook to a production flow without leaving the notebook."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    elif ctx.invoked_subcommand in _SUBCOMMANDS:
        _sweep_kernels()


def _sweep_kernels() -> None:
    """End kept kernels whose keeper was killed; where none was ever kept, load nothing."""
    with suppress(NbflowError, OSError):  # wrong settings are told by what needs them
        if (get_settings().home / "parked").is_dir():
            importlib.import_module("nbflow.notebooks.kernels.parking").sweep()


@cli.command()
def version() -> None:
    """Say which nbflow this is."""
    system = f"{platform.system()} {platform.machine()}"
    click.echo(f"nbflow {__version__} (Python {platform.python_version()}, {system})")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code; errors become one sentence on stderr."""
    # A debugger's start-up warning would stand above every notebook's progress.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    _prepare_streams()
    try:
        code = _invoke(argv)
        sys.stdout.flush()
    except (BrokenPipeError, _ReaderGone):
        _forget_stdout()
        return EXIT_BROKEN_PIPE
    return code


def _invoke(argv: Sequence[str] | None) -> int:
    try:
        return _run(argv)
    except BrokenPipeError:  # an Exception, but no mishap
        raise
    except (Exception, KeyboardInterrupt, TerminationSignal) as error:  # noqa: BLE001 - the last line of defence: no one wants our traceback
        message, code = _answer_to(error, sys.argv[1:] if argv is None else argv)
        return _complain(message, code, error)


def _answer_to(error: BaseException, arguments: Sequence[str]) -> tuple[str, int]:
    """What is said about an error, and the exit code."""
    match error:
        case KeyboardInterrupt() | click.Abort():
            return "Stopped.", EXIT_CANCELLED
        case TerminationSignal():
            return "Stopped: the process was asked to end.", EXIT_TERMINATED
        case click.ClickException():
            return _usage_words(error, arguments), EXIT_USAGE
        case UsageError() | StoreError():
            return str(error), EXIT_USAGE
        case NbflowError():
            return str(error), EXIT_FAILED
        case _:
            return _internal_words(error), EXIT_INTERNAL


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    result: Any = cli.main(arguments, prog_name="nbflow", standalone_mode=False)
    return result if isinstance(result, int) else 0


# ── words ────────────────────────────────────────────────────────────────────────────────


def _complain(message: str, code: int, error: BaseException) -> int:
    if os.environ.get("NBFLOW_DEBUG"):
        traceback.print_exception(error)
    colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    lead = click.style("nbflow:", fg="red", bold=True) if colours else "nbflow:"
    with suppress(BrokenPipeError):
        click.echo(f"{lead} {message}", err=True, color=colours or None)
    return code


def _usage_words(error: click.ClickException, arguments: Sequence[str]) -> str:
    """Click's complaint as a sentence, and where the options are explained."""
    message = error.format_message().strip()
    if message.startswith(_TOO_MANY) and (path := _taken_apart(arguments)):
        return f'The shell takes a path with spaces apart; put it in quotes: "{path}"'
    for theirs, ours in _WORDS.items():
        message = re.sub(theirs, ours, message)
    sentence = message if message.endswith((".", "?", "!")) else f"{message}."
    context = getattr(error, "ctx", None)
    called = (
        arguments[0] if arguments and arguments[0] in cli.list_commands(click.Context(cli)) else ""
    )
    path = context.command_path if context is not None else f"nbflow {called}".strip()
    return f"{sentence[:1].upper()}{sentence[1:]} Type `{path} --help` to see what it takes."


def _taken_apart(arguments: Sequence[str]) -> str | None:
    """The file whose path stands here in several words, if there is one."""
    pairs = itertools.combinations(range(len(arguments) + 1), 2)
    joined = (" ".join(arguments[start:end]) for start, end in pairs if end - start > 1)
    return next((path for path in joined if os.path.isfile(path)), None)  # noqa: PTH113 - it takes what is no path, too


def _internal_words(error: BaseException) -> str:
    what = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
    kept = _keep_traceback(error)
    where = f"The traceback is in {kept}" if kept else "Set NBFLOW_DEBUG=1 to see the traceback"
    return f"Something went wrong inside nbflow ({what}). {where}; please report it."


def _keep_traceback(error: BaseException) -> Path | None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    try:
        folder = get_settings().ensure_home() / "errors"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{stamp}-{os.getpid()}.txt"
        head = f"nbflow {__version__}, Python {sys.version}\n{' '.join(sys.argv[:2])}\n\n"
        path.write_text(head + "".join(traceback.format_exception(error)), encoding="utf-8")
    except (OSError, NbflowError):  # the home itself may be what went wrong
        return None
    return path


# ── streams ──────────────────────────────────────────────────────────────────────────────


def _prepare_streams() -> None:
    """Let characters that the terminal's encoding lacks become `?`, not an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _forget_stdout() -> None:
    """Keep the interpreter from complaining, at its exit, about the pipe that was closed."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
