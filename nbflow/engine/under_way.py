"""The flow runs that this process executes, and how one of them is stopped from another thread.

This module decides how a thread is interrupted: as Ctrl-C does it where that can be, so that even
`time.sleep` ends at once. It must not know who wants a run to end, nor what its end is called.
"""

from __future__ import annotations

import _thread
import ctypes
import signal
import threading
from typing import Final
from uuid import UUID

#: The thread of each run that was called at top level.
_threads: Final[dict[UUID, int]] = {}


def enter(run_id: UUID) -> None:
    """From now on, this thread executes the run."""
    _threads[run_id] = threading.get_ident()


def leave(run_id: UUID) -> None:
    """The run is over."""
    _threads.pop(run_id, None)


def interrupt(run_id: UUID) -> bool:
    """Raise `KeyboardInterrupt` in the run; False when this process does not execute it.

    In another thread than the main one it is raised when that thread's next line begins: a call
    that blocks there ends first.
    """
    thread = _threads.get(run_id)
    if thread is None:
        return False
    if thread != threading.main_thread().ident:
        kind = ctypes.py_object(KeyboardInterrupt)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), kind)
    elif hasattr(signal, "pthread_kill"):
        # To that very thread: only there a signal ends what the thread waits for.
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        _thread.interrupt_main()
    return True
