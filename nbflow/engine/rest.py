"""What a run does while nothing of it executes: it sleeps, or waits for its slots.

This module decides how a thread or an event loop spends such a step, and that whatever
interrupts it ends the run. It must not know who drives the run, nor what comes next.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from nbflow.engine.machine import Event, Sleep, Woke
from nbflow.engine.slot_wait import SlotWait

#: What an exception during the rest means for the run.
Interrupted = Callable[[BaseException], Event]


def rest(step: Sleep | SlotWait, interrupted: Interrupted) -> Event:
    """Wait in this thread until the step is over."""
    try:
        if isinstance(step, SlotWait):
            return step.here()
        time.sleep(step.seconds)
    except BaseException as error:  # noqa: BLE001 - an interrupt during the wait ends the run
        return interrupted(error)
    return Woke()


async def rest_async(step: Sleep | SlotWait, interrupted: Interrupted) -> Event:
    """Wait until the step is over, without blocking the event loop."""
    import asyncio  # noqa: PLC0415 - slow to load, and only async runs need it

    try:
        if isinstance(step, SlotWait):
            return await step.in_loop()
        await asyncio.sleep(step.seconds)
    except BaseException as error:  # noqa: BLE001 - a cancellation during the wait ends the run
        return interrupted(error)
    return Woke()
