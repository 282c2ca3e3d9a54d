"""What it costs a run to be followed. Run: python benchmarks/bench_feed.py [TASKS] [PAIRS]."""

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from typing import Self

os.environ.setdefault("NBFLOW_HOME", tempfile.mkdtemp())
os.environ["NBFLOW_LOGGING_TO_CONSOLE"] = "false"

from nbflow import flow, get_run_logger, task
from nbflow.drawing import layout
from nbflow.feed import Look, RunFeed, live_graph
from nbflow.runs import list_runs
from nbflow.store import open_store
from nbflow.widgets.pump import REST


@task
def nothing(number: int) -> int:
    if number % 10 == 0:
        get_run_logger().info("number %s", number)
    return number


@flow
def followed(count: int) -> None:
    """One map, and a little around it."""
    for future in nothing.map(range(count)):
        future.wait()


class Follower:
    """Follows the newest run as the views of a notebook do: at a pace that follows the cost."""

    def __init__(self) -> None:
        self.messages = self.bytes = 0
        self.work = 0.0  # seconds of the processor while the run went on
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.work = time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        store, known = open_store(), {run.id for run in list_runs(limit=1)}
        while not (found := [run for run in list_runs(limit=1) if run.id not in known]):
            time.sleep(0.005)
        feed = RunFeed(store, found[0].id)
        self._send(feed.update(Look()))  # somebody waits for it: no pause
        while not (self._stop.is_set() or feed.settled):
            before = time.thread_time() - feed.paced_seconds
            self._send(feed.update(Look()))
            took = time.thread_time() - feed.paced_seconds - before
            self._stop.wait(max(0.1, REST * took))

    def _send(self, update: dict | None) -> None:
        if update is not None:
            self.messages += 1
            self.bytes += len(json.dumps(update))


def seconds(count: int) -> tuple[float, float]:
    """How long it takes, and the processor's time of this process meanwhile."""
    began, worked = time.perf_counter(), time.process_time()
    followed(count)
    return time.perf_counter() - began, time.process_time() - worked


def counted(module, name: str, calls: dict) -> None:
    """Count the calls of a function."""
    real = getattr(module, name)

    def counting(*args, **kwargs):
        calls[name] = calls.get(name, 0) + 1
        return real(*args, **kwargs)

    setattr(module, name, counting)


def main(count: int = 10_000, pairs: int = 5) -> None:
    calls: dict[str, int] = {}
    counted(live_graph, "graph_of_run", calls)
    counted(layout, "run_graphviz", calls)
    with Follower():  # what is imported once is not counted
        seconds(500)
    alone, watched, followers = [], [], []
    for number in range(pairs):
        for is_watched in (number % 2, 1 - number % 2):
            if not is_watched:
                alone.append(seconds(count))
                continue
            with Follower() as follower:
                watched.append(seconds(count))
            followers.append(follower)
    for name, place in (("seconds", 0), ("processor's seconds", 1)):
        before, after = [each[place] for each in alone], [each[place] for each in watched]
        ratios = [b / a for a, b in zip(before, after, strict=True)]
        print(f"{count} tasks, {name}")
        print(f"  alone     {statistics.median(before):8.2f}   {spread(before)}")
        print(f"  followed  {statistics.median(after):8.2f}   {spread(after)}")
        print(f"  ratio     {statistics.median(ratios):8.3f}   {spread(ratios)}")
    work = statistics.median(f.work for f in followers)
    share = work / statistics.median(each[1] for each in alone)
    print(f"work of the follower   {work:8.3f} s, {share:.1%} of the run's own")
    print(f"messages               {statistics.median(f.messages for f in followers):8.0f}")
    print(f"bytes                  {statistics.median(f.bytes for f in followers):8.0f}")
    print(f"in {pairs} runs: {calls}")


def spread(values: list[float]) -> str:
    return "  ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
