"""Records as JSON and back: whatever can be in them comes back equal."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow import wire
from nbflow.models import FlowRun, FlowRunFilter, deployments, graph, new_id, runs
from nbflow.models.deployments import Collision, DeploymentSpec, Fence, Variable
from nbflow.states import MISSING, Completed, Running, State, StateType
from nbflow.store.base import StoreInfo
from nbflow.store.orchestration import Removed

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
ID = UUID("0192aaaa-bbbb-7ccc-8ddd-00000000cafe")


def records_of(module: Any) -> list[type]:
    return [k for k in vars(module).values() if is_dataclass(k) and k.__module__ == module.__name__]


RECORDS = [
    *records_of(runs),
    *records_of(deployments),
    *records_of(graph),
    Removed,
    StoreInfo,
    State,
]

# ── any record ───────────────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
ZONES = [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-12))]
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from(ZONES))
PLAIN = {datetime: TIMES, str: st.text(max_size=5), float: st.floats(allow_nan=False), Any: JSON}


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, with JSON wherever it says `Any`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in {Union, types.UnionType}:
        return st.one_of(*(any_of(each) for each in arguments))
    if origin is State or is_dataclass(hint):
        return any_record(origin or hint)
    if origin is None:
        return st.from_type(hint)
    if issubclass(origin, Mapping):
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=2)
    made = {tuple: tuple, frozenset: frozenset}[origin]
    return st.lists(any_of(arguments[0]), max_size=2).map(made)


def any_record(kind: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    named = {
        f.name: any_of(hints[f.name]) for f in fields(kind) if (kind, f.name) != (State, "data")
    }
    return st.builds(kind, **named)


def travelled(kind: Any, value: Any) -> Any:
    """The value after its way as JSON text."""
    return wire.load(kind, json.loads(json.dumps(wire.dump(value))))


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_any_record_comes_back_equal(kind: type) -> None:
    @given(any_record(kind))
    @settings(max_examples=15)
    def check(record: Any) -> None:
        found = travelled(kind, record)
        assert found == record
        assert type(found) is kind

    check()


def test_the_table_of_records_is_whole() -> None:
    assert {FlowRun, FlowRunFilter, DeploymentSpec, Fence, graph.RunGraph} <= set(RECORDS)
    assert len(RECORDS) >= 32


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (tuple[int, str], (1, "a")),
        (list[tuple[UUID, str, datetime]], [(ID, "daily", NOON)]),
        (list[tuple[str, int, int | None]], [("log", 3, None), ("state", 4, 5)]),
        (tuple[str, ...], ("a", "b")),
        (tuple[str, ...], ()),
        (set[int], {3, 1}),
        (frozenset[StateType], frozenset({StateType.FAILED, StateType.RUNNING})),
        (Mapping[str, UUID], {"a": ID}),
        (Mapping[UUID, int], {ID: 1}),
        (datetime | None, None),
        (datetime | None, NOON),
        (date, date(2024, 2, 29)),
        (bytes, bytes(range(256))),
        (bytes | None, b""),
        (State[Any], Running()),
        (list[State[Any]], [Completed(message="ok")]),
        (Collision, Collision.CANCEL_NEW),
        (Any, {"a": [1, 2.5, None, True, {"b": "ü\x00\ud800"}]}),
        (Any, float("inf")),
        (int, 10**30),
        (float, 1),
        (bool, False),
        (None | str, "x"),
    ],
)
def test_values_of_types_come_back_equal(kind: Any, value: Any) -> None:
    found = travelled(kind, value)
    assert found == value
    if kind is not float:
        assert type(found) is type(value)


# ── out ──────────────────────────────────────────────────────────────────────────────────


def test_the_json_form_is_what_people_expect() -> None:
    run = FlowRun(
        id=ID,
        name="n",
        flow_name="f",
        state=State(StateType.RUNNING, "Running", None, NOON, data=object()),
        tags=frozenset({"b", "a"}),
        created=NOON.astimezone(timezone(timedelta(hours=2))),
        parameters={"list": (1, None), 1: Collision.SKIP},
    )
    found = wire.dump(run)
    assert found["id"] == "0192aaaa-bbbb-7ccc-8ddd-00000000cafe"
    assert found["created"] == "2026-03-29T12:00:00Z"
    assert found["tags"] == ["a", "b"]
    assert found["kind"] == "function"
    assert found["state"] == {
        "type": "RUNNING",
        "name": "Running",
        "message": None,
        "timestamp": "2026-03-29T12:00:00Z",
        "scheduled_time": None,
    }
    assert json.loads(json.dumps(found["parameters"])) == {"list": [1, None], "1": "skip"}


def test_what_is_no_record_is_written_as_its_parts_are() -> None:
    things = {"when": NOON, "ids": (ID,), Collision.SKIP: b"ab", ID: {2, 10}, "day": date.min}
    assert wire.dump(things) == {
        "when": "2026-03-29T12:00:00Z",
        "ids": [str(ID)],
        "skip": "YWI=",
        str(ID): [10, 2],
        "day": "0001-01-01",
    }


VARIABLE = Variable(name="v", value=0, updated=NOON)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({1, 2}, "value: set has no JSON form"),
        (b"", "value: bytes has no JSON form"),
        ({"a": [NOON]}, "value.a[0]: datetime has no JSON form"),
        ({"a": {("x",): 1}}, "value.a: ('x',) is no name"),
        ([Fence(ID, 1)], "value[0]: Fence has no JSON form"),
    ],
    ids=str,
)
def test_where_a_record_is_open_only_json_fits(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        wire.dump(dataclasses.replace(VARIABLE, value=value))


def test_json_in_a_record_is_not_even_copied() -> None:
    value = {"a": [1, 2.5, None, True, ("x",)]}
    assert wire.dump(dataclasses.replace(VARIABLE, value=value))["value"] is value


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (str, b"secret", "x: bytes is no text"),
        (str, None, None),
        (str | None, 1, "x: int is no text"),
        (str | None, None, None),
        (int, "1", "x: str is no whole number"),
        (int, True, None),
        (Mapping[str, Any] | None, {"a": {1}}, "x.a: set has no"),
        (Mapping[str, Any] | None, None, None),
        (datetime | None, NOON, None),
        (UUID, ID, None),
    ],
    ids=str,
)
def test_named_values_are_of_their_types(kind: Any, value: Any, says: str | None) -> None:
    if says is None:
        assert wire.dump_named({"x": kind}, {"x": value}) == {"x": wire.dump(value)}
        return
    with pytest.raises(ValueError, match=re.escape(says)):
        wire.dump_named({"x": kind}, {"x": value})


def test_named_values_are_read_by_their_types() -> None:
    kinds = {"a": int, "b": Fence | None}
    assert wire.load_named(kinds, {"a": 1, "b": None}) == {"a": 1, "b": None}
    for data, says in [
        ({"c": 1}, "c: is not known: there are a, b"),
        ({"b": {"run_id": "x", "token": 1}}, "b.run_id: 'x' is no id"),
        ({}, "a: is missing"),
        ([], "[] is no object"),
    ]:
        with pytest.raises(ValueError, match=re.escape(says)):
            wire.load_named(kinds, data, required=["a"])


def test_enumerations_are_their_values() -> None:
    class Size(IntEnum):
        BIG = 7

    class Thing(Enum):
        PAIR = (1, "a")

    assert wire.dump([Size.BIG, Thing.PAIR, StateType.FAILED]) == [7, [1, "a"], "FAILED"]
    assert type(wire.dump(Size.BIG)) is int
    assert type(wire.dump(StateType.FAILED)) is str


def loop() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [0, object()]}, ["a[1]", "object has no JSON form"]),
        (Fence(ID, Path("x")), ["token", "Path has no JSON form"]),
        ({"a": {"b": Path("x")}}, ["a.b: "]),
        (loop(), ["contains itself"]),
        (datetime(2026, 1, 1), ["no time zone"]),
        ({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, ["at:", "years"]),
        ({("a", 1): 1}, ["('a', 1)", "no name"]),
        (MISSING, []),
        (Fence, ["type has no JSON form"]),
    ],
)
def test_what_has_no_json_form_is_named(value: Any, words: list[str]) -> None:
    if value is MISSING:  # an enumeration's member means its value
        assert wire.dump(value) == "MISSING"
        return
    with pytest.raises(ValueError) as caught:
        wire.dump(value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


# ── in ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Leaf:
    size: int
    share: float = 0.5
    open: bool = False
    at: datetime | None = None


@dataclass(frozen=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    by_name: Mapping[str, Leaf] | None = None
    pairs: frozenset[tuple[int, str]] = frozenset()
    kind: Collision = Collision.QUEUE
    below: tuple[Tree, ...] = ()


# Where the annotations of `Tree` are looked up.
globals().update(Leaf=Leaf, Tree=Tree)


def test_missing_fields_get_their_defaults_and_unknown_ones_are_left_out() -> None:
    data = {"name": "oak", "new": 1, "leaves": [{"size": 1, "colour": "red"}]}
    assert wire.load(Tree, data) == Tree("oak", (Leaf(1),))


def test_records_may_contain_records_of_their_own_kind() -> None:
    tree = Tree("a", below=(Tree("b", by_name={"x": Leaf(1)}), Tree("c")))
    assert travelled(Tree, tree) == tree


def test_a_time_without_a_zone_is_in_utc_and_others_become_utc() -> None:
    assert wire.load(datetime, "2026-03-29T12:00:00") == NOON
    found = wire.load(datetime, "2026-03-29T14:00:00+02:00")
    assert (found, found.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        (Tree, [], "[] is no object"),
        (Tree, None, "None is no object"),
        (Tree, {}, "name: is missing"),
        (Tree, {"name": 5}, "name: 5 is no text"),
        (Tree, {"name": None}, "name: None is no text"),
        (Tree, {"name": "a", "leaves": {}}, "leaves: {} is no list"),
        (Tree, {"name": "a", "leaves": "ab"}, "leaves: 'ab' is no list"),
        (Tree, {"name": "a", "leaves": [{"size": 1}, {}]}, "leaves[1].size: is missing"),
        (Tree, {"name": "a", "leaves": [{"size": "1"}]}, "leaves[0].size: '1' is no whole number"),
        (Tree, {"name": "a", "leaves": [{"size": True}]}, "size: True is no whole number"),
        (Tree, {"name": "a", "leaves": [{"size": 1.0}]}, "size: 1.0 is no whole number"),
        (Tree, {"name": "a", "leaves": [{"size": 1, "share": "x"}]}, "share: 'x' is no number"),
        (Tree, {"name": "a", "leaves": [{"size": 1, "share": False}]}, "False is no number"),
        (Tree, {"name": "a", "leaves": [{"size": 1, "share": 10**400}]}, "share: 1000"),
        (Tree, {"name": "a", "leaves": [{"size": 1, "open": 1}]}, "open: 1 is no true or false"),
        (Tree, {"name": "a", "leaves": [{"size": 1, "at": "soon"}]}, "at: 'soon' is no time"),
        (Tree, {"name": "a", "leaves": [{"size": 1, "at": 3}]}, "at: 3 is no text"),
        (Tree, {"name": "a", "by_name": {"x": {}}}, "by_name.x.size: is missing"),
        (Tree, {"name": "a", "pairs": [[1]]}, "pairs[0]: has 1 items, not 2"),
        (Tree, {"name": "a", "pairs": [[1, 2]]}, "pairs[0][1]: 2 is no text"),
        (Tree, {"name": "a", "kind": "skipp"}, "'skipp' is none of queue, cancel_new"),
        (Tree, {"name": "a", "kind": []}, "kind: [] is none of"),
        (Tree, {"name": "a", "below": [{"name": "b", "kind": 1}]}, "below[0].kind: 1 is none"),
        (datetime, "0001-01-01T00:00:00+05:00", "is no time in UTC"),
        (UUID, "123", "'123' is no id"),
        (UUID, 5, "5 is no text"),
        (bytes, "not base64!", "is no base64"),
        (bytes, "ü", "is no base64"),
        (date, "2026-02-30", "'2026-02-30' is no date"),
        (str, "x" * 10_000, None),
        (int, "x" * 10_000, "…"),
        (State[Any], {"type": "GONE", "name": "x"}, "type: 'GONE' is none of SCHEDULED"),
        (State[Any], {"name": "x"}, "type: is missing"),
        (FlowRunFilter, {"deployment_ids": ["x"]}, "deployment_ids[0]: 'x' is no id"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named(kind: Any, data: Any, says: str | None) -> None:
    if says is None:
        assert wire.load(kind, data) == data
        return
    with pytest.raises(ValueError) as caught:
        wire.load(kind, data)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 200


@given(JSON)
@settings(max_examples=200)
def test_any_json_is_a_record_or_a_value_error(data: Any) -> None:
    for kind in (FlowRun, DeploymentSpec, State, Tree, datetime, bytes, list[Fence]):
        with contextlib.suppress(ValueError):
            wire.load(kind, data)


def test_new_ids_travel() -> None:
    fence = Fence(new_id(), 3)
    assert travelled(Fence, fence) == fence
