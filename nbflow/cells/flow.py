"""A cell as a flow: its parameters, and what calling it means.

This module decides how the body of a `%%flow` cell becomes the function of a `Flow`: a call
runs it in a namespace of its own and touches nothing of the notebook; the cell itself runs it
once as the notebook's own code, whose names are published when the run has completed. It must
not know magics, views or how flow runs are executed.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nbflow.cells.records import CellInterface, CellValues, FlowCellOptions, Mode
from nbflow.cells.run import CellAttempts
from nbflow.cells.task import CellFunction
from nbflow.engine.runners import ProcessPoolTaskRunner, SequentialTaskRunner, ThreadPoolTaskRunner
from nbflow.exceptions import MagicUsageError
from nbflow.flows import Flow

_RUNNERS: Final = {
    "thread": ThreadPoolTaskRunner,
    "process": ProcessPoolTaskRunner,
    "sequential": SequentialTaskRunner,
}
_ABSENT: Final = object()


@dataclass(eq=False)
class FlowFunction(CellFunction):
    """The body of a flow cell as a function of the flow's parameters."""

    parameters: inspect.Signature = field(default_factory=inspect.Signature)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.__signature__ = self.parameters

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value of the body's last expression; nothing of the notebook is touched."""
        __tracebackhide__ = True
        bound = self.parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        return self.compute(bound.arguments).last


class CellFlow(Flow[..., Any]):
    """A cell as a flow: callable with other parameters, usable as a subflow, drawable."""

    fn: FlowFunction

    @property
    def source(self) -> str | None:
        """The notebook that the cell is in, where Jupyter tells."""
        return os.environ.get("JPY_SESSION_NAME") or None

    def _remake(self, options: dict[str, Any]) -> Flow[..., Any]:
        return CellFlow(self.fn, **options)

    def __repr__(self) -> str:
        return f"<Flow {self.name!r} of a cell: {self.signature}>"


def cell_flow(function: FlowFunction, options: FlowCellOptions) -> CellFlow:
    """The flow that a cell defines."""
    delays = options.retry_delays
    flow = CellFlow(
        function,
        name=function.name,
        version=hashlib.sha256(function.body.text.encode("utf-8", "replace")).hexdigest()[:12],
        retries=options.retries,
        retry_delay_seconds=list(delays) if delays else None,
        timeout_seconds=options.timeout,
        task_runner=_RUNNERS[options.runner] if options.runner else None,
    )
    flow.description = None
    return flow


@dataclass(eq=False)
class FlowAttempts:
    """What the engine calls for the run of the cell itself, once for each attempt."""

    function: FlowFunction
    notebook: dict[str, Any]
    show: Callable[[Any], None]
    #: What the last attempt made.
    values: CellValues = field(default_factory=CellValues)

    def __post_init__(self) -> None:
        self.__name__ = self.__qualname__ = self.function.name
        self.__module__ = "__main__"
        self.__doc__ = None
        self.__signature__ = self.function.parameters

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """One attempt; returns the value of the last expression."""
        __tracebackhide__ = True
        bound = self.function.parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        if self.function.interface.mode is Mode.PRIVATE:
            self.values = self._run({**self.notebook, **bound.arguments})
        else:
            self.values = self._in_notebook(bound.arguments)
        return self.values.last

    def _run(self, names: dict[str, Any]) -> CellValues:
        __tracebackhide__ = True
        code = self.function.body.compile()
        return CellAttempts(self.function, code, names, self.show, _unrecorded)()

    def _in_notebook(self, parameters: Mapping[str, Any]) -> CellValues:
        """The body among the notebook's names, which have the parameters only meanwhile."""
        __tracebackhide__ = True
        before = {name: self.notebook.get(name, _ABSENT) for name in parameters}
        self.notebook.update(parameters)
        try:
            return self._run(self.notebook)
        finally:
            for name, value in before.items():
                if value is _ABSENT:
                    self.notebook.pop(name, None)
                else:
                    self.notebook[name] = value


def _unrecorded(run: Callable[[], Any]) -> tuple[Any, list[Mapping[str, Any]]]:
    __tracebackhide__ = True
    return run(), []


def attempted(flow: CellFlow, attempts: FlowAttempts) -> CellFlow:
    """The flow with the cell's own run in the place of its function."""
    running = copy.copy(flow)
    running.fn = attempts  # type: ignore[assignment] # it is called in the same way
    return running


def without_parameters(interface: CellInterface, parameters: inspect.Signature) -> CellInterface:
    """The interface of the body, whose parameters are neither the notebook's nor published."""
    own = frozenset(parameters.parameters)
    return replace(
        interface,
        inputs=tuple(name for name in interface.inputs if name not in own),
        outputs=tuple(name for name in interface.outputs if name not in own),
        hidden=(interface.hidden | own) & frozenset({*interface.outputs, *interface.hidden}),
    )


def signature_from(texts: Sequence[str], names: Mapping[str, Any]) -> inspect.Signature:
    """The signature that `a: int = 1` and the like make, evaluated among the notebook's names.

    Raises `MagicUsageError` for a default or a type that cannot be evaluated.
    """
    found: dict[str, inspect.Parameter] = {}
    has_default = False
    for text in texts:
        parameter = _parameter(text, names)
        if parameter.name in found:
            raise MagicUsageError(f"--param: {parameter.name} is given twice; leave one out.")
        required = parameter.default is inspect.Parameter.empty
        if required and has_default:  # Python's order asks for it: by name only
            parameter = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        has_default = has_default or not required
        found[parameter.name] = parameter
    return inspect.Signature(sorted(found.values(), key=lambda each: each.kind))


def _parameter(text: str, names: Mapping[str, Any]) -> inspect.Parameter:
    scope = dict(names)
    try:
        source = f"def nbflow_parameter(\n{text}\n): pass"
        exec(compile(source, "<--param>", "exec", dont_inherit=True), scope)  # noqa: S102 - the user's own code
    except Exception as error:
        raise MagicUsageError(
            f"--param: {text} cannot be evaluated ({type(error).__name__}: {error})."
        ) from error
    (parameter,) = inspect.signature(scope["nbflow_parameter"]).parameters.values()
    return parameter
