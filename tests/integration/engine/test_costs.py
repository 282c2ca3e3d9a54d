"""What tasks cost, in numbers that do not depend on the machine."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbflow import flow, task
from nbflow.store import SQLStore


@task
def nothing() -> None: ...


def resident() -> int:
    """Bytes of memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", ["direct", "submitted"])
def test_memory_does_not_grow_with_tasks_nobody_refers_to(how: str, record: Any) -> None:
    @flow
    def main(count: int) -> None:
        for i in range(count):
            if how == "direct":
                nothing()
            else:
                nothing.submit()
                if i % 100 == 0:
                    nothing.submit().wait()

    main(3000)
    gc.collect()
    before = resident()
    main(9000)
    gc.collect()
    assert resident() - before < 12_000_000


def test_a_task_is_three_writes(record: Any, monkeypatch: Any) -> None:
    writes = []
    for name in ("create_task_run", "set_state", "add_logs", "rename_task_run"):
        real = getattr(SQLStore, name)

        def counted(self: Any, *args: Any, _real: Any = real, _name: str = name) -> Any:
            writes.append(_name)
            return _real(self, *args)

        monkeypatch.setattr(SQLStore, name, counted)

    @flow
    def main() -> None:
        writes.clear()
        nothing()
        main.seen = list(writes)

    main()
    assert main.seen == ["create_task_run", "set_state", "set_state"]


HEAVY = {"asyncio", "sqlalchemy", "alembic", "papermill", "pandas", "numpy", "rich", "pydantic"}


@pytest.mark.parametrize(
    ("code", "also_absent", "most"),
    [
        ("from nbflow import flow, task", {"logging", "sqlite3", "concurrent.futures"}, 260),
        (
            "from nbflow import flow, task\n@task\ndef t(): ...\n@flow\ndef f(): t()\nf()",
            {"concurrent.futures"},
            330,
        ),
    ],
    ids=["definitions", "a first flow"],
)
def test_little_is_imported(code: str, also_absent: set[str], most: int) -> None:
    show = "\nimport sys; print(len(sys.modules)); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code + show], capture_output=True, text=True, check=True
    )
    count, names = done.stdout.splitlines()[:2]
    assert set(names.split()) & (HEAVY | also_absent) == set()
    assert int(count) <= most
