"""The parts of a feed that need no store: clean values, counts, cards, pauses."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nbflow import states
from nbflow.drawing import Direction
from nbflow.failure import Failure, NextStep
from nbflow.feed.allowance import Allowance
from nbflow.feed.folding import Folding
from nbflow.feed.look import Look
from nbflow.feed.plain import plain, text
from nbflow.feed.records import (
    attempts_json,
    failure_json,
    flow_run_json,
    logs_json,
    task_json,
)
from nbflow.models import FlowRun, LogRecord, RunKind, StateChange, TaskKind, TaskRun, new_id
from nbflow.run_graph import graph_of_run
from nbflow.states import State, StateType, now
from nbflow.tally import Counting, tally

TOP = FlowRun(id=new_id(), name="top", flow_name="top", state=states.Running(), created=now())

# ── values ───────────────────────────────────────────────────────────────────────────────


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(st.characters(codec=None)),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_value_can_be_sent(value: Any) -> None:
    json.dumps(plain(value), allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("héllo 🎉", "héllo 🎉"),
        ("half \ud83d pair", "half ? pair"),
        ("\x00\x1b[1m", "\x00\x1b[1m"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ({"a": [float("inf")], "\udfff": 1}, {"a": ["Infinity"], "?": 1}),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_values_stay_what_they_are_where_they_can(given: Any, told: Any) -> None:
    assert plain(given) == told


def test_long_and_deep_values_are_cut() -> None:
    assert text("x" * 30, 10) == "xxxxxxxxxx… (20 more characters)"
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert "…" in json.dumps(plain(deep), ensure_ascii=False)


def test_long_parameters_are_told_by_their_beginnings() -> None:
    run = FlowRun(
        id=new_id(),
        name="n",
        flow_name="f",
        state=states.Running(),
        created=now(),
        parameters={"rows": list(range(50_000)), "small": 3, "nan": float("nan")},
    )
    told = flow_run_json(run)["parameters"]
    assert told["small"] == 3
    assert told["nan"] == "NaN"
    assert len(told["rows"]) < 1_100
    assert told["rows"].startswith("[0, 1, 2")


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([], []),
        ([20_000] * 100, [20_000] * 100),  # as much as is told at once
        ([20_000] * 400 + [10] * 100, [4_000] * 400 + [10] * 100),
        ([10_000_000, 5], [20_000, 5]),
    ],
)
def test_long_lines_share_the_room(sizes: list[int], told: list[int]) -> None:
    lines = [LogRecord(TOP.id, None, 20, "x", "x" * size, now()) for size in sizes]
    assert [line["text"].count("x") for line in logs_json(lines)] == told


def test_a_row_is_short_whatever_a_task_is_called() -> None:
    state = states.Failed(message="no" * 5_000)
    [task, *_] = some_tasks(1)
    row = task_json(replace(task, name="t" * 100_000, task_name="n" * 100_000, state=state), "card")
    assert len(json.dumps(row)) < 5_000


def test_a_command_is_what_it_looks_like() -> None:
    """Who copies it, types what was read: nothing that steers a terminal, or is reordered."""
    steps = (NextStep("nbflow runs logs 1 --task '\u202egnp\x1b[2J\n!rm'", "see"),)
    told = failure_json(Failure("t failed", "", None, (), steps), None, None)
    assert told["next"][0]["command"] == "nbflow runs logs 1 --task 'gnp\ufffd[2J !rm'"


@pytest.mark.parametrize(
    ("data", "look"),
    [
        ({"closed": None, "direction": None}, Look()),
        ({"closed": ["a"], "direction": "right"}, Look(frozenset({"a"}), Direction.RIGHT)),
        ({"closed": "abc", "direction": "sideways"}, Look()),
        ({"closed": [1, None], "direction": ["down"]}, Look(frozenset({"1", "None"}))),
        (None, Look()),
        ([], Look()),
    ],
)
def test_a_look_is_read_from_what_a_page_sent(data: Any, look: Look) -> None:
    assert Look.from_json(data) == look


# ── attempts ─────────────────────────────────────────────────────────────────────────────


def history(*moves: State[Any]) -> list[StateChange]:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        StateChange(
            RunKind.TASK,
            TOP.id,
            State(state.type, state.name, None, begin + timedelta(seconds=second)),
        )
        for second, state in enumerate(moves)
    ]


@pytest.mark.parametrize(
    ("moves", "told"),
    [
        ((states.Pending(),), []),
        ((states.Pending(), states.Running()), [("Running", None)]),
        (
            (states.Running(), states.AwaitingRetry(), states.Retrying(), states.Completed()),
            [("Failed", 1), ("Completed", 1)],
        ),
        (
            (states.Running(), states.Crashed(), states.Pending(), states.Running()),
            [("Crashed", 1), ("Running", None)],
        ),
        ((states.Running(), states.AwaitingRetry(), states.Cancelled()), [("Failed", 1)]),
    ],
)
def test_attempts_are_read_off_the_states(
    moves: tuple[State[Any], ...], told: list[tuple[str, int | None]]
) -> None:
    found = attempts_json(history(*moves))
    took = [each["ended"] and (each["ended"] - each["started"]) // 1_000 for each in found]
    assert list(zip([each["state_name"] for each in found], took, strict=True)) == told


# ── counts and cards ─────────────────────────────────────────────────────────────────────


def some_tasks(seed: int) -> list[TaskRun]:
    """Tasks as they may come, some of them several times."""
    chance, maps = random.Random(seed), [new_id(), new_id()]
    made: list[TaskRun] = []
    for number in range(chance.randrange(40)):
        again = chance.choice(made) if made and chance.random() < 0.3 else None
        kind = chance.choice((TaskKind.CELL, TaskKind.FUNCTION, TaskKind.FUNCTION))
        state = State(chance.choice(list(StateType)), chance.choice(("Completed", "Odd")))
        name = chance.choice(("a", "b"))
        mapped = kind is TaskKind.FUNCTION and chance.random() < 0.2
        made.append(
            TaskRun(
                id=again.id if again else new_id(),
                name=name,
                task_name=again.task_name if again else name,
                kind=again.kind if again else kind,
                state=state,
                flow_run_id=TOP.id,
                parent_id=again.parent_id
                if again
                else chance.choice([None, *(t.id for t in made)]),
                map_id=again.map_id if again else chance.choice(maps) if mapped else None,
                cell_index=number if kind is TaskKind.CELL else None,
                created=now(),
            )
        )
    return made


@given(st.integers(0, 100_000))
def test_counting_as_tasks_move_comes_to_the_same(seed: int) -> None:
    tasks = some_tasks(seed)
    random.Random(seed).shuffle(tasks)
    counting = Counting()
    for task in tasks:
        counting.put(task)
    assert counting.tally() == tally({task.id: task for task in tasks}.values())


@given(st.integers(0, 100_000))
def test_runs_share_the_cards_of_the_graph(seed: int) -> None:
    folding, last = Folding(), {}
    for task in some_tasks(seed):
        before = {run_id: folding.card(run_id) for run_id in last}
        last[task.id] = task
        card, moved = folding.put(task)
        after = {run_id: folding.card(run_id) for run_id in before}
        assert {each for each in before if before[each] != after[each]} == set(moved) - {task.id}
        assert folding.card(task.id) == card
    nodes = {node.id: node for node in graph_of_run(TOP, last.values()).nodes}
    assert {folding.card(run_id) for run_id in last} == nodes.keys()
    for id_, node in nodes.items():
        assert len(folding.members(id_)) == (sum(node.counts.values()) or 1)


# ── pauses ───────────────────────────────────────────────────────────────────────────────


def test_something_costly_is_permitted_in_proportion() -> None:
    clock = {"time": 0.0, "work": 0.0}
    allowance = Allowance(0.1, lambda: clock["time"], lambda: clock["work"])
    assert allowance.permits
    with allowance.spending():
        clock["work"] += 2
        clock["time"] += 5  # others had the processor, too
    assert allowance.spent == 2
    clock["time"] = 24.9
    assert not allowance.permits
    clock["time"] = 25.0
    assert allowance.permits
