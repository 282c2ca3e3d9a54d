"""`python -m tests.equivalence --seed N --runs M`: random notebooks in every mode, for long.

Each run takes a random notebook (statements of the search for unsound edges), a random DAG and
a random failure in one of the cases. The first line of every difference names the seed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.equivalence.cases import CASES, Cell
from tests.equivalence.compare import differences, tell
from tests.equivalence.dags import random_dag, run_dags
from tests.equivalence.modes import in_shells, on_kernels
from tests.equivalence.resuming import OUTSIDE, random_failure, resumed
from tests.unit.dataflow.test_soundness import SETUP, random_notebook, works

PER_ROUND = 10


def notebook(seed: int) -> list[Cell]:
    """A random notebook whose cells all succeed, and are no task cells yet."""
    cells = [s for s in random_notebook(random.Random(seed)) if "%%" not in s]
    return [Cell(source) for source in works([SETUP, *cells])]


def search_notebooks(seeds: range, folder: Path) -> int:
    """Random notebooks as task cells and in the background, against plain shells."""
    notebooks = [notebook(seed) for seed in seeds]
    expected = in_shells(notebooks, "plain", folder / "plain")
    found = 0
    for place, style in (("shell", "tasks"), ("shell", "background"), ("nbflow", "background")):
        part = folder / f"{place}-{style}"
        if place == "shell":
            got = in_shells(notebooks, style, part)
        else:
            got = on_kernels(notebooks, place, style, part)
        for seed, cells, old, new in zip(seeds, notebooks, expected, got, strict=True):
            sources = [cell.source for cell in cells]
            if lines := differences(old, new, sources):
                found += 1
                print(tell(f"seed {seed}: {style} by {place}", sources, lines), flush=True)
    return found


def search_dags(seeds: range, folder: Path) -> int:
    """Random DAGs with delays and failures."""
    dags = [random_dag(random.Random(seed), cells=12) for seed in seeds]
    found = 0
    for seed, dag, wrong in zip(seeds, dags, run_dags(dags, folder), strict=True):
        if wrong:
            found += 1
            print(tell(f"seed {seed}: DAG", dag.sources, [*wrong.values, *wrong.told]), flush=True)
    return found


def search_resumed(seed: int, folder: Path) -> int:
    """A case that fails at a random place and is resumed."""
    chance = random.Random(seed)
    name = chance.choice([name for name in CASES if name not in OUTSIDE])
    style, kernel = chance.choice(["tasks", "plain"]), chance.choice(["new", "auto"])
    cells, failure = CASES[name], random_failure(CASES[name], chance)
    expected = in_shells([cells], "plain", folder / "plain")[0]
    got, said = resumed(cells, style, failure, kernel, folder / f"run-{seed}")
    sources = [cell.source for cell in cells]
    if lines := differences(expected, got, sources):
        title = f"seed {seed}: {name!r}, {style}, {failure}, resumed on a {kernel} kernel"
        print(tell(title, sources, [*lines, said[-2000:]]), flush=True)
    return bool(lines)


def main() -> int:
    """Search; the exit code says whether any difference was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.equivalence", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--runs", type=int, default=20, help="how many of each kind")
    options = parser.parse_args()
    found = 0
    for first in range(options.seed, options.seed + options.runs, PER_ROUND):
        seeds = range(first, min(first + PER_ROUND, options.seed + options.runs))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.environ["NBFLOW_HOME"] = str(folder / "home")
            found += search_notebooks(seeds, folder / "notebooks")
            found += search_dags(seeds, folder / "dags")
            found += sum(search_resumed(s, folder / f"resumed-{s}") for s in seeds)
        print(f"seeds {seeds.start} to {seeds.stop - 1}: {found} differences so far", flush=True)
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
