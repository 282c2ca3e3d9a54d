"""The parameters of a flow cell, and what of its body is the notebook's."""

from __future__ import annotations

import inspect

import pytest

from nbflow.cells.flow import signature_from, without_parameters
from nbflow.cells.records import CellInterface
from nbflow.exceptions import MagicUsageError

NAMES = {"limit": 9, "Row": dict}

SIGNATURES = [
    ((), "()"),
    (("a", "b"), "(a, b)"),
    (("a: int = 1", "b"), "(a: int = 1, *, b)"),
    (("a=limit", "rows: list[Row] = []"), "(a=9, rows: list[dict] = [])"),
    (("s='a, b)'",), "(s='a, b)')"),
]


@pytest.mark.parametrize(("texts", "signature"), SIGNATURES)
def test_parameters_are_evaluated_among_the_notebooks_names(texts, signature):
    assert str(signature_from(texts, NAMES)) == signature


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (("a", "a=1"), "--param: a is given twice; leave one out."),
        (("a=gone",), "--param: a=gone cannot be evaluated (NameError: name 'gone' is not"),
        (("a: Gone",), "--param: a: Gone cannot be evaluated (NameError"),
        (("a=1/0",), "--param: a=1/0 cannot be evaluated (ZeroDivisionError"),
    ],
)
def test_what_cannot_be_evaluated_is_named(texts, sentence):
    with pytest.raises(MagicUsageError) as caught:
        signature_from(texts, NAMES)
    assert str(caught.value).startswith(sentence)


def test_parameters_are_neither_inputs_nor_outputs():
    interface = CellInterface(inputs=("a", "b"), outputs=("b", "c"), hidden=frozenset({"d"}))
    parameters = inspect.signature(lambda b, other: None)
    own = without_parameters(interface, parameters)
    assert own.inputs == ("a",)
    assert own.outputs == ("c",)
    assert own.hidden == {"b", "d"}  # what a body does to its parameters stays with it
