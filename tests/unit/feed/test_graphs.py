"""What is drawn of a graph, and how much room its cards keep."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nbflow.drawing import Direction, Layout, lay_out
from nbflow.drawing.fitting import MOST_CARDS
from nbflow.feed import graphs
from nbflow.feed.graphs import graph_json, room_of, shown, steady
from nbflow.feed.look import Look
from nbflow.models import GraphEdge, GraphNode, NodeKind, RunGraph
from nbflow.states import StateType


def node(id_: str, **more: object) -> GraphNode:
    made = {"label": f"task {id_}", "state_type": StateType.PENDING, "state_name": "Pending"}
    return GraphNode(id=id_, **(made | more))  # type: ignore[arg-type]


def chain(number: int) -> RunGraph:
    nodes = tuple(node(str(each)) for each in range(number))
    edges = tuple(GraphEdge(str(each), str(each + 1), "rows") for each in range(number - 1))
    return RunGraph(nodes, edges)


def tangle(number: int, reach: int) -> RunGraph:
    """Each card leads to all of the next ones: nothing can be left out, for each has a name."""
    edges = tuple(
        GraphEdge(str(each), str(other), "x")
        for each in range(number)
        for other in range(each + 1, min(number, each + reach))
    )
    return RunGraph(chain(number).nodes, edges)


def grouped(number: int) -> RunGraph:
    """Two subflows, one inside the other."""
    flows = (node("outer", kind=NodeKind.FLOW), node("inner", kind=NodeKind.FLOW, group="outer"))
    inside = tuple(node(f"in {each}", group="inner") for each in range(number))
    return RunGraph((node("first"), *flows, *inside), (GraphEdge("first", "in 0"),))


def test_a_graph_is_told_with_places_words_and_states() -> None:
    told = graph_json(chain(3), Look(), 7, {"0": 1_000})
    assert json.loads(json.dumps(told)).keys() == {
        "version", "direction", "width", "height", "nodes", "frames", "edges",
        "center", "rings", "bonds", "groups", "closed", "total", "note",
    }  # fmt: skip
    assert told["version"] == 7
    assert told["direction"] in {"down", "right"}
    assert [edge["label"] for edge in told["edges"]] == ["rows", "rows"]
    first = told["nodes"][0]
    assert first["started"] == 1_000
    assert first["duration"] is None
    assert {"x", "y", "width", "height", "label", "name", "kind", "counts"} < first.keys()
    assert told["total"] == 3
    assert told["note"] is None


@pytest.mark.parametrize("direction", list(Direction))
def test_it_is_drawn_in_the_direction_that_is_wanted(direction: Direction) -> None:
    told = graph_json(chain(4), Look(None, direction), 1)
    assert told["direction"] == direction.value
    assert (told["center"] is None) == (direction is not Direction.RADIAL)


@pytest.mark.parametrize(
    ("closed", "cards", "frames"),
    [
        (None, 4, 2),
        (frozenset({"inner"}), 2, 1),
        (frozenset({"outer"}), 2, 0),
        (frozenset({"outer", "inner", "unknown"}), 2, 0),
        (frozenset(), 4, 2),
    ],
)
def test_subflows_are_closed_as_wanted(
    closed: frozenset[str] | None, cards: int, frames: int
) -> None:
    told = graph_json(grouped(3), Look(closed), 1)
    assert (len(told["nodes"]), len(told["frames"])) == (cards, frames)
    assert told["groups"] == ["outer", "inner"]
    assert told["closed"] == sorted((closed or frozenset()) & {"outer", "inner"})
    assert told["total"] == 4


def test_large_graphs_are_closed_unless_wanted_open() -> None:
    large = grouped(200)
    assert shown(large, Look()).closed == {"outer", "inner"}
    assert shown(large, Look(frozenset())).closed == frozenset()
    assert shown(large, Look()).note is None


def test_too_many_cards_are_closed_even_if_wanted_open() -> None:
    view = shown(grouped(MOST_CARDS), Look(frozenset()))
    assert view.closed == {"outer", "inner"}
    assert view.note == "Subflows are closed: 601 cards are more than can be drawn here."


def test_a_tangle_is_drawn_around_a_middle() -> None:
    view = shown(tangle(50, 11), Look(None, Direction.DOWN))
    assert view.direction is Direction.RADIAL
    assert view.note is not None
    assert "many arrows" in view.note


@pytest.mark.parametrize(
    ("graph", "begins"),
    [
        (chain(MOST_CARDS + 1), "601 cards are"),
        (tangle(200, 60), "200 cards with 10\u202f030 arrows are"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    graph: RunGraph, begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_nothing(given: RunGraph, direction: Direction) -> Layout:
        assert not given.nodes, "a layout was tried"
        return lay_out(given, direction)

    monkeypatch.setattr(graphs, "lay_out", only_nothing)
    told = graph_json(graph, Look(), 1)
    assert told["nodes"] == told["frames"] == told["edges"] == []
    assert told["note"].startswith(begins)
    assert told["total"] == len(graph.nodes)


# ── room ─────────────────────────────────────────────────────────────────────────────────


def widths(*nodes: GraphNode) -> list[float]:
    return [card["width"] for card in graph_json(RunGraph(nodes), Look(), 1)["nodes"]]


@pytest.mark.parametrize(
    "later",
    [
        {"state_name": "Running", "state_type": StateType.RUNNING},
        {"state_name": "Completed", "state_type": StateType.COMPLETED, "duration": 0.4},
        {"state_name": "Completed", "state_type": StateType.COMPLETED, "duration": 599.0},
        {"state_name": "NotRun"},
        {"state_name": "Failed", "state_type": StateType.FAILED, "message": "ValueError: no"},
        {"state_name": "Failed", "state_type": StateType.FAILED, "attempt": 1},
    ],
)
def test_a_card_keeps_its_size_while_it_runs(later: dict[str, object]) -> None:
    before, after = node("a"), node("a", **later)
    assert widths(before) == widths(after)
    assert room_of(before) == room_of(after)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ({"Pending": 200}, {"Completed": 200}, True),
        ({"Pending": 200}, {"Completed": 191, "Failed": 9}, True),
        ({"Pending": 2}, {"Completed": 500, "Failed": 9, "Running": 7}, True),
        ({"Pending": 200}, {"Completed": 190, "Failed": 10}, False),
        ({"Pending": 200}, {"Completed": 190, "Crashed": 1}, False),
        ({"Pending": 999}, {"Pending": 1_000}, False),
    ],
)
def test_a_map_keeps_room_for_its_counts(
    before: dict[str, int], after: dict[str, int], same: bool
) -> None:
    old, new = (
        node("m", kind=NodeKind.MAP, counts=before),
        node("m", kind=NodeKind.MAP, counts=after),
    )
    assert (room_of(old) == room_of(new)) == same
    assert (widths(old) == widths(new)) == same


def test_room_and_size_always_agree() -> None:
    """Who compares only the room of cards never misses that one has outgrown its place."""
    for attempt in (1, 2, 9, 10):
        one, other = node("a", attempt=attempt), node("a", attempt=attempt + 1)
        assert (room_of(one) == room_of(other)) == (widths(one) == widths(other))


def test_a_flow_that_has_not_run_keeps_no_room() -> None:
    drawn = replace(node("a"), state_name=None, state_type=None)
    assert steady(RunGraph((drawn,))).nodes == (drawn,)
    assert widths(drawn) < widths(node("a"))


def test_ids_and_labels_can_be_sent() -> None:
    told = graph_json(RunGraph((node("a\ud800", label="\x00<b>\udfff"),)), Look(), 1)
    json.dumps(told, ensure_ascii=False).encode("utf-8")
    assert told["nodes"][0]["id"] == "a?"
