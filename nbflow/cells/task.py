"""A cell as a task: what its name means to the rest of the notebook.

This module decides how a cell is called like a function: its signature, where omitted inputs
come from, and what it returns. It must not know how the notebook runs the cell itself.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from nbflow.cells.body import CellBody
from nbflow.cells.records import CellInterface, CellValues, TaskCellOptions
from nbflow.tasks import Task


class _Missing:
    """Stands for an input that the notebook does not have (yet)."""

    def __repr__(self) -> str:
        return "<not in the notebook>"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(eq=False)
class CellFunction:
    """The body of a cell as a function of its inputs, in a namespace of its own."""

    name: str
    body: CellBody
    interface: CellInterface
    #: The notebook's names, looked up when the function is called.
    namespace: Callable[[], Mapping[str, Any]]

    def __post_init__(self) -> None:
        self.__name__ = self.__qualname__ = self.name
        self.__module__ = "__main__"
        self.__doc__ = None
        self.__signature__ = signature_of(self.interface, {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The cell's outputs for these inputs; nothing of the notebook is touched."""
        __tracebackhide__ = True
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        values = self.compute(bound.arguments)
        returns = self.interface.returns
        if not returns:
            return values.last
        outputs = [values.outputs[name] for name in returns if name in values.outputs]
        return outputs[0] if len(returns) == 1 and outputs else tuple(outputs)

    def compute(self, inputs: Mapping[str, Any]) -> CellValues:
        """Run the body on these inputs; what it shows is left to the caller."""
        __tracebackhide__ = True
        absent = [name for name, value in inputs.items() if value is MISSING]
        if absent:
            raise TypeError(
                f"{self.name}() needs {absent[0]!r}: pass it, or run the cell that makes it."
            )
        namespace = {"__name__": "__main__", "__builtins__": builtins, **self.namespace(), **inputs}
        self.body.remember_source()
        last = self.body.run(self.body.compile(), namespace)
        made = {n: namespace[n] for n in self.interface.outputs if n in namespace}
        return CellValues(outputs=made, last=last)

    def __reduce__(self) -> Any:
        # Another process gets what the body uses, not the notebook.
        known = self.namespace()
        names = {"get_ipython", "display"} - self.interface.surroundings
        used = {n: known[n] for n in self.interface.surroundings if n in known and n not in names}
        return _travelled, (self.name, self.body, self.interface, used)


def _travelled(
    name: str, body: CellBody, interface: CellInterface, surroundings: dict[str, Any]
) -> CellFunction:
    return CellFunction(name, body, interface, lambda: surroundings)


def signature_of(interface: CellInterface, values: Mapping[str, Any]) -> inspect.Signature:
    """A parameter for each input, with the notebook's value as its default."""
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=values.get(name, MISSING),
            )
            for name in interface.inputs
        ]
    )


class CellTask(Task[..., Any]):
    """A cell as a task: callable, submittable, usable in flows.

    Inputs that a call leaves out are taken from the notebook as it is at that moment. It
    returns the cell's output, the tuple of its outputs in the order in which the code first
    assigns them, or, when it has none, the value of its last expression.
    """

    fn: CellFunction

    def __init__(
        self, fn: CellFunction, options: TaskCellOptions, *, values: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._values = values
        self.options = options
        super().__init__(fn, **engine_options(options, fn.name))
        self.description = None

    @property
    def signature(self) -> inspect.Signature:
        """A parameter for each input; defaults are the notebook's values as they are now."""
        return signature_of(self.fn.interface, self._values())

    @signature.setter
    def signature(self, value: inspect.Signature) -> None:
        del value  # `Task` reads it once; ours never stands still

    @property
    def interface(self) -> CellInterface:
        """What the cell takes and gives."""
        return self.fn.interface

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(self.interface.inputs), ", ".join(self.interface.returns)
        return f"<Task {self.name!r} of a cell: ({inputs}) → {outputs or 'nothing'}>"


def engine_options(options: TaskCellOptions, name: str) -> dict[str, Any]:
    """The options of a `Task` that a cell's options stand for."""
    seconds = options.cache_seconds
    return {
        "name": name,
        "tags": options.tags,
        "retries": options.retries,
        "retry_delay_seconds": list(options.retry_delays) if options.retry_delays else None,
        "timeout_seconds": options.timeout,
        "cache_expiration": timedelta(seconds=seconds) if seconds is not None else None,
    }
