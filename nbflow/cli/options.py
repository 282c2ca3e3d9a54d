"""The options that commands share, described once.

This module decides spellings and help texts. Commands hand what click read to plain functions
over the dataclasses here, so that other surfaces (notebook magics) can offer the same commands
without click. It must not know what commands do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from nbflow.durations import read_duration

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How a command speaks."""

    json: bool = False
    quiet: bool = False
    colour: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterOptions(OutputOptions):
    """Parameters, as they were written."""

    parameters: tuple[tuple[str, str], ...] = ()
    parameters_raw: tuple[tuple[str, str], ...] = ()
    parameters_yaml: tuple[str, ...] = ()
    parameters_file: tuple[str, ...] = ()
    parameters_base64: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(ParameterOptions):
    """What `nbflow run` is told."""

    target: str
    help_parameters: bool = False
    cwd: str | None = None
    kernel: str | None = None
    output: str | None = None
    timeout: float | None = None
    cell_timeout: float | None = None
    tags: tuple[str, ...] = ()
    name: str | None = None
    #: Seconds that a failed run's kernel is kept; None: as the settings say.
    keep_kernel: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions(OutputOptions):
    """What `nbflow runs ls` is told."""

    states: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    since: str | None = None
    until: str | None = None
    text: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(OutputOptions):
    """What `nbflow runs show` is told."""

    run: str = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions(OutputOptions):
    """What `nbflow runs logs` is told."""

    run: str = "latest"
    follow: bool = False
    level: str = "DEBUG"
    task: str | None = None
    tail: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions(OutputOptions):
    """What `nbflow resume` is told."""

    run: str = "latest"
    #: `auto`, `kept` or `new`.
    kernel: str = "auto"
    output: str | None = None
    #: Seconds that the kernel is kept when the run fails again; None: as the settings say.
    keep_kernel: float | None = None
    #: The answer to a paused run, as JSON, and single fields of it.
    input: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    #: Which of its questions is answered; None: the last.
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions(OutputOptions):
    """What `nbflow runs retry` is told."""

    run: str = "latest"
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions(OutputOptions):
    """What `nbflow runs delete` is told."""

    runs: tuple[str, ...] = ()
    yes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugOptions(OutputOptions):
    """What `nbflow debug` is told."""

    #: None: list the kernels that wait.
    run: str | None = None
    free: bool = False
    #: Seconds from now that the kernel is to wait.
    extend: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOptions(OutputOptions):
    """What `nbflow cancel` is told."""

    run: str = "latest"
    #: Seconds that the run gets to end, each time that it is asked.
    wait: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOptions(OutputOptions):
    """What `nbflow config` is told."""

    #: One setting; None: all.
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOptions(OutputOptions):
    """What `nbflow graph` is told."""

    target: str
    output: str | None = None
    radial: bool = False
    direction: str | None = None
    theme: str = "auto"
    text: bool = False
    open: bool = False


class Duration(click.ParamType):  # type: ignore[type-arg] # not generic in click 8.1
    """Seconds, written as `90s`, `15m`, `2h`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read what was written; a number is seconds already."""
        if isinstance(value, int | float):
            return float(value)
        try:
            seconds = read_duration(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        if seconds < 0:
            self.fail(f"{value!r} is less than nothing; write 90s, 15m or 2h.", param, ctx)
        return seconds


class Equation(click.ParamType):  # type: ignore[type-arg] # not generic in click 8.1
    """A name and a text, written as `name=text`."""

    name = "equation"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read what was written."""
        if isinstance(value, tuple):
            return value
        name, sign, text = str(value).partition("=")
        if not sign or not name.strip():
            self.fail(f"{value!r} is no NAME=VALUE.", param, ctx)
        return name.strip(), text


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What `nbflow export` is told."""

    notebook: str
    #: What the notebook becomes; so far there is only one thing.
    to: str = "python"
    output: str | None = None
    force: bool = False


def all_of(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


json_option = click.option("--json", is_flag=True, help="Answer in JSON, for programs.")
colour_option = click.option(
    "--color/--no-color",
    "colour",
    default=True,
    help="Use colours on a terminal (default; NO_COLOR turns them off, too).",
)
speech_options = all_of(json_option, colour_option)

run_argument = click.argument("run", metavar="[RUN]", default="latest", required=False)


def parameter_option(help_words: str) -> Callable[[F], F]:
    """The option `-p NAME VALUE`, which may be given again and again."""
    return click.option(
        "-p",
        "--parameter",
        "parameters",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help=help_words,
    )


parameter_options = all_of(
    parameter_option("Set a parameter; its declared type decides how VALUE is read."),
    click.option(
        "-r",
        "--parameter-raw",
        "parameters_raw",
        nargs=2,
        multiple=True,
        metavar="NAME VALUE",
        help="Set a parameter to VALUE as text, unread.",
    ),
    click.option(
        "-y",
        "--parameters-yaml",
        multiple=True,
        metavar="YAML",
        help="Set parameters from a YAML text.",
    ),
    click.option(
        "-f",
        "--parameters-file",
        multiple=True,
        metavar="FILE",
        help="Set parameters from a YAML or JSON file.",
    ),
    click.option(
        "-b",
        "--parameters-base64",
        multiple=True,
        metavar="BASE64",
        help="Set parameters from a base64-encoded YAML text.",
    ),
)

keep_kernel_option = click.option(
    "--keep-kernel",
    type=Duration(),
    metavar="TIME",
    help="Keep the kernel so long (90s, 15m, 2h) when the run fails: see nbflow debug.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but the last line.")
events_option = click.option(
    "--json", is_flag=True, help="Print one JSON object per event, for programs."
)

run_options = all_of(
    click.argument("target", metavar="NOTEBOOK"),
    parameter_options,
    click.option(
        "--help-parameters", is_flag=True, help="List what the notebook or flow can be given."
    ),
    click.option("--cwd", metavar="DIR", help="Folder to run in; default: the notebook's own."),
    click.option("-k", "--kernel", metavar="NAME", help="Kernel; default: the notebook's own."),
    click.option(
        "-o", "--output", metavar="FILE", help="Where the executed notebook goes, or a folder."
    ),
    click.option(
        "--timeout", type=Duration(), metavar="TIME", help="Time the whole run may take: 90s, 15m."
    ),
    click.option("--cell-timeout", type=Duration(), metavar="TIME", help="Time a cell may take."),
    click.option(
        "-t", "--tag", "tags", multiple=True, metavar="TAG", help="Tag the run; repeatable."
    ),
    click.option("--name", metavar="NAME", help="Name of the run; default: two words by chance."),
    keep_kernel_option,
    quiet_option,
    events_option,
    colour_option,
)

resume_options = all_of(
    run_argument,
    click.option(
        "--input",
        metavar="JSON",
        help="Answer a paused run: an object, or the value it asks for; - reads it from stdin.",
    ),
    parameter_option("Set one field of the answer to a paused run."),
    click.option("--key", metavar="KEY", help="Which question is answered; default: the last."),
    click.option(
        "--kernel",
        type=click.Choice(["auto", "kept", "new"]),
        default="auto",
        show_default=True,
        help="Go on in the kept kernel, or from the top in a new one; auto: the kept one if sound.",
    ),
    click.option(
        "-o", "--output", metavar="FILE", help="Where the executed notebook goes, or a folder."
    ),
    keep_kernel_option,
    quiet_option,
    events_option,
    colour_option,
)

debug_options = all_of(
    click.argument("run", metavar="[RUN]", default=None, required=False),
    click.option("--free", is_flag=True, help="End the kernel, and give its memory back."),
    click.option(
        "--extend", type=Duration(), metavar="TIME", help="Keep the kernel for TIME from now: 1h."
    ),
    speech_options,
)

cancel_options = all_of(
    click.argument("run", metavar="RUN"),
    click.option(
        "--wait",
        type=Duration(),
        default="10s",
        show_default=True,
        metavar="TIME",
        help="How long the run may take to end before it is told more firmly.",
    ),
    speech_options,
)

config_options = all_of(
    click.argument("key", metavar="[KEY]", default=None, required=False),
    speech_options,
)

list_options = all_of(
    click.option(
        "-s", "--state", "states", multiple=True, metavar="STATE", help="Only in this state."
    ),
    click.option("--flow", "flows", multiple=True, metavar="NAME", help="Only of this flow."),
    click.option(
        "-t", "--tag", "tags", multiple=True, metavar="TAG", help="Only with all of these."
    ),
    click.option(
        "-d",
        "--deployment",
        "deployments",
        multiple=True,
        metavar="NAME",
        help="Only of this deployment: flow/name, or a name that only one has.",
    ),
    click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only of this queue."),
    click.option(
        "-p",
        "--parameter",
        "parameters",
        multiple=True,
        type=Equation(),
        metavar="NAME=VALUE",
        help="Only with this parameter; VALUE is JSON, or text.",
    ),
    click.option(
        "--since", metavar="WHEN", help="Only since: 90s, 30m, 2h, 7d, today, or 2026-05-03 06:00."
    ),
    click.option("--until", metavar="WHEN", help="Only before that time, written the same way."),
    click.option("--text", metavar="TEXT", help="Only with TEXT in the run's or flow's name."),
    click.option(
        "-n",
        "--limit",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="Most runs to list.",
    ),
    speech_options,
)

retry_options = all_of(
    run_argument,
    click.option("--resume", is_flag=True, help="Go on from where it failed, not from the start."),
    speech_options,
)

delete_options = all_of(
    click.argument("runs", metavar="RUN...", nargs=-1, required=True),
    click.option("-y", "--yes", is_flag=True, help="Do not ask."),
    speech_options,
)

log_options = all_of(
    click.option("-f", "--follow", is_flag=True, help="Go on until the run ends."),
    click.option(
        "-l",
        "--level",
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
        default="DEBUG",
        help="Least level to show.",
    ),
    click.option("--task", metavar="NAME", help="Only of this task or cell."),
    click.option(
        "-n", "--tail", type=click.IntRange(min=1), metavar="N", help="Only the last N lines."
    ),
    speech_options,
)

export_options = all_of(
    click.argument("notebook", metavar="NOTEBOOK"),
    click.option(
        "--to",
        type=click.Choice(["python"]),
        default="python",
        show_default=True,
        help="What the notebook becomes.",
    ),
    click.option(
        "-o",
        "--output",
        metavar="FILE.py",
        help="Where it goes, a file or a folder; - is standard output. Default: beside the "
        "notebook.",
    ),
    click.option("--force", is_flag=True, help="Replace the file when it is there already."),
)

graph_options = all_of(
    click.argument("target", metavar="TARGET"),
    click.option(
        "-o", "--output", metavar="FILE.svg", help="Write the picture there; - is standard output."
    ),
    click.option("--radial", is_flag=True, help="Draw rings around the start, not layers."),
    click.option(
        "--direction",
        type=click.Choice(["LR", "TB"], case_sensitive=False),
        help="Left to right or top to bottom; default: what suits.",
    ),
    click.option(
        "--theme",
        type=click.Choice(["light", "dark", "auto"]),
        default="auto",
        show_default=True,
        help="Colours of the picture; auto follows the reader's system.",
    ),
    click.option("--text", is_flag=True, help="Draw with characters."),
    click.option("--open", is_flag=True, help="Open the picture in the browser."),
    colour_option,
)
