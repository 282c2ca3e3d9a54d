"""Follows a run through the store, in the background, and tells a reporter what happens.

This module decides when the store is asked and what happens when the reader goes away. It
must not know what is told, nor how.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from nbflow.cli.reports import Reporter, Silent
from nbflow.exceptions import ObjectNotFound, StoreError
from nbflow.models import Changes, FlowRunFilter
from nbflow.store.base import Store
from nbflow.story import Story

_WATCH_SECONDS: Final = 0.25
_PAUSE_SECONDS: Final = 0.05
_PAGE: Final = 1000


class Follower:
    """One run being followed, its subflows with it."""

    def __init__(self, store: Store, run_id: UUID, reporter: Reporter) -> None:
        self.store = store
        self.run_id = run_id
        self.reporter: Reporter = reporter
        self.story = Story(run_id)
        #: How far each run was read; subflows are added as they are found.
        self.cursors = {run_id: 0}
        #: Subflows that have ended and were read to their end.
        self.closed: set[UUID] = set()

    def catch_up(self) -> None:
        """Learn what has happened so far without telling it: an earlier attempt is no news."""
        reporter, self.reporter = self.reporter, Silent()
        self._read(self.run_id)
        self._read_subflows()
        self.reporter = reporter

    def follow(self, stop: threading.Event) -> None:
        """Tell all that happens until `stop` is set, and all that had happened by then."""
        try:
            while not stop.is_set():
                if self.reporter.rests:
                    stop.wait(_WATCH_SECONDS)
                    continue
                if not self._watch():
                    stop.wait(_PAUSE_SECONDS)  # not there yet, or settled before a retry
                self._read_subflows()
            self._read(self.run_id)
            self._read_subflows()
            self._read(self.run_id)
        except StoreError:  # the engine meets the same store, and says so in the main thread
            return

    def _watch(self) -> bool:
        seen = False
        after = self.cursors[self.run_id]
        seconds = _WATCH_SECONDS if len(self.cursors) == 1 else _PAUSE_SECONDS
        try:
            for changes in self.store.watch(self.run_id, after=after, timeout=seconds):
                self._tell(self.run_id, changes)
                seen = True
        except ObjectNotFound:
            return False
        return seen

    def _read(self, run_id: UUID) -> None:
        """Tell what has happened to one run so far, without waiting."""
        before = -1
        while self.cursors[run_id] != before:
            before = self.cursors[run_id]
            try:
                self._tell(run_id, self.store.changes(run_id, after=before))
            except ObjectNotFound:  # refused before it was recorded
                return

    def _read_subflows(self) -> None:
        if self.story.run is None:  # first things first
            return
        for parent in [known for known in self.cursors if known not in self.closed]:
            for child in self.store.flow_runs(FlowRunFilter(parent_id=parent), limit=_PAGE):
                self.cursors.setdefault(child.id, 0)
        for run_id in [known for known in self.cursors if known not in self.closed]:
            if run_id != self.run_id:
                self._read(run_id)
                if self.story.runs[run_id].state.is_settled():
                    self.closed.add(run_id)

    def _tell(self, run_id: UUID, changes: Changes) -> None:
        self.cursors[run_id] = max(self.cursors[run_id], changes.cursor)
        events = self.story.events(changes)
        try:
            if events:
                self.reporter.tell(events, self.story)
        except OSError:  # the reader of a pipe went away; the run itself goes on
            self.reporter = Silent()


@contextmanager
def following(
    store: Store, run_id: UUID, reporter: Reporter, *, again: bool = False
) -> Iterator[Follower]:
    """Tell of a run while the block executes it; `again`, of what is new from now on."""
    follower = Follower(store, run_id, reporter)
    if again:
        follower.catch_up()
    stop = threading.Event()
    thread = threading.Thread(target=follower.follow, args=(stop,), name="nbflow-progress")
    thread.daemon = True
    reporter.begin()
    thread.start()
    try:
        yield follower
    finally:
        stop.set()
        thread.join()
        with suppress(OSError):  # a terminal that was closed needs no tidying
            reporter.stop()
