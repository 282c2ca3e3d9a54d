"""Flows in a real notebook kernel, whose event loop is running already."""

from __future__ import annotations

import time
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SETUP = """
import asyncio, os, signal, threading, time
from nbflow import flow, get_run, task
from nbflow.task_runners import ProcessPoolTaskRunner, SequentialTaskRunner

@task(log_prints=True)
def double(x):
    print("doubling", x)
    return 2 * x

@task
async def later(x):
    await asyncio.sleep(0.01)
    return x

@flow
def sync_flow():
    return double.submit(1).result() + later.submit(3).result()

@flow
async def async_flow():
    return await later(4) + (await asyncio.gather(later(1), later(2)))[1]

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def in_processes():
    return double.map([1, 2]).result()

@flow
def drawn():
    double(double(1))

@flow
def slow():
    double.submit(1).wait()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    time.sleep(250)
"""

CELLS = {
    "print(sync_flow())": "5",
    "print(await async_flow())": "6",
    "print(in_processes())": "[2, 4]",
    "print(get_run().flow_name, get_run().state.name)": "in-processes Completed",
    "print(sync_flow.version is not None)": "True",
}


@pytest.fixture
def kernel(record: Any) -> Any:
    notebook = nbformat.v4.new_notebook()
    client = NotebookClient(notebook, kernel_name="python3", timeout=280)
    with client.setup_kernel():
        run(client, SETUP)
        yield client


def run(client: Any, source: str) -> Any:
    """Run one cell; returns its outputs."""
    client.nb.cells.append(nbformat.v4.new_code_cell(source))
    return client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1).outputs


def printed(outputs: Any) -> str:
    return "".join(each.text for each in outputs if each.output_type == "stream")


def test_sync_async_and_process_flows_run_in_cells(kernel: Any) -> None:
    for source, last in CELLS.items():
        assert printed(run(kernel, source)).rstrip().splitlines()[-1] == last
    text = printed(run(kernel, "in_processes()"))
    assert text.count("doubling 2") == 1


def test_flows_runs_and_futures_show_themselves(kernel: Any) -> None:
    for source in (
        "drawn",
        "get_run(sync_flow(return_state=True) and 'latest')",
        "double.submit(1)",
    ):
        (shown,) = [o for o in run(kernel, source) if o.output_type == "execute_result"]
        assert "image/svg+xml" in shown.data or "<svg" in shown.data["text/html"]
        assert shown.data["text/plain"]


def test_asyncio_run_in_a_cell_says_what_python_says(kernel: Any) -> None:
    with pytest.raises(CellExecutionError, match=r"asyncio\.run"):
        run(kernel, "asyncio.run(async_flow())")


def test_an_interrupt_cancels_the_run_and_leaves_the_kernel_usable(kernel: Any) -> None:
    began = time.monotonic()
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        run(kernel, "slow()")
    assert time.monotonic() - began < 200
    assert printed(run(kernel, "print(get_run().state.name)")).strip() == "Cancelled"
    assert printed(run(kernel, "print(sync_flow())")).rstrip().endswith("5")
