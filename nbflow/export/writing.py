"""The text of an exported module.

This module decides how the module reads: what stands in which order, and every word of ours in
it. It must not know why something has its place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from nbflow.cells.records import TaskCellOptions
from nbflow.export.background import Waiting
from nbflow.export.importing import import_block
from nbflow.export.pieces import Piece, indented
from nbflow.export.placing import Body, Plan, Unit, declared_parameters
from nbflow.export.prose import WIDTH, comment, docstring, paragraphs
from nbflow.export.reading import Cell, Role, Source
from nbflow.export.rewriting import without_annotations
from nbflow.export.showing import shows, silent_functions
from nbflow.export.signature import Signature

INDENT: Final = "    "
#: What `--runner` of a flow cell says, where that is not the default.
_RUNNERS: Final = {"process": "ProcessPoolTaskRunner", "sequential": "SequentialTaskRunner"}


@dataclass
class Written:
    """Names that the module gives to what it defines."""

    flow: str
    #: Names that mean something already.
    taken: frozenset[str]
    #: For each task or flow cell, its function.
    units: dict[int, str] = field(default_factory=dict)
    #: For each submitted cell, the variable that holds its future.
    futures: dict[int, str] = field(default_factory=dict)


class Writer:
    """Writes one module."""

    def __init__(
        self, source: Source, plan: Plan, waiting: Waiting, arguments: Signature, names: Written
    ) -> None:
        self.source, self.plan, self.waiting = source, plan, waiting
        self.arguments, self.names = arguments, names
        self.ours = source.ours
        #: Parameters that functions read late: the module gets them, too.
        self.published = [n for n in arguments.names if n in plan.globals]
        self.silent = silent_functions(plan.hoisted.definitions)
        self.awaits = any(body.awaits for body in plan.bodies)

    def text(self) -> str:
        """The whole module."""
        definitions = self._definitions()
        flow = self._flow()
        last = self._main()
        blocks = [
            self._docstring(),
            import_block(self.plan.hoisted.imports, self.ours),
            *definitions,
            flow,
            last,
        ]
        head, *rest = [block for block in blocks if block]
        return head + "".join(_gap(block) + block for block in rest)

    # ── head ─────────────────────────────────────────────────────────────────────────────

    def _docstring(self) -> str:
        title, *more = paragraphs(self.source.opening) or [f"The steps of {self.source.file}"]
        given = [a for a in self.arguments.arguments if a.default != "None"][:1]
        told = f" -p {given[0].name} {_word(given[0].default)}" if given else ""
        stem = _module_file(self.source)
        text = docstring(
            [title, *more, f"Exported from {self.source.file} by nbflow. Run it with one of:"], ""
        )
        commands = f"\n    python {stem}\n    nbflow run {stem}:{self.names.flow}{told}\n"
        body = text.rstrip("\n").removesuffix('"""').rstrip("\n")
        return f'{body}\n{commands}"""\n'

    # ── definitions ──────────────────────────────────────────────────────────────────────

    def _definitions(self) -> list[str]:
        """Functions, classes, constants and tasks in the notebook's order."""
        blocks: list[str] = []
        constants: list[str] = []
        for body in self.plan.bodies:
            for piece in body.cell.pieces:
                if piece not in self.plan.hoisted.definitions:
                    continue
                if isinstance(piece.node, ast.Assign | ast.AnnAssign):
                    constants.append(f"{piece.source}\n")
                else:
                    blocks.append(f"{piece.source}\n")
            unit = self.plan.units.get(body.cell.number)
            if unit is not None:
                blocks.append(self._unit(unit))
        return ["".join(constants), *blocks]

    def _unit(self, unit: Unit) -> str:
        cell = unit.body.cell
        parameters = [*unit.inputs, *self._declared(cell)]
        lead = "async def" if unit.body.awaits else "def"
        name = self.names.units[cell.number]
        head = _call(f"{lead} {name}", parameters, ":", "")
        lines = [self._decorator(unit, name), head, docstring(paragraphs(cell.notes), INDENT)]
        lines += [_globals(unit.globals)]
        returned = not unit.outputs and cell.number not in self.waiting.submitted
        code = self._statements(unit.body, INDENT, last_is_returned=returned)
        if unit.outputs:
            code += f"{INDENT}return {', '.join(unit.outputs)}\n"
        if not code and not lines[2]:
            code = f'{INDENT}"""All that it defines stands above."""\n'
        return "".join(lines) + code

    def _declared(self, cell: Cell) -> list[str]:
        """A flow cell's own parameters; by name only, so that inputs may stand in front."""
        found = []
        for each in declared_parameters(cell):
            argument = each.args[0]
            kind = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
            equals = " = " if kind else "="
            default = f"{equals}{ast.unparse(each.defaults[0])}" if each.defaults else ""
            found.append(f"{argument.arg}{kind}{default}")
        return ["*", *found] if found else []

    def _decorator(self, unit: Unit, name: str) -> str:
        cell, options = unit.body.cell, unit.body.cell.options
        assert options is not None
        said: list[str] = []
        label = options.name or base_label(cell.label)
        said_by = {_plain(name), _plain(name).removeprefix("make ")}
        if _plain(label) not in said_by and (options.name or not re.search(r"[(\[{=]", label)):
            said.append(f"name={_text(label)}")
        if options.retries is not None:
            said.append(f"retries={options.retries}")
        if options.retry_delays:
            delays = [_number(each) for each in options.retry_delays]
            value = delays[0] if len(delays) == 1 else f"[{', '.join(delays)}]"
            said.append(f"retry_delay_seconds={value}")
        if options.timeout is not None:
            said.append(f"timeout_seconds={_number(options.timeout)}")
        if isinstance(options, TaskCellOptions):
            if options.tags:
                said.append(f"tags={_listed(sorted(options.tags))}")
            said += self._caching(unit, options)
        elif options.runner in _RUNNERS:
            runner = self.ours.use(f"nbflow.task_runners:{_RUNNERS[options.runner]}")
            said.append(f"task_runner={runner}()")
        kind = "flow" if cell.role is Role.FLOW else "task"
        why = f"# Not cached: {unit.uncached}.\n" if unit.uncached else ""
        used = self.ours.use(f"nbflow:{kind}")
        return why + (_call(f"@{used}", said, "", "") if said else f"@{used}\n")

    def _caching(self, unit: Unit, options: TaskCellOptions) -> list[str]:
        if not options.cache or unit.uncached:
            return []
        policies = [self.ours.use(f"nbflow.cache_policies:{p}") for p in ("INPUTS", "TASK_SOURCE")]
        said = [f"cache_policy={' + '.join(policies)}"]
        if options.cache_seconds is not None:
            delta = self.ours.use("datetime:timedelta")
            said.append(f"cache_expiration={delta}({_span(options.cache_seconds)})")
        return said

    # ── the flow ─────────────────────────────────────────────────────────────────────────

    def _flow(self) -> str:
        lead = "async def" if self.awaits else "def"
        name = self.names.flow
        decorator = self._flow_decorator(name)
        head = self._head(f"{lead} {name}")
        body = self._late_defaults() + self._body()
        if not _has_code(body):
            body += f"{INDENT}pass\n"
        if not self._changes_published():
            start = _globals(n for n in self._flow_globals() if n not in self.arguments.names)
            publish = self._publish(INDENT)
            start = f"{self._why_global()}{start}\n" if start else ""
            return f"{decorator}{head}{start}{publish}{body}"
        return self._in_two(decorator, head, lead, body)

    def _flow_decorator(self, name: str) -> str:
        said = [] if self.source.name == name else [f"name={_text(self.source.name)}"]
        if self.waiting.in_processes:
            said.append(
                f"task_runner={self.ours.use('nbflow.task_runners:ProcessPoolTaskRunner')}()"
            )
        used = f"@{self.ours.use('nbflow:flow')}"
        return _call(used, said, "", "") if said else f"{used}\n"

    def _why_global(self) -> str:
        why = self.plan.everything
        return f"{INDENT}# All names are the module's, because of {why}.\n" if why else ""

    def _in_two(self, decorator: str, head: str, lead: str, body: str) -> str:
        """The flow, and its steps: a parameter cannot be a name of the module, too."""
        steps = self._free("steps_of_" + self.names.flow)
        own = [n for n in self.arguments.names if n not in self.published]
        made = [a.name for a in self.arguments.arguments if a.late and a.name in self.published]
        names = _globals(dict.fromkeys([*self._flow_globals(), *made]))
        inner = f"{_call(f'{lead} {steps}', own, ':', '')}{names}\n{body}"
        call = f"{'await ' if self.awaits else ''}{steps}({', '.join(own)})"
        return (
            f"{inner}\n\n{decorator}{head}{self._publish(INDENT).rstrip()}\n{INDENT}return {call}\n"
        )

    def _changes_published(self) -> bool:
        """Whether the notebook binds a parameter anew that functions read late."""
        late = any(a.late for a in self.arguments.arguments if a.name in self.published)
        by_units = {name for unit in self.plan.units.values() for name in unit.globals}
        return late or bool(by_units.union(self._bound_by_flow()) & set(self.published))

    def _publish(self, indent: str) -> str:
        if not self.published:
            return ""
        given = ", ".join(f"{name}={name}" for name in self.published)
        return f"{indent}globals().update({given})  # functions above read them\n\n"

    def _head(self, lead: str) -> str:
        arguments = self.arguments.arguments
        one = f"{lead}({', '.join(a.text for a in arguments)}):\n"
        if not any(a.comment for a in arguments) and len(one) <= WIDTH:
            return one
        lines = [f"{INDENT}{a.text},{f'  # {a.comment}' if a.comment else ''}\n" for a in arguments]
        return f"{lead}(\n{''.join(lines)}):\n"

    def _late_defaults(self) -> str:
        lines = [
            f"{INDENT}if {a.name} is None:\n{INDENT}{INDENT}{a.name} = {a.late}\n"
            for a in self.arguments.arguments
            if a.late
        ]
        return "".join(lines) + ("\n" if lines else "")

    def _bound_by_flow(self) -> list[str]:
        """Names that the flow's own code binds or deletes."""
        found: dict[str, None] = {}
        for body in self.plan.bodies:
            unit = self.plan.units.get(body.cell.number)
            if unit is None:
                found |= body.names.binds | body.names.deletes
            elif _is_run(body.cell):
                found |= dict.fromkeys([*unit.outputs, *unit.deletes])
        return list(found)

    def _flow_globals(self) -> list[str]:
        return [name for name in self._bound_by_flow() if name in self.plan.globals]

    def _body(self) -> str:
        parts = []
        for body in self.plan.bodies:
            waits = self._results_of(self.waiting.before.get(body.cell.number, []), INDENT)
            text = self._cell(body)
            if text or waits:
                parts.append(waits + text)
        ending = self._results_of(self.waiting.at_end, INDENT) + self._ending()
        closing = comment(self.source.closing, INDENT)
        parts += [part for part in (closing, ending) if part]
        return "\n".join(parts)

    def _cell(self, body: Body) -> str:
        unit = self.plan.units.get(body.cell.number)
        if unit is not None:
            return self._guarded(body, self._called(unit)) if _is_run(body.cell) else ""
        code = self._statements(body, INDENT + INDENT if body.cell.may_raise else INDENT)
        below = indented(body.cell.below, INDENT)
        notes = comment(body.cell.notes, INDENT)
        if not code:
            return notes + below if len(paragraphs(body.cell.notes)) > 1 or below else ""
        if body.cell.may_raise:
            code = self._try(code)
        return notes + code + below

    def _guarded(self, body: Body, code: str) -> str:
        return self._try(indented(code, INDENT)) if body.cell.may_raise else code

    def _try(self, code: str) -> str:
        """What the notebook does with a cell that is allowed to fail."""
        trace = self.ours.use("traceback")
        return (
            f"{INDENT}try:\n{code}{INDENT}except Exception:  # the notebook goes on\n"
            f"{INDENT}{INDENT}{trace}.print_exc()\n"
        )

    def _called(self, unit: Unit) -> str:
        number = unit.body.cell.number
        name = self.names.units[number]
        if number in self.waiting.submitted:
            return self._submitted(unit, name)
        if number in self.waiting.in_processes:
            call = _call(f"{name}.submit", self._given(unit), ".result()", "", newline=False)
        else:
            call = _call(name, self._given(unit), "", "", newline=False)
        call = f"await {call}" if unit.body.awaits else call
        deletes = f"{INDENT}del {', '.join(unit.deletes)}\n" if unit.deletes else ""
        pieces = unit.body.pieces
        if unit.outputs:
            call = f"{', '.join(unit.outputs)} = {call}"
        elif pieces and shows(pieces[-1], self.silent):
            call = f"{self.ours.use('sys')}.displayhook({call})"
        return indented(call, INDENT) + "\n" + deletes

    def _given(self, unit: Unit) -> list[str]:
        futures = self.waiting.futures.get(unit.body.cell.number, {})
        return [
            self.names.futures[futures[name]] if name in futures else name for name in unit.inputs
        ]

    def _submitted(self, unit: Unit, name: str) -> str:
        number = unit.body.cell.number
        given = self._given(unit)
        first = [self.names.futures[n] for n in self.waiting.first.get(number, [])]
        if first:
            given.append(f"wait_for=[{', '.join(first)}]")
        call = _call(f"{name}.submit", given, "", "", newline=False)
        return indented(f"{self.names.futures[number]} = {call}", INDENT) + "\n"

    def _results_of(self, numbers: Iterable[int], indent: str) -> str:
        lines = []
        for number in numbers:
            unit = self.plan.units[number]
            value = f"{self.names.futures[number]}.result()"
            if unit.outputs:
                value = f"{', '.join(unit.outputs)} = {value}"
            lines.append(f"{indent}{value}\n")
        return "".join(lines)

    def _ending(self) -> str:
        """The flow returns the notebook's final values by name."""
        results = self.plan.results
        if not results:
            return ""
        items = [f'"{name}": {name}' for name in results]
        line = f"{INDENT}return {{{', '.join(items)}}}\n"
        if len(line) <= WIDTH + 1:
            return line
        rows = "".join(f"{INDENT}{INDENT}{item},\n" for item in items)
        return f"{INDENT}return {{\n{rows}{INDENT}}}\n"

    # ── statements ───────────────────────────────────────────────────────────────────────

    def _statements(self, body: Body, indent: str, *, last_is_returned: bool = False) -> str:
        """The cell's own code; what its last expression shows is shown."""
        lines: list[str] = []
        pieces = body.pieces
        unit = self.plan.units.get(body.cell.number)
        own = self.plan.hoisted.names.union(unit.globals if unit else self.plan.globals)
        shown = pieces[-1] if pieces and pieces[-1] is body.cell.pieces[-1] else None
        for piece in pieces:
            if _declares(piece, own):
                continue
            text = piece.source
            if piece in self.plan.hoisted.stars_in_place:
                why = "# In its place, because it may bind names anew.\n"
                text = f'{piece.above}{why}exec("{piece.text}", globals()){piece.behind}'
            elif own and isinstance(
                piece.node, ast.AnnAssign | ast.If | ast.For | ast.With | ast.Try
            ):
                text = without_annotations(piece.source, own)
            elif piece is shown and shows(piece, self.silent):
                text = self._shown(piece, returned=last_is_returned)
            gap = "\n" if lines and (piece.paragraph or _is_block(piece)) else ""
            lines.append(f"{gap}{indented(text, indent)}\n")
        return "".join(lines)

    def _shown(self, piece: Piece, *, returned: bool) -> str:
        if returned:
            return f"{piece.above}return {piece.text}{piece.behind}"
        hook = f"{self.ours.use('sys')}.displayhook"
        shown = f"({piece.text})" if _is_several(piece.text) else piece.text
        return f"{piece.above}{hook}({shown}){piece.behind}"

    # ── end ──────────────────────────────────────────────────────────────────────────────

    def _main(self) -> str:
        call = f"{self.names.flow}()"
        if self.awaits:
            call = f"{self.ours.use('asyncio')}.run({call})"
        return f'if __name__ == "__main__":\n{INDENT}{call}\n'

    def _free(self, name: str) -> str:
        while name in self.names.taken:
            name += "_"
        return name


def _is_run(cell: Cell) -> bool:
    options = cell.options
    return getattr(options, "run", True) and not getattr(options, "define", False)


def _is_several(text: str) -> bool:
    """Whether an expression, put into a call, becomes several arguments: `1, 2`."""
    call = ast.parse(f"f({text}\n)", mode="eval").body if "await" not in text else None
    return isinstance(call, ast.Call) and len(call.args) != 1


def _declares(piece: Piece, names: AbstractSet[str]) -> bool:
    """Whether the statement only annotates a name of the module: it would make it a local one."""
    match piece.node:
        case ast.AnnAssign(target=ast.Name(id=name), value=None):
            return name in names
    return False


def _has_code(body: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in body.split("\n"))


def _is_block(piece: Piece) -> bool:
    return isinstance(piece.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _gap(block: str) -> str:
    return (
        "\n\n" if re.match(r"(#[^\n]*\n)*(@|def |async def |class |if __name__)", block) else "\n"
    )


def _module_file(source: Source) -> str:
    return f"{source.name}.py"


# ── small words ──────────────────────────────────────────────────────────────────────────


def _globals(names: Iterable[str]) -> str:
    lines, line = [], ""
    for name in names:
        longer = f"{line}, {name}" if line else f"{INDENT}global {name}"
        if line and len(longer) > WIDTH:
            lines.append(line)
            longer = f"{INDENT}global {name}"
        line = longer
    return "".join(f"{each}\n" for each in [*lines, line] if each)


def _call(head: str, arguments: list[str], end: str, indent: str, *, newline: bool = True) -> str:
    """`head(arguments)`, on several lines where one is too long."""
    last = "\n" if newline else ""
    one = f"{indent}{head}({', '.join(arguments)}){end}"
    if len(one) + len(INDENT) <= WIDTH:
        return one + last
    rows = "".join(f"{indent}{INDENT}{each},\n" for each in arguments)
    return f"{indent}{head}(\n{rows}{indent}){end}{last}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _span(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % size == 0:
            return f"{unit}={int(seconds // size)}"
    return f"seconds={_number(seconds)}"


def _text(text: str) -> str:
    return f'"{text}"' if '"' not in text and "\\" not in text else repr(text)


def _listed(words: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, words))}]"


def base_label(label: str) -> str:
    """A cell's name without the number that makes it unique."""
    return re.sub(r" \(\d+\)$", "", label)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def _word(default: str) -> str:
    return default.strip("'\"") if re.fullmatch(r"[\w./'\"-]+", default) else f"'{default}'"
