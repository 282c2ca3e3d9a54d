"""Runs many notebooks, or the modules that they became, and writes down what they did.

`python export_reference.py notebooks JOB.json` runs each notebook's cells in one IPython shell,
the lines of task and flow cells left out, so that they are plain cells: what a notebook means
from top to bottom. `python export_reference.py modules JOB.json` imports each module and calls
its flow. The answer is JSON on the file descriptor that the job names.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import inspect
import io
import json
import re
import sys
from pathlib import Path
from typing import Any


def described(value: Any) -> str:
    """A value as text that is the same in another process, and another module."""
    if type(value).__name__ in {"DataFrame", "Series"}:
        value = value.to_dict()
    text = repr(value).replace(str(Path.cwd()), ".")
    return re.sub(r" at 0x[0-9a-f]+|__main__\.|exported_\w+\.|\w+\.<locals>\.", "", text)


def run_notebook(cells: list[list[Any]]) -> dict[str, Any]:
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell

    class Hook(DisplayHook):
        def __call__(self, result: Any = None) -> None:
            if result is not None and not self.quiet():
                print(repr(result))

    InteractiveShell.displayhook_class = Hook
    InteractiveShell.enable_gui = lambda *_: None
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(history_length=0)
    shell.history_manager.enabled = False
    shell.showtraceback = lambda *_, **__: None  # type: ignore[method-assign]
    out = io.StringIO()
    before = set(shell.user_ns)
    error = ""
    with contextlib.redirect_stdout(out):
        for source, tags in cells:
            if "skip-execution" in tags:
                continue
            done = shell.run_cell(source, store_history=True)
            if not done.success and "raises-exception" not in tags:
                error = repr(done.error_in_exec or done.error_before_exec)
                break
    names = {n: v for n, v in shell.user_ns.items() if n not in before and not n.startswith("_")}
    return {
        "out": out.getvalue(),
        "error": error,
        "values": {n: described(v) for n, v in names.items()},
    }


def run_module(path: str, flow: str) -> dict[str, Any]:
    name = f"exported_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    out, error, values = io.StringIO(), "", {}
    with contextlib.redirect_stdout(out):
        try:
            spec.loader.exec_module(module)
            result = getattr(module, flow)()
            values = (asyncio.run(result) if inspect.isawaitable(result) else result) or {}
        except Exception as raised:
            error = repr(raised)
    return {
        "out": out.getvalue(),
        "error": error,
        "values": {n: described(v) for n, v in values.items()},
    }


def main() -> None:
    kind, job = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    done = {}
    for name, what in job.items():
        done[name] = run_notebook(what) if kind == "notebooks" else run_module(*what)
    Path(sys.argv[3]).write_text(json.dumps(done), encoding="utf-8")


if __name__ == "__main__":
    main()
