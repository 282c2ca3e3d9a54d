"""The live display of a run: what executes now, above a bar of how far the run is.

This module decides what a person sees on a terminal while a run goes on. It must not know
how events are obtained, nor how a run ends.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import glyph, shows_colours, style_of
from nbflow.cli.reports import Quiet, is_news, is_on_screen, record_lines, seconds_of
from nbflow.failure import short_id
from nbflow.models import FlowRun, TaskRun
from nbflow.states import StateType, now
from nbflow.story import ENGINE_LOGGERS, Event, Logged, Overwrites, RunMoved, Story
from nbflow.terminal_text import dimmed, plain_line, printed_lines
from nbflow.wording import cell_width, duration, middle_ellipsis, progress, state_word

#: Lines of a burst that are shown; the run log has them all.
BURST_HEAD: Final = 200
BURST_TAIL: Final = 20
_NARROWEST, _WIDEST = 10, 28
_REFRESHES_PER_SECOND: Final = 8
_LONGEST_BAR: Final = 48
_DIM: Final = Style(dim=True)
_ERROR_LEVEL: Final = 40


class LiveDisplay(Quiet):
    """Prints what ended and what was printed; keeps what runs, and the bar, at the bottom."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.story = Story(UUID(int=0))
        self.width = _NARROWEST
        self.headline_told = False
        self.overwrites = Overwrites()
        self.live = Live(
            _Board(self),
            console=console,
            transient=True,
            auto_refresh=False,  # rich's own thread would draw between a flow's lines
        )
        self.stopped = threading.Event()
        self.refresher = threading.Thread(target=self._refresh, name="nbflow-board", daemon=True)

    def begin(self) -> None:
        """Show the board."""
        self.live.start()
        self.refresher.start()

    def stop(self) -> None:
        """Take the board away; what was printed above it stays."""
        self.stopped.set()
        self.refresher.join()
        with self.console:
            self.live.stop()

    def _refresh(self) -> None:
        while not self.stopped.wait(1 / _REFRESHES_PER_SECOND):
            with self.console, suppress(OSError):  # a terminal that was closed
                self.live.refresh()

    def tell(self, events: Sequence[Event], story: Story) -> None:
        """Print what is news above the board."""
        self.story = story
        self._make_room(events)
        lines = Printed(self._lines(events))
        if lines.segments:
            self.console.print(lines, soft_wrap=True, end="")

    def _make_room(self, events: Iterable[Event]) -> None:
        """Let the names' column grow with the names, up to a third of the line."""
        most = min(_WIDEST, max(_NARROWEST, self.console.width // 3))
        for event in events:
            if not isinstance(event, Logged):
                run = event.run if isinstance(event, RunMoved) else event.task
                self.width = max(self.width, min(cell_width(_name(run)), most))

    def name(self, run: TaskRun | FlowRun | None) -> str:
        """A task's or subflow's name, in the width that all names take."""
        return self._fitted(_name(run)) if run else " " * self.width

    def _fitted(self, name: str) -> str:
        text = middle_ellipsis(name, self.width)
        return text + " " * (self.width - cell_width(text))

    # ── what is printed ──────────────────────────────────────────────────────────────────

    def _lines(self, events: Iterable[Event]) -> Iterator[list[Segment]]:
        batch: list[Logged] = []
        maps: dict[UUID | None, TaskRun] = {}
        for event in self.overwrites.settle(events):
            if isinstance(event, Logged):
                batch.append(event)
                continue
            yield from self._printed(batch)
            batch = []
            if isinstance(event, RunMoved):
                yield from self._run_moved(event.run)
            elif event.task.map_id is None or _went_wrong(event.task):
                yield from self._moved(event.task)
            else:
                maps[event.task.map_id] = event.task
        yield from self._printed(batch)
        for task in maps.values():
            yield from self._mapped(task)

    def _printed(self, batch: Sequence[Logged]) -> Iterator[list[Segment]]:
        batch = [logged for logged in batch if not self._shown_already(logged)]
        if len(batch) <= BURST_HEAD + BURST_TAIL:
            shown, left_out = batch, 0
        else:
            shown, left_out = batch[:BURST_HEAD], len(batch) - BURST_HEAD - BURST_TAIL
        for logged in shown:
            yield from self._logged(logged)
        if left_out:
            note = f"… {left_out} lines more, all in the run log …"
            yield [Segment(f"  {' ' * self.width} │ {note}", _DIM)]
            for logged in batch[-BURST_TAIL:]:
                yield from self._logged(logged)

    def _shown_already(self, logged: Logged) -> bool:
        """Whether the line is on the terminal, or will be told at the end.

        Tracebacks belong to the ending, and to `nbflow runs show`.
        """
        record = logged.record
        if is_on_screen(record, self.story):
            return True
        told_later = record.level >= _ERROR_LEVEL and "\n" in record.message
        return told_later and record.logger in ENGINE_LOGGERS

    def _logged(self, logged: Logged) -> Iterator[list[Segment]]:
        colours = shows_colours(self.console)
        record = logged.record
        style = Style(color="red") if record.level >= _ERROR_LEVEL else _DIM
        for line in record_lines(record, colours=colours):
            prefix = Segment(f"  {self.name(logged.task)} │ ", _DIM)
            coloured = "\x1b" in line
            yield [prefix, Segment(dimmed(line)) if coloured else Segment(line, style)]

    def _run_moved(self, run: FlowRun) -> Iterator[list[Segment]]:
        if run.id != self.story.run_id:
            yield from self._moved(run)
        elif not self.headline_told:
            self.headline_told = True
            line = Text.assemble((plain_line(run.flow_name), "bold"), f"  {plain_line(run.name)}")
            line.append(f"  {short_id(run)}", style="dim")
            yield list(line.render(self.console))

    def _moved(self, run: TaskRun | FlowRun) -> Iterator[list[Segment]]:
        state = run.state
        if not is_news(state) or state.is_running():
            return
        text = Text.assemble(glyph(state), " ", self.name(run))
        if state.is_final() and (seconds := seconds_of(run)) is not None:
            text.append(f"  {duration(seconds)}")
        if isinstance(run, FlowRun):
            text.append("  subflow", style="dim")
        if state.name != "Completed":
            text.append(f"  {state_word(state.name)}", style=style_of(state.name, state.type))
        if state.type is StateType.SCHEDULED and state.message:
            text.append(f": {plain_line(state.message)}", style="dim")
        yield list(text.render(self.console))

    def _mapped(self, task: TaskRun) -> Iterator[list[Segment]]:
        """One line for all runs of a `.map` call, once none is left to wait for."""
        runs = self.story.siblings(task)
        if not all(each.state.is_settled() for each in runs):
            return
        text = Text.assemble(glyph(task.state), " ", self._fitted(plain_line(task.task_name)))
        starts = [each.start_time for each in runs if each.start_time]
        ends = [each.end_time for each in runs if each.end_time]
        if starts and ends:
            text.append(f"  {duration((max(ends) - min(starts)).total_seconds())}")
        text.append(f"  {progress(Counter(each.state.name for each in runs))}")
        yield list(text.render(self.console))

    # ── the board ────────────────────────────────────────────────────────────────────────

    def board(self) -> Table:
        """What runs now, and how far the run is."""
        board = Table.grid()
        rows = list(self._rows())
        room = max(1, min(10, self.console.height - 4))
        for row in rows[:room]:
            board.add_row(row)
        if len(rows) > room:
            board.add_row(Text(f"  and {len(rows) - room} more", style="dim"))
        board.add_row(self._bar() if self.story.tasks else self._waiting())
        return board

    def _rows(self) -> Iterator[Text]:
        """A line per running task, cell or subflow, and one for all runs of a `.map` call."""
        maps = set()
        for run in self.story.running():
            if isinstance(run, FlowRun) or run.map_id is None:
                yield self._row(self.name(run), run, self._note(run))
            elif run.map_id not in maps:
                maps.add(run.map_id)
                counts = Counter(each.state.name for each in self.story.siblings(run))
                yield self._row(self._fitted(plain_line(run.task_name)), run, progress(counts))

    def _note(self, run: TaskRun | FlowRun) -> str:
        """The attempt, and the progress bar that the task itself shows just now."""
        words = f"attempt {run.attempt}  " if run.attempt > 1 else ""
        bar = self.overwrites.held.get(run.id)
        return words + (printed_lines(bar.record.message, colours=False)[-1] if bar else "")

    def _row(self, name: str, run: TaskRun | FlowRun, note: str) -> Text:
        line = Text.assemble(self._pulse(), " ", name, no_wrap=True, overflow="crop")
        line.append(f"  {duration(seconds_of(run, now()) or 0)}")
        if note:
            line.append(f"  {note}", style="dim")
        return line

    def _pulse(self) -> Text:
        return Text("◉" if now().microsecond < 600_000 else "◎", style="blue")  # noqa: PLR2004 - a slow pulse

    def _waiting(self) -> Text:
        run = self.story.run
        word = state_word(run.state.name) if run and is_news(run.state) else "starting"
        return Text(f"{self._pulse().plain} {word} …", style="dim")

    def _bar(self) -> Table:
        tally = self.story.tally()
        run = self.story.run
        failing = any(
            t.state.is_failed() or t.state.is_crashed() for t in self.story.tasks.values()
        )
        words = f"{tally.done} of {tally.total}"
        if run is not None and (seconds := seconds_of(run, now())) is not None:
            words += f" · {duration(int(seconds)) if seconds >= 1 else '0 s'}"
        bar = ProgressBar(
            total=tally.total,
            completed=tally.done,
            width=min(_LONGEST_BAR, max(8, self.console.width - len(words) - 4)),
            complete_style="red" if failing else "blue",
            finished_style="red" if failing else "green",
        )
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row(bar, Text(words, no_wrap=True))
        return row


def _name(run: TaskRun | FlowRun) -> str:
    """What a task or cell is called; a subflow goes by its flow's name."""
    return plain_line(run.flow_name if isinstance(run, FlowRun) else run.name)


def _went_wrong(task: TaskRun) -> bool:
    return task.state.is_failed() or task.state.is_crashed() or task.state.is_scheduled()


class _Board:
    """The board as it is at the moment of drawing, also when lines are printed above it."""

    def __init__(self, display: LiveDisplay) -> None:
        self.display = display

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich asks for."""
        yield self.display.board()


class Printed:
    """Lines that are passed on as they are: the terminal wraps them, and nothing is measured.

    A notebook may print thousands of lines a second; laying each out would take longer than
    the notebook itself.
    """

    def __init__(self, lines: Iterable[list[Segment]]) -> None:
        self.segments = [segment for line in lines for segment in (*line, Segment.line())]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich asks for."""
        yield from self.segments
