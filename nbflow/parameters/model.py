"""What a parameter is, and how a function's signature and arguments become parameters.

This module decides the `Parameter` record and binding. It must not know notebooks, forms
or validation.
"""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import GenericAlias
from typing import Any

from nbflow.annotations import NotSet
from nbflow.exceptions import ParameterBindError, UnknownParameterError


class ParameterKind(str, Enum):
    """How a parameter takes its value."""

    POSITIONAL_ONLY = "positional_only"  # def f(x, /)
    NORMAL = "normal"  # by place or by name; every parameter of a notebook
    KEYWORD_ONLY = "keyword_only"  # def f(*, x)
    VAR_POSITIONAL = "var_positional"  # def f(*args)
    VAR_KEYWORD = "var_keyword"  # def f(**kwargs)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing a flow can be told.

    `annotation` is the declared type, `typing.Any` when none is declared or it is not
    known here. `default` is `NotSet` when there is none, or when only the code knows it
    (`default_source` then holds that code).
    """

    name: str
    annotation: Any = Any
    default: Any = NotSet
    required: bool = True
    help: str = ""
    kind: ParameterKind = ParameterKind.NORMAL
    #: The default as written, for a parameter read from code.
    default_source: str | None = None
    #: The type is that of the default, not one the author declared.
    inferred: bool = False

    @property
    def type(self) -> Any:
        """The type of the whole value: a tuple for `*args`, a dict for `**kwargs`."""
        if self.kind is ParameterKind.VAR_POSITIONAL:
            return GenericAlias(tuple, (self.annotation, ...))
        if self.kind is ParameterKind.VAR_KEYWORD:
            return GenericAlias(dict, (str, self.annotation))
        return self.annotation


_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: ParameterKind.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ParameterKind.NORMAL,
    inspect.Parameter.KEYWORD_ONLY: ParameterKind.KEYWORD_ONLY,
    inspect.Parameter.VAR_POSITIONAL: ParameterKind.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD: ParameterKind.VAR_KEYWORD,
}


def from_signature(fn: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters of a function.

    Annotations that cannot be evaluated here (names of `TYPE_CHECKING` blocks) count as
    `typing.Any`: the call works, only without a check. Help is taken from the docstring's
    `Args:` section.
    """
    help_texts = docstring_help(inspect.getdoc(fn) or "")
    return tuple(
        Parameter(
            name=each.name,
            annotation=_annotation(fn, each.annotation),
            default=NotSet if each.default is inspect.Parameter.empty else each.default,
            required=each.default is inspect.Parameter.empty
            and each.kind not in {each.VAR_POSITIONAL, each.VAR_KEYWORD},
            help=help_texts.get(each.name, ""),
            kind=_KINDS[each.kind],
        )
        for each in inspect.signature(fn).parameters.values()
    )


def bind(
    fn: Callable[..., Any] | inspect.Signature,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    apply_defaults: bool = True,
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of a call by parameter name, as the function would see them.

    `*args` arrive under their name as a tuple, `**kwargs` as a dict. Pass the signature
    instead of the function where the same one is bound often.

    Raises `ParameterBindError` when they do not fit.
    """
    __tracebackhide__ = True
    signature = fn if isinstance(fn, inspect.Signature) else inspect.signature(fn)
    kwargs = kwargs or {}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        called = name or getattr(fn, "__name__", "the function")
        raise ParameterBindError(
            f"{called!r} cannot be called like this: {error}. "
            f"It takes ({_names(signature)}), and was given {_shown(args)} and {_shown(kwargs)}."
        ) from None
    if apply_defaults:
        bound.apply_defaults()
    return bound.arguments


def to_call(
    fn: Callable[..., Any] | inspect.Signature, parameters: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The way back from `bind`: positional and keyword arguments for the call.

    Raises `UnknownParameterError` for a name the function does not have.
    """
    signature = fn if isinstance(fn, inspect.Signature) else inspect.signature(fn)
    for name in parameters:
        if name not in signature.parameters:
            raise unknown(name, signature.parameters)
    bound = inspect.BoundArguments(signature, dict(parameters))
    return bound.args, bound.kwargs


def unknown(name: str, known: Iterable[str], owner: str = "") -> UnknownParameterError:
    """The error for a parameter that does not exist, with the names that are meant perhaps."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    whose = owner[:1].upper() + owner[1:] if owner else "The function"
    if near:
        hint = f"Did you mean {' or '.join(repr(each) for each in near)}?"
    elif names:
        hint = f"Its parameters are {', '.join(names)}."
    else:
        hint = "It takes none."
    return UnknownParameterError(f"{whose} has no parameter {name!r}. {hint}")


def _annotation(fn: Callable[..., Any], annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    if annotation is None:
        return type(None)
    try:
        return _evaluated(fn, annotation)
    except Exception:  # noqa: BLE001 - annotations are the user's code
        return Any


def _evaluated(fn: Callable[..., Any], annotation: Any) -> Any:
    def holder() -> None: ...

    plain = inspect.unwrap(fn)
    holder.__annotations__ = {"it": annotation}
    local = inspect.getclosurevars(plain).nonlocals if inspect.isfunction(plain) else {}
    names = {**getattr(plain, "__globals__", {}), **local}
    return typing.get_type_hints(holder, globalns=names, include_extras=True)["it"]


def docstring_help(doc: str) -> dict[str, str]:
    """The texts of a Google-style `Args:` section, by parameter."""
    found: dict[str, str] = {}
    indent, name = None, ""
    _, _, section = doc.partition("Args:\n")
    for line in section.splitlines():
        depth = len(line) - len(line.lstrip())
        if not line.strip() or depth == 0:
            break
        indent = depth if indent is None else indent
        head, colon, text = line.partition(":")
        if depth == indent and colon:
            name = head.split("(")[0].strip().lstrip("*")
            found[name] = text.strip()
        elif name:
            found[name] += " " + line.strip()
    return found


def _names(signature: inspect.Signature) -> str:
    stars = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}
    parameters = signature.parameters.values()
    return ", ".join(f"{stars.get(_KINDS[each.kind], '')}{each.name}" for each in parameters)


def _shown(values: object) -> str:
    try:
        text = repr(values)
    except Exception:  # noqa: BLE001 - `__repr__` is the user's code
        text = "(not printable)"
    return text if len(text) <= 200 else text[:199] + "…"  # noqa: PLR2004 - about two lines
