"""One run of a task cell for the notebook: its namespace, its outputs, its publication.

This module decides what a cell's body sees and what the notebook gets. When it may start is
the board's business; states, retries, time limits and stored values are the engine's.
"""

from __future__ import annotations

import ctypes
import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from nbflow.cells.body import CompiledBody
from nbflow.cells.records import CellValues, Mode, Output
from nbflow.cells.task import CellFunction, signature_of
from nbflow.futures import Future

_ABSENT: Final = object()
#: Names that change by themselves while cells run.
_UNSTABLE: Final = frozenset({"_", "__", "___", "_oh", "_ih", "_i", "_ii", "_iii", "_dh"})


#: Runs a body and returns its last value, and what it showed if that is to be known.
Stage: TypeAlias = Callable[[Callable[[], Any]], tuple[Any, list[Output]]]


@dataclass(frozen=True, slots=True)
class Awaited:
    """Values that come from a cell which had not ended when this run was made."""

    source: Future[CellValues]
    #: The names to take over.
    names: tuple[str, ...]
    #: Those without which the cell cannot run.
    needed: tuple[str, ...] = ()


@dataclass(eq=False)
class CellAttempts:
    """What the engine calls, once for each attempt; returns `CellValues`."""

    function: CellFunction
    code: CompiledBody
    notebook: dict[str, Any]
    show: Callable[[Any], None]
    #: What wraps each attempt: recording what it shows.
    staged: Stage
    awaited: tuple[Awaited, ...] = ()
    #: The notebook's names when a private run was made.
    snapshot: dict[str, Any] = field(default_factory=dict)
    #: The thread that runs the body at the moment.
    thread: int | None = None

    def __post_init__(self) -> None:
        self.__name__ = self.__qualname__ = self.function.name
        self.__module__ = "__main__"
        self.__doc__ = None
        self.__signature__: inspect.Signature = signature_of(self.function.interface, {})
        if self.private:
            self.snapshot = dict(self.notebook)

    @property
    def source(self) -> str:
        """The cell's body as written: kept with the inputs when it fails."""
        return self.function.body.text

    @property
    def private(self) -> bool:
        """Whether the body runs in a namespace of its own."""
        return self.function.interface.mode is Mode.PRIVATE

    def __call__(self, *args: Any, **kwargs: Any) -> CellValues:
        """One attempt."""
        __tracebackhide__ = True
        del args, kwargs  # they are in the namespace, as the very objects the notebook holds
        self.function.body.remember_source()
        self.thread = threading.get_ident()
        try:
            return self._in_private() if self.private else self._in_notebook()
        finally:
            self.thread = None

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the body, if it runs, as soon as it runs Python code."""
        if self.thread is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread), ctypes.py_object(KeyboardInterrupt)
            )

    def names(self) -> Mapping[str, Any]:
        """The names that the body finds; complete when all that it follows has ended."""
        if not self.private:
            return self.notebook
        found = dict(self.snapshot)
        for each in self.awaited:
            if each.source.state.is_completed():
                values = each.source.result()
                found |= {
                    name: values.outputs[name] for name in each.names if name in values.outputs
                }
                for name in values.deleted.intersection(each.names):
                    found.pop(name, None)
        return found

    def _in_private(self) -> CellValues:
        __tracebackhide__ = True
        before = self.names()
        namespace = dict(before)
        last, shown = self._run(namespace)
        outputs = {n: namespace[n] for n in self._outputs(before, namespace)}
        deleted = frozenset(before.keys() - namespace.keys() - _UNSTABLE)
        return CellValues(outputs=outputs, deleted=deleted, shown=list(shown), last=last)

    def _outputs(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
        interface = self.function.interface
        stated = [name for name in interface.outputs if name in after]
        known = {*stated, *_UNSTABLE, *interface.hidden}
        changed = [n for n in after if after[n] is not before.get(n, _ABSENT)]
        more = (n for n in changed if n not in known and not _is_cell_number(n))
        return [*stated, *sorted(more)]

    def _in_notebook(self) -> CellValues:
        __tracebackhide__ = True
        interface, notebook = self.function.interface, self.notebook
        touched = {*interface.outputs, *interface.deletes, *interface.hidden}
        before = {name: notebook.get(name, _ABSENT) for name in touched}
        try:
            last, shown = self._run(notebook)
        except BaseException:
            _put_back(notebook, before)
            raise
        _put_back(notebook, {name: before[name] for name in interface.hidden})
        outputs = {name: notebook[name] for name in interface.outputs if name in notebook}
        gone = (name for name, value in before.items() if value is not _ABSENT)
        deleted = frozenset(name for name in gone if name not in notebook)
        return CellValues(outputs=outputs, deleted=deleted, shown=list(shown), last=last)

    def _run(self, namespace: dict[str, Any]) -> tuple[Any, list[Output]]:
        __tracebackhide__ = True
        body = self.function.body
        return self.staged(lambda: body.run(self.code, namespace, self.show))


@dataclass(eq=False)
class RemoteAttempts:
    """The same for a runner of processes: the inputs travel, and so do the values back."""

    function: CellFunction

    def __post_init__(self) -> None:
        self.__name__ = self.__qualname__ = self.function.name
        self.__module__ = "__main__"
        self.__doc__ = None
        self.__signature__: inspect.Signature = signature_of(self.function.interface, {})

    @property
    def source(self) -> str:
        """The cell's code, for whoever looks into its failure."""
        return self.function.body.text

    def names(self) -> Mapping[str, Any]:
        """The notebook's names."""
        return self.function.namespace()

    def __call__(self, *args: Any, **kwargs: Any) -> CellValues:
        """One attempt."""
        __tracebackhide__ = True
        return self.function.compute(self.__signature__.bind(*args, **kwargs).arguments)

    def __reduce__(self) -> Any:
        return RemoteAttempts, (self.function,)


def publish(values: CellValues, notebook: dict[str, Any], allowed: Callable[[str], bool]) -> None:
    """Give the notebook what a run made, name by name where `allowed`."""
    notebook.update({name: v for name, v in values.outputs.items() if allowed(name)})
    for name in values.deleted:
        if allowed(name):
            notebook.pop(name, None)


def _put_back(namespace: dict[str, Any], before: Mapping[str, Any]) -> None:
    for name, value in before.items():
        if value is _ABSENT:
            namespace.pop(name, None)
        else:
            namespace[name] = value


def _is_cell_number(name: str) -> bool:
    """`_3` and `_i3`, which IPython makes."""
    return name.startswith("_") and name.lstrip("_i").isdigit()
