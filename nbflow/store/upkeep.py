"""Keeping the database small and safe: forgetting old runs, giving back space, copies.

This module decides the order of a cleaning and that others get their turn in between. What
is old is decided in `retention.py`, what belongs to a run in `erasing.py`, which files do in
`leftovers.py`.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from nbflow.paths import expanded
from nbflow.settings import Settings, get_settings
from nbflow.store import leftovers
from nbflow.store.database import Database, Transaction
from nbflow.store.dialects import placeholders
from nbflow.store.erasing import (
    Erased,
    erase_rows,
    erase_some,
    erase_tasks_without_flow,
    members_that_may_go,
    survey,
)
from nbflow.store.orchestration import Removed
from nbflow.store.retention import groups, newest, overdue

_DAY: Final = 86_400 * 1_000_000
#: Days for which events other than states of runs are kept.
EVENT_DAYS: Final = 30
#: Versions of a deployment that are kept, whether runs refer to them or not.
VERSIONS_KEPT: Final = 50
#: Seconds between two transactions, in which others take the lock.
_PAUSE_SECONDS: Final = 0.015
_AT_ONCE: Final = 500

_OLD_VERSIONS: Final = (
    "SELECT v.deployment_id, v.number FROM deployment_version v "
    "JOIN deployment d ON d.id=v.deployment_id WHERE v.number<>d.version "
    "AND v.number<=(SELECT max(o.number) FROM deployment_version o "
    f"WHERE o.deployment_id=v.deployment_id)-{VERSIONS_KEPT} "
    "AND NOT EXISTS (SELECT 1 FROM queued_run q "
    "WHERE q.deployment_id=v.deployment_id AND q.version=v.number)"
)
_UNUSED: Final = "NOT EXISTS (SELECT 1 FROM deployment_version v WHERE v.snapshot=snapshot.hash)"


@dataclass(slots=True)
class _Tally:
    """What a cleaning took away so far."""

    flow_runs: int = 0
    events: int = 0
    snapshots: int = 0
    files: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


class SQLUpkeep:
    """Care of the database; see `UpkeepStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── forgetting ───────────────────────────────────────────────────────────────────────
    def prune(self, *, now: datetime | None = None, dry_run: bool = False) -> Removed:
        """Forget ended runs beyond what each deployment keeps, with all that belongs to them."""
        settings, before = get_settings(), self._size()
        with self._database.read() as reader:
            moment = Transaction(self._database.dialect, reader.connection).micros(now)
        tally = _Tally()
        if dry_run:
            self._look(tally, settings, moment)
        else:
            self._prune(tally, settings, moment)
        return Removed(
            flow_runs=tally.flow_runs,
            events=tally.events,
            snapshots=tally.snapshots,
            files=tuple(tally.files),
            bytes_before=before,
            bytes_after=self._size(),
        )

    def _prune(self, tally: _Tally, settings: Settings, now: int) -> None:
        for roots, kept in self._overdue(settings, now):
            self._erase(roots, kept, tally, settings)
        self._erase_loose(tally, settings, now)
        tally.files += leftovers.remove(
            leftovers.notebook_files(self._unused(tally.outputs), settings)
        )
        last = self._last_event(now)
        tally.events = self._repeat(lambda tx: erase_rows(tx, "event", "seq<=?", (last,)))
        self._repeat(_forget_versions)
        tally.snapshots = self._repeat(_forget_snapshot)
        if tally.flow_runs:
            told = {"flow_runs": tally.flow_runs}
            self._write(lambda tx: tx.tell("store.pruned", "store", told))

    def _look(self, tally: _Tally, settings: Settings, now: int) -> None:
        """As `_prune`, but only count."""
        going: dict[UUID, None] = {}
        with self._database.read() as reader:
            tx = Transaction(self._database.dialect, reader.connection)
            for roots, kept in self._overdue(settings, now):
                for root in roots:
                    going.update(dict.fromkeys(members_that_may_go(tx, root, kept)))
            found = survey(tx, going)
        tally.flow_runs = len(found.flow_runs)
        notebooks = leftovers.notebook_files(self._unused(found.outputs, going), settings)
        tally.files += leftovers.present((*_result_files(found, settings), *notebooks))
        last = self._last_event(now)
        with self._database.read() as reader:
            count = "SELECT count(*) FROM"
            tally.events = int(reader.value(f"{count} event WHERE seq<=?", (last,)))
            tally.snapshots = int(reader.value(f"{count} snapshot WHERE {_UNUSED}"))

    def _overdue(
        self, settings: Settings, now: int
    ) -> Iterator[tuple[list[UUID], frozenset[UUID]]]:
        """Runs to remove, in pages, and those that stay in any case."""
        with self._database.read() as reader:
            found = groups(reader, settings)
            kept = frozenset(run_id for group in found for run_id in newest(reader, group))
            for group in found:
                for page in overdue(reader, group, now):
                    yield page, kept

    def _erase(
        self, roots: list[UUID], kept: frozenset[UUID], tally: _Tally, settings: Settings
    ) -> None:
        while roots:
            erased = self._write(partial(erase_some, roots=roots, kept=kept))
            roots = roots[erased.roots :]
            _count(erased, tally, settings)

    def _erase_loose(self, tally: _Tally, settings: Settings, now: int) -> None:
        """Task runs and log records outside of flows."""
        if not settings.keep_days:
            return
        before = now - round(settings.keep_days * _DAY)
        while True:
            erased = self._write(lambda tx: erase_tasks_without_flow(tx, before))
            if not erased.task_runs:
                break
            _count(erased, tally, settings)
        condition = "flow_run_id IS NULL AND timestamp<?"
        self._repeat(lambda tx: erase_rows(tx, "log", condition, (before,)))

    def _unused(self, outputs: list[str], going: Collection[UUID] = ()) -> set[str]:
        """Those that no run has written to but these which go."""
        unused = set(outputs)
        for part in _parts(sorted(unused)):
            text = f"SELECT output, id FROM flow_run WHERE output IN ({placeholders(part)})"
            with self._database.read() as reader:
                for output, key in reader.all(text, part):
                    if UUID(bytes=bytes(key)) not in going:
                        unused.discard(output)
        return unused

    def _last_event(self, now: int) -> int:
        """The newest of the old events; they stand in the order in which they happened."""
        text = "SELECT max(seq) FROM event WHERE timestamp<?"
        with self._database.read() as reader:
            return int(reader.value(text, (now - EVENT_DAYS * _DAY,)) or 0)

    def _repeat(self, work: Callable[[Transaction], int]) -> int:
        """Carry out `work`, a transaction each time, until it finds nothing; the sum."""
        total = 0
        while done := self._write(work):
            total += done
        return total

    def _write(self, work: Callable[[Transaction], Any]) -> Any:
        done = self._database.write(work)
        time.sleep(_PAUSE_SECONDS)
        return done

    def _size(self) -> int | None:
        with self._database.read() as reader:
            return self._database.dialect.size(reader.connection)

    # ── space and safety ─────────────────────────────────────────────────────────────────
    def vacuum(self) -> Removed:
        """Give free space back to the disk."""
        before = self._size()
        dialect = self._database.dialect
        try:
            with closing(dialect.connect()) as connection:
                dialect.compact(connection)
        except dialect.error as error:
            raise dialect.explain(error) from error
        return Removed(bytes_before=before, bytes_after=self._size())

    def backup(self, target: str) -> int:
        """Write a consistent copy to a file that is not there yet; its size in bytes."""
        with self._database.read():  # what was accepted is in the file by now
            pass
        return self._database.dialect.copy_to(expanded(target).absolute())

    def largest(self) -> list[tuple[str, int, int | None]]:
        """(table, rows, bytes) by size."""
        dialect = self._database.dialect
        with self._database.read() as reader:
            names = sorted(dialect.tables(reader.connection))
            sizes = dialect.table_sizes(reader.connection)
            found = [
                (name, int(reader.value(f"SELECT count(*) FROM {name}")), sizes.get(name))
                for name in names
                if not name.startswith("sqlite_")
            ]
        return sorted(found, key=lambda each: (each[2] or 0, each[1]), reverse=True)


def _count(erased: Erased, tally: _Tally, settings: Settings) -> None:
    tally.flow_runs += len(erased.flow_runs)
    tally.outputs += erased.outputs
    tally.files += leftovers.remove(_result_files(erased, settings))


def _result_files(erased: Erased, settings: Settings) -> Iterator[Path]:
    return leftovers.result_files(erased.flow_runs, erased.task_runs, erased.results, settings)


def _forget_versions(tx: Transaction) -> int:
    old = tx.all(f"{_OLD_VERSIONS} LIMIT {_AT_ONCE}")
    text = "DELETE FROM deployment_version WHERE deployment_id=? AND number=?"
    return sum(tx.run(text, (bytes(key), number)) for key, number in old)


def _forget_snapshot(tx: Transaction) -> int:
    """One: they are large."""
    return erase_rows(tx, "snapshot", _UNUSED, (), "hash", limit=1)


def _parts(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


__all__ = ["EVENT_DAYS", "VERSIONS_KEPT", "SQLUpkeep"]
