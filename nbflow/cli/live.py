"""The live display of a run: what executes now, above a bar of how far the run is.

This module decides what a person sees on a terminal while a run goes on. It must not know
how events are obtained, nor how a run ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import glyph, shows_colours, style_of
from nbflow.cli.events import Event, Logged, Story, TaskMoved
from nbflow.cli.failure import short_id
from nbflow.cli.reports import Quiet, is_news, record_lines, seconds_of
from nbflow.cli.terminal_text import dimmed, plain_line
from nbflow.models import FlowKind, FlowRun, TaskRun
from nbflow.states import StateType, now
from nbflow.wording import cell_width, duration, middle_ellipsis, state_word

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
        self.story = Story()
        self.width = _NARROWEST
        self.headline_told = False
        self.live = Live(
            _Board(self),
            console=console,
            transient=True,
            refresh_per_second=_REFRESHES_PER_SECOND,
        )

    def begin(self) -> None:
        """Show the board."""
        self.live.start()

    def stop(self) -> None:
        """Take the board away; what was printed above it stays."""
        self.live.stop()

    def tell(self, events: Sequence[Event], story: Story) -> None:
        """Print what is news above the board."""
        self.story = story
        self.width = self._name_width(story)
        lines = Printed(self._lines(events))
        if lines.segments:
            self.console.print(lines, soft_wrap=True, end="")

    def _name_width(self, story: Story) -> int:
        most = min(_WIDEST, max(_NARROWEST, self.console.width // 3))
        longest = max((cell_width(plain_line(t.name)) for t in story.tasks.values()), default=0)
        return max(self.width, min(longest, most))

    def name(self, task: TaskRun | None) -> str:
        """A task's name, in the width that all names take."""
        text = middle_ellipsis(plain_line(task.name), self.width) if task else ""
        return text + " " * (self.width - cell_width(text))

    # ── what is printed ──────────────────────────────────────────────────────────────────

    def _lines(self, events: Iterable[Event]) -> Iterator[list[Segment]]:
        batch: list[Logged] = []
        for event in events:
            if isinstance(event, Logged):
                batch.append(event)
                continue
            yield from self._printed(batch)
            batch = []
            if isinstance(event, TaskMoved):
                yield from self._moved(event.task)
            else:
                yield from self._headline(event.run)
        yield from self._printed(batch)

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
        """A Python flow prints to this very terminal; a kernel does not."""
        run = self.story.run
        in_process = run is not None and run.kind is FlowKind.FUNCTION
        return in_process and logged.record.logger == "nbflow.stdout"

    def _logged(self, logged: Logged) -> Iterator[list[Segment]]:
        colours = shows_colours(self.console)
        record = logged.record
        style = Style(color="red") if record.level >= _ERROR_LEVEL else _DIM
        for line in record_lines(record, colours=colours):
            prefix = Segment(f"  {self.name(logged.task)} │ ", _DIM)
            coloured = "\x1b" in line
            yield [prefix, Segment(dimmed(line)) if coloured else Segment(line, style)]

    def _headline(self, run: FlowRun) -> Iterator[list[Segment]]:
        if self.headline_told:
            return
        self.headline_told = True
        line = Text.assemble((plain_line(run.flow_name), "bold"), f"  {plain_line(run.name)}")
        line.append(f"  {short_id(run)}", style="dim")
        yield list(line.render(self.console))

    def _moved(self, task: TaskRun) -> Iterator[list[Segment]]:
        state = task.state
        if not is_news(state) or state.is_running():
            return
        text = Text.assemble(glyph(state), " ", self.name(task))
        if state.is_final() and (seconds := seconds_of(task)) is not None:
            text.append(f"  {duration(seconds)}")
        if state.name != "Completed":
            text.append(f"  {state_word(state.name)}", style=style_of(state.name, state.type))
        if state.type is StateType.SCHEDULED and state.message:
            text.append(f": {plain_line(state.message)}", style="dim")
        yield list(text.render(self.console))

    # ── the board ────────────────────────────────────────────────────────────────────────

    def board(self) -> Table:
        """What runs now, and how far the run is."""
        board = Table.grid()
        running = self.story.running()
        room = max(1, min(10, self.console.height - 4))
        for task in running[:room]:
            board.add_row(self._running(task))
        if len(running) > room:
            board.add_row(Text(f"  and {len(running) - room} more", style="dim"))
        board.add_row(self._bar() if self.story.tasks else self._waiting())
        return board

    def _running(self, task: TaskRun) -> Text:
        line = Text.assemble(self._pulse(), " ", self.name(task), no_wrap=True, overflow="crop")
        line.append(f"  {duration(seconds_of(task, now()) or 0)}")
        if task.attempt > 1:
            line.append(f"  attempt {task.attempt}", style="yellow")
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
