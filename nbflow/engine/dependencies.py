"""Which runs the arguments of a call come from.

This module decides what counts as a dependency: futures and annotated futures anywhere
inside an argument, and values that another run returned. It must not wait for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from nbflow.annotations import BaseAnnotation, quote, unwrap
from nbflow.engine.lineage import Lineage
from nbflow.futures import SCALARS, Future, find_futures
from nbflow.models import Dependency

#: How deep nested arguments are searched for values of other runs.
_DEPTH: Final = 3
#: Elements of one container that are searched; a longer one is data, not a bundle of results.
_MOST_ELEMENTS: Final = 100


def dependencies_of(
    parameters: Mapping[str, Any], wait_for: Iterable[Any] | None, lineage: Lineage | None
) -> tuple[tuple[Dependency, ...], list[Future[Any]]]:
    """The runs that a call depends on, and the futures among them."""
    found: dict[tuple[UUID, str], Dependency] = {}
    futures: dict[int, Future[Any]] = {}
    named = list(parameters.items())
    if wait_for is not None:
        named.append(("", list(wait_for)))
    for name, value in named:
        if type(value) not in SCALARS:
            for future in find_futures(value):
                futures[id(future)] = future
                run_id = future.task_run_id
                found.setdefault((run_id, name), Dependency(run_id, name))
        for run_id in _origins(value, lineage, _DEPTH) if lineage else ():
            found.setdefault((run_id, name), Dependency(run_id, name))
    return tuple(found.values()), list(futures.values())


def sources_of(parameters: Mapping[str, Any], lineage: Lineage | None) -> tuple[Dependency, ...]:
    """The runs that returned whole arguments of a `map` call, before they are split."""
    found = []
    for name, value in parameters.items():
        bare = unwrap(value)
        known = bare.task_run_id if isinstance(bare, Future) else None
        run_id = known or (lineage.origin(bare) if lineage else None)
        if run_id is not None:
            found.append(Dependency(run_id, name))
    return tuple(found)


def _origins(value: Any, lineage: Lineage, depth: int) -> Iterable[UUID]:
    """The runs that returned `value`, or parts of it."""
    origin = lineage.origin(value)
    if origin is not None:
        yield origin
    if isinstance(value, BaseAnnotation) and not isinstance(value, quote):
        yield from _origins(value.unwrap(), lineage, depth)
    elif depth and type(value) not in SCALARS:
        for element in _elements(value):
            yield from _origins(element, lineage, depth - 1)


def _elements(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple | set | frozenset):
        return ()
    return value if len(value) <= _MOST_ELEMENTS else ()
