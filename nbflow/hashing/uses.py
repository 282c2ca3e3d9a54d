"""A value together with the code and the data that it rests on, wherever those are.

This module decides what "the same code" means when nothing may be missed: a function counts
with the functions, classes and data that it reads by name when it runs, these with theirs,
an object with the code of its class. It must not know tasks, cells or cache keys.

`code_hash` asks less (docs/decisions/0050-hashing-code.md), because a task is told its data
as arguments. The code of a notebook reads the notebook:

    RATE = 0.1
    def tax(x): return x * RATE     # another RATE makes another `tax`

Names are looked up when the hash is made, so late binding counts as it will work. Each name
is hashed once, beside the others and not inside them, so that functions may refer to each
other in circles. What was installed counts by name and version. Code of the user's own
modules counts as it was loaded, not as its file is now.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from importlib.abc import SourceLoader
from importlib.machinery import PathFinder
from typing import Any, Final

from nbflow.exceptions import HashError
from nbflow.hashing.code import (
    closure_parts,
    instructions_digest,
    is_library,
    library_version,
    plain_function,
)
from nbflow.hashing.content import Hasher, Part, Parts, Unhashable, type_name
from nbflow.hashing.syntax import normal_form, parse

#: Where a name is looked up, and the name.
Place = tuple[str, str]
_MAIN: Final = "__main__"
_NAME_READS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_MISSING: Final = b"missing"
#: Names that the interpreter and the import system give to a module and to a class.
_BOOKKEEPING: Final = frozenset(
    {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__firstlineno__"}
    | {"__static_attributes__", "__abstractmethods__", "_abc_impl", "__signature__"}
    # What pydantic makes of the rest.
    | {f"__pydantic_{name}__" for name in ("core_schema", "validator", "serializer", "complete")}
    | {f"__pydantic_{name}__" for name in ("parent_namespace", "setattr_handlers")}
)


class Uses(Hasher):
    """Collects what values rest on; `digests` says what it found.

    Every method may raise `HashError`, which names what has no content.
    """

    #: Code sees the order of a dict.
    ordered = True

    def __init__(self, *, follow: bool = True) -> None:
        super().__init__()
        #: False: what values rest on is left out, they alone count.
        self._follow = follow
        #: What was found, by place; several digests where two modules share a name.
        self._found: dict[Place, set[bytes]] = {}
        #: The values that functions read by name, with the names they have there.
        self.reads: dict[Place, Any] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._seen: set[tuple[int, str]] = set()
        self._imports: set[str] = set()
        self._kinds: set[type] = set()
        self._namespaces: dict[int, Mapping[str, Any]] = {}

    # ── what is asked ────────────────────────────────────────────────────────────────────

    def add_value(
        self, place: Place, value: Any, description: str, *, lenient: bool = False
    ) -> None:
        """Take in a value, and what it rests on.

        Args:
            place: Where its digest will stand.
            value: Anything with content.
            description: What to call it in an error.
            lenient: A value without content counts by its type.
        """
        if lenient:
            self._found.setdefault(place, set()).add(self._lenient(value))
        else:
            self._record(place, value, description)
        self._settle()

    def add_name(self, namespace: Mapping[str, Any], name: str) -> None:
        """Take in what a name stands for, as a function of that namespace would find it."""
        self._note_read(namespace, name)
        self._settle()

    def add_import(self, module: str) -> None:
        """Take in a module that code imports by this name."""
        self._note_import(module)
        self._settle()

    def digests(self) -> dict[Place, str]:
        """A digest for each place: equal digests, equal content."""
        return {
            place: hashlib.blake2b(b"".join(sorted(tokens)), digest_size=16).hexdigest()
            for place, tokens in sorted(self._found.items())
        }

    # ── the list of what is still to be looked at ────────────────────────────────────────

    def _settle(self) -> None:
        if not self._follow:
            self._waiting.clear()
        while self._waiting:
            self._waiting.popleft()()

    def _record(self, place: Place, value: Any, description: str) -> None:
        try:
            token = self.token(value)
        except Unhashable as error:
            raise HashError(f"{error.described(description)}.") from None
        except RecursionError:
            raise HashError(f"{description} is nested too deeply to be hashed.") from None
        self._found.setdefault(place, set()).add(token)

    def _note_read(self, namespace: Mapping[str, Any], name: str) -> None:
        if (id(namespace), name) in self._seen:
            return
        self._seen.add((id(namespace), name))
        self._namespaces[id(namespace)] = namespace  # keeps its id its own
        self._waiting.append(functools.partial(self._look_up, namespace, name))

    def _look_up(self, namespace: Mapping[str, Any], name: str) -> None:
        module = str(namespace.get("__name__", _MAIN))
        place = module, name
        if name not in namespace:
            self._found.setdefault(place, set()).add(_MISSING)
            return
        value = namespace[name]
        self.reads[place] = value
        if module != _MAIN:  # loggers and locks of modules are no reason to refuse
            self._found.setdefault(place, set()).add(self._lenient(value))
            return
        self._record(place, value, f"{name!r}, which a function it uses reads,")

    def _note_import(self, module: str) -> None:
        if module in self._imports or is_library(module):
            return
        self._imports.add(module)
        self._waiting.append(functools.partial(self._import, module))

    def _import(self, module: str) -> None:
        loaded = sys.modules.get(module)
        place = module, ""
        if loaded is not None:
            self._record(place, loaded, f"module {module!r}")
        else:
            self._found.setdefault(place, set()).add(_source_of(module))

    def _note_kind(self, kind: type) -> None:
        """An object does what its class says."""
        if kind in self._kinds:
            return
        self._kinds.add(kind)
        if not is_library(kind.__module__):
            place = type_name(kind), "class"
            record = functools.partial(self._record, place, kind, f"class {kind.__qualname__!r}")
            self._waiting.append(record)

    # ── what code is made of ─────────────────────────────────────────────────────────────

    def _compute(self, value: Any) -> bytes:
        value = self.unwrapped(value)
        parts = self.parts_of_code(value)
        if parts is None:
            self._note_kind(type(value))
            return super()._compute(value) + self._attrs(value)
        state = hashlib.blake2b(type_name(type(value)).encode() + b"\0code\0", digest_size=16)
        self._parts(state, parts)
        return state.digest()

    def _attrs(self, value: Any) -> bytes:
        """What the user wrote on a table of pandas: code sees that, too."""
        if type(value).__module__.partition(".")[0] != "pandas":
            return b""
        attrs = getattr(value, "attrs", None)
        return self.token(attrs) if isinstance(attrs, dict) and attrs else b""

    def unwrapped(self, value: Any) -> Any:
        """What a value does when called, if a library only wrapped it: a compiled function."""
        if callable(value) and not isinstance(value, type) and is_library(type(value).__module__):
            return plain_function(value)
        return value

    def parts_of_code(self, value: Any) -> Parts | None:
        """What a function, class or module is made of; None for data."""
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if isinstance(value, type):
            return self._class(value)
        if _of_the_shell(value.__self__ if isinstance(value, types.MethodType) else value):
            return ()
        return None

    def _function(self, fn: types.FunctionType) -> Parts:
        module = str(fn.__globals__.get("__name__"))
        if is_library(module) and _is_found(fn, module):
            yield "", f"{module}.{fn.__qualname__} ".encode() + library_version(module)
            return
        yield "", instructions_digest(fn.__code__)
        if is_library(module):  # a library's wrapper around what may be the user's
            yield "", library_version(module)
            yield from self._leniently(closure_parts(fn))
            return
        yield ".__defaults__", fn.__defaults__
        yield ".__kwdefaults__", fn.__kwdefaults__
        yield from closure_parts(fn)
        attributes = {k: v for k, v in vars(fn).items() if k != "__wrapped__"}
        yield from self._leniently((f".{name}", attributes[name]) for name in sorted(attributes))
        names, imports = names_read(fn.__code__)
        for name in names:
            if name in fn.__globals__ or not _is_builtin(fn, name):
                self._note_read(fn.__globals__, name)
        for name in imports:
            self._note_import(name)

    def _module(self, module: types.ModuleType) -> Parts:
        name = module.__name__
        yield "", name.encode()
        if name == _MAIN:
            raise Unhashable("is the notebook itself", module)
        if is_library(name):
            yield "", library_version(name)
            return
        members = vars(module)
        for member in sorted(members):
            if not member.startswith("__"):
                self._note_read(members, member)

    def _class(self, kind: type) -> Parts:
        yield "", type_name(kind).encode()
        if is_library(kind.__module__):
            yield "", library_version(kind.__module__)
            return
        if type(kind) is not type:
            yield ".metaclass", type(kind)
        for base in kind.__bases__:
            yield ".bases", base
        members = vars(kind)
        names = sorted(name for name in members if name not in _BOOKKEEPING)
        yield from self._leniently((f".{name}", members[name]) for name in names)

    # ── parts that need not have content ─────────────────────────────────────────────────

    def _leniently(self, parts: Parts | Iterator[Part]) -> Parts:
        for step, value in parts:
            yield step, self._lenient(value)

    def _lenient(self, value: Any) -> bytes:
        reaches = self._reaches
        try:
            return self.token(value)
        except Unhashable:
            self._reaches = reaches
            return b"a " + type_name(type(value)).encode()


# ── what code names ──────────────────────────────────────────────────────────────────────


@functools.lru_cache(maxsize=4096)
def names_read(code: types.CodeType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that code reads from its module, and the modules it imports; sorted."""
    names: set[str] = set()
    imports: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in _NAME_READS:
            names.add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME" and instruction.argval:
            imports.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = names_read(constant)
            names.update(inner[0])
            imports.update(inner[1])
    return tuple(sorted(names)), tuple(sorted(imports))


def _is_builtin(fn: types.FunctionType, name: str) -> bool:
    known: dict[str, Any] = getattr(fn, "__builtins__")  # noqa: B009 - some stubs leave it out
    return name in known


def _of_the_shell(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in {"IPython", "ipykernel"}


def _is_found(fn: types.FunctionType, module: str) -> bool:
    """Whether a library's module holds this very function: nobody's closure."""
    return getattr(sys.modules.get(module), fn.__qualname__, None) is fn


def _source_of(module: str) -> bytes:
    """The file of a module that is not loaded yet, as Python reads it."""
    spec, path, name = None, None, ""
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return _MISSING
        path = spec.submodule_search_locations
    if spec is None or not isinstance(spec.loader, SourceLoader):
        return _MISSING
    try:
        return normal_form(parse(spec.loader.get_source(name) or "")).encode()
    except (OSError, ImportError, SyntaxError, ValueError):
        return _MISSING
