"""How files and their flows are named, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbflow.file_targets import split_target, why_no_file

SPELLINGS = {
    "train.ipynb": ("train.ipynb", ""),
    "flows.py": ("flows.py", ""),
    "flows.py:train": ("flows.py", "train"),
    "a/flows.py:": ("a/flows.py", ""),
    "s3://bucket/train.ipynb": ("s3:/bucket/train.ipynb", ""),
    "C:\\flows.py:train": ("C:\\flows.py", "train"),
    "train": ("train", ""),
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_target_has_a_path_and_maybe_a_name(text: str) -> None:
    path, name = split_target(text)
    assert (path, name) == (Path(SPELLINGS[text][0]), SPELLINGS[text][1])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tarin.ipynb", "Did you mean train.ipynb?"),
        ("tra", "Did you mean train.ipynb?"),
        ("zzz", "The folder has flows.py, train.ipynb."),
        ("other.md", "Pass a notebook, or a flow as file.py:flow."),
        ("inside", "is a folder. Name a notebook or a Python file in it."),
    ],
)
def test_a_path_that_is_no_file_is_told_with_what_may_be_meant(
    name: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "inside").mkdir()
    for each in ("train.ipynb", "flows.py"):
        (tmp_path / each).touch()

    assert why_no_file(tmp_path / name).endswith(words)
