"""What may be called from afar, and how errors come back, without a server."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import Any, get_type_hints

import pytest

from nbflow import exceptions, wire
from nbflow.exceptions import NbflowError, ScheduleError, StoreError, UsageError
from nbflow.models import new_id
from nbflow.server.problems import answer_to
from nbflow.store import SQLStore
from nbflow.store.http.client import HTTPStore
from nbflow.store.http.components import Component
from nbflow.store.http.connection import api_address
from nbflow.store.http.interface import COMPONENTS, RUNS, methods
from nbflow.store.http.problems import error_from
from nbflow.store.http.writes import RunWrite, dump_write, load_write

HOMES = {
    "deployments": "deployments:SQLDeployments",
    "dispatch": "dispatch:SQLDispatch",
    "limits": "limits:SQLLimits",
    "vault": "vault:SQLVault",
    "artifacts": "artifacts:SQLArtifacts",
    "events": "events:SQLEvents",
    "upkeep": "upkeep:SQLUpkeep",
}
METHODS = [(component, name) for component in COMPONENTS for name in methods(component)]


def implementation(component: str) -> Any:
    if component == RUNS:
        return SQLStore
    module, _, name = HOMES[component].partition(":")
    return getattr(importlib.import_module(f"nbflow.store.{module}"), name)


@pytest.mark.parametrize(("component", "name"), METHODS, ids="/".join)
def test_implementations_take_what_the_protocols_declare(component: str, name: str) -> None:
    """By name, with the same defaults: else a call would mean something else over HTTP."""
    declared = methods(component)[name].signature.parameters.values()
    own = inspect.signature(getattr(implementation(component), name)).parameters
    for each in declared:
        assert each.name in own
        assert own[each.name].kind is each.kind
        assert own[each.name].default == each.default


@pytest.mark.parametrize("name", [name for component, name in METHODS if component == RUNS])
def test_the_client_has_every_method_of_runs(name: str) -> None:
    declared = methods(RUNS)[name]
    found = getattr(HTTPStore, name)
    assert list(inspect.signature(found).parameters)[1:] == list(declared.signature.parameters)
    assert get_type_hints(found)["return"] == declared.result


def test_no_write_and_no_end_of_the_store_can_be_called() -> None:
    assert {"create_flow_run", "set_state", "flush", "close", "watch", "deployments"}.isdisjoint(
        methods(RUNS)
    )
    with pytest.raises(KeyError):
        methods("_database")


def test_bytes_travel_beside_the_json() -> None:
    raw = {
        m.path: m.raw_argument for c in COMPONENTS for m in methods(c).values() if m.raw_argument
    }
    assert raw == {"deployments/save": "snapshot"}
    assert [m.path for c in COMPONENTS for m in methods(c).values() if m.raw_result] == [
        "deployments/snapshot"
    ]


def test_arguments_come_back_as_they_were_given() -> None:
    claim = methods("dispatch")["claim"]
    worker = new_id()
    dumped = json.loads(json.dumps(claim.dump_arguments((worker, ("a",)), {"limit": 3})))
    bound = claim.load_arguments(dumped)
    assert bound.arguments == {"worker_id": worker, "queues": ["a"], "limit": 3}
    assert (bound.args, bound.kwargs) == ((worker, ["a"], 3), {})
    with pytest.raises(TypeError):
        claim.dump_arguments((), {})
    with pytest.raises(UsageError, match=r"^claim: limit: str is no whole number\. Correct it\.$"):
        claim.dump_arguments((worker, ()), {"limit": "many"})
    with pytest.raises(wire.Unfit, match="worker_id: is missing"):
        claim.load_arguments({"queues": []})


# ── errors ───────────────────────────────────────────────────────────────────────────────

ERRORS = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type)
    and issubclass(kind, NbflowError)
    and "message" in inspect.signature(kind).parameters
]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_is_the_same_at_the_other_end(kind: type[NbflowError]) -> None:
    answer = answer_to(kind("What happened to `x`. What to do."))
    found = error_from("http://x/api", answer.status_code, bytes(answer.body))
    assert type(found) is kind
    assert str(found) == "What happened to `x`. What to do."


def test_the_field_of_a_schedule_comes_along() -> None:
    answer = answer_to(ScheduleError("No such zone.", field="timezone"))
    found = error_from("http://x/api", answer.status_code, bytes(answer.body))
    assert isinstance(found, ScheduleError)
    assert found.field == "timezone"


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{}", b"[]", b'{"detail": 5}', b'{"detail": "x", "error": ["StoreError"]}'],
)
def test_an_answer_that_is_no_problem_is_an_error_all_the_same(content: bytes) -> None:
    assert type(error_from("http://x/api", 500, content)) is StoreError


@pytest.mark.parametrize(
    ("given", "address", "token"),
    [
        ("http://h:4200", "http://h:4200/api", ""),
        (" https://h/api/ ", "https://h/api", ""),
        ("http://h/nb/flow", "http://h/nb/flow/api", ""),
        ("http://[::1]:4200/?token=abc", "http://[::1]:4200/api", "abc"),
    ],
)
def test_addresses(given: str, address: str, token: str) -> None:
    assert api_address(given) == (address, token)


def test_a_write_that_is_none_is_named() -> None:
    write = RunWrite("set_output", (new_id(), "/x"))
    assert load_write(json.loads(json.dumps(dump_write(write)))) == write
    for data, says in [
        (["close", None], "'close' is none of create_flow_run"),
        (["set_output", ["x", "y"]], r"\[0\]: 'x' is no id"),
        ({}, "{} is no list"),
    ]:
        with pytest.raises(wire.Unfit, match=says):
            load_write(data)


def test_a_component_shows_what_it_is() -> None:
    component = Component("vault", lambda *_: None)
    assert repr(component) == "<vault behind a server>"
    assert {"secret_value", "variables"} <= set(dir(component))
    assert component.variables is component.variables
    assert component.variables.__doc__ == "All variables by name."
