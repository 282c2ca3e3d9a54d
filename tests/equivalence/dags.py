"""Random notebooks whose cells form any DAG, take random times, and sometimes fail.

The background run must be the sequential run: the same values, the same failed cells, and
readers of a failed cell fail too, naming it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.equivalence.modes import LOAD, SETTLE, values_of
from tests.equivalence.shell import run_jobs
from tests.equivalence.values import last_cell


@dataclass(frozen=True)
class Dag:
    """Cells, and what they must come to."""

    sources: list[str]
    #: The values at the end, of the cells that succeed.
    values: dict[str, int]
    #: The cells that fail by themselves.
    failing: set[int]
    #: Cell -> the failing cells above it that it needs, directly or through others.
    blocked: dict[int, set[int]]


@dataclass(frozen=True)
class Wrong:
    """What a background run gave and told otherwise; empty when all is well."""

    values: list[str]
    told: list[str]

    def __bool__(self) -> bool:
        return bool(self.values or self.told)


def random_dag(chance: random.Random, cells: int = 8) -> Dag:
    """Cells that add up what cells above made, all of them by the same temporary names."""
    sources, values, failing = [], {}, set()
    blocked: dict[int, set[int]] = {}
    for number in range(cells):
        above = chance.sample(range(number), min(number, chance.choice([0, 1, 1, 2, 3])))
        fails = chance.random() < 0.15
        lines = [f"import time\ntime.sleep({chance.choice([0, 0, 0.01, 0.05])})", "total = 1"]
        lines += [f"tmp = v{n}\ntotal += tmp * {n + 2}" for n in above]
        if fails:
            lines.append(f"raise ValueError('cell {number}')")
        lines.append(f"v{number} = total + {number}")
        culprits = {c for n in above for c in ({n} if n in failing else blocked.get(n, set()))}
        if culprits:
            blocked[number] = culprits
        elif fails:
            failing.add(number)
        else:
            values[f"v{number}"] = 1 + sum(values[f"v{n}"] * (n + 2) for n in above) + number
        sources.append("\n".join(lines))
    return Dag(sources, values, failing, blocked)


def run_dags(dags: list[Dag], folder: Path) -> list[Wrong]:
    """What is wrong with the background run of each."""
    jobs = [
        {
            "cells": [(f"%%task c{n} --submit\n{s}", True) for n, s in enumerate(dag.sources)],
            "before": LOAD,
            "settle": SETTLE,
            "after": last_cell(),
            "folder": str(folder / str(number)),
            "environ": {"NBFLOW_HOME": str(folder / f"home-{number}")},
        }
        for number, dag in enumerate(dags)
    ]
    return [check(dag, told) for dag, told in zip(dags, run_jobs(jobs), strict=True)]


def check(dag: Dag, told: dict[str, Any]) -> Wrong:
    """Compare a run with what the cells must come to."""
    if told.get("broken"):
        return Wrong([told["broken"]], [])
    return Wrong(_wrong_values(dag, told), _wrong_words(dag, told))


def _wrong_values(dag: Dag, told: dict[str, Any]) -> list[str]:
    held = values_of(told["last"]).get("values", {})
    found = {name: value for name, value in held.items() if name[0] == "v"}
    if found == {name: repr(value) for name, value in dag.values.items()}:
        return []
    return [f"expected {dag.values}, got {found}"]


def _wrong_words(dag: Dag, told: dict[str, Any]) -> list[str]:
    wrong = []
    text = _all_text(told)
    for number in dag.failing:
        if f"ValueError: cell {number}" not in text:
            wrong.append(f"the failure of cell {number} is not told")
    for number, culprits in dag.blocked.items():
        if not any(f"'c{culprit}'" in text for culprit in culprits):
            wrong.append(f"cell {number} names none of {culprits}")
    if text.count("UpstreamCellError") < len(dag.blocked):
        wrong.append(f"{len(dag.blocked)} cells are blocked: {text[:2000]}")
    return wrong


def _all_text(told: dict[str, Any]) -> str:
    outputs = [o for cell in [*told["outputs"], told["settled"], told["last"]] for o in cell]
    parts = [(o.get("text", ""), *o.get("traceback", ())) for o in outputs]
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs]
    return "\n".join([*(line for part in parts for line in part), *shown])
