"""The description of the API, as tools and people read it.

This module decides what the OpenAPI document says beyond what the routes state: the token, the
shape of problems, and records as they travel, each field explained by its comment in the code.
It must not know single routes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from nbflow import states
from nbflow.models import deployments, graph, runs
from nbflow.server.problems import Problem
from nbflow.store import flow_summaries, orchestration

DESCRIPTION: Final = """
Flows, their runs and deployments, schedules, work queues and workers.

Every request carries the token: `Authorization: Bearer TOKEN`. Errors are problem details
(RFC 9457); `errors` names the fields at fault. Times are ISO 8601 in UTC. Lists take `limit`
and `offset`. Making a run takes an `Idempotency-Key`: the same key again answers with the same
run.
"""

TAGS: Final = [
    {"name": name, "description": words}
    for name, words in {
        "flow runs": "Executions of flows, and what they left behind.",
        "task runs": "Executions of tasks and cells.",
        "flows": "What ran, or is deployed, under each name.",
        "deployments": "Flows under a name, with all they need to run without their author.",
        "schedules": "When deployments run.",
        "backfills": "Runs of a deployment for a span of the past.",
        "queues": "Lines of due runs.",
        "workers": "Processes that execute runs.",
        "limits": "How much of a named thing may be used at once.",
        "variables": "Named values that runs read.",
        "secrets": "Named values that are never shown.",
        "artifacts": "Tables, texts and pictures that runs left behind.",
        "events": "Everything that happens, in order.",
        "server": "How the server is.",
        "store": "What remote workers and clients use; records in their wire form.",
    }.items()
]

_COMMENT: Final = re.compile(r"^    #: ?(.*)$")
_FIELD: Final = re.compile(r"^    (\w+): ")
_GENERIC: Final = re.compile(r"^(\w+)_(\w+?)_+$")


def install(app: FastAPI) -> None:
    """Let an application describe itself this way."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document_of(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def document_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=TAGS,
        separate_input_output_schemas=False,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The server's token."}
    }
    document["security"] = [{"token": []}]
    document["paths"]["/api/health"]["get"]["security"] = []
    _as_they_travel(schemas)
    names = _with_plain_names(schemas)
    described: dict[str, Any] = _renamed(document, names)
    return described


def _as_they_travel(schemas: dict[str, Any]) -> None:
    """Records are written whole: each field is there, with what its comment says."""
    for name, comments in _records():
        for key in (name, f"{name}_Any_"):
            if key in schemas:
                _explain(schemas[key], comments)


def _explain(schema: dict[str, Any], comments: Mapping[str, str]) -> None:
    properties = schema.get("properties", {})
    if schema.get("title") == "State":
        properties.pop("data", None)  # a value stays where it was made
    schema["description"] = schema.get("description", "").partition("\n\n")[0]
    schema["required"] = list(properties)
    for name, comment in comments.items():
        if name in properties:
            properties[name] = _described(properties[name], comment)


def _described(schema: dict[str, Any], comment: str) -> dict[str, Any]:
    return {**schema, "description": comment}


def _records() -> Iterator[tuple[str, Mapping[str, str]]]:
    for module in (deployments, graph, runs, orchestration, flow_summaries, states):
        for kind in vars(module).values():
            if isinstance(kind, type) and is_dataclass(kind):
                yield kind.__name__, _comments_of(kind)


def _comments_of(kind: type) -> dict[str, str]:
    """The `#:` comments above the fields of a record."""
    found: dict[str, str] = {}
    told: list[str] = []
    names = {each.name for each in fields(kind)}
    for line in inspect.getsource(kind).splitlines():
        if comment := _COMMENT.match(line):
            told.append(comment[1])
        elif (named := _FIELD.match(line)) and named[1] in names and told:
            found[named[1]] = " ".join(told)
            told = []
        else:
            told = []
    return found


def _with_plain_names(schemas: dict[str, Any]) -> dict[str, str]:
    """`Page_FlowRun_` becomes FlowRunPage, `State_Any_` State; the new names by the old ones."""
    names = {}
    for name in list(schemas):
        if generic := _GENERIC.match(name):
            whole, part = generic[1], generic[2]
            names[name] = whole if part == "Any" else f"{part}{whole}"
            schemas[names[name]] = {**schemas.pop(name), "title": names[name]}
    return names


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The document with its references following the new names."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    followed = {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value.get("$ref"), str):
        head, _, name = value["$ref"].rpartition("/")
        followed["$ref"] = f"{head}/{names.get(name, name)}"
    return followed
