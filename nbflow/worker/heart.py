"""The heartbeat of a worker: says that it lives, and hears what became of its runs.

This module decides when a worker speaks up. It has a thread of its own, so that neither
claiming nor a run's code delays it. It must not know what is done about what it hears.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from nbflow.models.deployments import Fence, Heartbeat
from nbflow.store.base import Store
from nbflow.worker.waking import Patience


class Heart:
    """Beats until it is told to stop."""

    def __init__(
        self,
        store: Store,
        worker_id: UUID,
        interval: float,
        held: Callable[[], Sequence[Fence]],
        hear: Callable[[Heartbeat], None],
        patience: Patience,
    ) -> None:
        """Take what to say and whom to tell the answer.

        Args:
            store: Where the worker is known.
            worker_id: The worker.
            interval: Seconds between beats.
            held: Gives the claims to prolong.
            hear: Is told the answer.
            patience: Asks again while the store does not answer.
        """
        self._store = store
        self._worker_id = worker_id
        self._interval = interval
        self._held = held
        self._hear = hear
        self._patience = patience
        self._hurry = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._beat, name="nbflow-heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def beat_now(self) -> None:
        """Do not wait for the next beat's time."""
        self._hurry.set()

    def stop(self) -> None:
        """Beat no more."""
        self._stopped = True
        self._hurry.set()
        self._thread.join(1.0)

    def _beat(self) -> None:
        while True:
            self._hurry.wait(self._interval)
            self._hurry.clear()
            if self._stopped:
                return
            heard = self._patience.ask(self._once)
            if heard is not None:
                self._hear(heard)

    def _once(self) -> Heartbeat:
        return self._store.dispatch.heartbeat(self._worker_id, self._held())
