"""The notebooks of `cases.py` end the same in every way there is to run them.

What a plain IPython shell does with the cells as they are is what all others must do.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import pytest

from tests.equivalence.cases import CASES
from tests.equivalence.compare import Result, differences, tell
from tests.equivalence.modes import in_shells, on_kernels

#: What cells show. Stock papermill, which writes the whole notebook at every step, gets these.
ABOUT_OUTPUTS = [
    "an alias is changed",
    "cells that are allowed to fail",
    "threads work between the cells",
    "await at the top level",
    "the last expression and the semicolon",
    "earlier results by underscore",
    "shell lines and line magics",
    "cell magics of others",
    "rich displays",
    "displays that are updated",
    "output is cleared",
    "standard error and both streams",
    "figures are drawn over several cells",
]
#: A cell that waits in the background holds the names it found when it was submitted: what an
#: earlier cell deletes meanwhile lives until then. Values are the same, lifetimes are not.
BACKGROUND = [name for name in CASES if name != "weak references and finalisers"]
#: place and style -> names of the cases
MODES = {
    ("papermill", "plain"): ABOUT_OUTPUTS,
    ("nbflow", "plain"): ABOUT_OUTPUTS,
    ("shell", "tasks"): list(CASES),
    ("shell", "background"): BACKGROUND,
    ("nbflow", "tasks"): list(CASES),
    ("nbflow", "background"): BACKGROUND,
}


def parameters() -> list[Any]:
    """Every mode with each of its cases."""
    return [pytest.param(*mode, name) for mode, names in MODES.items() for name in names]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory):
    """The results of one mode by the names of its cases; each mode runs once."""
    folder = tmp_path_factory.mktemp("equivalence")

    @cache
    def run(place: str, style: str) -> dict[str, Result]:
        names = MODES.get((place, style), list(CASES))
        notebooks = [CASES[name] for name in names]
        part = folder / f"{place}-{style}"
        if place == "shell":
            found = in_shells(notebooks, style, part)
        else:
            with warnings.catch_warnings():  # of papermill's and its libraries'
                warnings.simplefilter("ignore")
                found = on_kernels(notebooks, place, style, part)
        return dict(zip(names, found, strict=True))

    return run


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("place", "style", "name"), parameters())
def test_the_notebook_ends_the_same(results, place: str, style: str, name: str) -> None:
    sources = [cell.source for cell in CASES[name]]

    found = differences(results("shell", "plain")[name], results(place, style)[name], sources)

    assert not found, tell(f"{name}: {style} by {place}", sources, found)


def test_nothing_fails_that_is_not_tagged(results) -> None:
    """Otherwise the end of a notebook would be compared with nothing."""
    for name, result in results("shell", "plain").items():
        may_fail = [n for n, cell in enumerate(CASES[name]) if "raises-exception" in cell.tags]
        assert not result.broken, name
        assert list(result.failed) == may_fail, name
