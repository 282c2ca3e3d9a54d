"""What the engine costs: start-up, tasks, processes. Run: python benchmarks/bench_engine.py."""

import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("NBFLOW_HOME", tempfile.mkdtemp())
os.environ["NBFLOW_LOGGING_TO_CONSOLE"] = "false"

from nbflow import flow, task
from nbflow.task_runners import ProcessPoolTaskRunner

DEFINITIONS = "from nbflow import flow, task"
HELLO = "from nbflow import flow\n@flow\ndef hello(): return 1\nhello()"


@task
def nothing() -> None: ...


@flow
def direct(count: int) -> None:
    for _ in range(count):
        nothing()


@flow
def submitted(count: int) -> None:
    for _ in range(count):
        nothing.submit()


@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def in_process(count: int) -> None:
    for _ in range(count):
        nothing.submit()


def process_seconds(code: str) -> float:
    """The best of five processes."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
        times.append(time.perf_counter() - began)
    return min(times)


def seconds(run, count: int) -> float:
    """The best of three runs."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run(count)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    bare = process_seconds("pass")
    loaded = process_seconds(DEFINITIONS) - bare
    print(f"python itself                    {bare:8.3f} s")
    print(f"+ from nbflow import flow, task  {loaded:8.3f} s")
    print(f"hello-world process              {process_seconds(HELLO):8.3f} s")
    print(f"no-op task, called               {seconds(direct, 3000) / 3000 * 1000:8.3f} ms")
    print(f"no-op task, submitted            {seconds(submitted, 3000) / 3000 * 1000:8.3f} ms")
    print(f"first task in a process          {seconds(in_process, 1):8.3f} s")
    print(f"no-op task in a process          {seconds(in_process, 500) / 500 * 1000:8.3f} ms")


if __name__ == "__main__":
    main()
