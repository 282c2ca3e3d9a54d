"""What of a store may be called from afar: the methods that its Protocols declare.

This module decides which methods these are, and how their arguments and results become JSON:
by the types in the Protocols. Both ends read it off the same declarations. It must not know
HTTP, nor who implements the methods.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args, get_type_hints

from nbflow import wire
from nbflow.exceptions import UsageError
from nbflow.store.base import Store
from nbflow.store.orchestration import (
    ArtifactStore,
    DeploymentStore,
    DispatchStore,
    EventStore,
    LimitStore,
    UpkeepStore,
    VaultStore,
)

#: Both ends must have the same; it grows when an older end would misunderstand a newer one.
PROTOCOL: Final = 1

#: The component that is the store itself: what it offers beside its buffered writes.
RUNS: Final = "runs"
_OF_RUNS: Final = (
    "flow_run",
    "find_flow_run",
    "flow_runs",
    "count_flow_runs",
    "task_run",
    "task_runs",
    "states",
    "logs",
    "changes",
    "close_abandoned",
    "take_over",
    "info",
)
_DECLARED: Final[Mapping[str, type]] = {
    RUNS: Store,
    "deployments": DeploymentStore,
    "dispatch": DispatchStore,
    "limits": LimitStore,
    "vault": VaultStore,
    "artifacts": ArtifactStore,
    "events": EventStore,
    "upkeep": UpkeepStore,
}
COMPONENTS: Final = tuple(_DECLARED)

#: Methods that change nothing: their answers need not be remembered for a repeated question.
_READING: Final[Mapping[str, frozenset[str]]] = {
    RUNS: frozenset(_OF_RUNS) - {"close_abandoned", "take_over"},
    "deployments": frozenset(
        {"get", "find", "search", "count", "versions", "version", "snapshot", "upcoming"}
    ),
    "dispatch": frozenset(
        {"queued", "next_due", "queues", "queue", "workers", "backfill", "backfills", "inputs"}
    ),
    "limits": frozenset({"limits", "limit"}),
    "vault": frozenset({"variables", "variable", "secrets", "secret_value"}),
    "artifacts": frozenset({"get", "search"}),
    "events": frozenset({"since", "latest", "wait"}),
    "upkeep": frozenset({"largest"}),
}


@dataclass(frozen=True, slots=True)
class Method:
    """A method that may be called, with the types of what goes in and comes out."""

    component: str
    name: str
    #: As the Protocol declares it.
    function: Callable[..., Any]
    #: Without `self`.
    signature: inspect.Signature
    kinds: Mapping[str, Any]
    result: Any
    #: Whether it only reads.
    reads: bool

    @property
    def path(self) -> str:
        """Its place below `/store`."""
        return f"{self.component}/{self.name}"

    @property
    def raw_argument(self) -> str | None:
        """The argument that is bytes: they travel as they are, beside the JSON."""
        found = [name for name, kind in self.kinds.items() if bytes in (kind, *get_args(kind))]
        return found[0] if found else None

    @property
    def raw_result(self) -> bool:
        """Whether the result is bytes, which travel as they are."""
        return self.result is bytes

    def dump_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name, bytes as they are.

        Raises `TypeError` when they do not fit the signature, as any call does, and
        `UsageError` for a value that is not of its type, or is no JSON.
        """
        bound = self.signature.bind(*args, **kwargs).arguments
        raw = self.raw_argument
        try:
            named = {name: value for name, value in bound.items() if name != raw}
            dumped = wire.dump_named(self.kinds, named)
        except wire.Unfit as error:
            raise UsageError(f"{self.name}: {error}. Correct it.") from None
        if raw in bound:
            dumped[raw] = bound[raw]
        return dumped

    def load_arguments(self, given: Any, raw: bytes | None = None) -> inspect.BoundArguments:
        """The arguments of a call from their JSON form, and the one that is bytes.

        Raises `wire.Unfit`, naming the argument that does not fit.
        """
        loaded = wire.load_named(self.kinds, given, required=self._required())
        if self.raw_argument is not None and raw is not None:
            loaded[self.raw_argument] = raw
        bound = self.signature.bind_partial()
        bound.arguments.update((name, loaded[name]) for name in self.kinds if name in loaded)
        return bound

    def _required(self) -> list[str]:
        parameters = self.signature.parameters.values()
        return [each.name for each in parameters if each.default is inspect.Parameter.empty]


@cache
def methods(component: str) -> Mapping[str, Method]:
    """The methods of a component by name; raises `KeyError` for an unknown one."""
    declared = _DECLARED[component]
    names = _OF_RUNS if component == RUNS else [n for n in vars(declared) if not n.startswith("_")]
    return {name: _method(component, name, getattr(declared, name)) for name in names}


def _method(component: str, name: str, function: Callable[..., Any]) -> Method:
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.name != "self"]
    hints = get_type_hints(function)
    return Method(
        component,
        name,
        function,
        signature.replace(parameters=own),
        {each.name: hints[each.name] for each in own},
        hints["return"],
        name in _READING[component],
    )
