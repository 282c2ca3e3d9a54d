"""The element around static forms."""

from __future__ import annotations

from uuid import UUID

import pytest

from nbflow.widgets.page import wrap_run, wrap_view
from nbflow.widgets.static import read_front_end


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


def test_a_front_end_needs_both_parts(tmp_path) -> None:
    assert read_front_end(tmp_path) is None
    (tmp_path / "bootstrap.js").write_text("small")
    assert read_front_end(tmp_path) is None
    (tmp_path / "widget.js").write_text("large")
    found = read_front_end(tmp_path)
    assert (found.bootstrap, found.code, len(found.hash)) == ("small", "large", 16)
    (tmp_path / "widget.js").write_text("other")
    assert read_front_end(tmp_path).hash != found.hash
