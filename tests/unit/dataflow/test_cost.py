"""The work that an analysis takes grows with the notebook, not with its square; it is counted."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from nbflow.dataflow import analyse_cell, analyse_cells, link_cells, linking, names, sharing
from nbflow.dataflow.closures import Closure
from nbflow.dataflow.records import ENTANGLED


def functions(count: int) -> str:
    rest = [f"def f{i}(x): return f{i - 1}(x)" for i in range(1, count)]
    return "\n".join(["def f0(x): return x", *rest, f"y = f{count - 1}(1)"])


def calls(count: int) -> str:
    rest = [f"def f{i}(x): return f{i - 1}(x)\ng{i} = f{i}(x)" for i in range(1, count)]
    return "\n".join(["def f0(x): return x", *rest])


def chain(count: int) -> str:
    return "x0 = load()\n" + "\n".join(f"x{i} = g(x{i - 1})" for i in range(1, count))


def steps(source: str) -> int:
    visitor = names.Visitor({})
    linker = linking.Linker()
    linker.cell(0, visitor.analyse(ast.parse(source)))
    linker.cell(1, analyse_cell("print(y, x)"))
    return visitor.steps + linker.steps


@pytest.mark.parametrize("make", [functions, calls, chain])
def test_twice_the_code_takes_twice_the_steps(make: Callable[[int], str]) -> None:
    small, large = steps(make(100)), steps(make(400))
    assert large < 5 * small
    assert ENTANGLED not in analyse_cell(make(400)).ambiguous


def test_cells_take_steps_in_proportion() -> None:
    def cells(count: int) -> int:
        linker = linking.Linker()
        for index in range(count):
            linker.cell(index, analyse_cell(f"df = f(df)\nx{index} = g(x{index - 1}, df)"))
        return linker.steps

    assert cells(400) < 5 * cells(100)


def test_a_closure_visits_each_node_once_even_in_circles() -> None:
    closure = Closure[int, int](lambda node: [(node + 1) % 5000], lambda node: [node % 7])
    assert closure(0) == closure(4999) == frozenset(range(7))
    assert closure.visits == 5000


def test_past_its_budget_a_cell_and_all_after_it_keep_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "BUDGET", 20)
    graph = analyse_cells(["a = 1", chain(30), "b = 1", "c = 1"])
    assert graph.barriers == {1, 2, 3}
    assert all(ENTANGLED in graph.nodes[index].ambiguous for index in graph.barriers)
    assert [graph.before(index) for index in range(4)] == [set(), {0}, {1}, {2}]


def test_past_its_budget_a_notebook_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "BUDGET", 3)
    graph = link_cells([analyse_cell(f"x{i} = f(x{i - 1})") for i in range(1, 30)])
    assert graph.barriers
    assert all(index - 1 in graph.before(index) for index in graph.barriers)
    assert all(ENTANGLED in graph.nodes[index].ambiguous for index in graph.barriers)


def test_a_cell_that_may_raise_is_sure_of_nothing() -> None:
    cells = ["x = [0]", "x = f()\ny = 1", "print(x)"]
    sure = analyse_cells(cells)
    unsure = analyse_cells([(cell, index == 1) for index, cell in enumerate(cells)])
    assert sure.before(2) == {1}
    assert unsure.before(2) == {0, 1}
    assert not any(edge.certain for edge in unsure.edges if edge.target == 2)
