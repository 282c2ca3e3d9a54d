"""Whether the store's record of each run says what the executed notebook says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import compare

from nbflow.runs import Run, list_runs
from nbflow.states import StateType

#: The type of state in the store that a cell's word in the notebook goes with.
_TYPES = {
    "completed": StateType.COMPLETED,
    "skipped": StateType.COMPLETED,
    "stopped_early": StateType.COMPLETED,
    "failed": StateType.FAILED,
    "timed_out": StateType.FAILED,
    "cancelled": StateType.CANCELLED,
    "crashed": StateType.CRASHED,
}


def contradictions() -> Iterator[str]:
    """Where a run's record and its executed notebook differ, over the newest run of each."""
    seen: set[Path] = set()
    for run in list_runs(limit=10_000):
        if run.output is None or run.output in seen or not run.output.exists():
            continue
        seen.add(run.output)
        yield from (f"{run.output.parent.name}: {what}" for what in _of_run(run))


def _of_run(run: Run) -> Iterator[str]:
    states = [
        cell["metadata"].get("nbflow", {}).get("state")
        for cell in compare.cells_of(run.output)
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
    ]
    shown = Counter(_TYPES.get(state) for state in states if state in _TYPES)
    kept = Counter(
        task.state.type
        for task in run.task_runs
        if task.state.type in shown.keys() | set(_TYPES.values())
    )
    never = sum(state == "not_run" for state in states)
    if shown != kept:
        yield f"the notebook shows {dict(shown)}, the store {dict(kept)}"
    if len(run.task_runs) not in {len(states), len(states) - never}:
        yield f"{len(states)} cells, {len(run.task_runs)} task runs"
    ended_well = run.state.type is StateType.COMPLETED
    if ended_well and (StateType.FAILED in kept or StateType.CRASHED in kept):
        yield f"completed with {dict(kept)}"
