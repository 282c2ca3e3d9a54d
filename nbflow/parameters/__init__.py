"""What flows can be told: declared, checked, shown, and handed to a notebook.

A parameter comes from a signature (`from_signature`) or from a notebook's `parameters`
cell (`from_cell`). Values are checked by `validate`, read from the command line by
`parse_text`, described by `json_schema`, written into notebooks by `to_python_source` and
shown by `preview`. Parameters are data, never source text: no value given by anyone can
become code.
"""

from __future__ import annotations

from nbflow.parameters.cells import from_cell
from nbflow.parameters.model import Parameter, ParameterKind, bind, from_signature, to_call
from nbflow.parameters.preview import preview, short_repr
from nbflow.parameters.source import to_python_source, to_source
from nbflow.parameters.values import convert, json_schema, parse_text, validate

__all__ = [
    "Parameter",
    "ParameterKind",
    "bind",
    "convert",
    "from_cell",
    "from_signature",
    "json_schema",
    "parse_text",
    "preview",
    "short_repr",
    "to_call",
    "to_python_source",
    "to_source",
    "validate",
]
