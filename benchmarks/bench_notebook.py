"""What running a notebook costs, beside bare nbclient on the same machine at the same time.

python benchmarks/bench_notebook.py             300 trivial cells, alternating rounds
python benchmarks/bench_notebook.py --processes the same as whole processes
python benchmarks/bench_notebook.py --floods    what floods of output cost
python benchmarks/bench_notebook.py --profile   where this process's time goes
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CELLS = 300
BARE = """
import nbformat, sys
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
NotebookClient(nb, kernel_name="python3").execute()
nbformat.write(nb, sys.argv[2])
"""
OURS = """
import sys
from nbflow.notebooks.execute import run_notebook
run_notebook(sys.argv[1], output=sys.argv[2])
"""


def make_notebook(path: Path, sources: list[str]) -> Path:
    """Write a notebook of these code cells."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    nb = new_notebook(cells=[new_code_cell(source) for source in sources])
    path.write_text(nbformat.writes(nb), encoding="utf-8")
    return path


def bare(source: Path, output: Path) -> None:
    """nbclient as anyone would use it."""
    import nbformat
    from nbclient import NotebookClient

    nb = nbformat.read(source, 4)
    NotebookClient(nb, kernel_name="python3").execute()
    nbformat.write(nb, output)


def ours(source: Path, output: Path) -> None:
    """nbflow: papermill, events, incremental saves, guard and all."""
    from nbflow.notebooks.execute import run_notebook

    run_notebook(source, output=output)


def as_process(code: str) -> Callable[[Path, Path], None]:
    """The same in a process of its own, imports included."""

    def run(source: Path, output: Path) -> None:
        subprocess.run([sys.executable, "-c", code, str(source), str(output)], check=True)

    return run


def seconds(work: Callable[[Path, Path], None], source: Path) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    work(source, source.with_name("out.ipynb"))
    return time.perf_counter() - began


def compare(names: dict[str, Callable[[Path, Path], None]], source: Path, rounds: int) -> None:
    """Alternate the contestants, and print medians and their ratio."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, work in names.items():
            times[name].append(seconds(work, source))
    medians = {name: statistics.median(values) for name, values in times.items()}
    reference, own = medians.values()
    paired = [b / a for a, b in zip(*times.values(), strict=True)]
    print(json.dumps({n: [round(t, 2) for t in values] for n, values in times.items()}))
    print({n: f"{m:.2f} s" for n, m in medians.items()})
    print(f"ratio of medians {own / reference:.2f}, of pairs {statistics.median(paired):.2f}")


FLUSHED = """
import sys
for number in range(20000):
    sys.stdout.write("x" * 99 + "\\n"); sys.stdout.flush()
"""
FLOODS = {
    "5,000 displays": ["for i in range(5000): display(i)"],
    "20,000 flushed writes": [FLUSHED],
    "1,000,000 prints": ["for i in range(1_000_000): print('line', i)"],
    "one line of 100 MB": ["print('x' * 100_000_000)"],
    "100 cells": ["0"] + ["1"] * 100,
    "20 MB of output, then 100 cells": [
        "from IPython.display import HTML, display\ndisplay(HTML('y' * 20_000_000))"
    ]
    + ["1"] * 100,
}


def floods(folder: Path) -> None:
    """Time, size and completeness of heavy output."""
    from nbflow.notebooks.execute import run_notebook

    for name, sources in FLOODS.items():
        source, output = make_notebook(folder / "flood.ipynb", sources), folder / "out.ipynb"
        began = time.perf_counter()
        outcome = run_notebook(source, output=output)
        wall = time.perf_counter() - began
        first, last = outcome.cells[0], outcome.cells[-1]
        print(
            f"{name}: {wall:.1f} s, cell 1 {(first.ended - first.started).total_seconds():.1f} s, "
            f"the rest {(last.ended - first.ended).total_seconds():.2f} s, "
            f"notebook {output.stat().st_size / 1e6:.1f} MB, {outcome.outcome}"
        )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", action="store_true")
    parser.add_argument("--floods", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = make_notebook(folder / "cells.ipynb", [f"x = {n}" for n in range(asked.cells)])
        if asked.floods:
            floods(folder)
        elif asked.processes:
            compare(
                {"nbclient": as_process(BARE), "nbflow": as_process(OURS)}, source, asked.rounds
            )
        elif asked.profile:
            profile = cProfile.Profile()
            profile.runcall(ours, source, folder / "out.ipynb")
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        else:
            compare({"nbclient": bare, "nbflow": ours}, source, asked.rounds)


if __name__ == "__main__":
    main()
