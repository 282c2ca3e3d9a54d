"""Content hashes tell contents apart, and nothing else."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import io
import socket
import sqlite3
import sys
import textwrap
import threading
import types

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.exceptions import HashError
from nbflow.hashing import Uses, code_hash, content, content_hash, register
from nbflow.hashing.code import is_library

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.booleans()), inner)
        | st.sets(st.text() | st.integers())
    ),
    max_leaves=20,
)


@given(plain)
def test_a_copy_hashes_as_its_original(value):
    assert content_hash(copy.deepcopy(value)) == content_hash(value)


@given(plain, plain)
def test_values_that_are_not_equal_hash_differently(one, two):
    if content_hash(one) == content_hash(two):
        assert repr(_ordered(one)) == repr(_ordered(two))


def _ordered(value):
    """The value with dicts and sets in an order of their own."""
    if isinstance(value, dict):
        return ("dict", sorted(repr((key, _ordered(item))) for key, item in value.items()))
    if isinstance(value, (set, frozenset)):
        return (type(value).__name__, sorted(map(repr, value)))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [_ordered(item) for item in value])
    return value


@given(st.dictionaries(st.text() | st.integers() | st.binary(), plain))
def test_the_order_of_a_dict_does_not_matter(value):
    turned = dict(reversed(list(value.items())))
    assert content_hash(turned) == content_hash(value)


DIFFERENT = [
    (1, True, 1.0, "1", b"1", 1 + 0j, [1], (1,), {1}, frozenset({1}), {1: 1}),
    (0.0, -0.0, float("nan"), None, False, 0, "", [], (), {}, set()),
    (["a", "b"], ["ab", ""], ["b", "a"], [["a"], "b"], "ab"),
    ([["a"], ["b"]], [["a", "b"]], [["a"], "b", []], [[["a"], ["b"]]]),
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": None}}, {"a": {}, "b": 1}),
    (dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1), "2026-01-01"),
    (np.float64(1), np.float32(1), 1.0, np.array(1.0), np.array([1.0]), np.array([[1.0]])),
    (np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2), np.arange(6).astype("i4"), np.arange(6).tolist()),
    (np.array(["a", "b"], dtype=object), np.array(["a", "b"]), np.array(["a", None], dtype=object)),
    (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2]), np.array([1, 2])),
    tuple(pd.DataFrame({name: values}, index=index) for name in "ab" for values in ([1, 2], [1.0, 2.0], ["1", "2"]) for index in (None, [1, 2])),
    (pd.Series([1, 2]), pd.Series([1, 2], name="a"), pd.Series([1, 2], index=["x", "y"]), pd.Index([1, 2]), pd.Series([1, None], dtype="Int64")),
    (pd.Categorical(["a"], categories=["a", "b"]), pd.Categorical(["a"]), pd.Categorical(["a"], ordered=True)),
    (pl.Series([1, 2]), pl.Series([1, None]), pl.Series("a", [1, 2]), pl.Series([1, 2], dtype=pl.Int8)),
    (pa.array(["a", "bc"]), pa.array(["ab", "c"]), pa.array(["a", None]), pa.array([b"a", b"bc"])),
    (pa.array([[1], [2, 3]]), pa.array([[1, 2], [3]]), pa.array([[1], None])),
]  # fmt: skip


@pytest.mark.parametrize("values", DIFFERENT, ids=lambda values: type(values[0]).__name__)
def test_types_and_contents_count(values):
    assert len({content_hash(value) for value in values}) == len(values)


def _padded(garbage):
    dtype = np.dtype([("small", "i1"), ("large", "f8")], align=True)
    raw = np.full(2 * dtype.itemsize, garbage, dtype="u1").view(dtype)
    raw["small"], raw["large"] = 1, 2.0
    return raw


_block = np.arange(60_000.0).reshape(200, 300)
_frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None], "c": [1.5, 2.5, None]})


def _with_attrs():
    frame = _frame.copy()
    frame.attrs["source"] = object()
    return frame


def _fragmented():
    frame = pd.DataFrame({"a": [1, 2, 3]})
    frame["b"] = ["x", "y", None]
    frame["c"] = [1.5, 2.5, None]
    return frame


def _under_null(hidden):
    mask = pa.array([True, False, True]).buffers()[1]
    return pa.Array.from_buffers(pa.int64(), 3, [mask, pa.array([1, hidden, 3]).buffers()[1]])


EQUAL = [
    (_block, np.asfortranarray(_block), np.repeat(_block, 2, axis=1)[:, ::2], _block[::-1][::-1].copy()),
    (_padded(0), _padded(255)),
    (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 99], mask=[0, 1])),
    (_frame, _fragmented(), _with_attrs(), pd.concat([_frame[:1], _frame[1:]])),
    (_frame.iloc[::-1].iloc[::-1], _frame.iloc[[0, 1, 2]].reset_index(drop=True), _frame),
    (pl.DataFrame({"a": [1, 2, 3]}), pl.concat([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2, 3]})], rechunk=False), pl.DataFrame({"a": [0, 1, 2, 3]})[1:]),
    (pa.array(["a", None, "c"]), pa.array(["z", "a", None, "c"])[1:], pa.array(["a", None, "c", "d"])[:3]),
    (pa.array([True, None, False]), pa.array([True] * 9 + [True, None, False])[9:]),
    (pa.array([[1], None, [2, 3]]), pa.array([[9, 9], [1], None, [2, 3], [4]])[1:4]),
    (pa.array([{"a": 1}, None]), pa.array([{"a": 7}, {"a": 1}, None])[1:]),
    tuple(pa.array(values, pa.map_(pa.string(), pa.int8()))[-2:] for values in ([[("k", 1)], []], [[("z", 3)], [("k", 1)], []])),
    tuple(pa.array(values, pa.list_(pa.int8(), 2))[-1:] for values in ([[1, 2]], [[3, 4], [1, 2]])),
    (pa.chunked_array([[1, 2], [3]]), pa.chunked_array([[1], [2, 3]]), pa.chunked_array([[1, 2, 3]])),
    (_under_null(0), _under_null(77)),
]  # fmt: skip


@pytest.mark.parametrize("values", EQUAL, ids=lambda values: type(values[0]).__name__)
def test_memory_layout_does_not_count(values):
    assert len({content_hash(value) for value in values}) == 1


@pytest.mark.parametrize("rows", [2050, 2097, 2500])
def test_large_arrays_are_hashed_in_pieces_whatever_their_layout(rows):
    array = np.arange(rows * 1024.0).reshape(rows, 1024)  # more than 16 MB
    changed = array.copy()
    changed[-1, -1] += 1
    assert content_hash(array) == content_hash(np.asfortranarray(array)) != content_hash(changed)


def test_a_value_used_twice_hashes_as_two_equal_values():
    shared = ["a", {"b": [1, 2]}]
    assert content_hash([shared, shared]) == content_hash([shared, copy.deepcopy(shared)])


def test_a_value_inside_a_cycle_hashes_the_same_wherever_it_is_met_first():
    def ring():
        node: dict = {"leaf": [object]}
        node["self"] = node
        return node

    first, second = ring(), ring()
    assert content_hash([first, second]) == content_hash([first, first])


def test_sharing_does_not_cost_exponential_time():
    value: list = ["leaf"]
    for _ in range(60):
        value = [value, value]
    assert len(content_hash(value)) == 32


class Holder:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@dataclasses.dataclass
class Record:
    lock: object


UNHASHABLE = [
    (threading.Lock, "argument 'conn' is a _thread.lock"),
    (lambda: Holder(lock=threading.Lock()), "argument 'conn': attribute .lock is a _thread.lock"),
    (lambda: [1, {"k": Holder(lock=threading.Lock())}], "argument 'conn': element [1]['k'].lock is a _thread.lock"),
    (lambda: {"a": Record(threading.RLock())}, "element ['a'].lock is a _thread.RLock"),
    (lambda: (i for i in [1]), "is a generator, which reading would use up"),
    (lambda: map(str, [1]), "is a map, which reading would use up"),
    (lambda: io.BytesIO(b"x"), "is a _io.BytesIO"),
    (socket.socket, "is a socket.socket"),
    (lambda: sqlite3.connect(":memory:"), "is a sqlite3.Connection"),
    (threading.Thread, "attribute ._"),
    (lambda: pl.LazyFrame({"a": [1]}), "collect() it first"),
    (lambda: pd.DataFrame({"a": [threading.Lock()]}), "['a'][0] is a _thread.lock"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"), UNHASHABLE, ids=lambda case: case if isinstance(case, str) else ""
)
def test_what_has_no_content_is_named_with_its_place(make, message):
    value = make()
    with pytest.raises(HashError) as caught:
        content_hash(value, name="argument 'conn'")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    if hasattr(value, "close"):
        value.close()


def test_nesting_without_end_is_refused_in_a_sentence():
    value: list = [object]
    for _ in range(100_000):
        value = [value, object]
    with pytest.raises(HashError, match="nested too deeply"):
        content_hash(value)


def test_a_type_of_ones_own_can_be_registered(monkeypatch):
    class Connection:
        def __init__(self, url):
            self.url, self.lock = url, threading.Lock()

    monkeypatch.setattr(content, "_HANDLERS", dict(content._HANDLERS))
    register(Connection)(lambda value: [(".url", value.url)])
    assert (
        content_hash(Connection("a"))
        == content_hash(Connection("a"))
        != content_hash(Connection("b"))
    )


def test_tensors_count_by_type_shape_and_values(monkeypatch):
    """Against a stand-in with the few methods of torch that are used."""
    torch = types.ModuleType("torch")
    torch.uint8 = "u1"

    class Tensor:
        def __init__(self, data):
            self.data, self.dtype, self.shape, self.requires_grad = (
                data,
                data.dtype,
                data.shape,
                False,
            )

        def _same(self):
            return self

        detach = cpu = contiguous = _same

        def reshape(self, *shape):
            return Tensor(self.data.reshape(*shape))

        def view(self, kind):
            return Tensor(self.data.view(kind))

        def numpy(self):
            return self.data

    Tensor.__module__ = "torch"
    monkeypatch.setitem(sys.modules, "torch", torch)
    hashes = [content_hash(Tensor(np.array(data, kind))) for data, kind in (([1, 2], "f4"), ([1, 2], "f4"), ([1, 3], "f4"), ([[1, 2]], "f4"), ([1, 2], "f8"))]  # fmt: skip
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4


# ── code ─────────────────────────────────────────────────────────────────────────────────


def _defined(source, name="f", **names):
    """A function compiled as a cell would be, without a source file."""
    space = {"__name__": "__main__", **names}
    exec(compile(textwrap.dedent(source), "<cell>", "exec"), space)
    return space[name]


BASE = """
def helper(x): return x + 1
def f(a, b=2):
    for i in range(a):
        if i > b: return helper(i)
    try: return {"k": [a, b]}
    except ValueError: return None
"""
SAME = {
    "comments": BASE.replace("for i", "# why\n\n    for i"),
    "white space": BASE.replace("[a, b]", "[a,\n        b]"),
    "docstring": BASE.replace("def f(a, b=2):", 'def f(a, b=2):\n    """It does."""'),
    "annotations": BASE.replace("def f(a, b=2):", "def f(a: int, b: int = 2) -> dict:"),
    "unrelated code": "import os\nz = 3\n" + BASE,
}
CHANGED = {
    "constant": BASE.replace('"k"', '"q"'),
    "operator": BASE.replace("i > b", "i < b"),
    "default": BASE.replace("b=2", "b=3"),
    "name": BASE.replace("def f(a", "def f(c")
    .replace("range(a)", "range(c)")
    .replace("[a, b]", "[c, b]"),
    "helper": BASE.replace("x + 1", "x + 2"),
    "order": BASE.replace("[a, b]", "[b, a]"),
    "exception": BASE.replace("ValueError", "KeyError"),
    "async": BASE.replace("def f", "async def f"),
    "keyword only": BASE.replace("a, b=2", "a, *, b=2"),
    "called function": BASE.replace("range(a)", "list(a)"),
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_layout_of_code_does_not_count(source):
    assert code_hash(_defined(source)) == code_hash(_defined(BASE))


@pytest.mark.parametrize("source", CHANGED.values(), ids=CHANGED)
def test_what_code_does_counts(source):
    assert code_hash(_defined(source)) != code_hash(_defined(BASE))


def test_what_stands_inside_a_try_counts():
    inside = "def f():\n    try:\n        a()\n        b()\n    except E: pass"
    outside = "def f():\n    a()\n    try:\n        b()\n    except E: pass"
    assert code_hash(_defined(inside)) != code_hash(_defined(outside))


def test_a_helper_of_a_helper_counts():
    source = "def a(): return {}\ndef b(): return a()\ndef f(): return b()"
    assert code_hash(_defined(source.format(1))) != code_hash(_defined(source.format(2)))


def test_a_class_of_the_same_cell_counts():
    source = "class K:\n    def m(self): return {}\ndef f(): return K().m()"
    assert code_hash(_defined(source.format(1))) != code_hash(_defined(source.format(2)))


def test_closed_over_values_count():
    def made(value):
        return lambda: value

    assert code_hash(made([1])) == code_hash(made([1])) != code_hash(made([2]))


def test_recursive_functions_have_a_hash():
    source = "def f(n): return g(n)\ndef g(n): return f(n - 1) if n else 0"
    assert code_hash(_defined(source)) == code_hash(_defined(source))


def test_a_task_hashes_as_its_function():
    def f():
        return 1

    assert code_hash(types.SimpleNamespace(fn=f)) == code_hash(f)


def test_two_lambdas_of_one_line_differ():
    one, two = (lambda x: x + 1), (lambda x: x + 2)
    assert code_hash(one) != code_hash(two)


def test_a_lock_in_a_closure_is_named():
    lock = threading.Lock()

    def guarded():
        with lock:
            return 1

    with pytest.raises(HashError, match=r"function 'guarded': attribute \.lock is a _thread.lock"):
        code_hash(guarded)


def test_instructions_do_not_depend_on_the_docstrings_place_in_the_constants():
    plain = _defined("def f(x): return x, 1, None, 'a'")
    documented = _defined("def f(x):\n    'd'\n    return x, 1, None, 'a'")
    assert code_hash(plain) == code_hash(documented)


def test_library_functions_count_by_name_and_version(monkeypatch):
    before = content_hash(np.mean), content_hash(pd.read_csv)
    monkeypatch.setattr(pd, "__version__", "0")
    assert content_hash(pd.read_csv) != before[1]
    assert content_hash(np.mean) == before[0]


def test_globals_that_resist_being_looked_at_do_not_matter():
    class Lazy:
        def __getattr__(self, name):
            raise ImportError(name)

    source = "def f(): return lazy"
    assert code_hash(_defined(source, lazy=Lazy())) == code_hash(_defined(source, lazy=1))


def test_a_tangle_of_objects_is_refused_in_a_short_line():
    class Node:
        pass

    nodes = [Node() for _ in range(40)]
    for node in nodes:
        node.others = dict(enumerate(nodes))
    with pytest.raises(HashError, match="part of a tangle of objects") as told:
        content_hash(nodes[0])
    assert len(str(told.value)) < 200


def test_a_tree_whose_branches_know_their_parent_is_no_tangle():
    class Node:
        def __init__(self, depth, parent=None):
            self.parent = parent
            self.branches = [Node(depth - 1, self) for _ in range(3)] if depth else []

    assert content_hash(Node(6)) == content_hash(Node(6))


def test_what_was_installed_is_told_from_what_the_user_wrote():
    assert all(map(is_library, ["json", "numpy", "nbflow.tasks"]))
    assert not any(map(is_library, ["not_there_at_all", "__main__", None, __name__]))


def test_an_installed_module_that_is_not_loaded_is_a_library(tmp_path, monkeypatch):
    for folder in ("site-packages", "project"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"in_{folder.replace('-', '_')}.py").write_text("raise ImportError")
        monkeypatch.syspath_prepend(str(tmp_path / folder))
    assert is_library("in_site_packages")
    assert not is_library("in_project")


def test_uses_see_what_a_function_reads_and_where():
    namespace = {"__name__": "__main__", "RATE": 2}
    exec("def f(x): return x * RATE", namespace)
    uses = Uses()
    uses.add_name(namespace, "f")
    assert {place: value for place, value in uses.reads.items() if place[1] == "RATE"} == {
        ("__main__", "RATE"): 2
    }
    alone = Uses(follow=False)
    alone.add_value(("__main__", "f"), namespace["f"], "f")
    assert alone.digests()["__main__", "f"] == uses.digests()["__main__", "f"]
    assert alone.reads == {}
