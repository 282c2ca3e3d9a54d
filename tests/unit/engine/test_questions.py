"""Types as questions, and answers as values of those types."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from nbflow.engine.questions import Question, as_answer
from nbflow.exceptions import ParameterError, UsageError


class Choice(BaseModel):
    """Which one?"""

    model: Literal["small", "large"]
    until: date | None = None


@pytest.mark.parametrize(
    ("wanted", "answer", "value"),
    [
        (None, None, None),
        (None, {"anything": 1}, None),
        (int, {"value": 3}, 3),
        (dict[str, int], {"value": {"a": 1}}, {"a": 1}),
        (Choice, {"model": "small"}, Choice(model="small")),
        (
            Choice,
            {"model": "large", "until": "2026-05-03"},
            Choice(model="large", until=date(2026, 5, 3)),
        ),
    ],
)
def test_an_answer_becomes_a_value(wanted: Any, answer: Any, value: Any) -> None:
    assert Question(wanted).read(answer) == value


def test_the_schema_and_the_text_come_from_the_model() -> None:
    question = Question(Choice)
    assert question.text == "Which one?"
    assert question.schema is not None
    assert question.schema["required"] == ["model"]
    assert (Question().schema, Question().text) == (None, None)
    plain = Question(bool)
    assert plain.schema is not None
    assert plain.schema["properties"]["value"]["type"] == "boolean"
    assert plain.text is None


@pytest.mark.parametrize(
    ("wanted", "answer", "says"),
    [
        (int, {"value": "many"}, "value: Input should be a valid integer"),
        (int, None, "value: Field required"),
        (Choice, {"model": "tiny"}, "model: Input should be 'small' or 'large'"),
    ],
)
def test_what_does_not_fit_names_the_field(wanted: Any, answer: Any, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Question(wanted).read(answer)


@pytest.mark.parametrize("wanted", [object(), type("Thing", (), {})])
def test_what_nobody_can_type_is_refused(wanted: Any) -> None:
    with pytest.raises(UsageError, match="Nobody can be asked for"):
        Question(wanted)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (None, None),
        ({"a": 1}, {"a": 1}),
        (5, {"value": 5}),
        ([1], {"value": [1]}),
        (date(2026, 5, 3), {"value": "2026-05-03"}),
        (datetime(2026, 5, 3, 6), {"value": "2026-05-03T06:00:00"}),
        (Choice(model="small"), {"model": "small", "until": None}),
    ],
)
def test_what_somebody_answers_becomes_json(given: Any, answer: Any) -> None:
    assert as_answer(given) == answer
