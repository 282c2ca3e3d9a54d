"""Notebooks that others wrote, through nbflow: `python tests/wild FOLDER [graphs|runs|speed]…`.

Fetches the source distributions of notebooks.txt into FOLDER, draws every notebook in them, runs
the chosen ones through papermill and nbflow, and measures some. Ends with 1 where nbflow breaks,
or says something else than papermill.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from fetch import fetch
from graphs import draw_all
from records import contradictions
from runs import NBFLOW, PAPERMILL, Verdict, environment, execute, judge

LIST: Final = Path(__file__).with_name("notebooks.txt")
#: Notebooks to measure: every so many of the list.
_EVERY: Final = 9
_ROUNDS: Final = 3


def main(arguments: list[str]) -> int:
    """Carry out the parts named, or all; 1 when something is wrong."""
    folder = Path(arguments[0]).absolute()
    os.environ["NBFLOW_HOME"] = str(folder / "home")
    distributions, chosen = _fetched(folder / "distributions")
    parts = {"graphs": lambda: _graphs(distributions), "runs": lambda: _runs(chosen, folder)}
    parts["speed"] = lambda: _speed(chosen[::_EVERY], folder)
    wrong = [name for name in arguments[1:] or parts if not parts[name]()]
    if wrong:
        print(f"Wrong in: {', '.join(wrong)}.")
    return bool(wrong)


def _fetched(folder: Path) -> tuple[list[Path], list[Path]]:
    """Every distribution, and the notebooks to run."""
    distributions: dict[str, Path] = {}
    chosen = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        requirement, _, notebook = line.partition(" ")
        if requirement not in distributions:
            name, _, version = requirement.partition("==")
            distributions[requirement] = fetch(name, version, folder)
        if notebook:
            chosen.append(_inside(distributions[requirement], notebook))
    return list(distributions.values()), chosen


def _inside(distribution: Path, notebook: str) -> Path:
    (root,) = (child for child in distribution.iterdir() if child.is_dir())
    return root / notebook


def _graphs(distributions: list[Path]) -> bool:
    notebooks = sorted(path for folder in distributions for path in folder.rglob("*.ipynb"))
    drawn = list(draw_all(notebooks))
    for one in drawn:
        if one.broken:
            print(f"{one.path}: exit {one.codes} {one.complaint} {'; '.join(one.misjudged)}")
    refused = sum(any(one.codes) for one in drawn)
    print(
        f"Drawn: {len(drawn)} notebooks, {sum(one.cells for one in drawn)} cells, of these "
        f"{sum(one.opaque for one in drawn)} no Python; {refused} refused in words; "
        f"the slowest took {max(one.seconds for one in drawn):.1f} s for three drawings."
    )
    return not any(one.broken for one in drawn)


def _runs(chosen: list[Path], folder: Path) -> bool:
    settings = environment(folder / "home", Path(sys.executable))
    verdicts = []
    for verdict in _verdicts(chosen, folder / "work", settings):
        print(verdict.words, flush=True)
        verdicts.append(verdict)
    wrong = sum(verdict.broken for verdict in verdicts)
    contradicting = list(contradictions())
    print(*contradicting, sep="\n")
    print(f"{len(verdicts) - wrong} passed, {wrong} failed")
    return not (wrong or contradicting)


def _verdicts(chosen: list[Path], work: Path, settings: dict[str, str]) -> Iterator[Verdict]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [work / str(number) for number in range(len(chosen))]
        yield from pool.map(judge, chosen, folders, [settings] * len(chosen))


def _speed(chosen: list[Path], folder: Path) -> bool:
    """Wall time of both commands, alternating."""
    settings = environment(folder / "home", Path(sys.executable))
    for path in chosen:
        seconds: dict[str, list[float]] = {PAPERMILL.name: [], NBFLOW.name: []}
        for _ in range(_ROUNDS):
            for tool in (PAPERMILL, NBFLOW):
                done = execute(tool, path, folder / "speed" / tool.name, settings)
                seconds[tool.name].append(done.seconds)
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        words = ", ".join(f"{name} {median:.2f} s" for name, median in medians.items())
        print(f"{path.stem}: {words}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
