"""What two values have in common that a change through one would show in the other.

This module decides, for the objects that can be reached from a value, which of them can
change and which memory they lie in. It must not know cells, pickles or hashes, and it
imports none of the libraries whose values it meets.

It follows references as Python's garbage collector does, at its speed, and stops at code:
modules, classes and functions are the same objects wherever they are used. What lies beyond
numpy, pandas and torch in memory that Python does not see is not found.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import functools
import gc
import logging
import re
import sys
import types
import uuid
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

from nbflow.hashing.code import is_library

#: Neither they nor what they hold can change.
_ATOMS: Final = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)}
    | {range, slice, dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone, decimal.Decimal}
    | {fractions.Fraction, uuid.UUID, re.Pattern, types.CodeType, types.BuiltinFunctionType}
    | {types.GenericAlias, weakref.ref, weakref.ProxyType}
)
#: Not looked into: the same object for everybody, or not a value.
_BEYOND: Final = (
    type,
    types.ModuleType,
    types.FrameType,
    types.TracebackType,
    enum.Enum,
    PurePath,
    logging.Logger,
    logging.Handler,
    weakref.ReferenceType,
    dt.tzinfo,
)
#: They cannot change themselves, but hold what may.
_FROZEN: Final = (
    tuple,
    frozenset,
    types.FunctionType,
    types.MethodType,
    types.CellType,
    property,
    staticmethod,
    classmethod,
    functools.partial,
)
#: Libraries' types by "package.TypeName": values that cannot change.
_LIBRARY_ATOMS: Final = frozenset(
    {"numpy.dtype", "numpy.generic", "numpy.ufunc", "pandas.Timestamp", "pandas.Timedelta"}
    | {"pandas.Period", "pandas.Interval", "pandas.NaTType", "pandas.NAType"}
    | {"pandas.ExtensionDtype", "pandas.Flags", "polars.DataType", "polars.Expr"}
    | {"pyarrow.Table", "pyarrow.Array", "pyarrow.ChunkedArray", "pyarrow.RecordBatch"}
    | {"pyarrow.Schema", "pyarrow.DataType", "pyarrow.Field", "pyarrow.Scalar", "torch.dtype"}
)
_SEQUENCES: Final = frozenset({list, tuple, set, frozenset})
_HOLDERS: Final = {"pandas.Index": "index", "pandas.DataFrame": "table", "pandas.Series": "table"}


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """An array's memory."""

    array: Any
    start: int
    end: int
    #: What holds the array: an index or a table of pandas, or nothing of the kind.
    holder: str = ""
    #: The id of a library's object that it is a part of; 0: it is the user's own.
    owner: int = 0

    @property
    def fixed(self) -> bool:
        """Whether nobody writes there."""
        return not getattr(getattr(self.array, "flags", None), "writeable", True)


@dataclass(slots=True)
class Reach:
    """What can be reached from a value: what may change, and memory."""

    objects: dict[int, Any] = field(default_factory=dict)
    memory: list[Memory] = field(default_factory=list)


def reach_of(values: Iterable[Any]) -> Reach:
    """Everything mutable that can be reached from these values."""
    reach, waiting = Reach(), [("", 0, value) for value in values]
    seen: dict[int, Any] = {}
    while waiting:
        holder, owner, value = waiting.pop()
        if id(value) in seen or type(value) in _ATOMS:
            continue
        seen[id(value)] = value  # held, so that its id stays its own
        sort = _sort_of(type(value))
        if sort == "beyond":
            continue
        holder = sort if sort in {"index", "table"} else holder
        if sort == "array":
            reach.memory.append(_memory_of(value, holder, owner))
        elif type(value) is bytearray and value and (numpy := sys.modules.get("numpy")):
            reach.memory.append(_memory_of(numpy.frombuffer(value, "u1"), holder, owner))
        if sort == "table" or not (holder or sort in {"frozen", "index"}):
            reach.objects[id(value)] = value
        inner = "" if sort == "array" else holder  # what a column holds is nobody's but its own
        owner = owner or (id(value) if sort == "library" else 0)
        waiting.extend((inner, owner, each) for each in _inside(value, sort))
    return reach


def common_object(one: Reach, other: Reach) -> Iterator[Any]:
    """The objects that both reach and that may change."""
    small, large = sorted((one.objects, other.objects), key=len)
    return (small[key] for key in small if key in large)


def common_memory(one: Reach, other: Reach | None = None) -> tuple[Any, Any] | None:
    """Two arrays in the same memory, one of each reach; or both of one reach.

    What a library's object does with the memory of its own parts is its own business.
    """
    sides = [(memory, 0) for memory in one.memory]
    sides += [(memory, 1) for memory in other.memory] if other else []
    active: list[tuple[Memory, int]] = []
    for memory, side in sorted(sides, key=lambda each: each[0].start):
        active = [each for each in active if each[0].end > memory.start]
        for before, side_before in active:
            asked = side != side_before if other else not 0 < before.owner == memory.owner
            if asked and _clash(before, memory):
                return before.array, memory.array
        active.append((memory, side))
    return None


# ── sorts of values ──────────────────────────────────────────────────────────────────────


def _sort_of(kind: type) -> str:
    """What is done with values of a type: beyond, frozen, array, index, table, library, plain."""
    found = _sorts.get(kind)
    if found is None:
        found = _sorts[kind] = _find_sort(kind)
    return found


_sorts: Final[weakref.WeakKeyDictionary[type, str]] = weakref.WeakKeyDictionary()


def _find_sort(kind: type) -> str:
    names = _library_names(kind)
    if issubclass(kind, _BEYOND) or not names.isdisjoint(_LIBRARY_ATOMS):
        return "beyond"
    if kind.__module__.partition(".")[0] in {"IPython", "ipykernel"}:
        return "beyond"
    if not names.isdisjoint({"numpy.ndarray", "torch.Tensor"}):
        return "array"
    for name, sort in _HOLDERS.items():
        if name in names:
            return sort
    parameters = kind.__dict__.get("__dataclass_params__")
    if issubclass(kind, _FROZEN) or getattr(parameters, "frozen", False):
        return "frozen"
    own = kind.__module__.partition(".")[0] in sys.stdlib_module_names  # deques are containers, too
    return "library" if not own and is_library(kind.__module__) else "plain"


def _library_names(kind: type) -> frozenset[str]:
    """The names of a type and its bases as "package.TypeName"."""
    return frozenset(
        f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in kind.__mro__
    )


def _inside(value: Any, sort: str) -> Iterable[Any]:
    if sort == "array":
        return _elements(value)
    if isinstance(value, types.FunctionType):
        return (value.__defaults__, value.__kwdefaults__, value.__closure__, *vars(value).values())
    if type(value) in _SEQUENCES and set(map(type, value)) <= _ATOMS:
        return ()
    if sort == "frozen" and not isinstance(value, (tuple, frozenset)):
        return _attributes(value)
    inside = gc.get_referents(value)
    return () if set(map(type, inside)) <= _ATOMS else inside


def _attributes(value: Any) -> Iterable[Any]:
    """What an object holds, without the dict that holds it."""
    own = getattr(value, "__dict__", None)
    for each in gc.get_referents(value):
        if own is not None and each is own:
            yield from own.values()
        else:
            yield each


# ── memory ───────────────────────────────────────────────────────────────────────────────


def _elements(array: Any) -> Iterator[Any]:
    """The objects in an array, and what a subclass adds to it."""
    if getattr(getattr(array, "dtype", None), "hasobject", False):
        elements = array.ravel().tolist()
        if not set(map(type, elements)) <= _ATOMS:
            yield from elements
    yield from getattr(array, "__dict__", {}).values()


def _array_type() -> Any:
    return getattr(sys.modules.get("numpy"), "ndarray", ())


def _memory_of(array: Any, holder: str, owner: int) -> Memory:
    if hasattr(array, "untyped_storage"):
        start = array.data_ptr() - array.storage_offset() * array.element_size()
        return Memory(array, start, start + array.untyped_storage().nbytes(), holder, owner)
    start = end = array.__array_interface__["data"][0]
    if array.size == 0:
        return Memory(array, start, start, holder, owner)
    for length, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            start += (length - 1) * stride
        else:
            end += (length - 1) * stride
    return Memory(array, start, end + array.itemsize, holder, owner)


def _clash(one: Memory, other: Memory) -> bool:
    """Whether a change of one array may be seen in the other."""
    if one.array is other.array or (one.fixed and other.fixed) or one.end <= other.start:
        return False
    if one.holder and other.holder:
        indexes = "index" in {one.holder, other.holder}
        if indexes or _copies_on_write():
            return False
    return _overlap(one.array, other.array)


def _overlap(one: Any, other: Any) -> bool:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not all(isinstance(each, _array_type()) for each in (one, other)):
        return True
    try:
        return bool(numpy.shares_memory(one, other, max_work=10_000))
    except numpy.exceptions.TooHardError:
        return True


def _copies_on_write() -> bool:
    """Whether tables of pandas copy shared columns before they change them."""
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or int(pandas.__version__.partition(".")[0]) >= 3:  # noqa: PLR2004 - since pandas 3
        return True
    return bool(pandas.options.mode.copy_on_write)
