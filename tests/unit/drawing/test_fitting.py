"""How much of a graph is drawn while somebody waits: counted, never timed."""

from __future__ import annotations

import importlib
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from nbflow.drawing import (
    Direction,
    engines,
    fitted,
    fitted_svg,
    fitted_text,
    mimebundle,
    takes_long,
)
from nbflow.drawing import layout as layouts
from nbflow.drawing.fitting import MOST_CARDS, MOST_CROSSED, MOST_SPOKES
from nbflow.exceptions import VisualizationError
from nbflow.models import GraphEdge, GraphNode, NodeKind, RunGraph
from nbflow.states import StateType

SVG = "{http://www.w3.org/2000/svg}"


def node(id_: str, **more: object) -> GraphNode:
    made = {"label": f"task {id_}", "state_type": StateType.COMPLETED, "state_name": "Completed"}
    return GraphNode(id=id_, **(made | more))  # type: ignore[arg-type]


def graph_of(number: int, *ends: tuple[int, int]) -> RunGraph:
    edges = tuple(GraphEdge(str(source), str(target), "x") for source, target in ends)
    return RunGraph(tuple(node(str(each)) for each in range(number)), edges, title="a run")


def chain(number: int) -> RunGraph:
    return graph_of(number, *((each, each + 1) for each in range(number - 1)))


def fan(number: int) -> RunGraph:
    """Wide: all come after the first."""
    return graph_of(number, *((0, each) for each in range(1, number)))


def tangle(number: int, reach: int) -> RunGraph:
    """Dense: each card leads to all of the next ones."""
    return graph_of(
        number,
        *(
            (each, other)
            for each in range(number)
            for other in range(each + 1, min(number, each + reach))
        ),
    )


def ladder(number: int) -> RunGraph:
    """Long: a chain whose first card leads to all others, too."""
    return graph_of(
        number,
        *((each, each + 1) for each in range(number - 1)),
        *((0, each) for each in range(2, number)),
    )


def subflows(flows: int, cards: int) -> RunGraph:
    nodes, edges = [], []
    for flow in range(flows):
        nodes.append(node(f"f{flow}", kind=NodeKind.FLOW))
        nodes += [node(f"{flow}.{each}", group=f"f{flow}") for each in range(cards)]
        edges += [GraphEdge(f"{flow}.{each}", f"{flow}.{each + 1}") for each in range(cards - 1)]
    return RunGraph(tuple(nodes), tuple(edges))


@pytest.mark.parametrize(
    ("graph", "cards", "direction"),
    [
        (RunGraph(()), 0, Direction.DOWN),
        (chain(10), 10, Direction.DOWN),
        (chain(MOST_CARDS), MOST_CARDS, Direction.DOWN),
        (chain(MOST_CARDS + 1), MOST_CARDS + 1, None),
        (chain(2_000), 2_000, None),
        (fan(MOST_CARDS), MOST_CARDS, Direction.RIGHT),
        (tangle(30, 6), 30, Direction.DOWN),
        (tangle(50, 11), 50, Direction.RADIAL),
        (tangle(150, 20), 150, None),
        (ladder(50), 50, Direction.DOWN),
        (ladder(100), 100, Direction.RADIAL),
        (ladder(MOST_SPOKES), MOST_SPOKES, None),
        (subflows(3, 5), 18, Direction.DOWN),
        (subflows(20, 10), 20, Direction.DOWN),
        (subflows(MOST_CARDS + 1, 2), MOST_CARDS + 1, None),
    ],
)
def test_what_is_drawn_depends_on_cards_and_arrows(
    graph: RunGraph, cards: int, direction: Direction | None
) -> None:
    found = fitted(graph)
    assert (len(found.graph.nodes), found.direction) == (cards, direction)
    if direction is not None:
        assert not takes_long(found.graph, found.direction)


@pytest.mark.parametrize(
    ("graph", "begins"),
    [
        (chain(20), ""),
        (subflows(20, 10), ""),
        (subflows(5, 20), ""),
        (tangle(50, 11), "Drawn from the middle outwards: "),
        (chain(MOST_CARDS + 1), f"{MOST_CARDS + 1} cards are more than can be drawn here."),
        (tangle(150, 20), "150 cards with 2\u202f660 arrows are more than can be drawn here."),
    ],
)
def test_a_note_says_why_not_all_is_drawn_as_usual(graph: RunGraph, begins: str) -> None:
    note = fitted(graph).note
    assert note.startswith(begins)
    assert bool(note) == bool(begins)


def test_subflows_that_are_wanted_open_are_closed_when_they_are_too_many() -> None:
    found = fitted(subflows(3, MOST_CARDS), closed=frozenset())
    assert found.closed == {"f0", "f1", "f2"}
    assert len(found.graph.nodes) == 3
    assert found.note.startswith("Subflows are closed: 1\u202f800 cards are more")


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Graphviz is given to place."""
    given: list[str] = []
    really = layouts.run_graphviz

    def counted(source: str, *rest: Any) -> str:
        given.append(source)
        return really(source, *rest)

    monkeypatch.setattr(layouts, "run_graphviz", counted)
    return given


@pytest.mark.parametrize("graph", [tangle(150, 20), chain(MOST_CARDS + 1), ladder(900)])
def test_what_would_take_long_is_told_in_a_picture_of_words(
    graph: RunGraph, placed: list[str]
) -> None:
    shown = mimebundle(graph)
    words = " ".join(ET.fromstring(shown["image/svg+xml"]).itertext())
    assert f"{len(graph.nodes)} cards" in words
    assert "nbflow graph … --output all.svg" in words
    assert placed == []


def test_the_text_lists_the_first_cards_of_too_many() -> None:
    lines = fitted_text(fitted(chain(MOST_CARDS + 7)), "Ask for all.").splitlines()
    assert [line for line in lines if " task " in line][-1].split()[2] == f"{MOST_CARDS - 1}"
    assert lines[-3:] == [
        "and 7 more",
        "",
        f"{MOST_CARDS + 7} cards are more than can be drawn here. Ask for all.",
    ]


def test_a_picture_that_is_whole_has_no_note(placed: list[str]) -> None:
    shown = fitted(chain(5))
    assert "Ask" not in fitted_svg(shown, ask="Ask for all.")
    assert "Ask" not in fitted_text(shown, ask="Ask for all.")
    assert len(placed) == 1


def test_an_arrow_counts_for_the_ranks_that_it_crosses() -> None:
    """54 cards, 105 arrows: all of them together cross nearly 1,500 ranks."""
    least = next(number for number in range(2, 200) if takes_long(ladder(number), Direction.DOWN))
    ranks = least * (least - 1) // 2 + least - 2
    assert MOST_CROSSED < ranks < MOST_CROSSED + least
    assert not takes_long(fan(MOST_CARDS), Direction.DOWN)


# ── the net ──────────────────────────────────────────────────────────────────────────────


def test_another_process_finds_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    here = layouts.lay_out(ladder(30), "down")
    monkeypatch.setattr(engines, "_SMALL", 0)
    monkeypatch.setattr(engines, "_in_process", None)
    assert layouts.lay_out(ladder(30), "down", 60.0) == here


def test_graphviz_is_ended_when_it_takes_longer_than_was_thought(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundles = importlib.import_module("nbflow.drawing.mimebundle")  # the package's is a function
    monkeypatch.setattr(bundles, "_PATIENCE", 0.001)  # no process starts in that time
    monkeypatch.setattr(engines, "_SMALL", 0)
    shown = mimebundle(chain(3))
    assert set(shown) == {"text/plain"}
    assert "Graphviz was ended after 0.001 s" in shown["text/plain"]
    assert "nbflow graph … --output all.svg" in shown["text/plain"]


def test_what_another_process_cannot_place_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_SMALL", 0)
    with pytest.raises(VisualizationError, match="could not place"):
        engines.run_graphviz("digraph { a -> ", "dot", 60.0)


@pytest.mark.parametrize("arrows", [10, 700])
def test_who_can_wait_has_no_limit(monkeypatch: pytest.MonkeyPatch, arrows: int) -> None:
    monkeypatch.setattr(engines, "_in_another_process", None)
    assert len(layouts.lay_out(fan(arrows)).nodes) == arrows
