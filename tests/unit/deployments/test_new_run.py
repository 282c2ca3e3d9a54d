"""New runs of deployments: what they are given is checked before anything is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pytest

from nbflow.deployments import new_run
from nbflow.deployments.checking import misfits
from nbflow.exceptions import (
    ParameterBindError,
    ParameterError,
    ParameterTypeError,
    UnknownParameterError,
)
from nbflow.flows import flow
from nbflow.models import FlowKind, new_id
from nbflow.models.deployments import Deployment, DeploymentSchedule, DeploymentSpec
from nbflow.states import StateType

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


@flow
def etl(
    day: date,
    rows: int = 3,
    rate: float = 0.5,
    mode: Mode = Mode.FAST,
    side: Literal["left", "right"] = "left",
    tables: list[str] | None = None,
    at: datetime | None = None,
    path: Path | None = None,
    share: Decimal = Decimal("0.1"),
    anything: Any = None,
) -> None: ...


SPEC = DeploymentSpec(
    entrypoint="flows.py:etl",
    kind=FlowKind.FUNCTION,
    parameters={"day": "2026-05-01"},
    parameter_schema=etl.parameter_schema,
    tags=frozenset({"nightly"}),
    queue="gpu",
    priority=3,
    crash_retries=2,
)
ETL = Deployment(
    id=new_id(),
    name="nightly",
    flow_name="etl",
    spec=SPEC,
    version=1,
    schedules=(
        DeploymentSchedule(slug="hourly", schedule={"interval": 3600}, parameters={"rows": 9}),
    ),
    created=NOON,
    updated=NOON,
)


def parameters(given: Mapping[str, Any], **options: Any) -> Mapping[str, Any]:
    return new_run(ETL, given, **options)[0].parameters


def test_a_run_has_what_its_deployment_says() -> None:
    run, queued = new_run(ETL, {"rows": 5}, due=NOON, tags=["now"], idempotency_key="k")
    assert run.parameters == {"day": "2026-05-01", "rows": 5}
    assert (run.flow_name, run.kind, run.deployment_id) == ("etl", FlowKind.FUNCTION, ETL.id)
    assert run.tags == {"nightly", "now"}
    assert (run.state.type, run.state.scheduled_time) == (StateType.SCHEDULED, NOON)
    assert (queued.run_id, queued.deployment_id) == (run.id, ETL.id)
    assert (queued.queue, queued.priority, queued.due) == ("gpu", 3, NOON)
    assert (queued.idempotency_key, queued.crash_retries_left) == ("k", 2)
    assert "-" in run.name


def test_without_a_time_a_run_is_due_now() -> None:
    before = datetime.now(UTC)
    run, queued = new_run(ETL)
    assert before <= (queued.due or NOON) <= datetime.now(UTC)
    assert run.state.scheduled_time == queued.due


def test_a_time_of_another_zone_is_the_same_time() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert new_run(ETL, due=east)[1].due == NOON


def test_a_schedules_parameters_stand_between() -> None:
    assert parameters({}, schedule="hourly") == {"day": "2026-05-01", "rows": 9}
    assert parameters({"rows": 1}, schedule="hourly")["rows"] == 1


@pytest.mark.parametrize(
    ("name", "expected"), [("mine", "mine"), ("etl-{day}-{rows}", "etl-2026-05-01-7")]
)
def test_names_may_hold_parameters(name: str, expected: str) -> None:
    assert new_run(ETL, {"rows": 7}, name=name)[0].name == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("day", date(2026, 1, 31), "2026-01-31"),
        ("at", datetime(2026, 1, 31, 9, tzinfo=UTC), "2026-01-31T09:00:00Z"),
        ("at", "2026-01-31", "2026-01-31"),
        ("rows", np.int64(4), 4),
        ("rate", np.float32(0.5), 0.5),
        ("rate", 1, 1),
        ("mode", Mode.SLOW, "slow"),
        ("path", Path("data") / "x.csv", "data/x.csv"),
        ("share", Decimal("1.50"), "1.50"),
        ("tables", ("a", "b"), ["a", "b"]),
        ("tables", None, None),
        ("anything", np.array([1, 2]), [1, 2]),
        ("anything", UUID(int=1), str(UUID(int=1))),
        ("anything", {"deep": [date(2026, 1, 1)]}, {"deep": ["2026-01-01"]}),
    ],
)
def test_typed_values_become_json(name: str, value: Any, expected: Any) -> None:
    assert parameters({name: value})[name] == expected


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"rows": "x"}, ParameterTypeError, "'rows' .* must be a whole number; got \"x\""),
        ({"rows": 2.5}, ParameterTypeError, "a whole number; got 2.5. Use e.g. 3"),
        ({"rows": True}, ParameterTypeError, "a whole number; got true"),
        ({"rate": "fast"}, ParameterTypeError, "a number"),
        ({"day": "yesterday"}, ParameterTypeError, "a date; .* Use e.g. 2026-01-31"),
        ({"at": "soon"}, ParameterTypeError, "a date with a time or null"),
        ({"mode": "medium"}, ParameterTypeError, 'one of "fast", "slow"'),
        ({"side": "up"}, ParameterTypeError, 'one of "left", "right"'),
        ({"tables": [1]}, ParameterTypeError, "a list whose items are text or null"),
        ({"row": 1}, UnknownParameterError, "no parameter 'row'. Did you mean 'rows'"),
        ({"zzz": 1}, UnknownParameterError, "Its parameters are day, rows"),
        ({"anything": object()}, ParameterTypeError, "no JSON form"),
        ({"anything": float("nan")}, ParameterTypeError, "no JSON form"),
    ],
)
def test_what_does_not_fit_is_refused(
    given: dict[str, Any], kind: type[ParameterError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        new_run(ETL, given)
    assert "deployment 'etl/nightly'" in str(caught.value).replace("Deployment", "deployment")


def test_a_parameter_without_default_is_needed() -> None:
    bare = replace(ETL, spec=replace(SPEC, parameters={}))
    with pytest.raises(ParameterBindError, match="needs the parameter 'day'"):
        new_run(bare)


def test_without_a_schema_everything_passes() -> None:
    free = replace(ETL, spec=replace(SPEC, parameter_schema={}))
    assert new_run(free, {"whatever": 1})[0].parameters["whatever"] == 1


def test_all_misfits_are_found_at_once() -> None:
    found = list(misfits(etl.parameter_schema, {"rows": "x", "nope": 1}, owner="flow 'etl'"))
    assert [each.parameter for each in found] == ["nope", "day", "rows"]
    partial = misfits(etl.parameter_schema, {"rows": "x"}, owner="flow 'etl'", partial=True)
    assert [each.parameter for each in partial] == ["rows"]
