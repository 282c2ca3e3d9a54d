"""A cell's key changes with everything that it rests on, and with nothing else."""

from __future__ import annotations

import importlib
import sys
import threading
import types

import nbformat
import pytest

import nbflow
from nbflow.cells.keys import cell_key, normal_code
from nbflow.exceptions import HashError


def key(names, used, code="y = 1"):
    inputs = {} if callable(names[used]) or isinstance(names[used], types.ModuleType) else names
    value = {used: names[used]}
    return cell_key(code, value if inputs else {}, {} if inputs else value, names)


#: The notebook, what the cell uses of it, and a change that the cell's values depend on.
CHANGES = {
    "global": ("R = 1\ndef f(x): return x * R", "f", "R = 2"),
    "global in place": ("R = [1]\ndef f(x): return R", "f", "R.append(2)"),
    "nested": ("R = 1\ndef f(x):\n def g(): return R\n return g()", "f", "R = 2"),
    "comprehension": ("R = 1\ndef f(x): return [R for _ in x]", "f", "R = 2"),
    "class body": ("R = 1\ndef f(x):\n class A:\n  r = R\n return A.r", "f", "R = 2"),
    "method": ("R = 1\nclass A:\n def m(s): return R\ndef f(x): return A().m()", "f", "R = 2"),
    "property": ("R = 1\nclass A:\n @property\n def m(s): return R\ndef f(x): return A().m", "f", "R = 2"),
    "class method": ("R = 1\nclass A:\n @classmethod\n def m(s): return R\ndef f(x): return A.m()", "f", "R = 2"),
    "descriptor": ("R = 1\nclass D:\n def __get__(s, i, o): return R\nclass A:\n d = D()\ndef f(x): return A().d", "f", "R = 2"),
    "inner class": ("R = 1\nclass A:\n class B:\n  def m(s): return R\ndef f(x): return A.B().m()", "f", "R = 2"),
    "base class": ("R = 1\nclass B:\n def m(s): return R\nclass A(B): pass\ndef f(x): return A().m()", "f", "R = 2"),
    "metaclass": ("R = 1\nclass M(type):\n def k(c): return R\nclass A(metaclass=M): pass\ndef f(x): return A.k()", "f", "R = 2"),
    "class attribute": ("class A:\n l = [1]\ndef f(x): return A.l", "f", "A.l.append(2)"),
    "class of an input": ("R = 1\nclass A:\n def m(s): return R\na = A()", "a", "R = 2"),
    "class deep in an input": ("R = 1\nclass A:\n def m(s): return R\na = [{'k': (A(),)}]", "a", "R = 2"),
    "callable object": ("R = 1\nclass A:\n def __call__(s, x): return R\nf = A()", "f", "R = 2"),
    "bound method": ("R = 1\nclass A:\n def m(s, x): return R\nf = A().m", "f", "R = 2"),
    "the object of a method": ("class A:\n def m(s, x): return s.k\na = A()\na.k = 1\nf = a.m", "f", "a.k = 2"),
    "partial": ("import functools\nR = 1\ndef g(x, y): return R\nf = functools.partial(g, 1)", "f", "R = 2"),
    "wrapped": ("import functools\nR = 1\ndef d(h):\n @functools.wraps(h)\n def w(*a): return h(*a)\n return w\n@d\ndef f(x): return R", "f", "R = 2"),
    "lru_cache": ("import functools\nR = 1\n@functools.lru_cache\ndef f(x): return R", "f", "R = 2"),
    "singledispatch": ("import functools\nR = 1\n@functools.singledispatch\ndef f(x): return 0\n@f.register\ndef _(x: int): return R", "f", "R = 2"),
    "context manager": ("import contextlib\nR = 1\n@contextlib.contextmanager\ndef f(x): yield R", "f", "R = 2"),
    "vectorize": ("import numpy as np\nR = 1\ndef g(x): return R\nf = np.vectorize(g)", "f", "R = 2"),
    "task": ("from nbflow import task\nR = 1\n@task(retries=2)\ndef f(x): return R", "f", "R = 2"),
    "flow": ("from nbflow import flow\nR = 1\n@flow\ndef f(x): return R", "f", "R = 2"),
    "helper of a helper": ("def h(x): return x\ndef g(x): return h(x)\ndef f(x): return g(x)", "f", "def h(x): return -x"),
    "functions in data": ("R = 1\ndef g(x): return R\nH = {'a': g}\ndef f(x): return H['a'](x)", "f", "R = 2"),
    "functions that use each other": ("R = 1\ndef f(x): return g(x)\ndef g(x): return f(x) if x else R", "f", "R = 2"),
    "default": ("def f(x=1): return x", "f", "def f(x=2): return x"),
    "default in place": ("def f(x=[]): return x", "f", "f.__defaults__[0].append(1)"),
    "attribute of a function": ("def f(x): return f.k\nf.k = 1", "f", "f.k = 2"),
    "closure": ("def mk(n):\n def g(x): return n\n return g\nf = mk(1)", "f", "f = mk(2)"),
    "two closures exchanged": ("def mk(n):\n def g(x): return n\n return g\na, b = mk(1), mk(2)\ndef f(x): return a(x)", "f", "a, b = b, a"),
    "defined later": ("def f(x): return Q", "f", "Q = 3"),
    "a builtin hidden": ("def f(x): return len(x)", "f", "def len(x): return 3"),
    "global statement": ("N = 1\ndef f(x):\n global N\n N += 1", "f", "N = 2"),
    "async": ("R = 1\nasync def f(x): return R", "f", "R = 2"),
    "lambda": ("R = 1\nf = lambda x: R", "f", "R = 2"),
    "enum": ("import enum\nclass C(enum.Enum):\n A = 1\ndef f(x): return C.A", "f", "class C(enum.Enum):\n A = 2"),
    "data class": ("import dataclasses\n@dataclasses.dataclass\nclass C:\n a: int = 1\ndef f(x): return C()", "f", "@dataclasses.dataclass\nclass C:\n a: int = 2"),
    "abstract class": ("import abc\nR = 1\nclass B(abc.ABC):\n @abc.abstractmethod\n def m(s): ...\nclass A(B):\n def m(s): return R\ndef f(x): return A().m()", "f", "R = 2"),
    "pydantic": ("import pydantic\nR = 1\nclass A(pydantic.BaseModel):\n x: int\n @pydantic.field_validator('x')\n def v(cls, v): return v * R\ndef f(x): return A(x=1)", "f", "R = 2"),
    "generator's state": ("import numpy as np\nr = np.random.default_rng(0)", "r", "r.random()"),
    "RandomState": ("import numpy as np\nr = np.random.RandomState(0)", "r", "r.rand()"),
    "random.Random": ("import random\nr = random.Random(0)", "r", "r.random()"),
    "order of a dict": ("d = {'a': 1, 'b': [2]}", "d", "d = {'b': [2], 'a': 1}"),
    "order of a plain dict": ("d = {'a': 1, 'b': 2}", "d", "d = {'b': 2, 'a': 1}"),
    "table in place": ("import pandas as pd\nt = pd.DataFrame({'a': [1]})", "t", "t.loc[0, 'a'] = 2"),
    "attributes of a table": ("import pandas as pd\nt = pd.DataFrame({'a': [1]})", "t", "t.attrs['unit'] = 'm'"),
    "module's data": ("import helping\ndef f(x): return helping.RATE", "f", "helping.RATE = 2"),
    "module as a whole": ("import helping as f", "f", "f.TABLE['a'] = 9"),
    "module of a module": ("from helping import rate as f", "f", "import helping_more; helping_more.DEPTH = 9"),
    "import in a function": ("def f(x):\n import helping\n return helping.RATE", "f", "import helping; helping.RATE = 2"),
}  # fmt: skip

#: The same with a change that makes no difference.
SAME = {
    "docstring and comment": ("def f(x):\n 'doc'\n return 1", "f", "def f(x):\n # why\n return 1"),
    "annotations": ("def f(x): return 1", "f", "def f(x: int) -> int: return 1"),
    "another name": ("def f(x): return 1", "f", "Z = 3"),
    "an attribute's name": ("def f(x): return x.Z", "f", "Z = 3"),
    "options of a task": (
        "from nbflow import task\n@task(retries=2)\ndef f(x): return 1",
        "f",
        "@task(retries=3)\ndef f(x): return 1",
    ),
    "order of a set": ("s = {'a', 'b', 'c'}", "s", "s = {'c', 'b', 'a'}"),
    "a library's function": ("import numpy as np\nf = np.mean", "f", "np.nothing = 1"),
    "an object that resists": (
        "class A:\n def __getattr__(s, n): raise RuntimeError(n)\na = A()",
        "a",
        "a = A()",
    ),
}


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Two modules of the user's own, with what modules have besides: loggers and locks."""
    (tmp_path / "helping.py").write_text(
        "import logging, threading, helping_more\n"
        "logger, lock = logging.getLogger(__name__), threading.Lock()\n"
        "RATE, TABLE = 1, {'a': 1}\n"
        "def rate(x):\n"
        "    with lock:\n"
        "        logger.debug(x)\n"
        "        return x * RATE + helping_more.deep(x)\n"
    )
    (tmp_path / "helping_more.py").write_text("DEPTH = 1\ndef deep(x): return x + DEPTH\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("helping", None)
    sys.modules.pop("helping_more", None)


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_cell_rests_on_counts(name, fresh_main, modules):
    code, used, change = CHANGES[name]
    first, second = fresh_main(code), fresh_main(code)
    before = key(first, used)
    assert key(second, used) == before, "two equal notebooks have one key"
    exec(change, second)
    assert key(second, used) != before


@pytest.mark.parametrize("name", SAME)
def test_what_a_cell_does_not_rest_on_does_not_count(name, fresh_main):
    code, used, change = SAME[name]
    names = fresh_main(code)
    before = key(names, used)
    exec(change, names)
    assert key(names, used) == before


def test_a_module_that_is_not_loaded_yet_counts_by_its_file(fresh_main, modules):
    names = fresh_main("def f(x):\n import helping_more\n return helping_more.DEPTH")
    before = key(names, "f")
    assert key(names, "f") == before
    (modules / "helping_more.py").write_text("DEPTH = 2\n")
    importlib.invalidate_caches()
    assert key(names, "f") != before
    assert "helping_more" not in sys.modules


def test_modules_that_the_cell_itself_imports_count(fresh_main, modules):
    names = fresh_main("import helping_more\nx = 1")
    code = "import helping_more as h\ny = h.DEPTH"
    before = key(names, "x", code)
    sys.modules["helping_more"].DEPTH = 7
    assert key(names, "x", code) != before


NAMELESS = {
    "an input": (
        "import threading\nx = [1, threading.Lock()]",
        "x",
        r"^Input 'x': element \[1\] is a _thread.lock\.$",
    ),
    "data that a function reads": (
        "import threading\nL = threading.Lock()\ndef g(): return L\ndef f(): return g()",
        "f",
        r"^'L', which a function it uses reads, is a _thread.lock\.$",
    ),
    "a generator": (
        "x = (i for i in [1])",
        "x",
        r"^Input 'x' is a generator, which reading would use up\.$",
    ),
    "a file": ("x = __import__('sys').__stdin__", "x", r"^Input 'x' is a _io.TextIOWrapper"),
    "the view of a dict": ("x = {}.keys()", "x", r"^Input 'x' is a dict_keys\.$"),
    "a tangle": (
        """class N: pass
x = [N() for _ in range(40)]
for n in x:
    n.others = dict(enumerate(x))
x = x[0]""",
        "x",
        r"^Input 'x': .* is part of a tangle of objects that refer to each other\.$",
    ),
}


@pytest.mark.parametrize("what", NAMELESS)
def test_what_has_no_content_is_named_in_one_sentence(what, fresh_main):
    code, used, message = NAMELESS[what]
    names = fresh_main(code)
    with pytest.raises(HashError, match=message) as told:
        key(names, used)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 200


def test_a_lock_in_a_class_or_module_is_no_reason_to_refuse(fresh_main, modules):
    names = fresh_main("import threading\nclass A:\n lock = threading.Lock()\nf = A")
    assert key(names, "f") == key(names, "f")


def test_inputs_count_by_name_and_type():
    keys = {cell_key("y", inputs, {}, {}) for inputs in ({"a": 1}, {"b": 1}, {"a": 1.0}, {})}
    assert len(keys) == 4


# ── the code itself ──────────────────────────────────────────────────────────────────────

ALIKE = [
    ("x=1", "x = 1  # one", "\nx = (1)\n"),
    ("def f():\n  'doc'\n  return 1", "def f(): return 1"),
    ("x = 'a'", 'x = "a"'),
    ("%time x = f(1)\ny=2", "%time x = f(1)\ny = 2"),
]
UNLIKE = [
    ("x = 1", "x = 2", "y = 1", "x = 1.0", "x: int = 1"),
    ("x", "x;", "print(x)"),
    ("'doc'", "'other'", "pass"),
    ("!ls a", "!ls b", "%ls a"),
    ("%time x = 1", "%timeit x = 1", "x = 1"),
    ("%%time\nx = 1", "%%time -n 3\nx = 1"),
    ("%%bash\nls", "%%bash\nls -l"),
    ("if a:\n  b\nc", "if a:\n  b\n  c"),
    ("not python (", "not python ["),
]


@pytest.mark.parametrize("texts", ALIKE)
def test_layout_of_a_cell_does_not_count(texts):
    assert len({normal_code(text) for text in texts}) == 1


@pytest.mark.parametrize("texts", UNLIKE)
def test_what_a_cell_says_counts(texts):
    assert len({normal_code(text) for text in texts}) == len(texts)


def test_keys_can_be_made_in_many_threads_at_once(fresh_main):
    names = fresh_main("R = 1\ndef f(x): return R")
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(key(names, "f"))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_another_notebook_counts_by_its_file(fresh_main, tmp_path):
    path = tmp_path / "other.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    names = fresh_main("import nbflow")
    names["f"] = nbflow.notebook(path)
    before = key(names, "f")
    assert key(names, "f") == before
    cell = nbformat.v4.new_code_cell("x = 1")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert key(names, "f") != before
