"""The line of a magic as a command: how words become values, and what is said when they do not.

This module decides which words belong to which option, and puts what click finds wrong into
sentences. It must not know which magics there are, nor what their options do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

from nbflow.cells.words import Word, split_words
from nbflow.exceptions import MagicUsageError


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
