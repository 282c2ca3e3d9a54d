"""The engine keeps and restores the values of cells as it does those of tasks."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import types
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from nbflow.cells.keeping import CellPolicy, CellSerializer
from nbflow.cells.records import CellValues
from nbflow.engine.storage import forget_cells
from nbflow.settings import get_settings, temporary_settings
from nbflow.store import open_store
from nbflow.store.base import LogFilter
from nbflow.tasks import Task


class Cell:
    """A cell as a task, in the plainest way that the engine runs one."""

    def __init__(self, code, notebook, *, uses=(), **options):
        self.code, self.notebook, self.runs = code, notebook, 0
        policy = {k: options.pop(k) for k in ("scope", "defined", "redefine") if k in options}
        self.task = Task(
            self._function(),
            name="cell",
            persist_result=True,
            result_serializer=CellSerializer(policy.get("defined", frozenset())),
            cache_policy=CellPolicy(
                code=code,
                surroundings=lambda: {name: notebook[name] for name in uses},
                namespace=lambda: notebook,
                **policy,
            ),
            **options,
        )

    def _function(self):
        """What the engine calls: it takes what the cell reads, by name."""
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter(name, kind) for name in ("x",) if name in self.notebook]

        def function(**inputs):
            return self._body(inputs)

        function.__signature__ = inspect.Signature(parameters)
        return function

    def _body(self, inputs):
        self.runs += 1
        before = dict(self.notebook)
        after = {**before, **inputs}
        exec(self.code, after)
        made = {n: v for n, v in after.items() if v is not before.get(n) and n != "__builtins__"}
        return CellValues(outputs=made)

    def run(self):
        """Run it on the notebook's x, if there is one; returns the name of its state."""
        given = {"x": self.notebook["x"]} if "x" in self.task.signature.parameters else {}
        state = self.task(**given, return_state=True)
        self.notebook.update(state.result().outputs)
        return state.name


def logs(*words):
    """The messages of the run log that hold all these words."""
    store = open_store()
    store.flush()
    found = [(record.level, record.message) for record in store.logs(LogFilter())]
    return [each for each in found if all(word in each[1] for word in words)]


def test_a_hit_restores_the_outputs_without_running(fresh_main):
    cell = Cell("y = [x, [x]]", fresh_main("x = 1"))
    assert [cell.run(), cell.run()] == ["Completed", "Cached"]
    assert cell.runs == 1
    assert cell.notebook["y"] == [1, [1]]


def test_another_input_or_helper_runs_again(fresh_main):
    notebook = fresh_main("R = 2\ndef f(x): return x * R\nx = 1")
    cell = Cell("y = f(x)", notebook, uses=("f",))
    states, values = [], []
    for change in ("", "", "x = 5", "R = 3", "x, R = 1, 2", "def f(x): return -x"):
        exec(change, notebook)
        states.append(cell.run())
        values.append(notebook["y"])
    assert states == ["Completed", "Cached", "Completed", "Completed", "Cached", "Completed"]
    assert values == [2, 2, 10, 15, 2, -1]


def test_cells_of_two_runs_do_not_meet(fresh_main):
    names = [Cell("y = 1", fresh_main(""), scope=run).run() for run in ("one", "two", "one")]
    assert names == ["Completed", "Completed", "Cached"]


@pytest.mark.parametrize("root", ["", "memory://kept-cells"])
def test_what_a_run_kept_for_itself_can_be_forgotten(root, fresh_main):
    one, other = uuid4(), uuid4()
    with temporary_settings(**({"results": root} if root else {})):
        for run in (one, other):
            Cell("y = 1", fresh_main(""), scope=str(run)).run()
        forget_cells(one)
        forget_cells(uuid4())
        names = [Cell("y = 1", fresh_main(""), scope=str(run)).run() for run in (one, other)]
    assert names == ["Completed", "Cached"]


def test_values_expire(fresh_main):
    cell = Cell("y = 1", fresh_main(""), cache_expiration=timedelta(microseconds=1))
    assert [cell.run(), cell.run()] == ["Completed", "Completed"]


NOT_KEPT = {
    "in place": ("x.append(1)\ny = 1", "x = []", "the cell changes its input 'x' in place"),
    "table in place": (
        "x['b'] = 1",
        "import pandas as pd\nx = pd.DataFrame({'a': [1]})",
        "work on a copy (x = x.copy()) or leave --cache out",
    ),
    "shared": ("y = [x]", "x = []", "output 'y' shares a list with input 'x'"),
    "unpicklable": ("y = (i for i in [1])", "x = 1", "output 'y' cannot be pickled"),
}


@pytest.mark.parametrize("why", NOT_KEPT)
def test_what_cannot_be_restored_is_told_in_one_warning_and_runs_again(why, fresh_main):
    code, above, message = NOT_KEPT[why]
    assert [Cell(code, fresh_main(above)).run() for _ in range(2)] == ["Completed", "Completed"]
    told = logs("Not kept: ")
    assert len(told) == 2
    assert all(message in text and level == 30 for level, text in told)
    assert not list(Path(get_settings().results_root()).rglob("*.*"))


def test_what_a_run_keeps_for_itself_is_kept_without_warnings(fresh_main):
    Cell("y = [x]", fresh_main("x = []"), scope="run").run()
    assert [text for level, text in logs("Not kept") if level >= 20] == []


def test_data_that_functions_change_is_told(fresh_main):
    notebook = fresh_main("seen = []\ndef f(x):\n seen.append(x)\n return x\nx = 1")
    Cell("y = f(x)", notebook, uses=("f",)).run()
    assert logs("Not kept: the cell changes 'seen' in place")


def test_data_that_functions_return_is_shared(fresh_main):
    notebook = fresh_main("table = {'a': 1}\ndef f(): return table")
    Cell("y = f()", notebook, uses=("f",)).run()
    assert logs("Not kept: output 'y' shares a dict with data of the notebook")


def test_a_cell_without_a_key_is_not_kept(fresh_main):
    cell = Cell("y = 1", fresh_main("import threading\nx = threading.Lock()"))
    assert cell.run() == "Completed"
    assert logs("Not cached: Input 'x' is a _thread.lock.")
    assert not list(Path(get_settings().results_root()).rglob("runs/*"))


def test_values_whose_class_is_gone_are_computed_again(fresh_main):
    code = "y = make()"
    above = "class A: pass\ndef make(): return A()"
    assert Cell(code, fresh_main(above), uses=("make",)).run() == "Completed"
    notebook = fresh_main(above)
    kept = notebook.pop("A")
    notebook["make"].__globals__["A"] = kept  # found by the function, under another module
    sys.modules["__main__"] = types.ModuleType("__main__")
    assert Cell(code, notebook, uses=("make",)).run() == "Completed"
    assert logs("Not restored: ")


def test_definitions_are_made_again_before_the_data(fresh_main):
    code = "class A: pass\ny = A()"
    first = fresh_main("")
    cell = Cell(code, first, defined=frozenset({"A"}))
    exec("class A: pass", first)
    cell.code = "y = A()"  # the class stands in the notebook, as in a shared cell
    assert cell.run() == "Completed"
    second = fresh_main("")
    again = Cell(
        code,
        second,
        defined=frozenset({"A"}),
        redefine=lambda: exec("class A: pass", second) or second.clear,
    )
    assert again.run() == "Cached"
    assert type(second["y"]) is second["A"]


def test_definitions_are_undone_when_the_data_cannot_be_restored(fresh_main, generator):
    code = "x = np.random.rand()"
    assert Cell(code, fresh_main("import numpy as np"), uses=("np",)).run() == "Completed"
    undone = []
    again = Cell(
        code,
        fresh_main("import numpy as np"),
        uses=("np",),
        redefine=lambda: lambda: undone.append(True),
    )
    assert again.run() == "Completed"
    assert undone == [True]


@pytest.fixture
def generator():
    """Puts numpy's shared generator back."""
    state = np.random.get_state()  # noqa: NPY002 - what notebooks use
    yield np.random
    np.random.set_state(state)  # noqa: NPY002


def test_random_numbers_go_on_after_a_hit_as_after_a_run(fresh_main, generator):
    def notebook(seed):
        names = fresh_main("import numpy as np")
        generator.seed(seed)
        return Cell("x = np.random.rand()", names, uses=("np",)).run(), generator.rand()

    first, second, other = notebook(0), notebook(0), notebook(1)
    assert (first[0], second[0], other[0]) == ("Completed", "Cached", "Completed")
    assert first[1] == second[1] != other[1]
    assert logs("Not restored: the cell draws random numbers from numpy.random")


SCRIPT = """
import json, sys
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from nbflow.cells.keys import cell_key
from nbflow.cells.kept import dumps_values, loads_values
from nbflow.cells.records import CellValues

LIMITS = {"low", "middle", "high"}
class Rule:
    def __init__(self, words): self.words = words
    def fits(self, word): return word in self.words and word in LIMITS
def helper(x): return Rule(LIMITS).fits(x)

rows = np.arange(40.0).reshape(20, 2)
inputs = {
    "words": {"b", "a", "c"}, "table": pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}),
    "model": RandomForestClassifier(3, random_state=0).fit(rows, np.arange(20) % 2),
    "rule": Rule({"x", "y", "z"}), "rng": np.random.default_rng(3), "nested": [{1, 2}, {"k": {3}}],
}
key = cell_key("y = helper(words)", inputs, {"helper": helper, "Rule": Rule}, globals())
path = sys.argv[1]
if sys.argv[2] == "keep":
    with open(path, "wb") as file:
        file.write(dumps_values(CellValues(outputs=inputs), {}))
else:
    with open(path, "rb") as file:
        inputs = loads_values(file.read()).outputs
again = cell_key("y = helper(words)", inputs, {"helper": helper, "Rule": Rule}, globals())
json.dump([key, again, inputs["rule"].fits("x"), type(inputs["rule"]) is Rule], sys.stdout)
"""


def test_keys_and_values_agree_between_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    told = []
    for seed, what in (("1", "keep"), ("2", "load")):
        done = subprocess.run(
            [sys.executable, str(script), str(tmp_path / "values"), what],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        told.append(json.loads(done.stdout))
    key = told[0][0]
    assert told == [[key, key, False, True]] * 2


def test_numbers_that_nothing_seeded_are_kept_wherever_the_generator_stands(fresh_main, generator):
    def notebook(seed):
        names = fresh_main(
            "import numpy as np\nIn = ['', 'import numpy as np', 'x = np.random.rand()']"
        )
        generator.seed(seed)
        return Cell("x = np.random.rand()", names, uses=("np",)).run()

    assert [notebook(0), notebook(1)] == ["Completed", "Cached"]
