"""The view of a run: what it says at each moment, and how often it is drawn."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nbflow import states
from nbflow.failure import Failure, NextStep, SourceLine
from nbflow.magics.view import RunDisplay
from nbflow.models import FlowRun, LogRecord, RunGraph, TaskKind, TaskRun, new_id
from nbflow.run_reader import Batch
from nbflow.story import Logged, Story, TaskMoved
from nbflow.tally import tally
from nbflow.widgets.moment import Moment, moment_data, moment_of

START = datetime(2026, 5, 3, 6, 0, tzinfo=UTC)


class Paper:
    """A screen that remembers what was drawn, and when."""

    def __init__(self):
        self.drawn = []

    def draw(self, data):
        self.drawn.append((time.monotonic(), data))

    @property
    def last(self):
        return self.drawn[-1][1]


def flow_run(state=None, **changes):
    run = FlowRun(
        id=new_id(), name="tidy-fox", flow_name="train", state=state or states.Running(),
        created=START, start_time=datetime.now(UTC) - timedelta(seconds=5),
    )  # fmt: skip
    return replace(run, **changes)


def task_run(run, name, state, **changes):
    task = TaskRun(
        id=new_id(), name=name, task_name=name, state=state, kind=TaskKind.CELL,
        flow_run_id=run.id, created=START, start_time=datetime.now(UTC) - timedelta(seconds=2),
    )  # fmt: skip
    return replace(task, **changes)


def line_of(run, text, task=None, **changes):
    record = LogRecord(run.id, task.id if task else None, 20, "nbflow.kernel", text, START, 1)
    return replace(record, **changes)


def story_of(run, *tasks, logs=()):
    story = Story(run.id)
    events = story.events(Batch([run], list(tasks), list(logs)))
    return story, events


def test_a_moment_has_name_state_progress_and_what_runs():
    run = flow_run()
    done = task_run(run, "load", states.Completed(), end_time=datetime.now(UTC))
    busy = task_run(run, "fit <model>", states.Running())
    story, _ = story_of(run, done, busy)
    data = moment_data(moment_of(story, "ignored", ("fit │ epoch 3",)))
    assert data["text/plain"].splitlines() == [
        "◉ running  train  1 of 2 · 5 s",
        "  ◉ fit <model>  2 s",
        f"To end it: the notebook's stop button, or nbflow cancel {str(run.id)[-8:]} in a terminal.",
        "fit │ epoch 3",
    ]
    for text in ("running</span>", "train", "1 of 2 · 5 s", "fit &lt;model&gt;", "epoch 3"):
        assert text in data["text/html"]
    assert "<model>" not in data["text/html"]


def test_a_run_that_nobody_knows_yet_is_pending():
    story = Story(new_id())
    assert moment_data(moment_of(story, "etl"))["text/plain"] == "⧗ pending  etl"


def test_a_failure_is_told_in_words_with_the_line_and_what_to_type():
    failure = Failure(
        what="Cell 'fit' failed",
        error="ValueError: no <rows>",
        source=SourceLine("line 3", "model.fit(x)"),
        traceback=(),
        next_steps=(NextStep("nbflow resume 1a2b", "go on"), NextStep("jupyter lab x", "open")),
    )
    moment = Moment(title="train", state=states.Failed(), seconds=1.25, failure=failure)
    data = moment_data(moment)
    assert data["text/plain"].splitlines() == [
        "✗ failed  train  1.2 s",
        "Cell 'fit' failed",
        "  ValueError: no <rows>",
        "  line 3: model.fit(x)",
    ]
    html = data["text/html"]
    assert "ValueError: no &lt;rows&gt;" in html
    assert "model.fit(x)" in html
    assert "%nbflow resume 1a2b  # go on" in html
    assert "jupyter lab" not in html  # one is in it already


def test_the_picture_has_no_header_of_its_own():
    from nbflow.models import GraphNode

    graph = RunGraph(
        nodes=(GraphNode(id="a", label="load"),), title="tidy-fox", state_name="Completed",
        state_type=states.StateType.COMPLETED, duration=1.0,
    )  # fmt: skip
    data = moment_data(Moment(title="train", state=states.Completed(), seconds=1.0, graph=graph))
    assert "<svg" in data["text/html"]
    assert "tidy-fox" not in data["text/html"] + data["text/plain"]


def test_many_rows_are_counted():
    run = flow_run()
    tasks = [task_run(run, f"t{number}", states.Running()) for number in range(9)]
    story, _ = story_of(run, *tasks)
    assert "and 3 more" in moment_data(moment_of(story, ""))["text/html"]


# ── the view ─────────────────────────────────────────────────────────────────────────────


def test_a_flood_of_news_is_drawn_about_four_times_a_second():
    paper = Paper()
    view = RunDisplay(paper, "train")
    run = flow_run()
    story, _ = story_of(run)
    view.begin()
    began = time.monotonic()
    count = 0
    while time.monotonic() - began < 1.2 or (len(paper.drawn) < 3 and count < 10_000):
        count += 1
        view.tell([Logged(line_of(run, f"epoch {count}\n"), None)], story)
        time.sleep(0.002)
    view.stop()
    times = [at for at, _ in paper.drawn]
    assert 3 <= len(times) <= 1 + (times[-1] - began) / 0.25 + 2
    assert f"epoch {count}" in paper.last["text/plain"]  # what came last is there


def test_the_clock_goes_on_without_news():
    paper = Paper()
    view = RunDisplay(paper, "train")
    story, events = story_of(flow_run())
    view.begin()
    view.tell(events, story)
    deadline = time.monotonic() + 60
    while len(seconds := seconds_on(paper)) < 2:
        assert time.monotonic() < deadline, seconds
        time.sleep(0.01)
    view.stop()


def seconds_on(paper):
    heads = [data["text/plain"].splitlines()[0] for _, data in paper.drawn[1:]]
    return {head.rsplit(" ", 2)[-2] for head in heads}


def test_a_run_that_was_refused_leaves_nothing():
    paper = Paper()
    view = RunDisplay(paper, "train")
    view.begin()
    view.stop()
    assert paper.last == {"text/plain": "", "text/html": ""}


def test_nothing_is_drawn_after_the_stop():
    paper = Paper()
    view = RunDisplay(paper, "train")
    story, events = story_of(flow_run())
    view.begin()
    view.tell(events, story)
    view.stop()
    drawn = len(paper.drawn)
    view.tell(events, story)
    time.sleep(0.4)
    assert len(paper.drawn) == drawn
    assert "running" in paper.last["text/plain"]


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        ({"message": "epoch 3"}, True),
        ({"message": "old\rnew"}, True),
        ({"message": "Traceback …\nValueError", "level": 40}, False),
        ({"message": "warned", "level": 30}, True),
    ],
)
def test_lines_are_shown_but_not_tracebacks(record, shown):
    paper = Paper()
    view = RunDisplay(paper, "train")
    run = flow_run()
    task = task_run(run, "fit", states.Running())
    story, events = story_of(run, task, logs=[line_of(run, "", task, **record)])
    assert any(isinstance(event, TaskMoved) for event in events)
    view.begin()
    view.tell(events, story)
    view.stop()
    last = record["message"].rsplit("\r", 1)[-1].splitlines()[-1]
    assert (last in paper.last["text/plain"]) is shown
    assert "old" not in paper.last["text/plain"]


def test_k_of_n_counts_what_went_well():
    run = flow_run()
    tasks = [
        task_run(run, "a", states.Completed()),
        task_run(run, "b", states.Failed()),
        task_run(run, "c", states.NotRun()),
    ]
    moment = Moment(title="t", state=states.Failed(), seconds=2.0, tally=tally(tasks))
    assert moment.side == "1 of 3 · 2.0 s"
