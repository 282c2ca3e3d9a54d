"""A run goes on in its kept kernel only where a run from the top would give the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbflow.engine.resume_plan import Continuation, Unsound, continuation


def present(*sources: str, ids: Sequence[str] = ()) -> NotebookNode:
    cells = [
        new_code_cell(source, id=ids[place] if ids else f"c{place}")
        for place, source in enumerate(sources)
    ]
    for cell in cells:
        cell.metadata["tags"] = []
    return new_notebook(cells=cells)


def executed(*sources: str, failed: int = 1, states: Sequence[str] = ()) -> NotebookNode:
    """The notebook as its run left it, ended by the cell at `failed`."""
    nb = present(*sources)
    for place, cell in enumerate(nb.cells):
        state = "completed" if place < failed else "failed" if place == failed else "not_run"
        cell.metadata["nbflow"] = {"state": states[place] if states else state}
    return nb


def judged(before: Sequence[str], after: Sequence[str] | None = None) -> Continuation:
    return continuation(executed(*before), present(*(after or before)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["x = 1", "y = x / 0", "print(y)"], ["x = 1", "y = x / 1", "print(y)"]),
        (["x = 1", "assert x > 1, 'too small'", "x"], None),
        (["x = [3]", "rows = []\nfor a in x:\n    rows.append(a / 0)", "rows"], None),
        (["def f(a):\n    return a / 0", "y = f(1)", "y"], None),
        (["x = 1", "y = (", "y"], ["x = 1", "y = 2", "y"]),
        (["x = 1", "tmp = 2\ny = 1 / 0", "y"], ["x = 1", "y = 1", "y"]),
        (["import pandas as pd\ndf = pd.DataFrame()", "s = df['b'].sum()", "s"], None),
        (["x = 1", "%%task\nx = x / 0", "x"], ["x = 1", "%%task\nx = x / 1", "x"]),
        (["x = 1", "1 / 0"], ["x = 1", "z = 1", "1 / 1"]),
    ],
    ids=[
        "a slip",
        "a check",
        "a list of its own",
        "a function that only reads",
        "no Python: it never began",
        "a leftover nobody reads",
        "reading a frame",
        "a task cell that rebinds",
        "a cell put in before it",
    ],
)
def test_a_harmless_failure_goes_on_where_it_stopped(before, after) -> None:
    """The cells above are known, and the first cell that differs is the start."""
    if before[1] == "y = (":
        nb = executed(*before)
        nb.cells[1].outputs = [new_output("error", ename="SyntaxError", evalue="", traceback=[])]
        found = continuation(nb, present(*after))
    else:
        found = judged(before, after)
    assert (found.start.cell_id, set(found.known)) == ("c1", {"c0"})


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (["x = 1", "x = x + 1\n1 / 0", "x"], None, "another value"),
        (["x = 1", "x += 1\n1 / 0"], None, "another value"),
        (["x = 1", "del x\n1 / 0"], None, "another value"),
        (["c = 0\ndef f():\n    global c\n    c += 1", "f()\n1 / 0"], None, "another value"),
        (["x = []", "x.append(1)\n1 / 0"], None, "in place"),
        (["x = []\ny = x", "z = y\nz.append(1)\n1 / 0"], None, "in place"),
        (["import lib\nd = {}", "lib.train(d)\n1 / 0"], None, "in place"),
        (["g = (i for i in [1])", "next(g)\n1 / 0"], None, "in place"),
        (["x = []", "%%task\nx.append(1 / 0)"], None, "in place"),
        (["import math", "math.tau = 6\n1 / 0"], None, "in place"),
        (["import os", "os.environ['A'] = '1'\n1 / 0"], None, "hidden state"),
        (["import random", "random.random() / 0"], None, "hidden state"),
        (["x = 1", "!cd ..\n1 / 0"], None, "outside Python"),
        (["x = 'y'", "exec(x)\n1 / 0"], None, "cannot be told"),
        (["x = 1", "y = ("], None, "cannot be told"),
        (["x = 1", "t = 2\ny = 1 / 0", "t"], ["x = 1", "y = 1", "t"], "left 't' behind"),
        (["x = 1", "1 / 0"], ["x = 2", "1 / 0"], "was changed"),
        (["x = 1", "1 / 0"], ["1 / 0"], "was changed"),
        (["x = 1", "1 / 0"], ["x = 1"], "not in the notebook"),
    ],
)
def test_what_may_differ_is_refused_with_the_reason(before, after, reason) -> None:
    """What the failed try may have done to its own starting point, and changes above it."""
    with pytest.raises(Unsound, match=reason):
        judged(before, after)


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (["completed", "failed", "completed"], "in the background"),
        (["completed", "failed", "cancelled"], "in the background"),
        (["completed", "completed", "completed"], "no cell of it failed"),
    ],
)
def test_the_states_of_the_run_count(states, reason) -> None:
    """A cell below that had begun would run twice; a run without a failed cell has no place."""
    nb = executed("x = 1", "1 / 0", "y = 2", states=states)
    with pytest.raises(Unsound, match=reason):
        continuation(nb, present("x = 1", "1 / 0", "y = 2"))


def test_a_cell_that_never_began_is_no_danger() -> None:
    """After a stop between two cells, the next one starts whatever it does."""
    states = ["completed", "not_run", "not_run"]
    nb = executed("x = []", "x.append(1)", "x", states=states)
    assert continuation(nb, present("x = []", "x.append(1)", "x")).start.cell_id == "c1"


def test_text_and_skipped_cells_do_not_matter() -> None:
    """Only code cells are compared; skipped ones have nothing to lose."""
    nb = executed("x = 1", "y = 2", "1 / 0", failed=2, states=["completed", "skipped", "failed"])
    now = present("x = 1", "y = 2", "1 / 1")
    now.cells.insert(1, new_markdown_cell("explained", id="m"))
    found = continuation(nb, now)
    assert (found.start.index, set(found.known)) == (3, {"c0", "c1"})


@pytest.mark.parametrize("change", ["tags", "id"])
def test_a_cell_above_with_other_tags_or_id_is_another_cell(change) -> None:
    nb, now = executed("x = 1", "1 / 0"), present("x = 1", "1 / 0")
    if change == "tags":
        now.cells[0].metadata["tags"] = ["skip-execution"]
    else:
        now.cells[0]["id"] = "other"
    with pytest.raises(Unsound, match="was changed"):
        continuation(nb, now)


def test_known_cells_are_those_of_the_executed_notebook() -> None:
    nb = executed("x = 1", "1 / 0")
    nb.cells[0].outputs = [new_output("stream", text="hello")]
    found = continuation(nb, present("x = 1", "1 / 0"))
    assert found.known["c0"] is nb.cells[0]
    assert replace(found, known={}).start.name == found.start.name
