"""A run's story is told in order, each thing once."""

from __future__ import annotations

from dataclasses import replace

from nbflow.models import TaskKind
from nbflow.run_reader import Batch
from nbflow.states import (
    Cached,
    Completed,
    Failed,
    KernelStarting,
    NotRun,
    Pending,
    Retrying,
    Running,
)
from nbflow.story import Logged, Overwrites, RunMoved, Story, TaskMoved
from nbflow.tally import tally


def changes(*tasks, run=None, logs=()):
    return Batch([run] if run else [], list(tasks), list(logs))


def test_a_state_is_told_once(make) -> None:
    """The same record in two batches is one event."""
    story, running = Story(make.id), make.cell(0, make.state(Running, 1))
    assert story.events(changes(running)) == [TaskMoved(running)]
    assert story.events(changes(running)) == []


def test_a_new_attempt_is_told(make) -> None:
    """Retrying is news, though the name of the state may be the same."""
    story = Story(make.id)
    story.events(changes(make.cell(0, make.state(Retrying, 1), attempt=2)))
    third = make.cell(0, make.state(Retrying, 1), attempt=3)
    assert story.events(changes(third)) == [TaskMoved(third)]


def test_what_was_printed_comes_before_the_end_of_what_printed_it(make) -> None:
    """Within a batch, events are in order of time; ties go to the log."""
    done = make.cell(0, make.state(Completed, 2), start_time=make.at(1), end_time=make.at(2))
    run = make.flow_run(make.state(Completed, 2))
    early, late = make.log("early", done, 1.5), make.log("at the end", done, 2)
    told = Story(make.id).events(changes(done, run=run, logs=[early, late]))
    assert told == [Logged(early, done), Logged(late, done), TaskMoved(done), RunMoved(run)]


def test_a_start_comes_before_what_is_printed_at_that_moment(make) -> None:
    """A cell's first line never stands before the cell."""
    running = make.cell(0, make.state(Running, 1))
    line = make.log("first", running, 1)
    assert Story(make.id).events(changes(running, logs=[line])) == [
        TaskMoved(running),
        Logged(line, running),
    ]


def test_lines_of_the_flow_itself_have_no_task(make) -> None:
    """A record without a task run belongs to the flow."""
    line = make.log("hello")
    assert Story(make.id).events(changes(logs=[line])) == [Logged(line, None)]


def test_running_lists_what_executes_longest_first(make) -> None:
    """The board shows what has run longest at the top."""
    story = Story(make.id)
    young = make.cell(0, make.state(Running, 5), start_time=make.at(5))
    old = make.cell(1, make.state(Running, 1), start_time=make.at(1))
    story.events(changes(young, old, make.cell(2, make.state(Pending))))
    assert story.running() == [old, young]


def test_tally_counts_what_ended(make) -> None:
    """Done is what ended, well or not; what never ran is not done."""
    states = [Completed, Cached, Failed, Running, NotRun, Pending]
    counted = tally([make.cell(i, make.state(s)) for i, s in enumerate(states)])
    assert (counted.total, counted.done, counted.noun) == (6, 3, "cell")
    assert counted.counts["NotRun"] == 1


def test_tasks_called_in_a_cell_are_not_counted_beside_it(make) -> None:
    """A notebook has as many steps as it has cells."""
    cell = make.cell(0, make.state(Completed))
    child = replace(make.cell(1, make.state(Failed)), kind=TaskKind.FUNCTION, parent_id=cell.id)
    counted = tally([cell, child])
    assert (counted.total, counted.done, counted.noun) == (1, 1, "cell")


def test_a_run_moves_too(make) -> None:
    """The flow run's own states are events."""
    story = Story(make.id)
    starting = make.flow_run(make.state(KernelStarting))
    assert story.events(changes(run=starting)) == [RunMoved(starting)]
    assert story.run == starting


def texts(events):
    return [e.record.message if isinstance(e, Logged) else e.task.state.name for e in events]


def test_only_the_last_progress_bar_is_told(make) -> None:
    """What the next line overwrites is held back, across batches."""
    task, overwrites = make.cell(0, make.state(Running)), Overwrites()
    bars = [Logged(make.log(f"{i}%\r", task), task) for i in (10, 50)]
    assert texts(overwrites.settle(bars)) == []
    assert overwrites.held[task.id] == bars[-1]
    last = Logged(make.log("100%", task), task)
    assert texts(overwrites.settle([last])) == ["100%"]


def test_a_bar_that_nothing_overwrote_is_told_at_the_end(make) -> None:
    """A bar that stopped half way is news; another cell's lines do not touch it."""
    task, other = make.cell(0, make.state(Running)), make.cell(1, make.state(Running))
    done = TaskMoved(make.cell(0, make.state(Failed)))
    events = [Logged(make.log("50%\r", task), task), Logged(make.log("hi", other), other), done]
    assert texts(Overwrites().settle(events)) == ["hi", "50%\r", "Failed"]


def test_bookkeeping_is_not_told(make) -> None:
    """The engine's lines about start and end repeat the states; the user's own lines stay."""
    own = replace(make.log("Started flow 'churn'."), logger="nbflow.flow_runs")
    engine = replace(own, logger="nbflow.states")
    assert texts(Story(make.id).events(changes(logs=[engine, own]))) == [own.message]
