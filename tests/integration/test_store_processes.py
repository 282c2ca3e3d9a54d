"""Many processes on one run database: creation races, contention, kills, forks, lost files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from nbflow import settings
from nbflow.exceptions import ConfigurationError, StoreCorrupt, StoreError
from nbflow.models import FlowRun, LogFilter, LogRecord, new_id
from nbflow.states import Pending, now
from nbflow.store import SQLStore, close_stores, open_store

PROCESSES, TASK_RUNS = 16, 500

PRELUDE = """
import os, sys, time
from nbflow.models import *
from nbflow.states import *
from nbflow.store import SQLStore, open_store

def flow(name="f"):
    return FlowRun(id=new_id(), name=name, flow_name="f", state=Pending(), created=now())

def record(store, parent, number):
    run = TaskRun(id=new_id(), name=f"t-{number}", task_name="t", state=Pending(),
                  created=now(), flow_run_id=parent.id)
    store.create_task_run(run)
    store.set_state(StateChange(RunKind.TASK, run.id, Running(), 1, None, parent.id))
    store.add_logs([LogRecord(parent.id, run.id, 20, "l", f"line {number}", now())])
    store.set_state(StateChange(RunKind.TASK, run.id, Completed(), 1, None, parent.id))

url = sys.argv[1]
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(code)]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], seconds: float = 100) -> str:
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert not err
    return out


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def a_flow_run() -> FlowRun:
    return FlowRun(id=new_id(), name="f", flow_name="f", state=Pending(), created=now())


def assert_whole(path: Path) -> None:
    """Every task run has the history its state implies, and every number is used once."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        (counter,) = connection.execute("SELECT value FROM counter").fetchone()
        (states,) = connection.execute("SELECT count(*) FROM state").fetchone()
        (logs,) = connection.execute("SELECT count(*) FROM log").fetchone()
        assert counter == states + logs
        torn = connection.execute(
            "SELECT count(*) FROM task_run WHERE (SELECT state.type || state.seq FROM state "
            "WHERE run_id=task_run.id ORDER BY seq DESC LIMIT 1) IS NOT state_type || changed"
        )
        assert torn.fetchone() == (0,)
    finally:
        connection.close()


@pytest.mark.parametrize("busy", [False, True], ids=["idle threads", "a busy thread each"])
def test_16_processes_on_a_fresh_database_never_meet_a_lock(tmp_path: Path, busy: bool) -> None:
    path, runs = tmp_path / "runs.db", TASK_RUNS if not busy else 50
    code = """
        start = float(sys.argv[3])
        time.sleep(max(0, start - time.time()))  # so that all create the database at once
        store = SQLStore(url)
        parent = flow()
        store.create_flow_run(parent)
        for number in range(int(sys.argv[2])):
            record(store, parent, number)
            if sys.argv[4] == "True":
                sum(range(20_000))
        store.flush()
        assert len(store.task_runs(parent.id)) == int(sys.argv[2])
        store.close()
    """
    at = time.time() + 3
    processes = [start(code, url_of(path), runs, at, busy) for _ in range(PROCESSES)]
    for process in processes:
        finish(process)
    store = SQLStore(url_of(path))
    info = store.info()
    store.close()
    total = PROCESSES * runs
    assert (info.flow_runs, info.task_runs, info.logs) == (PROCESSES, total, total)
    assert_whole(path)


def test_a_process_killed_while_writing_leaves_only_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    code = """
        store = SQLStore(url)
        parent = flow()
        store.create_flow_run(parent)
        for number in range(10_000_000):
            record(store, parent, number)
            if number == 2_000:
                store.flush()
                print("going", flush=True)
            if number % 500 == 0:
                time.sleep(0.01)
    """
    for _ in range(3):
        process = start(code, url_of(path))
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        time.sleep(0.2)
        process.kill()
        process.communicate()
        store = SQLStore(url_of(path))
        newest = store.flow_runs()[0]
        names = [run.name for run in store.task_runs(newest.id)]
        store.close()
        assert len(names) > 2_000
        assert names == [f"t-{n}" for n in range(len(names))], "no hole"
        assert_whole(path)


def test_what_a_process_wrote_is_kept_without_a_flush_when_it_ends(tmp_path: Path) -> None:
    code = """
        store = open_store()
        assert store is open_store()
        parent = flow()
        store.create_flow_run(parent)
        record(store, parent, 0)
        assert "sqlalchemy" not in sys.modules, "it costs most of a start-up"
        assert "alembic" not in sys.modules
    """
    finish(start(code, "unused"))
    store = open_store()
    assert store.count_flow_runs() == 1
    assert len(store.logs(LogFilter())) == 1
    close_stores()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_gets_a_store_of_its_own() -> None:
    code = """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: fork beside threads
        store = open_store()
        parent = flow()
        store.create_flow_run(parent)
        record(store, parent, 0)  # still waiting in the parent when it forks
        pid = os.fork()
        child_store = open_store()
        if pid == 0:
            try:
                assert child_store is not store
                mine = flow("child")
                child_store.create_flow_run(mine)
                child_store.flush()
                inherited = flow("inherited")  # a store object carried across works too
                store.create_flow_run(inherited)
                assert store.flow_run(inherited.id) == inherited
                os._exit(0)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        assert child_store is store
        assert os.waitpid(pid, 0)[1] == 0
        for number in range(1, 100):
            record(store, parent, number)
        assert len(store.task_runs(parent.id)) == 100, "nothing lost, nothing twice"
        print(sorted(run.name for run in store.flow_runs()))
    """
    assert finish(start(code, "unused")) == "['child', 'f', 'inherited']\n"


def test_open_store_is_one_per_database_and_opens_again_after_close(tmp_path: Path) -> None:
    first = open_store()
    with settings.temporary_settings(database_url=url_of(tmp_path / "other.db")):
        other = open_store()
    assert other is not first
    assert open_store() is first
    first.close()
    again = open_store()
    assert again is not first
    again.flush()
    close_stores()


def test_the_home_and_the_database_are_private(nbflow_home: Path) -> None:
    open_store()
    close_stores()
    assert nbflow_home.stat().st_mode & 0o777 == 0o700
    assert (nbflow_home / "nbflow.db").stat().st_mode & 0o777 == 0o600


# ── what can be wrong with the file ──────────────────────────────────────────────────────


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is not a database, whatever its name says\n" * 100)


def _damaged(path: Path) -> None:
    SQLStore(url_of(path)).close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the table of tables
    path.write_bytes(content)


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name)")
    connection.close()


def _truncated(path: Path) -> None:
    SQLStore(url_of(path)).close()
    os.truncate(path, 3 * 4096)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (_garbage, StoreCorrupt, "Move it away"),
        (_damaged, StoreCorrupt, "Move it away"),
        (_truncated, StoreCorrupt, "Move it away"),
        (_foreign, StoreError, "another program"),
        (Path.mkdir, StoreError, "cannot be opened"),
    ],
)
def test_a_file_that_is_no_run_database_is_refused(tmp_path: Path, spoil, error, words) -> None:
    path = tmp_path / "runs.db"
    spoil(path)
    with pytest.raises(error) as caught:
        SQLStore(url_of(path))
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "runs.db"
    with pytest.raises(StoreError, match="cannot be created") as caught:
        SQLStore(url_of(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "runs.db", ""]
)
def test_a_url_of_an_unknown_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///PATH") as caught:
        SQLStore(url)
    assert "secret" not in str(caught.value)


def test_a_postgresql_server_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreError, match="Check that the server runs") as caught:
        SQLStore("postgresql://someone:secret@127.0.0.1:1/nothing")
    assert "secret" not in str(caught.value)


def test_damage_found_later_is_told_by_reads_and_flush(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store = SQLStore(url_of(path))
    run = a_flow_run()
    store.create_flow_run(run)
    store.add_logs([LogRecord(run.id, None, 20, "l", "x" * 500, now())] * 2_000)
    store.close()
    content = bytearray(path.read_bytes())
    lines = content.index(b"x" * 500) // 4096 * 4096  # pages that come after all tables
    content[lines:] = b"\xff" * (len(content) - lines)
    path.write_bytes(content)
    store = SQLStore(url_of(path))
    with pytest.raises(StoreCorrupt, match="Move it away"):
        store.logs(LogFilter())
    store.add_logs([LogRecord(run.id, None, 20, "l", "x" * 500, now())] * 20)
    with pytest.raises(StoreCorrupt, match="Move it away"):
        store.flush()
    store.close()


def test_a_full_disk_is_told_by_flush_and_writing_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"
    store = SQLStore(url_of(path))
    run = a_flow_run()
    store.create_flow_run(run)
    store.flush()
    connection = store._writer._connection
    connection.execute("PRAGMA max_page_count=60")  # SQLite's own way of a full disk
    store.add_logs([LogRecord(run.id, None, 20, "l", "x" * 1_000, now())] * 1_000)
    with pytest.raises(StoreError, match="disk is full") as caught:
        store.flush()
    assert str(path) in str(caught.value)
    store.flush()
    store.add_logs([LogRecord(run.id, None, 20, "l", "small", now())])
    assert [r.message for r in store.logs(LogFilter())] == ["small"]
    store.close()


def test_a_database_that_becomes_read_only_is_told_by_flush(tmp_path: Path) -> None:
    store = SQLStore(url_of(tmp_path / "runs.db"))
    store._writer._connection.execute("PRAGMA query_only=ON")  # root ignores file modes
    store.create_flow_run(a_flow_run())
    with pytest.raises(StoreError, match="read-only"):
        store.flush()
    store.close()


def test_a_deleted_database_is_told_and_then_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store = SQLStore(url_of(path))
    store.create_flow_run(a_flow_run())
    store.flush()
    for name in tmp_path.glob("runs.db*"):
        name.unlink()
    store.create_flow_run(a_flow_run())
    with pytest.raises(StoreError, match="deleted or replaced") as caught:
        store.flush()
    assert str(path) in str(caught.value)
    run = a_flow_run()
    store.create_flow_run(run)
    assert [r.id for r in store.flow_runs()] == [run.id]
    store.close()


def test_reading_a_deleted_database_is_an_error_not_an_empty_answer(tmp_path: Path) -> None:
    store = SQLStore(url_of(tmp_path / "runs.db"))
    store.create_flow_run(a_flow_run())
    assert store.count_flow_runs() == 1
    for name in tmp_path.glob("runs.db*"):
        name.unlink()
    with pytest.raises(StoreError, match="cannot be opened"):
        store.count_flow_runs()
    store.close()


def test_a_lock_that_others_hold_for_ever_is_told_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.store.opening.PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("nbflow.store.dialects.BUSY_SECONDS", 0.1)
    path = tmp_path / "runs.db"
    store = SQLStore(url_of(path))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.create_flow_run(a_flow_run())
    with pytest.raises(StoreError, match="did not take all writes"):
        store.flush(timeout=0.1)
    with pytest.raises(StoreError, match="locked by another program"):
        store.flush()
    assert store.count_flow_runs() == 0, "reading goes on meanwhile"
    other.execute("COMMIT")
    other.close()
    store.create_flow_run(a_flow_run())
    store.flush()
    assert store.count_flow_runs() == 1
    store.close()


def test_a_writer_waits_for_a_lock_that_is_released(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store = SQLStore(url_of(path))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.create_flow_run(a_flow_run())
    time.sleep(0.3)
    other.execute("COMMIT")
    other.close()
    store.flush()
    assert store.count_flow_runs() == 1
    store.close()


# ── speed that everything else rests on (generous: the figures are in benchmarks/) ───────


def test_the_first_opening_is_quick(tmp_path: Path) -> None:
    times: list[float] = []
    while len(times) < 5 or (min(times) >= 0.06 and len(times) < 50):  # busy machines: more tries
        began = time.perf_counter()
        SQLStore(url_of(tmp_path / f"{len(times)}.db")).close()
        times.append(time.perf_counter() - began)
    assert min(times) < 0.06
