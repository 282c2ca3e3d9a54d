"""A worker: claims runs, starts a process for each, and settles what became of it.

This module decides when a worker claims, and what it does when it is told to stop, when a run
is cancelled, lost or overdue, and when the store is gone. Whatever takes time has a thread of
its own: claiming, the heartbeat, listening, and each run; nobody polls. It must not know how
a run is executed.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from nbflow import __version__
from nbflow.exceptions import StoreError
from nbflow.models import FlowKind, FlowRun, LogRecord, new_id
from nbflow.models.deployments import Claim, Event, Fence, Heartbeat
from nbflow.models.deployments import Worker as WorkerRecord
from nbflow.notebooks.kernels.ending import KernelExit
from nbflow.owner import this_owner
from nbflow.settings import get_settings
from nbflow.states import Crashed, State, StateType, TimedOut, now
from nbflow.store.base import Store
from nbflow.wording import duration, state_word
from nbflow.worker import snapshots
from nbflow.worker.bench import Bench
from nbflow.worker.environment import run_environment
from nbflow.worker.heart import Heart
from nbflow.worker.held import HeldRun, Runner, last_words
from nbflow.worker.orders import Order, command_ahead
from nbflow.worker.stopwatch import Stopwatch
from nbflow.worker.waking import Listener, Patience, Tell

#: Seconds after which a claim is tried again although nobody said that it would succeed.
_FIRST_TRY: Final = 0.05
_LAST_TRY: Final = 5.0
_LONGEST_WAIT: Final = 30.0
#: Seconds that runs get to be settled when the worker is told to stop at once.
_LAST_WORDS: Final = 10.0
#: Beats in the time of a lease.
_BEATS: Final = 3
#: Kinds of events after which a run may have become claimable, and states that change nothing.
_INTERESTING: Final = ("flow-run.", "deployment.", "queue.", "backfill.", "schedule.")
_UNINTERESTING: Final = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
_PRINTED: Final = "nbflow.stdout"

_logger = logging.getLogger("nbflow.worker")
_numbers = count(1)


class Worker:
    """Executes the runs that wait in some queues, until it is told to stop."""

    def __init__(
        self,
        store: Store,
        *,
        queues: Sequence[str] = (),
        limit: int | None = None,
        name: str | None = None,
        warm: bool | None = None,
        grace: float | None = None,
        tell: Tell | None = None,
    ) -> None:
        """Make a worker; `run` lets it work.

        Args:
            store: Where runs wait.
            queues: Whose runs it takes; default: all.
            limit: Most runs at the same time; default: the number of CPUs, at least 2.
            name: Which no other living worker has; default: the machine and the process.
            warm: Whether a process waits for the next run; default: the setting.
            grace: Seconds that runs get to end after `stop`; default: as long as they take.
            tell: Hears, in one line each, what it does; default: the logger `nbflow.worker`.
        """
        self.id: UUID = new_id()
        self.name = name or _default_name()
        self.queues = tuple(queues)
        self.limit = limit or max(2, os.cpu_count() or 1)
        #: Set once it claims runs.
        self.ready = threading.Event()
        self._store = store
        self._settings = settings = get_settings()
        self._grace = grace
        self._tell: Tell = tell or (lambda line: _logger.info("%s", line))
        self._patience = Patience(self._tell)
        self._held: dict[Fence, HeldRun] = {}
        self._lock = threading.Lock()
        #: Set when something may be to be done.
        self._alarm = threading.Event()
        self._stopping = threading.Event()
        self._at_once = threading.Event()
        self._pause = _FIRST_TRY
        self._warm = settings.warm_kernels if warm is None else warm
        interval = settings.lease_seconds / _BEATS
        #: Seconds between claims that nobody asks for: they find leases that ran out.
        self._rest = min(_LONGEST_WAIT, interval)
        self._heart = Heart(
            store, self.id, interval, self._fences, self._hear_heartbeat, self._patience
        )
        self._listener = Listener(store, self._hear_events, self._patience)
        self._bench: Bench | None = None

    # ── life ─────────────────────────────────────────────────────────────────────────────
    def run(self) -> None:
        """Work until `stop`; raises `ObjectAlreadyExists` when a living worker has the name."""
        self._store.dispatch.register(self._record())
        folder = self._folder()
        if self._warm:
            self._bench = Bench(run_environment(self._settings, {}), folder, self._tell)
            self._bench.fill()
        self._heart.start()
        self._listener.start()
        try:
            self.ready.set()
            self._work(folder)
            self._wind_down()
        finally:
            self._close()

    def stop(self, *, hard: bool = False) -> None:
        """Claim no more, let runs end, and return from `run`; with `hard` end runs at once."""
        if hard:
            self._at_once.set()
        self._stopping.set()
        self._alarm.set()

    def held(self) -> list[FlowRun]:
        """The runs that it executes now, as it claimed them."""
        with self._lock:
            return [held.claim.run for held in self._held.values()]

    def _record(self) -> WorkerRecord:
        moment = now()
        return WorkerRecord(
            id=self.id,
            name=self.name,
            owner=this_owner(),
            queues=self.queues,
            limit=self.limit,
            version=__version__,
            started=moment,
            heartbeat=moment,
        )

    def _folder(self) -> Path:
        """Where what processes print is kept, for this user only."""
        home = self._settings.ensure_home()
        with suppress(OSError):
            snapshots.clean(home)
        folder = home / "workers"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _work(self, folder: Path) -> None:
        while not self._stopping.is_set():
            self._alarm.clear()
            self._claim(folder)
            if self._alarm.wait(self._until_next()):
                self._pause = _FIRST_TRY

    def _wind_down(self) -> None:
        """Wait until the last run has been settled."""
        deadline = None if self._grace is None else time.monotonic() + self._grace
        while self.held() and not self._at_once.is_set():
            self._alarm.clear()
            left = _LONGEST_WAIT if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            if self.held() and not self._at_once.is_set():
                self._alarm.wait(left)

    def _end_all(self) -> None:
        with self._lock:
            left = list(self._held.values())
        for held in left:
            held.stop(f"The worker {self.name} was stopped.")
        deadline = time.monotonic() + _LAST_WORDS
        for held in left:
            held.settled.wait(max(0.0, deadline - time.monotonic()))

    def _close(self) -> None:
        self._stopping.set()
        self._end_all()
        self._heart.stop()
        if self._bench is not None:
            self._bench.close()
        self._patience.over.set()
        with suppress(StoreError):
            self._store.dispatch.sign_off(self.id)  # an event, which ends the listener's wait
        self._listener.join(1.0)

    # ── claiming ─────────────────────────────────────────────────────────────────────────
    def _claim(self, folder: Path) -> None:
        free = self._free()
        if free <= 0:
            return
        dispatch = self._store.dispatch
        claims = self._patience.ask(lambda: dispatch.claim(self.id, self.queues, free))
        for claim in claims or ():
            self._pause = _FIRST_TRY
            self._begin(claim, folder)

    def _free(self) -> int:
        with self._lock:
            return self.limit - len(self._held)

    def _until_next(self) -> float:
        """Seconds until a claim may succeed without anybody saying so."""
        if self._stopping.is_set():
            return 0.0
        if self._free() <= 0:
            return _LONGEST_WAIT
        due = self._patience.ask(lambda: self._store.dispatch.next_due(self.queues))
        if due is None:
            return self._rest
        left = (due - now()).total_seconds()
        if left > 0:
            return min(left, self._rest)
        # Due, but held back by a limit whose end will be told, or by clocks that differ.
        pause, self._pause = self._pause, min(2 * self._pause, _LAST_TRY)
        return pause

    def _begin(self, claim: Claim, folder: Path) -> None:
        if self._stopping.is_set():
            self._hand_back(claim, f"The worker {self.name} is stopping.")
            return
        try:
            held = HeldRun(claim, *self._runner_for(claim, folder))
        except OSError as error:
            self._tell(f"{claim.run.name}: handed back, no process can be started ({error})")
            self._hand_back(claim, f"The worker {self.name} could not start a process: {error}.")
            self._stopping.wait(1.0)
            return
        with self._lock:
            self._held[claim.fence] = held
        self._tell(f"{held.name}: claimed from queue {claim.queued.queue!r}, {held.process_words}")
        attending = threading.Thread(
            target=self._attend, args=(held,), name=f"nbflow-run-{claim.run.name}", daemon=True
        )
        attending.start()

    def _runner_for(self, claim: Claim, folder: Path) -> tuple[Runner, bool]:
        """The process for a run, and whether it had been waiting."""
        given = claim.version.spec.env if claim.version else {}
        order = Order(claim.fence, run_environment(self._settings, given))
        if self._bench is not None:
            self._bench.fill_later()
            runner = self._bench.take(claim, order)
            if runner is not None:
                return runner, True
        return _new_runner(claim, order, folder), False

    def _hand_back(self, claim: Claim, message: str) -> None:
        self._patience.ask(lambda: self._store.dispatch.hand_back(claim.fence, message))

    # ── hearing ──────────────────────────────────────────────────────────────────────────
    def _hear_events(self, events: Sequence[Event]) -> None:
        with self._lock:
            held = {str(fence.run_id) for fence in self._held}
        for event in events:
            state = event.payload.get("type")
            if state == StateType.CANCELLING and event.subject in held:
                self._heart.beat_now()
            elif event.kind.startswith(_INTERESTING) and state not in _UNINTERESTING:
                self._alarm.set()

    def _fences(self) -> list[Fence]:
        with self._lock:
            return [held.claim.fence for held in self._held.values() if not held.settling]

    def _hear_heartbeat(self, heard: Heartbeat) -> None:
        with self._lock:
            held_runs = list(self._held.items())
        for fence, held in held_runs:
            if held.settling:
                continue
            if fence in heard.lost:
                self._tell(f"{held.name}: lost, somebody else has it; its process is ended")
                held.lose()
            elif fence.run_id in heard.cancelling and held.cancel(
                self._settings.cancel_grace_seconds
            ):
                self._tell(f"{held.name}: cancelling, its process is interrupted")

    # ── a run ────────────────────────────────────────────────────────────────────────────
    def _attend(self, held: HeldRun) -> None:
        watch = Stopwatch(held, self._store, self._settings)
        watch.start()
        ended = held.runner.wait()
        watch.stop()
        held.settling = True
        printed = held.runner.printed()
        try:
            if not held.lost:
                self._settle(held, ended, printed)
        finally:  # whatever it was: the worker's place is free again
            self._let_go(held)

    def _let_go(self, held: HeldRun) -> None:
        with self._lock:
            del self._held[held.claim.fence]
            idle = not self._held
        held.settled.set()
        self._alarm.set()
        if idle and self._bench is not None and not self._stopping.is_set():
            self._bench.fill()

    def _settle(self, held: HeldRun, ended: KernelExit, printed: str) -> None:
        run = held.claim.run
        if printed.strip():
            record = LogRecord(run.id, None, logging.INFO, _PRINTED, printed.rstrip("\n"), now())
            self._store.add_logs([record])
        state = _end_of(held, ended, printed)
        finish = self._store.dispatch.finish
        settled = self._patience.ask(lambda: finish(held.claim.fence, state))
        if settled is not None:
            took = duration(time.monotonic() - held.started)
            self._tell(f"{held.name}: {state_word(settled.state.name)} after {took}")


def _new_runner(claim: Claim, order: Order, folder: Path) -> Runner:
    """A process that starts for the run; a notebook's kernel boots while it loads."""
    spec = claim.version.spec if claim.version else None
    if spec is None or spec.kind is not FlowKind.NOTEBOOK:
        return Runner(order.command(), order.environment, folder, ahead=False)
    runner = Runner(command_ahead(spec.kernel_name), order.environment, folder, ahead=True)
    with suppress(OSError):  # it has ended already, which will be noticed
        runner.order(order.line())
    return runner


def _end_of(held: HeldRun, ended: KernelExit, printed: str) -> State[Any]:
    """The last state of a run whose process did not record one."""
    if held.overdue:
        return TimedOut(message=held.overdue)
    if held.stopped:
        return Crashed(message=held.stopped)
    words = last_words(printed)
    tail = f" Its last words:\n{words}" if words else ""
    return Crashed(message=f"The run's process ended before the run did: {ended}.{tail}")


def _default_name() -> str:
    number = next(_numbers)
    name = f"{platform.node() or 'localhost'}-{os.getpid()}"
    return name if number == 1 else f"{name}-{number}"
