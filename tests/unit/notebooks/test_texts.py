"""Printed text: collapsed as a terminal shows it, bounded, told in whole lines."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.notebooks.outputs import CellText, FullText, PrintBatcher, collapse


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n", "plain\n"),
        ("10%\r20%\r30%\n", "30%\n"),
        ("a\n10%\r20%", "a\n20%"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("20%\r", "20%\r"),
        ("", ""),
    ],
)
def test_what_a_carriage_return_overwrites_is_gone(text, shown) -> None:
    assert collapse(text) == shown


MARKER = re.compile(
    r"\n\[(?:nbflow left out ([\d,]+) characters here; )?the cell's whole text is in full.txt\]\n"
)
chunks = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab\n", max_size=30)))


@given(chunks, st.integers(20, 200))
def test_text_within_the_limit_is_kept_and_beyond_it_bounded(
    tmp_path_factory, pieces, limit
) -> None:
    file = FullText(tmp_path_factory.mktemp("text") / "full.txt")
    text, outputs = CellText(limit, file), []
    for name, piece in pieces:
        text.append(outputs, name, piece)
    text.settle()
    file.close()

    whole = "".join(piece for _, piece in pieces)
    shown = "".join(output["text"] for output in outputs)
    if len(whole) <= limit:
        assert shown == whole
        assert not file.path.exists()
    else:
        assert file.path.read_text() == whole
        head, dropped, tail = MARKER.split(shown)
        assert len(head) + int((dropped or "0").replace(",", "")) + len(tail) == len(whole)
        assert whole.startswith(head)
        assert whole.endswith(tail)
        assert len(head) + len(tail) <= limit * 5 / 4


def test_streams_of_one_kind_in_a_row_are_one_output() -> None:
    text, outputs = CellText(100, FullText(None)), []
    for name, piece in [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]:
        text.append(outputs, name, piece)
    text.settle()

    assert [(o["name"], o["text"]) for o in outputs] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


def test_a_progress_bar_does_not_use_up_the_limit() -> None:
    text, outputs = CellText(50, FullText(None)), []
    for number in range(1000):
        text.append(outputs, "stderr", f"\r{number:>4}")
    text.settle()

    assert not text.overflowing
    assert outputs[0]["text"].strip() == "999"


@given(st.lists(st.sampled_from(["1", "22\n", "\r3", "\r", "SAVE"]), max_size=30))
def test_what_was_saved_meanwhile_is_overwritten_as_well(pieces) -> None:
    text, outputs = CellText(10_000, FullText(None)), []
    for piece in pieces:
        if piece == "SAVE":
            text.settle()
        else:
            text.append(outputs, "stderr", piece)
    text.settle()

    whole = "".join(piece for piece in pieces if piece != "SAVE")
    assert "".join(output["text"] for output in outputs) == collapse(whole)


class Batches:
    def __init__(self) -> None:
        self.told: list[tuple[int, str, str]] = []
        self.time = 0.0
        self.batcher = PrintBatcher(lambda *event: self.told.append(event), lambda: self.time)

    def print(self, text: str, index: int = 0, stream: str = "stdout") -> None:
        self.batcher.add(index, stream, text)

    def wait(self, seconds: float = 0.06) -> None:
        self.time += seconds
        self.batcher.tick()


def test_lines_are_told_together_after_a_moment() -> None:
    batches = Batches()
    batches.print("a\n")
    batches.print("b\n")
    batches.batcher.tick()
    assert batches.told == []
    batches.wait()
    assert batches.told == [(0, "stdout", "a\nb\n")]
    batches.wait()
    assert len(batches.told) == 1


def test_a_begun_line_waits_for_its_end_or_the_cells() -> None:
    batches = Batches()
    batches.print("a\nbe")
    batches.wait()
    batches.print("gun\nlast")
    batches.wait()
    batches.batcher.end(0)

    assert [text for _, _, text in batches.told] == ["a\n", "begun\n", "last"]


def test_cells_and_streams_are_kept_apart() -> None:
    batches = Batches()
    batches.print("one\n", 0)
    batches.print("two\n", 1)
    batches.print("bad\n", 1, "stderr")
    batches.batcher.end(1)
    assert batches.told == [(1, "stdout", "two\n"), (1, "stderr", "bad\n")]
    batches.batcher.end()
    assert batches.told[-1] == (0, "stdout", "one\n")


def test_a_very_long_line_is_cut() -> None:
    batches = Batches()
    batches.print("x" * 250_000 + "\nshort\n")
    batches.wait()

    ((_, _, text),) = batches.told
    assert text.endswith("… (150,001 more characters)\nshort\n")


def test_progress_is_told_as_it_stands() -> None:
    batches = Batches()
    for number in range(100):
        batches.print(f"{number}%\r")
    batches.wait()

    assert batches.told == [(0, "stdout", "99%\r")]


@given(st.lists(st.text("ab\n", max_size=8)), st.lists(st.booleans(), max_size=30))
def test_nothing_is_lost_however_it_is_cut(pieces, waits) -> None:
    batches = Batches()
    for number, piece in enumerate(pieces):
        batches.print(piece)
        if number < len(waits) and waits[number]:
            batches.wait()
    batches.batcher.end()

    assert "".join(text for _, _, text in batches.told) == "".join(pieces)
    assert all(text.endswith("\n") for _, _, text in batches.told[:-1])
