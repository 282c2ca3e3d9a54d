"""Cells with what their displays show, as a front end would get it."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher


@pytest.fixture
def cells(terminal: Any) -> Any:
    """Cells whose displays go to a front end, as a kernel's do."""
    terminal.ip.kernel = object()
    terminal.ip.display_pub = CapturingDisplayPublisher()
    return terminal
