"""`--submit`: cells that run side by side while the notebook still reads top to bottom."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nbflow.exceptions import UpstreamCellError

#: A background cell that waits to be let go before it reads and binds. The magic is one that
#: changes nothing of the notebook, as far as its code tells.
HELD = "%%task {name} --submit\n%timeit {name!r}\n{code}"


@pytest.fixture
def held(cells):
    """Makes background cells that go on only when they are told to."""
    gates = {}
    cells.ip.register_magic_function(lambda name: gates[name.strip("'")].wait(60), "line", "timeit")

    class Held:
        def submit(self, name: str, code: str) -> None:
            gates[name] = threading.Event()
            cells.well(HELD.format(name=name, code=code))

        def let_go(self, *names: str) -> None:
            for name in names:
                gates[name].set()

        def soon(self, *names: str) -> None:
            """Let them go while the next cell waits."""
            threading.Timer(0.3, self.let_go, names).start()

    yield Held()
    for gate in gates.values():
        gate.set()


def test_independent_cells_overlap_and_a_reader_waits_for_both(cells) -> None:
    # Neither gets past the barrier before the other is there, too.
    meeting = threading.Barrier(2)
    cells.ip.register_magic_function(lambda _: meeting.wait(60), "line", "timeit")

    cells.well("%%task a --submit\n%timeit 1\nx = 1")
    cells.well("%%task b --submit\n%timeit 1\ny = 2")

    assert cells.well("x + y").value == 3


#: Cells before; the background cell's code; the next cell; names at the end.
WAITS = {
    "it reads what is made": ((), "x = 1", "y = x + 1", {"x": 1, "y": 2}),
    "it changes what is read, through another name": (
        ("data = [1]", "same = data"),
        "n = len(data)",
        "same.append(2)",
        {"n": 1, "data": [1, 2]},
    ),
    "it reads what is changed in place": (
        ("data = [1]", "same = data"),
        "data.append(2)",
        "n = len(same)",
        {"n": 2},
    ),
    "a function that it calls reads what is made": (
        ("def f():\n    return x",),
        "x = 1",
        "y = f()",
        {"y": 1},
    ),
    "it binds what is made, perhaps": (
        ("x = 0", "no = False"),
        "x = 1",
        "if no:\n    x = 2",
        {"x": 1},
    ),
    "it deletes what is made": (("x = 0",), "x = 1", "del x", {"x": KeyError}),
    "it uses a shell line": ((), "x = 7", "lines = !echo {x}", {"lines": ["7"]}),
    "it hides what it reads": (("x = 0",), "x = 7", "y = eval('x')", {"y": 7}),
}


@pytest.mark.parametrize("name", WAITS)
@pytest.mark.parametrize("magic", ["", "%%task\n", "%%task --submit\n"])
def test_the_next_cell_waits_when_it_must(cells, held, name: str, magic: str) -> None:
    before, code, after, expected = WAITS[name]
    cells.well(*before)
    held.submit("early", code)
    held.soon("early")

    cells.well(magic + after, "%nbflow wait")

    for key, value in expected.items():
        if value is KeyError:
            assert key not in cells.names
        else:
            assert cells.names[key] == value


def test_rebinding_a_name_that_a_pending_cell_reads_is_no_reason_to_wait(cells, held) -> None:
    cells.well("x = 1")
    held.submit("early", "y = x")

    cells.well("x = 2")
    held.let_go("early")

    assert cells.well("x, y").value == (2, 1)


def test_cells_with_the_same_temporary_names_overlap(cells, held) -> None:
    held.submit("one", "tmp = 1\na = tmp")
    held.submit("two", "tmp = 2\nb = tmp")
    held.let_go("two")
    assert cells.well("b").value == 2  # though the first has not ended

    held.let_go("one")

    assert cells.well("a, tmp").value == (1, 2)  # as from top to bottom


def test_what_functions_look_up_later_is_not_passed_by(cells, held) -> None:
    cells.well("x = 1", "def f():\n    return x")
    held.submit("early", "y = f()")
    held.soon("early")

    cells.well("x = 2")

    assert cells.well("y").value == 1


def test_a_chain_of_background_cells(cells, held) -> None:
    held.submit("a", "x = 1")
    cells.well("%%task b --submit\ny = x + 1", "%%task c --submit\nz = y + x")
    held.soon("a")

    assert cells.well("x, y, z").value == (1, 2, 3)


def test_a_failed_producer_fails_its_readers_by_name(cells, held) -> None:
    held.submit("load", "x = 1 / 0")
    cells.well("%%task fit --submit\ny = x + 1", "other = 1")
    held.soon("load")

    plain, indirect = cells("x"), cells("y")

    assert isinstance(plain.error, UpstreamCellError)
    assert "'load', which makes 'x'" in plain.text
    assert "ZeroDivisionError" in plain.text
    assert isinstance(indirect.error, UpstreamCellError)
    assert "'load' failed" in indirect.text
    assert "Traceback" not in indirect.text


def test_running_the_culprit_again_heals_its_readers(cells, held) -> None:
    held.submit("load", "x = 1 / 0")
    held.soon("load")
    assert not cells("x").ok

    cells.well("x = 5")

    assert cells.well("x").value == 5


def test_a_failed_background_cell_leaves_the_names_as_they_were(cells, held) -> None:
    cells.well("x = 'old'")
    held.submit("bad", "x = 'new'\nz = 1 / 0")
    held.let_go("bad")
    assert not cells("%nbflow wait").ok

    assert cells.names["x"] == "old"
    assert "z" not in cells.names


def test_order_alone_does_not_pass_a_failure_on(cells, held) -> None:
    cells.well("data = [1]")
    held.submit("bad", "n = len(data)\n1 / 0")
    held.soon("bad")

    cells.well("data.append(2)")

    assert cells.names["data"] == [1, 2]


def test_a_function_made_in_the_background_binds_late(cells, held) -> None:
    cells.well("k = 1")
    held.submit("make", "def f():\n    return k")
    held.soon("make")

    cells.well("k = 2")

    assert cells.well("f()").value == 2


def test_the_task_of_a_background_cell_can_be_called_while_inputs_are_made(cells, held) -> None:
    held.submit("make", "x = 20")
    cells.well("%%task double --no-run\ny = x * 2")
    held.soon("make")

    assert cells.names["double"]() == 40


def test_what_was_displayed_last_is_known_when_a_cell_asks_for_it(cells, held) -> None:
    held.submit("late", "6 * 7")
    held.soon("late")

    assert cells.well("_ + 1").value == 43


def test_results_keep_the_order_of_the_cells(cells, held) -> None:
    held.submit("one", "'first'")
    held.submit("two", "'second'")
    held.let_go("two")
    held.soon("one")

    assert cells.well("%%task --submit\nlast = _, __", "last").value == ("second", "first")


@pytest.mark.parametrize(("read", "value"), [("len(In)", 3), ("len(_ih)", 3), ("_i", "n = 1")])
def test_what_was_entered_before_is_read_in_the_foreground(cells, read, value) -> None:
    """In the background it might find the next cell there."""
    where = "threading.current_thread() is threading.main_thread()"
    cells.well("n = 1", f"%%task --submit\nimport threading\nfound = {read}, {where}")

    assert cells.well("found").value == (value, True)


def test_a_cell_magic_inside_keeps_a_cell_in_the_foreground(cells, capsys) -> None:
    cells.well("%%task --submit\n%%capture said\nprint('inside')")

    assert cells.names["said"].stdout == "inside\n"


def test_a_variable_in_the_making_is_no_magic(cells, held) -> None:
    held.submit("early", "ls = [1]")
    cells.well("%%task --submit\nls[0] = 99")
    held.soon("early")

    assert cells.well("len(ls), ls").value == (1, [99])


def test_magics_in_the_background_do_not_wait_for_themselves(cells, held) -> None:
    held.submit("early", "x = 1")
    cells.well("%%task --submit\n%time y = x + 1")
    held.soon("early")

    assert cells.well("y").value == 2


@pytest.mark.parametrize(
    "imports", ["import contextlib as c", "from contextlib import redirect_stdout as there"]
)
def test_what_redirects_the_whole_process_stays_in_the_foreground(cells, held, imports) -> None:
    call = "c.redirect_stdout" if "as c" in imports else "there"
    held.submit("early", "print('from elsewhere')")

    cells.well(
        imports, f"%%task --submit\nimport io\ns = io.StringIO()\nwith {call}(s):\n    print(1)"
    )

    assert cells.names["s"].getvalue() == "1\n"  # it has run, and nobody else did meanwhile


@pytest.mark.parametrize("header", ["", "%%task --submit\n"], ids=["plain", "task"])
def test_the_folder_changes_when_those_before_have_ended(
    cells, tmp_path, monkeypatch, header
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    cells.well("import os, pathlib, time")

    cells.well("%%task --submit\ntime.sleep(0.5)\n_ = pathlib.Path('made').write_text('here')")
    cells.well(f"{header}os.chdir('sub')")

    assert (tmp_path / "made").read_text() == "here"
    assert Path.cwd() == tmp_path / "sub"
