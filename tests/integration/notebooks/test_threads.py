"""Runs side by side, inside event loops, and cells whose threads outlive them."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbflow.notebooks.events import CellPrinted
from nbflow.notebooks.execute import run_notebook


def test_r11_runs_in_threads_have_their_own_directories(notebook, tmp_path) -> None:
    source = notebook("import os, time\ntime.sleep(0.2)\nprint(os.getcwd())")
    before = Path.cwd()

    def directory(number: int) -> str:
        folder = tmp_path / f"folder-{number}"
        folder.mkdir()
        printed = []
        run_notebook(
            source,
            output=tmp_path / f"out-{number}.ipynb",
            cwd=folder,
            on_event=lambda e: printed.append(e.text) if isinstance(e, CellPrinted) else None,
        )
        return "".join(printed).strip()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(directory, range(4)))

    assert found == [os.path.realpath(tmp_path / f"folder-{n}") for n in range(4)]
    assert Path.cwd() == before


def test_a_relative_output_stays_where_the_caller_is(notebook, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    run_notebook(notebook("1"), output="out.ipynb", cwd=folder)

    assert (tmp_path / "out.ipynb").exists()
    assert list(folder.iterdir()) == []


def test_r13_a_thread_prints_into_the_cell_that_started_it(run) -> None:
    ran = run(
        "import threading\n"
        "go, said = threading.Semaphore(0), threading.Semaphore(0)\n"
        "def talk():\n"
        "    for n in range(6):\n"
        "        go.acquire(); print('thread', n, flush=True); said.release()\n"
        "thread = threading.Thread(target=talk); thread.start()\n"
        "print('first cell')\n"
        "for _ in range(2): go.release(); said.acquire()",
        "print('second cell')\nfor _ in range(2): go.release(); said.acquire()",
        "go.release(2); thread.join()\nprint('third cell')",
    )

    assert ran.text(0) == "first cell\n" + "".join(f"thread {n}\n" for n in range(6))
    assert ran.text(1) == "second cell\n"
    assert ran.text(2) == "third cell\n"
    of_first = [e.text for e in ran.told.of(CellPrinted) if e.cell.index == 0]
    assert "".join(of_first) == ran.text(0)


def test_r13_work_given_to_a_pool_prints_into_the_cell_that_gave_it(run) -> None:
    ran = run(
        "import time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1)\n"
        "def work(name):\n"
        "    time.sleep(0.2); print(name, flush=True); return name\n"
        "first = pool.submit(work, 'one')",
        "second = pool.submit(work, 'two')",
        "print(first.result(), second.result(), list(pool.map(work, ['three'])))",
    )

    assert ran.text(0) == "one\n"
    assert ran.text(1) == "two\n"
    assert sorted(ran.text(2).split("\n")) == ["", "one two ['three']", "three"]


def test_r13_displays_of_threads_too(run) -> None:
    ran = run(
        "import threading, time\n"
        "def show():\n"
        "    time.sleep(0.3); display('from the thread')\n"
        "thread = threading.Thread(target=show); thread.start()",
        "thread.join()",
    )

    assert len(ran.nb.cells[0].outputs) == 1
    assert ran.nb.cells[1].outputs == []


def test_a_thread_that_prints_after_the_last_cell_is_heard(run) -> None:
    ran = run(
        "import threading, time\n"
        "def talk():\n"
        "    time.sleep(0.4); print('late', flush=True)\n"
        "threading.Thread(target=talk).start()"
    )

    assert ran.text(0) == "late\n"


def test_r14_inside_a_running_event_loop(notebook, tmp_path) -> None:
    async def main() -> bool:
        return run_notebook(notebook("await __import__('asyncio').sleep(0)"), output=None).succeeded

    assert asyncio.run(main())


def test_r14_in_a_thread_of_a_running_event_loop(notebook) -> None:
    async def main() -> list[bool]:
        source = notebook("1")
        runs = (asyncio.to_thread(run_notebook, source, output=None) for _ in range(2))
        return [outcome.succeeded for outcome in await asyncio.gather(*runs)]

    assert asyncio.run(main()) == [True, True]


@pytest.mark.parametrize("length", [40, 150], ids=["short", "long"])
def test_any_length_of_the_temporary_folder_will_do(run, tmp_path, monkeypatch, length) -> None:
    import tempfile

    folder = tmp_path / ("t" * length)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    assert run("print('hello')").text(0) == "hello\n"


def test_many_kernels_start_at_once(notebook) -> None:
    source = notebook("import os")

    with ThreadPoolExecutor(12) as pool:
        runs = [pool.submit(run_notebook, source, output=None) for _ in range(12)]

    assert all(run.result().succeeded for run in runs)
