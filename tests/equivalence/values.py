"""What a namespace holds, as plain data that two processes can compare.

This module runs inside the kernels that are examined, as a notebook's last cell, so it uses
the standard library alone and looks at other libraries only where the notebook loaded them.

Shared objects are told as shared: an object that is met again is a reference to where it was
met first, so that a copy where there was an alias is a difference. Iterators are used up.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
import sys
import types
from pathlib import Path
from typing import Any

#: Names that IPython, not the notebook, puts into a namespace.
_OF_IPYTHON = re.compile(r"_+|_i+|_i?\d+|_[dio]h|_exit_code|_sh|__\w+__")
_MACHINERY = {"In", "Out", "exit", "quit", "get_ipython", "open", "equivalence"}
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_LONG = 300
_ITEMS = 200


def digest(data: bytes) -> str:
    """A short name for some bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


class Describer:
    """Describes values; remembers the objects it met by their identity."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.met: dict[int, int] = {}
        self.memories: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no identity is used twice

    def describe(self, value: Any) -> Any:
        """The value as JSON-able data."""
        if value is None or isinstance(value, bool | int | float | complex):
            return repr(value) if type(value).__repr__ is not object.__repr__ else str(value)
        if isinstance(value, str | bytes) and type(value) in {str, bytes}:
            return self._text(value)
        if (number := self.met.get(id(value))) is not None:
            return f"<the same as #{number}>"
        self.kept.append(value)
        self.met[id(value)] = number = len(self.met)
        return [f"#{number} {_type_name(value)}", self._content(value)]

    def _text(self, value: str | bytes) -> str:
        if len(value) <= _LONG:
            return repr(value)
        data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        return f"{value[:40]!r}… {len(value)} long, {digest(data)}"

    def _content(self, value: Any) -> Any:
        for kind, method in _KINDS:
            if isinstance(value, kind):
                return getattr(self, method)(value)
        for library, method in _LIBRARIES:
            if type(value).__module__.partition(".")[0] == library and library in sys.modules:
                return getattr(self, method)(value)
        return self._any(value)

    # ── containers ───────────────────────────────────────────────────────────────────────
    def _sequence(self, value: Any) -> Any:
        return [self.describe(item) for item in value]

    def _mapping(self, value: Any) -> Any:
        items = [
            [self.describe(key), self.describe(item)]
            for key, item in value.items()
            if not (isinstance(key, str) and key == "__builtins__")  # put there by exec
        ]
        default = getattr(value, "default_factory", None)
        return [items, self.describe(default)] if default is not None else items

    def _set(self, value: Any) -> Any:
        return [self.describe(item) for item in sorted(value, key=_by_content)]

    def _iterator(self, value: Any) -> Any:
        """What it still has to give; an endless one gives a while."""
        try:
            return [self.describe(item) for item in itertools.islice(value, 20)]
        except Exception as error:  # whatever a generator of the notebook raises
            return f"{type(error).__name__}: {error}"

    # ── code ─────────────────────────────────────────────────────────────────────────────
    def _function(self, value: types.FunctionType) -> Any:
        return {
            "name": value.__qualname__,
            "module": value.__module__,
            "late": value.__globals__ is self.namespace or value.__module__ != "__main__",
            "code": _code(value.__code__),
            "defaults": self.describe(value.__defaults__),
            "keywords": self.describe(value.__kwdefaults__),
            "closure": [self._cell(cell) for cell in value.__closure__ or ()],
            "annotations": str(value.__annotations__),
            "doc": value.__doc__,
            "more": self.describe({k: v for k, v in vars(value).items() if k != "__wrapped__"}),
        }

    def _cell(self, cell: types.CellType) -> Any:
        try:
            return self.describe(cell.cell_contents)
        except ValueError:
            return "<empty>"

    def _method(self, value: types.MethodType) -> Any:
        return [value.__func__.__qualname__, self.describe(value.__self__)]

    def _class(self, value: type) -> Any:
        if value.__module__ != "__main__":
            return f"{value.__module__}.{value.__qualname__}"
        skipped = {
            "__dict__",
            "__weakref__",
            "__module__",
            "__firstlineno__",
            "_abc_impl",
            "__slotnames__",
        }
        members = {k: v for k, v in vars(value).items() if k not in skipped}
        if not members.get("__annotations__", True):
            del members["__annotations__"]  # made by whoever asked first
        return {
            "name": value.__qualname__,
            "bases": [base.__qualname__ for base in value.__mro__[1:]],
            "members": {key: self._member(each) for key, each in members.items()},
        }

    def _member(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType | staticmethod | classmethod | property):
            return _type_name(value)
        return self.describe(value) if not callable(value) else _type_name(value)

    def _cached(self, value: Any) -> Any:
        return [value.__qualname__, str(value.cache_info())]

    # ── libraries ────────────────────────────────────────────────────────────────────────
    def _numpy(self, value: Any) -> Any:
        numpy = sys.modules["numpy"]
        if isinstance(value, numpy.random.Generator):
            return str(value.bit_generator.state)
        if isinstance(value, numpy.random.RandomState):
            return digest(repr(value.get_state(legacy=False)).encode())
        if not isinstance(value, numpy.ndarray):
            return _repr(value)
        told = [
            str(value.dtype),
            list(value.shape),
            list(value.strides),
            bool(value.flags.writeable),
        ]
        root = value
        while isinstance(root.base, numpy.ndarray):
            root = root.base
        memory = self.memories.setdefault(id(root), len(self.memories))
        self.kept.append(root)
        return [*told, f"memory {memory}", self._array(value)]

    def _array(self, value: Any) -> Any:
        if value.dtype == object:
            return [self.describe(item) for item in value.ravel().tolist()]
        return digest(value.tobytes()) + " " + _repr(value)[:_LONG]

    def _pandas(self, value: Any) -> Any:
        if not hasattr(value, "to_csv"):
            return _repr(value)[:_LONG]
        dtypes = value.dtypes if hasattr(value, "columns") else [getattr(value, "dtype", "")]
        attributes = getattr(value, "attrs", None)
        return [[str(d) for d in dtypes], value.to_csv()[:100_000], str(attributes)]

    def _matplotlib(self, value: Any) -> Any:
        axes = getattr(value, "axes", None)
        if isinstance(axes, list):  # a figure
            return [self.describe(each) for each in axes]
        lines = [line.get_xydata().tolist() for line in getattr(value, "lines", ())]
        title = value.get_title() if hasattr(value, "get_title") else ""
        return [title, lines]

    # ── the rest ─────────────────────────────────────────────────────────────────────────
    def _error(self, value: BaseException) -> Any:
        return [self._sequence(value.args), self.describe(value.__dict__)]

    def _module(self, value: types.ModuleType) -> Any:
        return value.__name__

    def _random(self, value: random.Random) -> Any:
        return digest(repr(value.getstate()).encode())

    def _any(self, value: Any) -> Any:
        told = _repr(value) if type(value).__repr__ is not object.__repr__ else ""
        return [told, self._attributes(value)]

    def _attributes(self, value: Any) -> Any:
        if type(value).__module__ != "__main__":
            return None
        slots = [s for k in type(value).__mro__ for s in _slots(k) if hasattr(value, s)]
        held = {**{slot: getattr(value, slot) for slot in slots}, **getattr(value, "__dict__", {})}
        return {name: self.describe(each) for name, each in held.items()}


_ITERATORS = (
    types.GeneratorType,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    *{type(iter(each)) for each in ([], (), {}, {}.values(), {}.items(), set(), "", range(1), b"")},
    *(getattr(itertools, name) for name in ("count", "cycle", "chain", "islice", "accumulate")),
)
_KINDS: list[tuple[Any, str]] = [
    (types.ModuleType, "_module"),
    (types.FunctionType, "_function"),
    (types.MethodType, "_method"),
    (type, "_class"),
    (type(__import__("functools").cache(len)), "_cached"),
    (_ITERATORS, "_iterator"),
    (BaseException, "_error"),
    (random.Random, "_random"),
    ((dict, types.MappingProxyType), "_mapping"),
    ((set, frozenset), "_set"),
    ((list, tuple, __import__("collections").deque), "_sequence"),
]
_LIBRARIES = [("numpy", "_numpy"), ("pandas", "_pandas"), ("matplotlib", "_matplotlib")]


def _by_content(value: Any) -> tuple[str, str]:
    return type(value).__name__, _repr(value)


def _slots(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    return [slots] if isinstance(slots, str) else list(slots)


def _type_name(value: Any) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _repr(value: Any) -> str:
    return _ADDRESS.sub("0x…", repr(value))


def _code(code: types.CodeType) -> str:
    """What a function does, wherever its lines stand."""
    consts = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    parts = [code.co_code, repr((code.co_names, code.co_varnames, consts)).encode()]
    return digest(b"\0".join(parts))


def surroundings() -> dict[str, Any]:
    """State outside the namespace that cells can change."""
    import decimal
    import os

    told: dict[str, Any] = {
        "random": digest(repr(random.getstate()).encode()),
        "environ": {k: v for k, v in sorted(os.environ.items()) if k.startswith("EQ_")},
        "folder": Path.cwd().name == "sub",
        "decimal": decimal.getcontext().prec,
    }
    if "numpy" in sys.modules:
        state = sys.modules["numpy"].random.get_state(legacy=False)
        told["numpy.random"] = digest(repr(state).encode())
    told["figures"] = ""
    if "matplotlib.pyplot" in sys.modules:
        told["figures"] = sys.modules["matplotlib.pyplot"].get_fignums() or ""
    return told


def of_user(namespace: dict[str, Any]) -> list[str]:
    """The names that the notebook bound."""
    return sorted(n for n in namespace if n not in _MACHINERY and not _OF_IPYTHON.fullmatch(n))


def describe(namespace: dict[str, Any]) -> dict[str, Any]:
    """All values of the notebook, and the state around them."""
    around = surroundings()
    describer = Describer(namespace)
    values = {name: describer.describe(namespace[name]) for name in of_user(namespace)}
    return {"values": values, "surroundings": around}


def show(namespace: dict[str, Any], *, clear: bool = False) -> None:
    """Tell the values as a display of our own type; with `clear`, forget them for the next."""
    from IPython.display import display

    told = describe(namespace)
    display({"application/x-equivalence+json": told, "text/plain": "values"}, raw=True)
    if clear:
        for name in of_user(namespace):
            del namespace[name]


def last_cell(*, clear: bool = False) -> str:
    """The source of a cell that tells the values, in a kernel that knows nothing of us."""
    load = f"exec(compile(open({__file__!r}).read(), 'values.py', 'exec'), equivalence)"
    call = f"equivalence['show'](globals(), clear={clear})"
    return f"equivalence = {{'__name__': 'equivalence_values'}}\n{load}\n{call}"
