"""What a cell of a live kernel must follow, as it is told when the cell comes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.dataflow import analyse_cells
from nbflow.dataflow.history import CellHistory, Step
from nbflow.dataflow.linking import Linker
from nbflow.dataflow.records import Effects

from .test_soundness import (
    EXAMPLES,
    SETUP,
    failing_notebooks,
    notebooks,
    random_order,
    run,
    snapshot,
    works,
)

FEWER = settings(EXAMPLES, max_examples=50)

# cells, separated by / | the last one's data as step:names | its changes | its rebinds
TABLE = r"""
x = 1 / y = x | 0:x | |
x, y = 1, 2 / z = x + y | 0:x,y | |
x = 1 / x = 2 | | | 0
x = 1 / print(x) / x = 2 | | | 0 1
x = 1 / print(x) / del x | 0:x | | 1
x = 1 / del x / x = 2 | | | 1
x = 1 / x = 2 / print(x) | 1:x | |
x = 1 / if c: x = 2 / print(x) | 0:x 1:x | |
x = [] / x.append(1) / print(x) | 0:x 1:x | |
x = [] / f(x) / print(x) | 0:x | 1 |
x = [] / print(x) / x.append(1) | 0:x | 1 |
x = [] / y = x / x.append(1) | 0:x | 1 |
x = [] / y = x / x.append(1) / y.append(2) | 1:y | 2 |
x = [] / x.append(1) / x.append(2) | 0:x 1:x | 1 |
x = [] / print(x) / x = x + [1] | 0:x | | 1
x = iter([1]) / list(x) / list(x) | 0:x | 1 |
import random / random.random() / random.random() | 0:random | 1 |
x = 1 / exec(s) | | 0 |
exec(s) / x = 1 | | 0 |
x = 1 / !ls | | 0 |
!ls / x = 1 | | 0 |
x = = 1 / x = 1 | | 0 |
x = 1 / def f(): return x / f() / x = 2 | | 2 | 0
x = 1 / def f(): global x; x = 2 / f() / x = 3 | | 2 |
x = 1 / def f(): global x; x = 2 / x = 3 / f() | 1:f | 2 |
x = 1 / def f(): global x; x = 2 / print(x) / f() | 1:f | 0 | 2
x = 1 / def f(): return x / f() / x = 2 / x = 3 | | 3 |
x = 1 / def f(): return x / f() / x = 2 / x = 3 / x = 4 | | 4 |
x = 1 / def f(): return x / x = 2 / f() | 1:f 2:x | |
def f(): pass / f() / def f(): pass | | | 0 1
import a / import a | | | 0
%%task t\nx = 1 / y = x | 0:x | |
%%task t --no-run\ny = x / x = 1 / t() | 0:t 1:x | |
%%task t --no-run\ny = x / x = 1 / t() / x = 2 | | 2 | 1
%%task t\nx = 1 / %%task t\nx = 2 | | | 0
""".strip("\n")


def rows() -> list[tuple[list[str], dict[int, tuple[str, ...]], set[int], set[int]]]:
    found = []
    for line in TABLE.splitlines():
        cells, data, changes, rebinds = (part.strip() for part in (line + " ").split(" |"))
        sources = [cell.replace("\\n", "\n") for cell in cells.split(" / ")]
        needed = [item.split(":") for item in data.split()]
        found.append(
            (
                sources,
                {int(index): tuple(names.split(",")) for index, names in needed},
                set(map(int, changes.split())),
                set(map(int, rebinds.split())),
            )
        )
    return found


def entered(history: CellHistory, *cells: str) -> Step:
    """The last cell's step."""
    return [history.enter(cell) for cell in cells][-1]


@pytest.mark.parametrize(("cells", "data", "changes", "rebinds"), rows())
def test_why_the_last_cell_follows_earlier_ones(
    cells: list[str], data: dict[int, tuple[str, ...]], changes: set[int], rebinds: set[int]
) -> None:
    step = entered(CellHistory(), *cells)
    assert (step.data, step.changes, step.rebinds) == (data, changes, rebinds)
    assert step.index == len(cells) - 1


@FEWER
@given(notebooks, st.sets(st.integers(0, 7)))
def test_cell_by_cell_the_edges_are_those_of_the_notebook(
    cells: list[str], may_raise: set[int]
) -> None:
    pairs = [(source, index in may_raise) for index, source in enumerate([SETUP, *cells])]
    history, graph = CellHistory(), analyse_cells(pairs)
    for index, (source, unsure) in enumerate(pairs):
        step = history.enter(source, may_raise=unsure)
        assert step.after == graph.before(index)
        assert step.analysis == graph.nodes[index]


# ── what code may do later ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "reads", "writes"),
    [
        ("x = y", "", ""),
        ("def f(): return y", "y", ""),
        ("def f(): return len(y)", "len y", ""),
        ("def f():\n def g(): return y\n return g", "y", ""),
        ("def f(): global y; y = 1", "", "y"),
        ("def f(): global y; del y", "y", "y"),
        ("class C:\n def m(self): return y", "y", ""),
        ("class C:\n m = y", "", ""),
        ("f = lambda: y", "y", ""),
        ("x = (y for _ in z)", "y", ""),
        ("x = [lambda: y]", "y", ""),
        ("x.append(lambda: y)", "y", ""),
        ("x.attribute = lambda: y", "y", ""),
        ("run(lambda: y)", "y", ""),
        ("run(key=[lambda: y])", "y", ""),
        ("def f(k=lambda: y): pass", "y", ""),
        ("%%task t\nx = y", "", ""),
        ("%%task t\ndef f(): return y", "y", ""),
    ],
)
def test_what_code_may_read_and_bind_later_is_known(cell: str, reads: str, writes: str) -> None:
    history = CellHistory()
    history.enter(cell)
    assert history.late_reads == set(reads.split())
    assert history.late_writes == set(writes.split())


def test_what_the_functions_that_a_cell_calls_look_up_is_told() -> None:
    step = entered(
        CellHistory(),
        "def f(): global z; z = x",
        "def g(): return f()",
        "%%task t --no-run\nv = w",
        "g(t)",
    )
    assert step.looks_up == {"f", "x", "w"}
    assert step.writes == {"z"}


def test_what_a_task_cell_keeps_is_looked_up_by_those_who_call_it() -> None:
    history = CellHistory()
    assert "x" not in (history.enter("%%task t\ny = x"), history.late_reads)[1]
    assert "x" in (history.enter("t()"), history.late_reads)[1]
    assert "x" not in (history.enter("x = 1"), history.late_reads)[1]


@pytest.mark.parametrize("hidden", ["exec(s)", "from m import *", "x = = 1", "%run a.py"])
def test_a_cell_that_hides_what_it_binds_is_remembered(hidden: str) -> None:
    history = CellHistory()
    history.enter("x = 1")
    assert not history.ambiguous
    history.enter(hidden)
    history.enter("y = 1")
    assert history.ambiguous


def test_a_function_that_hides_what_it_binds_counts_when_it_is_called() -> None:
    history = CellHistory()
    history.enter("def f(): exec(s)")
    assert not history.ambiguous
    history.enter("f()")
    assert history.ambiguous


# ── a namespace shared while it is used ──────────────────────────────────────────────────


@pytest.mark.parametrize("cell", ["y = x", "x = 1"])
def test_a_cell_that_works_in_the_notebook_is_not_passed(cell: str) -> None:
    history = CellHistory()
    history.enter("x = 0")
    history.in_notebook(history.enter(cell).index)
    assert 1 in history.enter("x = 2").changes
    assert 2 in history.enter("x = 3").changes  # it follows 1 through 2 only
    assert 3 in history.enter("x = 4").changes


def test_a_cell_that_worked_in_the_notebook_is_not_passed_by_way_of_others() -> None:
    history = CellHistory()
    index = history.enter("x = 0").index
    history.enter("x = 1")
    history.in_notebook(index)
    assert history.enter("x = 2").changes == {1}


# ── modules that become something else ───────────────────────────────────────────────────


def test_functions_that_trusted_a_module_may_do_anything_once_it_is_something_else() -> None:
    history = CellHistory()
    step = entered(
        history,
        "import numpy as np",
        "def f(v): return np.sort(v)",
        "def g(v): return [v]",
        "x = [2, 1]",
        "f(x)",
        "g(x)",
    )
    assert not history.ambiguous
    assert 4 not in step.changes
    assert entered(history, "import numpy as np", "f(x)").changes.isdisjoint({4, 5})
    entered(history, "np = mine", "g(x)")
    assert not history.ambiguous
    called = history.enter("f(x)").index
    assert history.ambiguous
    assert called in history.enter("print(x)").changes


def test_what_a_rebound_module_stood_for_is_not_trusted_again() -> None:
    history = CellHistory()
    entered(history, "import numpy as np", "np = mine", "import numpy as np")
    assert history.enter("x = np.zeros(3)").analysis.made == {}


# ── failures ─────────────────────────────────────────────────────────────────────────────

# cells / ; the numbers of failed ones / ; what the last cell needs then
FAILED = r"""
x = 0 / x = f() / print(x) | 1 | 0:x 1:x
x = 0 / x = f() / x = g() / print(x) | 1 | 2:x
x = 0 / x = f() / x = g() / print(x) | 2 | 1:x 2:x
x = 0 / x = f() / x = g() / print(x) | 1 2 | 0:x 1:x 2:x
x = 0 / x = f() / x = g() / print(x) | 2 1 | 0:x 1:x 2:x
x = 0 / x = f() / if c: x = g() / print(x) | 1 | 0:x 1:x 2:x
x = 0 / del x / print(x) | 1 | 0:x 1:x
x = f() / print(x) | 0 | 0:x
""".strip("\n")
UNDONE = r"""
x = 0 / x = f() / print(x) | 1 | 0:x
x = 0 / x = f() / x = g() / print(x) | 1 | 2:x
x = 0 / x = f() / x = g() / print(x) | 2 | 1:x
x = 0 / x = f() / x = g() / print(x) | 1 2 | 0:x
x = 0 / x = f() / x = g() / print(x) | 2 1 | 0:x
x = 0 / x = f() / if c: x = g() / print(x) | 1 | 0:x 2:x
x = 0 / if c: x = f() / print(x) | 1 | 0:x
x = 0 / del x / print(x) | 1 | 0:x
x = f() / print(x) | 0 |
x = [] / x.append(1); x = f() / print(x) | 1 | 0:x 1:x
""".strip("\n")


def needed(cells: str, ended: str, tell: Callable[[CellHistory, int], None]) -> str:
    """What the last cell needs when others came to such an end."""
    history = CellHistory()
    *sources, last = cells.split(" / ")
    for source in sources:
        history.enter(source)
    for index in ended.split():
        tell(history, int(index))
    data = history.enter(last).data
    return " ".join(f"{index}:{','.join(names)}" for index, names in data.items())


@pytest.mark.parametrize("row", FAILED.splitlines())
def test_what_a_failed_cell_binds_may_be_bound(row: str) -> None:
    cells, ended, data = (part.strip() for part in (row + " ").split(" |"))
    assert needed(cells, ended, CellHistory.failed) == data


@pytest.mark.parametrize("row", UNDONE.splitlines())
def test_what_an_undone_cell_binds_is_not_bound(row: str) -> None:
    cells, ended, data = (part.strip() for part in (row + " ").split(" |"))
    assert needed(cells, ended, CellHistory.undone) == data


def test_who_used_a_name_before_an_undone_cell_is_followed_still() -> None:
    history = CellHistory()
    entered(history, "x = 0", "print(x)", "if c: x = f()")
    history.undone(2)
    assert {1, 2} <= history.enter("x = 1").after


@pytest.mark.parametrize("tell", [CellHistory.failed, CellHistory.undone])
def test_after_a_failure_either_object_may_be_changed(
    tell: Callable[[CellHistory, int], None],
) -> None:
    history = CellHistory()
    entered(history, "x = y = []", "x = f()")
    tell(history, 1)
    entered(history, "x.append(1)")
    assert 2 in history.enter("print(y)").after


def test_a_failed_import_is_no_longer_known() -> None:
    history = CellHistory()
    history.enter("import numpy as np\nf()")
    history.failed(0)
    assert history.enter("x = np.zeros(3)").analysis.made == {}


def test_an_undone_cell_leaves_what_was_known() -> None:
    history = CellHistory()
    entered(history, "import pandas as pd", "x = pd.DataFrame()", "x = f()")
    history.undone(2)
    assert history.enter("y = x.copy()").analysis.made == {"y": "pandas.DataFrame().copy()"}


@FEWER
@given(notebooks, st.sets(st.integers(0, 7)))
def test_a_failure_told_at_once_is_like_one_that_was_allowed(
    cells: list[str], failing: set[int]
) -> None:
    allowed, told = CellHistory(), CellHistory()
    for index, source in enumerate([SETUP, *cells]):
        expected = allowed.enter(source, may_raise=index in failing)
        found = told.enter(source)
        assert found.after >= expected.data.keys(), index
        if index in failing:
            told.failed(index)


class Waits:
    """Whom each cell has to wait for, as `random_order` asks for it."""

    def __init__(self, waits: list[frozenset[int]]) -> None:
        self.nodes = self.waits = waits

    def before(self, index: int) -> frozenset[int]:
        return self.waits[index]


def with_failures(cells: list[str], order: list[int], *, undo: bool) -> tuple[list[int], object]:
    """Which cells fail, and all values at the end; if `undo`, failed ones bind nothing."""
    namespace: dict[str, Any] = {}
    failed = []
    for index in order:
        before = dict(namespace)
        if not run(cells[index], namespace):
            failed.append(index)
            if undo:
                namespace.clear()
                namespace.update(before)
    return sorted(failed), snapshot(namespace)


@pytest.mark.parametrize("undo", [False, True])
@FEWER
@given(failing_notebooks, st.randoms(use_true_random=False))
def test_around_failures_any_order_that_is_allowed_ends_the_same(
    undo: bool, cells: list[str], chance: random.Random
) -> None:
    cells = [SETUP, *cells]
    expected = with_failures(cells, list(range(len(cells))), undo=undo)
    history, waits = CellHistory(), []
    for index, source in enumerate(cells):
        waits.append(history.enter(source).after)
        if index in expected[0]:
            (history.undone if undo else history.failed)(index)
    for _ in range(3):
        order = random_order(Waits(waits), chance)
        assert with_failures(cells, order, undo=undo) == expected, (order, cells)


# ── cells with a namespace of their own ──────────────────────────────────────────────────


class Private:
    """A notebook in which cells run in namespaces of their own, wherever that is possible."""

    GONE = object()

    def __init__(self, cells: list[str]) -> None:
        self.cells = cells
        self.namespace: dict[str, Any] = {}
        #: Name -> what each cell, by number, has bound it to.
        self.bound: dict[str, dict[int, Any]] = {}
        history = CellHistory()
        self.steps, self.shared = [], set[int]()
        for source in cells:
            self.steps.append(step := history.enter(source))
            if self.must_share(step):
                self.shared.add(step.index)
                history.in_notebook(step.index)

    @staticmethod
    def must_share(step: Step) -> bool:
        """Code lives on, or called code looks up or binds what this cell has a copy of."""
        cell = step.analysis
        binds = cell.defs | cell.deletes
        carries = bool(cell.functions) or cell.handed != Effects() or bool(cell.ambiguous)
        return carries or bool(binds & step.looks_up) or bool((binds | cell.uses) & step.writes)

    def waits(self) -> Waits:
        """A private cell is no reason to wait for those that only bind its names anew."""
        return Waits(
            [step.data.keys() | step.changes | (step.rebinds & self.shared) for step in self.steps]
        )

    def run(self, index: int) -> bool:
        inside = self.namespace if index in self.shared else self.copy(index)
        found, notebook = dict(inside), dict(self.namespace)
        fine = run(self.cells[index], inside)
        self.note(index, notebook, self.namespace)
        if inside is not self.namespace:
            self.note(index, found, inside)
        for name in self.bound:
            last = self.bound[name][max(self.bound[name])]
            self.namespace.pop(name, None)
            self.namespace |= {} if last is self.GONE else {name: last}
        return fine

    def copy(self, index: int) -> dict[str, Any]:
        """What the cells above have bound, whoever ran since."""
        found = dict(self.namespace)
        for name, values in self.bound.items():
            above = [number for number in values if number < index]
            found[name] = values[max(above)] if above else self.GONE
        return {name: value for name, value in found.items() if value is not self.GONE}

    def note(self, index: int, before: dict[str, Any], after: dict[str, Any]) -> None:
        surely = self.steps[index].analysis.sure_defs & after.keys()
        for name in {*before, *after} - {"__builtins__"}:
            value = after.get(name, self.GONE)
            if name in surely or before.get(name, self.GONE) is not value:
                self.bound.setdefault(name, {})[index] = value


@FEWER
@given(notebooks, st.randoms(use_true_random=False))
def test_cells_of_their_own_need_not_wait_where_names_are_only_bound_anew(
    cells: list[str], chance: random.Random
) -> None:
    cells = works([SETUP, *(cell for cell in cells if "%%task" not in cell)])
    namespace: dict[str, Any] = {}
    assert all(run(source, namespace) for source in cells)
    for _ in range(3):
        notebook = Private(cells)
        order = random_order(notebook.waits(), chance)
        assert all(notebook.run(index) for index in order)
        assert snapshot(notebook.namespace) == snapshot(namespace), (order, cells)


# ── cost ─────────────────────────────────────────────────────────────────────────────────


def test_each_step_takes_about_as_much_as_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    plain = Linker.cell
    history = CellHistory()

    def counted(linker: Linker, *arguments: object) -> object:
        before = linker.steps
        found = plain(linker, *arguments)  # type: ignore[arg-type]
        taken.append(linker.steps - before)
        return found

    monkeypatch.setattr(Linker, "cell", counted)
    history.enter("import numpy as np\ndf = load()\ndef f(v): return np.sort(v)")
    for index in range(600):
        history.enter(f"x{index} = f(df)\nfor i in x{index}: total = np.sum(i)\ndf = clean(df)")
    assert not history.ambiguous
    assert max(taken[300:]) <= 2 * max(taken[50:300])
