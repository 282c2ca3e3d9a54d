"""A short round of chaos; `make chaos` plays longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.chaos import play


@pytest.mark.timeout(240)
def test_no_run_is_executed_twice_and_none_is_missed(tmp_path: Path) -> None:
    outcome = play(tmp_path, seed=7, seconds=8.0, servers=2, workers=4)

    assert outcome.wrong == []
    assert outcome.kills >= 5
    assert outcome.runs >= 8
