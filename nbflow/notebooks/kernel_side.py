"""The little that nbflow runs inside an IPython kernel before the first cell.

This module decides source text only; it is sent, never imported there, because a kernel's
environment need not have nbflow. Each piece cleans up its names and gives up silently where
the kernel is not as it expects: the notebook must run all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

#: Lifts the limit on waiting output: past 1,000 messages the kernel would drop them.
KEEP_ALL: Final = """
def _nbflow_keep_all(thread):
    thread.schedule(lambda: setattr(thread.socket, "sndhwm", 0))
try:
    _nbflow_keep_all(get_ipython().kernel.iopub_thread)
except Exception:
    pass
del _nbflow_keep_all
"""

#: Ends the kernel's control thread before its output thread. The other way round, which is
#: ipykernel's own, the first may wait ten seconds at exit for the second, already gone.
LEAVE_IN_ORDER: Final = """
def _nbflow_leave_in_order(kernel):
    import atexit

    def leave():
        thread = kernel.control_thread
        if thread is not None and thread.is_alive():
            thread.stop()
            thread.join(2)

    atexit.register(leave)
try:
    _nbflow_leave_in_order(get_ipython().kernel)
except Exception:
    pass
del _nbflow_leave_in_order
"""

#: What a thread prints belongs to the cell that started it, or that submitted its work to a
#: pool, and not to whichever cell is running by then.
FOLLOW_THREADS: Final = """
def _nbflow_follow_threads(shell):
    import concurrent.futures
    import functools
    import sys
    import threading

    def sinks():
        return sys.stdout, sys.stderr, shell.display_pub, shell.displayhook

    if not all(hasattr(sink, "set_thread_parent") for sink in sinks()):
        return  # this ipykernel follows threads by itself

    def speak_for(parent):
        for sink in sinks():
            if hasattr(sink, "set_thread_parent"):
                sink.set_thread_parent(parent)

    start, submit = threading.Thread.start, concurrent.futures.ThreadPoolExecutor.submit

    @functools.wraps(start)
    def start_here(thread):
        parent, run = shell.display_pub.parent_header, thread.run

        def run_here():
            thread.__dict__.pop("run", None)
            speak_for(parent)
            run()

        thread.run = run_here
        start(thread)

    @functools.wraps(submit)
    def submit_here(pool, fn, /, *args, **kwargs):
        parent = shell.display_pub.parent_header

        @functools.wraps(fn, assigned=())
        def work(*args, **kwargs):
            speak_for(parent)
            return fn(*args, **kwargs)

        return submit(pool, work, *args, **kwargs)

    threading.Thread.start = start_here
    concurrent.futures.ThreadPoolExecutor.submit = submit_here
try:
    _nbflow_follow_threads(get_ipython())
except Exception:
    pass
del _nbflow_follow_threads
"""

#: What every IPython kernel is given.
ALWAYS: Final = KEEP_ALL + LEAVE_IN_ORDER + FOLLOW_THREADS

#: Lets what cells record belong to the run of the notebook, as soon as they use nbflow.
_JOIN: Final = """
def _nbflow_join(shell, at_once):
    import sys

    def install():
        from nbflow.cells import joining
        joining.install(shell)
        return joining

    def before(*_):
        if "nbflow" in sys.modules:
            shell.events.unregister("pre_run_cell", before)
            try:
                install().before_cell()
            except Exception:
                pass

    if at_once:
        install()
    else:
        shell.events.register("pre_run_cell", before)
try:
    _nbflow_join(get_ipython(), {at_once})
except Exception:
    pass
del _nbflow_join
"""


def join(*, at_once: bool) -> str:
    """Code that joins the cells to their run: now, or once a cell has imported nbflow."""
    return _JOIN.replace("{at_once}", str(at_once))


#: Makes `%%task` known; fails where the kernel has no nbflow. IPython is not told that the
#: extension is loaded, so that a cell's own `%load_ext nbflow` says nothing unusual.
LOAD_EXTENSION: Final = """
def _nbflow_load(shell):
    import nbflow
    nbflow.load_ipython_extension(shell)
    if shell.find_cell_magic("task") is None:
        raise ImportError("no %%task")
try:
    _nbflow_load(get_ipython())
finally:
    del _nbflow_load
"""

#: Waits for the tasks that cells submitted to the engine.
FINISH: Final = """
def _nbflow_finish():
    import sys
    joining = sys.modules.get("nbflow.cells.joining")
    if joining is not None:
        joining.finish()
try:
    _nbflow_finish()
finally:
    del _nbflow_finish
"""

#: Waits for the cells of the background; True: stops them.
SETTLE: Final = {
    False: '__import__("nbflow.cells.settling", fromlist=["settle"]).settle()',
    True: '__import__("nbflow.cells.settling", fromlist=["settle"]).settle(cancel=True)',
}

#: Gives a kernel that was started ahead the folder, path and environment of its run. Raises
#: when it could tell: something that was loaded, set or run at its start would differ.
_TAKE_PLACE: Final = """
def _nbflow_take_place(shell, told):
    import os
    import sys

    if any(name.partition(".")[0] in told["modules"] for name in sys.modules):
        raise RuntimeError("it has loaded a module that the run would find elsewhere")
    for name, value in told["before"].items():
        if os.environ.get(name) != value:
            raise RuntimeError(f"it has set {name} itself")
    startup = shell.profile_dir.startup_dir
    if any(name.endswith((".py", ".ipy")) for name in os.listdir(startup)):
        raise RuntimeError("files ran at its start")
    os.chdir(told["cwd"])
    for name in told["before"]:
        value = told["after"].get(name)
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    sys.path[:0] = told["path"]
    shell.starting_dir = os.getcwd()
    visited = shell.history_manager.dir_hist
    visited[:] = [type(each)(os.getcwd()) for each in visited[:1]]
try:
    _nbflow_take_place(get_ipython(), {told})
finally:
    del _nbflow_take_place
"""


def take_place(
    *,
    cwd: str,
    path: Sequence[str],
    before: Mapping[str, str | None],
    after: Mapping[str, str | None],
    modules: Collection[str],
) -> str:
    """Code that makes a waiting kernel the equal of one started for a run.

    Args:
        cwd: The folder to work in.
        path: What comes first on `sys.path`.
        before: Variables that change, as they were at the kernel's start; None: not there.
        after: The same variables, as they are to be.
        modules: Names that must not be loaded yet.
    """
    told = {
        "cwd": cwd,
        "path": list(path),
        "before": dict(before),
        "after": dict(after),
        "modules": sorted(modules),
    }
    return _TAKE_PLACE.replace("{told}", repr(told))


#: Makes `!command` raise when the command fails.
STRICT_SHELL: Final = """
def _nbflow_strict(shell):
    plain = shell.system

    def system(command):
        plain(command)
        code = shell.user_ns.get("_exit_code")
        if code:
            raise RuntimeError(f"!{command} ended with exit code {code}")

    shell.system = system
_nbflow_strict(get_ipython())
del _nbflow_strict
"""
