"""Queues, limits, variables, secrets, artifacts, workers, and the server itself."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from nbflow.exceptions import (
    ConfigurationError,
    LeaseLost,
    NbflowError,
    ObjectAlreadyExists,
    ObjectNotFound,
    ParameterError,
    ResumeError,
    ScheduleError,
    StoreError,
    UsageError,
    VisualizationError,
)
from nbflow.server.answers import Json
from nbflow.server.app import create_app
from nbflow.server.body_size import LIMIT
from nbflow.server.problems import answer_to, field_of

from .conftest import TOKEN, Served

NOUNS: list[tuple[str, str, dict[str, Any]]] = [
    ("queues", "gpu", {"priority": 5, "concurrency_limit": 2, "description": "the fast ones"}),
    ("limits", "warehouse", {"slots": 3}),
    ("limits", "api calls", {"slots": 10, "slot_decay_per_second": 0.5}),
    ("variables", "thresholds", {"value": {"low": 0.1, "names": ["a", None]}}),
]


@pytest.mark.parametrize(("noun", "name", "body"), NOUNS)
def test_a_noun_is_made_read_changed_and_forgotten(
    served: Served, noun: str, name: str, body: dict[str, Any]
) -> None:
    at = f"/api/{noun}/{name}"
    near = served.problem(served.client.get(at[:-1]), 404)
    assert near["error"] == "ObjectNotFound"
    made = served.client.put(at, json=body)
    assert made.status_code == 200, made.text
    assert made.json().items() >= body.items()
    assert served.client.get(at).json() == made.json()
    assert name in {each["name"] for each in served.client.get(f"/api/{noun}").json()}
    near = served.problem(served.client.get(at[:-1]), 404)
    assert name in str(near["detail"])
    assert served.client.delete(at).status_code == 204
    served.problem(served.client.delete(at), 404)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("queues/q", {"concurrency_limit": 0}, "concurrency_limit"),
        ("queues/q", {"priority": "high"}, "priority"),
        ("queues/q", {"priority": 1.5}, "priority"),
        ("queues/q", {"size": 1}, "size"),
        ("queues/q%0A", {}, "queue"),
        ("limits/l", {}, "slots"),
        ("limits/l", {"slots": -1}, "slots"),
        ("limits/l", {"slots": True}, "slots"),
        ("limits/l", {"slots": 1, "slot_decay_per_second": 0}, "slot_decay_per_second"),
        ("variables/v", {}, "value"),
        ("variables/two words", {"value": 1}, "variable"),
        ("secrets/s", {"value": 5}, "value"),
    ],
)
def test_a_noun_that_cannot_be_names_the_field(
    served: Served, path: str, body: dict[str, Any], field: str
) -> None:
    told = served.problem(served.client.put(f"/api/{path}", json=body), 422)
    assert field in {each["field"] for each in told["errors"]}  # type: ignore[index]


@pytest.mark.parametrize("text", ['{"value": NaN}', '{"value": "\\ud800"}', "[" * 500 + "]" * 500,
                                  '{"value":' * 90 + "1" + "}" * 90, "{", "\xff", ""])  # fmt: skip
def test_a_body_that_is_no_json_is_refused(served: Served, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = served.client.put("/api/variables/v", content=text.encode("latin-1"), headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_secret_is_never_shown(served: Served) -> None:
    value = "correct horse battery staple"
    put = served.client.put("/api/secrets/api-key", json={"value": value})
    listed = served.client.get("/api/secrets")
    read = served.client.get("/api/secrets/api-key")
    events = served.client.get("/api/events/list", params={"limit": 1000})
    assert (put.status_code, listed.status_code, read.status_code) == (200, 200, 405)
    assert "api-key" in listed.text
    for answer in (put, listed, read, events):
        assert value not in answer.text
    assert served.store.vault.secret_value("api-key") == value
    assert served.client.delete("/api/secrets/api-key").status_code == 204


def test_a_queue_rests_and_goes_on(served: Served) -> None:
    assert served.client.post("/api/queues/default/pause").json()["paused"] is True
    assert served.client.post("/api/queues/default/resume").json()["paused"] is False
    served.problem(served.client.delete("/api/queues/default"), 409)  # a deployment uses it


def test_artifacts_are_kept_found_and_forgotten(served: Served) -> None:
    body = {"kind": "table", "key": "scores", "data": [{"auc": 0.9}],
            "flow_run_id": str(served.run.id)}  # fmt: skip
    made = served.client.post("/api/artifacts", json=body)
    assert made.status_code == 201
    found = served.client.get("/api/artifacts", params={"key": "scores", "kind": "table"}).json()
    assert found == [made.json()]
    at = f"/api/artifacts/{made.json()['id']}"
    assert served.client.get(at).json() == made.json()
    assert served.client.delete(at).status_code == 204
    served.problem(served.client.get(at), 404)
    orphan = {**body, "flow_run_id": str(uuid4())}
    served.problem(served.client.post("/api/artifacts", json=orphan), 404)
    served.problem(served.client.post("/api/artifacts", json={"kind": "smell"}), 422)


def test_the_server_tells_how_it_is(served: Served) -> None:
    assert served.client.get("/api/health/ready").json() == {"status": "ok"}
    info = served.client.get("/api/info").json()
    assert info["flow_runs"] >= 3
    assert info["size_bytes"] > 0
    assert served.client.get("/api/version").json() == {"version": info["version"]}
    assert served.client.get("/api/workers", params={"alive": False}).json() == []


def test_metrics_are_what_prometheus_reads(served: Served) -> None:
    served.client.get("/api/flow_runs/golden-fox")
    text = served.client.get("/api/metrics").text
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(samples['nbflow_flow_runs{state="FAILED"}']) >= 1
    assert float(samples["nbflow_database_bytes"]) > 0
    assert samples["nbflow_workers"] == "0"
    route = 'route="/api/flow_runs/{run}"'
    assert float(samples[f'nbflow_http_requests_total{{method="GET",{route},status="200"}}']) >= 1
    counts = [float(samples[f'nbflow_http_request_duration_seconds_bucket{{{route},le="{limit}"}}'])
              for limit in ("0.005", "0.1", "10.0", "+Inf")]  # fmt: skip
    assert counts == sorted(counts)
    assert counts[-1] == float(samples[f"nbflow_http_request_duration_seconds_count{{{route}}}"])
    assert "golden-fox" not in text
    names = [line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_a_body_beyond_the_limit_is_refused(served: Served) -> None:
    served.problem(served.client.post("/api/flow_runs/filter", content=b"x" * (LIMIT + 1)), 413)

    def endless() -> Any:
        for _ in range(LIMIT // 100_000 + 2):
            yield b"x" * 100_000

    served.problem(served.client.post("/api/flow_runs/filter", content=endless()), 413)


def test_the_pages_need_nothing_from_elsewhere(served: Served) -> None:
    for path in ("/", "/api/docs"):
        page = served.client.get(path)
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in page.text
        assert "http://" not in page.text
    assert "Idempotency-Key" in served.client.get("/api/docs").text.title()


# ── errors ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "status", "field"),
    [
        (ObjectNotFound("No."), 404, None),
        (ObjectAlreadyExists("There."), 409, None),
        (ResumeError("No."), 409, None),
        (LeaseLost("Gone."), 409, None),
        (UsageError("Not now."), 409, None),
        (ParameterError("Parameter 'day' must be a date."), 422, "day"),
        (ParameterError("Deployment 'a/b' needs the parameter 'day'."), 422, "day"),
        (ScheduleError("No zone.", field="timezone"), 422, "timezone"),
        (ConfigurationError("The setting 'x' is wrong."), 422, "x"),
        (VisualizationError("No."), 422, None),
        (StoreError("Locked."), 503, None),
        (NbflowError("Odd."), 500, None),
    ],
    ids=lambda each: type(each).__name__,
)
def test_each_error_has_its_status_and_field(
    error: NbflowError, status: int, field: str | None
) -> None:
    assert field_of(error) == field
    assert answer_to(error).status_code == status


def test_an_unexpected_error_tells_nothing_of_the_inside(served: Served) -> None:
    app = create_app(served.store, token=TOKEN, allowed_hosts={"testserver"})

    @app.get("/api/broken")
    def broken() -> Json:
        raise RuntimeError("/secret/path")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers
        ) as client:
            return await client.get("/api/broken")

    answer = asyncio.run(ask())
    told = served.problem(answer, 500)
    assert "secret" not in answer.text
    assert "report" in str(told["detail"])
