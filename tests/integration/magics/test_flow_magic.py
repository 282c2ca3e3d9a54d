"""`%%flow`: a cell as a flow, its parameters, its names, its view, its failures."""

from __future__ import annotations

import pytest

from nbflow import get_run, list_runs
from nbflow.exceptions import CellInterfaceError, MagicUsageError, ParameterTypeError
from nbflow.flows import Flow

TASKS = """
from nbflow import flow, task

@task
def double(x):
    return 2 * x

@task
def fail(x):
    raise ValueError(f"no {x}")
"""


# ── what it is ───────────────────────────────────────────────────────────────────────────


def test_the_body_runs_as_a_flow_whose_tasks_are_its_task_runs(cells):
    answer = cells.well(TASKS, "%%flow etl --param n=3\nx = double(n)\nx + 1")
    assert answer.value == 7
    assert answer.text == "Out[2]: 7\n"
    (run,) = list_runs()
    assert (run.flow_name, run.state.name) == ("etl", "Completed")
    assert run.parameters == {"n": 3}
    assert [task.task_name for task in run.task_runs] == ["double"]


def test_names_are_published_and_parameters_are_not(cells):
    cells.well(TASKS, "n = 'mine'", "%%flow etl --param n=3\nx = double(n)\nn += 1")
    assert cells.names["x"] == 6
    assert cells.names["n"] == "mine"


def test_deleting_a_parameter_leaves_the_notebooks_own_name(cells):
    cells.well("n = 'mine'", "%%flow etl --param n=3\nx = n\ndel n")
    assert (cells.names["n"], cells.names["x"]) == ("mine", 3)


def test_the_flow_stays_callable_with_other_parameters(cells):
    cells.well(
        TASKS, "%%flow etl --param n:int=3 'title: str = \"a b\"'\nx = double(n)\n(x, title)"
    )
    etl = cells.names["etl"]
    assert isinstance(etl, Flow)
    assert etl(n=5, title="b") == (10, "b")
    assert etl(7) == (14, "a b")
    assert cells.names["x"] == 6  # a call touches nothing of the notebook
    with pytest.raises(ParameterTypeError, match="Parameter 'n' of flow 'etl' must be an int"):
        etl(n="three")


def test_it_is_a_subflow_inside_another_flow(cells):
    cells.well(TASKS, "%%flow inner --param n=3\ndouble(n)", "%%flow outer\ny = inner(n=4)\ny")
    assert cells.names["y"] == 8
    run = get_run("latest")
    assert run.flow_name == "outer"
    assert [child.flow_name for child in run.subflows] == ["inner"]


def test_it_can_be_drawn_without_running(cells):
    cells.well(TASKS, "%%flow etl --param n --define\ny = double(double(n))")
    graph = cells.names["etl"].visualize(n=1).graph
    assert [node.label for node in graph.nodes] == ["double", "double"]
    assert len(graph.edges) == 1


def test_define_only_binds_the_name(cells):
    cells.well(TASKS, "%%flow etl --param n --define\nx = double(n)\nx")
    assert "x" not in cells.names
    assert list_runs() == []
    assert cells.names["etl"](n=2) == 4


def test_options_are_those_of_a_flow(cells):
    cells.well(
        "tries = []",
        "%%flow etl --retries 2 --retry-delay 0 --timeout 1m --runner sequential --tags a,b\n"
        "tries.append(1)\nassert len(tries) == 2",
    )
    etl = cells.names["etl"]
    assert (etl.retries, etl.timeout_seconds) == (2, 60.0)
    (run,) = list_runs()
    assert run.record.attempt == 2
    assert run.tags == {"a", "b"}


def test_a_name_of_several_words_is_shown_and_not_bound(cells):
    cells.well("%%flow 'load all'\nx = 1")
    assert get_run().flow_name == "load all"
    assert not any(isinstance(value, Flow) for value in cells.names.values())


def test_without_a_name_it_is_called_by_what_it_makes(cells):
    cells.well("%%flow\ntotal = 1")
    assert get_run().flow_name == "total"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def f():\n    return n\ny = f()", {"y": 3}),
        ("import math\ny = math.floor(n)", {"y": 3}),
        ("for i in range(n):\n    pass", {"i": 2}),
        ("y = await later(n)", {"y": 3}),
        ("ys = [double.submit(i) for i in range(n)]\ny = sum(f.result() for f in ys)", {"y": 6}),
        ("y = double.map(range(n)).result()", {"y": [0, 2, 4]}),
    ],
)
def test_bodies_mean_what_they_would_in_a_cell(cells, body, expected):
    cells.well(TASKS, "async def later(x):\n    return x", f"%%flow etl --param n=3\n{body}")
    assert {name: cells.names[name] for name in expected} == expected
    assert "n" not in cells.names


# ── its view ─────────────────────────────────────────────────────────────────────────────


def test_the_view_ends_as_the_picture_of_the_run(cells):
    answer = cells.well(TASKS, "%%flow etl\nx = double(double(1))\nprint('hello')")
    (view,) = answer.shown
    assert view["text/plain"].startswith("✓ completed  etl  2 of 2 · ")
    assert "✓ double-2" in view["text/plain"]
    assert "<svg" in view["text/html"]
    assert "completed</span>" in view["text/html"]
    assert answer.text.strip() == "hello"


def test_a_terminal_gets_one_line(terminal):
    answer = terminal.well(TASKS, "%%flow etl\nx = double(1)\nx")
    lines = answer.text.strip().splitlines()
    assert lines[0].endswith("2")
    assert lines[-1].startswith("✓ completed in ")
    assert lines[-1].endswith("1 task")


# ── its failures ─────────────────────────────────────────────────────────────────────────


def test_a_failure_publishes_nothing_and_shows_the_users_lines(cells):
    answer = (cells(TASKS), cells("%%flow etl\nx = 1\ny = fail(x)"))[1]
    assert isinstance(answer.error, ValueError)
    assert "x" not in cells.names
    assert "----> 3 y = fail(x)" in answer.text
    assert "1 # %%flow etl" in answer.text
    assert "nbflow/engine" not in answer.text
    assert answer.plain.splitlines()[:3] == [
        answer.plain.splitlines()[0],
        "Task 'fail' failed",
        "  ValueError: no 1",
    ]
    assert "raise ValueError" in answer.html
    assert get_run().state.name == "Failed"


def test_a_failure_leaves_shared_names_as_they_were(cells):
    cells.well("x = 1", "n = 'mine'")
    answer = cells("%%flow etl --param n=3\ndef f():\n    return n\nx = f()\n1 / 0")
    assert isinstance(answer.error, ZeroDivisionError)
    assert (cells.names["x"], cells.names["n"]) == (1, "mine")
    assert "f" not in cells.names


def test_the_flow_stays_when_its_run_fails(cells):
    cells("%%flow etl --param n=0\ny = 1 / n\ny")
    assert cells.names["etl"](n=2) == 0.5


FAULTS = {
    "--param n": "--param: n has no value to run with; write n=VALUE, or only --define the flow.",
    "--param n=nowhere": "--param: n=nowhere cannot be evaluated (NameError: name 'nowhere'",
    "--param n=1 n=2": "--param: n is given twice; leave one out.",
    "--define": "--define needs a NAME by which the notebook can call the flow.",
    "'two words' --define": "--define needs a NAME by which the notebook can call the flow.",
    "--submit": "%%flow has no option --submit",
    "--retries -1": "--retries: -1 is negative",
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_bad_line_is_one_sentence_and_the_usage(cells, line):
    answer = cells(f"%%flow {line}\nx = 1")
    assert isinstance(answer.error, MagicUsageError)
    sentence, usage = answer.text.strip().splitlines()
    assert FAULTS[line] in sentence
    assert usage.startswith("Usage: %%flow")
    assert list_runs() == []


def test_a_name_that_the_body_assigns_is_refused(cells):
    answer = cells("%%flow etl\netl = 1")
    assert isinstance(answer.error, CellInterfaceError)
    assert "The flow's name 'etl' is also what its code assigns" in answer.text


def test_braces_and_dollars_of_the_line_are_pythons(cells):
    cells.well("n = 1", "%%flow etl --param 'd={\"n\": 2}' 's=\"$n {n}\"'\nd, s")
    assert cells.names["etl"]() == ({"n": 2}, "$n {n}")
