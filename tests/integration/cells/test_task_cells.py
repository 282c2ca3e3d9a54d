"""`%%task` in the foreground: what it reads, makes, shows and leaves alone."""

from __future__ import annotations

import inspect

import pytest

from nbflow import flow, get_run, list_runs
from nbflow.models import TaskKind
from nbflow.tasks import Task

#: Cells before, the task cell, names afterwards.
MEANINGS = {
    "it reads and binds": ((("a = 2",)), "%%task\nb = a + 1", {"a": 2, "b": 3}),
    "it may bind what it reads": (("a = 2",), "%%task\na = a + 1", {"a": 3}),
    "augmented assignment changes the very object": (
        ("a = b = [1]",),
        "%%task\na += [2]",
        {"a": [1, 2], "b": [1, 2]},
    ),
    "changes in place reach the notebook's object": (
        ("a = [1]", "b = a"),
        "%%task\na.append(2)",
        {"b": [1, 2]},
    ),
    "deleting": (("a = 1", "b = 2"), "%%task\ndel a", {"b": 2}),
    "imports are the notebook's": ((), "%%task\nimport math as m\nx = m.floor(2.5)", {"x": 2}),
    "walrus and comprehensions": (
        (),
        "%%task\nx = [y := i for i in range(3)]",
        {"x": [0, 1, 2], "y": 2},
    ),
    "match": (
        ("p = (1, 2)",),
        "%%task\nmatch p:\n    case (q, *r):\n        s = q",
        {"q": 1, "r": [2], "s": 1},
    ),
    "functions bind late": (
        ("k = 1", "%%task\ndef f():\n    return k", "k = 2"),
        "%%task\nx = f()",
        {"x": 2},
    ),
    "functions see what the cell binds": (
        ("def f():\n    return k",),
        "%%task\nk = 5\nx = f()",
        {"x": 5, "k": 5},
    ),
    "global statements": (
        ("n = 0", "def up():\n    global n\n    n += 1"),
        "%%task\nup()\nup()\nm = n",
        {"n": 2, "m": 2},
    ),
    "classes": (
        ("base = 10",),
        "%%task\nclass A:\n    x = base\n    def y(self):\n        return base\na = A().y() + A.x",
        {"a": 20},
    ),
    "generators use names late": (
        ("k = 1", "%%task\ng = (k * i for i in [1, 2])", "k = 10"),
        "%%task\nx = list(g)",
        {"x": [10, 20]},
    ),
    "star imports": ((), "%%task\nfrom math import *\nx = floor(2.5)", {"x": 2}),
    "exec": ((), "%%task\nexec('x = 3')\ny = x", {"x": 3, "y": 3}),
    "line magics and shell lines": (
        ("a = 2",),
        "%%task\n%time b = a * 2\nlines = !echo {b}",
        {"b": 4, "lines": ["4"]},
    ),
    "other cell magics around it": ((), "%%time\n%%task\nx = 1", {"x": 1}),
    "other cell magics inside": ((), "%%task\n%%time\nx = 1", {"x": 1}),
    "await": (
        ("import asyncio",),
        "%%task\nx = await asyncio.sleep(0, 7)",
        {"x": 7},
    ),
    "stated outputs are the only ones": (
        ("t = 'old'",),
        "%%task --out x\nt = 1\nu = 2\nx = t + u",
        {"x": 3, "t": "old", "u": KeyError},
    ),
    "stated outputs of a cell that defines functions": (
        ("t = 'old'",),
        "%%task --out x\ndef g():\n    return 1\nt = g()\nx = t",
        {"x": 1, "t": "old", "g": KeyError},
    ),
    "it runs in a process": (
        ("a = 20",),
        "%%task --runner process\nimport os\nb = a + 1\np = os.getpid() != 0",
        {"b": 21, "p": True},
    ),
    "it runs in a thread": (("a = 20",), "%%task --runner thread\nb = a + 1", {"b": 21}),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_task_cell_means_what_the_cell_means(cells, name: str) -> None:
    before, cell, expected = MEANINGS[name]

    cells.well(*before, cell)

    for key, value in expected.items():
        if value is KeyError:
            assert key not in cells.names
        else:
            assert cells.names[key] == value


def test_the_last_expression_displays_and_prints_appear(cells) -> None:
    answer = cells.well("%%task\nprint('hello')\n40 + 2")

    assert answer.value == 42
    assert answer.text.startswith("hello\n")


def test_a_semicolon_silences(cells) -> None:
    answer = cells.well("%%task\n40 + 2;")

    assert answer.text == ""


@pytest.mark.parametrize("code", ["def (", "x = (1,", 'y = """abc', "if (:"])
def test_code_that_stops_short_is_told_as_python_tells_it(cells, code: str) -> None:
    answer = cells(f"%%task\n{code}")

    assert isinstance(answer.error, SyntaxError)
    assert answer.error.filename != "<tokenize>"


def test_the_notebook_knows_how_its_task_cells_stand(cells) -> None:
    kept, background = "%%task --cache\nx = 40 + 2", "%%task --submit\ny = 1 / 0"
    cells.well(kept, kept, "z = 1", background)
    assert not cells("%nbflow wait").ok

    drawn = cells.well("%nbflow graph").text

    assert "Cached" in drawn
    assert "Failed" in drawn


#: A failing cell, after `x = [1]` and `y = 'old'`.
FAILURES = {
    "private": "%%task\nx = 'new'\nz = 1\ny = 1 / 0",
    "shared": "%%task\ndef f():\n    return 1\nx = 'new'\ndel y\nz = f() / 0",
    "in a thread": "%%task --runner thread\nx = 'new'\nz = 1 / 0",
    "in a process": "%%task --runner process\nx = 'new'\nz = 1 / 0",
    "stated outputs": "%%task --out z\nx = 'new'\nz = 1 / 0",
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_cell_that_fails_leaves_the_names_as_they_were(cells, name: str) -> None:
    cells.well("x = [1]", "y = 'old'")

    answer = cells(FAILURES[name])

    assert isinstance(answer.error, ZeroDivisionError)
    assert (cells.names["x"], cells.names["y"]) == ([1], "old")
    assert not {"z", "f"} & cells.names.keys()


def test_a_traceback_begins_at_the_users_line_with_the_cells_numbers(cells) -> None:
    cells.well("def inner():\n    raise ValueError('no')")

    answer = cells("%%task broken\n\nx = 1\ninner()\n")

    assert "line 4" in answer.text
    assert "----> 4 inner()" in answer.text
    assert "ValueError: no" in answer.text
    assert "nbflow/" not in answer.text
    assert "run_cell_magic" not in answer.text


def test_debug_starts_in_the_users_frame(cells, monkeypatch) -> None:
    cells("%%task\nlocal = 5\n\ndef deep(value):\n    return value / 0\n\ndeep(local)")
    seen = []

    def interact(self, frame, given) -> None:
        trace = getattr(given, "__traceback__", given)
        self.setup(frame, trace)
        seen.append((self.curframe.f_code.co_name, self.curframe.f_locals["value"]))

    monkeypatch.setattr("IPython.core.debugger.Pdb.interaction", interact)
    cells.well("%debug")

    assert seen == [("deep", 5)]


def test_a_syntax_error_has_the_cells_line_number(cells) -> None:
    answer = cells("%%task\nx = 1\ny = = 2")

    assert isinstance(answer.error, SyntaxError)
    assert answer.error.lineno == 3


#: What stands in the line, and words that the sentence must have.
WRONG = {
    "--in a": ("--in says a", "also reads b"),
    "--in a b zz": ("zz is not among them",),
    "--out q": ("--out says q", "the code assigns c"),
    "c": ("name 'c' is also what its code assigns",),
    "--retry 3": ("--retr", "Usage: %%task"),
    "--retries many": ("--retries", "many", "Usage: %%task"),
    "--runner cloud": ("cloud", "thread", "Usage: %%task"),
    "--timeout 0": ("--timeout", "Usage: %%task"),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_meant_is_told_in_words(cells, line: str) -> None:
    cells.well("a = 1", "b = 2")

    answer = cells(f"%%task {line}\nc = a + b")

    assert answer.error is not None
    assert "Traceback" not in answer.text
    for words in WRONG[line]:
        assert words in answer.text
    assert "c" not in cells.names


# ── the task in the namespace ────────────────────────────────────────────────────────────


def test_the_name_becomes_a_task_that_is_called_like_a_function(cells) -> None:
    cells.well("a, b = 1, 10", "%%task add\nimport math\nc = a + b\n_half = c / 2\nd = -c")
    add = cells.names["add"]

    assert isinstance(add, Task)
    assert add() == (11, -11)
    assert add(5) == (15, -15)
    assert add(5, b=1) == (6, -6)
    assert list(inspect.signature(add).parameters) == ["a", "b"]
    assert cells.names["c"] == 11  # calls leave the notebook alone


def test_one_output_comes_alone_and_none_gives_the_last_value(cells) -> None:
    cells.well("a = 1", "%%task one\nx = a + 1", "%%task none\na * 100")

    assert cells.names["one"](2) == 3
    assert cells.names["none"](2) == 200


def test_what_is_not_in_the_notebook_must_be_passed(cells) -> None:
    cells.well("%%task later --no-run\nx = soon + 1")
    later = cells.names["later"]

    assert "x" not in cells.names
    with pytest.raises(TypeError, match="later\\(\\) needs 'soon': pass it"):
        later()
    assert later(soon=1) == 2


def test_a_cell_task_works_in_a_flow_of_the_notebook_with_its_options(cells) -> None:
    cells.well(
        "tries = []\nn = 1",
        "%%task shaky --retries 2 --tags slow\ntries.append(1)\n"
        "if len(tries) % 3:\n    raise ValueError('again')\ny = n * 2",
    )

    @flow
    def both() -> int:
        first = cells.names["shaky"].submit(n=10)
        return first.result() + cells.names["shaky"](n=first)

    assert both() == 60
    run = next(r for r in list_runs() if r.flow_name == "both")
    assert [t.attempt for t in get_run(run.id).task_runs] == [3, 3]
    assert all("slow" in t.tags for t in get_run(run.id).task_runs)


def test_a_cell_is_recorded_as_a_cell(cells) -> None:
    cells.well("from nbflow import flow\n@flow\ndef outer():\n    get_ipython().run_cell(inner)")
    cells.names["inner"] = "%%task again\nx = 1"
    cells.well("outer()")

    (task,) = get_run("latest").task_runs
    assert (task.name, task.kind, task.state.name) == ("again", TaskKind.CELL, "Completed")


def test_retries_start_from_the_names_as_they_were(cells) -> None:
    cells.well("seen = []\nx = 0")

    cells.well(
        "%%task --retries 3\nx = x + 1\nseen.append(x)\nif len(seen) < 3:\n    raise OSError('no')"
    )

    assert cells.names["seen"] == [1, 1, 1]
    assert cells.names["x"] == 1


def test_a_time_limit_stops_the_cell(cells) -> None:
    answer = cells("%%task --timeout 0.2\nimport time\nfor _ in range(600):\n    time.sleep(0.1)")

    assert answer.error is not None
    assert "0.2" in answer.text


def test_foreign_magics_pass_through_untouched(cells) -> None:
    cells.ip.register_magic_function(lambda line, cell: (line, cell), "cell", "other")

    assert cells.well("%%other --x\nbody").value == ("--x", "body\n")
    assert "one" in cells.well("%%bash\necho one").text


def test_loading_twice_and_unloading(cells) -> None:
    cells.well("%load_ext nbflow", "%reload_ext nbflow", "%%task\nx = 1", "%unload_ext nbflow")

    assert cells.well("y = x").ok


def test_every_frame_of_a_traceback_shows_its_own_line(cells) -> None:
    answer = cells("%%task inverse\nn = 2\nvalues = [\n    1 / (n - i) for i in range(4)\n]")

    assert "    1 / (n - i) for i in range(4)" in answer.text
    assert "----> 1" not in answer.text


def test_a_time_limit_shows_the_users_line_and_no_frame_of_ours(cells) -> None:
    cell = "%%task --timeout 0.2\nimport time\nfor _ in range(600):\n    time.sleep(0.1)"

    answer = cells(cell)

    assert "time.sleep(0.1)" in answer.text
    assert "nbflow/" not in answer.text


@pytest.mark.parametrize(
    "typo",
    [
        "x = (1,",
        "%%task\nfor i in range(3)\n    pass",
        "%%flow\ny = = 1",
        "%%task --retry 3\nx = 1",
    ],
)
def test_a_typing_error_spoils_nothing_that_follows(cells, typo: str) -> None:
    cells.well("a = 1")
    assert not cells(typo).ok

    cells.well("%%task make --runner process\nb = a + 1")  # refused where names may be hidden

    assert cells.names["b"] == 2


def test_typing_errors_before_the_first_task_cell_spoil_nothing_either(cells) -> None:
    assert not cells("x = (1,").ok

    cells.well("a = 1", "%%task --runner process\nb = a + 1")
