"""Tab completion for the lines of `%%task`, `%%flow` and `%nbflow`.

This module decides what is offered where: options and their values from the definitions of
the lines, names of the notebook, runs of the store, files. It must not know front ends:
IPython asks, in a terminal and for a kernel's `complete_request` alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem, ShellComplete

from nbflow.cells.interface import is_surrounding
from nbflow.cells.line_command import BareOption, LineCommand, WordsOption
from nbflow.cells.line_values import RUNNERS, Seconds
from nbflow.cells.lines import FLOW_LINE, NAMES, TASK_LINE
from nbflow.cells.notebook import Notebook
from nbflow.cells.words import split_words
from nbflow.cli.options import RunOptions
from nbflow.cli.run import flow_of
from nbflow.exceptions import MagicUsageError, NbflowError
from nbflow.failure import short_id
from nbflow.flows import Flow
from nbflow.magics.line import NotebookCommands
from nbflow.runs import list_runs
from nbflow.settings import Settings
from nbflow.states import StateType

_TIMES: Final = ("30s", "5m", "1h", "1d")
_RUNS: Final = 30
_FILES: Final = 200


# ── %%task and %%flow ────────────────────────────────────────────────────────────────────


def complete_line(
    command: LineCommand, words: list[str], incomplete: str, names: Mapping[str, Any]
) -> list[str]:
    """What may stand in place of `incomplete`, the last word of the line."""
    options = command.options()
    spelling, equals, value = incomplete.partition("=")
    if equals and spelling in options:
        found = _fitting_last(options[spelling], names, value)
        return [f"{spelling}={each}" for each in found]
    if not incomplete.startswith("-"):
        active = _active(words, options)
        if active is not None and (found := _fitting_last(active, names, incomplete)):
            return found
        if incomplete or (active is not None and not isinstance(active, BareOption | WordsOption)):
            return []
    used = {option for word in words for option in _of(word, options) if not option.multiple}
    unused = [each for each, option in options.items() if option not in used]
    return _fitting(unused, incomplete)


def _of(word: str, options: Mapping[str, click.Option]) -> list[click.Option]:
    found = options.get(word.partition("=")[0])
    return [found] if found is not None else []


def _active(words: list[str], options: Mapping[str, click.Option]) -> click.Option | None:
    """The option that the next word belongs to."""
    for distance, word in enumerate(reversed(words)):
        if word.startswith("-"):
            option = options.get(word.partition("=")[0])
            if option is None or option.is_flag:
                return None
            return option if distance == 0 or isinstance(option, WordsOption) else None
    return None


def _values(option: click.Option, names: Mapping[str, Any]) -> Iterable[str]:
    if option.metavar == NAMES:
        return sorted(name for name, value in names.items() if _is_data(name, value))
    if isinstance(option.type, Seconds):
        return _TIMES
    return RUNNERS if option.opts[0] == "--runner" else ()


def _fitting_last(option: click.Option, names: Mapping[str, Any], incomplete: str) -> list[str]:
    """Values for a word; of `a,b` the last one is meant."""
    commas = isinstance(option, WordsOption) and option.commas
    head, comma, last = incomplete.rpartition(",") if commas else ("", "", incomplete)
    return [f"{head}{comma}{each}" for each in _fitting(_values(option, names), last)]


def _is_data(name: str, value: object) -> bool:
    return not name.startswith("_") and name not in {"In", "Out"} and not is_surrounding(value)


def _fitting(found: Iterable[str], incomplete: str) -> list[str]:
    return [each for each in found if each.startswith(incomplete)]


# ── %nbflow ──────────────────────────────────────────────────────────────────────────────

Source = Callable[[click.Context, str], Iterable[str]]


class CompletingCommands(NotebookCommands):
    """The commands, whose parameters know what may stand there."""

    #: The words before the one that is completed.
    typed: Sequence[str] = ()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command, and let its parameters complete."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            self._equip(command)
        return command

    def _equip(self, command: click.Command) -> None:
        for parameter in command.params:
            source = self._sources().get(parameter.name or "")
            if source is not None:
                parameter.shell_complete = _completing(source)  # type: ignore[method-assign,assignment] # click types it as a method
        if isinstance(command, click.Group):
            for child in command.commands.values():
                self._equip(child)

    def _sources(self) -> dict[str, Source]:
        return {
            "run": lambda _, __: run_words(),
            "target": self._targets,
            "parameters": self._parameters,
            "parameters_raw": self._parameters,
            "flows": lambda _, __: dict.fromkeys(run.flow_name for run in list_runs(limit=_RUNS)),
            "states": lambda _, __: [str(each.value).lower() for each in StateType],
            "key": lambda _, __: list(Settings.__dataclass_fields__),
            "notebook": lambda _, begin: files(begin, {".ipynb"}),
            "output": lambda _, begin: files(begin),
            "cwd": lambda _, begin: files(begin, folders=True),
            "parameters_file": lambda _, begin: files(begin),
        }

    def _targets(self, ctx: click.Context, begin: str) -> Iterable[str]:
        flows = [name for name, value in self._names().items() if isinstance(value, Flow)]
        runs = run_words() if ctx.info_name == "graph" else ()
        return [*flows, *files(begin, {".ipynb", ".py"}), *runs]

    def _parameters(self, _: click.Context, __: str) -> Iterable[str]:
        """The parameters of the flow or notebook that is named already."""
        for word in self.typed[1:]:
            found = self._names().get(word)
            if not isinstance(found, Flow) and Path(word).suffix in {".ipynb", ".py"}:
                found = flow_of(RunOptions(target=word, help_parameters=True))
            if isinstance(found, Flow):
                return [each.name for each in found.parameters]
        return []

    def _names(self) -> Mapping[str, Any]:
        return self.notebook.shell.namespace


def _completing(source: Source) -> Callable[[click.Context, str], list[CompletionItem]]:
    def complete(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(each) for each in _fitting(source(ctx, incomplete), incomplete)]

    return complete


def run_words() -> list[str]:
    """Names and short ids of recent runs."""
    runs = [run.record for run in list_runs(limit=_RUNS)]
    names = [run.name for run in runs]
    return ["latest", *dict.fromkeys(names), *(short_id(run) for run in runs)]


def files(
    begin: str, suffixes: Iterable[str] | None = None, *, folders: bool = False
) -> Iterator[str]:
    """Files whose path begins so, with folders on the way to others."""
    head, slash, tail = begin.rpartition("/")
    folder = Path(head + slash).expanduser() if slash else Path()
    wanted = None if suffixes is None else frozenset(suffixes)
    with contextlib.suppress(OSError):
        for number, path in enumerate(sorted(folder.iterdir())):
            hidden = path.name.startswith(".") and not tail.startswith(".")
            if hidden or not path.name.startswith(tail) or number > _FILES:
                continue
            if path.is_dir():
                yield f"{head}{slash}{path.name}/"
            elif not folders and (wanted is None or path.suffix in wanted):
                yield f"{head}{slash}{path.name}"


# ── IPython ──────────────────────────────────────────────────────────────────────────────


class Completion:
    """What IPython asks for the lines of our magics."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self._commands = CompletingCommands(notebook)
        self._shell = ShellComplete(self._commands, {}, "%nbflow", "")

    def __call__(self, context: Any) -> dict[str, Any]:
        """The completions for the word at the cursor, in the form of IPython's matchers."""
        from IPython.core.completer import SimpleCompletion  # noqa: PLC0415 - with a shell it is loaded

        line = context.text_until_cursor
        try:
            words = [word.text for word in split_words(line)]
        except MagicUsageError:  # inside of quotes
            return {"completions": []}
        incomplete = "" if line[-1:].isspace() else words.pop()
        found = self._found(words[0] if words else "", words[1:], incomplete)
        return {
            "completions": [SimpleCompletion(text, type="option") for text in dict.fromkeys(found)],
            "matched_fragment": incomplete,
            "suppress": True,
            "ordered": True,
        }

    def _found(self, magic: str, words: list[str], incomplete: str) -> list[str]:
        line = {"%%task": TASK_LINE, "%%flow": FLOW_LINE}.get(magic)
        if line is not None:
            return complete_line(line, words, incomplete, self.notebook.shell.namespace)
        if magic != "%nbflow":
            return []
        self._commands.typed = words
        try:
            items = self._shell.get_completions(words, incomplete)
        except (NbflowError, click.ClickException, OSError):  # what is typed so far means nothing
            return []
        return [item.value for item in items if item.type == "plain"]
