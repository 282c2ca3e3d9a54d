"""What a notebook or flow can be given, as a table for people or a schema for programs.

This module decides the wording of that list only.
"""

from __future__ import annotations

import json
import types
import typing
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow.annotations import NotSet
from nbflow.cli.console import say
from nbflow.flows import Flow
from nbflow.parameters import Parameter, short_repr
from nbflow.wording import counted


def tell_parameters(console: Console, flow: Flow[Any, Any], *, as_json: bool) -> None:
    """Print what the flow can be given."""
    if as_json:
        console.file.write(f"{json.dumps(flow.parameter_schema, indent=2, default=str)}\n")
        return
    if not flow.parameters:
        say(console, f"{flow.name} takes no parameters.")
        return
    say(console, f"{flow.name} takes {counted(len(flow.parameters), 'parameter')}:\n")
    say(console, _table(flow.parameters))


def _table(parameters: typing.Iterable[Parameter]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("name", no_wrap=True, style="bold")
    table.add_column("type", no_wrap=True)
    table.add_column("default")
    table.add_column("meaning")
    for parameter in parameters:
        table.add_row(
            parameter.name, type_word(parameter.annotation), _default(parameter), parameter.help
        )
    return table


def _default(parameter: Parameter) -> Text:
    if parameter.required:
        return Text("required", style="yellow")
    if parameter.default_source is not None:
        return Text(parameter.default_source)
    return Text("" if parameter.default is NotSet else short_repr(parameter.default))


def type_word(annotation: Any) -> str:
    """A type as its author would write it."""
    if annotation is Any:
        return "any"
    if annotation is types.NoneType:
        return "None"
    plain = isinstance(annotation, type) and not typing.get_args(annotation)
    if plain:
        return str(annotation.__name__)
    return str(annotation).replace("typing.", "").replace("NoneType", "None")
