"""Answers typed in a shell: what each text means for a field."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from nbflow.cli.answering import field_of, given_in, read_value, type_words
from nbflow.cli.options import ResumeOptions
from nbflow.exceptions import UsageError
from nbflow.models import new_id
from nbflow.models.deployments import RunInput

STRING = {"type": "string"}
BOOLEAN = {"type": "boolean"}
INTEGER = {"type": "integer"}
MAYBE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
EITHER = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
COLOUR = {"enum": ["red", "5"], "type": "string"}
SCHEMA = {
    "$defs": {"Colour": COLOUR},
    "type": "object",
    "properties": {"name": STRING, "colour": {"$ref": "#/$defs/Colour"}, "ok": BOOLEAN},
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("5", STRING, "5"),
        ("5", INTEGER, 5),
        ("five", INTEGER, "five"),
        ("5", EITHER, 5),
        ("five", EITHER, "five"),
        ("Yes", BOOLEAN, True),
        ("off", BOOLEAN, False),
        ("maybe", BOOLEAN, "maybe"),
        ("2026-05-03", MAYBE, "2026-05-03"),
        ("null", MAYBE, None),
        ("5", COLOUR, "5"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ("1.5", {}, 1.5),
        ("text", {}, "text"),
    ],
)
def test_a_text_means_what_its_field_wants(text: str, schema: Any, value: Any) -> None:
    assert read_value(text, schema) == value


def test_references_are_looked_up() -> None:
    assert field_of(SCHEMA, "colour") == COLOUR
    assert field_of(SCHEMA, "unknown") == {}
    assert type_words(field_of(SCHEMA, "colour")) == "red | 5"
    assert type_words(MAYBE) == "string"
    assert type_words(EITHER) == "integer or string"
    assert type_words({}) == "any"


def asked(schema: Any) -> RunInput:
    return RunInput(flow_run_id=new_id(), key="k", schema=schema, created=datetime.now(UTC))


VALUE = {"type": "object", "properties": {"value": STRING}}


@pytest.mark.parametrize(
    ("options", "schema", "answer"),
    [
        ({}, SCHEMA, None),
        ({"input": '{"name": "a"}'}, SCHEMA, {"name": "a"}),
        ({"input": "5"}, VALUE, {"value": "5"}),
        ({"input": "some words"}, VALUE, {"value": "some words"}),
        ({"parameters": (("name", "5"), ("ok", "y"))}, SCHEMA, {"name": "5", "ok": True}),
        ({"input": '{"name": "a"}', "parameters": (("name", "b"),)}, SCHEMA, {"name": "b"}),
    ],
)
def test_options_make_an_answer(options: Any, schema: Any, answer: Any) -> None:
    assert given_in(ResumeOptions(**options), asked(schema)) == answer


def test_input_that_is_no_json_is_told() -> None:
    with pytest.raises(UsageError, match="no JSON object"):
        given_in(ResumeOptions(input="{name"), asked(SCHEMA))


def test_input_may_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"name": "a"}'))
    assert given_in(ResumeOptions(input="-"), asked(SCHEMA)) == {"name": "a"}
