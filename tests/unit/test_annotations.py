"""Marks around arguments come off, compare and travel."""

from __future__ import annotations

import pickle

import pytest

from nbflow.annotations import NotSet, allow_failure, quote, unmapped, unwrap

MARKS = [unmapped, allow_failure, quote]


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_comes_off_and_goes_on(mark):
    marked = mark([1])
    assert marked.unwrap() == [1]
    assert marked.rewrap(2) == mark(2)
    assert repr(marked) == f"{mark.__name__}([1])"
    assert pickle.loads(pickle.dumps(marked)) == marked
    assert hash(mark(1)) == hash(mark(1))


def test_marks_of_different_kinds_are_different():
    assert len({mark(1) for mark in MARKS} | {1}) == 4


def test_nested_marks_come_off_together():
    assert unwrap(unmapped(allow_failure(3))) == 3
    assert unwrap(3) == 3


def test_an_unmapped_value_stands_at_every_place():
    assert unmapped("a")[0] == unmapped("a")[99] == "a"


def test_a_quoted_value_is_unquoted():
    assert quote("a").unquote() == "a"


def test_not_set_is_itself_after_pickling_and_is_false():
    assert pickle.loads(pickle.dumps(NotSet)) is NotSet
    assert not NotSet
    assert repr(NotSet) == "NotSet"
