"""Flow runs over HTTP, found in every way and looked into."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from nbflow import wire
from nbflow.models import FlowRun, TaskRun
from nbflow.states import StateType, now

from .conftest import Served, end, flow_run

FIELD = dict[str, Any]


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [run["name"] for run in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"golden-fox", "silver-owl", "patient-bear"}),
        ({"state": "COMPLETED"}, {"golden-fox"}),
        ({"state": ["COMPLETED", "FAILED"]}, {"golden-fox", "silver-owl"}),
        ({"state_name": "Paused"}, {"patient-bear"}),
        ({"tag": "prod"}, {"golden-fox", "silver-owl"}),
        ({"tag": ["prod", "eu"]}, {"golden-fox"}),
        ({"flow": ["etl", "review"]}, {"golden-fox", "patient-bear"}),
        ({"text": "OWL"}, {"silver-owl"}),
        ({"text": "100%"}, set()),
        ({"parameter": 'day:"2026-01-31"'}, {"golden-fox"}),
        ({"parameter": "day:2026-01-31"}, {"golden-fox"}),
        ({"parameter": "day:2026-02-01"}, set()),
        ({"created_after": "2020-01-01T00:00:00Z"}, {"golden-fox", "silver-owl", "patient-bear"}),
        ({"created_before": "2020-01-01T00:00:00+02:00"}, set()),
        ({"scheduled_after": "2999-01-01"}, set()),
        ({"top_level": "false"}, set()),
        ({"deployment": "train/nightly"}, set()),
        ({"deployment": "nightly", "queue": "default"}, set()),
        ({"backfill": str(uuid4())}, set()),
    ],
    ids=str,
)
def test_runs_are_found_by_query_and_by_body(served: Served, query: FIELD, found: set[str]) -> None:
    mine = {"golden-fox", "silver-owl", "patient-bear"}
    answer = served.client.get("/api/flow_runs", params=query)
    assert set(names(answer)) & mine == found
    plain = {key: value for key, value in query.items() if key != "parameter"}
    lists = {"state", "state_name", "tag", "flow", "deployment", "queue"}
    body = {key: [value] if key in lists and isinstance(value, str) else value
            for key, value in plain.items()}  # fmt: skip
    if "top_level" in body:
        body["top_level"] = False
    if "parameter" in query:
        name, _, value = query["parameter"].partition(":")
        body["parameters"] = {name: value.strip('"')}
    answered = served.client.post("/api/flow_runs/filter", json=body)
    assert set(names(answered)) & mine == found
    count = served.client.get("/api/flow_runs/count", params=query).json()["count"]
    assert count == answer.json()["total"] == answered.json()["total"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"state": "DONE"}, "state.0"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "12"}, "created_after"),
        ({"parameter": "day"}, "parameter.0"),
        ({"sort": "colour"}, "sort"),
        ({"colour": "red"}, "colour"),
        ({"backfill": "x"}, "backfill"),
    ],
    ids=str,
)
def test_a_query_that_cannot_be_read_names_its_field(
    served: Served, query: FIELD, field: str
) -> None:
    told = served.problem(served.client.get("/api/flow_runs", params=query), 422)
    assert field in {each["field"] for each in told["errors"]}


def test_both_orders_page_through_all(served: Served) -> None:
    whole = names(served.client.get("/api/flow_runs"))
    for sort, expected in (("-created", whole), ("created", whole[::-1])):
        paged: list[str] = []
        for offset in range(0, len(whole) + 2, 2):
            query = {"sort": sort, "limit": 2, "offset": offset}
            paged += names(served.client.get("/api/flow_runs", params=query))
        assert paged == expected


def test_a_run_is_found_by_whatever_names_it(served: Served) -> None:
    run = served.run
    for reference in (str(run.id), run.id.hex, str(run.id)[:23], str(run.id)[-6:], run.name):
        answer = served.client.get(f"/api/flow_runs/{reference}")
        assert wire.load(FlowRun, answer.json()) == run
    assert served.client.get("/api/flow_runs/latest").status_code == 200


def test_a_run_that_is_not_there_is_told_with_near_ones(served: Served) -> None:
    told = served.problem(served.client.get("/api/flow_runs/golden-fix"), 404)
    assert "golden-fox" in str(told["detail"])
    wrong = f"{served.run.id}"[:-1] + ("0" if str(served.run.id)[-1] != "0" else "1")
    told = served.problem(served.client.get(f"/api/flow_runs/{wrong}"), 404)
    assert str(served.run.id) in str(told["detail"])
    served.problem(served.client.get("/api/flow_runs/a%00b"), 404)
    told = served.problem(served.client.get("/api/flow_run"), 404)
    assert "/api/flow_runs" in str(told["detail"])
    served.problem(served.client.put("/api/flow_runs"), 405)


def test_what_a_run_left_behind(served: Served) -> None:
    at = f"/api/flow_runs/{served.run.id}"
    states = served.client.get(f"{at}/states").json()
    assert [each["state"]["type"] for each in states] == ["PENDING", "RUNNING", "COMPLETED"]
    tasks = served.client.get(f"{at}/task_runs").json()
    assert [each["name"] for each in tasks] == ["load", "fit"]
    task = served.client.get(f"/api/task_runs/{tasks[0]['id']}").json()
    assert wire.load(TaskRun, task) == served.store.task_run(served.tasks[0].id)
    moved = served.client.get(f"/api/task_runs/{tasks[0]['id']}/states").json()
    assert [each["state"]["name"] for each in moved] == ["Pending", "Running", "Completed"]
    artifacts = served.client.get(f"{at}/artifacts").json()
    assert [(each["key"], each["data"]) for each in artifacts] == [("report", "# Done")]
    assert served.client.get(f"{at}/subflows").json() == []
    served.problem(served.client.get(f"/api/task_runs/{uuid4()}"), 404)


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ({}, ["info", "rows: 5", "slow"]),
        ({"level": "WARNING"}, ["slow"]),
        ({"task": "load"}, ["rows: 5"]),
        ({"text": "ROWS"}, ["rows: 5"]),
        ({"limit": 1}, ["info"]),
        ({"limit": 2, "newest": True}, ["rows: 5", "slow"]),
    ],
    ids=str,
)
def test_a_runs_log(served: Served, query: FIELD, lines: list[str]) -> None:
    answer = served.client.get("/api/flow_runs/golden-fox/logs", params=query)
    assert [each["message"] for each in answer.json()] == lines


def test_a_log_is_read_on_from_the_last_line(served: Served) -> None:
    at = "/api/flow_runs/golden-fox/logs"
    first = served.client.get(at, params={"limit": 1}).json()
    rest = served.client.get(at, params={"after": first[-1]["sequence"]}).json()
    assert [each["message"] for each in rest] == ["rows: 5", "slow"]
    told = served.problem(served.client.get(at, params={"task": "split"}), 404)
    assert "load, fit" in str(told["detail"])


def test_a_runs_graph_is_data_or_a_picture(served: Served) -> None:
    at = "/api/flow_runs/golden-fox/graph"
    graph = served.client.get(at).json()
    assert [node["label"] for node in graph["nodes"]] == ["load", "fit"]
    assert [edge["label"] for edge in graph["edges"]] == ["rows"]
    drawn = served.client.get(at, params={"format": "svg", "theme": "dark"})
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert drawn.headers["content-security-policy"].startswith("default-src 'none'")
    assert ET.fromstring(drawn.text).tag.endswith("svg")


# ── what is done with runs ───────────────────────────────────────────────────────────────


def test_a_paused_run_takes_an_answer_that_fits(served: Served) -> None:
    at = f"/api/flow_runs/{served.paused.id}"
    asked = served.client.get(f"{at}/inputs").json()
    assert [(each["key"], each["answered"]) for each in asked] == [("approve", None)]
    told = served.problem(served.client.post(f"{at}/resume", json={"answer": {"ok": 3}}), 422)
    assert "ok" in {each["field"] for each in told["errors"]} or "ok" in str(told["detail"])
    answer = served.client.post(f"{at}/resume", json={"answer": {"ok": True}})
    assert answer.status_code == 202, answer.text
    assert served.client.get(f"{at}/inputs").json()[0]["answer"] == {"ok": True}


@pytest.mark.parametrize("action", ["cancel", "retry", "resume"])
def test_what_cannot_be_done_with_an_ended_run_is_a_conflict(served: Served, action: str) -> None:
    told = served.problem(served.client.post(f"/api/flow_runs/golden-fox/{action}"), 409)
    assert "golden-fox" in str(told["detail"])


def test_a_run_that_is_executed_is_not_deleted(served: Served) -> None:
    run = flow_run(served.store, "busy-bee")
    assert served.client.delete(f"/api/flow_runs/{run.id}").status_code == 409
    end(served.store, run)
    served.store.flush()
    assert served.client.delete(f"/api/flow_runs/{run.id}").status_code == 204
    served.problem(served.client.delete(f"/api/flow_runs/{run.id}"), 404)


def test_values_that_json_lacks_do_not_break_an_answer(served: Served) -> None:
    odd = {"nan": float("nan"), "half": "\ud800", "text": "½ 🎉"}
    run = flow_run(served.store, "odd-values", parameters=odd)
    served.store.flush()
    told = json.loads(served.client.get(f"/api/flow_runs/{run.id}").content)
    assert told["parameters"] == {"nan": "nan", "half": "\ud800", "text": "½ 🎉"}
    end(served.store, run)


def test_runs_of_a_span_and_to_come_make_a_calendar(served: Served) -> None:
    due = (now() + timedelta(hours=1)).isoformat()
    body = {"name": "soon", "scheduled_time": due}
    assert served.client.post("/api/deployments/nightly/runs", json=body).status_code == 201
    told = served.client.get("/api/calendar").json()
    assert "soon" in {run["name"] for run in told["runs"]}
    days = {each["time"][:10] for each in told["coming"]}
    assert {each["deployment"] for each in told["coming"]} == {"train/nightly"}
    assert len(days) == len(told["coming"]) >= 6
    of_one = served.client.get("/api/calendar", params={"deployment": "nightly"}).json()
    assert of_one["coming"] == told["coming"]
    past = served.client.get("/api/calendar?start=2020-01-01&end=2020-02-01").json()
    assert (past["runs"], past["coming"]) == ([], [])
    served.problem(served.client.get("/api/calendar?start=2020-01-01&end=2030-01-01"), 409)
    served.client.post("/api/flow_runs/soon/cancel")


def test_flows_have_their_runs_counted(served: Served) -> None:
    told = {each["name"]: each for each in served.client.get("/api/flows").json()["items"]}
    assert told["report"]["runs"] == 1
    assert told["report"]["states"] == {StateType.FAILED.value: 1}
    assert told["report"]["last_run"]["name"] == "silver-owl"
    assert told["train"]["deployments"] == 1
    only = served.client.get("/api/flows", params={"text": "REP"}).json()
    assert (only["total"], only["items"][0]["name"]) == (1, "report")
    assert served.client.get("/api/flows/report").json() == told["report"]
    missing = served.problem(served.client.get("/api/flows/reprot"), 404)
    assert "report" in str(missing["detail"])


@pytest.mark.parametrize(
    ("asked", "all_of_them"),
    [
        ({"created_after": "0001-01-01T00:00:00+00:20"}, True),
        ({"created_after": "9999-12-31T23:59:59-00:20"}, False),
    ],
)
def test_the_calendars_ends_are_times(
    served: Served, asked: dict[str, str], all_of_them: bool
) -> None:
    found = served.client.get("/api/flow_runs/count", params=asked).json()["count"]
    assert bool(found) is all_of_them
