"""The built front end, as it lies in a folder."""

from __future__ import annotations

from nbflow.widgets.static import read_front_end


def test_a_front_end_needs_both_parts(tmp_path) -> None:
    assert read_front_end(tmp_path) is None
    (tmp_path / "bootstrap.js").write_text("small")
    assert read_front_end(tmp_path) is None
    (tmp_path / "widget.js").write_text("large")
    found = read_front_end(tmp_path)
    assert (found.bootstrap, found.code, len(found.hash)) == ("small", "large", 16)
    (tmp_path / "widget.js").write_text("other")
    assert read_front_end(tmp_path).hash != found.hash
