"""An IPython shell with nbflow loaded, in this process, and what its cells show."""

from __future__ import annotations

import atexit
import io
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbflow import load_ipython_extension, unload_ipython_extension


@dataclass
class Answer:
    """What running a cell came to."""

    text: str
    error: BaseException | None
    value: Any
    #: What displays show in the end.
    shown: list[dict[str, str]] = field(default_factory=list)
    #: Cells that it inserted.
    inserted: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def plain(self) -> str:
        return "\n".join(data["text/plain"] for data in self.shown)

    @property
    def html(self) -> str:
        return "\n".join(data.get("text/html", "") for data in self.shown)


class Cells:
    """Runs cells one after the other, as a front end does."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip

    @property
    def names(self) -> dict[str, Any]:
        return self.ip.user_ns

    def __call__(self, *cells: str) -> Answer:
        answer = Answer("", None, None)
        for cell in cells:
            answer = self._run(cell)
        return answer

    def well(self, *cells: str) -> Answer:
        answer = Answer("", None, None)
        for cell in cells:
            answer = self(cell)
            assert answer.ok, answer.text
        return answer

    def _run(self, cell: str) -> Answer:
        out, publisher = io.StringIO(), self.ip.display_pub
        getattr(publisher, "outputs", []).clear()
        self.ip.rl_next_input = None
        with redirect_stdout(out), redirect_stderr(out):
            result = self.ip.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
        shown = _last_of_each(getattr(publisher, "outputs", []))
        return Answer(text, error, result.result, shown, self.ip.rl_next_input)


def _last_of_each(outputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Each display as its last update left it."""
    shown: dict[Any, dict[str, str]] = {}
    for number, output in enumerate(outputs):
        shown[(output.get("transient") or {}).get("display_id", number)] = output["data"]
    return list(shown.values())


@pytest.fixture
def terminal() -> Iterator[Cells]:
    """Cells of a terminal's IPython."""
    main = sys.modules["__main__"]
    InteractiveShell.clear_instance()
    config = Config({"HistoryManager": {"enabled": False}})
    ip = InteractiveShell.instance(config=config)
    load_ipython_extension(ip)
    try:
        yield Cells(ip)
    finally:
        unload_ipython_extension(ip)
        atexit.unregister(ip.atexit_operations)
        ip.atexit_operations()
        ip.restore_sys_module_state()
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
