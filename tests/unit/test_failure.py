"""A failure names what failed, why, the user's own line, and what to type next."""

from __future__ import annotations

import json
import textwrap

import pytest

from nbflow.exceptions import CellFailed
from nbflow.failure import explain, first_failed, source_line
from nbflow.models import FlowKind
from nbflow.states import Cancelled, Completed, Crashed, Failed, NotRun, Running, TimedOut

CELL = """\
\x1b[0;31m---------------------------------------------------------------------------\x1b[0m
\x1b[0;31mValueError\x1b[0m                                Traceback (most recent call last)
Cell \x1b[0;32mIn[6], line 3\x1b[0m
\x1b[1;32m      1\x1b[0m X = table[cols]
\x1b[1;32m      2\x1b[0m y = table.churned
\x1b[0;32m----> 3\x1b[0m model.fit(X, y)

File \x1b[0;32m/usr/lib/python3/site-packages/sklearn/base.py:1389\x1b[0m, in fit(...)
\x1b[0;32m-> 1389\x1b[0m     return fit_method(estimator)

\x1b[0;31mValueError\x1b[0m: Input X contains NaN."""

SOURCES = [
    ("a cell's line, not the library's", CELL, "line 3", "model.fit(X, y)"),
    (
        "the deepest of the user's cells",
        """
        Cell In[2], line 1
        ----> 1 outer()

        Cell In[1], line 2, in outer()
              1 def outer():
        ----> 2     inner()

        NameError: name 'inner' is not defined""",
        "line 2",
        "inner()",
    ),
    (
        "a module of the user's own",
        """
        Cell In[2], line 1
        ----> 1 clean(table)

        File /home/ada/project/cleaning.py:12, in clean(table)
             11 def clean(table):
        ---> 12     return table.drop("x")

        KeyError: 'x'""",
        "/home/ada/project/cleaning.py, line 12",
        'return table.drop("x")',
    ),
    (
        "a syntax error",
        """
          Cell In[3], line 1
            x = = 2
                ^
        SyntaxError: invalid syntax""",
        "line 1",
        "x = = 2",
    ),
    (
        "Python's own form",
        """
        Traceback (most recent call last):
          File "/home/ada/flows.py", line 9, in etl
            load(path)
            ~~~~^^^^^^
          File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
            raise JSONDecodeError
        json.JSONDecodeError: Expecting value""",
        "/home/ada/flows.py, line 9, in etl",
        "load(path)",
    ),
]


@pytest.mark.parametrize(
    ("text", "place", "line"), [row[1:] for row in SOURCES], ids=[row[0] for row in SOURCES]
)
def test_the_users_own_line_is_found(text, place, line) -> None:
    """In tracebacks of kernels and of Python, past all frames of libraries."""
    clean = textwrap.dedent(text).replace("\x1b[0;31m", "").replace("\x1b[0;32m", "")
    clean = clean.replace("\x1b[1;32m", "").replace("\x1b[0m", "")
    found = source_line(clean.splitlines())
    assert found is not None
    assert (found.place, found.text) == (place, line)


@pytest.mark.parametrize(
    "text", ["", "Error in eval(expr): object 'x' not found", "In the end: no"]
)
def test_other_texts_have_no_line(text) -> None:
    """What is no traceback names no line, rather than a wrong one."""
    assert source_line(text.splitlines()) is None


def failed_run(make, **options):
    message = "Cell 'train model' raised ValueError: Input X contains NaN."
    return make.flow_run(make.state(Failed, 9, message=message), **options)


def failed_cell(make, **options):
    state = make.state(Failed, 8, message="ValueError: Input X contains NaN.")
    return make.cell(3, state, name="train model", end_time=make.at(8), **options)


def test_a_failed_cell_is_explained_from_its_exception(make) -> None:
    """With the exception at hand, all is known."""
    raised = CellFailed(
        index=3, label="train model", ename="ValueError", evalue="…", traceback=(CELL,)
    )
    failure = explain(failed_run(make), [failed_cell(make)], raised=raised)
    assert failure is not None
    assert failure.what == "Cell 'train model' failed"
    assert failure.error == "ValueError: Input X contains NaN."
    assert failure.source is not None
    assert failure.source.text == "model.fit(X, y)"
    assert failure.traceback[0] == "Cell In[6], line 3"
    assert failure.traceback[-1] == "ValueError: Input X contains NaN."
    assert [step.command for step in failure.next_steps] == [
        "nbflow runs show 23456789",
        "nbflow runs logs 23456789 --task 'train model'",
    ]


def test_the_executed_notebook_keeps_the_traceback(make, tmp_path) -> None:
    """A week later, the line is found in the executed notebook; errors on purpose are passed by."""
    on_purpose = {"output_type": "error", "ename": "KeyError", "evalue": "1", "traceback": ["no"]}
    real = {"output_type": "error", "ename": "ValueError", "evalue": "…", "traceback": [CELL]}
    cells = [{"outputs": [on_purpose]}, {"source": "# text"}, {"outputs": [real]}]
    path = tmp_path / "my run.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    failure = explain(failed_run(make, output=str(path)), [failed_cell(make)])
    assert failure is not None
    assert failure.source is not None
    assert failure.source.text == "model.fit(X, y)"
    assert failure.next_steps[-1].command == f"jupyter lab '{path}'"


@pytest.mark.parametrize(
    "message",
    [
        "UsageError: Cell magic `%%task` not found.",
        "UsageError: Line magic function `%nbflow` not found.",
    ],
)
def test_a_forgotten_extension_is_among_what_to_do(make, message) -> None:
    """Jupyter says that it does not know the magic; here stands where it comes from."""
    cell = make.cell(3, make.state(Failed, 8, message=message), name="load")
    failure = explain(failed_run(make), [cell])
    assert failure is not None
    assert failure.next_steps[1].command == "%load_ext nbflow"
    assert failure.next_steps[1].purpose == "begin the notebook with"


@pytest.mark.parametrize("content", [None, "", "[]", '{"cells": 3}', "\xff"])
def test_a_lost_or_odd_notebook_is_no_obstacle(make, tmp_path, content) -> None:
    """Then the failure is told without a source line."""
    path = tmp_path / "run.ipynb"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    failure = explain(failed_run(make, output=str(path)), [failed_cell(make)])
    assert failure is not None
    assert (failure.error, failure.source) == ("ValueError: Input X contains NaN.", None)


def test_the_log_may_hold_the_traceback(make) -> None:
    """A Python flow's traceback is an error line of its log."""
    cell = failed_cell(make)
    logged = make.log(textwrap.dedent(SOURCES[4][1]).strip(), cell, level=40)
    failure = explain(failed_run(make), [cell], logs=[make.log("Traceback", level=20), logged])
    assert failure is not None
    assert failure.source is not None
    assert failure.source.place == "/home/ada/flows.py, line 9, in etl"


@pytest.mark.parametrize("constructor", [Completed, Running])
def test_nothing_to_explain(make, constructor) -> None:
    """A run that completed or still runs has no failure."""
    assert explain(make.flow_run(make.state(constructor)), [failed_cell(make)]) is None


@pytest.mark.parametrize(
    ("constructor", "words"),
    [
        (TimedOut, "Cell 'cell 0' timed out"),
        (Crashed, "Cell 'cell 0' crashed"),
        (Cancelled, "Cell 'cell 0' cancelled"),
    ],
)
def test_the_state_is_in_words(make, constructor, words) -> None:
    """Each way of not completing has its own."""
    cell = make.cell(0, make.state(constructor), end_time=make.at(1))
    failure = explain(make.flow_run(make.state(constructor)), [cell])
    assert failure is not None
    assert failure.what == words


def test_a_run_can_fail_on_its_own(make) -> None:
    """Without a failed task, the flow is named."""
    run = make.flow_run(make.state(Failed, message="RuntimeError: no"))
    failure = explain(run, [make.cell(0, make.state(NotRun))])
    assert failure is not None
    assert (failure.what, failure.error) == ("churn failed", "RuntimeError: no")


def test_the_first_failure_is_the_cause(make) -> None:
    """Of several, the one that ended first; what was merely cancelled is a victim."""
    late = make.cell(1, make.state(Failed, 5), end_time=make.at(5))
    early = make.cell(2, make.state(Failed, 3), end_time=make.at(3))
    cancelled = make.cell(3, make.state(Cancelled, 1), end_time=make.at(1))
    assert first_failed([late, cancelled, early]) == early
    assert first_failed([cancelled]) == cancelled
    assert first_failed([]) is None


def test_code_that_is_in_no_file_cannot_be_resumed(make, tmp_path):
    module, notebook = tmp_path / "flows.py", tmp_path / "train.ipynb"
    module.write_text("")
    notebook.write_text("")
    gone = tmp_path / "ipykernel_1" / "123.py"  # what IPython calls a cell's code
    for source, kind, offered in (
        (module, FlowKind.FUNCTION, True),
        (gone, FlowKind.FUNCTION, False),
        (notebook, FlowKind.FUNCTION, False),  # a flow in one of its cells
        (notebook, FlowKind.NOTEBOOK, True),
    ):
        run = make.flow_run(make.state(Failed), source=str(source), kind=kind)
        told = explain(run, [])
        assert told is not None
        assert any("resume" in step.command for step in told.next_steps) is offered, source
