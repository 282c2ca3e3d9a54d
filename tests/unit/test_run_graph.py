"""Records become the graph a user expects: folded maps and loops, nested subflows, plain edges."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from nbflow import states
from nbflow.models import (
    Dependency,
    FlowRun,
    GraphEdge,
    GraphNode,
    NodeKind,
    RunGraph,
    TaskKind,
    TaskRun,
)
from nbflow.run_graph import (
    LOOP_THRESHOLD,
    close_groups,
    graph_of_cells,
    graph_of_run,
    state_counts,
)

T = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
FLOW = FlowRun(
    id=UUID(int=1), name="nightly", flow_name="nightly", state=states.Completed(), created=T
)


def task(number, name, state=None, *, after=(), seconds=1.0, **fields):
    ended = None if seconds is None else T + timedelta(seconds=seconds)
    return TaskRun(
        id=UUID(int=number),
        name=name,
        task_name=fields.pop("task_name", name),
        state=state or states.Completed(),
        created=T + timedelta(milliseconds=number),
        start_time=fields.pop("start_time", T),
        end_time=ended,
        flow_run_id=fields.pop("flow_run_id", FLOW.id),
        dependencies=tuple(after),
        **fields,
    )


def needs(number, name="", certain=True):
    return Dependency(UUID(int=number), name, certain)


def ends(graph):
    label = {node.id: node.label for node in graph.nodes}
    return [(label[e.source], label[e.target], e.label, e.certain) for e in graph.edges]


def test_dependencies_become_edges_with_their_variable():
    graph = graph_of_run(FLOW, [task(2, "a"), task(3, "b", after=[needs(2, "df", False)])])
    assert ends(graph) == [("a", "b", "df", False)]


def test_two_variables_between_two_tasks_are_one_edge():
    both = [needs(2, "x"), needs(2, "y", False)]
    assert ends(graph_of_run(FLOW, [task(2, "a"), task(3, "b", after=both)])) == [
        ("a", "b", "x, y", True)
    ]


def test_an_unnamed_edge_that_a_longer_path_implies_is_left_out():
    runs = [task(2, "a"), task(3, "b", after=[needs(2)]), task(4, "c", after=[needs(2), needs(3)])]
    assert [e[:2] for e in ends(graph_of_run(FLOW, runs))] == [("a", "b"), ("b", "c")]


def test_a_named_edge_stays_though_a_longer_path_implies_it():
    runs = [
        task(2, "a"),
        task(3, "b", after=[needs(2)]),
        task(4, "c", after=[needs(2, "df"), needs(3)]),
    ]
    assert ("a", "c", "df", True) in ends(graph_of_run(FLOW, runs))


def test_dependencies_on_unknown_runs_are_left_out():
    assert graph_of_run(FLOW, [task(2, "a", after=[needs(99)])]).edges == ()


def mapped(failed=()):
    return [
        task(10 + i, f"score-{i}", states.Failed(message="Boom\nOSError: full") if i in failed else None,
             task_name="score", map_id=UUID(int=5), map_index=i, seconds=float(i))
        for i in range(20)
    ]  # fmt: skip


def test_a_map_is_one_node_with_counts_and_its_first_failure():
    graph = graph_of_run(
        FLOW,
        [*mapped(failed=(3, 7)), task(90, "merge", after=[needs(10 + i, "xs") for i in range(20)])],
    )
    (node, _) = graph.nodes
    assert (node.kind, node.label, node.counts) == (
        NodeKind.MAP,
        "score",
        {"Completed": 18, "Failed": 2},
    )
    assert node.state_name == "Failed"
    assert node.message == "score-3: OSError: full (and 1 more failure)"
    assert node.duration == 19.0
    assert ends(graph) == [("score", "merge", "xs", True)]


@pytest.mark.parametrize("calls", [LOOP_THRESHOLD, LOOP_THRESHOLD + 1])
def test_only_more_calls_than_the_threshold_are_a_loop(calls):
    graph = graph_of_run(
        FLOW, [task(10 + i, f"f-{i}", task_name="f", task_key="m.f") for i in range(calls)]
    )
    assert [node.kind for node in graph.nodes] == (
        [NodeKind.TASK] * calls if calls <= LOOP_THRESHOLD else [NodeKind.MAP]
    )


def test_calls_of_a_loop_that_follow_each_other_make_no_self_edge():
    runs = [task(10 + i, f"f-{i}", task_name="f", after=[needs(9 + i)]) for i in range(12)]
    assert graph_of_run(FLOW, runs).edges == ()


def test_equal_tasks_of_two_subflows_are_not_one_loop():
    subflows = [
        FlowRun(
            id=UUID(int=n),
            name=f"s{n}",
            flow_name=f"s{n}",
            state=states.Completed(),
            created=T,
            parent_id=FLOW.id,
        )
        for n in (3, 4)
    ]
    runs = [
        task(10 + i, f"f-{i}", task_name="f", flow_run_id=UUID(int=3 + i % 2)) for i in range(16)
    ]
    assert (
        sum(node.kind is NodeKind.TASK for node in graph_of_run(FLOW, runs, subflows).nodes) == 16
    )


def test_cells_are_never_folded_and_stand_in_notebook_order():
    runs = [
        task(40 - i, f"c{i}", kind=TaskKind.CELL, cell_index=i, task_key="k") for i in range(12)
    ]
    graph = graph_of_run(FLOW, runs)
    assert [node.label for node in graph.nodes] == [f"c{i}" for i in range(12)]
    assert {node.kind for node in graph.nodes} == {NodeKind.CELL}


def nested():
    outer = FlowRun(
        id=UUID(int=3),
        name="o",
        flow_name="train",
        state=states.Completed(),
        created=T,
        parent_id=FLOW.id,
        dependencies=(needs(2, "df"),),
    )
    inner = FlowRun(
        id=UUID(int=4),
        name="i",
        flow_name="tune",
        state=states.Completed(),
        created=T + timedelta(seconds=1),
        parent_id=outer.id,
    )
    runs = [
        task(2, "load"),
        task(5, "split", flow_run_id=outer.id, after=[needs(2, "df")]),
        task(6, "trial", flow_run_id=inner.id, after=[needs(5)]),
        task(7, "publish", after=[needs(3, "model")]),
    ]  # fmt: skip
    return graph_of_run(FLOW, runs, [outer, inner])


def test_subflows_hold_their_nodes():
    graph = nested()
    label = {node.id: node.label for node in graph.nodes}
    inside = {node.label: label.get(node.group) for node in graph.nodes}
    assert inside == {
        "load": None,
        "train": None,
        "split": "train",
        "tune": "train",
        "trial": "tune",
        "publish": None,
    }


def test_an_edge_into_a_subflow_gives_way_to_the_finer_one():
    assert set(ends(nested())) == {
        ("load", "split", "df", True),
        ("train", "publish", "model", True),
        ("split", "trial", "", True),
    }


def test_closed_subflows_count_their_members_and_keep_their_edges():
    graph = close_groups(nested())
    counts = {node.label: dict(node.counts) for node in graph.nodes}
    assert counts == {"load": {}, "train": {"Completed": 2}, "publish": {}}
    assert set(ends(graph)) == {("load", "train", "df", True), ("train", "publish", "model", True)}
    assert state_counts(graph) == state_counts(nested()) == {"Completed": 4}


@pytest.mark.parametrize("seed", range(5))
def test_the_same_records_give_the_same_graph_in_any_order(seed):
    runs = [
        *mapped(failed=(3,)),
        task(90, "merge", after=[needs(10 + i) for i in range(20)]),
        task(2, "a"),
    ]
    shuffled = random.Random(seed).sample(runs, len(runs))
    assert graph_of_run(FLOW, shuffled) == graph_of_run(FLOW, runs)


def test_the_failure_is_its_last_line_and_attempts_are_shown():
    state = states.Failed(
        message="Traceback (most recent call last):\n  ...\nValueError: no rows\n"
    )
    (node,) = graph_of_run(FLOW, [task(2, "fit", state, attempt=3)]).nodes
    assert (node.message, node.attempt) == ("ValueError: no rows", 3)


@pytest.mark.parametrize(("now", "expected"), [(None, None), (T + timedelta(seconds=30), 30.0)])
def test_what_runs_lasts_until_now(now, expected):
    (node,) = graph_of_run(FLOW, [task(2, "fit", states.Running(), seconds=None)], now=now).nodes
    assert node.duration == expected


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([states.Completed, states.Running, states.Failed], "Running"),
        ([states.Completed, states.Failed, states.Crashed], "Failed"),
        ([states.Completed, states.Pending], "Pending"),
        ([states.Completed, states.NotReady], "NotReady"),
        ([states.Cached, states.Cached], "Cached"),
        ([states.Completed, states.Cached], "Completed"),
    ],
)
def test_a_maps_state_is_the_most_telling_of_its_runs(made, told):
    runs = [
        task(10 + i, "f", make(), map_id=UUID(int=5), map_index=i) for i, make in enumerate(made)
    ]
    assert graph_of_run(FLOW, runs).nodes[0].state_name == told


def test_cells_of_a_notebook_that_has_not_run():
    graph = graph_of_cells(
        [("a", "load", 0), ("b", "fit", 2)],
        [("a", "b", "df", False), ("a", "gone", "x", True)],
        "n.ipynb",
    )
    assert graph == RunGraph(
        nodes=(
            GraphNode(id="a", label="load", kind=NodeKind.CELL, cell_index=0),
            GraphNode(id="b", label="fit", kind=NodeKind.CELL, cell_index=2),
        ),
        edges=(GraphEdge("a", "b", "df", False),),
        title="n.ipynb",
    )
