"""Follows a run through the store, in the background, and tells a reporter what happens.

This module decides when the store is asked and what happens when the reader goes away. It
must not know what is told, nor how.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from nbflow.cli.events import Story
from nbflow.cli.reports import Reporter, Silent
from nbflow.exceptions import ObjectNotFound, StoreError
from nbflow.models import Changes
from nbflow.store.base import Store

_WATCH_SECONDS: Final = 0.25
_PAUSE_SECONDS: Final = 0.05


class Follower:
    """One run being followed."""

    def __init__(self, store: Store, run_id: UUID, reporter: Reporter) -> None:
        self.store = store
        self.run_id = run_id
        self.reporter: Reporter = reporter
        self.story = Story()
        self.cursor = 0

    def follow(self, stop: threading.Event) -> None:
        """Tell all that happens until `stop` is set, and all that had happened by then."""
        try:
            while not stop.is_set():
                if not self._watch():
                    stop.wait(_PAUSE_SECONDS)  # not there yet, or settled before a retry
            self.catch_up()
        except StoreError:  # the engine meets the same store, and says so in the main thread
            return

    def _watch(self) -> bool:
        seen = False
        try:
            for changes in self.store.watch(self.run_id, after=self.cursor, timeout=_WATCH_SECONDS):
                self._tell(changes)
                seen = True
        except ObjectNotFound:
            return False
        return seen

    def catch_up(self) -> None:
        """Tell what has happened so far, without waiting."""
        before = -1
        while self.cursor != before:
            before = self.cursor
            try:
                self._tell(self.store.changes(self.run_id, after=before))
            except ObjectNotFound:  # refused before it was recorded
                return

    def _tell(self, changes: Changes) -> None:
        self.cursor = max(self.cursor, changes.cursor)
        events = self.story.events(changes)
        try:
            if events:
                self.reporter.tell(events, self.story)
        except OSError:  # the reader of a pipe went away; the run itself goes on
            self.reporter = Silent()


@contextmanager
def following(store: Store, run_id: UUID, reporter: Reporter) -> Iterator[Follower]:
    """Tell of a run while the block executes it."""
    follower = Follower(store, run_id, reporter)
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
        reporter.stop()
