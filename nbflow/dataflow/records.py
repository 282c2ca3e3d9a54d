"""What is known about one cell, as frozen records of plain names.

This module decides the vocabulary that the analysis of cells and the graph share. It must not
know how the facts are found, nor what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Names = frozenset[str]
NONE: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Effects:
    """What running a function's (class's, lambda's, generator's) body may do to the namespace.

    A body runs later than it is written, so these count where it may be called, not where it
    is defined. Nested functions are included.
    """

    #: Global names it reads; builtins stand in `builtins`.
    reads: Names = NONE
    #: Global names it binds or deletes (`global x`).
    writes: Names = NONE
    #: Global names whose object it changes in place.
    mutates: Names = NONE
    #: Global names whose object it hands to code that may change it.
    may_mutate: Names = NONE
    #: Names of builtins it reads; they are globals when some cell defines them.
    builtins: Names = NONE
    #: Dotted names it calls or looks up (`np.random.seed`).
    calls: Names = NONE
    #: Names whose object its result may share.
    returns: Names = NONE
    #: Names of functions whose result its result may be.
    results: Names = NONE
    #: Names that what it changes may share with afterwards.
    keeps: Names = NONE
    #: Functions whose results it may change in place.
    changes: Names = NONE
    #: True when its result may hold code of its own: a closure, an instance.
    carries: bool = False
    #: True when its result can be consumed only once, as a generator's.
    generator: bool = False
    #: True when it holds locals of the functions around it.
    closure: bool = False
    #: For the arguments that it changes at most by handing them on, the callees (`sort(0)`).
    #: Slots are positions and parameter names; what stands in none may be changed.
    hands: Mapping[str, Names] = field(default_factory=dict, hash=False)
    #: Why its reads or writes cannot be known (`exec`, `globals()`…).
    ambiguous: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """True when running the code, with whatever arguments, cannot matter to any name."""
        return self.hands.get(ANY) == NONE and not (
            self.carries
            or self.generator
            or self.closure
            or self.ambiguous
            or any(getattr(self, name) for name in EFFECT_SETS if name != "calls")
        )

    def handing(self, slot: str) -> Names | None:
        """The callees that get the argument in a slot; None when it may be changed anyhow."""
        if slot == ANY:
            return self.hands.get(ANY)
        rest = "*" if slot.isdigit() else "**"
        return self.hands.get(slot, self.hands.get(rest))


def merge_effects(several: Iterable[Effects]) -> Effects:
    """What running any of several bodies may do."""
    parts = list({id(part): part for part in several if part is not _NOTHING}.values())
    if len(parts) < 2:  # noqa: PLR2004  nothing to merge
        return parts[0] if parts else _NOTHING
    sets = {name: NONE.union(*(getattr(part, name) for part in parts)) for name in EFFECT_SETS}
    slots = set(parts[0].hands).intersection(*(part.hands for part in parts))
    return Effects(
        **sets,
        carries=any(part.carries for part in parts),
        generator=any(part.generator for part in parts),
        closure=any(part.closure for part in parts),
        hands={slot: NONE.union(*(part.hands[slot] for part in parts)) for slot in sorted(slots)},
        ambiguous=tuple(dict.fromkeys(reason for part in parts for reason in part.ambiguous)),
    )


EFFECT_SETS = (
    "reads",
    "writes",
    "mutates",
    "may_mutate",
    "builtins",
    "calls",
    "returns",
    "results",
    "keeps",
    "changes",
)
_NOTHING = Effects()

#: The slot of a callee that may get an object as any argument.
ANY = "any"
#: The slot of an object whose method is called.
RECEIVER = "."
#: The slot of an object that is called itself; such a callee has no path.
ITSELF = "self!"

#: Why a cell keeps its place although its code hides nothing.
ENTANGLED = "too entangled to be followed"


def slot_of(callee: str) -> tuple[str, str]:
    """The path and the slot of a callee: `np.sort` and `0` for `np.sort(0)`."""
    path, bracket, slot = callee.rpartition("(")
    return (path, slot.removesuffix(")")) if bracket else (callee, "")


@dataclass(frozen=True, slots=True)
class CellAnalysis:
    """What one cell reads, binds and may change, as far as its code tells.

    All names are names of the notebook's namespace (module-level globals).
    """

    #: Names that the cell binds, surely or on some path.
    defs: Names = NONE
    #: Those of `defs` that are bound whenever the cell ends normally.
    sure_defs: Names = NONE
    #: Names that the cell deletes, surely or on some path.
    deletes: Names = NONE
    #: Those of `deletes` that are gone whenever the cell ends normally.
    sure_deletes: Names = NONE
    #: Names read, while the cell runs, before the cell has surely bound them.
    refs: Names = NONE
    #: Builtins read like `refs`; they come from an earlier cell when one defines them.
    builtins: Names = NONE
    #: Names whose object is surely changed in place (`x[0] = 1`, `x.append(1)`, `x += y`).
    mutates: Names = NONE
    #: Names whose object is handed to code that may change it (`f(x)`, `x.method()`).
    may_mutate: Names = NONE
    #: For the names in `may_mutate`: the callees as written, and the slot in which the object is
    #: handed over (`np.sort(0)`, `train(df)`; `x.sort(.)` for a receiver); "" when not a name.
    mutated_by: Mapping[str, Names] = field(default_factory=dict)
    #: Imported names and what they stand for (`np` -> `numpy`, `sin` -> `math.sin`).
    imports: Mapping[str, str] = field(default_factory=dict)
    #: Names that carry code (functions, classes, lambdas…) and what that code may do.
    functions: Mapping[str, Effects] = field(default_factory=dict)
    #: Name -> names whose object its value may share; True: as the very object or a part of it.
    flows: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    #: Name -> functions and classes whose result it may hold.
    results: Mapping[str, Names] = field(default_factory=dict)
    #: Functions whose results the cell may change in place.
    changes: Names = NONE
    #: Nameless code (lambdas) handed to calls, which may keep it.
    handed: Effects = Effects()
    #: Names bound to values that cannot be changed in place (numbers, strings…) and nothing else.
    constants: Names = NONE
    #: Names that surely hold an object of a library, and what made it (`pandas.DataFrame()`).
    made: Mapping[str, str] = field(default_factory=dict)
    #: Names that may be bound to something that reading uses up (generators, open files…).
    oneshot: Names = NONE
    #: Names handed to some call as an argument.
    passed: Names = NONE
    #: Dotted names called (`np.random.seed`); the graph looks for known shared state in them.
    calls: Names = NONE
    #: Names that shell lines and magics interpolate (`!ls $folder`) or that SQL may mean; missing
    #: ones are no error.
    interpolated: Names = NONE
    #: Why reads or writes cannot be known; such a cell keeps its place among the others.
    ambiguous: tuple[str, ...] = ()
    #: True when the cell acts outside Python (shell lines, `%%bash`), so that its place matters.
    external: bool = False
    #: The cell magic's name, without `%%`; empty for plain cells.
    magic: str = ""
    #: The rest of the cell magic's line, as written.
    magic_line: str = ""
    #: Why the cell is opaque: it is not valid Python, as "line N: message".
    parse_error: str | None = None

    @property
    def uses(self) -> Names:
        """Every global name that the cell's code mentions: `refs`, and what its functions read."""
        late = [effects.reads - self.sure_defs for effects in self.functions.values()]
        return self.refs.union(*late)

    @property
    def opaque(self) -> bool:
        """True when nothing is known about what the cell reads and binds."""
        return self.parse_error is not None

    @property
    def light(self) -> Names:
        """Names bound to settings, modules, functions or classes, not to data."""
        plain = self.functions.keys() - self.flows.keys() - self.results.keys()
        return self.constants | self.imports.keys() | plain

    def function(self, name: str) -> Effects | None:
        """What calling the name does, if it surely is a function of this cell."""
        others = (self.flows, self.results, self.imports)
        if name not in self.sure_defs or any(name in other for other in others):
            return None
        return self.functions.get(name)

    def unsure(self) -> CellAnalysis:
        """The same cell when it may stop anywhere: nothing is surely bound or gone."""
        return self.with_(
            sure_defs=NONE,
            sure_deletes=NONE,
            defs=self.defs | self.deletes,
            mutates=NONE,
            may_mutate=self.may_mutate | self.mutates,
            mutated_by={**self.mutated_by, **{name: frozenset({""}) for name in self.mutates}},
            constants=NONE,
            made={},
        )

    def because(self, reason: str) -> CellAnalysis:
        """The same cell, with a reason why it keeps its place."""
        return self.with_(ambiguous=tuple(dict.fromkeys((*self.ambiguous, reason))))

    def with_(self, **changes: Any) -> CellAnalysis:
        """A copy with some fields changed."""
        return replace(self, **changes)


def to_json(analysis: CellAnalysis) -> dict[str, Any]:
    """The analysis as plain JSON data, names sorted."""
    return {name: _plain(getattr(analysis, name)) for name in CellAnalysis.__dataclass_fields__}


def from_json(data: Mapping[str, Any]) -> CellAnalysis:
    """The analysis that `to_json` wrote."""
    sets: dict[str, Any] = {name: frozenset(data[name]) for name in _SET_FIELDS}
    functions = {name: _effects(item) for name, item in data["functions"].items()}
    mutated_by, results = (
        {name: frozenset(names) for name, names in data[key].items()}
        for key in ("mutated_by", "results")
    )
    rest = {name: data[name] for name in ("imports", "made", "flows", "external", "parse_error")}
    texts = {name: data[name] for name in ("magic", "magic_line")}
    return CellAnalysis(
        **sets,
        **rest,
        **texts,
        functions=functions,
        mutated_by=mutated_by,
        results=results,
        handed=_effects(data["handed"]),
        ambiguous=tuple(data["ambiguous"]),
    )


_SET_FIELDS = (
    "defs",
    "sure_defs",
    "deletes",
    "sure_deletes",
    "refs",
    "builtins",
    "mutates",
    "may_mutate",
    "constants",
    "oneshot",
    "passed",
    "calls",
    "interpolated",
    "changes",
)


def _effects(data: Mapping[str, Any]) -> Effects:
    return Effects(
        **{key: frozenset(data[key]) for key in EFFECT_SETS},
        carries=data["carries"],
        generator=data["generator"],
        closure=data["closure"],
        hands={slot: frozenset(callees) for slot, callees in data["hands"].items()},
        ambiguous=tuple(data["ambiguous"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Effects):
        return {name: _plain(getattr(value, name)) for name in Effects.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    return value
