"""Every test gets a home of its own, so that no test sees another's runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from nbflow import settings

# What an example must be is a matter of its outcome, not of this machine's speed.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def nbflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh `NBFLOW_HOME`; settings are read anew."""
    home = tmp_path / "nbflow-home"
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    monkeypatch.setattr(settings, "_current", None)
    yield home
    settings._current = None
