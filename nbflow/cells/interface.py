"""What a cell takes from the notebook, what it gives back, and where its body may run.

This module decides, from the analysis of the code and the values at hand, a cell's inputs,
surroundings, outputs and mode, and refuses statements that contradict the code. It must not
know how cells are run.
"""

from __future__ import annotations

import builtins
import io
import tokenize
from collections.abc import Iterable, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from nbflow.cells.records import CellInterface, Mode, TaskCellOptions
from nbflow.dataflow import CellAnalysis
from nbflow.exceptions import CellInterfaceError
from nbflow.flows import Flow
from nbflow.tasks import Task

#: Names that IPython puts into every notebook.
_IPYTHON: Final = frozenset(
    {"get_ipython", "display", "In", "Out", "exit", "quit", "_", "__", "___", "_i", "_ii", "_iii"}
    | {"_ih", "_oh", "_dh", "__name__", "__builtins__", "__builtin__", "__doc__", "_exit_code"}
)
_CODE: Final = (
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    type,
    partial,
    Task,
    Flow,
)
_MISSING: Final = object()


def is_surrounding(value: object) -> bool:
    """Whether a value is code (a module, function, class, task, flow) rather than data."""
    return isinstance(value, _CODE)


def interface_of(
    analysis: CellAnalysis,
    text: str,
    namespace: Mapping[str, Any],
    options: TaskCellOptions,
    *,
    shared_because: str = "",
) -> CellInterface:
    """The interface of a cell.

    Args:
        analysis: What the body reads, binds and may change.
        text: The body as Python.
        namespace: The notebook's names as they are now.
        options: What the cell states of itself.
        shared_because: Why the body cannot run in a namespace of its own, as far as the rest
            of the notebook tells; empty when it can.

    Raises:
        CellInterfaceError: The cell states inputs or outputs that its code contradicts.
    """
    order = _order_of_names(text)
    foreign = frozenset(n for n in analysis.interpolated if n not in namespace)  # $HOME
    reads = (analysis.uses | _overridden(analysis, namespace)) - _IPYTHON - foreign
    surroundings = frozenset(n for n in reads if is_surrounding(namespace.get(n, _MISSING)))
    inputs = _stated_inputs(options, reads, surroundings, analysis)
    if inputs is None:
        inputs = _in_order(reads - surroundings, order)
    binds = _in_order(analysis.defs - _IPYTHON, order)
    outputs = _stated_outputs(options, binds)
    _refuse_own_name(options.name, outputs)
    reason = _why_shared(analysis, text) or shared_because
    if reason and options.runner == "process":
        raise CellInterfaceError(
            f"--runner process needs a cell that can run apart from the notebook: {reason}. "
            "Move that to a cell of its own, or leave --runner out."
        )
    return CellInterface(
        inputs=inputs,
        surroundings=surroundings - set(inputs),
        outputs=outputs,
        returns=_returned(options, outputs, analysis),
        hidden=frozenset(binds) - set(outputs),
        deletes=analysis.deletes,
        mode=Mode.SHARED if reason else Mode.PRIVATE,
        reason=reason,
    )


def _overridden(analysis: CellAnalysis, namespace: Mapping[str, Any]) -> frozenset[str]:
    """Builtins that the notebook has given another meaning."""
    own = (n for n in analysis.builtins if n in namespace)
    return frozenset(n for n in own if namespace[n] is not getattr(builtins, n, _MISSING))


def _stated_inputs(
    options: TaskCellOptions,
    reads: frozenset[str],
    surroundings: frozenset[str],
    analysis: CellAnalysis,
) -> tuple[str, ...] | None:
    stated = options.inputs
    if stated is None:
        return None
    needed = (analysis.refs & reads) - surroundings
    if missing := sorted(needed - set(stated)):
        raise CellInterfaceError(
            f"--in says {_listed(stated)}, but the code also reads {_listed(missing)}. "
            f"Write --in {' '.join((*stated, *missing))}, or leave --in out."
        )
    if not analysis.ambiguous and (unused := [n for n in stated if n not in reads]):
        raise CellInterfaceError(
            f"--in says {_listed(stated)}, but the code reads {_listed(sorted(reads))}: "
            f"{_listed(unused)} is not among them. Correct --in, or leave it out."
        )
    return stated


def _stated_outputs(options: TaskCellOptions, binds: tuple[str, ...]) -> tuple[str, ...]:
    stated = options.outputs
    if stated is None:
        return binds
    if wrong := [name for name in stated if name not in binds]:
        raise CellInterfaceError(
            f"--out says {_listed(stated)}, but the code assigns {_listed(binds)}: "
            f"{_listed(wrong)} is not among them. Correct --out, or leave it out."
        )
    return stated


def _returned(
    options: TaskCellOptions, outputs: tuple[str, ...], analysis: CellAnalysis
) -> tuple[str, ...]:
    if options.outputs is not None:
        return outputs
    return tuple(n for n in outputs if n not in analysis.imports and not n.startswith("_"))


def _refuse_own_name(name: str | None, outputs: tuple[str, ...]) -> None:
    if name is not None and name in outputs:
        raise CellInterfaceError(
            f"The task's name {name!r} is also what its code assigns, and one would hide the "
            f"other. Choose another name, such as make_{name}."
        )


def _why_shared(analysis: CellAnalysis, text: str) -> str:
    if analysis.ambiguous:
        return analysis.ambiguous[0]
    if analysis.opaque:
        return "its code cannot be read"
    if "run_cell_magic(" in text:
        return "it holds a cell magic"
    if lasting := sorted(n for n in analysis.functions):
        return f"it defines code that lives on: {_listed(lasting)}"
    if analysis.handed.reads or analysis.handed.writes:
        return "it hands a function to code that may keep it"
    return ""


def _order_of_names(text: str) -> dict[str, int]:
    """Where each name first stands in the code."""
    order: dict[str, int] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                order.setdefault(token.string, len(order))
    except (tokenize.TokenError, SyntaxError):  # the compiler will say what is wrong
        pass
    return order


def _in_order(names: Iterable[str], order: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (order.get(name, len(order)), name)))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
