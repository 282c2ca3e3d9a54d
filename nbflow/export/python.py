"""A notebook as a Python module with one task per task cell and one flow.

This module decides what the functions of the module are called, and puts the parts together:
reading, placing, writing. It must not know files but the notebook's.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from nbflow.exceptions import NotebookError
from nbflow.export.background import Waiting, waiting
from nbflow.export.pieces import cut, parsed
from nbflow.export.placing import Body, Plan, plan
from nbflow.export.reading import Role, Source, read_source
from nbflow.export.rewriting import with_inputs
from nbflow.export.signature import signature, take_parameters
from nbflow.export.writing import Writer, Written, base_label

#: What the module may import of its own accord.
_OURS = frozenset(
    {
        "flow",
        "task",
        "sys",
        "os",
        "io",
        "subprocess",
        "traceback",
        "contextlib",
        "asyncio",
        "timedelta",
        "display",
        "INPUTS",
        "TASK_SOURCE",
        "ProcessPoolTaskRunner",
        "SequentialTaskRunner",
    }
)
#: Words of a cell's name that its function is named after.
_LONGEST_NAME = 6
#: What IPython puts into every notebook, and a module lacks.
_HISTORY = frozenset(
    {"_", "__", "___", "_i", "_ii", "_iii", "In", "Out", "get_ipython", "__annotations__"}
)


def export_python(path: str | Path) -> str:
    """The notebook as the text of a Python module that does the same.

    Raises `NotebookError` when there is no such notebook, when it is not written in Python, or
    when a cell has no meaning outside of a notebook; then cell and line are named.
    """
    source = read_source(path)
    declared = take_parameters(source.cells)
    planned = _planned(source, [parameter.name for parameter, _ in declared])
    _refuse_history(planned.bodies, source)
    arguments = signature(declared, planned.hoisted.names, _changed(planned.bodies))
    waits = waiting(planned.bodies, planned.units)
    names = _named(source, planned, waits)
    _prepare(source, planned.bodies)
    text = Writer(source, planned, waits, arguments, names).text()
    return _checked(text, source.file)


def _planned(source: Source, parameters: list[str]) -> Plan:
    """The plan; calls of task cells are given what they leave out, which may change it."""
    planned = plan(source, parameters)
    tasks: dict[str, list[str]] = {}
    for unit in planned.units.values():
        name = unit.body.cell.given
        if name in tasks:
            _refuse_second(source, name)
        elif name and unit.body.cell.role is Role.TASK:
            tasks[name] = unit.inputs
    changed = False
    for cell in source.cells:
        given = with_inputs(cell.python, parsed(cell.python), tasks)
        if given != cell.python and cell.role is not Role.PARAMETERS:
            cell.python = given
            cell.take(cut(given))
            changed = True
    return plan(source, parameters) if changed else planned


def _refuse_second(source: Source, name: str) -> None:
    """Two task cells of one name are no trouble, unless the notebook calls one by that name."""
    for cell in source.cells:
        if any(name in piece.names.mentions for piece in cell.pieces):
            raise NotebookError(
                f"Cell {cell.label!r} calls {name}, which is the name of two task cells. "
                "Give them different names."
            )


def _checked(text: str, file: str) -> str:
    try:
        compile(text, "<export>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NotebookError(
            f"{file} cannot be written as a module: {error.msg} in {(error.text or '').strip()!r}. "
            "Simplify that cell, or tag it skip-execution to leave it out."
        ) from error
    return text


def _changed(bodies: list[Body]) -> AbstractSet[str]:
    """Names whose object some cell may change, or keep under another name."""
    found: set[str] = set()
    for body in bodies:
        analysis = body.when_it_ends
        found |= analysis.mutates | analysis.may_mutate
        found |= {name for held in analysis.flows.values() for name in held}
    return found


def _refuse_history(bodies: list[Body], source: Source) -> None:
    for body in bodies:
        for piece in body.cell.pieces:
            hidden = [n for n in piece.names.namespace if n.endswith("as a value") or n == "dir"]
            if hidden:
                raise NotebookError(
                    f"Cell {body.cell.label!r}: {hidden[0].partition(' ')[0]} would not see the "
                    "notebook's names in a module. Call globals() there instead."
                )
            used = [
                n for n in piece.names.mentions if n in _HISTORY and n not in source.ours.meanings
            ]
            if used:
                raise NotebookError(
                    f"Cell {body.cell.label!r}: {used[0]} is there in notebooks only. "
                    "Give the value a name, or tag the cell skip-execution to leave it out."
                )


def _prepare(source: Source, bodies: list[Body]) -> None:
    """`display` is always there in notebooks."""
    if "display" in source.ours.meanings:
        return
    if any("display" in piece.names.mentions for body in bodies for piece in body.cell.pieces):
        source.ours.use("IPython.display:display")


# ── names ────────────────────────────────────────────────────────────────────────────────


def _named(source: Source, planned: Plan, waits: Waiting) -> Written:
    taken = _taken(source, planned)
    units: dict[int, str] = {}
    for number, unit in planned.units.items():
        cell = unit.body.cell
        given = cell.given or ""
        fits = given.isidentifier() and given not in taken
        words = given or base_label(cell.label)
        units[number] = given if fits else _function_name(words, taken)
        taken.add(units[number])
    flow = _flow_name(source.name, taken)
    taken.add(flow)
    futures = {}
    for number in waits.submitted:
        futures[number] = _free(f"{units[number]}_future", taken)
        taken.add(futures[number])
    return Written(flow, frozenset(taken), units, futures)


def _taken(source: Source, planned: Plan) -> set[str]:
    names = {*_OURS, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    names |= planned.hoisted.names
    for cell in source.cells:
        for piece in cell.pieces:
            names |= piece.names.binds.keys() | piece.names.mentions.keys()
    given = {u.body.cell.given for u in planned.units.values()}
    bound = {n for c in source.cells for p in c.pieces for n in p.names.binds}
    return names - {name for name in given if name and name not in bound}


def _flow_name(stem: str, taken: AbstractSet[str]) -> str:
    plain = re.sub(r"\W+", "_", stem).strip("_")
    name = plain if plain.isidentifier() else f"flow_{plain}".rstrip("_")
    return name if name not in taken else _free(f"{name}_flow", taken)


def _function_name(words: str, taken: AbstractSet[str]) -> str:
    plain = re.sub(r"\W+", "_", words).strip("_").lower()
    short = "_".join(part for part in plain.split("_")[:_LONGEST_NAME] if part)
    name = short if short.isidentifier() else f"task_{short}".rstrip("_")
    return name if name not in taken else _free(f"make_{name}", taken)


def _free(name: str, taken: AbstractSet[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}_{n}" for n in range(2, len(taken) + 3) if f"{name}_{n}" not in taken)
