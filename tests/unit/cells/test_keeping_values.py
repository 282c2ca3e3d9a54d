"""Values of a cell are kept when a restore is faithful, and refused in one clear sentence else."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import json
import logging
import pickle
import random
import re
import sys
import threading
import types
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn.ensemble
import sklearn.linear_model
import sklearn.neighbors

from nbflow.cells.definitions import defined_names, defines_code, redefinitions
from nbflow.cells.keeping import changed_places
from nbflow.cells.kept import KeptValues, dumps_values, loads_values
from nbflow.cells.keys import rested_on
from nbflow.cells.random_states import draws_since, may_be_seeded, positions, seeds
from nbflow.cells.records import CellValues
from nbflow.exceptions import NotKept, SerializationError


class Model:
    def __init__(self, data):
        self.data = data


@dataclass(frozen=True)
class Frozen:
    data: object


class Colour(enum.Enum):
    RED = 1


class Pair(NamedTuple):
    one: object
    two: object


FRAME = pd.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]})
NUMBERS = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
LISTS = pd.DataFrame({"o": [[1], [2]]})
ARRAY = np.arange(10.0)
LIST = [1, [2]]
ROWS, TARGET = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


def restored(outputs, inputs=None, **options):
    return loads_values(dumps_values(CellValues(outputs=outputs), inputs or {}, **options))


#: Outputs that come back faithfully, and the inputs that they were made of.
KEPT = {
    "plain": ({"a": 1, "b": "x", "c": None}, {"a": 1}),
    "copy of a list": ({"b": [1, 2][:]}, {"a": [1, 2]}),
    "elements that cannot change": ({"b": [(1, "x")]}, {"a": [(1, "x")]}),
    "a tuple that is the input": ({"b": KEY} if (KEY := (1, "a")) else {}, {"a": KEY}),
    "frozen object": ({"b": Frozen(1)}, {}),
    "a frozen object that is the input": ({"b": FROZEN} if (FROZEN := Frozen((1,))) else {}, {"a": FROZEN}),
    "named tuple": ({"b": PAIR} if (PAIR := Pair(1, 2)) else {}, {"a": PAIR}),
    "enum": ({"b": Colour.RED}, {"a": Colour.RED}),
    "dates and numbers": ({"b": MOMENTS} if (MOMENTS := (dt.datetime(2026, 1, 1), Decimal(1), re.compile("a"), Path("a"))) else {}, {"a": MOMENTS}),
    "logger": ({"b": [logging.getLogger("x")]}, {"a": [logging.getLogger("x")]}),
    "functions and modules": ({"f": len, "g": json.dumps, "m": json, "c": dict}, {"a": [json.dumps]}),
    "column": ({"b": NUMBERS["x"]}, {"a": NUMBERS}),
    "table of the same columns": ({"b": NUMBERS[["x"]]}, {"a": NUMBERS}),
    "renamed table": ({"b": NUMBERS.rename(columns={"x": "z"})}, {"a": NUMBERS}),
    "table with text": ({"b": FRAME.assign(z=1)}, {"a": FRAME}),
    "index": ({"b": NUMBERS.index, "c": NUMBERS.columns}, {"a": NUMBERS}),
    "copied view": ({"b": ARRAY[1:].copy()}, {"a": ARRAY}),
    "views that do not meet": ({"b": np.arange(9)[::2], "c": np.arange(9)[1::2]}, {}),
    "polars": ({"b": pl.DataFrame({"x": [1]})}, {}),
    "sparse": ({"b": scipy.sparse.eye(3).tocsr()}, {}),
    "forest": ({"m": sklearn.ensemble.BaggingClassifier(n_estimators=2, random_state=0).fit(ROWS, TARGET)}, {"X": ROWS}),
    "regression": ({"m": sklearn.linear_model.LinearRegression().fit(ROWS, TARGET)}, {"X": ROWS, "y": TARGET}),
    "own generator": ({"r": np.random.default_rng(0)}, {}),
}  # fmt: skip


def contents(values):
    """What stands for the content of each value."""
    return rested_on("", values, {}, {}).digests()


@pytest.mark.parametrize("name", KEPT)
def test_what_can_be_restored_comes_back(name):
    outputs, inputs = KEPT[name]
    back = restored(outputs, inputs).outputs
    assert contents(back) == contents(outputs)
    assert {n: type(v) for n, v in back.items()} == {n: type(v) for n, v in outputs.items()}


#: Outputs that would come back as something else, with a word of the reason.
REFUSED = {
    "the input itself": ({"a": LIST}, {"a": LIST}, "output 'a' is its input itself"),
    "an alias": ({"b": LIST}, {"a": LIST}, "output 'b' is its input 'a'"),
    "a list with the same elements": ({"b": LIST[:]}, {"a": LIST}, "shares a list with input 'a'"),
    "a list around the input": ({"b": [LIST]}, {"a": LIST}, "shares a list with input 'a'"),
    "a part of the input": ({"b": LIST[1]}, {"a": LIST}, "shares a list with input 'a'"),
    "inside a tuple": ({"b": (1, (LIST,))}, {"a": LIST}, "shares a list with input 'a'"),
    "inside a frozen object": ({"b": Frozen(LIST)}, {"a": LIST}, "shares a list with input 'a'"),
    "inside a named tuple": ({"b": Pair(1, LIST)}, {"a": LIST}, "shares a list with input 'a'"),
    "an object with the input": ({"m": Model(FRAME)}, {"df": FRAME}, "shares a DataFrame with input 'df'"),
    "groups of the input": ({"g": FRAME.groupby("y")}, {"df": FRAME}, "shares a DataFrame with input 'df'"),
    "lists in a table's copy": ({"b": LISTS.copy()}, {"df": LISTS}, "shares a list with input 'df'"),
    "a view of an array": ({"b": ARRAY[1:]}, {"a": ARRAY}, "a view into the memory of input 'a'"),
    "a reshaped array": ({"b": ARRAY.reshape(2, 5)}, {"a": ARRAY}, "a view into the memory of input 'a'"),
    "views in a list": ({"b": np.split(ARRAY, 2)}, {"a": ARRAY}, "a view into the memory of input 'a'"),
    "a column as an array": ({"b": NUMBERS["x"].to_numpy()}, {"df": NUMBERS}, "a view into the memory of input 'df'"),
    "two views of one array": ({"b": ARRAY[1:], "c": ARRAY[:5]}, {}, "share the memory of one array"),
    "an array and its view in one": ({"b": [ARRAY, ARRAY[1:]]}, {}, "output 'b' shares the memory"),
    "an array on bytes of an input": ({"b": np.frombuffer(BYTES, "u1")} if (BYTES := bytearray(8)) else {}, {"a": BYTES}, "a view into the memory of an input"),
    "an iterator over the input": ({"b": iter(LIST)}, {"a": LIST}, "shares a list with input 'a'"),
    "a neighbour search on the input": ({"m": sklearn.neighbors.KNeighborsClassifier().fit(ROWS, TARGET)}, {"X": ROWS}, "input 'X'"),
    "a partial with the input": ({"f": functools.partial(len, LIST)}, {"a": LIST}, "shares a list"),
    "the view of a dict": ({"k": {}.keys()}, {}, "output 'k' cannot be pickled"),
    "a lambda": ({"f": lambda: 1}, {}, "output 'f' cannot be pickled"),
    "a generator": ({"g": (i for i in [])}, {}, "output 'g' cannot be pickled"),
    "a lock": ({"a": 1, "l": [threading.Lock()]}, {}, "output 'l' cannot be pickled"),
    "an open file": ({"f": sys.__stdin__}, {}, "output 'f' cannot be pickled"),
    "a module of nowhere": ({"m": types.ModuleType("nowhere")}, {}, "output 'm' cannot be pickled"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_come_back_changed_is_refused_in_one_sentence(name):
    outputs, inputs, reason = REFUSED[name]
    with pytest.raises(NotKept) as told:
        dumps_values(CellValues(outputs=outputs), inputs)
    assert reason in str(told.value)
    assert "\n" not in str(told.value)


def test_an_array_in_a_file_is_refused(tmp_path):
    with pytest.raises(NotKept, match="keep the file's path"):
        restored({"m": np.memmap(tmp_path / "x", "u1", "w+", shape=4)})


def test_data_that_functions_read_is_shared_as_inputs_are():
    with pytest.raises(NotKept, match="output 'b' shares a list with data of the notebook"):
        dumps_values(CellValues(outputs={"b": [LIST]}), {}, others=[{"cache": LIST}])


def test_what_outputs_share_with_each_other_stays_shared():
    a = [1]
    back = restored({"a": a, "b": {"k": a}, "c": Model(a), "d": a}).outputs
    assert back["a"] is back["b"]["k"] is back["c"].data is back["d"]


def test_arrays_stay_read_only():
    fixed, wide = np.arange(4), np.arange(9).reshape(3, 3).T[:2]
    fixed.flags.writeable = wide.flags.writeable = False
    back = restored({"a": fixed, "b": wide, "c": np.arange(3)}).outputs
    assert [each.flags.writeable for each in back.values()] == [False, False, True]
    assert (back["b"] == wide).all()


def test_what_is_deleted_and_shown_comes_back_too():
    shown = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    values = CellValues(outputs={}, deleted=frozenset({"a"}), shown=shown, last=object())
    back = loads_values(dumps_values(values, {}))
    assert (back.deleted, back.shown, back.last) == (frozenset({"a"}), shown, None)


# ── code of the notebook ─────────────────────────────────────────────────────────────────


def test_classes_and_functions_come_from_the_notebook_that_loads(fresh_main):
    code = "class A:\n def __init__(s): s.x = 1\ndef f(): return {n}\n"
    first = fresh_main(code.format(n=1))
    blob = dumps_values(CellValues(outputs={"a": first["A"](), "fs": [first["f"]]}), {})
    second = fresh_main(code.format(n=2))
    back = loads_values(blob).outputs
    assert type(back["a"]) is second["A"]
    assert back["fs"][0] is second["f"]


def test_a_notebook_without_the_class_runs_the_cell(fresh_main):
    blob = dumps_values(CellValues(outputs={"a": fresh_main("class A: pass")["A"]()}), {})
    fresh_main("")
    with pytest.raises(SerializationError, match="cannot be restored"):
        loads_values(blob)


def test_a_class_that_the_notebook_has_replaced_is_refused(fresh_main):
    names = fresh_main("class A: pass\na = A()\nclass A: pass")
    with pytest.raises(NotKept, match="output 'a' cannot be pickled"):
        dumps_values(CellValues(outputs={"a": names["a"]}), {})


def test_code_that_only_running_the_cell_makes_is_refused(fresh_main):
    code = "from collections import namedtuple\nP = namedtuple('P', 'a')\np = P(1)"
    names = fresh_main(code)
    with pytest.raises(NotKept, match="output 'P' is code that the cell makes"):
        dumps_values(CellValues(outputs={"P": names["P"], "p": names["p"]}), {})


def test_what_definitions_make_again_is_not_kept(fresh_main):
    names = fresh_main("class A: pass\na = A()")
    blob = dumps_values(CellValues(outputs={"A": names["A"], "a": names["a"]}), {}, defined={"A"})
    other = fresh_main("class A: pass")
    back = loads_values(blob).outputs
    assert list(back) == ["a"]
    assert type(back["a"]) is other["A"]


def test_what_is_defined_need_not_be_in_the_notebook_yet(fresh_main):
    code = "from nbflow import task\nclass A: pass\n@task\ndef f(): return 1\n"
    cell = types.ModuleType("__main__")
    exec(code + "a, fs = A(), {'f': f}", cell.__dict__)
    fresh_main("")
    outputs = {name: vars(cell)[name] for name in ("A", "f", "a", "fs")}
    blob = dumps_values(CellValues(outputs=outputs), {}, defined={"A", "f"})
    notebook = fresh_main(code)
    back = loads_values(blob).outputs
    assert type(back["a"]) is notebook["A"]
    assert back["fs"]["f"] is notebook["f"]


@pytest.mark.parametrize("blob", [b"", b"no pickle", pickle.dumps((99, (), (), None))])
def test_bytes_that_are_no_values_are_a_miss(blob):
    with pytest.raises(SerializationError, match="cannot be restored"):
        loads_values(blob)


# ── changes in place ─────────────────────────────────────────────────────────────────────


def test_inputs_that_changed_are_named():
    inputs = {"a": [1], "b": {"k": [1]}, "c": np.zeros(3), "d": FRAME.copy(), "e": 1}
    before = contents(inputs)
    assert changed_places(before, {}, inputs) == []
    inputs["b"]["k"].append(2)
    inputs["c"][0] = 1
    inputs["d"].loc[0, "x"] = 9
    assert [name for _, name in changed_places(before, {}, inputs)] == ["b", "c", "d"]


# ── random generators of the process ─────────────────────────────────────────────────────


@pytest.fixture
def generators():
    """Puts the shared generators back."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - what notebooks use
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002 - what notebooks use


def draw(code):
    before = positions()
    namespace = {"np": np, "random": random}
    exec(code, namespace)
    return draws_since(before, code), namespace.get("x")


@pytest.mark.usefixtures("generators")
def test_drawing_from_no_shared_generator_leaves_no_draws():
    assert draw("x = np.random.default_rng(0).random()")[0] is None


@pytest.mark.usefixtures("generators")
@pytest.mark.parametrize("call", ["np.random.rand()", "random.random()"])
def test_after_a_restore_the_next_draw_is_that_after_a_run(call):
    seed = "np.random.seed(3)\nrandom.seed(3)"
    draw(seed)
    draws, _ = draw(f"x = {call}")
    _, following = draw(f"x = {call}")
    draw(seed)
    kept = loads_values(dumps_values(KeptValues(outputs={}, draws=draws), {}))
    kept.draws.check()
    kept.draws.leave()
    assert draw(f"x = {call}")[1] == following


@pytest.mark.usefixtures("generators")
def test_values_drawn_from_elsewhere_are_no_values_of_now():
    draw("np.random.seed(3)")
    draws, _ = draw("x = np.random.rand()")
    draw("np.random.seed(4)")
    with pytest.raises(NotKept, match=r"draws random numbers from numpy\.random, which stands"):
        draws.check()


@pytest.mark.usefixtures("generators")
def test_a_cell_that_seeds_is_restored_wherever_the_generator_stands():
    draws, _ = draw("import os\nn = 3\nnp.random.seed(n)\nx = np.random.rand()")
    draw("np.random.seed(8)")
    draws.check()
    draws.leave()
    _, following = draw("x = np.random.rand()")
    draw("np.random.seed(3)\nnp.random.rand()")
    assert draw("x = np.random.rand()")[1] == following


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("np.random.seed(0)\nx = 1", {"numpy.random"}),
        ("import random\nrandom.seed(n)\nnp.random.seed(0)", {"random", "numpy.random"}),
        ("x = f()\nnp.random.seed(0)", set()),
        ("np.random.seed()", set()),
        ("np.random.seed(f())", set()),
        ("if a:\n  np.random.seed(0)", set()),
        ("%magic", set()),
    ],
)
def test_seeding_counts_only_before_anything_can_draw(code, found):
    assert seeds(code) == found


# ── definitions ──────────────────────────────────────────────────────────────────────────

AGAIN = {
    "def f(y):\n    return y\nz = f(1)": "def f(y):\n    return y\n",
    "import a; x = 1\nz = a.b": "import a",
    "x = 1\nimport a": "\nimport a",
    "@task(retries=2)\ndef f(y=1): pass\nz = f()": "@task(retries=2)\ndef f(y=1): pass\n",
    "@dataclass\nclass P:\n  x: int\np = P(1)": "@dataclass\nclass P:\n  x: int\n",
    "class A:\n  n = 0\n  def m(self):\n    self.n += 1\na = A()": "class A:\n  n = 0\n  def m(self):\n    self.n += 1\n",
    "def f(a=[]): pass": "def f(a=[]): pass",
    "class A: pass\nclass B(A): pass\nb = B()": "class A: pass\nclass B(A): pass\n",
    "def f(): return n\nn = 3": "def f(): return n\n",
    "x = 1": "",
    "": "",
}  # fmt: skip

NEVER = [
    "def f(): pass\nf.x = 1",
    "def f(): pass\nf = g(f)",
    "def f(): pass\ndel f",
    "n = 3\ndef f(a=n): pass",
    "deco = make()\n@deco\ndef f(): pass",
    "B = base()\nclass A(B): pass",
    "n = 3\nclass A:\n  x = n",
    "n = 3\ndef f(a: n): pass",
    "def f(a=[]): a.append(1)\nf()",
    "class A:\n  seen = []\na = A()",
    "class A:\n  n = 0\n  def m(self): A.n += 1\nA().m()",
    "class A:\n  n = 0\n  @classmethod\n  def m(cls): cls.n += 1\nA.m()",
    "class A:\n  n = 0\n  def m(self): self.__class__.n += 1\nA().m()",
    "class A:\n  n = 0\n  def m(self): type(self).n += 1\nA().m()",
    "def f():\n  global n\n  n = 1\nf()",
    "def f(): pass\nsetattr(f, 'x', 1)",
    "@counted\ndef f(): pass\nf()",
    "if a:\n  def f(): pass",
    "def g(): pass\nif a:\n  def f(): pass",
    "for i in x:\n  class A: pass",
    "from x import *\ny = 2",
    "def f(): pass\nexec(s)",
    "not python (",
]


@pytest.mark.parametrize("code", AGAIN)
def test_definitions_that_stand_alone_can_be_made_again(code):
    assert (redefinitions(code) or "").rstrip("\n") == AGAIN[code].rstrip("\n")
    assert redefinitions(code) is not None


@pytest.mark.parametrize("code", NEVER)
def test_definitions_that_the_rest_of_the_cell_touches_cannot(code):
    assert redefinitions(code) is None


def test_code_is_told_from_imports():
    codes = ["class A: pass", "@d\ndef f(): pass", "import a\nx = 1", "if a:\n  def f(): pass", "("]
    assert [defines_code(code) for code in codes] == [True, True, False, False, False]


def test_definitions_keep_their_lines():
    code = "x = 1\n\nimport a\n@task\ndef f():\n  return 1\ny = 2\nclass A:\n  pass\n"
    again = redefinitions(code).splitlines()
    assert [again[n] for n in (2, 3, 4, 7)] == ["import a", "@task", "def f():", "class A:"]
    assert defined_names(redefinitions(code)) == {"a", "f", "A"}


# ── notebooks where nothing is seeded ────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("history", "answer"),
    [
        (["import numpy as np", "x = np.random.rand()"], False),
        (["np.random.seed(3)", "x = np.random.rand()"], True),
        (["random.setstate(s)", "x = np.random.rand()"], True),
        (["another cell alone"], True),
        (None, True),
    ],
)
def test_only_a_history_without_seeds_says_that_nothing_is_seeded(history, answer):
    names = {} if history is None else {"In": history}
    assert may_be_seeded("x = np.random.rand()", names) is answer
