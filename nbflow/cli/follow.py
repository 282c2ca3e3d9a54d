"""Follows a run through the store, in the background, and tells a reporter what happens.

This module decides when the store is asked and what happens when the reader goes away. It
must not know what is told, nor how.

The pace: work of c seconds is followed by a pause of as many times c as the reporter can bear,
for the one who follows often shares the run's process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from nbflow.cli.reports import Reporter, Silent
from nbflow.exceptions import ObjectNotFound, StoreError
from nbflow.run_reader import Batch, RunReader, SubflowGone
from nbflow.store.base import Store
from nbflow.story import Story

#: Seconds between looks while things happen, and the most when nothing does.
_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.25


class Follower:
    """One run being followed, its subflows with it."""

    def __init__(self, store: Store, run_id: UUID, reporter: Reporter) -> None:
        self.store = store
        self.run_id = run_id
        self.reporter: Reporter = reporter
        self.story = Story(run_id)
        #: The story, once it has all that was recorded by the end.
        self.whole: Story | None = None
        self._reader = RunReader(store, run_id)

    def catch_up(self) -> None:
        """Learn what has happened so far without telling it: an earlier attempt is no news."""
        for batch in self._round():
            self.story.events(batch)

    def follow(self, stop: threading.Event) -> None:
        """Tell all that happens until `stop` is set, and all that had happened by then."""
        pause = _SHORTEST_PAUSE
        try:
            while not stop.wait(pause):
                pause = self.look(pause)
            for _ in range(2):  # what was begun, and all of it once more
                for batch in self._round():
                    self._tell(batch)
            self.whole = self.story
        except StoreError:  # the engine meets the same store, and says so in the main thread
            return

    def look(self, pause: float) -> float:
        """Tell what is new; the seconds until the next look, `pause` being those before this."""
        if self.reporter.rests:
            return _LONGEST_PAUSE
        began = time.thread_time()
        batch = self._read()
        if not batch:
            return min(2 * pause, _LONGEST_PAUSE)
        self._tell(batch)
        return max(_SHORTEST_PAUSE, self.reporter.rest * (time.thread_time() - began))

    def _round(self) -> Iterator[Batch]:
        """What is new of the run and each subflow, read once; others may write without end."""
        while (batch := self._read()) is not None:
            yield batch
            if not self._reader.behind:
                return

    def _read(self) -> Batch | None:
        """What is new; None when nothing is, or when the run is not there yet."""
        try:
            return self._reader.read()
        except ObjectNotFound:
            return None
        except SubflowGone:  # all that is left is read again, and is no news
            self._reader = RunReader(self.store, self.run_id)
            self.catch_up()
            return None

    def _tell(self, batch: Batch) -> None:
        events = self.story.events(batch)
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
