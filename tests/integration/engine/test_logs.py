"""What runs log and print reaches their record, once, from wherever it comes."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nbflow import disable_run_logger, flow, get_run_logger, task
from nbflow.cells.recording import Recording, heard
from nbflow.models import LogFilter
from nbflow.settings import temporary_settings
from nbflow.store import open_store


def test_prints_belong_to_the_run_that_printed(record: Any, capsys: Any) -> None:
    @task
    def talk(x: int) -> None:
        print("task", x)
        print("unfinished", end="")

    @flow(log_prints=True)
    def main() -> None:
        print("flow")
        talk(1)
        talk.submit(2).wait()

    main()
    assert record.logs("talk") == ["task 1", "unfinished"]
    assert record.logs("talk-2") == ["task 2", "unfinished"]
    assert "flow" in record.logs()
    assert capsys.readouterr().out == "flow\ntask 1\nunfinishedtask 2\nunfinished"


def test_threads_that_a_task_starts_belong_to_its_run(record: Any) -> None:
    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()

    @task(log_prints=True)
    def start(x: int) -> None:
        def work() -> None:
            print("printed", x)
            get_run_logger().info("logged %s", x)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        pool.submit(work).result()

    @flow
    def main() -> None:
        start(1)
        start.submit(2).wait()

    main()
    pool.shutdown()
    assert record.logs("start") == ["printed 1", "logged 1"] * 2
    assert record.logs("start-2") == ["printed 2", "logged 2"] * 2


def test_bad_format_arguments_do_not_fail_the_task(
    record: Any, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(logging.getLogger("nbflow"), "propagate", False)  # pytest's own raises

    @task
    def log() -> int:
        get_run_logger().info("%d items", "three")
        return 1

    @flow
    def main() -> int:
        return log()

    assert main() == 1
    assert record.logs("log") == ["%d items"]
    assert "%d items ('three',)" in capsys.readouterr().err


def test_outside_of_runs_logging_is_harmless(record: Any) -> None:
    get_run_logger().info("nobody listens")

    @task
    def step() -> None:
        with disable_run_logger():
            get_run_logger().info("silenced")
        get_run_logger().info("heard")

    @flow
    def main() -> None:
        step()

    main()
    assert record.logs("step") == ["heard"]


def test_lines_shown_under_a_cell_are_no_prints_of_the_run(
    record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else listens to the streams, and since when: here, a cell that is recorded."""
    monkeypatch.setattr("nbflow.logging.in_kernel", lambda: True)
    cell = Recording()

    @flow(log_prints=True)
    def main() -> None:
        with heard(cell):
            get_run_logger().info("logged")
            print("printed")

    main()
    lines = record.logs()
    assert [sum(word in line for line in lines) for word in ("logged", "printed")] == [1, 1]
    (shown,) = cell.outputs
    assert [shown["text"].count(word) for word in ("logged", "printed")] == [1, 1]


def test_a_failure_is_told_from_the_users_line_on(record: Any) -> None:
    @task
    def fails() -> None:
        raise ValueError("mine")

    @flow
    def main() -> None:
        fails.submit().wait()

    main()
    (story,) = record.logs("fails")
    assert story.endswith("ValueError: mine")
    assert story.count("File ") == 1
    assert __file__ in story


def run_script(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stderr


FLOW = """
from nbflow import flow, get_run_logger
@flow
def main():
    get_run_logger().info("once")
main()
"""


@pytest.mark.parametrize(
    "before", ["", "import logging\nlogging.basicConfig(level=logging.INFO)\n"]
)
def test_the_terminal_shows_each_line_once(before: str) -> None:
    """Also where the user's own handler shows every record."""
    assert run_script(before + FLOW).count("once") == 1


def test_the_level_follows_the_settings() -> None:
    @flow
    def main() -> None:
        get_run_logger().debug("fine detail")

    def told() -> int:
        main()
        return [line.message for line in open_store().logs(LogFilter())].count("fine detail")

    assert told() == 0
    with temporary_settings(logging_level="DEBUG"):
        assert told() == 1
    assert told() == 1
