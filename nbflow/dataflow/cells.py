"""A cell's text, with IPython's magics, as plain Python plus facts.

This module decides what magics, shell lines and help lines mean for names: which hold Python,
which interpolate variables, which bind them. The Python it makes is for analysis, not for
execution. It must not know how Python itself is analysed, nor of other cells.

It needs no IPython: the cell may belong to another interpreter, importing IPython costs more
than analysing a notebook, and IPython's own result loses the line numbers. Text that Python can
parse as it stands is never touched: IPython leaves it alone too.
"""
# ruff: noqa: ARG002 - the handlers of magics share one signature

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from . import known
from .header import Header
from .libraries import is_object
from .lines import (
    ASSIGNED,
    CELL_MAGIC,
    ESCAPE,
    HELP,
    Statement,
    interpolations,
    is_expression,
    is_python,
    statements,
)
from .names import LOCAL_CODE, analyse_python
from .records import NONE, CellAnalysis, Names


@dataclass(frozen=True, slots=True)
class CellSource:
    """A cell as Python code, and what the Python does not say."""

    python: str
    #: For each line of `python`, the line of the cell (from 1) that it stands for.
    lines: tuple[int, ...]
    magic: str = ""
    magic_line: str = ""
    interpolated: Names = frozenset()
    ambiguous: tuple[str, ...] = ()
    external: bool = False

    def line(self, number: int) -> int:
        """The cell's own line for a line of `python`."""
        last = len(self.lines)
        return self.lines[min(max(number, 1), last) - 1] if last else number


def analyse_in_order(sources: Iterable[tuple[str, bool]]) -> list[CellAnalysis]:
    """What each cell reads, binds and may change, given what the names above it stand for.

    The cells come in notebook order, each with whether it may stop anywhere.
    """
    cells = list(sources)
    analyses, rebound = _in_order(cells, frozenset())
    if rebound:  # functions that were written before may find something else there
        analyses, _ = _in_order(cells, rebound)
    return analyses


def _in_order(
    cells: list[tuple[str, bool]], unsure: Names
) -> tuple[list[CellAnalysis], frozenset[str]]:
    """The analyses, and the modules' names that stand for something else later."""
    origins: dict[str, str] = {}
    rebound: set[str] = set()
    analyses = []
    for source, may_raise in cells:
        analysis = analyse_cell(source, origins)
        analyses.append(analysis.unsure() if may_raise else analysis)
        stand_for = {**analyses[-1].made, **({} if may_raise else analysis.imports)}
        for name in (analysis.defs | analysis.deletes) & origins.keys():
            origin = origins.pop(name)
            if not is_object(origin) and analysis.imports.get(name) != origin:
                rebound.add(name)
        if analysis.ambiguous:
            origins.clear()
        origins |= {name: stands for name, stands in stand_for.items() if name not in unsure}
    return analyses, frozenset(rebound)


def analyse_cell(source: str, origins: Mapping[str, str] | None = None) -> CellAnalysis:
    """What one cell reads, binds and may change; never raises, whatever the text.

    `origins` may say what names of earlier cells stand for; see `analyse_python`.
    """
    analysis = analyse_python(source, origins)
    if not analysis.opaque:
        return analysis
    cell = to_python(source)
    analysis = analyse_python(cell.python, origins)
    return analysis.with_(
        parse_error=_relocated(analysis.parse_error, cell),
        interpolated=analysis.interpolated | cell.interpolated,
        ambiguous=tuple(dict.fromkeys(analysis.ambiguous + cell.ambiguous)),
        external=cell.external,
        magic=cell.magic,
        magic_line=cell.magic_line,
    )


def to_python(source: str) -> CellSource:
    """The cell's text as plain Python; text without magics comes back as it is."""
    builder = _Builder()
    builder.cell(_cleaned(source), 1)
    return builder.result()


def _relocated(error: str | None, cell: CellSource) -> str | None:
    """The error with the line number of the cell's own text."""
    if error is None:
        return None
    return re.sub(r"^line (\d+)", lambda match: f"line {cell.line(int(match[1]))}", error)


_PROMPT = re.compile(r"[ \t]*(?:>>>(?: |$)|(?:In \[\d+\]: ))")
_ANY_PROMPT = re.compile(r"^[ \t]*(?:(?:>>>|\.\.\.)(?: |$)|In \[\d+\]: |\.{3,}: ?)", re.MULTILINE)


def _cleaned(source: str) -> str:
    """Without pasted prompts and common indentation; line numbers stay."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if _PROMPT.match(source.lstrip("\n")):
        source = _ANY_PROMPT.sub("", source)
    return textwrap.dedent(source)


# ── options of magics ────────────────────────────────────────────────────────────────────

_SQL_NAME = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_OUTPUTS = re.compile(r"--(?:out|err|proc)(?:=|\s+)([A-Za-z_]\w*)")
_R_INPUT = re.compile(r"(?:^|\s)(?:-i|--input)(?:=|\s+)([\w,]+)")
_R_OUTPUT = re.compile(r"(?:^|\s)(?:-o|--output)(?:=|\s+)([\w,]+)")
_SQL_TARGET = re.compile(r"\s*([A-Za-z_]\w*)\s*=?<<")
_FUNCTION_OPTION = re.compile(r"(?:^|\s)-[fm]\s*([A-Za-z_][\w.]*)")
_OPTION = {  # options before the Python of a magic, those with a value first
    "timeit": re.compile(r"-(?:[nrp]\s*\d+|v\s*\w+|[a-zA-Z]+)\s+|--[\w-]+\s+"),
    "prun": re.compile(r"-(?:[lsTD]\s*\S+|[a-zA-Z]+)\s+"),
    "lprun": re.compile(r"-(?:[fmTDusz]\s*\S+|[a-zA-Z]+)\s+"),
    "mprun": re.compile(r"-(?:[fT]\s*\S+|[a-zA-Z]+)\s+"),
    "memit": re.compile(r"-(?:[rti]\s*[\d.]+|[a-zA-Z]+)\s+"),
    "time": re.compile(r"--[\w-]+\s+"),
}


def _without_options(magic: str, text: str) -> str:
    option = _OPTION.get(magic)
    text = text.strip()
    while option and (match := option.match(text)):
        text = text[match.end() :]
    return text


# ── writing Python ───────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Builder:
    """Writes Python line by line, remembering each line's origin."""

    out: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    ambiguous: dict[str, None] = field(default_factory=dict)
    external: bool = False
    magic: str = ""
    magic_line: str = ""

    def result(self) -> CellSource:
        return CellSource(
            "".join(line + "\n" for line in self.out),
            tuple(self.lines),
            self.magic,
            self.magic_line,
            frozenset(self.names),
            tuple(self.ambiguous),
            self.external,
        )

    def emit(self, text: str, line: int) -> None:
        """Write Python that came from the cell's lines from `line` on."""
        for offset, piece in enumerate(text.removesuffix("\n").split("\n")):
            self.out.append(piece)
            self.lines.append(line + offset)

    def emit_at(self, text: str, line: int, indent: str = "") -> None:
        """Write Python that all stands for one line of the cell."""
        for piece in text.removesuffix("\n").split("\n"):
            self.out.append(indent + piece)
            self.lines.append(line)

    def interpolate(self, text: str, line: int, indent: str = "") -> None:
        """Read what IPython would put into the text."""
        for expression in interpolations(text):
            self.names.update(re.findall(r"^[A-Za-z_]\w*", expression))
            self.emit_at(f"({expression})", line, indent)

    def opaque(self, reason: str) -> None:
        self.ambiguous[reason] = None

    # ── cell magics ──────────────────────────────────────────────────────────────────────

    def cell(self, text: str, line: int) -> None:
        """A whole cell, or the body of a cell magic that runs it as one."""
        match = CELL_MAGIC.match(text)
        if match is None:
            self.body(text, line)
            return
        header = line + text.count("\n", 0, match.start("name"))
        name, rest = match["name"], match["rest"].strip()
        body = text[match.end() :]
        if name.endswith("?"):
            self.emit_at("pass", header)
            return
        if not self.magic:
            self.magic, self.magic_line = name, rest
        self.cell_magic(name, rest, body, header)

    def cell_magic(self, name: str, rest: str, body: str, line: int) -> None:
        if name == "timeit":
            self._local(_without_options("timeit", rest + " "), body, line)
        elif name in known.BODY_MAGICS:
            self._task(Header.read(name, rest), body, line)
        elif name in known.PYTHON_CELL_MAGICS:
            self._python_cell(name, rest, body, line)
        elif name in known.DISPLAY_CELL_MAGICS:
            self.interpolate(rest, line)
        else:
            self._foreign_cell(name, rest, body, line)
        self.emit_at("pass", line)

    def _python_cell(self, name: str, rest: str, body: str, line: int) -> None:
        for function in _FUNCTION_OPTION.findall(rest) if name in {"lprun", "mprun"} else ():
            self.emit_at(f"({function})", line)
        if name == "capture":
            self.interpolate(rest, line)
        self.cell(body, line + 1)
        if name == "capture":
            targets = [word for word in rest.split() if not word.startswith("-")]
            self._bind(targets[:1], line)

    def _task(self, header: Header, body: str, line: int) -> None:
        """The body runs here, and whenever the name that the line gives is called."""
        if header.is_plain:
            self.cell(body, line + 1)
            return
        inner = _Builder()
        inner.cell(body, line + 1)
        hidden = [*inner.ambiguous, *(["acts outside Python"] if inner.external else [])]
        if header.runs:
            self.names |= inner.names
            self.ambiguous |= inner.ambiguous
            self.external = self.external or inner.external
        self.emit_at(header.python(hidden), line)
        for text, number in zip(inner.out, inner.lines, strict=True):
            self.emit_at(text, number, " ")

    def _foreign_cell(self, name: str, rest: str, body: str, line: int) -> None:
        self.external = True
        self.interpolate(rest, line)
        if name in {"system", "sx", "!"}:
            self.interpolate(body, line)
        elif name == "sql":
            self.sql(rest + "\n" + body, line)
        elif name == "R":
            self.exchange(rest, line)
        elif name == "bigquery":
            self._bind(rest.split()[:1], line)
        elif name not in known.FOREIGN_CELL_MAGICS or name in {"cython", "julia"}:
            self.opaque(f"%%{name} may do anything")
        self._bind(_OUTPUTS.findall(rest), line)

    def sql(self, text: str, line: int) -> None:
        for name in _SQL_NAME.findall(text):
            self.names.add(name)
            self.emit_at(name, line)
        self.interpolate(text.replace("{{", "{").replace("}}", "}"), line)
        target = _SQL_TARGET.search(text)
        self._bind([target[1]] if target else [], line)

    def exchange(self, rest: str, line: int) -> None:
        for names in _R_INPUT.findall(rest):
            self.emit_at(names.strip(","), line)
        for names in _R_OUTPUT.findall(rest):
            self._bind(names.split(","), line)

    def _bind(self, names: list[str], line: int, indent: str = "") -> None:
        for name in names:
            if name.isidentifier():
                self.emit_at(f"{name} = []", line, indent)

    def _local(self, first: str, body: str, line: int, indent: str = "") -> None:
        """Code that runs at once, but whose names stay its own (`%timeit`)."""
        self.emit_at(f"def {LOCAL_CODE}():", line, indent)
        if is_python(first):
            self.emit_at(first, line, indent + " ")
        inner = _Builder()
        inner.cell(body, line + 1)
        self.external = self.external or inner.external
        self.ambiguous.update(inner.ambiguous)
        for text, number in zip(inner.out, inner.lines, strict=True):
            self.emit_at(text, number, indent + " ")
        self.emit_at("pass", line, indent + " ")

    # ── lines ────────────────────────────────────────────────────────────────────────────

    def body(self, text: str, line: int) -> None:
        """Python with line magics."""
        for statement in statements(text, line):
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        text, line = statement.text, statement.line
        if text.rstrip().endswith("?") and (match := HELP.match(text)):
            self._help(match["target"], line, text)
        elif match := ESCAPE.match(text):
            rest = _joined(match["rest"])
            self.escaped(match["escape"], rest, line, match["indent"])
        elif statement.right and (match := ASSIGNED.match(text, statement.right)):
            self._assigned(text[: statement.right], match["escape"], _joined(match["rest"]), line)
        else:
            self.emit(text, line)

    def _help(self, target: str, line: int, text: str) -> None:
        indent = text[: len(text) - len(text.lstrip())]
        plain = "*" not in target and "%" not in text and is_expression(target)
        if plain:
            self.names.update(re.findall(r"^\w+", target))
        self.emit_at(target if plain else "pass", line, indent)

    def _assigned(self, left: str, escape: str, rest: str, line: int) -> None:
        """`x = %magic`, `x = !command`."""
        indent = left[: len(left) - len(left.lstrip())]
        name, _, code = rest.partition(" ")
        if escape == "%" and name in {"time", "prun"} and is_expression(code):
            self.emit_at(f"{left.strip()} ({_without_options(name, code)})", line, indent)
            return
        self.escaped(escape, rest, line, indent)
        self.emit_at(f"{left.strip()} []", line, indent)

    def escaped(self, escape: str, rest: str, line: int, indent: str) -> None:
        if escape in {"!", "!!"}:
            self.external = True
            self.interpolate(rest, line, indent)
        elif escape == "%":
            name, _, argument = rest.partition(" ")
            self.line_magic(name, argument.strip(), line, indent)
        elif escape in {"?", "??"}:
            self._help(rest.strip().lstrip("%"), line, indent)
        else:
            self._called(escape, rest, line, indent)
        self.emit_at("pass", line, indent)

    def _called(self, escape: str, rest: str, line: int, indent: str) -> None:
        """`/f a b` is f(a, b); `,f a b` and `;f a b` pass text."""
        name, _, arguments = rest.strip().partition(" ")
        given = ", ".join(arguments.split()) if escape == "/" else repr(arguments)
        self.emit_at(f"{name}({given})", line, indent)

    def line_magic(self, name: str, rest: str, line: int, indent: str) -> None:
        special = _LINE_MAGICS.get(name)
        if name in known.EXTERNAL_LINE_MAGICS or _acts_elsewhere(name, rest):
            self.external = True
        if special:
            special(self, name, rest, line, indent)
        elif name in known.HARMLESS_LINE_MAGICS or name.startswith("%"):
            self.interpolate(rest, line, indent)
        else:
            self.interpolate(rest, line, indent)
            self.opaque(f"%{name} may do anything")

    def python_line(self, name: str, rest: str, line: int, indent: str) -> None:
        for function in _FUNCTION_OPTION.findall(rest) if name in {"lprun", "mprun"} else ():
            self.emit_at(f"({function})", line, indent)
        code = _without_options(name, rest)
        if name == "timeit":
            self._local(code, "", line, indent)
        elif code:
            inner = _Builder()
            inner.body(code, line)
            self.external = self.external or inner.external
            self.ambiguous.update(inner.ambiguous)
            for text in inner.out:
                self.emit_at(text, line, indent)

    def unknown_names(self, name: str, rest: str, line: int, indent: str) -> None:
        self.interpolate(rest, line, indent)
        self.opaque(f"%{name} {rest}".strip())

    def stored(self, name: str, rest: str, line: int, indent: str) -> None:
        """`%store -r x` brings x back, `%store x` saves it."""
        words = [word for word in rest.split() if word.isidentifier()]
        if "-r" not in rest.split():
            for word in words:
                self.emit_at(word, line, indent)
        elif words:
            self._bind(words, line, indent)
        else:
            self.opaque(f"%{name} {rest}")

    def deleted(self, name: str, rest: str, line: int, indent: str) -> None:
        target = rest.split()[-1:] or [""]
        if target[0].isidentifier():
            self.emit_at(f"del {target[0]}", line, indent)

    def imported(self, name: str, rest: str, line: int, indent: str) -> None:
        """`%aimport a, b` imports them; `-a` only unwatches."""
        for module in re.split(r"[,\s]+", rest):
            if re.fullmatch(r"[A-Za-z_][\w.]*", module):
                self.emit_at(f"import {module}", line, indent)

    def query(self, name: str, rest: str, line: int, indent: str) -> None:
        self.external = True
        inner = _Builder()
        inner.sql(rest, line)
        self.names |= inner.names
        for text in inner.out:
            self.emit_at(text, line, indent)

    def looked_at(self, name: str, rest: str, line: int, indent: str) -> None:
        word = rest.strip()
        if re.fullmatch(r"[A-Za-z_][\w.]*", word):
            self.names.add(word.partition(".")[0])
            self.emit_at(word, line, indent)

    def r_line(self, name: str, rest: str, line: int, indent: str) -> None:
        inner = _Builder()
        inner.exchange(rest, line)
        for text in inner.out:
            self.emit_at(text, line, indent)


_LineMagic = Callable[[_Builder, str, str, int, str], None]

_LINE_MAGICS: dict[str, _LineMagic] = {
    **dict.fromkeys(known.PYTHON_LINE_MAGICS, _Builder.python_line),
    **dict.fromkeys(
        (
            "run",
            "load",
            "loadpy",
            "reset",
            "reset_selective",
            "pylab",
            "rerun",
            "recall",
            "macro",
            "edit",
            "ed",
            "paste",
            "cpaste",
            "cython",
            "store_all",
            "rep",
        ),
        _Builder.unknown_names,
    ),
    **dict.fromkeys(
        ("pinfo", "pinfo2", "pdoc", "pdef", "psource", "pfile", "pprint", "page"),
        _Builder.looked_at,
    ),
    "store": _Builder.stored,
    "xdel": _Builder.deleted,
    "aimport": _Builder.imported,
    "sql": _Builder.query,
    "R": _Builder.r_line,
}


def _acts_elsewhere(name: str, rest: str) -> bool:
    """Whether what a line magic is given acts on more than the notebook's names."""
    command, *words = rest.split()[:2] or [""]
    if command in known.EXTERNAL_GROUPS.get(name, NONE):
        return known.LOOKING_USES.isdisjoint(words)
    return command in known.EXTERNAL_USES.get(name, NONE)


def _joined(text: str) -> str:
    """A continued magic line as one line."""
    return text.replace("\\\n", " ").rstrip("\n")
