"""Prints the content hash of many values as JSON; run by test_hashing_processes."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import json
import operator
import pathlib
import pickle
import re
import sys
import types
import typing
import uuid
import zoneinfo

import attr
import cloudpickle
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import scipy.sparse
import sklearn.ensemble
import sklearn.linear_model

from nbflow.hashing import code_hash, content_hash


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int
    tags: frozenset = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: int


class Named(typing.NamedTuple):
    a: int
    b: int


@attr.s(auto_attribs=True)
class Attrs:
    x: int
    names: set


class Model(pydantic.BaseModel):
    x: int
    names: set[str] = set()


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def method(self):
        return self


class Text(str):
    __slots__ = ()


WORDS = ["pear", "apple", "fig", "kiwi", "plum", "lime"]


def helper(x):
    return x in {"one", "two", "three"}


def function(x, y=(1, "a"), *, z=frozenset(WORDS)):
    """With a docstring."""
    return [helper(i) for i in x] + [lambda: y]


def make_closure():
    kept = {word: len(word) for word in WORDS}
    return lambda key: kept[key]


def cycle():
    a = [1]
    a.append({"again": a})
    return a


def frames():
    index = pd.date_range("2026-01-01", periods=6, freq="h", tz="Europe/Berlin")
    data = {
        "i": range(6),
        "f": [1.5, None, -0.0, 2, float("inf"), 1],
        "s": WORDS,
        "o": [1, "a", None, (1, 2), 2.5, True],
        "c": pd.Categorical(["a", "b", None, "a", "b", "a"]),
        "t": index,
        "n": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
        "b": pd.array([True, None, False, True, True, True], dtype="boolean"),
        "p": pd.period_range("2026-01", periods=6, freq="M"),
        "iv": pd.interval_range(0, 6),
        "d": pd.to_timedelta(range(6), unit="s"),
        "sp": pd.arrays.SparseArray([0, 0, 1, 0, 0, 2]),
        "a": pd.array(range(6), dtype="int64[pyarrow]"),
        "py": pd.array(WORDS, dtype="string[python]"),
    }
    frame = pd.DataFrame(data)
    yield "frame", frame
    yield "frame indexed", frame.set_index("t")
    yield "frame multiindex", frame.set_index(["s", "i"])
    yield (
        "frame columns",
        pd.DataFrame(np.eye(3), columns=pd.MultiIndex.from_product([["a"], [1, 2, 3]])),
    )
    yield "frame empty", pd.DataFrame()
    yield "frame duplicate labels", pd.DataFrame([[1, 2]], columns=["a", "a"])
    yield from ((f"series {name}", frame[name]) for name in data)
    yield "index", pd.Index([1, 2, 3])
    yield "range index", pd.RangeIndex(3)
    yield "categorical index", pd.CategoricalIndex(["a", "b"])
    yield "timestamp", pd.Timestamp("2026-01-31", tz="Europe/Berlin")
    yield "timedelta", pd.Timedelta("1h")
    yield "period", pd.Period("2026-01", "M")
    yield "nat", pd.NaT
    yield "na", pd.NA
    yield "interval", pd.Interval(0, 1)


def arrays():
    block = np.arange(24, dtype="float32").reshape(2, 3, 4)
    for kind in ("int8", "uint64", "float16", "float64", ">i4", "complex128", "bool", "U5", "S5"):
        yield f"array {kind}", block.astype(kind)
    yield "array datetime", np.array(["2026-01-01", "NaT"], "datetime64[D]")
    yield "array object", np.array([{"a": {"x", "y"}}, None, "z"], dtype=object)
    yield (
        "array structured",
        np.array(
            [(1, "a", 2.0)], dtype=np.dtype([("i", "i1"), ("s", "U3"), ("f", "f8")], align=True)
        ),
    )
    yield "array masked", np.ma.array([1, 2, 3], mask=[0, 1, 0])
    yield "array 0-d", np.array(3.0)
    yield "array empty", np.empty((0, 3))
    yield "matrix", np.matrix([[1, 2]])
    yield "array strings", np.array(WORDS, dtype=np.dtypes.StringDType())
    for scalar in (
        np.float64(1),
        np.float32(1),
        np.int64(1),
        np.bool_(True),
        np.str_("a"),
        np.bytes_(b"a"),
        np.datetime64("2026-01-01"),
        np.timedelta64(1, "s"),
        np.complex64(1),
    ):
        yield f"scalar {scalar!r} {type(scalar)}", scalar
    yield "dtype", np.dtype("f8")
    yield "ufunc", np.sin
    yield "rng", np.random.default_rng(7)
    yield "random state", np.random.RandomState(7)
    for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        yield f"sparse {kind}", scipy.sparse.eye_array(4, format=kind)
    yield "sparse matrix", scipy.sparse.csr_matrix(np.eye(3))


def tables():
    yield (
        "polars",
        pl.DataFrame(
            {
                "a": [1, None, 3],
                "s": ["x", None, "z"],
                "c": pl.Series(["u", "v", "u"], dtype=pl.Categorical),
                "l": [[1], [], None],
                "st": [{"q": 1}, {"q": 2}, None],
                "d": [dt.date(2026, 1, 1)] * 3,
                "z": pl.Series([dt.datetime(2026, 1, 1)] * 3).dt.replace_time_zone("UTC"),
                "dec": [decimal.Decimal("1.5")] * 3,
            }
        ),
    )
    yield "polars object", pl.Series([{1, 2}, None], dtype=pl.Object)
    yield "polars dtype", pl.Int64
    yield "polars dtype instance", pl.Datetime("us", "UTC")
    for name, kind, values in (
        ("int", pa.int32(), [1, None, 3]),
        ("bool", pa.bool_(), [True, None, False]),
        ("string", pa.string(), ["a", None, "ccc"]),
        ("view", pa.string_view(), ["a", None, "a long string that is not inline"]),
        ("binary", pa.binary(), [b"a", None]),
        ("fixed", pa.binary(2), [b"ab", None]),
        ("list", pa.list_(pa.int64()), [[1, None], None, []]),
        ("large list", pa.large_list(pa.string()), [["a"], None]),
        ("fixed list", pa.list_(pa.int8(), 2), [[1, 2], None]),
        ("struct", pa.struct([("a", pa.int8()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None]),
        ("map", pa.map_(pa.string(), pa.int8()), [[("k", 1)], None]),
        ("dictionary", pa.dictionary(pa.int8(), pa.string()), ["u", None, "v"]),
        ("decimal", pa.decimal128(5, 2), [decimal.Decimal("1.50"), None]),
        ("time", pa.timestamp("us", "UTC"), [dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None]),
        ("null", pa.null(), [None, None]),
    ):
        array = pa.array(values, kind)
        yield f"arrow {name}", array
        yield f"arrow chunked {name}", pa.chunked_array([array, array])
        yield f"arrow table {name}", pa.table({name: array})
    yield "arrow scalar", pa.scalar(1, pa.int8())
    yield "arrow schema", pa.schema([("a", pa.int8())])


def values():
    yield from {
        "none": None, "true": True, "one": 1, "one float": 1.0, "complex": 1j, "zero": 0.0, "minus zero": -0.0,
        "nan": float("nan"), "inf": float("inf"), "big": 10**5000, "text": "1", "bytes": b"1", "surrogate": "\ud800",
        "empty": "", "list": [], "tuple": (), "dict": {}, "set": set(), "frozenset": frozenset(), "ellipsis": ...,
        "bytearray": bytearray(b"1"), "array": array.array("i", [1, 2]), "range": range(3), "slice": slice(1, 2),
        "words set": set(WORDS), "words frozen": frozenset(WORDS), "words": WORDS, "words tuple": tuple(WORDS),
        "mixed dict": {1: "a", "1": {"x", "y"}, (2, 3): [None], None: 1.5}, "big list": [10**5000, 1], "nested": [[1, [2, {"a": (3,)}]]],
        "ordered": collections.OrderedDict(b=1, a=2), "counter": collections.Counter(WORDS), "default": collections.defaultdict(set, a={"x", "y"}),
        "deque": collections.deque([1, 2], maxlen=3), "proxy": types.MappingProxyType({"b": 1, "a": 2}), "namespace": types.SimpleNamespace(b=1, a={"x", "y"}),
        "date": dt.date(2026, 1, 31), "datetime": dt.datetime(2026, 1, 31), "fold": dt.datetime(2026, 1, 31, fold=1), "utc": dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        "zone": dt.datetime(2026, 1, 31, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), "time": dt.time(1, 2), "timedelta": dt.timedelta(1), "timezone": dt.timezone(dt.timedelta(hours=1)),
        "decimal": decimal.Decimal("1.0"), "fraction": fractions.Fraction(1, 2), "uuid": uuid.UUID(int=5), "path": pathlib.Path("a"), "pure path": pathlib.PureWindowsPath("a"),
        "pattern": re.compile("a+", re.IGNORECASE), "enum": Colour.RED, "flag": Rights.READ | Rights.WRITE, "int enum": Number.ONE,
        "dataclass": Point(1, frozenset(WORDS)), "slots": Slotted(1), "named tuple": Named(1, 2), "attrs": Attrs(1, set(WORDS)), "pydantic": Model(x=1, names=set(WORDS)),
        "plain": Plain(b=1, a=set(WORDS)), "str subclass": Text("1"), "exception": ValueError("x", 1), "cycle": cycle(),
        "function": function, "lambda": lambda x: x + 1, "closure": make_closure(), "builtin": len, "bound builtin": "a".join, "numpy function": np.mean, "partial": functools.partial(function, 1, y=set(WORDS)),
        "method": Plain(a=1).method, "class": Plain, "data class": Point, "builtin class": int, "library class": pd.DataFrame, "generic": list[int], "union": int | None, "module": json, "getter": operator.itemgetter(1),
        "estimator": sklearn.linear_model.LogisticRegression(C=2.0), "fitted": sklearn.linear_model.LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]),
        "forest": sklearn.ensemble.RandomForestClassifier(n_estimators=2, random_state=0).fit([[1.0], [2.0], [3.0]], [0, 1, 0]),
    }.items()  # fmt: skip
    yield from arrays()
    yield from frames()
    yield from tables()


#: Values that pickle does not copy.
UNPICKLED = {"module", "polars object"}


def copied(value):
    return pickle.loads(cloudpickle.dumps(value))


def main():
    hashes = {}
    for name, value in values():
        copy = value if name in UNPICKLED else copied(value)
        hashes[name] = [content_hash(value), content_hash(copy)]
    hashes["code"] = [code_hash(function), code_hash(function)]
    json.dump(hashes, sys.stdout)


if __name__ == "__main__":
    main()
