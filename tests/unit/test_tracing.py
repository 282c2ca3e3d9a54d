"""Flows are drawn without running their tasks."""

from __future__ import annotations

from typing import Any

import pytest

from nbflow import flow, runtime, task
from nbflow.exceptions import VisualizationError

ran: list[str] = []


@task
def load(x: int = 0) -> Any:
    ran.append("load")


@task(viz_return_value=5)
def count(x: Any) -> Any:
    ran.append("count")


@task
async def later(x: Any) -> Any:
    ran.append("later")


@flow
def child(x: Any) -> Any:
    return load(x)


@flow
def straight() -> None:
    a = load.submit(1)
    b = count(a)
    if b > 3:
        load.map([a.result()])
    child(b)


@flow
async def awaiting() -> None:
    await later(await later(1))


@flow
def computing() -> int:
    return load(1) + 1


def edges(graph: Any) -> list[tuple[str, str]]:
    return [(e.source, e.target) for e in graph.edges]


def test_nodes_and_edges_are_found_and_nothing_runs() -> None:
    graph = straight.graph()
    assert [n.label for n in graph.nodes] == ["load", "count", "load", "child", "load"]
    assert ("load-0", "count-1") in edges(graph)
    assert graph.nodes[4].group == graph.nodes[3].id
    assert edges(awaiting.graph()) == [("later-0", "later-1")]
    assert ran == []


def test_computing_with_a_stand_in_names_the_task() -> None:
    with pytest.raises(VisualizationError, match="'load'"):
        computing.graph()


def test_runtime_facts_are_empty_outside_of_runs() -> None:
    facts = runtime.flow_run
    assert (facts.id, facts.name, facts.tags, facts.parameters, facts.run_count) == (
        None, None, [], {}, 0,
    )  # fmt: skip
    assert runtime.task_run.name is None
