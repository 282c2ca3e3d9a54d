"""Values for parameters: checked against their types, read from text, described as a form.

This module decides which values fit which declared types, and what is said when one does
not. Types are judged by pydantic, which is imported only when a value does not already
have exactly its declared type.
"""

from __future__ import annotations

import ast
import json
import types
import typing
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Union
from uuid import UUID

from nbflow.annotations import NotSet
from nbflow.exceptions import ParameterBindError, ParameterTypeError
from nbflow.parameters.model import Parameter, ParameterKind, unknown
from nbflow.parameters.preview import short_repr

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

#: How a type reads in a sentence, and a value of it for the hint.
_PHRASES: Final[dict[Any, tuple[str, str]]] = {
    bool: ("a bool", "true or false"),
    int: ("an int", "3"),
    float: ("a float", "0.5"),
    complex: ("a complex number", "1+2j"),
    str: ("a str", "'text' in quotes"),
    bytes: ("bytes", "b'text'"),
    date: ("a date", "2026-01-31"),
    datetime: ("a datetime", "2026-01-31T09:30:00+00:00"),
    time: ("a time", "09:30:00"),
    timedelta: ("a timedelta", "90 (seconds), 01:30:00 or P1D"),
    Decimal: ("a Decimal", "1.50"),
    UUID: ("a UUID", "123e4567-e89b-12d3-a456-426614174000"),
    Path: ("a Path", "data/train.csv"),
    list: ("a list", "[1, 2]"),
    tuple: ("a tuple", "[1, 2]"),
    set: ("a set", "[1, 2]"),
    frozenset: ("a frozenset", "[1, 2]"),
    dict: ("a dict", '{"key": 1}'),
    type(None): ("None", "None"),
}
_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1", "t", "y"), True),
    **dict.fromkeys(("false", "no", "off", "0", "f", "n"), False),
}
#: Types whose values are only what they are: checking `type(value) is T` is all there is.
_EXACT: Final = frozenset({bool, int, float, complex, str, bytes, type(None)})
_UNIONS: Final = (Union, types.UnionType)


def validate(
    params: Sequence[Parameter],
    values: Mapping[str, Any],
    *,
    owner: str = "",
    strict_names: bool = True,
) -> dict[str, Any]:
    """The values, converted to their declared types, in the order of the parameters.

    Args:
        params: What can be given.
        values: What is given; defaults are not filled in.
        owner: Who takes the parameters, for messages: "flow 'etl'", "notebook 'a.ipynb'".
        strict_names: Refuse names that are no parameter; otherwise they pass unchecked.

    Raises:
        UnknownParameterError: A name is no parameter; near matches are named.
        ParameterTypeError: A value does not have, and cannot take, the declared type.
        ParameterBindError: A required parameter is missing.
    """
    __tracebackhide__ = True
    known = {each.name: each for each in params}
    given = _collect_extras(params, values)
    for name in given:
        if strict_names and name not in known:
            raise unknown(name, known, owner)
    require(params, given, owner)
    checked: dict[str, Any] = {}
    for name, parameter in known.items():  # a comprehension would show in a user's traceback
        if name in given:
            checked[name] = convert(parameter, given[name], owner)
    return checked | {name: value for name, value in given.items() if name not in known}


def require(params: Iterable[Parameter], values: Container[str], owner: str = "") -> None:
    """Raises `ParameterBindError` when a parameter has neither a value nor a default."""
    __tracebackhide__ = True
    missing = [each.name for each in params if each.required and each.name not in values]
    if missing:
        raise _missing(missing, owner)


def convert(parameter: Parameter, value: Any, owner: str = "") -> Any:
    """One value in its declared type; raises `ParameterTypeError`."""
    __tracebackhide__ = True
    if has_type(value, parameter.type):
        return value
    # A default of True says "yes or no": neither 1 nor "yes" was meant by the author.
    strict_bool = parameter.inferred and (parameter.type is bool or isinstance(value, bool))
    adapter = _adapter(parameter.type)
    if strict_bool or (adapter is None and not _fits_class(value, parameter.type)):
        raise _ill_typed(parameter, value, owner)
    if adapter is None:
        return value
    from pydantic import ValidationError  # noqa: PLC0415 - slow to import, and needed only here

    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise _ill_typed(parameter, value, owner, error) from None


def parse_text(params: Sequence[Parameter], name: str, text: str, *, owner: str = "") -> Any:
    """The value that a text on the command line means for a parameter.

    The declared type decides; JSON and Python literals serve for containers. Where none is
    declared: True, False, None, whole numbers, numbers, else text, as papermill has it.

    Raises:
        UnknownParameterError: There is no such parameter.
        ParameterTypeError: The text means no value of the declared type.
    """
    known = {each.name: each for each in params}
    parameter = known.get(name) or _any_name(params, name)
    if parameter is None:
        raise unknown(name, known, owner)
    for reading in _readings(parameter.annotation, text):
        try:
            return convert(parameter, reading, owner)
        except ParameterTypeError:
            continue
    raise _ill_typed(parameter, text, owner)


def json_schema(params: Sequence[Parameter], *, title: str = "Parameters") -> dict[str, Any]:
    """The parameters as JSON Schema (draft 2020-12), for forms, the API and the CLI.

    Each property has `title`, `position`, and, where known, `type`, `format`, `default` and
    `description`.
    """
    definitions: dict[str, Any] = {}
    properties = {
        each.name: _property(each, position, definitions) for position, each in enumerate(params)
    }
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "required": [each.name for each in params if each.required],
        "additionalProperties": any(p.kind is ParameterKind.VAR_KEYWORD for p in params),
    }
    return schema | ({"$defs": definitions} if definitions else {})


# ── types ────────────────────────────────────────────────────────────────────────────────


def has_type(value: Any, annotation: Any) -> bool:
    """Whether a value has its type already, as far as that is cheap to see."""
    if annotation is Any or type(value) is annotation:
        return True
    origin = typing.get_origin(annotation)
    if origin is None:
        return annotation is None and value is None
    return _has_generic_type(value, origin, typing.get_args(annotation))


def _has_generic_type(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if origin in _UNIONS:
        return any(has_type(value, each) for each in arguments)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in arguments)
    return type(value) is origin and _holds(value, origin, arguments)


def _holds(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if origin is dict:
        of_key, of_value = arguments
        return all(has_type(k, of_key) and has_type(v, of_value) for k, v in value.items())
    uniform = origin is tuple and len(arguments) == 2 and arguments[1] is ...  # noqa: PLR2004 - tuple[T, ...]
    if uniform or origin in {list, set, frozenset}:
        return all(has_type(item, arguments[0]) for item in value)
    return False


def _fits_class(value: Any, annotation: Any) -> bool:
    """The check that is left for types that pydantic does not know."""
    return not isinstance(annotation, type) or isinstance(value, annotation)


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    try:
        return _cached_adapter(annotation)
    except TypeError:  # a type that cannot be hashed, e.g. Annotated with a list
        return _new_adapter(annotation)


def _new_adapter(annotation: Any) -> TypeAdapter[Any] | None:
    """What checks a type; None for types that pydantic can make nothing of."""
    from pydantic import ConfigDict, TypeAdapter  # noqa: PLC0415 - slow to import
    from pydantic.errors import (  # noqa: PLC0415 - slow to import
        PydanticUndefinedAnnotation,
        PydanticUserError,
    )

    adapter: TypeAdapter[Any]
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUndefinedAnnotation:
        return None
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            return None
        adapter = TypeAdapter(annotation)
    # A type that names another which is not there (yet) is only half built.
    return adapter if getattr(adapter, "pydantic_complete", True) else None


_cached_adapter: Final = lru_cache(maxsize=512)(_new_adapter)


# ── text ─────────────────────────────────────────────────────────────────────────────────


def _readings(annotation: Any, text: str) -> list[Any]:
    """What a text may mean for a type, most likely first."""
    members = _members(annotation)
    if annotation is Any or annotation is object:
        return [_guess(text)]
    found: list[Any] = []
    if type(None) in members and text.lower() in {"none", "null"}:
        found.append(None)
    if bool in members and text.lower() in _WORDS:
        found.append(_WORDS[text.lower()])
    enums = [each for each in members if isinstance(each, type) and issubclass(each, Enum)]
    found += [each[text] for each in enums if text in each.__members__]
    structured = any(_is_structured(member) for member in members)
    literals = _literals(text) if structured else []
    return [*found, *literals, text] if structured else [*found, text, *_literals(text)]


def _members(annotation: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(annotation)
    if origin in _UNIONS:
        return tuple(m for each in typing.get_args(annotation) for m in _members(each))
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    return (annotation,)


_TEXTUAL: Final = (
    str,
    bytes,
    int,
    float,
    complex,
    Decimal,
    date,
    time,
    timedelta,
    UUID,
    Path,
    Enum,
)


def _is_structured(annotation: Any) -> bool:
    kind = typing.get_origin(annotation) or annotation
    return isinstance(kind, type) and kind is not type(None) and not issubclass(kind, _TEXTUAL)


def _literals(text: str) -> list[Any]:
    found = []
    readers: tuple[Callable[[str], Any], ...] = (json.loads, ast.literal_eval)
    for reader in readers:
        try:
            found.append(reader(text))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return found


def _guess(text: str) -> Any:
    if text in {"True", "False", "None"}:
        return ast.literal_eval(text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _any_name(params: Sequence[Parameter], name: str) -> Parameter | None:
    """The parameter that `**kwargs` makes of a name."""
    extras = next((each for each in params if each.kind is ParameterKind.VAR_KEYWORD), None)
    return None if extras is None else Parameter(name, extras.annotation)


def _collect_extras(params: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    extras = next((each for each in params if each.kind is ParameterKind.VAR_KEYWORD), None)
    known = {each.name for each in params}
    if extras is None or known >= values.keys():
        return dict(values)
    given = {name: value for name, value in values.items() if name in known}
    rest = {name: value for name, value in values.items() if name not in known}
    given[extras.name] = {**given.get(extras.name, {}), **rest}
    return given


# ── messages ─────────────────────────────────────────────────────────────────────────────


def _ill_typed(
    parameter: Parameter, value: Any, owner: str, error: ValidationError | None = None
) -> ParameterTypeError:
    phrase, example = _phrase(parameter.type)
    whose = f" of {owner}" if owner else ""
    text = (
        f"Parameter {parameter.name!r}{whose} must be {phrase}; got {short_repr(value, 120)}"
        f"{_inside(error)}."
    )
    if example:
        text += f" Use e.g. {example}."
    if parameter.inferred:
        kind = parameter.type.__name__
        text += (
            f" (Its default is {kind}: {kind} is meant. "
            f"To allow more, annotate it in the parameters cell, e.g. {parameter.name}: float = …)"
            if kind == "int" and isinstance(value, float)
            else f" (Its type is that of its default, {_default_shown(parameter)}.)"
        )
    return ParameterTypeError(text)


def _default_shown(parameter: Parameter) -> str:
    return parameter.default_source or short_repr(parameter.default, 60)


def _phrase(annotation: Any) -> tuple[str, str]:
    if annotation in _EXACT or (isinstance(annotation, type) and annotation in _PHRASES):
        return _PHRASES[annotation]
    if typing.get_origin(annotation) is Literal:
        shown = [repr(each) for each in typing.get_args(annotation)]
        return f"one of {', '.join(shown)}", ""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"one of {', '.join(repr(each.value) for each in annotation)}", ""
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return f"a {annotation.__name__}", ""
    members = [m for m in _members(annotation) if m is not type(None)]
    plain = typing.get_origin(members[0]) or members[0]
    example = _PHRASES[plain][1] if isinstance(plain, type) and plain in _PHRASES else ""
    return f"of type {str(annotation).replace('typing.', '')}", example


def _inside(error: ValidationError | None) -> str:
    """Where inside a container or model the value is wrong."""
    first = error.errors(include_url=False, include_context=False)[0] if error else None
    if not first or not first["loc"]:
        return ""
    place = ".".join(str(step) for step in first["loc"])
    return f" (at {place}: {first['msg'][:1].lower()}{first['msg'][1:]})"


def _missing(names: list[str], owner: str) -> ParameterBindError:
    shown = ", ".join(repr(name) for name in names)
    whose = owner[:1].upper() + owner[1:] if owner else "This"
    plural = "s" if len(names) > 1 else ""
    return ParameterBindError(
        f"{whose} needs the parameter{plural} {shown}, and got no value for it. "
        f"Give one, e.g. -p {names[0]} VALUE or {names[0]}=…."
    )


# ── schema ───────────────────────────────────────────────────────────────────────────────


def _property(parameter: Parameter, position: int, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _type_schema(parameter.type)
    definitions |= schema.pop("$defs", {})
    schema["title"] = parameter.name
    schema["position"] = position
    if parameter.help:
        schema["description"] = parameter.help
    if parameter.default is not NotSet:
        schema |= _default(parameter)
    return schema


def _type_schema(annotation: Any) -> dict[str, Any]:
    if annotation is Any:
        return {}
    from pydantic.errors import PydanticInvalidForJsonSchema  # noqa: PLC0415 - slow to import

    adapter = _adapter(annotation)
    try:
        return adapter.json_schema() if adapter else {}
    except PydanticInvalidForJsonSchema:  # e.g. a DataFrame: nothing a form could offer
        return {}


def _default(parameter: Parameter) -> dict[str, Any]:
    from pydantic_core import (  # noqa: PLC0415 - slow to import
        PydanticSerializationError,
        to_jsonable_python,
    )

    try:
        default = to_jsonable_python(parameter.default)
        json.dumps(default, allow_nan=False)
    except (PydanticSerializationError, ValueError):  # no JSON form: the code has it
        return {}
    return {"default": default}
