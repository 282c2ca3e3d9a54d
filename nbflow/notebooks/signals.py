"""Remember Ctrl-C and SIGTERM instead of being cut by them.

This module decides which signals a run listens to. It must not know what a run does about
them.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class RememberedSignals:
    """While it is entered, SIGINT and SIGTERM are remembered instead of raised.

    An exception out of nowhere could cut a save in half. Off the main thread, and for
    signals that this process ignores, nothing changes.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        #: Asked more than once: no more patience.
        self.insisted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if handler is not None and handler is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._remember)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.insisted = self.received is not None
        self.received = self.received or signal.Signals(number)
