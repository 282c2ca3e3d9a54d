"""Answers to what a paused run asks for: from options, or field by field on a terminal.

This module decides how text becomes an answer that fits a JSON Schema, and how what is asked
reads. Whether the answer fits is the store's judgement. It must not know how runs wait.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import make_console, say, state_label
from nbflow.cli.options import ResumeOptions
from nbflow.cli.reports import json_run, write_json
from nbflow.cli.run import named_values
from nbflow.exceptions import ParameterError, UsageError
from nbflow.failure import short_id
from nbflow.models import FlowRun
from nbflow.models.deployments import RunInput
from nbflow.store.base import Store
from nbflow.terminal_text import plain_line

_YES: Final = frozenset({"y", "yes", "true", "1", "on"})
_NO: Final = frozenset({"n", "no", "false", "0", "off"})
#: The field of an answer that is a plain value.
_VALUE: Final = "value"


def answer(run: FlowRun, store: Store, options: ResumeOptions) -> int:
    """Answer the run, and say that it goes on; exit code 2, with what is asked, without answer."""
    console = make_console(colour=options.colour)
    asked = _open_question(run, store, options.key)
    given = given_in(options, asked)
    if given is None and asked.schema is not None:
        if options.json or not sys.stdin.isatty():
            raise UsageError(_what_is_asked(run, asked))
        _tell_question(console, run, asked)
        after = _ask_until_it_fits(run, store, asked, console)
    else:
        after = store.dispatch.answer(run.id, given, key=asked.key)
    _tell(console, after, options)
    return 0


def _open_question(run: FlowRun, store: Store, key: str | None) -> RunInput:
    asked = [each for each in store.dispatch.inputs(run.id) if each.answered is None]
    fitting = [each for each in asked if key in {None, each.key}]
    if not fitting:
        keys = ", ".join(each.key for each in asked)
        raise UsageError(
            f"{run.name} asks for {keys}, not for {key!r}: correct --key."
            if keys
            else f"{run.name} asks for nothing yet. Look again: nbflow runs show {short_id(run)}"
        )
    return fitting[-1]


# ── reading answers ──────────────────────────────────────────────────────────────────────


def given_in(options: ResumeOptions, asked: RunInput) -> dict[str, Any] | None:
    """The answer that the options give; None when they give none."""
    if options.input is None and not options.parameters:
        return None
    values: dict[str, Any] = {}
    if options.input is not None:
        text = sys.stdin.read() if options.input == "-" else options.input
        values = _object_of(text, asked)
    schema, objects = asked.schema or {}, named_values.get()
    for name, text in options.parameters:
        known = text in objects
        values[name] = objects[text] if known else read_value(text, field_of(schema, name))
    return values


def _object_of(text: str, asked: RunInput) -> dict[str, Any]:
    schema = asked.schema or {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    if _VALUE in schema.get("properties", {}):
        return {_VALUE: read_value(text, field_of(schema, _VALUE))}
    raise UsageError(f'--input is no JSON object: {text[:60]!r}. Write one, such as {{"name": 1}}.')


def field_of(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of one field, references looked up."""
    found: Mapping[str, Any] = schema.get("properties", {}).get(name, {})
    while (reference := found.get("$ref")) is not None:
        found = {**schema.get("$defs", {}).get(reference.rpartition("/")[2], {})}
    return found


def read_value(text: str, schema: Mapping[str, Any]) -> Any:
    """What a text means for a field: text stays text where that fits, all else is JSON."""
    kinds = _kinds(schema)
    word = text.strip().lower()
    if kinds == {"string"}:
        return text
    if "boolean" in kinds and word in _YES | _NO:
        return word in _YES
    with suppress(ValueError):
        return json.loads(text)
    return text  # whether that fits is told by whoever checks


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that a field may have."""
    kind = schema.get("type")
    if kind is not None:
        return {kind} if isinstance(kind, str) else set(kind)
    if "enum" in schema:
        return {"string"} if all(isinstance(each, str) for each in schema["enum"]) else set()
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return set().union(*(_kinds(choice) for choice in choices)) if choices else set()


# ── asking ───────────────────────────────────────────────────────────────────────────────


def _ask_until_it_fits(run: FlowRun, store: Store, asked: RunInput, console: Console) -> FlowRun:
    while True:
        try:
            return store.dispatch.answer(run.id, _prompted(asked), key=asked.key)
        except ParameterError as error:
            say(console, Text(str(error), style="red"))


def _prompted(asked: RunInput) -> dict[str, Any]:
    schema = asked.schema or {}
    required = set(schema.get("required", ()))
    values: dict[str, Any] = {}
    for name in schema.get("properties", {}):
        field = field_of(schema, name)
        default = field.get("default", None if name in required else "")
        shown = json.dumps(default) if not isinstance(default, str | None) else default
        text = click.prompt(
            f"{name} ({type_words(field)})", default=shown, show_default=bool(shown)
        )
        if text != "" or name in required:
            values[name] = read_value(str(text), field)
    return values


def type_words(schema: Mapping[str, Any]) -> str:
    """A field's type for people."""
    if choices := schema.get("enum"):
        return " | ".join(map(str, choices))
    words = " or ".join(sorted(_kinds(schema) - {"null"})) or "any"
    return f"{words}, {schema['format']}" if "format" in schema else words


def _tell_question(console: Console, run: FlowRun, asked: RunInput) -> None:
    say(
        console, Text(plain_line(asked.message or f"{run.name} waits for an answer."), style="bold")
    )
    table = Table.grid(padding=(0, 2, 0, 2))
    for name in (asked.schema or {}).get("properties", {}):
        meaning = field_of(asked.schema or {}, name).get("description")
        if meaning:
            table.add_row(name, plain_line(str(meaning)))
    if table.row_count:
        say(console, table)


def _what_is_asked(run: FlowRun, asked: RunInput) -> str:
    schema = asked.schema or {}
    required = set(schema.get("required", ()))
    names = schema.get("properties", {})
    fields = ", ".join(
        f"{name} ({type_words(field_of(schema, name))}{'' if name in required else ', optional'})"
        for name in names
    )
    first = next(iter(names), "name")
    message = f" “{plain_line(asked.message)}”" if asked.message else ""
    return (
        f"{run.name} waits for an answer:{message} {fields or 'a JSON object'}. Give it: "
        f"nbflow resume {short_id(run)} -p {first} VALUE"
    )


def _tell(console: Console, run: FlowRun, options: ResumeOptions) -> None:
    if options.json:
        write_json(console, json_run(run))
        return
    if run.state.name != "Resuming":
        say(console, f"{run.name} is answered, and goes on.", wrap=False)
        return
    line = f"  {run.name} is answered: it waits for a worker, and goes on then."
    say(console, Text.assemble(state_label(run.state), line), wrap=False)
