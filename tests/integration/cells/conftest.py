"""Cells of a terminal's IPython."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def cells(terminal: Any) -> Any:
    """Cells that run one after the other, and what they print."""
    return terminal
