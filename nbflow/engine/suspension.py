"""How a flow is left that is suspended: its process ends, and another one goes on later.

This module decides what passes through the user's code then. It must not know who resumes.
"""

from __future__ import annotations


class Suspension(BaseException):
    """Leaves the flow's code; a BaseException, so that `except Exception` lets it pass."""

    def _render_traceback_(self) -> list[str]:
        """What an executed notebook shows: nothing went wrong."""
        return [f"Suspended: {self}"]
