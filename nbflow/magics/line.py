"""`%nbflow`: the commands of `nbflow` in a notebook, and a few that only make sense there.

This module decides what differs from the terminal: where words and pictures go, that flows of
the notebook can be named, that `$name` stands for a variable, and how a command's failure is
the cell's. The commands, their options and their words are those of `nbflow.cli`.
"""

from __future__ import annotations

import contextlib
import copy
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TextIO

import click

from nbflow import widgets
from nbflow.cells.notebook import Notebook, plain
from nbflow.cells.words import Word, split_words
from nbflow.cli import graph as graph_command
from nbflow.cli import run as run_command
from nbflow.cli.console import Sheet, make_console, say
from nbflow.cli.main import LazyGroup, cli
from nbflow.cli.options import DebugOptions, GraphOptions, RunOptions
from nbflow.cli.parameter_help import tell_parameters
from nbflow.cli.reports import Ending, surface
from nbflow.cli.targets import is_file_target
from nbflow.drawing import Direction
from nbflow.drawing.picture import Picture
from nbflow.exceptions import (
    CancelledRun,
    FailedRun,
    MagicUsageError,
    NbflowError,
    NotebookError,
    UpstreamCellError,
    UsageError,
)
from nbflow.flows import Flow
from nbflow.interactive import in_kernel
from nbflow.magics import debugging
from nbflow.magics.cell_graph import session_graph
from nbflow.magics.help import NOTEBOOK_COMMANDS, nbflow_help, summaries
from nbflow.magics.view import new_view
from nbflow.models import RunGraph
from nbflow.widgets import markup
from nbflow.wording import counted, state_word, without_escapes

_CANCELLED: Final = 130
_VARIABLE: Final = re.compile(r"\$([^\W\d]\w*)")
#: After these, and a name, stands a parameter's value.
_GIVES_VALUE: Final = frozenset({"-p", "--parameter", "-r", "--parameter-raw"})


def nbflow_magic(notebook: Notebook) -> Any:
    """The function of the magic `%nbflow`."""
    line = NbflowLine(notebook)

    def nbflow(text: str) -> None:
        # Frames above this one are IPython's and ours: tracebacks begin below.
        __tracebackhide__ = "__ipython_bottom__"
        try:
            line.run(text)
        except NbflowError as error:
            raise plain(error) from None

    return nbflow


class NbflowLine:
    """Runs the line of a magic as a command."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.commands = NotebookCommands(notebook)

    def run(self, text: str) -> None:
        """Carry out one command; raises `NbflowError` when it fails."""
        arguments, self.commands.objects = self._arguments(split_words(text))
        ip = self.notebook.shell.ip
        view = partial(new_view, ip, " ".join(arguments[1:2])) if in_kernel() else None
        reset = surface.set(view)
        values = run_command.named_values.set(self.commands.objects)
        try:
            with _shown(ip) as self.commands.out:
                code = self._invoke(arguments)
        finally:
            run_command.named_values.reset(values)
            surface.reset(reset)
        if code == _CANCELLED:
            raise CancelledRun("Stopped.")
        if code:
            raise FailedRun(f"nbflow {' '.join(arguments[:1])} did not succeed; see above.")

    def _invoke(self, arguments: Sequence[str]) -> int:
        try:
            code = self.commands.main(
                args=list(arguments), prog_name="%nbflow", standalone_mode=False
            )
        except click.ClickException as error:
            raise MagicUsageError(_usage_words(error)) from None
        except click.Abort:
            raise CancelledRun("Stopped.") from None
        return code if isinstance(code, int) else 0

    # ── variables ────────────────────────────────────────────────────────────────────────

    def _arguments(self, words: Sequence[Word]) -> tuple[list[str], dict[str, Any]]:
        """The words with each `$name` replaced, and what stands for values that are no text."""
        texts, objects = [], {}
        for index, word in enumerate(words):
            match = _VARIABLE.fullmatch(word.raw)
            if match is None:
                texts.append(word.text)
                continue
            value = self._variable(match[1])
            if index > 1 and words[index - 2].text in _GIVES_VALUE:
                objects[word.raw] = value
                texts.append(word.raw)
            else:
                texts.append(_as_text(word.raw, value))
        return texts, objects

    def _variable(self, name: str) -> Any:
        try:
            return self.notebook.shell.namespace[name]
        except KeyError:
            raise MagicUsageError(
                f"There is no variable {name!r} in the notebook. "
                f"Put quotes around '${name}' when it is meant as it stands."
            ) from None


def _as_text(word: str, value: Any) -> str:
    text = str(value)
    if isinstance(value, str | int | float) or hasattr(value, "__fspath__"):
        return text
    raise MagicUsageError(
        f"{word} is a {type(value).__name__}, which is no text. Only values of -p may be that."
    )


def _usage_words(error: click.ClickException) -> str:
    """Click's complaint as a sentence, and the usage line of the command."""
    message = error.format_message().strip()
    sentence = message if message.endswith((".", "?", "!", ")")) else f"{message}."
    context = getattr(error, "ctx", None)
    usage = f"\n{context.get_usage()}" if context is not None else ""
    return f"{sentence[:1].upper()}{sentence[1:]}{usage}".replace("`nbflow ", "`%nbflow ")


# ── where words go ───────────────────────────────────────────────────────────────────────


class _OwnSheet(Sheet):
    """A sheet for what one thread writes; background cells' prints go where they belong."""

    def __init__(self, other: TextIO) -> None:
        super().__init__()
        self.other = other
        self.thread = threading.get_ident()

    def write(self, text: str) -> int:
        """Take the text, if it is the command's own."""
        if threading.get_ident() == self.thread:
            return super().write(text)
        return self.other.write(text)


@contextlib.contextmanager
def _shown(ip: Any) -> Iterator[TextIO]:
    """Show what the block writes as one display; gives standard output as it is outside."""
    outside = sys.stdout
    if not in_kernel():
        yield outside
        return
    sheet = _OwnSheet(outside)
    try:
        with contextlib.redirect_stdout(sheet):
            yield outside
    finally:
        text = sheet.getvalue().strip("\n")
        if text:
            ip.display_pub.publish(
                data={
                    "text/html": markup.page(markup.preformatted(text)),
                    "text/plain": _without_padding(without_escapes(text)),
                }
            )


def _without_padding(text: str) -> str:
    """The text without the spaces that fill tables up to their width."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


# ── the commands ─────────────────────────────────────────────────────────────────────────


class NotebookCommands(LazyGroup):
    """The commands of `nbflow`, some of them as a notebook needs them."""

    def __init__(self, notebook: Notebook) -> None:
        super().__init__(
            name="%nbflow",
            help="The commands of nbflow, in the notebook.",
            epilog="Every command explains itself: %nbflow COMMAND --help.",
            context_settings=cli.context_settings,
            invoke_without_command=True,
            callback=click.pass_context(_overview),
        )
        self.notebook = notebook
        #: Values of the notebook that the words of the line stand for.
        self.objects: dict[str, Any] = {}
        #: Standard output, while a command's words are collected.
        self.out: TextIO = sys.stdout
        own: dict[str, Callable[..., Any]] = {
            "run": self._run,
            "graph": self._graph,
            "debug": self._debug,
        }
        for name, callback in own.items():
            self.add_command(_variant(name, callback), name)
        for name, callback in {"wait": self._wait, "cells": self._cells}.items():
            self.add_command(click.Command(name, callback=callback, help=NOTEBOOK_COMMANDS[name]))
        self.add_command(_show_command(self._show))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, each once."""
        return list(dict.fromkeys([*super().list_commands(ctx), *cli.commands]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The notebook's own form of a command, or the terminal's."""
        own = self.commands.get(cmd_name) or super().get_command(ctx, cmd_name)
        return own or cli.get_command(ctx, cmd_name)

    def summaries(self) -> dict[str, str]:
        """What the overview says of each command."""
        return summaries() | NOTEBOOK_COMMANDS

    # ── run ──────────────────────────────────────────────────────────────────────────────

    def _run(self, **given: Any) -> int:
        options = RunOptions(**given)
        flow = self._flow(options)
        if options.help_parameters or options.json or options.quiet:
            return run_command.run(options) if flow is None else self._told(flow, options)
        with contextlib.redirect_stdout(self.out):  # what a flow prints is the cell's at once
            return self._told(flow or self._flow_of_a_file(options), options)

    def _flow(self, options: RunOptions) -> Flow[Any, Any] | None:
        """The flow of the notebook that the target names, if there is one."""
        found = self.notebook.shell.namespace.get(options.target)
        if not isinstance(found, Flow):
            return None
        run_command.refuse_notebook_options(options)
        limit = options.timeout
        return found.with_options(timeout_seconds=limit) if limit is not None else found

    def _flow_of_a_file(self, options: RunOptions) -> Flow[Any, Any]:
        try:
            return run_command.flow_of(options)
        except NotebookError as error:
            names = self.notebook.shell.namespace.items()
            flows = sorted(name for name, value in names if isinstance(value, Flow))
            if not flows or is_file_target(options.target):
                raise
            raise NotebookError(
                f"{error} The flows of this notebook: {', '.join(flows)}."
            ) from None

    def _told(self, flow: Flow[Any, Any], options: RunOptions) -> int:
        console = make_console(colour=options.colour)
        if options.help_parameters:
            tell_parameters(console, flow, as_json=options.json)
            return 0
        values = self._values(options, flow)
        reporter = run_command.reporter_for(console, options)
        ending = run_command.execute(flow, values, options, reporter)
        if ending.exit_code not in {0, _CANCELLED}:
            raise FailedRun(_failure_words(ending))
        return ending.exit_code

    def _values(self, options: RunOptions, flow: Flow[Any, Any]) -> dict[str, Any]:
        """The parameters: `$name` gives the variable's value itself, not its text."""
        given = (*options.parameters, *options.parameters_raw)
        objects = {name: self.objects[text] for name, text in given if text in self.objects}
        texts = replace(
            options,
            parameters=tuple(p for p in options.parameters if p[0] not in objects),
            parameters_raw=tuple(p for p in options.parameters_raw if p[0] not in objects),
        )
        return run_command.parameters_of(texts, flow) | objects

    # ── graph ────────────────────────────────────────────────────────────────────────────

    def _graph(self, **given: Any) -> int | None:
        target = given.pop("target")
        options = GraphOptions(target=target or "", **given)
        if options.text and (options.output or options.open):
            raise UsageError("--text draws with characters; leave out -o and --open, or --text.")
        drawn = self._drawn(target)
        if options.output or options.open:
            graph_command.write_picture(drawn, options)
        elif options.text or not in_kernel():
            say(make_console(colour=options.colour), str(Picture(drawn)), wrap=False)
        else:
            _display(self.notebook.shell.ip, drawn, options)
        return None

    def _drawn(self, target: str | None) -> RunGraph:
        if target is None:
            return session_graph(self.notebook.shell.earlier_cells, self.notebook.states)
        found = self.notebook.shell.namespace.get(target)
        if isinstance(found, Flow):
            return found.graph(**{p.name: None for p in found.parameters if p.required})
        return graph_command.graph_of(target)

    # ── show ─────────────────────────────────────────────────────────────────────────────

    def _show(self, run: str) -> None:
        shown = widgets.RunView(run)
        if in_kernel():
            self.notebook.shell.ip.display_pub.publish(data=shown._repr_mimebundle_())
        else:
            click.echo(shown.text)

    # ── debug ────────────────────────────────────────────────────────────────────────────

    def _debug(self, task: str | None, *, load: bool, **given: Any) -> int:
        shell = self.notebook.shell
        return debugging.debug(
            DebugOptions(**given),
            task,
            load=load,
            names=shell.namespace,
            insert=shell.ip.set_next_input,
        )

    # ── background cells ─────────────────────────────────────────────────────────────────

    def _wait(self) -> None:
        cells = self.notebook.board.under_way()
        self.notebook.settle()
        if failed := self.notebook.board.take_failures():
            names = ", ".join(repr(cell.name) for cell in failed)
            raise UpstreamCellError(f"Did not complete: {names}. See the output of each.")
        click.echo(f"{counted(len(cells), 'cell')} completed." if cells else _NO_CELLS)

    def _cells(self) -> None:
        cells = self.notebook.board.under_way()
        for cell in cells:
            state = cell.future.state
            click.echo(f"{state_word(state.name)}  {cell.name}")
        if not cells:
            click.echo(_NO_CELLS)


def _show_command(callback: Callable[..., Any]) -> click.Command:
    run = click.Argument(["run"], default="latest", metavar="[RUN]")
    text = f"{NOTEBOOK_COMMANDS['show']}\n\nRUN is an id, a name or latest."
    return click.Command("show", callback=callback, params=[run], help=text)


_NO_CELLS: Final = "No cell is under way in the background."


def _overview(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(nbflow_help())


def _variant(name: str, callback: Callable[..., Any]) -> click.Command:
    """A command of the terminal as a notebook needs it."""
    source = cli.get_command(click.Context(cli), name)
    assert source is not None
    command = copy.copy(source)
    command.callback = callback
    if name == "graph":
        command.params = [_optional(parameter) for parameter in source.params]
        command.help = _GRAPH_HELP
    elif name == "debug":
        command.params = [*source.params, *debugging.OPTIONS]
        command.help = debugging.HELP
    else:
        command.help = f"{_RUN_HELP}\n\n{source.help}"
    return command


_RUN_HELP: Final = (
    "NOTEBOOK may also be the name of a flow of this notebook. $name as a value is the "
    "variable of that name."
)
_GRAPH_HELP: Final = """Draw the cells of this session, or a notebook, a flow or a run.

TARGET is the name of a flow of this notebook, a notebook (train.ipynb), a flow
(file.py:flow) or a run (id, name, latest); without it the cells that ran in this session
are drawn. Nothing is executed.
"""


def _optional(parameter: click.Parameter) -> click.Parameter:
    if parameter.name != "target":
        return parameter
    return click.Argument(["target"], metavar="[TARGET]", required=False)


def _failure_words(ending: Ending) -> str:
    failure = ending.failure
    if failure is None:
        return f"{ending.run.flow_name} {state_word(ending.run.state.name)}."
    return f"{failure.what}: {failure.error}" if failure.error else f"{failure.what}."


_DIRECTIONS: Final = {"LR": Direction.RIGHT, "TB": Direction.DOWN}


def _display(ip: Any, drawn: RunGraph, options: GraphOptions) -> None:
    asked = _DIRECTIONS.get((options.direction or "").upper())
    direction = Direction.RADIAL if options.radial else asked
    picture = Picture(drawn, direction, options.theme)
    ip.display_pub.publish(data=picture._repr_mimebundle_())
