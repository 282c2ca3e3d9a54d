"""Joins this kernel to the pages that show its notebook, so that views in them are live.

This module decides when there is such a bridge. There is at most one in a kernel, made for its
first view; programs that run notebooks with nobody looking get none, nor does anything that is
not a kernel. It must not know what is done about messages.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from nbflow.interactive import in_kernel, shell_here
from nbflow.notebooks.protocol import KEY
from nbflow.widgets.static import FrontEnd, front_end

if TYPE_CHECKING:  # asking for a bridge must stay cheap where there is none
    from nbflow.widgets.switchboard import Bridge

_lock = threading.Lock()
_bridge: Bridge | None = None
#: A forked process is no kernel, though it looks like one.
_is_forked = False


def bridge() -> Bridge | None:
    """The bridge of this kernel, made when it is first asked for; None where views are static.

    That is outside of kernels, in notebooks that are run with nobody looking, and where the
    front end was not built.
    """
    global _bridge  # noqa: PLW0603 - one per kernel, made and forgotten only here
    with _lock:
        if _bridge is not None and not _bridge.is_open:  # as after `Widget.close_all()`
            _bridge.close()
            _bridge = None
        if _bridge is None and not _is_forked and in_kernel() and _somebody_looks():
            front = front_end()
            _bridge = _made(front) if front is not None else None
        return _bridge


def _made(front: FrontEnd) -> Bridge | None:
    # Most of nbflow, and ipywidgets: only for who has a page to look at.
    from nbflow.widgets.switchboard import open_bridge  # noqa: PLC0415

    made = open_bridge(front)
    if made is None:
        return None
    made.cell_runs(running=True)
    events = shell_here().events
    events.register("pre_run_cell", _cell_begins)
    events.register("post_run_cell", _cell_has_ended)
    atexit.register(_kernel_ends)
    return made


# A forked process has these, too, but no bridge: it must not speak for the kernel, nor wait for
# locks that a thread of the kernel held.


def _cell_begins(*_: Any) -> None:
    if _bridge is not None:
        _bridge.cell_runs(running=True)


def _cell_has_ended(*_: Any) -> None:
    if _bridge is not None:
        _bridge.cell_runs(running=False)


def _kernel_ends() -> None:
    if _bridge is not None:
        _bridge.close()


def _somebody_looks() -> bool:
    """Whether a person may see what the running cell shows, while it is shown.

    nbclient, papermill and nbconvert say that nobody can be asked anything; runs of nbflow
    mark their requests.
    """
    ip = shell_here()
    request = ip.get_parent() if hasattr(ip, "get_parent") else {}
    asks = request.get("content", {}).get("allow_stdin", True)
    return bool(asks) and KEY not in request.get("metadata", {})


def _after_fork() -> None:
    global _bridge, _lock, _is_forked  # threads of the parent do not exist here
    _lock, _bridge, _is_forked = threading.Lock(), None, True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

__all__: Final = ["bridge"]
