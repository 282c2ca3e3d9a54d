"""What the line of a `%%task` or `%%flow` cell says about names.

This module decides which name the body is kept under, which parameters it has, and whether it
runs at once. It must not know what the body does. All other options (inputs and outputs as
stated, retries…) say nothing about names that the code does not say itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .lines import is_expression
from .names import KEPT, NAMELESS, RUNS

_PARAMETER = re.compile(
    r"(?P<name>[^\W\d]\w*)\s*(?::(?P<type>[^=]*))?(?:=(?P<default>.*))?", re.DOTALL
)
_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"])+|['"]""")
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*\"""")
_LATER = {"--no-run", "--define"}
#: One value, if it looks like one.
_MAYBE = 0.5
#: How many values options take; others take none.
_VALUES = {
    **dict.fromkeys(("--in", "--out", "--param", "--retry-delay", "--tags", "--tag"), math.inf),
    **dict.fromkeys(("--retries", "--timeout", "--runner"), 1),
    "--cache": _MAYBE,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The line of a cell whose body is kept."""

    name: str = ""
    runs: bool = True
    #: As Python writes them.
    parameters: tuple[str, ...] = ()

    @classmethod
    def read(cls, magic: str, line: str) -> Header:
        """What the rest of the magic's line says."""
        words = _words(line)
        name = next(iter(_bare(words)), "")
        name = name if name.isidentifier() else ""
        stated = _values(words, "--param") if magic == "flow" else []
        found = filter(None, map(_parameter, stated))
        return cls(name, _LATER.isdisjoint(words), tuple(dict.fromkeys(found)))

    @property
    def is_plain(self) -> bool:
        """True when the body is nothing but code that runs here."""
        return self.runs and not self.name and not self.parameters

    def python(self, hidden: list[str]) -> str:
        """The head of a function that holds the body; `hidden` is why its names are not known."""
        decorator = f"@{RUNS if self.runs else KEPT}({', '.join(map(repr, hidden))})"
        parameters = f"*, {', '.join(self.parameters)}" if self.parameters else ""
        return f"{decorator}\ndef {self.name or NAMELESS}({parameters}):\n pass"


def _words(line: str) -> list[str]:
    """The words of the line; quotes stay where they hold a part of a word only."""
    words = [match[0] for match in _WORD.finditer(line)]
    return [word[1:-1] if _QUOTED.fullmatch(word) else word for word in words]


def _bare(words: list[str]) -> Iterator[str]:
    """The words that are neither options nor their values."""
    left = 0.0  # how many values the last option may still have
    for word in words:
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            left = _VALUES.get(name, 0)
            left = 0 if equals and left == 1 else left
        elif left and (left != _MAYBE or word[:1].isdigit()):
            left -= min(left, 1)
        else:
            left = 0
            yield word


def _values(words: list[str], option: str) -> list[str]:
    """All words that follow the option, until the next one; `--option=word` is one, too."""
    found: list[str] = []
    taking = False
    for word in words:
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            taking = name == option
            found += [value] if taking and equals else []
        elif taking:
            found.append(word)
    return found


def _parameter(text: str) -> str:
    """`a:int=1` as Python writes a parameter; empty when it is none."""
    match = _PARAMETER.fullmatch(text.strip())
    if match is None:
        return ""
    kind, default = (match["type"] or "").strip(), (match["default"] or "").strip()
    kind = f": {kind}" if is_expression(kind) else ""
    return match["name"] + kind + (f" = {default}" if is_expression(default) else "")
