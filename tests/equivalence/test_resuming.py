"""A run that failed somewhere, was corrected and resumed ends like one that never failed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.equivalence.cases import CASES
from tests.equivalence.compare import differences, tell
from tests.equivalence.modes import in_shells
from tests.equivalence.resuming import random_failure, resumed

#: case, style, kernel; `python -m tests.equivalence` tries them all, at random.
RUNS = [
    ("arrays share memory", "tasks", "new"),
    ("stateful decorators", "tasks", "new"),
    ("an alias is changed", "tasks", "auto"),
    ("nonlocal and counters", "plain", "auto"),
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("name", "style", "kernel"), RUNS)
def test_a_resumed_run_ends_like_one_that_never_failed(
    tmp_path: Path, name: str, style: str, kernel: str
) -> None:
    cells = CASES[name]
    failure = random_failure(cells, random.Random(name))
    sources = [cell.source for cell in cells]
    (expected,) = in_shells([cells], "plain", tmp_path / "shell")

    got, said = resumed(cells, style, failure, kernel, tmp_path / "resumed")

    found = differences(expected, got, sources)
    assert not found, tell(f"{failure}\n{said}", sources, found)
