"""Slots of named limits, held for the time of a block, or used once.

This module decides what is asked of the store for a limit's name, and what is said when the time
is over. It must not know how slots are waited for, kept or returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Final

from nbflow.context import current_context
from nbflow.engine.slots import SlotRequest, known_limits
from nbflow.exceptions import RunTimeout, UsageError
from nbflow.owner import this_owner
from nbflow.store import open_store
from nbflow.wording import duration

#: Of the time in which a rate limit gives what is asked for: after it, asking again pays.
_SHARE: Final = 0.1
_SOONEST: Final = 0.01
_LATEST: Final = 0.5


class Occupation:
    """Slots of named limits, held inside a `with` or `async with` block."""

    def __init__(
        self,
        names: str | Sequence[str],
        occupy: int = 1,
        timeout_seconds: float | None = None,
        strict: bool = False,
        lease_duration: float = 60.0,
    ) -> None:
        self._names = plain(names)
        self._occupy = _positive(occupy)
        self._timeout = timeout_seconds
        self._strict = strict
        self._lease = lease_duration
        #: One for each time that the block was entered and not left.
        self._held: list[SlotRequest] = []
        if lease_duration <= 0:
            raise UsageError(f"A lease lasts longer than 0 seconds; got {lease_duration!r}.")

    def __enter__(self) -> None:
        request = self._request()
        self._hold(request, request.wait(self._timeout))

    async def __aenter__(self) -> None:
        request = self._request()
        self._hold(request, await request.wait_async(self._timeout))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.pop().release()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.pop().release()

    def _request(self) -> SlotRequest:
        limits = open_store().limits
        if self._strict:
            for name in self._names:
                limits.limit(name)  # raises, naming near matches
        return SlotRequest(
            limits=limits,
            names=self._names,
            occupy=self._occupy,
            holder=holder(),
            lease_seconds=self._lease,
        )

    def _hold(self, request: SlotRequest, granted: bool) -> None:
        if not granted:
            raise out_of_time(self._names, self._timeout)
        self._held.append(request)


def use_of(names: str | Sequence[str], occupy: int, *, strict: bool) -> SlotRequest:
    """A request of slots that become free by themselves; strict: the limits must be rate limits."""
    limits, wanted = open_store().limits, plain(names)
    if strict:
        for name in wanted:
            if limits.limit(name).slot_decay_per_second is None:
                raise UsageError(
                    f"The limit {name!r} gives no slots back by itself, so it limits no rate. "
                    "Make it do so: nbflow limit set NAME SLOTS --decay PER_SECOND"
                )
    known = known_limits(limits, wanted)
    refills = [
        _positive(occupy) / each.slot_decay_per_second
        for each in known
        if each.slot_decay_per_second
    ]
    patience = min([_LATEST, *(refill * _SHARE for refill in refills)])
    return SlotRequest(
        limits=limits,
        names=wanted,
        occupy=occupy,
        holder=holder(),
        kept=False,
        patience=max(_SOONEST, patience),
    )


def plain(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names of limits, each once, in an order that all who want the same agree on."""
    return (names,) if isinstance(names, str) else tuple(sorted(set(names)))


def holder() -> str:
    """Who asks, for people: the run, or the process."""
    context = current_context()
    return context.label.lower() if context else f"process {this_owner()}"


def out_of_time(names: tuple[str, ...], timeout: float | None) -> RunTimeout:
    """What is raised when no slot became free in time."""
    shown = ", ".join(repr(name) for name in names)
    return RunTimeout(
        f"No slot of the limit {shown} became free within {duration(timeout)}. "
        "See what is taken: nbflow limit ls"
    )


def _positive(occupy: int) -> int:
    if occupy < 1:
        raise UsageError(f"Occupy at least 1 slot; got {occupy!r}.")
    return occupy
