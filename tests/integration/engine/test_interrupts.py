"""Whatever ends a program in the middle of a run: the record is honest, the process ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from nbflow import flow, get_run, task
from nbflow.task_runners import ProcessPoolTaskRunner, SequentialTaskRunner
from tests.waiting import until

HEAD = """
import os, sys, time, signal, threading
from pathlib import Path
from nbflow import flow, task
from nbflow.task_runners import *

def ready():
    Path("ready").touch()

def wait():
    ready()
    time.sleep(600)
"""

PLACES = {
    "a direct task": """
        @task
        def step(): wait()
        @flow
        def main(): step()
    """,
    "a submitted task": """
        @task
        def step(): wait()
        @flow
        def main(): step.submit().result()
    """,
    "a sequential task": """
        @task
        def step(): wait()
        @flow(task_runner=SequentialTaskRunner())
        def main(): step.submit()
    """,
    "a task in a process": """
        @task
        def step():
            Path("ready").touch()
            time.sleep(600)
        @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
        def main(): step.submit().result()
    """,
    "the wait before a retry": """
        @task(retries=1, retry_delay_seconds=600)
        def step():
            ready()
            raise ValueError
        @flow
        def main(): step()
    """,
    "the wait for a submitted retry": """
        @task(retries=1, retry_delay_seconds=600)
        def step():
            ready()
            raise ValueError
        @flow
        def main(): step.submit()
    """,
    "a subflow": """
        @task
        def step(): wait()
        @flow
        def child(): step()
        @flow
        def main(): child()
    """,
    "an async task": """
        import asyncio
        @task
        async def step():
            ready()
            await asyncio.sleep(600)
        @flow
        async def flow_main(): await step()
        def main(): asyncio.run(flow_main())
    """,
    "code that cannot be interrupted": """
        @task
        def step():
            ready()
            threading.Lock().acquire() or threading.Event().wait()
            time.sleep(600)
        @flow
        def main():
            step.submit()
            step.submit()
    """,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_stop_is_recorded_and_ends_the_process_at_once(
    place: str, number: signal.Signals, script: Any, record: Any, tmp_path: Any
) -> None:
    import textwrap

    source = HEAD + textwrap.dedent(PLACES[place]) + "\nmain()\n"
    process = script(source)
    until(lambda: _goes_on(process) and (tmp_path / "ready").exists(), "its readiness")
    time.sleep(0.1)
    process.send_signal(number)
    _out, err = process.communicate(timeout=120)  # what it does would take ten minutes
    final = "Cancelled" if number is signal.SIGINT else "Crashed"
    if number is signal.SIGTERM:
        assert process.returncode == 143, err
        assert "Traceback" not in err
    else:
        assert process.returncode in {130, -signal.SIGINT}, err
    assert {run.state.name for run in record.runs()} == {final}
    tasks = [t.state for run in record.runs() for t in run.task_runs]
    assert {state.name for state in tasks} <= {"Cancelled", "Crashed", "NotRun"}
    assert tasks


@pytest.mark.parametrize("how", ["direct", "submitted", "sequential"])
def test_sys_exit_in_a_task_crashes_it(how: str, record: Any) -> None:
    import sys

    @task
    def leave() -> None:
        sys.exit(3)

    @flow(task_runner=SequentialTaskRunner() if how == "sequential" else None)
    def main() -> None:
        if how == "direct":
            leave()
        else:
            leave.submit().result()

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 3
    assert record.tasks() == {"leave": "Crashed"}
    assert record.state() == "Crashed"


def test_a_custom_base_exception_crashes_and_is_not_retried(record: Any) -> None:
    class Special(BaseException):
        pass

    calls = []

    @task(retries=3)
    def special() -> None:
        calls.append(1)
        raise Special

    @flow
    def main() -> None:
        special()

    with pytest.raises(Special):
        main()
    assert len(calls) == 1
    assert record.tasks() == {"special": "Crashed"}


def test_a_process_that_dies_crashes_its_task_only(record: Any) -> None:
    @task(retries=1)
    def die() -> None:
        os._exit(7)

    @task
    def live() -> int:
        return 1

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def main() -> int:
        future = die.submit()
        future.wait()
        assert "exit code 7" in future.state.message
        return live.submit().result()

    assert main() == 1
    assert record.tasks() == {"die": "Crashed", "live": "Completed"}


def test_a_busy_worker_ends_when_its_parent_is_killed(
    script: Any, record: Any, tmp_path: Any
) -> None:
    process = script(
        HEAD
        + """
@task
def step():
    Path("pid").write_text(str(os.getpid()))
    time.sleep(600)
@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def main(): step.submit()
main()
"""
    )
    pid = tmp_path / "pid"
    until(lambda: _goes_on(process) and pid.exists() and pid.read_text(), "the worker's id")
    process.kill()
    process.communicate()
    worker = int(pid.read_text())
    until(lambda: not _alive(worker), "the worker's end after its parent's")


def _goes_on(process: Any) -> bool:
    assert process.poll() is None, process.communicate()
    return True


def _alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        return text.rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_fork_inside_a_task_leaves_the_record_whole(record: Any) -> None:
    @task
    def fork() -> int:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        return context.cpu_count()

    @task
    def bare_fork() -> int:
        child = os.fork()
        if not child:
            os._exit(5)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    @flow
    def main() -> int:
        fork()
        return bare_fork()

    assert main() == 5
    assert set(record.tasks().values()) == {"Completed"}


def test_an_unfinished_task_outside_flows_is_waited_for_at_exit(script: Any) -> None:
    process = script(
        HEAD
        + """
@task
def step():
    time.sleep(0.2)
    print("done", flush=True)
step.submit()
"""
    )
    out, err = process.communicate(timeout=60)
    assert out == "done\n", err
    assert get_run is not None
