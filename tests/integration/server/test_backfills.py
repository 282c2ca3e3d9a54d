"""Backfills over HTTP: several runs as one thing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from .conftest import Served

SPAN = {"deployment": "train/nightly", "start": "2026-01-01", "end": "2026-01-03"}


def test_a_backfill_is_one_thing(served: Served) -> None:
    body = {**SPAN, "parameter": "day", "tags": ["redo"], "concurrency_limit": 2}
    made = served.client.post("/api/backfills", json=body)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["counts"] == {"SCHEDULED": 3}
    runs = served.client.get("/api/flow_runs", params={"backfill": told["id"]}).json()["items"]
    assert {run["parameters"]["day"] for run in runs} == {
        "2026-01-01", "2026-01-02", "2026-01-03"
    }  # fmt: skip
    assert all({"ml", "redo"} <= set(run["tags"]) for run in runs)
    assert served.client.get(f"/api/backfills/{told['id']}").json() == told
    listed = served.client.get("/api/backfills", params={"deployment": "nightly"}).json()
    assert listed == [told]
    gone = served.client.post(f"/api/backfills/{told['id']}/cancel").json()
    assert gone["cancelled"] is True
    assert gone["counts"] == {"CANCELLED": 3}
    served.problem(served.client.get(f"/api/backfills/{uuid4()}"), 404)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"deployment": "nothing"}, 404, None),
        ({"start": "then"}, 422, "start"),
        ({"start": 5}, 422, "start"),
        ({"end": "2025-01-01"}, 409, None),
        ({"schedule": "hourly"}, 409, None),
        ({"parameter": "hour"}, 422, "hour"),
        ({"parameters": {"rows": "x"}}, 422, "rows"),
        ({"on_existing": "ask"}, 422, "on_existing"),
        ({"start": "2000-01-01"}, 409, None),
    ],
    ids=str,
)
def test_a_backfill_that_cannot_be_is_refused(
    served: Served, changes: dict[str, Any], status: int, field: str | None
) -> None:
    answer = served.client.post("/api/backfills", json={**SPAN, **changes})
    told: Any = served.problem(answer, status)
    if field:
        assert field in {each["field"] for each in told["errors"]}
