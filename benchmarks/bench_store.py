"""What recording costs: run `python benchmarks/bench_store.py`.

A task run here is created, moved through Running and Completed, and logs one line. Caller:
CPU of the calling thread. Total: CPU of the whole process, writer thread included.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nbflow.models import (
    FlowRun,
    FlowRunFilter,
    LogRecord,
    RunKind,
    StateChange,
    TaskRun,
    new_id,
)
from nbflow.states import Completed, Failed, Pending, Running, StateType, now
from nbflow.store import SQLStore

TASK_RUNS = 5_000
FLOW_RUNS = 100_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print_row("import nbflow.store", import_seconds() * 1e3, "ms")
        opening(Path(folder))
        recording(Path(folder))
        flushing(Path(folder))
        listing(Path(folder))


def print_row(what: str, value: float, unit: str) -> None:
    print(f"{what:<44} {value:>9.2f} {unit}")


def open_at(path: Path) -> SQLStore:
    return SQLStore(f"sqlite:///{path}")


def import_seconds() -> float:
    code = "import time; t=time.perf_counter(); import nbflow.store; print(time.perf_counter()-t)"
    command = [sys.executable, "-c", code]
    runs = [
        float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(7)
    ]
    return min(runs)


def opening(folder: Path) -> None:
    for what, paths in (
        ("open, new database", [folder / f"new-{n}.db" for n in range(15)]),
        ("open, existing database", [folder / "new-0.db"] * 15),
    ):
        times = []
        for path in paths:
            began = time.perf_counter()
            store = open_at(path)
            times.append(time.perf_counter() - began)
            store.close()
        print_row(what, statistics.median(times) * 1e3, "ms")


def a_flow_run(number: int = 0) -> FlowRun:
    state = (Completed, Failed, Running)[number % 3]()
    return FlowRun(
        id=new_id(),
        name=f"calm-otter-{number}",
        flow_name=f"flow-{number % 50}",
        state=state,
        created=now(),
        parameters={"n": number},
        tags=frozenset({f"tag-{number % 100}", "all"}),
    )


Writes = tuple[TaskRun, StateChange, LogRecord, StateChange]


def writes_of(flow: FlowRun) -> Writes:
    run = TaskRun(
        id=new_id(),
        name="load-0",
        task_name="load",
        state=Pending(),
        created=now(),
        flow_run_id=flow.id,
        task_key="module.load",
    )
    return (
        run,
        StateChange(RunKind.TASK, run.id, Running(), 1, None, flow.id),
        LogRecord(flow.id, run.id, 20, "nbflow.task_runs", "Finished in state Completed()", now()),
        StateChange(RunKind.TASK, run.id, Completed(), 1, None, flow.id),
    )


def recording(folder: Path) -> None:
    caller, total = [], []
    for number in range(3):
        store = open_at(folder / f"recording-{number}.db")
        flow = a_flow_run()
        store.create_flow_run(flow)
        store.flush()
        writes = [writes_of(flow) for _ in range(TASK_RUNS)]
        gc.collect()
        began, thread = time.process_time(), time.thread_time()
        for run, running, line, done in writes:
            store.create_task_run(run)
            store.set_state(running)
            store.add_logs((line,))
            store.set_state(done)
        caller.append(time.thread_time() - thread)
        store.flush()
        total.append(time.process_time() - began)
        store.close()
    print_row("task run: caller", min(caller) / TASK_RUNS * 1e6, "µs")
    print_row(
        "task run: writer",
        min(t - c for t, c in zip(total, caller, strict=True)) / TASK_RUNS * 1e6,
        "µs",
    )
    print_row("task run: total CPU", min(total) / TASK_RUNS * 1e6, "µs")


def flushing(folder: Path) -> None:
    store = open_at(folder / "flushing.db")
    flow = a_flow_run()
    store.create_flow_run(flow)
    times = []
    for _ in range(300):
        store.create_task_run(writes_of(flow)[0])
        began = time.perf_counter()
        store.flush()
        times.append(time.perf_counter() - began)
    store.close()
    print_row("flush of one write", statistics.median(times) * 1e3, "ms")


def listing(folder: Path) -> None:
    store = open_at(folder / "listing.db")
    began = time.perf_counter()
    for number in range(FLOW_RUNS):
        store.create_flow_run(a_flow_run(number))
    store.flush()
    print_row("100,000 flow runs written", time.perf_counter() - began, "s")
    some = store.flow_runs(limit=1, offset=777)[0]
    queries: dict[str, Callable[[], object]] = {
        "newest 200 of 100,000": store.flow_runs,
        "newest 200, one state": lambda: store.flow_runs(
            FlowRunFilter(states=frozenset({StateType.FAILED}))
        ),
        "newest 200, two states": lambda: store.flow_runs(
            FlowRunFilter(states=frozenset({StateType.FAILED, StateType.RUNNING}))
        ),
        "newest 200, one flow": lambda: store.flow_runs(
            FlowRunFilter(flow_names=frozenset({"flow-7"}))
        ),
        "newest 200, a tag of 1,000 runs": lambda: store.flow_runs(
            FlowRunFilter(tags=frozenset({"tag-7"}))
        ),
        "newest 200, a tag of all runs": lambda: store.flow_runs(
            FlowRunFilter(tags=frozenset({"all"}))
        ),
        "newest 200, text in 1,100 names": lambda: store.flow_runs(FlowRunFilter(text="otter-77")),
        "newest 200, text in no name": lambda: store.flow_runs(FlowRunFilter(text="zebra")),
        "newest 200, before a date": lambda: store.flow_runs(
            FlowRunFilter(created_before=some.created)
        ),
        "count of one state": lambda: store.count_flow_runs(
            FlowRunFilter(states=frozenset({StateType.FAILED}))
        ),
        "count of all": store.count_flow_runs,
        "page at 90,000": lambda: store.flow_runs(offset=90_000),
        "find by name": lambda: store.find_flow_run(some.name),
        "find by end of id": lambda: store.find_flow_run(some.id.hex[-12:]),
    }
    for what, query in queries.items():
        times = []
        for _ in range(5):
            began = time.perf_counter()
            query()
            times.append(time.perf_counter() - began)
        print_row(what, statistics.median(times) * 1e3, "ms")
    store.close()


if __name__ == "__main__":
    main()
