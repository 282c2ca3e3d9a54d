"""How a run is told while it goes on: to a person, to a log file, to a program.

This module decides the three forms of the same events: a live display, plain lines, and JSON
lines; and the one ending of all of them. It must not know how events are obtained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nbflow.cli.console import glyph, local_clock, say, state_label, style_of
from nbflow.failure import Failure, NextStep
from nbflow.models import FlowKind, FlowRun, LogRecord, TaskRun
from nbflow.paths import short_path
from nbflow.states import State, StateType
from nbflow.story import Event, Logged, Overwrites, RunMoved, Story, TaskMoved
from nbflow.tally import Tally
from nbflow.terminal_text import plain_line, printed_lines
from nbflow.wording import DONE_NAMES, counted, duration, state_word

#: States that are news to a reader; the others only say that a task will come, or will not.
_QUIET_NAMES: Final = frozenset({"Pending", "Submitting", "NotRun", "NotReady", "Skipped"})
_WARNING: Final = 30
_PRINTED: Final = frozenset({"nbflow.stdout", "nbflow.stderr"})


@dataclass(frozen=True, slots=True)
class Ending:
    """What is told when a run is over."""

    run: FlowRun
    tally: Tally
    failure: Failure | None
    exit_code: int
    #: The tasks and cells of the run and its subflows, and the subflows.
    tasks: Sequence[TaskRun] = ()
    subflows: Sequence[FlowRun] = ()


class Reporter(Protocol):
    """Tells of one run."""

    @property
    def rests(self) -> bool:
        """Whether nothing need be told just now; what is missed is told at the end."""

    @property
    def rest(self) -> float:
        """Seconds without news that it can bear for each second of work to get them."""

    def begin(self) -> None:
        """Called before the run starts."""

    def tell(self, events: Sequence[Event], story: Story) -> None:
        """Called with what is new; `story` has all that is known."""

    def stop(self) -> None:
        """Called when no more events come, however the run ended."""

    def end(self, ending: Ending) -> None:
        """Called last, unless the run could not even start."""


#: Makes what tells of runs where there is no terminal: a notebook's view.
surface: Final[ContextVar[Callable[[], Reporter] | None]] = ContextVar("surface", default=None)


class Silent:
    """Tells nothing: for `--quiet`, and for a reader that went away."""

    @property
    def rests(self) -> bool:
        """It listens all the time."""
        return False

    @property
    def rest(self) -> float:
        """Following may take a quarter of the time of one processor."""
        return 3.0

    def begin(self) -> None:
        """Nothing to prepare."""

    def tell(self, events: Sequence[Event], story: Story) -> None:
        """Events are left out."""

    def stop(self) -> None:
        """Nothing to take down."""

    def end(self, ending: Ending) -> None:
        """Even the ending is left out."""


class Quiet(Silent):
    """Tells the ending only."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def end(self, ending: Ending) -> None:
        """Tell how the run ended."""
        tell_ending(self.console, ending)


class Lines(Quiet):
    """Tells one event a line, without any control characters: for pipes and log files."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.overwrites = Overwrites()

    def tell(self, events: Sequence[Event], story: Story) -> None:
        """Write a line for each event that is news."""
        lines = [
            line
            for event in self.overwrites.settle(events)
            if not (isinstance(event, Logged) and is_on_screen(event.record, story))
            for line in plain_event(event)
        ]
        if lines:
            self.console.file.write("".join(f"{line}\n" for line in lines))
            self.console.file.flush()


class JsonLines(Silent):
    """Tells one JSON object a line; the fields are described in docs/cli.md and stay."""

    def __init__(self, console: Console) -> None:
        self.file = console.file

    def tell(self, events: Sequence[Event], story: Story) -> None:  # noqa: ARG002 - a Reporter
        """Write a line for each event."""
        self._write(json_event(event) for event in events)

    def end(self, ending: Ending) -> None:
        """Write the `run_ended` line."""
        self._write([json_ending(ending)])

    def _write(self, objects: Iterable[dict[str, Any]]) -> None:
        text = "".join(f"{json.dumps(each, default=str)}\n" for each in objects)
        self.file.write(text)
        self.file.flush()


# ── plain lines ──────────────────────────────────────────────────────────────────────────


def plain_event(event: Event) -> Iterator[str]:
    """The lines that tell an event; none when it is no news."""
    match event:
        case Logged(record, task):
            label = plain_line(task.name) if task else ""
            for line in record_lines(record, colours=False):
                yield f"{local_clock(event.time)} {label} │ {line}"
        case TaskMoved(task) if is_news(task.state):
            yield f"{local_clock(event.time)} {_plain_move(task.name, task.state, task)}"
        case RunMoved(run) if is_news(run.state):
            yield f"{local_clock(event.time)} {_plain_move(run.name, run.state, run)}"


def _plain_move(name: str, state: State[Any], run: TaskRun | FlowRun) -> str:
    parts = [f"{plain_line(name)}: {state_label(state).plain}"]
    if state.is_final() and (seconds := seconds_of(run)) is not None:
        parts.append(f"in {duration(seconds)}")
    if run.attempt > 1:
        parts.append(f"(attempt {run.attempt})")
    if state.message and not state.is_completed() and not state.is_running():
        parts.append(f"· {plain_line(state.message)}")
    return " ".join(parts)


def is_news(state: State[Any]) -> bool:
    """Whether a reader wants to be told of a run's coming to this state."""
    return state.name not in _QUIET_NAMES


def is_on_screen(record: LogRecord, story: Story) -> bool:
    """Whether a line has reached this process's output by itself.

    A Python flow prints there; what a kernel or a worker's process prints arrives only as a
    record.
    """
    run = story.runs.get(record.flow_run_id) if record.flow_run_id else None
    if run is None or record.logger != "nbflow.stdout":
        return False
    elsewhere = any(each is not None and each.deployment_id for each in (run, story.run))
    return run.kind is FlowKind.FUNCTION and not elsewhere


def record_lines(record: LogRecord, *, colours: bool) -> list[str]:
    """A log record as lines; one that deserves attention says so in the first."""
    first, *others = printed_lines(record.message, colours=colours)
    if others and not first.strip("-"):  # the rule above a kernel's traceback
        first, *others = others
    return [f"{level_word(record.level)}{first}", *others]


def level_word(level: int) -> str:
    """What stands before a logged line that deserves attention."""
    if level < _WARNING:
        return ""
    return "warning: " if level < _WARNING + 10 else "error: "


def seconds_of(run: TaskRun | FlowRun, now: datetime | None = None) -> float | None:
    """How long a run took, or has been running up to `now`."""
    end = run.end_time or now
    return (end - run.start_time).total_seconds() if run.start_time and end else None


# ── JSON ─────────────────────────────────────────────────────────────────────────────────


def json_event(event: Event) -> dict[str, Any]:
    """An event as the stable object of `--json`."""
    match event:
        case Logged(record, task):
            return {
                "event": "log",
                "time": record.timestamp.isoformat(),
                "task_run_id": str(record.task_run_id) if record.task_run_id else None,
                "task": task.name if task else None,
                "level": record.level,
                "source": record.logger,
                "message": record.message,
            }
        case TaskMoved(task):
            return {"event": "task", "time": event.time.isoformat(), **json_task(task)}
        case RunMoved(run):
            return {"event": "run", "time": event.time.isoformat(), **json_run(run)}


def json_run(run: FlowRun) -> dict[str, Any]:
    """A flow run as the stable object of `--json`."""
    return {
        "id": str(run.id),
        "name": run.name,
        "flow": run.flow_name,
        "kind": str(run.kind),
        **_json_state(run),
        "parameters": dict(run.parameters),
        "tags": sorted(run.tags),
        "source": run.source,
        "output": run.output,
        "parent_id": str(run.parent_id) if run.parent_id else None,
    }


def json_task(task: TaskRun) -> dict[str, Any]:
    """A task run as the stable object of `--json`."""
    return {
        "id": str(task.id),
        "name": task.name,
        "task": task.task_name,
        "kind": str(task.kind),
        "cell_index": task.cell_index,
        **_json_state(task),
    }


def _json_state(run: FlowRun | TaskRun) -> dict[str, Any]:
    return {
        "state": run.state.name,
        "state_type": str(run.state.type),
        "message": run.state.message,
        "attempt": run.attempt,
        "created": run.created.isoformat(),
        "started": run.start_time.isoformat() if run.start_time else None,
        "ended": run.end_time.isoformat() if run.end_time else None,
        "duration": seconds_of(run),
    }


def json_ending(ending: Ending) -> dict[str, Any]:
    """The last object of `--json`."""
    return {
        "event": "run_ended",
        **json_run(ending.run),
        "counts": ending.tally.counts,
        "failure": json_failure(ending.failure),
        "exit_code": ending.exit_code,
    }


def json_failure(failure: Failure | None) -> dict[str, Any] | None:
    """A failure as the stable object of `--json`."""
    if failure is None:
        return None
    return {
        "what": failure.what,
        "error": failure.error,
        "place": failure.source.place if failure.source else None,
        "source": failure.source.text if failure.source else None,
        "traceback": list(failure.traceback),
        "next": [step.command for step in failure.next_steps],
    }


def write_json(console: Console, value: object) -> None:
    """Write one indented JSON value, as commands that look things up answer to `--json`."""
    console.file.write(f"{json.dumps(value, indent=2, default=str)}\n")


# ── the ending ───────────────────────────────────────────────────────────────────────────


def tell_ending(console: Console, ending: Ending) -> None:
    """The failure, when there is one, and the summary line."""
    if ending.failure is not None:
        tell_failure(console, ending.failure, ending.run)
    say(console, summary_line(ending, full_path=not console.is_terminal), wrap=False)


def summary_line(ending: Ending, *, full_path: bool = False) -> Text:
    """State, duration, counts and the executed notebook, on one line."""
    run, tally = ending.run, ending.tally
    line = state_label(run.state)
    line.stylize("bold")
    if (seconds := seconds_of(run)) is not None:
        line.append(f" in {duration(seconds)}", style="default")
    for part in count_words(tally):
        line.append(f" · {part}", style="default")
    if run.output:
        path = str(Path(run.output)) if full_path else short_path(run.output)
        line.append(f" · {path}", style="default")
    return line


def count_words(tally: Tally) -> list[str]:
    """`12 of 14 cells`, then what went wrong or did not run."""
    if not tally.total:
        return []
    good = sum(number for name, number in tally.counts.items() if name in DONE_NAMES)
    noun = tally.noun
    words = [
        counted(good, noun) if good == tally.total else f"{good} of {counted(tally.total, noun)}"
    ]
    if tally.counts.get("Cached"):
        words.append(f"{tally.counts['Cached']} cached")
    others = (item for item in tally.counts.items() if item[0] not in DONE_NAMES)
    return words + [f"{number} {state_word(name)}" for name, number in others]


def tell_failure(
    console: Console, failure: Failure, run: FlowRun, *, with_traceback: bool = False
) -> None:
    """The loudest thing on the screen: what failed, why, where, and what to type next."""
    say(console, *_failure_block(failure, run, with_traceback=with_traceback))
    steps = failure.next_steps[1:] if with_traceback else failure.next_steps
    say(console, *_steps(steps), "", wrap=False)


def _failure_block(
    failure: Failure, run: FlowRun, *, with_traceback: bool
) -> Iterator[Text | Padding]:
    colour = style_of(run.state.name, run.state.type)
    yield Text()
    yield Text.assemble(glyph(run.state), " ", failure.what, style=f"bold {colour}")
    if failure.error:
        yield _indented(Text(failure.error, style="bold"))
    yield Text()
    if with_traceback and failure.traceback:
        yield _indented(Text("\n".join(failure.traceback), no_wrap=True, overflow="fold"))
        yield Text()
    elif failure.source is not None:
        yield _source(failure)
        yield Text()


def _source(failure: Failure) -> Padding:
    assert failure.source is not None
    place = Text(f"{failure.source.place}  ", style="dim")
    return _indented(Text.assemble(place, (failure.source.text, "default")))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2), expand=False)


def _steps(steps: Sequence[NextStep]) -> Iterator[Text]:
    width = max((len(step.purpose) for step in steps), default=0)
    for number, step in enumerate(steps):
        lead = "  next  " if number == 0 else "        "
        purpose = step.purpose.ljust(width)
        yield Text.assemble((f"{lead}{purpose}  ", "dim"), (step.command, "bold"))


def exit_code(type_: StateType) -> int:
    """What the command answers to its caller for a final state."""
    return {
        StateType.COMPLETED: 0,
        StateType.CANCELLED: 130,
        StateType.CRASHED: 3,
    }.get(type_, 1)
