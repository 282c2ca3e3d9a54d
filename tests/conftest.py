"""Every test gets a home of its own, so that no test sees another's runs.

This module also decides in which order tests run, how they hear Ctrl-C, and that they have the
same names in every process that runs some of them.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from nbflow import settings

# What an example must be is a matter of its outcome, not of this machine's speed. A run of the
# tests looks at the same examples each time, so that a change is judged by what it changed;
# HYPOTHESIS_PROFILE=search goes looking for others.
hypothesis.settings.register_profile("same examples", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same examples"))


TESTS = Path(__file__).parent


def pytest_configure() -> None:
    """Hear Ctrl-C, as tests expect it; a shell lets what it runs in the background ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


#: Texts that are another in each process: addresses, random ids, present times, orders of sets.
UNSTEADY = re.compile(
    r"0x[0-9a-f]{6}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|timestamp=|\{[^{}:]+,[^{}:]+\}"
)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Number the cases of a table whose text would not name them in another process."""
    parametrize = metafunc.parametrize

    def steadily(*args: Any, ids: Any = None, **kwargs: Any) -> None:
        parametrize(*args, ids=steady(ids) if callable(ids) else ids, **kwargs)

    metafunc.parametrize = steadily  # type: ignore[method-assign]


def steady(name: Callable[[Any], object]) -> Callable[[Any], object]:
    """The same names, but none for what would have another in another process."""

    def named(value: Any) -> object:
        text = name(value)
        return None if UNSTEADY.search(str(text)) else text

    return named


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of whole programs: with the longest last, one worker ends alone."""
    items.sort(key=lambda item: item.path.parent != TESTS)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the thousands of tests: each shell that ends calls it."""
    gc.freeze()


@pytest.fixture(autouse=True)
def nbflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh `NBFLOW_HOME`; settings are read anew."""
    home = tmp_path / "nbflow-home"
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    monkeypatch.setattr(settings, "_current", None)
    yield home
    settings._current = None


@pytest.fixture
def fresh_main(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Makes a fresh notebook of code: a namespace that is the module `__main__`."""

    def make(code: str) -> dict[str, Any]:
        module = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(code, module.__dict__)
        return module.__dict__

    return make
