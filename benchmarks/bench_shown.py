"""What it costs a run to show itself. Run: python benchmarks/bench_shown.py [TASKS] [PAIRS].

In a real kernel, with no page that shows the live view: the static form replaces itself while the
run goes on, and is the run's picture in the end. The run is told apart from its cell, which ends
once the last picture is drawn.
"""

import os
import statistics
import sys
import tempfile

os.environ.setdefault("NBFLOW_HOME", tempfile.mkdtemp())
os.environ["NBFLOW_LOGGING_TO_CONSOLE"] = "false"

from jupyter_client.manager import start_new_kernel

DEFINITIONS = """
import time
from nbflow import flow, task
from nbflow.runs import list_runs
from nbflow.settings import temporary_settings

@task
def nothing(number):
    return number

@flow
def shown(count):
    for future in nothing.map(range(count)):
        future.wait()

def measure(count, is_shown):
    with temporary_settings(inline_views=is_shown):
        began, worked = time.perf_counter(), time.process_time()
        shown(count)
        cell, work = time.perf_counter() - began, time.process_time() - worked
    [run] = list_runs(limit=1)
    print("MEASURED", run.duration, cell, work)
"""
FIGURES = ("seconds of the run", "seconds of the cell", "processor's seconds of the cell")


class Kernel:
    """A kernel that runs cells, with nobody who looks."""

    def __init__(self) -> None:
        self._manager, self._client = start_new_kernel()
        self.displays = 0
        self._printed: list[str] = []

    def run(self, code: str) -> list[str]:
        """What the cell printed, in words."""
        self.displays, self._printed = 0, []
        answer = self._client.execute_interactive(code, output_hook=self._take)
        assert answer["content"]["status"] == "ok", answer["content"]
        return "".join(self._printed).split()

    def _take(self, message: dict) -> None:
        if message["msg_type"] == "stream":
            self._printed.append(message["content"]["text"])
        self.displays += message["msg_type"] in {"display_data", "update_display_data"}

    def measure(self, count: int, *, is_shown: bool) -> tuple[float, ...]:
        words = self.run(f"measure({count}, {is_shown})")
        return tuple(map(float, words[words.index("MEASURED") + 1 :]))

    def stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def main(count: int = 10_000, pairs: int = 9) -> None:
    kernel = Kernel()
    kernel.run(DEFINITIONS)
    for is_shown in (True, False):  # what is imported once is not counted
        kernel.measure(300, is_shown=is_shown)
    found: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    for number in range(pairs):
        for is_shown in (bool(number % 2), not number % 2):
            found[is_shown].append(kernel.measure(count, is_shown=is_shown))
            if is_shown:
                displays = kernel.displays
    kernel.stop()
    print(f"{count} tasks, {pairs} pairs, {displays} displays")
    for place, name in enumerate(FIGURES):
        plain, shown = ([each[place] for each in found[which]] for which in (False, True))
        ratio = statistics.median(b / a for a, b in zip(plain, shown, strict=True))
        medians = statistics.median(plain), statistics.median(shown)
        print(f"  {name:32} {medians[0]:6.2f} {medians[1]:6.2f}  ratio {ratio:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
