"""Deployments over HTTP: made, run, compared, scheduled."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any
from uuid import uuid4

import pytest

from nbflow import wire
from nbflow.models import FlowRun
from nbflow.models.deployments import Deployment

from .conftest import Served, archive, deploy, soon

NIGHTLY = "/api/deployments/train/nightly"
FIELD = dict[str, Any]


def body(name: str, source: str = "print(1)", **given: Any) -> FIELD:
    snapshot = base64.b64encode(archive(train_ipynb=source)).decode()
    spec = {"entrypoint": "train.ipynb", "kind": "notebook", **given.pop("spec", {})}
    return {"flow_name": "made", "name": name, "spec": spec, "snapshot": snapshot, **given}


def fields(told: FIELD) -> set[str]:
    return {each["field"] for each in told["errors"]}


def test_a_deployment_is_found_by_whatever_names_it(served: Served) -> None:
    made = served.deployment
    for reference in ("nightly", "train/nightly", str(made.id), str(made.id)[:18]):
        answer = served.client.get(f"/api/deployments/{reference}")
        assert wire.load(Deployment, answer.json()).id == made.id, reference
    told = served.problem(served.client.get("/api/deployments/train/nightli"), 404)
    assert "nightly" in str(told["detail"])
    served.problem(served.client.get(f"/api/deployments/{uuid4()}"), 404)
    served.problem(served.client.get("/api/deployments/a%00b"), 404)


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ({}, True),
        ({"flow": "train"}, True),
        ({"flow": "etl"}, False),
        ({"tag": "ml"}, True),
        ({"tag": "none"}, False),
        ({"queue": "default"}, True),
        ({"queue": "gpu"}, False),
        ({"text": "NIGHT"}, True),
    ],
    ids=str,
)
def test_deployments_are_listed(served: Served, query: FIELD, is_there: bool) -> None:
    told = served.client.get("/api/deployments", params=query).json()
    assert ("train" in {each["flow_name"] for each in told["items"]}) is is_there
    assert told["total"] >= len(told["items"])
    beyond = served.client.get("/api/deployments", params={**query, "offset": 500}).json()
    assert beyond == {"items": [], "total": told["total"]}


def test_the_same_deployed_twice_changes_nothing(served: Served) -> None:
    given = body("twice", schedules=[{"schedule": {"cron": "0 6 * * *"}}])
    first = served.client.post("/api/deployments", json=given)
    second = served.client.post("/api/deployments", json=given)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    slug = first.json()["schedules"][0]["slug"]
    assert slug.startswith("cron-")
    changed = served.client.post("/api/deployments", json=body("twice", "print(2)"))
    assert (changed.json()["version"], changed.json()["schedules"]) == (2, [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spec": {"kind": "novel"}}, "spec.kind"),
        ({"spec": {"entrypoynt": "x"}}, "spec.entrypoynt"),
        ({"spec": {"retries": -1}}, "spec.retries"),
        ({"spec": {"retries": "3"}}, "spec.retries"),
        ({"spec": {"timeout_seconds": 1e300}}, "spec.timeout_seconds"),
        ({"snapshot": None}, "snapshot"),
        ({"snapshot": "bm8gemlw"}, "snapshot"),
        ({"snapshot": "§"}, "snapshot"),
        ({"flow_name": "a/b"}, "flow_name"),
        ({"flow_name": ""}, "flow_name"),
        ({"schedules": [{"schedule": {"cron": "61 * * * *"}}]}, "cron"),
        ({"schedules": [{"schedule": {"cron": "* * * * *", "timezone": "Mars/Base"}}]}, "timezone"),
        ({"schedules": [{"schedule": {"rrule": "FREQ=NEVER"}}]}, "rrule"),
        ({"schedules": [{"schedule": {"interval": 0}}]}, "schedules.0.schedule.interval"),
        ({"schedules": [{"schedule": {}}]}, "cron"),
        ({"schedules": [{"schedule": {"cron": "@daily"}, "slug": "a"}] * 2}, "schedules"),
    ],
    ids=str,
)
def test_a_deployment_that_cannot_be_names_the_field(
    served: Served, changes: FIELD, field: str
) -> None:
    answer = served.client.post("/api/deployments", json=body("wrong", **changes))
    assert field in fields(served.problem(answer, 422))


def test_a_run_of_a_deployment(served: Served) -> None:
    given = {"parameters": {"rows": 5}, "tags": ["adhoc"], "scheduled_time": soon().isoformat()}
    answer = served.client.post(f"{NIGHTLY}/runs", json=given)
    assert answer.status_code == 201
    run = wire.load(FlowRun, answer.json())
    assert run.parameters == {"day": "2026-01-31", "rows": 5}
    assert run.tags == {"ml", "adhoc"}
    assert run.deployment_id == served.deployment.id
    found = served.client.get(
        "/api/flow_runs", params={"deployment": "nightly", "tag": "adhoc", "queue": "default"}
    ).json()
    assert [each["id"] for each in found["items"]] == [str(run.id)]
    cancelled = served.client.post(f"/api/flow_runs/{run.id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]["type"]) == (202, "CANCELLED")
    again = served.client.post(f"/api/flow_runs/{run.id}/retry", json={"due": soon().isoformat()})
    assert (again.status_code, again.json()["state"]["type"]) == (202, "SCHEDULED")
    served.client.post(f"/api/flow_runs/{run.id}/cancel")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"parameters": {"day": "tomorrow"}}, {"parameters.day"}),
        ({"parameters": {"rows": 0}}, {"parameters.rows"}),
        ({"parameters": {"day": None, "rows": "x"}}, {"parameters.day", "parameters.rows"}),
        ({"parameters": {"rowz": 1}}, {"parameters.rowz"}),
        ({"parameters": [1]}, {"parameters"}),
        ({"scheduled_time": "soon"}, {"scheduled_time"}),
        ({"scheduled_time": 12}, {"scheduled_time"}),
        ({"parameter": {}}, {"parameter"}),
        ({"tags": "ml"}, {"tags"}),
    ],
    ids=str,
)
def test_a_run_that_cannot_be_names_all_fields(
    served: Served, given: FIELD, wrong: set[str]
) -> None:
    before = served.client.get("/api/flow_runs/count").json()
    told = served.problem(served.client.post(f"{NIGHTLY}/runs", json=given), 422)
    assert fields(told) == wrong
    assert served.client.get("/api/flow_runs/count").json() == before


def test_a_run_may_name_its_deployment_in_the_body(served: Served) -> None:
    given = {"deployment": "train/nightly", "scheduled_time": soon().isoformat()}
    headers = {"Idempotency-Key": "in-the-body"}
    made = served.client.post("/api/flow_runs", json=given, headers=headers)
    again = served.client.post(f"{NIGHTLY}/runs", headers=headers)

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["id"] == again.json()["id"]
    served.problem(served.client.post("/api/flow_runs", json={"deployment": "nigthly"}), 404)
    told = served.problem(served.client.post("/api/flow_runs", json={}), 422)
    assert fields(told) == {"deployment"}


def test_the_same_key_means_the_same_run(served: Served) -> None:
    headers = {"Idempotency-Key": "order-17"}
    given = {"scheduled_time": soon().isoformat()}
    first = served.client.post(f"{NIGHTLY}/runs", json=given, headers=headers)
    second = served.client.post(f"{NIGHTLY}/runs", headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    deploy(served.store, "other", "train")
    other = served.client.post("/api/deployments/train/other/runs", headers=headers)
    assert "order-17" in str(served.problem(other, 409)["detail"])
    served.store.deployments.delete(served.store.deployments.find("train/other").id)
    served.client.post(f"/api/flow_runs/{first.json()['id']}/cancel")


def test_versions_are_compared_and_gone_back_to(served: Served) -> None:
    at = "/api/deployments/made/versions-of-it"
    for source in ("a = 1\nb = 2\n", "a = 1\nb = 3\n"):
        made = served.client.post("/api/deployments", json=body("versions-of-it", source))
        assert made.status_code in {200, 201}
    listed = served.client.get(f"{at}/versions").json()
    assert [each["number"] for each in listed] == [2, 1]
    assert served.client.get(f"{at}/versions/1").json() == listed[1]
    diff = served.client.get(f"{at}/diff")
    assert diff.headers["content-type"].startswith("text/plain")
    assert "-b = 2" in diff.text
    assert "+b = 3" in diff.text
    assert served.client.get(f"{at}/diff?old=1&new=1").text == ""
    back = served.client.post(f"{at}/rollback", json={"version": 1})
    assert back.json()["version"] == 1
    zipped = served.client.get(f"{at}/versions/1/snapshot")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as snapshot:
        assert snapshot.read("train.ipynb") == b"a = 1\nb = 2\n"
    for path in ("versions/9", "versions/99999999999999999999", "diff?old=7"):
        served.problem(served.client.get(f"{at}/{path}"), 404)
    served.problem(served.client.post(f"{at}/rollback", json={"version": 9}), 404)


def test_schedules_are_added_changed_and_removed(served: Served) -> None:
    served.client.post("/api/deployments", json=body("scheduled"))
    at = "/api/deployments/made/scheduled"
    rule = {"cron": "0 6 * * *", "timezone": "Europe/Paris"}
    made = served.client.post(f"{at}/schedules", json={"slug": "early", "schedule": rule})
    assert made.status_code == 201
    assert made.json()["schedules"][0]["next_fire"] is not None
    rests = {"slug": "early", "schedule": rule, "active": False}
    assert served.client.post(f"{at}/schedules", json=rests).json()["schedules"][0] == {
        "slug": "early", "schedule": {**rule, "day_or": True}, "parameters": {},
        "active": False, "next_fire": None,
    }  # fmt: skip
    assert len(served.client.get(f"{at}/schedules").json()) == 1
    assert served.client.delete(f"{at}/schedules/early").json()["schedules"] == []
    told = served.problem(served.client.delete(f"{at}/schedules/early"), 404)
    assert "early" in str(told["detail"])


def test_a_deployment_rests_goes_on_and_goes(served: Served) -> None:
    served.client.post("/api/deployments", json=body("resting"))
    at = "/api/deployments/made/resting"
    assert served.client.post(f"{at}/pause").json()["paused"] is True
    assert served.client.post(f"{at}/resume").json()["paused"] is False
    assert served.client.delete(at).status_code == 204
    served.problem(served.client.delete(at), 404)


@pytest.mark.parametrize(
    ("rule", "first", "words"),
    [
        ({"cron": "0 6 * * *", "timezone": "Europe/Paris"}, "2026-03-29T04:00:00Z", "06:00"),
        ({"interval": 3600, "anchor_date": "2026-03-28T00:00:00Z"}, "2026-03-29T00:00:00Z", "hour"),
        ({"interval": "1d", "anchor_date": "2026-03-28"}, "2026-03-29T00:00:00Z", "day"),
        ({"rrule": "FREQ=DAILY;BYHOUR=9"}, "2026-03-29T09:00:00Z", ""),
    ],
    ids=str,
)
def test_a_schedule_is_foretold(served: Served, rule: FIELD, first: str, words: str) -> None:
    asked = {"schedule": rule, "count": 2, "after": "2026-03-28T23:30:00Z"}
    told = served.client.post("/api/schedules/preview", json=asked).json()
    assert told["next"][0] == first
    assert len(told["next"]) == 2
    assert words in told["words"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"cron": "0 25 * * *"}, "cron"),
        ({"cron": "0 6 * * *", "timezone": "Europe/Pariss"}, "timezone"),
        ({"interval": "never"}, "interval"),
        ({"interval": 60, "anchor_date": "then"}, "anchor_date"),
        ({"rrule": "FREQ=DAILY;FREQ=DAILY"}, "rrule"),
        ({"cron": "0 6 * * *", "interval": 5}, "interval"),
        ({"cron": ["0"]}, "schedule.cron"),
    ],
    ids=str,
)
def test_a_schedule_that_cannot_be_names_the_field(served: Served, rule: FIELD, field: str) -> None:
    answer = served.client.post("/api/schedules/preview", json={"schedule": rule})
    assert field in fields(served.problem(answer, 422))
