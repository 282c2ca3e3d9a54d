"""What a paused run asks for, and how an answer is read.

This module decides how a type becomes a question (JSON Schema) and how an answer becomes a value
of that type. It must not know where questions are kept, nor who answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final

from nbflow.exceptions import ParameterError, UsageError

if TYPE_CHECKING:  # half a tenth of a second, for runs that ask for something
    from pydantic import BaseModel

#: The name of the one field of an answer that is a plain value.
VALUE: Final = "value"


class Question:
    """What is wanted: a model, a plain type, or (None) only the word to go on."""

    def __init__(self, wanted: Any = None) -> None:
        """Take a pydantic model, or a type; raises `UsageError` for what has no JSON Schema."""
        self._model = None if wanted is None else _model_of(wanted)
        self._is_plain = wanted is not self._model
        self.schema: Mapping[str, Any] | None = None
        if self._model is not None:
            self.schema = _schema_of(self._model)
        #: What a person reads above it.
        self.text = str((self.schema or {}).get("description") or "") or None

    def read(self, answer: Mapping[str, Any] | None) -> Any:
        """The answer as a value of the wanted type; raises `ParameterError`."""
        if self._model is None:
            return None
        from pydantic import ValidationError  # noqa: PLC0415 - see above

        try:
            found = self._model.model_validate(dict(answer or {}))
        except ValidationError as error:
            raise ParameterError(_in_words(error)) from None
        return getattr(found, VALUE) if self._is_plain else found


def as_answer(given: Any) -> Mapping[str, Any] | None:
    """What somebody answers, as the JSON object that the store keeps."""
    if given is None or isinstance(given, Mapping):
        return given
    if (dump := getattr(given, "model_dump", None)) is not None:
        return dict(dump(mode="json"))
    if isinstance(given, date | time):  # a datetime is a date
        return {VALUE: given.isoformat()}
    return {VALUE: given}


def _model_of(wanted: Any) -> type[BaseModel]:
    from pydantic import BaseModel, create_model  # noqa: PLC0415 - see above

    if inspect.isclass(wanted) and issubclass(wanted, BaseModel):
        return wanted
    try:
        fields: dict[str, Any] = {VALUE: (wanted, ...)}
        made: type[BaseModel] = create_model("Answer", **fields)
    except Exception as error:
        raise UsageError(_not_askable(wanted, error)) from error
    return made


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    try:
        return model.model_json_schema()
    except Exception as error:
        raise UsageError(_not_askable(model, error)) from error


def _not_askable(wanted: Any, error: Exception) -> str:
    name = getattr(wanted, "__name__", repr(wanted))
    return (
        f"Nobody can be asked for {name}: {str(error).splitlines()[0]} "
        "Ask for a pydantic model, or a type such as str, int, bool or date."
    )


def _in_words(error: Any) -> str:
    told = (
        f"{'.'.join(str(part) for part in each['loc']) or 'the answer'}: {each['msg']}"
        for each in error.errors(include_url=False)
    )
    return "; ".join(told)
