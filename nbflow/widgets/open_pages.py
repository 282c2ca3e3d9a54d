"""The open pages that show this kernel's notebook, and what each of them watches.

This module decides how long a page that says nothing is believed to be there, and what is known
of its watches meanwhile. It is pure but for its lock: time is a parameter. It must not know
what watches are told, nor how.

Browsers slow down pages that nobody looks at, and computers sleep: a page that was given up and
speaks again gets all its watches back. Where messages wait for the running cell to end, as with
older kernels and front ends, nobody is given up meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from nbflow.feed.look import Look
from nbflow.widgets.messages import Leaving, Looking, Seeing, Target, Watching

#: Seconds after which a page that says nothing is given up.
_PATIENCE: Final = 40.0
#: The same, while a cell runs that holds back what the page says.
_LONG_PATIENCE: Final = 6 * 3600.0
#: Seconds in which a page is not sent the same code twice: the hellos that piled up meanwhile.
_ANSWERED: Final = 3.0
#: Pages, and watches of one page, that are remembered at most.
_MOST_PAGES: Final = 32
_MOST_WATCHES: Final = 500


@dataclass(slots=True, eq=False)
class Watch:
    """One view in one page; what it was told before belongs to this very object."""

    page: str
    number: int
    target: Target
    look: Look
    visible: bool = True
    #: Somebody waits for it: it is served at once.
    asked: bool = True
    #: Its page has said since the last look that it is still there.
    nudged: bool = False


@dataclass(slots=True, eq=False)
class Page:
    """One load of a page."""

    id: str
    heard: float
    #: Whether what it says waits for the running cell to end.
    is_held_back: bool = False
    #: When it was sent the front end's code.
    answered: float = float("-inf")
    watches: dict[int, Watch] = field(default_factory=dict)


class Pages:
    """All pages that were heard of; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pages: dict[str, Page] = {}
        #: Whether a cell runs, and since when none does.
        self._is_busy = False
        self._free_since = float("-inf")

    # ── what pages say ───────────────────────────────────────────────────────────────────

    def hear(self, page: str, now: float, *, is_held_back: bool = False) -> None:
        """The page is there; one that was given up gets new watches in place of its old ones."""
        with self._lock:
            known = self._pages.pop(page, None) or Page(page, now)
            if not self._is_there(known, now):
                known.watches = {
                    number: Watch(page, number, watch.target, watch.look, watch.visible)
                    for number, watch in known.watches.items()
                }
            known.heard, known.is_held_back = now, is_held_back
            for watch in known.watches.values():
                watch.nudged = True
            self._pages[page] = known  # the last heard of stands last
            while len(self._pages) > _MOST_PAGES:
                del self._pages[next(iter(self._pages))]

    def needs_code(self, page: str, now: float) -> bool:
        """Whether the page has not been sent the code just before; from now on it has."""
        with self._lock:
            known = self._pages.get(page)
            if known is None or now - known.answered < _ANSWERED:
                return False
            known.answered = now
            return True

    def watch(self, message: Watching) -> None:
        """The page wants to hear of a target, in place of what had the number before."""
        with self._lock:
            known = self._pages.get(message.page)
            if known is None:
                return
            if message.watch not in known.watches and len(known.watches) >= _MOST_WATCHES:
                return
            known.watches[message.watch] = Watch(
                message.page, message.watch, message.target, Look.from_json(message.look)
            )

    def unwatch(self, message: Leaving) -> None:
        """The page has closed the view."""
        with self._lock:
            if (known := self._pages.get(message.page)) is not None:
                known.watches.pop(message.watch, None)

    def look(self, message: Looking) -> None:
        """The page wants another look."""
        with self._lock:
            if (watch := self._find(message.page, message.watch)) is not None:
                watch.look, watch.asked = Look.from_json(message.look), True

    def see(self, message: Seeing) -> None:
        """The view came into sight, or went out of it."""
        with self._lock:
            if (watch := self._find(message.page, message.watch)) is not None:
                watch.asked |= message.visible and not watch.visible
                watch.visible = message.visible

    def _find(self, page: str, number: int) -> Watch | None:
        known = self._pages.get(page)
        return known.watches.get(number) if known is not None else None

    def cell_runs(self, now: float, *, running: bool) -> None:
        """The kernel's main thread runs a cell from now on, or none."""
        with self._lock:
            self._is_busy, self._free_since = running, now

    # ── what is known ────────────────────────────────────────────────────────────────────

    def watches(self, now: float) -> list[Watch]:
        """The watches of the pages that are there."""
        with self._lock:
            return [
                watch
                for page in self._pages.values()
                if self._is_there(page, now)
                for watch in page.watches.values()
            ]

    def _is_there(self, page: Page, now: float) -> bool:
        if not page.is_held_back:
            return now - page.heard <= _PATIENCE
        if self._is_busy:
            return now - page.heard <= _LONG_PATIENCE
        return now - max(page.heard, self._free_since) <= _PATIENCE

    def ask_for(self, run: UUID) -> None:
        """Let every view of a run be served at once."""
        with self._lock:
            for page in self._pages.values():
                for watch in page.watches.values():
                    watch.asked |= watch.target.run == run

    def is_watched(self, run: UUID, now: float) -> bool:
        """Whether a page that is there shows the run."""
        return any(watch.target.run == run for watch in self.watches(now))

    def take(self, watch: Watch) -> tuple[Look, bool]:
        """How the watch wants to look, and whether it waits; from now on it does not."""
        with self._lock:
            asked, watch.asked = watch.asked, False
            return watch.look, asked

    def take_nudge(self, watch: Watch) -> bool:
        """Whether its page has spoken since the last time that this was asked."""
        with self._lock:
            nudged, watch.nudged = watch.nudged, False
            return nudged
