"""Carries what is new to the pages that watch, in one thread, at a pace that costs runs little.

This module decides when each watch is served: what somebody waits for at once, other news as
often as is cheap, nothing while nobody looks or nothing can happen. It must not know what
updates say, nor how they travel.

The pace: news go out together, in at most ten messages a second. An update that took c seconds
of work is followed by a pause of at least 60·c: the run waits for the same lock meanwhile, and for
about as long again until its threads have it in turn. So following costs a run about three
percent. A run's end is told at once, however long the pause.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nbflow.exceptions import ObjectNotFound
from nbflow.feed.look import Look
from nbflow.widgets.ear import Ear
from nbflow.widgets.followers import Follower, gone
from nbflow.widgets.messages import Target
from nbflow.widgets.open_pages import Pages, Watch

Send = Callable[[Mapping[str, Any]], None]
Follow = Callable[[Target], Follower]

#: Least seconds between messages.
_BEAT: Final = 0.1
#: Seconds of pause for each second of work.
REST: Final = 60.0
#: During longer pauses it is asked, so often, whether a run has ended meanwhile.
_GLANCE: Final = 0.25
#: Seconds of work after which a message goes out with what there is; the other watches come next.
_FULL: Final = 0.2
#: What was asked for comes without longer pauses for so many seconds, if it takes several updates.
_HURRY: Final = 10.0
#: Seconds for which an ended run is still listened to: its last lines, its results.
_AFTERMATH: Final = 30.0
#: Seconds for which a run may be not recorded yet, and until what failed is tried again.
_UNBORN: Final = 5.0
_RETRY: Final = 1.0
_DOUBLINGS: Final = 5
_SOON: Final = 0.2
#: Seconds that the thread waits for more when there is nothing to do, before it ends.
_LINGER: Final = 5.0


@dataclass(slots=True)
class _Served:
    """What the pump knows of one watch."""

    since: float
    follower: Follower | None = None
    settled_at: float | None = None
    #: When it was last read, and until when the rest of a large answer comes without a pause.
    read_at: float = float("-inf")
    hurry_until: float = float("-inf")
    #: It had news when a message was full.
    is_owed: bool = False
    #: When it is tried again after an error.
    retry_at: float | None = None
    #: How often it failed in a row, and what was said of it.
    tries: int = 0
    told: str | None = None

    @property
    def paced(self) -> float:
        """Seconds of work that kept to their own small part of the time."""
        return self.follower.paced_seconds if self.follower is not None else 0.0

    def is_asleep(self, now: float) -> bool:
        """Whether nothing happens any more, as far as one can know."""
        return self.settled_at is not None and now - self.settled_at > _AFTERMATH

    def is_hurried(self, now: float) -> bool:
        """Whether somebody waits for the rest of what was asked for."""
        return self.follower is not None and self.follower.is_behind and now < self.hurry_until


class Pump:
    """Serves the watches of all pages while there are any."""

    def __init__(self, pages: Pages, send: Send, follow: Follow) -> None:
        self._pages = pages
        self._send = send
        self._follow = follow
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        # From here on, the thread's own.
        self._served: dict[Watch, _Served] = {}
        self._ears: dict[int, Ear] = {}
        self._sent = self._rested = float("-inf")

    # ── from any thread ──────────────────────────────────────────────────────────────────

    def wake(self) -> None:
        """Look at once whether somebody waits for something."""
        with self._lock:
            self._wake.set()
            is_there = self._thread is not None and self._thread.is_alive()
            if not is_there and not self._stopped:
                # In a context of its own: the pump belongs to no cell and no run.
                context = contextvars.Context()
                self._thread = threading.Thread(
                    target=context.run, args=(self._keep_going,), name="nbflow-pump", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Send nothing more."""
        with self._lock:
            self._stopped = True
            self._wake.set()
        for ear in list(self._ears.values()):
            ear.close()

    # ── the thread ───────────────────────────────────────────────────────────────────────

    def _keep_going(self) -> None:
        while not self._is_over():
            self._wake.clear()
            self._turn()
            self._wake.wait(self._pause())

    def _is_over(self) -> bool:
        """Whether the thread ends, with nobody having said anything meanwhile."""
        with self._lock:
            if not self._stopped and (self._served or self._wake.is_set()):
                return False
            if not self._stopped and self._pages.watches(time.monotonic()):
                return False
            # From here on there may be another thread, with ears of its own.
            self._thread, ears, self._ears = None, self._ears, {}
        for ear in ears.values():
            ear.close()
        return True

    def _turn(self) -> None:
        """Serve whoever is to be served now, by one message."""
        now = time.monotonic()
        watches = self._pages.watches(now)
        self._served = {w: self._served.get(w) or _Served(now) for w in watches}
        if now - self._sent < _BEAT:
            return
        self._glance(now)
        due = [watch for watch in watches if watch.visible and self._is_due(watch, now)]
        due.sort(key=lambda watch: self._served[watch].read_at)  # who has waited longest
        is_news = not any(watch.asked or self._served[watch].is_hurried(now) for watch in due)
        self._listen(now)
        updates = self._updates(due, now)
        if updates and not self._stopped:
            self._deliver(updates, is_news=is_news)

    def _updates(self, due: Sequence[Watch], now: float) -> list[dict[str, Any]]:
        """What the watches are told now, one at least; the rest are owed it if that takes long."""
        found, full = [], time.monotonic() + _FULL
        for number, watch in enumerate(due):
            served = self._served[watch]
            served.is_owed = number > 0 and time.monotonic() >= full
            if not served.is_owed and (update := self._update(watch, now)) is not None:
                found.append(update)
        return found

    def _is_due(self, watch: Watch, now: float) -> bool:
        served = self._served[watch]
        if watch.asked:
            return True
        if served.retry_at is not None:
            return now >= served.retry_at
        if served.is_hurried(now):
            return now >= served.read_at + _BEAT
        return now >= self._rested and self._has_news(served, now)

    def _has_news(self, served: _Served, now: float) -> bool:
        if served.follower is None or served.is_asleep(now):
            return False
        ear = self._ears.get(id(served.follower.store))
        is_news = ear is not None and ear.news
        return served.is_owed or served.follower.is_behind or is_news

    def _update(self, watch: Watch, now: float) -> dict[str, Any] | None:
        """What the watch is told now; None when there is nothing."""
        served = self._served[watch]
        look, asked = self._pages.take(watch)
        is_news = not (asked or served.is_hurried(now))
        if asked:
            served.hurry_until = now + _HURRY
        before, served.read_at = time.thread_time() - served.paced, now
        update = self._read(watch, look, now)
        if is_news:
            self._rest_for(time.thread_time() - served.paced - before)
        if update is None:
            return None
        return {"page": watch.page, "watch": watch.number, "update": update}

    def _read(self, watch: Watch, look: Look, now: float) -> dict[str, Any] | None:
        served = self._served[watch]
        try:
            served.follower = served.follower or self._begin(watch.target)
            update = served.follower.update(look)
        except Exception as error:  # noqa: BLE001 - one view's trouble must not end the others
            return self._failed(served, watch.target, error, now)
        served.retry_at, served.told, served.tries = None, None, 0
        if not served.follower.settled:
            served.settled_at = None
        elif served.settled_at is None:
            served.settled_at = now
        return update

    def _begin(self, target: Target) -> Follower:
        follower = self._follow(target)
        store = follower.store
        if store is not None and id(store) not in self._ears:
            self._ears[id(store)] = ear = Ear(store, self._wake.set)
            ear.listen()
        return follower

    def _failed(
        self, served: _Served, target: Target, error: Exception, now: float
    ) -> dict[str, Any] | None:
        """Tell of the trouble once, and try again from the start a little later."""
        served.follower = None
        is_young = target.run is not None and now - served.since < _UNBORN
        unborn = is_young and isinstance(error, ObjectNotFound)
        served.retry_at = now + (_SOON if unborn else _RETRY * 2 ** min(served.tries, _DOUBLINGS))
        served.tries += not unborn
        update = gone(error)
        if unborn or served.told == update["gone"]:
            return None
        served.told = update["gone"]
        return update

    def _deliver(self, updates: Sequence[dict[str, Any]], *, is_news: bool) -> None:
        before = time.thread_time()
        self._send({"type": "updates", "updates": updates})
        self._sent = time.monotonic()
        if is_news:
            self._rest_for(time.thread_time() - before)

    def _rest_for(self, work: float) -> None:
        """Put off the next news for as long as this much work deserves."""
        now = time.monotonic()
        self._rested = max(now + _BEAT, max(self._rested, now) + REST * work)

    # ── when there is something to do ────────────────────────────────────────────────────

    def _pause(self) -> float:
        """Seconds until the next turn, if nobody wakes the pump before."""
        now = time.monotonic()
        times = [self._due_at(watch, served, now) for watch, served in self._served.items()]
        first = min(times, default=now + _LINGER)
        return min(max(first, self._sent + _BEAT) - now, _LINGER)

    def _due_at(self, watch: Watch, served: _Served, now: float) -> float:
        if not watch.visible:
            return now + _LINGER
        if watch.asked:
            return now
        if served.retry_at is not None:
            return served.retry_at
        if served.is_hurried(now):
            return served.read_at + _BEAT
        if not self._has_news(served, now):
            return now + _LINGER
        return min(self._rested, now + _GLANCE)

    def _glance(self, now: float) -> None:
        """Notice what has ended during a long pause, or began anew after its end: it is due."""
        is_long = self._rested - now >= _GLANCE
        for watch, served in self._served.items():
            if not watch.visible or served.follower is None:
                continue
            if served.settled_at is None:
                is_due = is_long and self._has_news(served, now) and _has_settled(served.follower)
            else:
                nudged = served.is_asleep(now) and self._pages.take_nudge(watch)
                is_due = nudged and not _has_settled(served.follower)
            if is_due:
                watch.asked = True

    def _listen(self, now: float) -> None:
        """Want to know of news where somebody is told of them, and only there."""
        wanted = {
            id(served.follower.store)
            for watch, served in self._served.items()
            if served.follower is not None and watch.visible and not served.is_asleep(now)
        }
        for key, ear in self._ears.items():
            if key not in wanted:
                ear.rest()
            elif now >= self._rested:
                ear.listen()  # before it is read: what comes meanwhile is news again


def _has_settled(follower: Follower) -> bool:
    try:
        return follower.has_settled()
    except Exception:  # noqa: BLE001 - gone, or out of reach: the update will tell
        return True
