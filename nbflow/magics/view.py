"""A run under its cell, while it goes on and afterwards.

This module decides how often the static form of a run that goes on in this kernel replaces
itself. Where a page shows the live view in its place, the static form rests until the end:
then it is what the saved file keeps. It must not know how runs are executed.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from nbflow import states
from nbflow.cli.console import is_live, make_console, say
from nbflow.cli.live import LiveDisplay
from nbflow.cli.reports import (
    Ending,
    Reporter,
    Silent,
    is_on_screen,
    record_lines,
    seconds_of,
    summary_line,
)
from nbflow.failure import Failure
from nbflow.interactive import in_kernel
from nbflow.run_graph import graph_of_run
from nbflow.story import Event, Logged, Overwrites, Story
from nbflow.terminal_text import plain_line
from nbflow.widgets.bridge import bridge
from nbflow.widgets.cell_places import place_in_notebook
from nbflow.widgets.element import wrap_run
from nbflow.widgets.moment import Moment, moment_data, moment_of
from nbflow.wording import middle_ellipsis

#: The view changes at most so often, and at least so often while the clock runs.
_SHORTEST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 1.0
#: Seconds of pause for each second of work: the picture shares the run's process.
_REST: Final = 80.0
#: Lines of the log that are kept in view.
_LINES: Final = 6
_LONGEST_LINE: Final = 160
_ERROR_LEVEL: Final = 40


class Screen(Protocol):
    """A place under a cell that can be drawn on again and again."""

    def draw(self, data: Mapping[str, str]) -> None:
        """Show these forms of one thing in place of what is there."""


class DisplayScreen:
    """A display of Jupyter, updated by its id, wherever the drawing thread is."""

    def __init__(self, ip: Any) -> None:
        self._publish: Callable[..., None] = ip.display_pub.publish
        self._id = f"nbflow-{uuid4().hex}"
        self._drawn = False
        #: Whose output it is: threads do not inherit the cell that they were started by.
        self._cell = contextvars.copy_context()

    def draw(self, data: Mapping[str, str]) -> None:
        """Show the data, for the first time or in place of the former."""
        update, self._drawn = self._drawn, True
        self._cell.run(
            self._publish, data=dict(data), transient={"display_id": self._id}, update=update
        )


# ── the view ─────────────────────────────────────────────────────────────────────────────


class Audience(Protocol):
    """Pages that show live views."""

    def is_watched(self, run_id: UUID) -> bool:
        """Whether a page shows the run just now."""


class RunDisplay(Silent):
    """Keeps a screen up to date with a run; at the end it is the run's picture."""

    def __init__(
        self,
        screen: Screen,
        title: str,
        place: Callable[[str], str] = lambda place: place,
        audience: Audience | None = None,
    ) -> None:
        self.screen = screen
        #: How a place in the user's code is called: `In[2], line 3`.
        self.place = place
        self.title = plain_line(title)
        self.audience = audience
        self.story: Story | None = None
        self.overwrites = Overwrites()
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, name="nbflow-view", daemon=True)

    @property
    def rest(self) -> float:
        """It costs the run about three percent: see `nbflow.widgets.pump`."""
        return _REST

    @property
    def rests(self) -> bool:
        """Whether a page shows the run itself: it need not be told here, nor read twice."""
        if self.audience is None or self.story is None:
            return False
        return self.audience.is_watched(self.story.run_id)

    def begin(self) -> None:
        """Show that something begins."""
        self.screen.draw(moment_data(Moment(title=self.title, state=states.Pending())))
        self._thread.start()

    def tell(self, events: Sequence[Event], story: Story) -> None:
        """Take in what is new; it is drawn when it is time."""
        self.story = story
        for event in self.overwrites.settle(events):
            if isinstance(event, Logged) and not _told_elsewhere(event, story):
                self._lines.extend(_told(event))
        self._news.set()

    def stop(self) -> None:
        """Draw how things stand; nothing moves any more, also when the run was interrupted."""
        self._stopped.set()
        self._news.set()
        self._thread.join()
        if self.story is None or self.story.run is None:  # refused before it began
            self.screen.draw({"text/plain": "", "text/html": ""})
        elif not self.story.run.state.is_settled():
            self.screen.draw(self._wrapped(self._data()))

    def end(self, ending: Ending) -> None:
        """Draw the picture that stays."""
        assert self.story is not None
        failed = ending.failure is not None
        moment = replace(
            moment_of(self.story, self.title, tuple(self._lines) if failed else ()),
            state=ending.run.state,
            seconds=seconds_of(ending.run),
            tally=ending.tally,
            rows=(),
            stop="",
            failure=self._placed(ending.failure),
            graph=graph_of_run(ending.run, ending.tasks, ending.subflows),
        )
        self.screen.draw(self._wrapped(moment_data(moment)))

    def _wrapped(self, data: Mapping[str, str]) -> dict[str, str]:
        """The static form, at a place where a page can show the live view."""
        if self.story is None or self.story.run is None:
            return dict(data)
        return {**data, "text/html": wrap_run(self.story.run_id, data["text/html"])}

    def _placed(self, failure: Failure | None) -> Failure | None:
        if failure is None or failure.source is None:
            return failure
        source = replace(failure.source, place=self.place(failure.source.place))
        return replace(failure, source=source)

    def _data(self) -> dict[str, str]:
        assert self.story is not None
        return moment_data(moment_of(self.story, self.title, tuple(self._lines)))

    def _keep_drawing(self) -> None:
        while not self._stopped.is_set():
            self._news.wait(_LONGEST_PAUSE)
            self._news.clear()
            began = time.thread_time()
            if self.story is not None and not self._stopped.is_set() and not self.rests:
                self.screen.draw(self._wrapped(self._data()))
            self._stopped.wait(max(_SHORTEST_PAUSE, _REST * (time.thread_time() - began)))


def _told_elsewhere(event: Logged, story: Story) -> bool:
    """Whether the line is under the cell already, or is a traceback, which the end tells."""
    record = event.record
    is_traceback = record.level >= _ERROR_LEVEL and "\n" in record.message.strip()
    return is_traceback or is_on_screen(record, story)


def _told(event: Logged) -> list[str]:
    name = f"{plain_line(event.task.name)} │ " if event.task is not None else ""
    lines = record_lines(event.record, colours=False)[-_LINES:]
    return [middle_ellipsis(f"{name}{line}", _LONGEST_LINE) for line in lines if line.strip()]


class Summary(Silent):
    """In a terminal that is no terminal: one line at the end."""

    def end(self, ending: Ending) -> None:
        """Tell how the run ended; the cell itself fails with the error."""
        say(make_console(), summary_line(ending), wrap=False)


class LiveSummary(LiveDisplay):
    """In a terminal: what runs, while it runs, and one line at the end."""

    def end(self, ending: Ending) -> None:
        """Tell how the run ended; the cell itself fails with the error."""
        say(self.console, summary_line(ending), wrap=False)


def new_view(ip: Any, title: str) -> RunDisplay:
    """The view of a run under the running cell."""
    return RunDisplay(DisplayScreen(ip), title, partial(place_in_notebook, ip.compile), bridge())


def view_for(ip: Any, title: str) -> Reporter:
    """What tells of a run under the running cell, or in the terminal."""
    if in_kernel():
        return new_view(ip, title)
    console = make_console()
    return LiveSummary(console) if is_live(console) else Summary()
