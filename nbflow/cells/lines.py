"""The lines of `%%task` and `%%flow`: their options, described once, and how they are read.

This module decides spellings, help texts and what is said when a line cannot be understood.
The definitions are click's, so that usage lines, `?` help and tab completion come from the
same place. It must not know IPython, nor what the options do.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import click

from nbflow.cells.records import FlowCellOptions, TaskCellOptions
from nbflow.durations import read_duration
from nbflow.exceptions import MagicUsageError
from nbflow.wording import one_line

#: Where a cell's task, or the tasks of a flow, may execute.
RUNNERS: Final = ("thread", "process", "sequential")

#: The metavar that says: names of the notebook stand here.
NAMES: Final = "NAME…"

# ── words ────────────────────────────────────────────────────────────────────────────────

_WORD: Final = re.compile(r"""(?:[^\s'"\\]|\\(?s:.)|\\$|'[^']*'|"(?:\\(?s:.)|[^"\\])*")+""")
_QUOTED: Final = re.compile(r"""\\([\s'"\\])|'([^']*)'|"((?:\\.|[^"\\])*)\"""")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line: as written, as meant, and where it begins."""

    raw: str
    text: str
    start: int


def split_words(line: str) -> list[Word]:
    """The words of a line; quotes hold words together.

    A backslash stands for itself unless a space, a quote or another backslash follows, so
    that Windows paths and regular expressions need no care. Raises `MagicUsageError` for a
    quote without its partner.
    """
    words, end = [], 0
    for match in _WORD.finditer(line):
        if line[end : match.start()].strip():
            break
        words.append(Word(match[0], _unquoted(match[0]), match.start()))
        end = match.end()
    if line[end:].strip():
        rest = line[end:].strip()
        raise MagicUsageError(f"The quote {rest[0]} in {one_line(rest)} has no partner.")
    return words


def _unquoted(raw: str) -> str:
    return _QUOTED.sub(_inside, raw)


def _inside(match: re.Match[str]) -> str:
    escaped, single, double = match.groups()
    if escaped is not None:
        return escaped
    return single if single is not None else re.sub(r'\\(["\\])', r"\1", double)


def quoted(text: str) -> str:
    """The text as one word of a line."""
    if text and not re.search(r"[\s'\"\\]", text):
        return text
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ── kinds of values ──────────────────────────────────────────────────────────────────────


class Seconds(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """A length of time: 30, 90s, 15m, 2h, 1d."""

    name = "seconds"

    def __init__(self, *, zero: bool, bare: bool = False) -> None:
        #: Whether no time at all is a sensible answer.
        self.zero = zero
        #: Whether the option may stand alone; then it means for ever.
        self.bare = bare

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the value, or fail with a sentence about it."""
        if self.bare and value == "":  # the option stands alone
            return math.inf
        try:
            seconds = read_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds < 0 or (seconds == 0 and not self.zero):
            self.fail(f"{value} is not more than zero" if not self.zero else f"{value} is negative")
        return seconds


class Count(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """A whole number, zero or more."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the value, or fail with a sentence about it."""
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"{value!r} is no whole number", param, ctx)
        if number < 0:
            self.fail(f"{number} is negative; write 0 or more", param, ctx)
        return number


class Runner(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """Where to execute."""

    name = "runner"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the value, or fail with the choices."""
        word = str(value).lower()
        if word not in RUNNERS:
            near = difflib.get_close_matches(word, RUNNERS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose {_either(RUNNERS)}"
            self.fail(f"{value!r} is no runner; {hint}", param, ctx)
        return word


class DisplayName(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.1
    """What a cell is called: any words on one line."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the value, or fail with a sentence about it."""
        text = str(value)
        if not text.strip() or one_line(text) != text:
            self.fail(f"{text!r} is no name; write a word, or words in quotes", param, ctx)
        return text


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


# ── options ──────────────────────────────────────────────────────────────────────────────


class WordsOption(click.Option):
    """An option that takes all words up to the next option, and may be repeated.

    With `commas`, `a,b` and `a, b` are two words, too. With `raw`, words keep the quotes
    inside of them, because what stands there is Python: `title="a b"`.
    """

    def __init__(
        self,
        *declarations: Any,
        commas: bool = True,
        raw: bool = False,
        empty: bool = False,
        **rest: Any,
    ) -> None:
        super().__init__(*declarations, **{"multiple": True, **rest})
        self.commas = commas
        self.raw = raw
        #: Whether no word at all says something, too.
        self.empty = empty

    def split(self, word: Word) -> list[str]:
        """The values in one word."""
        whole = len(word.raw) > 1 and word.raw[0] == word.raw[-1] and word.raw[0] in "'\""
        text = word.raw if self.raw and not whole else word.text
        return [part for part in text.split(",") if part] if self.commas else [text]


class BareOption(click.Option):
    """An option whose value may be left out; what follows is its value only if it fits."""

    def takes(self, word: str) -> bool:
        """Whether the word is meant as the value."""
        return word[:1].isdigit() or bool(re.match(r"-\d", word))


class LineCommand(click.Command):
    """The line of a magic, as a command: click reads it, words instead of a shell's arguments."""

    def read(self, line: str) -> dict[str, Any]:
        """The values of all parameters, with None where the line is silent.

        Raises `MagicUsageError`: one sentence that names what is wrong, then the usage line.
        """
        try:
            arguments = self._arguments(split_words(line))
            context = self.make_context(self.name, arguments, resilient_parsing=False)
        except MagicUsageError as error:
            raise MagicUsageError(f"{error}\n{self.usage()}") from None
        except click.ClickException as error:
            raise MagicUsageError(f"{_sentence(error, self)}\n{self.usage()}") from None
        return {name: None if value == () else value for name, value in context.params.items()}

    def refuse(self, sentence: str) -> NoReturn:
        """Say what is wrong with a line that click can read."""
        raise MagicUsageError(f"{sentence}\n{self.usage()}")

    def usage(self) -> str:
        """All that the line may hold, on one line."""
        return f"Usage: {self.name} {' '.join(_piece(each) for each in self.params)}"

    def explanation(self) -> str:
        """The help text: usage, what it does, every option."""
        formatter = click.HelpFormatter(width=100)
        pieces = " ".join(_piece(each) for each in self.params)
        formatter.write_usage(str(self.name), pieces)
        context = click.Context(self, info_name=self.name)
        self.format_help_text(context, formatter)
        self.format_options(context, formatter)
        self.format_epilog(context, formatter)
        return formatter.getvalue().rstrip("\n")

    def options(self) -> dict[str, click.Option]:
        """Every spelling, with its option."""
        return {
            spelling: option
            for option in self.params
            if isinstance(option, click.Option)
            for spelling in option.opts
        }

    def _arguments(self, words: Sequence[Word]) -> list[str]:
        """The words as click reads them: each value of a long option attached to it."""
        return list(_Attaching(self.options(), words).arguments())


class _Attaching:
    """Attaches each word to its option: `--in a b` becomes `--in=a --in=b`."""

    def __init__(self, options: dict[str, click.Option], words: Sequence[Word]) -> None:
        self.options = options
        self.words = list(reversed(words))
        self.seen: set[str] = set()

    def arguments(self) -> Iterator[str]:
        """The words as click reads them."""
        while self.words:
            word = self.words.pop()
            spelling, equals, value = word.text.partition("=")
            option = self.options.get(spelling)
            if word.text == "--":
                yield from ("--", *(each.text for each in reversed(self.words)))
                return
            if option is None or option.is_flag:
                yield word.text
            else:
                self._once(option, spelling)
                if equals:
                    self.words.append(_tail(word, value))
                yield from self._attached(option, spelling, given=bool(equals))

    def _once(self, option: click.Option, spelling: str) -> None:
        if spelling in self.seen and not option.multiple:
            raise MagicUsageError(f"{spelling} is given twice; leave one out.")
        self.seen.update(option.opts)

    def _attached(self, option: click.Option, spelling: str, *, given: bool) -> Iterator[str]:
        if isinstance(option, WordsOption):
            values = [v for word in self._following(given=given) for v in option.split(word)]
            if not values and not option.empty:
                raise MagicUsageError(_needs_value(spelling, option))
            yield from (f"{spelling}={value}" for value in values or [""])
        elif isinstance(option, BareOption):
            taken = given or (bool(self.words) and option.takes(self.words[-1].text))
            yield f"{spelling}={self.words.pop().text if taken else ''}"
        elif given or (self.words and not _is_option(self.words[-1])):
            yield f"{spelling}={self.words.pop().text}"
        else:
            raise MagicUsageError(_needs_value(spelling, option))

    def _following(self, *, given: bool) -> Iterator[Word]:
        if given:
            yield self.words.pop()
        while self.words and not _is_option(self.words[-1]):
            yield self.words.pop()


def _needs_value(spelling: str, option: click.Option) -> str:
    return f"{spelling} needs a value: {spelling} {option.metavar}."


def _is_option(word: Word) -> bool:
    return re.match(r"--|-[^\d.]", word.raw) is not None


def _tail(word: Word, value: str) -> Word:
    """What stands behind the `=` of a word."""
    return Word(word.raw.partition("=")[2], value, word.start + word.raw.index("=") + 1)


# ── words about errors ───────────────────────────────────────────────────────────────────


def _piece(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return f"[{parameter.make_metavar(click.Context(click.Command('')))}]"
    assert isinstance(parameter, click.Option)
    spelling = parameter.opts[0]
    if parameter.is_flag:
        return f"[{spelling}]"
    if isinstance(parameter, BareOption):
        return f"[{spelling} [{parameter.metavar}]]"
    return f"[{spelling} {parameter.metavar}]"


def _sentence(error: click.ClickException, command: LineCommand) -> str:
    """What click found wrong, as one sentence that names the word at fault."""
    match error:
        case click.NoSuchOption():
            return _no_such_option(error.option_name, command)
        case click.BadParameter(param=click.Parameter() as parameter):
            return _ended(f"{_spelled(parameter)}: {error.message}")
        case click.BadOptionUsage():
            return f"{error.option_name} takes no value; leave the value out."
    extra = re.search(r"\((.*)\)$", error.message)
    if extra is None:  # pragma: no cover - click has no other complaint about such lines
        return error.message
    return f"Only options may follow NAME, not {extra[1]!r}; put a name of several words in quotes."


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def _no_such_option(word: str, command: LineCommand) -> str:
    near = difflib.get_close_matches(word, command.options(), n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; type {command.name}? to see them all."
    return f"{command.name} has no option {word}{hint}"


def _spelled(parameter: click.Parameter) -> str:
    return parameter.opts[0] if isinstance(parameter, click.Option) else "NAME"


# ── the definitions ──────────────────────────────────────────────────────────────────────


def _name_argument() -> click.Argument:
    return click.Argument(["name"], type=DisplayName(), metavar="NAME", required=False)


def _run_options(what: str) -> list[click.Parameter]:
    """What a task and a flow can both be told."""
    return [
        click.Option(
            ["--retries"], type=Count(), metavar="N", help=f"Run {what} again, up to N times."
        ),
        WordsOption(
            ["--retry-delay", "retry_delays"],
            type=Seconds(zero=True),
            metavar="TIME…",
            help="Wait before each retry: 30, 90s, 15m; the last one repeats.",
        ),
        click.Option(
            ["--timeout"],
            type=Seconds(zero=False),
            metavar="TIME",
            help=f"Stop {what} after that long: 30, 90s, 15m, 2h.",
        ),
    ]


def _tags_option() -> click.Option:
    return WordsOption(["--tags", "--tag", "tags"], metavar="TAG…", help="Tag its runs.")


def _runner_option(help_text: str) -> click.Option:
    return click.Option(["--runner"], type=Runner(), metavar="|".join(RUNNERS), help=help_text)


TASK_LINE: Final = LineCommand(
    "%%task",
    add_help_option=False,
    help="Make the cell a task, and run it.\n\nWhat the cell reads and binds is found in its code.",
    params=[
        _name_argument(),
        WordsOption(
            ["--in", "inputs"], empty=True, metavar=NAMES, help="Names that the cell reads."
        ),
        WordsOption(
            ["--out", "outputs"], empty=True, metavar=NAMES, help="Names that the cell makes."
        ),
        *_run_options("the cell"),
        BareOption(
            ["--cache"],
            type=Seconds(zero=False, bare=True),
            metavar="TIME",
            help="Keep what it makes, for that long or for ever, and do not run it "
            "again while its code and what it reads are the same.",
        ),
        _tags_option(),
        _runner_option("Where it runs; default: in the notebook's own thread."),
        click.Option(["--submit"], is_flag=True, help="Run it in the background."),
        click.Option(["--no-run"], is_flag=True, help="Only define the task."),
    ],
)

FLOW_LINE: Final = LineCommand(
    "%%flow",
    add_help_option=False,
    help="Make the cell the body of a flow, and run it.",
    params=[
        _name_argument(),
        WordsOption(
            ["--param", "parameters"],
            commas=False,
            raw=True,
            metavar="NAME:TYPE=VALUE…",
            help="Parameters, as in a function's signature; in quotes when there are "
            "spaces: 'day: str = \"today\"'.",
        ),
        *_run_options("the flow"),
        _tags_option(),
        _runner_option("Where the tasks run that the flow submits; default: threads."),
        click.Option(["--define"], is_flag=True, help="Only define the flow."),
    ],
)


# ── reading ──────────────────────────────────────────────────────────────────────────────


def read_task_line(line: str) -> TaskCellOptions:
    """What the line of a `%%task` cell asks for; raises `MagicUsageError`."""
    given = TASK_LINE.read(line)
    if given["submit"] and given["no_run"]:
        TASK_LINE.refuse("--submit runs the task and --no-run does not; leave one out.")
    cache: float | None = given["cache"]
    return TaskCellOptions(
        name=given["name"],
        inputs=_names(TASK_LINE, "--in", given["inputs"]),
        outputs=_names(TASK_LINE, "--out", given["outputs"]),
        retries=given["retries"],
        retry_delays=given["retry_delays"],
        timeout=given["timeout"],
        cache=cache is not None,
        cache_seconds=None if cache == math.inf else cache,
        tags=frozenset(given["tags"] or ()),
        runner=given["runner"],
        submit=given["submit"],
        run=not given["no_run"],
    )


def read_flow_line(line: str) -> FlowCellOptions:
    """What the line of a `%%flow` cell asks for; raises `MagicUsageError`."""
    given = FLOW_LINE.read(line)
    parameters = given["parameters"] or ()
    for text in parameters:
        _check_parameter(text)
    return FlowCellOptions(
        name=given["name"],
        parameters=parameters,
        retries=given["retries"],
        retry_delays=given["retry_delays"],
        timeout=given["timeout"],
        tags=frozenset(given["tags"] or ()),
        runner=given["runner"],
        define=given["define"],
    )


def _names(
    command: LineCommand, spelling: str, values: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Names of the notebook, each once; an option that stands alone says: none."""
    if values is None:
        return None
    names = tuple(dict.fromkeys(value for value in values if value))
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            command.refuse(f"{spelling}: {name!r} is no name of a variable.")
    return names


def _check_parameter(text: str) -> None:
    """Refuse what cannot stand in a signature."""
    try:
        (function,) = ast.parse(f"def f(*, {text}\n): pass").body
    except (SyntaxError, ValueError):
        function = None
    if not isinstance(function, ast.FunctionDef) or not _is_one_parameter(function.args):
        FLOW_LINE.refuse(
            f"--param: {text} is no parameter; write name, name:type or name:type=value, "
            "in quotes when there are spaces."
        )


def _is_one_parameter(arguments: ast.arguments) -> bool:
    return len(arguments.kwonlyargs) == 1 and arguments.kwarg is None


# ── writing ──────────────────────────────────────────────────────────────────────────────


def format_task_line(options: TaskCellOptions) -> str:
    """The line that `read_task_line` reads as these options.

    Raises `MagicUsageError` when no line says so: a name that is none, a tag with a comma.
    """
    name = [] if options.name is None else [quoted(options.name)]
    dashed = (options.name or "").startswith("-")  # only behind `--` is that no option
    parts = [*_written(options), "--", *name] if dashed else [*name, *_written(options)]
    line = " ".join(parts)
    if read_task_line(line) != options:
        raise MagicUsageError(f"{options} cannot be written as the line of a %%task cell.")
    return line


def _written(options: TaskCellOptions) -> Iterator[str]:
    yield from _written_words("--in", options.inputs)
    yield from _written_words("--out", options.outputs)
    if options.retries is not None:
        yield f"--retries {options.retries}"
    yield from _written_words("--retry-delay", _numbers(options.retry_delays))
    yield from _written_words("--timeout", _numbers(_one(options.timeout)))
    if options.cache:
        yield from _written_words("--cache", _numbers(_one(options.cache_seconds)) or ())
    yield from (f"--tag={quoted(tag)}" for tag in sorted(options.tags))
    yield from _written_words("--runner", _one(options.runner))
    if options.submit:
        yield "--submit"
    if not options.run:
        yield "--no-run"


def _written_words(spelling: str, words: Sequence[str] | None) -> Iterator[str]:
    if words is not None:
        yield " ".join([spelling, *words])


def _one(value: Any) -> tuple[Any, ...] | None:
    return None if value is None else (value,)


def _numbers(values: Sequence[float] | None) -> tuple[str, ...] | None:
    """Seconds as the shortest text that is read as the same number."""
    if values is None:
        return None
    return tuple(str(int(each)) if float(each).is_integer() else repr(each) for each in values)
