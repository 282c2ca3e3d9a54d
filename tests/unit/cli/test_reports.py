"""The same events, told to a person, a log file and a program."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from uuid import UUID

import pytest
from rich.console import Console

from nbflow.cli.live import BURST_HEAD, BURST_TAIL, LiveDisplay
from nbflow.cli.reports import (
    Ending,
    JsonLines,
    Lines,
    Quiet,
    count_words,
    exit_code,
    plain_event,
    tell_ending,
)
from nbflow.failure import Failure, NextStep, SourceLine
from nbflow.models import FlowKind
from nbflow.run_reader import Batch
from nbflow.states import (
    AwaitingRetry,
    Cached,
    Cancelled,
    Completed,
    Crashed,
    Failed,
    NotRun,
    Pending,
    Running,
    StateType,
    TimedOut,
)
from nbflow.story import Logged, Story, TaskMoved
from nbflow.tally import tally
from nbflow.wording import cell_width

FAILURE = Failure(
    what="Cell 'train' failed",
    error="ValueError: no",
    source=SourceLine("line 3", "model.fit(X, y)"),
    traceback=("Cell In[1], line 3", "----> 3 model.fit(X, y)", "ValueError: no"),
    next_steps=(NextStep("nbflow runs show 1234", "the traceback"),),
)


def piped(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def terminal(**options) -> Console:
    options = {"width": 80, "height": 24, "color_system": "standard", **options}
    return Console(file=io.StringIO(), force_terminal=True, highlight=False, **options)


def text_of(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined]


# ── plain lines ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("constructor", "options", "words"),
    [
        (Running, {}, ["load: ◉ running"]),
        (Completed, {}, ["load: ✓ completed in 1.2 s"]),
        (Cached, {}, ["load: ϟ cached in 1.2 s"]),
        (Failed, {"message": "ValueError:\nno"}, ["load: ✗ failed in 1.2 s · ValueError: no"]),
        (TimedOut, {"message": "too long"}, ["load: ◷ timed out in 1.2 s · too long"]),
        (AwaitingRetry, {"message": "again"}, ["load: ◷ awaiting retry · again"]),
        (Pending, {}, []),
        (NotRun, {}, []),
    ],
)
def test_a_task_is_told_in_a_line(make, constructor, options, words) -> None:
    """State in icon and word, duration, reason; what did not start is left to the summary."""
    task = make.cell(
        0,
        make.state(constructor, 2.2, **options),
        name="load",
        start_time=make.at(1),
        end_time=make.at(2.2),
    )
    assert [line.partition(" ")[2] for line in plain_event(TaskMoved(task))] == words


def test_a_later_attempt_says_so(make) -> None:
    """The second attempt is not mistaken for the first."""
    task = make.cell(0, make.state(Running), name="load", attempt=2)
    assert next(plain_event(TaskMoved(task))).endswith("load: ◉ running (attempt 2)")


def test_printed_lines_name_their_cell(make) -> None:
    """Each line on its own; a warning says so once."""
    task = make.cell(0, make.state(Running), name="load")
    told = list(plain_event(Logged(make.log("one\ntwo", task, level=30), task)))
    assert [line.partition(" ")[2] for line in told] == ["load │ warning: one", "load │ two"]


def test_a_traceback_starts_without_its_rule(make) -> None:
    """The row of dashes that a kernel puts above it says nothing in a log file."""
    task = make.cell(0, make.state(Running), name="load")
    record = make.log("------\nValueError  Traceback", task, level=40)
    (line,) = plain_event(Logged(record, task))
    assert line.endswith("load │ error: ValueError  Traceback")


def test_piped_lines_have_no_control_characters(make) -> None:
    """Whatever the notebook prints and however its cells are called."""
    console, story = piped(), Story(make.id)
    task = make.cell(0, make.state(Running, 1), name="bad\x1b[2J\nname")
    line = make.log("\x1b[31mred\x1b[0m\x07\r100%", task, 2)
    Lines(console).tell(story.events(Batch([], [task], [line])), story)
    told = text_of(console)
    assert len(told.splitlines()) == 2
    assert all(character >= " " or character == "\n" for character in told)


# ── JSON lines ───────────────────────────────────────────────────────────────────────────


def test_json_lines_are_objects_with_stable_fields(make) -> None:
    """A program can rely on them; docs/commands.md describes them."""
    console, story = piped(), Story(make.id)
    reporter = JsonLines(console)
    task = make.cell(0, make.state(Completed, 2), start_time=make.at(1), end_time=make.at(2))
    run = make.flow_run(make.state(Completed, 3), start_time=make.at(0), end_time=make.at(3))
    line = make.log("hello\x1b[31m", task, 1.5)
    reporter.tell(story.events(Batch([run], [task], [line])), story)
    reporter.end(Ending(run, tally([task]), None, 0))
    told = [json.loads(each) for each in text_of(console).splitlines()]
    assert [each["event"] for each in told] == ["log", "task", "run", "run_ended"]
    log, moved, _, ended = told
    assert log.items() >= {"task": "cell 0", "message": "hello\x1b[31m", "level": 20}.items()
    assert moved.items() >= {"state": "Completed", "duration": 1.0, "cell_index": 0}.items()
    assert ended.items() >= {"exit_code": 0, "failure": None, "counts": {"Completed": 1}}.items()
    assert {"id", "name", "flow", "output", "parameters", "duration"} <= ended.keys()


def test_the_failure_is_in_the_last_json_line(make) -> None:
    """What failed, why, where, and what to type next."""
    console = piped()
    JsonLines(console).end(Ending(make.flow_run(make.state(Failed)), tally([]), FAILURE, 1))
    failure = json.loads(text_of(console))["failure"]
    assert failure["error"] == "ValueError: no"
    assert failure["source"] == "model.fit(X, y)"
    assert failure["next"] == ["nbflow runs show 1234"]


# ── the ending ───────────────────────────────────────────────────────────────────────────


def test_the_summary_is_one_line(make) -> None:
    """State, duration, counts, and the executed notebook, also where lines are narrow."""
    run = make.flow_run(
        make.state(Completed), start_time=make.at(0), end_time=make.at(75), output="/out/long.ipynb"
    )
    tasks = [make.cell(i, make.state(Completed)) for i in range(3)]
    console = piped(20)
    Quiet(console).end(Ending(run, tally(tasks), None, 0))
    assert text_of(console) == "✓ completed in 1 m 15 s · 3 cells · /out/long.ipynb\n"


def test_the_failure_comes_before_the_summary(make) -> None:
    """What failed, the error, the user's line and the next step; no line ends in spaces."""
    console = piped()
    run = make.flow_run(make.state(Failed), start_time=make.at(0), end_time=make.at(1))
    cells = [make.cell(0, make.state(Completed)), make.cell(1, make.state(Failed))]
    tell_ending(console, Ending(run, tally(cells), FAILURE, 1))
    assert text_of(console).splitlines() == [
        "",
        "✗ Cell 'train' failed",
        "  ValueError: no",
        "",
        "  line 3  model.fit(X, y)",
        "",
        "  next  the traceback  nbflow runs show 1234",
        "",
        "✗ failed in 1.0 s · 1 of 2 cells · 1 failed",
    ]


@pytest.mark.parametrize(
    ("constructors", "words"),
    [
        ([], []),
        ([Completed], ["1 cell"]),
        ([Completed, Cached], ["2 cells", "1 cached"]),
        ([Completed, Failed, NotRun, NotRun], ["1 of 4 cells", "1 failed", "2 not run"]),
    ],
)
def test_counts_in_words(make, constructors, words) -> None:
    """Only what completed counts as done."""
    tasks = [make.cell(i, make.state(each)) for i, each in enumerate(constructors)]
    assert count_words(tally(tasks)) == words


@pytest.mark.parametrize(
    ("constructor", "code"),
    [(Completed, 0), (Failed, 1), (TimedOut, 1), (Crashed, 3), (Cancelled, 130)],
)
def test_exit_codes(constructor, code) -> None:
    """Scripts decide by them."""
    assert exit_code(constructor().type) == code
    assert exit_code(StateType.PENDING) == 1


# ── the live display ─────────────────────────────────────────────────────────────────────


def shown(console: Console, make, *tasks, logs=(), run=None) -> tuple[LiveDisplay, str]:
    """The display after one batch, and what it printed above the board."""
    display, story = LiveDisplay(console), Story(make.id)
    run = run or make.flow_run(make.state(Running))
    display.tell(story.events(Batch([run], list(tasks), list(logs))), story)
    return display, text_of(console)


def board(display: LiveDisplay) -> list[str]:
    lines = Console(width=display.console.width, color_system=None)
    with lines.capture() as capture:
        lines.print(display.board())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_board_shows_what_runs_and_how_far(make) -> None:
    """A line per running cell, then the bar."""
    done = make.cell(0, make.state(Completed), name="load")
    running = make.cell(1, make.state(Running), name="train", start_time=make.at(0), attempt=2)
    display, _ = shown(terminal(), make, done, running, make.cell(2, make.state(Pending)))
    lines = board(display)
    assert lines[0][1:8] == " train "
    assert lines[0].endswith("attempt 2")
    assert "1 of 3" in lines[-1]
    assert len(lines) == 2


def test_a_crowded_board_stays_small(make) -> None:
    """Hundreds of running tasks take a few lines."""
    tasks = [make.cell(i, make.state(Running), start_time=make.at(i)) for i in range(300)]
    display, _ = shown(terminal(height=12), make, *tasks)
    assert len(board(display)) == 10
    assert board(display)[-2] == "  and 292 more"


def test_a_board_without_tasks_says_what_it_waits_for(make) -> None:
    """While the kernel starts there is nothing to count."""
    display, _ = shown(terminal(), make)
    assert board(display)[0].endswith("running …")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_long_and_wide_names_fit(make, width) -> None:
    """Names are shortened in the middle, to the same width in cells, and rows align."""
    names = [
        "load",
        "clean the customer table and drop what is too old",
        "特徴量を作るための長いセル",
    ]
    tasks = [
        make.cell(i, make.state(Running, i), name=name, start_time=make.at(0))
        for i, name in enumerate(names)
    ]
    display, _ = shown(terminal(width=width), make, *tasks)
    assert {cell_width(display.name(task)) for task in tasks} == {display.width}
    assert all(cell_width(line) <= width for line in board(display))


def test_printed_text_is_prefixed_and_keeps_its_colours(make) -> None:
    """On a terminal with colours they pass, dimmed; other sequences do not."""
    task = make.cell(0, make.state(Running), name="load")
    _, told = shown(terminal(), make, task, logs=[make.log("\x1b[31mred\x1b[0m\x1b[2J", task, 1)])
    assert "load" in told
    assert "\x1b[31mred" in told
    assert "\x1b[2J" not in told


@pytest.mark.parametrize("options", [{"no_color": True}, {"color_system": None}])
def test_no_colours_when_not_wanted(make, options) -> None:
    """NO_COLOR takes the notebook's colours away, too."""
    task = make.cell(0, make.state(Running), name="load")
    _, told = shown(terminal(**options), make, task, logs=[make.log("\x1b[31mred\x1b[0m", task, 1)])
    assert "red" in told
    assert "\x1b[31m" not in told


def test_a_burst_is_cut_with_a_note(make) -> None:
    """A million lines do not hold up the notebook; the log has them all."""
    task = make.cell(0, make.state(Running), name="load")
    logs = [make.log(f"line {i}", task, 1) for i in range(5000)]
    _, told = shown(terminal(), make, task, logs=logs)
    assert f"… {5000 - BURST_HEAD - BURST_TAIL} lines more" in told
    assert "line 4999" in told
    assert len(told.splitlines()) == BURST_HEAD + BURST_TAIL + 2


def test_what_a_python_flow_prints_is_not_shown_twice(make) -> None:
    """It has reached the output by itself, on a terminal and in a pipe."""
    run = make.flow_run(make.state(Running), kind=FlowKind.FUNCTION)
    line = make.log("printed", seconds=1)
    _, told = shown(terminal(), make, run=run, logs=[line])
    console, story = piped(), Story(make.id)
    Lines(console).tell(story.events(Batch([run], [], [line])), story)
    assert "printed" not in told + text_of(console)


def test_tracebacks_are_left_to_the_ending(make) -> None:
    """On a terminal the ending tells them; in a pipe, which may be a log file, they stay."""
    task = make.cell(0, make.state(Running), name="load")
    line = replace(make.log("Traceback\n  line", task, 1, 40), logger="nbflow.task_runs")
    own = replace(make.log("an error of mine", task, 1, 40), logger="nbflow.task_runs")
    _, told = shown(terminal(), make, task, logs=[line, own])
    assert "Traceback" not in told
    assert "an error of mine" in told
    assert "Traceback" in "".join(plain_event(Logged(line, task)))


def test_a_map_is_one_line(make) -> None:
    """Not hundreds: one on the board while it runs, one above it in the end; failures each."""
    map_id = UUID(int=7)
    ended = {
        "start_time": make.at(0),
        "end_time": make.at(2),
        "map_id": map_id,
        "task_name": "square",
    }
    done = [make.cell(i, make.state(Completed, 2), **ended) for i in range(98)]
    bad = make.cell(98, make.state(Failed, 2), **ended)
    running = make.cell(
        99, make.state(Running), map_id=map_id, task_name="square", start_time=make.at(0)
    )
    display, told = shown(terminal(), make, *done, bad, running)
    assert "98/100 · 1 failed" in board(display)[0]
    assert "square" not in told
    last = make.cell(99, make.state(Completed, 2), **ended)
    story = display.story
    display.tell(story.events(Batch([], [last], [])), story)
    lines = text_of(display.console).splitlines()
    assert len(lines) == 3  # the flow's name, the failed one, the map
    assert "cell 98" in lines[1]
    assert "99/100 · 1 failed" in lines[2]
