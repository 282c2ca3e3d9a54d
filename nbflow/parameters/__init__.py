"""What flows can be told: declared, checked, shown, and handed to a notebook.

A parameter comes from a signature (`from_signature`, or `PythonFile` for one that is only read)
or from a notebook's `parameters` cell (`from_cell`). Values are checked by `validate`, read from
the command line by `parse_text`, described by `json_schema`, written into notebooks by
`to_python_source` and shown by `preview`. Parameters are data, never source text: no value given
by anyone can become code.

What only notebooks need is loaded when it is first used: calling a flow function should
not pay for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nbflow.parameters.model import Parameter, ParameterKind, bind, from_signature, to_call
from nbflow.parameters.preview import preview, short_repr, shown_text
from nbflow.parameters.values import convert, json_schema, parse_text, require, validate

if TYPE_CHECKING:
    from nbflow.parameters.cells import from_cell
    from nbflow.parameters.functions import PythonFile
    from nbflow.parameters.source import to_python_source, to_source

_LATER = {
    "PythonFile": "functions",
    "from_cell": "cells",
    "to_python_source": "source",
    "to_source": "source",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "Parameter",
    "ParameterKind",
    "PythonFile",
    "bind",
    "convert",
    "from_cell",
    "from_signature",
    "json_schema",
    "parse_text",
    "preview",
    "require",
    "short_repr",
    "shown_text",
    "to_call",
    "to_python_source",
    "to_source",
    "validate",
]
