"""A notebook that goes on from restored values cannot tell them from computed ones.

Random small programs over containers, arrays, tables and objects that refer to each other:
either the cell's values are refused, or going on from them ends as going on without a
restore does, aliases included.
"""

from __future__ import annotations

import ast
import sys
import types
from collections import Counter
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from nbflow.cache_policies import CacheContext
from nbflow.cells.keeping import CellPolicy, CellSerializer
from nbflow.cells.records import CellValues
from nbflow.exceptions import NotKept

ABOVE = """
import copy
import numpy as np
import pandas as pd

class Box:
    def __init__(self, value):
        self.value, self.count = value, 0

def part(x):
    if isinstance(x, (list, np.ndarray, pd.Series)):
        return x[1:]
    if isinstance(x, pd.DataFrame):
        return x["x"]
    if isinstance(x, dict):
        return next(iter(x.values()), None)
    if isinstance(x, tuple):
        return x[-1]
    return x.value if isinstance(x, Box) else x

def plain(x):
    return x.to_numpy() if isinstance(x, (pd.DataFrame, pd.Series)) else x

def change(x):
    if isinstance(x, list):
        x.append(len(x))
    elif isinstance(x, set):
        x.add(len(x))
    elif isinstance(x, dict):
        x[len(x)] = len(x)
    elif isinstance(x, np.ndarray) and x.flags.writeable:
        x += 1
    elif isinstance(x, pd.DataFrame) and len(x):
        x.iloc[0, 0] += 1
    elif isinstance(x, pd.Series) and len(x):
        x.iloc[0] += 1
    elif isinstance(x, Box):
        x.count += 1

kept = [1, [2]]
def remembered():
    return kept

def log(x):
    kept.append(1)
    return x

a = [1, [2], [3]]
b = {"k": [1], "l": a}
c = np.arange(6.0)
d = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
e = Box(a)
f = (1, [2])
"""

NAMES = st.sampled_from("abcdef")
MAKE = st.sampled_from(
    [
        "{t} = {s}",
        "{t} = part({s})",
        "{t} = plain({s})",
        "{t} = [{s}, {u}]",
        "{t} = {{'k': {s}}}",
        "{t} = ({s}, 1)",
        "{t} = Box({s})",
        "{t} = copy.copy({s})",
        "{t} = copy.deepcopy({s})",
        "{t} = copy.deepcopy([{s}, {u}])",
        "{t} = part(copy.deepcopy({s}))",
        "{t} = {u} = copy.deepcopy({s})",
        "{t} = copy.deepcopy({s}); {u} = part({t})",
        "{t} = copy.deepcopy({s}); {u} = [{t}]",
        "{t} = [1, 2, 3]",
        "{t} = len(repr({s}))",
    ]
)
CHANGE = st.sampled_from(["change({s})", "change(part({s}))"])
ODD = st.sampled_from(
    ["{t} = remembered()", "{t} = log(1)", "{t} = (x for x in [1])", "{t} = lambda: 1"]
)


def _statements(kinds, **sizes):
    one = st.builds(lambda text, t, s, u: text.format(t=t, s=s, u=u), kinds, NAMES, NAMES, NAMES)
    return st.lists(one, **sizes)


above = _statements(MAKE, max_size=3)
cell = _statements(MAKE | MAKE | MAKE | MAKE | CHANGE | ODD, min_size=1, max_size=3)
below = _statements(CHANGE | CHANGE | MAKE, min_size=1, max_size=6)


@pytest.fixture
def main(monkeypatch):
    """Makes a fresh notebook: a namespace that is the module `__main__`."""

    def make(code):
        module = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(ABOVE + "\n".join(code), module.__dict__)
        return module.__dict__

    return make


class Run:
    """What a policy is told of a run."""

    def __init__(self):
        self.task, self.task_run = None, types.SimpleNamespace(id=uuid4(), flow_run_id=None)


def _policy(code, notebook):
    used = ("part", "plain", "change", "remembered", "log", "Box", "copy")
    return CellPolicy(
        code=code,
        surroundings=lambda: {name: notebook[name] for name in used if name in code},
        namespace=lambda: notebook,
    )


def _inputs(code, notebook):
    names = {each.id for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Name)}
    return {name: notebook[name] for name in "abcdef" if name in names}


def _run(code, notebook):
    """The cell in a namespace of its own; its key, and its values as bytes."""
    policy, run = _policy(code, notebook), Run()
    inputs = _inputs(code, notebook)
    key = policy.compute_key(CacheContext(None, run.task_run), inputs, {})
    namespace = dict(notebook)
    exec(code, namespace)
    made = {name: namespace[name] for name in "abcdef" if namespace[name] is not notebook[name]}
    made |= {name: namespace[name] for name in "abcdef" if f"{name} = " in code}
    values = CellValues(outputs=made)
    try:
        kept = policy.to_keep(CacheContext(None, run.task_run), inputs, values)
        blob = CellSerializer().dumps(kept)
    except NotKept:
        blob = None
    notebook.update(made)
    return key, blob


def _shape(value, seen):
    """A value as text, with a number for each object that may be shared."""
    if isinstance(value, (int, float, str, type(None))):
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(_shape(each, seen) for each in value)})"
    if id(value) in seen:
        return f"#{seen[id(value)]}"
    seen[id(value)] = len(seen)
    inside = _inside(value)
    return f"#{seen[id(value)]} {type(value).__name__} {_shape(inside, seen)}"


def _inside(value):
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return tuple(value.items())
    if isinstance(value, np.ndarray):
        return repr((value.tolist(), value.flags.writeable))
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return repr(value.to_dict())
    if hasattr(value, "count"):
        return value.value, value.count
    return None  # functions and iterators


def _shapes(notebook):
    seen = {}
    return [_shape(notebook[name], seen) for name in ("a", "b", "c", "d", "e", "f", "kept")]


COUNTS = Counter()


def _check(main, above, cell, below):
    code = "\n".join(cell)
    try:
        first = main(above)
        key, blob = _run(code, first)
        exec("\n".join(below), first)
    except TypeError:  # generators cannot be copied
        reject()
    COUNTS["kept" if blob else "not kept"] += 1
    if blob is None:
        return
    second = main(above)
    again = _policy(code, second).compute_key(
        CacheContext(None, Run().task_run), _inputs(code, second), {}
    )
    assert again == key
    second.update(CellSerializer().loads(blob).outputs)
    exec("\n".join(below), second)
    assert _shapes(second) == _shapes(first)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(above, cell, below)
def test_going_on_from_restored_values_is_going_on(main, above, cell, below):
    _check(main, above, cell, below)


def test_both_answers_were_given():
    assert COUNTS["kept"] > 10
    assert COUNTS["not kept"] > 10
