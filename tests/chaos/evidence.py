"""What the runs' own code saw: a line for each sign of life, and what it must not show."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

#: The flow that is deployed: it tells of itself while it runs.
FLOW = """
import os, time
from nbflow import flow
from nbflow.runtime import flow_run

@flow
def sign(seconds: float, book: str):
    file = os.open(book, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    def write(word):
        os.write(file, f"{flow_run.id} {os.getpid()} {time.time():.6f} {word}\\n".encode())
    write("begin")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
        write("alive")
    write("end")
"""

#: Seconds by which two processes' lines may overlap: the last sign of one that was told to stop.
TOLERANCE = 0.25


@dataclass
class Execution:
    """One process that ran a run's code."""

    pid: int
    first: float
    last: float
    ended: bool = False


def read(book: Path) -> dict[str, list[Execution]]:
    """The executions of each run, in the order in which they began."""
    found: dict[str, dict[int, Execution]] = defaultdict(dict)
    for line in book.read_text().splitlines():
        run, pid, at, word = line.split()
        known = found[run].setdefault(int(pid), Execution(int(pid), float(at), float(at)))
        known.last = float(at)
        known.ended |= word == "end"
    return {run: sorted(each.values(), key=lambda e: e.first) for run, each in found.items()}


def overlaps(executions: list[Execution]) -> list[str]:
    """Where a run was executed by two processes at once."""
    return [
        f"{before.pid} was alive until {before.last:.3f}, {after.pid} began at {after.first:.3f}"
        for before, after in pairwise(executions)
        if after.first < before.last - TOLERANCE
    ]
