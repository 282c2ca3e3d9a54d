"""Which arrows people see between the cells of a notebook.

This module decides which dependencies are worth an arrow, and with which names on it. It must
not know how dependencies are found.

A value's arrow starts at the cell that made it, or surely changed it last. It is left out only
where the same value already travels along other arrows. Settings, modules and functions are
no news: any longer path stands for their arrow. What the code may not really touch is dashed,
and drawn only between cells that no certain path joins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

Pair = tuple[int, int]


class _Edge(Protocol):
    @property
    def source(self) -> int: ...
    @property
    def target(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def certain(self) -> bool: ...


def arrows(edges: Iterable[_Edge], light: Mapping[int, frozenset[str]]) -> dict[Pair, Arrow]:
    """The arrows for data edges; `light` are, by cell, names that it binds to no data."""
    sure: dict[Pair, set[str]] = defaultdict(set)
    perhaps: dict[Pair, set[str]] = defaultdict(set)
    for edge in edges:
        (sure if edge.certain else perhaps)[edge.source, edge.target].add(edge.name)
    found = {pair: (names, True) for pair, names in _sure_arrows(sure, light).items()}
    for pair, names in _doubtful_arrows(perhaps, sure).items():
        found[pair] = (names, False)
    return {pair: (tuple(sorted(names - {""})), sure) for pair, (names, sure) in found.items()}


#: The names on an arrow, and whether they surely pass.
Arrow = tuple[tuple[str, ...], bool]


def _sure_arrows(
    sure: Mapping[Pair, set[str]], light: Mapping[int, frozenset[str]]
) -> dict[Pair, set[str]]:
    data: dict[str, list[Pair]] = defaultdict(list)
    for pair, names in sure.items():
        for name in names - light.get(pair[0], frozenset()):
            data[name].append(pair)
    kept: dict[Pair, set[str]] = defaultdict(set)
    for name, pairs in data.items():
        for pair in shortest(pairs):
            kept[pair].add(name)
    plain = [pair for pair in shortest(sure, kept) if pair not in kept]
    for pair in [*kept, *plain]:
        kept[pair] |= sure[pair] & light.get(pair[0], frozenset())
    return dict(kept)


def _doubtful_arrows(
    perhaps: Mapping[Pair, set[str]], sure: Mapping[Pair, set[str]]
) -> dict[Pair, set[str]]:
    known: dict[int, set[str]] = defaultdict(set)
    for (_, target), names in sure.items():
        known[target] |= names
    together = {*perhaps, *sure}
    return {pair: perhaps[pair] - known[pair[1]] for pair in shortest(together) if pair not in sure}


def shortest(pairs: Iterable[Pair], others: Iterable[Pair] = ()) -> list[Pair]:
    """Those pairs (earlier, later) that no longer path along all pairs implies."""
    sources: dict[int, list[int]] = defaultdict(list)
    wanted = set(pairs)
    for source, target in {*wanted, *others}:
        sources[target].append(source)
    reach: dict[int, int] = defaultdict(int)  # sets of cells are bits of an integer
    kept = []
    for target in sorted(sources):
        for source in sorted(sources[target], reverse=True):
            if not reach[target] >> source & 1 and (source, target) in wanted:
                kept.append((source, target))
            reach[target] |= reach[source] | 1 << source
    return kept
