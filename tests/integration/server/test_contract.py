"""The API keeps what its OpenAPI document promises, whatever it is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance

from nbflow.server.app import create_app
from nbflow.store import SQLStore

from .conftest import TOKEN, seed

BEARER = {"Authorization": f"Bearer {TOKEN}"}
#: For each route; wrong ones take long to make up. NBFLOW_API_EXAMPLES=200 looks harder.
EXAMPLES = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 1}
if wanted := os.environ.get("NBFLOW_API_EXAMPLES"):
    EXAMPLES = dict.fromkeys(GenerationMode, int(wanted))
#: It never ends.
STREAM = "/api/events"
#: Whose bodies mean more than this schema can say: a cron text, a zip archive, the answer or the
#: parameters that one run's or one deployment's own schema describes.
MEANINGFUL = {
    ("post", "/api/flow_runs/{run}/resume"),
    ("post", "/api/deployments/{deployment}/runs"),
    ("post", "/api/flow_runs"),
    ("post", "/api/schedules/preview"),
    ("post", "/api/deployments"),
    ("post", "/api/deployments/{deployment}/schedules"),
    ("post", "/api/backfills"),
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder = tmp_path_factory.mktemp("contract")
    store = SQLStore(f"sqlite:///{folder / 'runs.db'}")
    seed(store)
    yield create_app(store, token=TOKEN, allowed_hosts={"testserver"})
    store.close()


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_no_request_breaks_a_promise(
    app: FastAPI, document: dict[str, Any], mode: GenerationMode
) -> None:
    # Who may ask is another test's matter: here everybody has the token.
    app.openapi_schema = {key: value for key, value in document.items() if key != "security"}
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=BEARER)
    app.openapi_schema = document
    broken: dict[str, str] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path != STREAM:
            _try(operation, mode, broken)
    assert not broken, "\n\n".join(f"{label}: {words}" for label, words in broken.items())


def _try(operation: Any, mode: GenerationMode, broken: dict[str, str]) -> None:
    means_more = (operation.method.lower(), operation.path) in MEANINGFUL
    left_out = [positive_data_acceptance] if means_more else []

    @hypothesis.settings(
        max_examples=EXAMPLES[mode],
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        nonlocal told
        answer = case.call(headers=BEARER)
        told = f"{case.path_parameters} {case.query} {case.body}: {answer.text[:500]}"
        case.validate_response(answer, headers=BEARER, excluded_checks=left_out)

    told = ""
    try:
        attempt()
    except BaseExceptionGroup as found:  # the failures of an example are a group of their own
        broken[operation.label] = f"{found.exceptions[0]}\n{told}"
    except Unsatisfiable:  # nothing can be wrong where nothing is taken
        return


# ── the document itself ──────────────────────────────────────────────────────────────────


def test_every_route_is_described(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    identifiers = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"].endswith((".", "…")), where
            assert set(operation["tags"]) <= tags, where
            assert {"401", "403", "404", "422"} <= operation["responses"].keys(), where
            identifiers.append(operation["operationId"])
            for parameter in operation.get("parameters", ()):
                assert parameter["schema"], where
    assert len(identifiers) == len(set(identifiers)) > 60


def test_records_are_described_by_the_comments_in_their_code(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    run = schemas["FlowRun"]
    assert set(run["required"]) == set(run["properties"])
    assert run["properties"]["output"]["description"].startswith("The executed notebook")
    assert "data" not in schemas["State"]["properties"]
    assert {"FlowRunPage", "DeploymentPage", "Problem"} <= schemas.keys()
    assert not [name for name in schemas if name.endswith("_")]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    found = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert found <= schemas.keys()
    assert str(Path.cwd()) not in text


def test_only_the_sign_of_life_is_open(document: dict[str, Any]) -> None:
    assert document["security"] == [{"token": []}]
    open_paths = [
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if operation.get("security") == []
    ]
    assert open_paths == ["/api/health"]
