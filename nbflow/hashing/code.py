"""The content of functions, classes and modules: what they do, not how they are laid out.

This module decides when two pieces of code are the same. It must not know tasks or cells.

Code is told apart by its instructions as Python runs them, so that comments, white space,
docstrings, annotations and line numbers do not matter, no source file is needed, and a
file edited after its import does not count. Two minor versions of Python have different
instructions: their hashes differ (docs/decisions/0050-hashing-code.md).
"""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import operator
import sys
import sysconfig
import types
from bisect import bisect_left
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Final

from nbflow.hashing.content import Part, Parts, content_hash, register, type_name

_Function = types.FunctionType
#: Instructions of Python 3.13 and newer that do two things; used only within one line.
_PAIRS: Final = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST_BORROW", "LOAD_FAST_BORROW"),
}
#: Instructions that do nothing but help the interpreter; they depend on the layout.
_IDLE: Final = frozenset({"NOP", "RESUME", "EXTENDED_ARG", "CACHE", "PRECALL"})


def code_hash(fn: Callable[..., Any]) -> str:
    """What a function does, as 32 hexadecimal digits.

    Covers its instructions, defaults, the values it closes over, and the functions and
    classes of its own module that it uses. Library functions count by name and version.
    Options of a `@task` or `@flow` around it do not count.

    Raises:
        HashError: A default or a value it closes over cannot be hashed.
    """
    name = getattr(fn, "__name__", type(fn).__name__)
    return content_hash(plain_function(fn), name=f"function {name!r}")


def plain_function(fn: Any) -> Any:
    """The function inside what decorates it: a task, a flow, a compiled function."""
    if isinstance(fn, (_Function, type)):
        return fn
    for attribute in ("fn", "py_func", "__wrapped__"):
        try:
            inner = getattr(fn, attribute, None)
        except Exception:  # noqa: BLE001 - attributes of any global are the user's code
            return fn
        if isinstance(inner, _Function):
            return inner
    return fn


@register(_Function)
def function_parts(fn: types.FunctionType) -> Parts:
    """What a Python function is made of."""
    if is_library(fn.__module__):
        yield "", _library_name(fn.__module__, fn.__qualname__)
        return
    yield "", instructions_digest(fn.__code__)
    yield ".__defaults__", fn.__defaults__
    yield ".__kwdefaults__", fn.__kwdefaults__
    yield from closure_parts(fn)
    yield from _helpers(fn)


def closure_parts(fn: types.FunctionType) -> Iterator[Part]:
    """The values that a function closes over, by name."""
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
        try:
            yield f".{name}", plain_function(cell.cell_contents)
        except ValueError:  # not assigned yet
            yield f".{name}", None


def _helpers(fn: types.FunctionType) -> Iterator[Part]:
    """Functions and classes of the same module that the code names."""
    for name in sorted(_global_names(fn.__code__)):
        used = plain_function(fn.__globals__.get(name))
        own = getattr(used, "__module__", None) == fn.__module__
        if own and isinstance(used, (types.FunctionType, type)):
            yield f".{name}", used


def _global_names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names


@functools.lru_cache(maxsize=4096)
def instructions_digest(code: types.CodeType) -> bytes:
    """A digest of the instructions with their names and constants, not their numbers."""
    state = hashlib.blake2b(digest_size=16)
    state.update(repr(_signature(code)).encode("utf-8", "surrogatepass"))
    places = _places(code)
    state.update(repr(_handlers(code, places)).encode())
    for instruction in dis.get_instructions(code):
        for name, operand in _steps(instruction, places):
            state.update(f"\n{name} {operand}".encode("utf-8", "surrogatepass"))
    return state.digest()


def _steps(instruction: dis.Instruction, places: dict[int, int]) -> Iterator[tuple[str, str]]:
    """What an instruction does: nothing, one thing, or two that the compiler drew together."""
    pair = _PAIRS.get(instruction.opname)
    if pair is not None:
        yield from zip(pair, map(str, instruction.argval), strict=True)
    elif instruction.opname not in _IDLE:
        yield instruction.opname, _operand(instruction, places)


def _handlers(code: types.CodeType, places: dict[int, int]) -> list[tuple[int, ...]]:
    """The ranges that `try` and `with` guard, counted in instructions that do something.

    The table itself counts bytes, and the layout of the source may leave idle ones.
    """
    offsets = sorted(places)

    def place(offset: int) -> int:
        return places[offsets[bisect_left(offsets, offset)]] if offset <= offsets[-1] else -1

    return [
        (place(entry.start), place(entry.end), place(entry.target), entry.depth, entry.lasti)
        for entry in dis._parse_exception_table(code)  # type: ignore[attr-defined] # noqa: SLF001
    ]


def _places(code: types.CodeType) -> dict[int, int]:
    """How many working instructions come before each offset."""
    places, count = {}, 0
    for instruction in dis.get_instructions(code):
        places[instruction.offset] = count
        count += 2 if instruction.opname in _PAIRS else instruction.opname not in _IDLE
    return places


def _signature(code: types.CodeType) -> tuple[Any, ...]:
    arguments = code.co_argcount + code.co_kwonlyargcount
    kinds = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR
    kinds |= inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    return code.co_name, counts, code.co_varnames[:arguments], code.co_flags & kinds


def _operand(instruction: dis.Instruction, places: dict[int, int]) -> str:
    value = instruction.argval
    if isinstance(value, types.CodeType):
        return instructions_digest(value).hex()
    if instruction.opcode in dis.hasconst:
        return content_hash(value)
    if instruction.opcode in {*dis.hasjrel, *dis.hasjabs}:
        return f"to {places.get(value, value)}"
    return f"{instruction.arg if value is None else value}"


# ── callables around functions ───────────────────────────────────────────────────────────


@register(types.MethodType)
def _method(value: types.MethodType) -> Parts:
    yield ".__func__", value.__func__
    yield ".__self__", value.__self__


@register(types.BuiltinFunctionType)
def _builtin(value: Any) -> Parts:
    owner = value.__self__
    yield "", f"{value.__module__}.{value.__qualname__}".encode()
    if owner is not None and not isinstance(owner, types.ModuleType):
        yield ".__self__", owner


@register(functools.partial)
def _partial(value: functools.partial[Any]) -> Parts:
    yield ".func", value.func
    yield ".args", value.args
    yield ".keywords", value.keywords


@register(operator.itemgetter, operator.attrgetter, operator.methodcaller)
def _getter(value: Any) -> Parts:
    yield "", value.__reduce__()[1]


@register(types.ModuleType)
def _module(value: types.ModuleType) -> Parts:
    yield "", value.__name__.encode()
    yield ".__version__", str(getattr(value, "__version__", ""))


@register(staticmethod, classmethod)
def _wrapper(value: Any) -> Parts:
    yield ".__func__", value.__func__


@register(property)
def _property(value: property) -> Parts:
    yield ".fget", value.fget
    yield ".fset", value.fset
    yield ".fdel", value.fdel


@register(functools.cached_property)
def _cached_property(value: functools.cached_property[Any]) -> Parts:
    yield ".func", value.func


# ── classes ──────────────────────────────────────────────────────────────────────────────

_MEMBERS: Final = (
    types.FunctionType,
    staticmethod,
    classmethod,
    property,
    functools.cached_property,
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    tuple,
)
#: Set by the class statement and the interpreter, not by what the class does.
_BOOKKEEPING: Final = frozenset(
    {"__module__", "__qualname__", "__doc__", "__firstlineno__", "__static_attributes__"}
)


def class_parts(kind: type) -> Parts:
    """What a class is made of: bases, methods, simple class attributes."""
    yield "", type_name(kind).encode()
    if is_library(kind.__module__):
        return
    for base in kind.__bases__:
        yield "bases ", base
    members = vars(kind)
    for name in sorted(members):
        if name not in _BOOKKEEPING and isinstance(members[name], _MEMBERS):
            yield f".{name}", members[name]


register(type)(class_parts)


# ── libraries ────────────────────────────────────────────────────────────────────────────


#: Folders that hold nothing but installed packages, whoever's they are.
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def _library_name(module: str | None, name: str) -> bytes:
    return f"{module}.{name} ".encode() + library_version(module)


def library_version(module: str | None) -> bytes:
    """The version of the package that a module belongs to, when it says."""
    package = (module or "").partition(".")[0]
    return str(getattr(sys.modules.get(package), "__version__", "")).encode()


def is_library(module: str | None) -> bool:
    """Whether a module was installed, rather than written by the user.

    A module that is not loaded is looked for as an import would, without loading it.
    """
    if module is None or module == "__main__":
        return False
    package = module.partition(".")[0]
    if package in sys.stdlib_module_names or package == "nbflow":
        return True
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _is_installed(getattr(loaded, "__file__", None))
    spec = PathFinder.find_spec(package)
    return _is_installed(spec.origin if spec else None)


@functools.lru_cache(maxsize=4096)
def _is_installed(file: str | None) -> bool:
    if file is None:
        return False
    path = Path(file)
    installed = not _INSTALLED.isdisjoint(path.parts)
    return installed or any(path.is_relative_to(root) for root in _roots())


@functools.cache
def _roots() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
