from __future__ import annotations

import contextlib
import gc
import io
import sys
import threading
from collections.abc import Iterator
from typing import ClassVar, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.streams import StandIn, standing_in, unheard


class Ear(StandIn):
    """Notes what it hears and passes it on."""

    heard: ClassVar[list[str]]

    def hear(self, text: str) -> int:
        self.heard.append(f"{self.place}: {text}")
        return self.stream.write(text)


class Left(Ear):
    heard: ClassVar[list[str]] = []


class Right(Ear):
    heard: ClassVar[list[str]] = []


class Foreign:
    """Anybody's stream before another, which knows nothing of stand-ins."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text)


@contextlib.contextmanager
def streams() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Standard streams of the test's own, and ears that have heard nothing yet."""
    Left.heard.clear()
    Right.heard.clear()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err


def write(*texts: str) -> None:
    for text in texts:
        sys.stdout.write(text)


def row() -> list[type[StandIn]]:
    """The kinds of the stand-ins that stand one before another."""
    stream, found = sys.stdout, []
    while isinstance(stream, StandIn):
        found.append(type(stream))
        stream = stream.stream
    return found


def test_it_hears_the_named_streams_inside_the_block_and_passes_all_on() -> None:
    with streams() as (out, err):
        with standing_in(Left, "stdout"):
            print("in")
            print("aside", file=sys.stderr)
        print("after")
        assert (sys.stdout, sys.stderr) == (out, err)

    assert Left.heard == ["stdout: in", "stdout: \n"]
    assert (out.getvalue(), err.getvalue()) == ("in\nafter\n", "aside\n")


@given(st.lists(st.tuples(st.sampled_from([Left, Right]), st.integers(0, 5)), max_size=12))
def test_blocks_end_in_any_order(steps: list[tuple[type[Ear], int]]) -> None:
    """One of each kind stands there as long as a block of its own lasts, and hears each text."""
    blocks: list[tuple[type[Ear], contextlib.ExitStack]] = []
    expected = {Left: 0, Right: 0}
    with streams() as (out, _):
        for kind, which in steps:
            if which < len(blocks):
                blocks.pop(which)[1].close()
            else:
                blocks.append((kind, contextlib.ExitStack()))
                blocks[-1][1].enter_context(standing_in(kind, "stdout"))
            write("x")
            for each in {kind for kind, _ in blocks}:
                expected[each] += 1
            assert sorted(row(), key=id) == sorted({kind for kind, _ in blocks}, key=id)
        for _, block in blocks:
            block.close()
        assert sys.stdout is out
        assert {kind: len(kind.heard) for kind in expected} == expected
        assert out.getvalue() == "x" * len(steps)


def test_a_stream_of_somebody_elses_between_two_of_a_kind_tells_nothing_twice() -> None:
    with streams() as (out, _):
        with standing_in(Left, "stdout"):
            with contextlib.redirect_stdout(Foreign(sys.stdout)), standing_in(Left, "stdout"):
                write("once")
            write("still")
        assert sys.stdout is out

    assert Left.heard == ["stdout: once", "stdout: still"]
    assert out.getvalue() == "oncestill"


def test_one_left_behind_a_foreign_stream_serves_the_next_block_and_goes_with_it() -> None:
    with streams() as (out, _):
        block = contextlib.ExitStack()
        block.enter_context(standing_in(Left, "stdout"))
        with contextlib.redirect_stdout(io.StringIO()):
            block.close()
        assert isinstance(sys.stdout, Left)
        with standing_in(Left, "stdout"):
            write("once")
        assert sys.stdout is out

    assert Left.heard == ["stdout: once"]


def test_what_is_printed_unheard_passes_only_that_kind_and_place() -> None:
    with streams() as (out, _), standing_in(Left, "stdout", "stderr"), standing_in(Right, "stdout"):
        with unheard(Left, "stdout"):
            write("known")
            sys.stderr.write("aside")
        write("new")

    assert Left.heard == ["stderr: aside", "stdout: new"]
    assert Right.heard == ["stdout: known", "stdout: new"]
    assert out.getvalue() == "knownnew"


def test_unheard_concerns_the_thread_that_asks_for_it() -> None:
    with streams(), standing_in(Left, "stdout"), unheard(Left, "stdout"):
        thread = threading.Thread(target=write, args=("theirs",))
        thread.start()
        thread.join()
        write("ours")

    assert Left.heard == ["stdout: theirs"]


def test_it_answers_as_the_stream_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    behind = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", errors="replace", newline="")
    monkeypatch.setattr(sys, "stdout", behind)
    with standing_in(Left, "stdout"):
        stream = sys.stdout
        assert (stream.encoding, stream.errors) == ("latin-1", "replace")
        assert (stream.isatty(), stream.writable(), stream.closed) == (False, True, False)
        stream.writelines(["one", "two"])
        stream.flush()
        assert stream.buffer.getvalue() == b"onetwo"
        with pytest.raises(io.UnsupportedOperation):
            stream.fileno()


def test_closing_and_forgetting_it_leaves_the_stream_behind_open() -> None:
    with streams() as (out, _):
        with standing_in(Left, "stdout"):
            sys.stdout.close()
            write("more")
        gc.collect()
        assert (out.closed, out.getvalue()) == (False, "more")


def test_a_program_without_streams_has_nothing_to_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with standing_in(Left, "stdout"):
        print("to nobody")
        assert sys.stdout is None
