"""Drawing a flow without running its tasks.

This module decides what a task call returns while a flow is only traced: the task's
`viz_return_value`, or a stand-in that remembers which task it came from. It must not know
how graphs are drawn.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn

from nbflow.exceptions import VisualizationError
from nbflow.models import GraphEdge, GraphNode, NodeKind, RunGraph

_tracer: ContextVar[Tracer | None] = ContextVar("nbflow_tracer", default=None)


class TracedValue:
    """What a traced task stands for; it can be passed on, but has no value to compute with."""

    def __init__(self, node: str, task_name: str) -> None:
        self._node = node
        self._task_name = task_name

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> TracedValue:
        """Stands for a future's value too."""
        del timeout, raise_on_failure
        return self

    def wait(self, timeout: float | None = None) -> None:
        """Stands for a future too."""

    def __await__(self) -> Generator[Any, None, TracedValue]:
        yield from ()
        return self

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise VisualizationError(
            f"visualize() runs no tasks, and the flow computes with what {self._task_name!r} "
            f"returns. Give that task a stand-in: @task(viz_return_value=...)."
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    __bool__ = __iter__ = __len__ = __getitem__ = __call__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __index__ = _refuse
    __contains__ = __enter__ = _refuse


class TracedList(list[Any]):
    """What a traced `map` stands for: one traced value, for any number of runs."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[Any]:
        """Stands for the futures' values too."""
        del timeout, raise_on_failure
        return list(self)

    def wait(self, timeout: float | None = None) -> None:
        """Stands for futures too."""


@dataclass(slots=True)
class Tracer:
    """Collects the tasks a flow would run."""

    nodes: list[GraphNode] = field(default_factory=list)
    edges: dict[tuple[str, str], GraphEdge] = field(default_factory=dict)
    _groups: list[str] = field(default_factory=list)
    #: Which node returned an object, by identity; the objects are kept alive beside.
    _origins: dict[int, tuple[Any, str]] = field(default_factory=dict)

    def record(
        self,
        name: str,
        parameters: dict[str, Any],
        wait_for: Any = None,
        *,
        kind: NodeKind = NodeKind.TASK,
    ) -> str:
        """Add a node for one call, with edges from the tasks its arguments came from."""
        node = f"{name}-{len(self.nodes)}"
        group = self._groups[-1] if self._groups else None
        self.nodes.append(GraphNode(id=node, label=name, kind=kind, group=group))
        for parameter, value in parameters.items():
            for origin in self._sources(value):
                self.edges.setdefault((origin, node), GraphEdge(origin, node, parameter))
        for origin in self._sources(wait_for):
            self.edges.setdefault((origin, node), GraphEdge(origin, node))
        return node

    def returns(self, node: str, name: str, value: Any) -> Any:
        """Remember that `value` came from `node`; None means a stand-in."""
        if value is None:
            return TracedValue(node, name)
        self._origins[id(value)] = (value, node)
        return value

    @contextmanager
    def group(self, node: str) -> Iterator[None]:
        """Nodes recorded inside the block lie in the subflow `node`."""
        self._groups.append(node)
        try:
            yield
        finally:
            self._groups.pop()

    def graph(self, title: str) -> RunGraph:
        """What was collected."""
        return RunGraph(tuple(self.nodes), tuple(self.edges.values()), title)

    def _sources(self, value: Any) -> Iterator[str]:
        if isinstance(value, TracedValue):
            yield value._node  # noqa: SLF001 - same module
        elif id(value) in self._origins:
            yield self._origins[id(value)][1]
        elif isinstance(value, dict):
            for item in value.values():
                yield from self._sources(item)
        elif isinstance(value, list | tuple | set | frozenset):
            for item in value:
                yield from self._sources(item)
        elif hasattr(value, "unwrap"):
            yield from self._sources(value.unwrap())


def current_tracer() -> Tracer | None:
    """The tracer at work, when a flow is only being drawn."""
    return _tracer.get()


@contextmanager
def tracing() -> Iterator[Tracer]:
    """Trace task calls inside the block instead of running them."""
    tracer = Tracer()
    token = _tracer.set(tracer)
    try:
        yield tracer
    finally:
        _tracer.reset(token)
