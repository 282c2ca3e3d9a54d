"""Writes of runs on their way to a server.

This module decides how writes become deliveries, and what becomes of them when the server is
away: they are kept, in order, and sent until it answers. It must not know the server's side.

Whoever waits (`flush`) is told after the connection's patience that the server is away; the
writes stay here, for as long as the process lives and the memory allows.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow import wire
from nbflow.exceptions import LeaseLost, NbflowError, StoreError
from nbflow.models import new_id
from nbflow.store.grouping import Grouping, Wait
from nbflow.store.http.connection import Away, Connection
from nbflow.store.http.writes import RunWrite, dump_write

if TYPE_CHECKING:
    from nbflow.models.deployments import Fence

#: Characters of JSON in one delivery, unless a single write is longer.
_MOST_CHARACTERS: Final = 4_000_000
#: Waiting writes at which callers are slowed down to the server's speed.
_MOST_WAITING: Final = 100_000
#: Seconds between attempts to reach a server that is away for long.
_RETRY_SECONDS: Final = 2.0


class Outbox(Grouping[RunWrite]):
    """Sends what was written, in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        #: The claim that every write carries; None: they need none.
        self.fence: Fence | None = None
        super().__init__()

    def _start_fresh(self) -> None:
        super()._start_fresh()
        self._errors: list[NbflowError] = []
        #: Set once the claim is gone: nothing is sent any more.
        self._lost: LeaseLost | None = None
        #: The delivery that arrived last.
        self._previous: UUID | None = None
        self._dropped = 0
        #: While the server is away for long: what those who wait are told.
        self._away: Away | None = None
        #: Set by `close`: the server is not waited for any longer than its patience.
        self._ending = threading.Event()
        self._given_up = False

    # ── callers' side ────────────────────────────────────────────────────────────────────
    def put(self, item: RunWrite | Wait) -> None:
        """Accept a write; one more than memory allows is dropped, and told by `flush`."""
        if len(self._queue) >= _MOST_WAITING:
            self.settle()
            if len(self._queue) >= _MOST_WAITING:
                self._dropped += 1
                return
        super().put(item)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until all writes have arrived; raises the first error since the last flush."""
        if not self.settle(timeout):
            raise StoreError(
                f"The server at {self._connection.url} did not take all writes within "
                f"{timeout:g} s. Try again; if it stays so, look into its log."
            )
        if self._lost is not None:
            raise self._lost
        if self._away is not None:
            raise self._away
        self._tell_of_dropped()
        with self._lock:
            errors, self._errors = self._errors, []
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Send what is left and end; raises what `flush` does."""
        if self._closed:
            return
        try:
            with suppress(LeaseLost):  # nothing is left to be sent
                self.flush()
        finally:
            self._ending.set()
            self.stop()

    def _tell_of_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._fail(
                StoreError(
                    f"{dropped} records of runs were lost, because the server at "
                    f"{self._connection.url} was away for too long. Run again what matters."
                )
            )

    def _fail(self, error: NbflowError) -> None:
        with self._lock:
            self._errors.append(error)

    # ── the thread's side ────────────────────────────────────────────────────────────────
    def _carry_out(self, items: list[RunWrite | Wait]) -> None:
        waiting = [item for item in items if isinstance(item, Wait)]
        for texts in self._deliveries([item for item in items if not isinstance(item, Wait)]):
            if self._lost is not None or self._given_up:
                return
            try:
                self._deliver(texts, waiting)
            except LeaseLost as error:
                self._lost = error
            except NbflowError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - a dead thread would let `flush` wait for ever
                self._fail(StoreError(f"Runs could not be recorded ({error!r}). Run it again."))

    def _deliveries(self, items: list[RunWrite]) -> Iterator[list[str]]:
        texts: list[str] = []
        size = 0
        for item in items:
            for text in self._texts(item):
                if texts and size + len(text) > _MOST_CHARACTERS:
                    yield texts
                    texts, size = [], 0
                texts.append(text)
                size += len(text)
        if texts:
            yield texts

    def _texts(self, write: RunWrite) -> list[str]:
        """A write as JSON; without what has no such form, which `flush` tells."""
        try:
            return [json.dumps(dump_write(write))]
        except (wire.Unfit, ValueError, TypeError) as error:
            if write.name == "add_logs" and len(write.argument) > 1:
                parts = [RunWrite(write.name, (record,)) for record in write.argument]
                return [text for part in parts for text in self._texts(part)]
            words = f"The store could not {write.words()}: {error}. Check the values given."
            self._fail(StoreError(words))
            return []

    def _deliver(self, texts: list[str], waiting: list[Wait]) -> None:
        """Send until there is an answer, telling those who wait when there is none for long."""
        identifier = new_id()
        head: dict[str, Any] = {"id": identifier, "previous": self._previous, "fence": self.fence}
        content = f'{json.dumps(wire.dump(head))[:-1]}, "writes": [{",".join(texts)}]}}'.encode()
        while True:
            try:
                answer = self._connection.post("/store/writes", content, _HEADERS)
                break
            except Away as error:
                if self._ending.is_set():
                    self._given_up = True
                    raise
                self._tell_waiting(error, waiting)
                self._kick.wait(_RETRY_SECONDS)
        self._previous, self._away = identifier, None
        for words in _problems(answer):
            self._fail(StoreError(words))

    def _tell_waiting(self, error: Away, waiting: list[Wait]) -> None:
        self._away = error
        for each in [*waiting, *self._queue.copy()]:
            if isinstance(each, Wait):
                each.ring()


_HEADERS: Final = {"Content-Type": "application/json"}


def _problems(answer: bytes) -> list[str]:
    found: Any = json.loads(answer)
    return [str(each) for each in found["problems"]]
