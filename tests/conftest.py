"""Every test gets a home of its own, so that no test sees another's runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from nbflow import settings

# What an example must be is a matter of its outcome, not of this machine's speed. A run of the
# tests looks at the same examples each time, so that a change is judged by what it changed;
# HYPOTHESIS_PROFILE=search goes looking for others.
hypothesis.settings.register_profile("same examples", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same examples"))


@pytest.fixture(autouse=True)
def nbflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh `NBFLOW_HOME`; settings are read anew."""
    home = tmp_path / "nbflow-home"
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    monkeypatch.setattr(settings, "_current", None)
    yield home
    settings._current = None
