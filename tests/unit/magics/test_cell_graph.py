"""The graph of the cells that ran in a session."""

from __future__ import annotations

from nbflow.magics.cell_graph import session_graph
from nbflow.states import StateType


def test_cells_stand_with_their_states_and_what_passes_between_them():
    graph = session_graph([("x = 1", False), ("y = x", False), ("z = y / 0", True)])
    assert [(node.label, node.state_name) for node in graph.nodes] == [
        ("x", "Completed"), ("y", "Completed"), ("z", "Failed"),
    ]  # fmt: skip
    labels = {node.id: node.label for node in graph.nodes}
    edges = {(labels[edge.source], labels[edge.target], edge.label) for edge in graph.edges}
    assert edges == {("x", "y", "x"), ("y", "z", "y")}


def test_a_cell_that_ran_again_stands_for_its_earlier_runs():
    graph = session_graph([("x = 1", True), ("y = 2", False), ("x = 1", False)])
    assert [(node.label, node.state_name) for node in graph.nodes] == [
        ("y", "Completed"), ("x", "Completed"),
    ]  # fmt: skip


def test_cells_about_the_notebook_are_left_out():
    aside = ["%load_ext nbflow", "%nbflow runs ls", "x?", "%%task?", "  ", "x??"]
    assert session_graph([(text, False) for text in aside]).nodes == ()


def test_cells_of_one_name_are_told_apart():
    graph = session_graph([("x = 1", False), ("x = 2", False)])
    assert [node.label for node in graph.nodes] == ["x", "x (2)"]


def test_what_is_known_of_task_cells_counts_unless_the_cell_failed():
    states = {
        "a = 1": (StateType.COMPLETED, "Cached"),
        "b = 1": (StateType.FAILED, "TimedOut"),
        "c = 1": (StateType.COMPLETED, "Completed"),
    }
    graph = session_graph([("a = 1\n", False), ("b = 1", False), ("c = 1", True)], states)
    assert [node.state_name for node in graph.nodes] == ["Cached", "TimedOut", "Failed"]
