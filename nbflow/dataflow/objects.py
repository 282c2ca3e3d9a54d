"""What is remembered of names, objects and cells while a notebook is linked.

This module decides what there is to remember; it must not know what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .edges import Why
from .records import CellAnalysis, Effects


@dataclass(slots=True, eq=False)
class Object:
    """What one or several names hold; they may share it, or parts of it."""

    names: set[str] = field(default_factory=set)
    readers: set[int] = field(default_factory=set)
    #: Cell -> name through which it changed the object -> whether it surely did.
    mutators: dict[int, dict[str, bool]] = field(default_factory=dict)
    #: Bodies of code that it may hold, by identity.
    code: dict[int, Effects] = field(default_factory=dict)
    merged_into: Object | None = None


@dataclass(slots=True)
class Variable:
    """One name while the notebook runs."""

    object: Object
    #: Cells that may have bound (or deleted) it, the last sure one first.
    definers: list[int] = field(default_factory=list)
    #: Cells that read it since the last sure binding.
    readers: set[int] = field(default_factory=set)
    #: Those among both that use the notebook's own namespace while they run.
    in_place: set[int] = field(default_factory=set)
    #: The function that it surely is.
    function: Effects | None = None
    #: The module or module member that it surely stands for.
    origin: str = ""
    #: True when it surely holds something that nothing can change in place.
    constant: bool = False
    #: True when reading it may use it up.
    oneshot: bool = False
    bound: bool = False


@dataclass(slots=True)
class Run:
    """What one cell does, the code that it calls included."""

    index: int
    analysis: CellAnalysis
    #: Name -> whether the cell's own code reads it.
    reads: dict[str, bool] = field(default_factory=dict)
    writes: set[str] = field(default_factory=set)
    mutates: dict[str, bool] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    #: Names changed or bound by called functions.
    touched: set[str] = field(default_factory=set)
    #: Names that those may share objects with afterwards.
    kept: set[str] = field(default_factory=set)
    #: Functions whose results are changed.
    changes: set[str] = field(default_factory=set)
    ambiguous: bool = False
    #: Names that called functions read; they find them in the notebook's own namespace.
    looked_up: set[str] = field(default_factory=set)
    #: The names that it binds or deletes, and what they were before.
    replaced: dict[str, Variable] = field(default_factory=dict)
    #: Why it follows earlier cells, with the names.
    follows: dict[Why, dict[int, set[str]]] = field(
        default_factory=lambda: {why: {} for why in Why}
    )
