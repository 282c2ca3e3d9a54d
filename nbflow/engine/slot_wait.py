"""The wait of a run for slots, as its driver sees it.

This module decides what the end of that wait means for the run. It must not know who else
waits, nor what slots are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbflow.engine.machine import BeginBlocked, Event, SlotsGranted
from nbflow.engine.outcomes import state_of_exception
from nbflow.engine.slots import SlotRequest


@dataclass(frozen=True, slots=True)
class SlotWait:
    """What takes time now: the run has to wait for its slots."""

    request: SlotRequest

    def then(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` in another thread when the wait is over; it holds no thread."""
        self.request.line_up(go_on)

    def event(self) -> Event:
        """What the end of the wait means."""
        if self.request.error is not None:
            return BeginBlocked(state_of_exception(self.request.error))
        return SlotsGranted()

    def here(self) -> Event:
        """Wait in this thread; raises what interrupts it."""
        self.request.wait()
        return self.event()

    async def in_loop(self) -> Event:
        """Wait without blocking the event loop; raises what interrupts it."""
        await self.request.wait_async()
        return self.event()
