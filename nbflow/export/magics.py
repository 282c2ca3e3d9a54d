"""A cell's text, with IPython's magics, as Python that does the same without IPython.

This module decides what stands in a module for each magic, shell line and help line, and which
have no meaning there. It must not know where the cell's code will go.
"""

from __future__ import annotations

import ast
import builtins
import re
import shlex
import textwrap
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from string import Formatter
from typing import Final, NoReturn

from nbflow.dataflow.lines import (
    ASSIGNED,
    CELL_MAGIC,
    ESCAPE,
    HELP,
    Statement,
    is_expression,
    is_python,
    statements,
)
from nbflow.exceptions import NotebookError
from nbflow.export.names import names_of

#: Line magics that set up the notebook's front end; a module needs none of it.
_DROPPED: Final = frozenset(
    {
        "matplotlib",
        "load_ext",
        "reload_ext",
        "unload_ext",
        "autoreload",
        "nbflow",
        "config",
        "colors",
        "xmode",
        "pdb",
        "autosave",
        "precision",
        "pprint",
        "automagic",
        "history",
        "hist",
        "lsmagic",
        "magic",
        "who",
        "who_ls",
        "whos",
        "pinfo",
        "pinfo2",
        "pdoc",
        "pdef",
        "psource",
        "pfile",
        "logon",
        "logoff",
        "logstart",
        "logstop",
        "logstate",
        "qtconsole",
        "connect_info",
        "gui",
        "page",
        "pastebin",
        "quickref",
        "tb",
        "alias",
        "doctest_mode",
    }
)
#: Cell magics that only show something.
_SHOWN: Final = frozenset({"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"})
#: Line magics that are commands of the shell.
_COMMANDS: Final = frozenset({"ls", "ll", "la", "mkdir", "rmdir", "rm", "cp", "mv", "cat", "touch"})
#: `$name`, but for those in single quotes, as IPython finds it.
_DOLLAR: Final = re.compile(r"(.*?)\$(\$?[\w.]+)(?=(?:[^']*'[^']*')*[^']*$)", re.DOTALL)
_BUILTINS: Final = frozenset(dir(builtins))
_SHELLS: Final = frozenset({"bash", "sh"})
_OPTIONS: Final = re.compile(r"(?:(?:-[nrp]\s*\d+|-[a-zA-Z]+|--[\w-]+)\s+)*")


@dataclass(slots=True)
class Ours:
    """The modules that the exported code uses of its own accord, and what they are called there."""

    #: What the notebook's names stand for, where that is one import's thing; else "".
    meanings: Mapping[str, str] = field(default_factory=dict)
    #: Modules, or `module:name`, by the name that they go by.
    used: dict[str, str] = field(default_factory=dict)

    def use(self, what: str) -> str:
        """The name under which a module, or `module:name`, is known in the exported code."""
        name = what.rpartition(":")[2]
        origin = what.replace(":", ".")
        while self.meanings.get(name, origin) != origin or self.used.get(name, what) != what:
            name = f"_{name}"
        self.used[name] = what
        return name


@dataclass(frozen=True, slots=True)
class Converted:
    """A cell as Python that runs."""

    python: str
    #: Statements that show nothing, though they are expressions.
    quiet: frozenset[str] = frozenset()


def convert(source: str, *, known: AbstractSet[str], ours: Ours, cell: str) -> Converted:
    """The cell's text as Python that needs no IPython.

    Args:
        source: The cell's text, without the line of `%%task` or `%%flow`.
        known: Names that the notebook binds; others stay text in shell lines.
        ours: What the written code imports.
        cell: How errors name the cell.

    Raises:
        NotebookError: Something in it has no meaning outside of a notebook.
    """
    source = textwrap.dedent(source.replace("\r\n", "\n"))
    if is_python(source) or not source.strip():
        return Converted(source)
    writer = _Writer(known, ours, cell)
    writer.cell(source, 1)
    return Converted("".join(writer.out), frozenset(writer.quiet))


class _Unreadable(Exception):
    """IPython leaves a line alone when it cannot read all of it."""


@dataclass(frozen=True, slots=True)
class _Field:
    """An expression in braces."""

    text: str


@dataclass(slots=True)
class _Writer:
    known: AbstractSet[str]
    ours: Ours
    name: str
    out: list[str] = field(default_factory=list)
    quiet: set[str] = field(default_factory=set)

    def refuse(self, what: str, line: int, advice: str) -> NoReturn:
        raise NotebookError(f"Cell {self.name!r}, line {line}: {what} {advice}")

    def emit(self, code: str, indent: str = "", *, quiet: bool = True) -> None:
        """Write one statement of ours."""
        self.out.append(f"{indent}{code}\n")
        if quiet:
            self.quiet.add(code)

    # ── cells ────────────────────────────────────────────────────────────────────────────

    def cell(self, text: str, line: int) -> None:
        match = CELL_MAGIC.match(text)
        if match is None:
            self.body(text, line)
            return
        line += text.count("\n", 0, match.start("name"))
        self.cell_magic(match["name"], match["rest"].strip(), text[match.end() :], line)

    def cell_magic(self, name: str, rest: str, body: str, line: int) -> None:
        if name == "time":
            self.cell(body, line + 1)
        elif name == "capture":
            self._captured(rest, body, line)
        elif name in _SHELLS or (name == "script" and rest in _SHELLS):
            self._script(rest or name, body)
        elif name == "writefile":
            self._file(rest, body)
        elif name not in _SHOWN:
            self.refuse(
                f"%%{name} has no meaning in a Python module.",
                line,
                "Write the cell in Python, or tag it skip-execution to leave it out.",
            )

    def _script(self, shell: str, body: str) -> None:
        subprocess = self.ours.use("subprocess")
        self.emit(f'{subprocess}.run(["{shell}"], input={_block(body)}, text=True, check=True)')

    def _file(self, rest: str, body: str) -> None:
        words = shlex.split(rest)
        path = self._text(words[-1])
        mode = "a" if words[0] in {"-a", "--append"} else "w"
        self.emit(f'with open({path}, "{mode}", encoding="utf-8") as file_to_write:')
        self.emit(f"    file_to_write.write({_block(body)})")

    def _captured(self, rest: str, body: str, line: int) -> None:
        if rest:
            self.refuse(
                "%%capture with a name or options has no meaning in a Python module.",
                line,
                "Use contextlib.redirect_stdout instead.",
            )
        inner = _Writer(self.known, self.ours, self.name)
        inner.cell(body, line + 1)
        contextlib, io = self.ours.use("contextlib"), self.ours.use("io")
        self.emit(f"with {contextlib}.redirect_stdout({io}.StringIO()):")
        self.out.append(textwrap.indent("".join(inner.out) or "pass\n", "    "))

    # ── lines ────────────────────────────────────────────────────────────────────────────

    def body(self, text: str, line: int) -> None:
        for statement in statements(text, line):
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        text, line = statement.text, statement.line
        if text.rstrip().endswith("?") and HELP.match(text):
            self._dropped(text[: len(text) - len(text.lstrip())])
        elif match := ESCAPE.match(text):
            self.escaped(match["escape"], _joined(match["rest"]), line, match["indent"])
        elif statement.right and (match := ASSIGNED.match(text, statement.right)):
            left = text[: statement.right].rstrip()
            self.assigned(left, match["escape"], _joined(match["rest"]), line)
        else:
            self.out.append(text)

    def _dropped(self, indent: str) -> None:
        if indent:  # it may be the only line of its block
            self.emit("pass", indent)

    def assigned(self, left: str, escape: str, rest: str, line: int) -> None:
        if escape == "!":
            self.out.append(f"{left} {self._output_of(rest)}\n")
            return
        name, _, argument = rest.partition(" ")
        if name == "time" and is_expression(argument):
            self.out.append(f"{left} {argument.strip()}\n")
        elif name == "pwd":
            self.out.append(f"{left} {self.ours.use('os')}.getcwd()\n")
        elif name == "env" and argument.strip().isidentifier():
            self.out.append(f"{left} {self.ours.use('os')}.environ[{argument.strip()!r}]\n")
        else:
            self._unknown(name, line)

    def escaped(self, escape: str, rest: str, line: int, indent: str) -> None:
        if escape == "!":
            self._shell(rest, indent)
        elif escape == "!!":
            self.emit(self._output_of(rest), indent, quiet=False)
        elif escape == "%":
            name, _, argument = rest.partition(" ")
            self.line_magic(name, argument.strip(), line, indent)
        elif escape in {"?", "??"}:
            self._dropped(indent)
        else:
            self.refuse(
                f"{escape}{rest.strip()} is IPython's own way to call.", line, "Write the call."
            )

    def line_magic(self, name: str, rest: str, line: int, indent: str) -> None:
        if name in _DROPPED:
            self._dropped(indent)
        elif name in {"time", "timeit"}:
            self._timed(name, rest, line, indent)
        elif name in _COMMANDS:
            self._shell(f"{name} {rest}".strip(), indent)
        elif writer := _LINES.get(name):
            writer(self, rest, indent)
        else:
            self._unknown(name, line)

    def _timed(self, name: str, rest: str, line: int, indent: str) -> None:
        code = rest[_OPTIONS.match(rest).end() :] if name == "timeit" else rest  # type: ignore[union-attr]
        if name == "timeit" and code and not is_expression(code):
            self.refuse("%timeit of a statement keeps its names to itself.", line, "Leave it out.")
        if code:
            self.emit(code, indent, quiet=name == "timeit")

    def _unknown(self, name: str, line: int) -> NoReturn:
        self.refuse(
            f"%{name} has no meaning in a Python module.",
            line,
            "Write it in Python, or leave it out.",
        )

    def _shell(self, command: str, indent: str) -> None:
        subprocess = self.ours.use("subprocess")
        text = self._text(command.strip())
        self.emit(f"{subprocess}.run({text}, shell=True, check=False)", indent)

    def _output_of(self, command: str) -> str:
        subprocess = self.ours.use("subprocess")
        return f"{subprocess}.getoutput({self._text(command.strip())}).splitlines()"

    def chdir(self, rest: str, indent: str) -> None:
        os = self.ours.use("os")
        self.emit(
            f"{os}.chdir({os}.path.expanduser({self._text(rest.strip(chr(34)) or '~')}))", indent
        )

    def environ(self, rest: str, indent: str) -> None:
        name, _, value = rest.replace("=", " ", 1).partition(" ")
        if value.strip():
            os = self.ours.use("os")
            self.emit(f"{os}.environ[{_quoted(name)}] = {self._text(value.strip())}", indent)
        else:
            self._dropped(indent)

    def where(self, rest: str, indent: str) -> None:
        del rest
        self.emit(f"{self.ours.use('os')}.getcwd()", indent, quiet=False)

    def pip(self, rest: str, indent: str) -> None:
        self._shell(f"python -m pip {rest}", indent)

    def aimport(self, rest: str, indent: str) -> None:
        for module in re.findall(r"(?<![-\w])[A-Za-z_][\w.]*", rest):
            self.emit(f"import {module}", indent)

    def _text(self, text: str) -> str:
        """The text as Python, with what IPython would put into it; all of it, or nothing."""
        try:
            parts = [part for piece in Formatter().parse(text) for part in self._parts(*piece)]
        except (_Unreadable, ValueError):
            return _quoted(text)
        if all(isinstance(part, str) for part in parts):
            return _quoted("".join(map(str, parts)))
        body = "".join(
            part.text if isinstance(part, _Field) else part.replace("{", "{{").replace("}", "}}")
            for part in parts
        ).replace("\\", "\\\\")
        quote = next(q for q in ('"', "'", '"""', "'''") if q not in body and body[-1] != q[0])
        return f"f{quote}{body}{quote}"

    def _parts(
        self, literal: str, field_name: str | None, spec: str | None, conversion: str | None
    ) -> Iterator[str | _Field]:
        """What one piece of a text with `$name` and `{expression}` consists of."""
        done = 0
        for match in _DOLLAR.finditer(literal):
            yield match[1]
            done = match.end(2)
            yield match[2] if match[2].startswith("$") else self._field(match[2], "")
        yield literal[done:]
        if field_name is not None:
            ending = (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            yield self._field(field_name, ending)

    def _field(self, expression: str, ending: str) -> _Field:
        if not is_expression(expression):
            raise _Unreadable
        names = names_of([ast.Expr(ast.parse(expression.strip(), mode="eval").body)])
        if not names.mentions.keys() <= self.known | _BUILTINS:
            raise _Unreadable
        return _Field(f"{{{expression}{ending}}}")


_LINES: Final[dict[str, Callable[[_Writer, str, str], None]]] = {
    "cd": _Writer.chdir,
    "env": _Writer.environ,
    "set_env": _Writer.environ,
    "pwd": _Writer.where,
    "pip": _Writer.pip,
    "aimport": _Writer.aimport,
    "sx": lambda writer, rest, indent: writer.escaped("!!", rest, 0, indent),
    "system": lambda writer, rest, indent: writer.escaped("!!", rest, 0, indent),
}


def _quoted(text: str) -> str:
    """Python source of a text, in double quotes where that takes no escapes."""
    plain = '"' not in text and "\\" not in text and "\n" not in text and text.isprintable()
    return f'"{text}"' if plain else repr(text)


def _block(text: str) -> str:
    """Python source of a text of several lines."""
    if not text.endswith("\n"):
        text += "\n"
    if '"""' in text or not text.replace("\n", "").replace("\t", "").isprintable():
        return repr(text)
    escaped = text.replace("\\", "\\\\")
    return f'"""\\\n{escaped}"""'


def _joined(text: str) -> str:
    """A continued line as one line."""
    return text.replace("\\\n", " ").rstrip("\n")
