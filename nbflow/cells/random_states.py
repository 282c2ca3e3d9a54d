"""What a cell does to the random generators that a whole process shares.

This module decides when values that were drawn from `random`, `numpy.random` or `torch` may
stand for values drawn now: when the generators stand where they stood, or the cell seeds
them itself. It must not know keys, pickles or the engine.

Generators of the notebook's own (`rng = np.random.default_rng(0)`) are values like others.
"""

from __future__ import annotations

import ast
import importlib
import random  # noqa: F401 - loaded, so that its state is always told
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nbflow.exceptions import NotKept
from nbflow.hashing import content_hash
from nbflow.hashing.syntax import parse


@dataclass(frozen=True, slots=True)
class _Generator:
    """One of the generators: in which module it is, how it is read and set."""

    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]


_GENERATORS: Final = (
    _Generator("random", lambda module: module.getstate(), lambda module, s: module.setstate(s)),
    _Generator(
        "numpy.random", lambda module: module.get_state(), lambda module, s: module.set_state(s)
    ),
    _Generator(
        "torch",
        lambda module: module.get_rng_state().numpy().tobytes(),
        lambda module, s: module.set_rng_state(module.frombuffer(bytearray(s), dtype=module.uint8)),
    ),
)


@dataclass(frozen=True, slots=True)
class Draws:
    """That a run drew from shared generators: where they stood, and where it left them."""

    #: By module: a digest of the state; empty when the module was not loaded.
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `NotKept` when values drawn then are not those that would be drawn now."""
        now = positions()
        for module, digest in self.before.items():
            if now.get(module, "") != digest:
                raise NotKept(
                    f"the cell draws random numbers from {module}, which stands elsewhere now. "
                    "To have it restored, seed it on the cell's first lines, or use a generator "
                    "of its own."
                )

    def leave(self) -> None:
        """Leave the generators as the run left them."""
        for each in _GENERATORS:
            if each.module in self.after:
                each.write(importlib.import_module(each.module), self.after[each.module])


def positions() -> dict[str, str]:
    """A digest of each generator's state, as far as its module is loaded."""
    return {name: content_hash(state) for name, state in _states().items()}


def draws_since(before: Mapping[str, str], code: str) -> Draws | None:
    """What was drawn since `before`; None when nothing was."""
    states, now = _states(), positions()
    seeded = seeds(code)
    # A generator that came with its module during the run began anywhere, unless it was seeded.
    known = seeded | before.keys()
    moved = [name for name in now if name in known and now[name] != before.get(name)]
    if not moved:
        return None
    return Draws(
        {name: before[name] for name in moved if name not in seeded},
        {name: states[name] for name in moved},
    )


def _states() -> dict[str, Any]:
    loaded = {each: sys.modules.get(each.module) for each in _GENERATORS}
    return {each.module: each.read(module) for each, module in loaded.items() if module}


def may_be_seeded(code: str, names: Mapping[str, Any]) -> bool:
    """Whether the numbers that a cell draws may be the same in every run of the notebook.

    Where nothing ever seeded, each run draws other numbers anyway, and kept ones are as good.
    Says yes unless the notebook's history, which has to hold this cell, shows otherwise.
    """
    history = names.get("In")
    lines = [line.strip() for line in code.splitlines()]
    plain = [line for line in lines if line and not set(line) & {"'", '"', "\\"}]
    if not isinstance(history, list) or not plain:
        return True
    text = "\n".join(str(each) for each in history)
    return plain[0] not in text or any(word in text for word in _SEEDING)


# ── seeding ──────────────────────────────────────────────────────────────────────────────

_SEEDING: Final = ("seed", "set_state", "setstate", "set_rng_state", "RandomState")
_SEEDS: Final = {
    ("random", "seed"): "random",
    ("np", "random", "seed"): "numpy.random",
    ("numpy", "random", "seed"): "numpy.random",
    ("torch", "manual_seed"): "torch",
}
_HARMLESS: Final = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Pass)


def seeds(code: str) -> frozenset[str]:
    """The generators that the first lines of the code seed, before anything can draw."""
    try:
        tree = parse(code)
    except (SyntaxError, ValueError):
        return frozenset()
    found = set()
    for statement in tree.body:
        seeded = _seeded_by(statement)
        if seeded is not None:
            found.add(seeded)
        elif not isinstance(statement, _HARMLESS) and not _is_plain_assignment(statement):
            break
    return frozenset(found)


def _seeded_by(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Expr(value=ast.Call(func=called, args=[argument, *_])):
            named = isinstance(argument, (ast.Constant, ast.Name))
            return _SEEDS.get(tuple(ast.unparse(called).split("."))) if named else None
    return None


def _is_plain_assignment(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and isinstance(
        statement.value, (ast.Constant, ast.Name)
    )
