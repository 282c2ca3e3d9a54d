"""Parameters of a deployment's run: as JSON, and checked against what the flow declares.

This module decides which values fit a parameter schema, and what is said of those that do
not. It must not know deployments, and executes nothing: the schema is all there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from nbflow.exceptions import (
    ParameterBindError,
    ParameterError,
    ParameterTypeError,
    UnknownParameterError,
)
from nbflow.parameters import short_repr
from nbflow.parameters.model import unknown

if TYPE_CHECKING:
    from jsonschema import FormatChecker

#: How a JSON type, or a format of text, reads in a sentence; then an example.
_TYPES: Final = {
    "boolean": ("true or false", ""),
    "integer": ("a whole number", "3"),
    "number": ("a number", "0.5"),
    "string": ("text", ""),
    "array": ("a list", "[1, 2]"),
    "object": ("an object", '{"key": 1}'),
    "null": ("null", ""),
}
_FORMATS: Final = {
    "date": ("a date", "2026-01-31"),
    "date-time": ("a date with a time", "2026-01-31T09:30:00+00:00"),
    "time": ("a time of day", "09:30:00"),
    "duration": ("a length of time", "P1D"),
    "uuid": ("a UUID", "123e4567-e89b-12d3-a456-426614174000"),
    "path": ("a path", "data/train.csv"),
}


#: Words for yes and no, as on the command line of `nbflow run`.
_YES: Final = frozenset({"true", "yes", "on", "1", "t", "y"})
_NO: Final = frozenset({"false", "no", "off", "0", "f", "n"})


@dataclass(frozen=True, slots=True)
class Misfit:
    """One parameter that does not fit, and the sentence that says why."""

    parameter: str
    message: str
    kind: type[ParameterError] = ParameterTypeError

    def error(self) -> ParameterError:
        """As an exception."""
        return self.kind(self.message)


def as_json(values: Mapping[str, Any], *, owner: str) -> dict[str, Any]:
    """Parameters as JSON values: dates, paths, decimals, enums and numpy's scalars, too.

    Raises `ParameterTypeError` naming the parameter that has no JSON form.
    """
    return {name: _json_value(name, value, owner) for name, value in values.items()}


def _json_value(name: str, value: Any, owner: str) -> Any:
    if value is None or type(value) in {bool, int, str}:
        return value
    from pydantic_core import (  # noqa: PLC0415 - slow to import, and most values are plain
        PydanticSerializationError,
        to_jsonable_python,
    )

    try:
        plain = to_jsonable_python(value, fallback=_numpy_value)
        json.dumps(plain, allow_nan=False)
    except (PydanticSerializationError, TypeError, ValueError):
        raise ParameterTypeError(
            f"Parameter {name!r} of {owner} is {short_repr(value, 80)}, which has no JSON form. "
            "Pass plain data, or the path of a file."
        ) from None
    return plain


def _numpy_value(value: Any) -> Any:
    """What numpy's scalars and arrays, and those who imitate them, say they are in plain Python."""
    for method in ("tolist", "item", "isoformat"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    raise TypeError(type(value).__name__)


def check(schema: Mapping[str, Any], values: Mapping[str, Any], *, owner: str) -> None:
    """Raise the `ParameterError` of the first value that does not fit the schema, if any."""
    for misfit in misfits(schema, values, owner=owner):
        raise misfit.error()


def read_text(schema: Mapping[str, Any], name: str, text: str, *, owner: str) -> Any:
    """The value that a text on the command line means for a parameter of a schema.

    Raises `UnknownParameterError`, or `ParameterTypeError` when it means none that fits.
    """
    readings = [*_readings(text, schema.get("properties", {}).get(name, {}))]
    refused = None
    for reading in readings:
        refused = next(misfits(schema, {name: reading}, owner=owner, partial=True), None)
        if refused is None:
            return reading
    assert refused is not None
    raise refused.error()


def _readings(text: str, schema: Mapping[str, Any]) -> Iterator[Any]:
    """What a text may mean, most likely first; the last is what an error shows."""
    options = [schema, *schema.get("anyOf", ())]
    types = {option.get("type") for option in options}
    if "boolean" in types and text.lower() in _YES | _NO:
        yield text.lower() in _YES
    if "null" in types and text.lower() in {"none", "null"}:
        yield None
    if "string" in types:
        yield text
    try:
        yield json.loads(text)
    except ValueError:
        if text in {"True", "False"}:
            yield text == "True"
    yield text


def misfits(
    schema: Mapping[str, Any], values: Mapping[str, Any], *, owner: str, partial: bool = False
) -> Iterator[Misfit]:
    """All parameters that do not fit: unknown ones, then missing ones, then wrong values.

    Args:
        schema: JSON Schema of all parameters together; an empty one allows everything.
        values: JSON values by name.
        owner: Who takes them, for the sentences: "deployment 'etl/nightly'".
        partial: Whether more values are given later, so that none is missing yet.
    """
    if not schema:
        return
    known = schema.get("properties", {})
    for name in values:
        if name not in known and not schema.get("additionalProperties"):
            message = str(unknown(name, known, owner))
            yield Misfit(name, message, UnknownParameterError)
    for name in schema.get("required", ()) if not partial else ():
        if name not in values:
            yield Misfit(name, _missing_words(name, owner), ParameterBindError)
    for name in known:
        if name in values and (misfit := _ill_typed(schema, name, values[name], owner)):
            yield misfit


def _missing_words(name: str, owner: str) -> str:
    whose = owner[:1].upper() + owner[1:]
    return (
        f"{whose} needs the parameter {name!r}, and got no value for it. "
        f"Give one, e.g. -p {name} VALUE."
    )


def _ill_typed(schema: Mapping[str, Any], name: str, value: Any, owner: str) -> Misfit | None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to import

    # Definitions that the parameter's schema refers to stand beside it.
    wanted = {**schema["properties"][name], "$defs": schema.get("$defs", {})}
    validator = Draft202012Validator(wanted, format_checker=_format_checker())
    wrong = next(validator.iter_errors(value), None)
    if wrong is None:
        return None
    place = "".join(f"[{step!r}]" for step in wrong.absolute_path)
    words, example = fitting(wanted)
    hint = f" Use e.g. {example}." if example else ""
    inside = f" (at {name}{place}: {wrong.message})" if place else ""
    return Misfit(
        name,
        f"Parameter {name!r} of {owner} must be {words}; got {_shown(value)}{inside}.{hint}",
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"  # noqa: PLR2004 - a line


@cache
def _format_checker() -> FormatChecker:
    """Checks the formats of text that flows read: as Python reads them."""
    from jsonschema import FormatChecker  # noqa: PLC0415 - slow to import

    checker = FormatChecker(formats=["uuid"])
    readers: Mapping[str, Callable[[str], object]] = {
        "date": date.fromisoformat,
        "date-time": datetime.fromisoformat,
        "time": time.fromisoformat,
    }
    for name, read in readers.items():
        checker.checks(name, raises=ValueError)(_reads(read))
    return checker


def _reads(read: Callable[[str], object]) -> Callable[[object], bool]:
    def is_read(value: object) -> bool:
        return not isinstance(value, str) or bool(read(value) is not None)

    return is_read


# ── words ────────────────────────────────────────────────────────────────────────────────


def fitting(schema: Mapping[str, Any]) -> tuple[str, str]:
    """What a schema allows, in words, and an example; an empty one where words are enough."""
    return _words(schema, schema.get("$defs", {}))


def _words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, str]:
    if "$ref" in schema:
        found = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
        return _words(found, definitions)
    if "enum" in schema or "const" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        return f"one of {', '.join(map(_shown, allowed))}", ""
    if options := schema.get("anyOf") or schema.get("oneOf"):
        found = [_words(option, definitions) for option in options]
        return " or ".join(dict.fromkeys(word for word, _ in found)), found[0][1]
    words, example = _plain_words(schema)
    if isinstance(items := schema.get("items"), dict) and items:
        return f"{words} whose items are {_words(items, definitions)[0]}", ""
    return words, example


def _plain_words(schema: Mapping[str, Any]) -> tuple[str, str]:
    by_format = _FORMATS.get(schema.get("format", ""))
    words, example = by_format or _TYPES.get(str(schema.get("type")), ("of another type", ""))
    limits = [
        f"{phrase} {schema[key]}"
        for key, phrase in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "more than"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "less than"),
        )
        if key in schema
    ]
    return " ".join([words, " and ".join(limits)]).strip(), example if not limits else ""
