"""What two runs of one notebook gave, and how a difference between them is told."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """A run: each cell's normalised outputs, the values at the end, the cells that failed."""

    outputs: list[list[Any]]
    values: dict[str, Any]
    surroundings: dict[str, Any] = field(default_factory=dict)
    failed: tuple[int, ...] = ()
    #: Whether outputs are known by cell, as they are not without a kernel in the background.
    has_outputs: bool = True
    #: What kept the run from being one.
    broken: str = ""


def _lines(value: Any) -> list[str]:
    if isinstance(value, str) and "\n" in value:
        return value.split("\n")
    text = json.dumps(value, indent=1, ensure_ascii=False, default=repr, sort_keys=True)
    return text.split("\n")


def _difference(title: str, expected: Any, got: Any) -> list[str]:
    diff = difflib.unified_diff(_lines(expected), _lines(got), "expected", "got", lineterm="", n=1)
    return [title, *(f"    {line[:200]}" for line in list(diff)[2:40])]


_MISSING = "<not there>"


def differences(expected: Result, got: Result, sources: Sequence[str]) -> list[str]:
    """Lines that tell every difference; none when the runs are the same."""
    if got.broken or expected.broken:
        return [got.broken or f"the run to compare with: {expected.broken}"]
    told: list[str] = []
    if expected.failed != got.failed:
        told.append(f"failed cells: expected {expected.failed}, got {got.failed}")
    if got.has_outputs:
        told += _of_outputs(expected, got, sources)
    seeded = {kind for kind in ("random", "numpy.random") if _seeds(kind, sources)}
    for kind in ("values", "surroundings"):
        old, new = getattr(expected, kind), getattr(got, kind)
        for name in sorted(old.keys() | new.keys()):
            if kind == "surroundings" and "random" in name and name not in seeded:
                continue  # differs from process to process
            if old.get(name, _MISSING) != new.get(name, _MISSING):
                told += _difference(f"{name}:", old.get(name, _MISSING), new.get(name, _MISSING))
    return told


def _seeds(kind: str, sources: Sequence[str]) -> bool:
    call = "np.random.seed(" if kind == "numpy.random" else "\nrandom.seed("
    return any(call in f"\n{source}" for source in sources)


def _of_outputs(expected: Result, got: Result, sources: Sequence[str]) -> list[str]:
    told: list[str] = []
    if len(expected.outputs) != len(got.outputs):
        told.append(f"cells: expected {len(expected.outputs)}, got {len(got.outputs)}")
    for index, (old, new) in enumerate(zip(expected.outputs, got.outputs, strict=False)):
        if old != new:
            told += _difference(f"output of cell {index}: {sources[index][:100]!r}", old, new)
    return told


def tell(title: str, sources: Sequence[str], found: Sequence[str]) -> str:
    """A difference with its notebook, to be read by a person."""
    cells = "\n".join(f"[{n}] " + s.replace("\n", "\n    ") for n, s in enumerate(sources))
    return f"{title}\n{cells}\n\n" + "\n".join(found)
