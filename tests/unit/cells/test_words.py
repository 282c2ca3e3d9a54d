"""Words of a line: what quotes and backslashes mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.cells.words import quoted, split_words


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("a  b", ["a", "b"]),
        (r"C:\data\new.ipynb \d+", [r"C:\data\new.ipynb", r"\d+"]),
        (r"two\ words", ["two words"]),
        ("it''s", ["its"]),
        ('"say \\"hi\\""', ['say "hi"']),
        ("''", [""]),
    ],
)
def test_words_keep_backslashes_that_quote_nothing(line, texts):
    assert [word.text for word in split_words(line)] == texts


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_is_one_word(text):
    assert [word.text for word in split_words(quoted(text))] == [text]
