"""When a run is to stop: its time limits, those of its cells, signals and stop requests.

This module decides why and when, not what is done about it. It must not know kernels.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence

from nbflow.exceptions import CancelledRun, CellTimeout, FlowRunTimeout, TerminationSignal
from nbflow.notebooks.events import CellInfo, CellOutcome
from nbflow.notebooks.judgement import Interruption, RunningCell
from nbflow.notebooks.run_options import RunOptions
from nbflow.notebooks.signals import RememberedSignals


class Limits:
    """The limits of one run; time counts from when this is made."""

    def __init__(
        self,
        options: RunOptions,
        signals: RememberedSignals,
        own_limit: Callable[[CellInfo], float | None],
    ) -> None:
        """Take the limits of `options`; `own_limit` is what a cell says of itself, in seconds."""
        self._options = options
        self._signals = signals
        self._own_limit = own_limit
        self._deadline = time.monotonic() + options.timeout if options.timeout else None
        #: Cells that wait for a person, and since when one does.
        self._paused = 0
        self._paused_since = 0.0

    def startup_patience(self) -> float:
        """Seconds that the kernel may take to answer."""
        patience = self._options.start_timeout
        if self._deadline is not None:
            patience = min(patience, max(0.0, self._deadline - time.monotonic()))
        return patience

    def stop_error(self) -> BaseException | None:
        """What whoever asked the run to stop is to hear; None when nobody did."""
        if self._signals.received == signal.SIGINT:
            return KeyboardInterrupt()
        if self._signals.received is not None:
            return TerminationSignal("The run was told to end (SIGTERM).")
        return CancelledRun() if self._options.stop.is_set() else None

    def pause(self, cell: RunningCell) -> None:
        """A cell waits for a person from now on: neither its time nor the run's passes."""
        if cell.paused_since is None:
            cell.paused_since = time.monotonic()
            self._paused_since = self._paused_since if self._paused else cell.paused_since
            self._paused += 1

    def go_on(self, cell: RunningCell) -> None:
        """The cell waits no more."""
        if cell.paused_since is not None:
            at = time.monotonic()
            cell.counted_from += at - cell.paused_since
            cell.paused_since = None
            self._paused -= 1
            if self._deadline is not None and not self._paused:
                self._deadline += at - self._paused_since

    def overrun(self) -> FlowRunTimeout | None:
        """What is wrong when the run's own time is over."""
        if self._deadline is None or self._paused or time.monotonic() <= self._deadline:
            return None
        return FlowRunTimeout(
            f"The notebook exceeded its time limit of {self._options.timeout:g} s."
        )

    def reason_to_stop(self, cells: Sequence[RunningCell]) -> Interruption | None:
        """Why to stop now, given the cells that were started and have not ended."""
        at = time.monotonic()
        deadline = at + self._options.interrupt_grace
        if (error := self.stop_error()) is not None:
            return Interruption(CellOutcome.CANCELLED, error, deadline)
        if (over := self.overrun()) is not None:
            return Interruption(CellOutcome.TIMED_OUT, over, deadline)
        self._excuse_waiting(cells, at)
        for cell in cells:
            limit = None if cell.paused_since else self._limit_of(cell.info)
            if limit and at - cell.counted_from > limit:
                message = f"The cell {cell.info.name!r} exceeded its time limit of {limit:g} s."
                return Interruption(CellOutcome.TIMED_OUT, CellTimeout(message), deadline, cell)
        return None

    @staticmethod
    def _excuse_waiting(cells: Sequence[RunningCell], at: float) -> None:
        """Who waits for another cell to end is not at work meanwhile."""
        if not all(cell.waiting for cell in cells):
            for cell in cells:
                if cell.waiting:
                    cell.counted_from = at

    def _limit_of(self, cell: CellInfo) -> float | None:
        limit = self._options.cell_timeout
        given = limit(cell) if callable(limit) else limit
        return min(filter(None, (given, self._own_limit(cell))), default=None)
