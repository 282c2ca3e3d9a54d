"""What `~` stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbflow.paths import expanded


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("~/x.ipynb", "/home/me/x.ipynb"),
        (Path("~/x.ipynb"), "/home/me/x.ipynb"),
        ("~no-such-user/x.ipynb", "~no-such-user/x.ipynb"),
        ("a/~/b", "a/~/b"),
        ("", "."),
    ],
)
def test_the_home_is_filled_in_and_unknown_ones_stay(written, path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded(written) == Path(path)
