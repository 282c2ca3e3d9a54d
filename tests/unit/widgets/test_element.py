"""The element around static forms."""

from __future__ import annotations

from uuid import UUID

import pytest

from nbflow.widgets.element import wrap_run, wrap_view


def test_a_run_is_named() -> None:
    assert (
        wrap_run(UUID(int=1), "<div>static</div>")
        == '<nbflow-view run="00000000-0000-0000-0000-000000000001">'
        "<div>static</div></nbflow-view>"
    )


@pytest.mark.parametrize(
    ("given", "stands"),
    [("v", "v"), ('"><script>', "&quot;&gt;&lt;script&gt;"), ("&'", "&amp;&#x27;")],
)
def test_attributes_are_text(given: str, stands: str) -> None:
    assert wrap_view(given, "flow", "x") == (
        f'<nbflow-view view="{stands}" kind="flow">x</nbflow-view>'
    )
