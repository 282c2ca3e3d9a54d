"""The element that makes a static form live where the page can do so.

This module decides how a view stands in a notebook's output: its static form, inside of an
element that a page without nbflow's front end shows as it is. There is no script in it. It must
not know what is shown.
"""

from __future__ import annotations

from html import escape
from uuid import UUID

_NAME = "nbflow-view"


def wrap_run(run_id: UUID | str, static_html: str) -> str:
    """The static form of a run, which a live view of the run may take the place of."""
    return _element({"run": str(run_id)}, static_html)


def wrap_view(view_id: str, kind: str, static_html: str) -> str:
    """The static form of an object of this kernel: a `flow`, a list of `runs`, a `deploy` form."""
    return _element({"view": view_id, "kind": kind}, static_html)


def _element(attributes: dict[str, str], inner: str) -> str:
    told = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{_NAME}{told}>{inner}</{_NAME}>"
