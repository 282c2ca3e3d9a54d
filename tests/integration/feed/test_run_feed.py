"""What a reader of real runs is told, while they go on and afterwards."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from nbflow import flow, pause_flow_run, states, task
from nbflow.drawing import fitting
from nbflow.exceptions import ObjectNotFound, VisualizationError
from nbflow.feed import Look, RunFeed, graphs, live_graph, run_feed
from nbflow.models import FlowRun, LogRecord, RunKind, StateChange, TaskRun, new_id
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.runs import list_runs
from nbflow.states import State, now
from nbflow.store.base import Store
from nbflow.store.http.client import HTTPStore
from nbflow.store.sql import SQLStore
from tests.integration.feed import fixtures
from tests.integration.feed.conftest import Clock, Json, Page
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("store")
PageOf = Callable[..., Page]


@contextmanager
def running(start: Callable[[], Any]) -> Iterator[threading.Thread]:
    """Run a flow in another thread."""
    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(60)


def by_name(known: Json) -> dict[str, Json]:
    return {row["name"]: row for row in known["tasks"]}


def card(known: Json, id_: str) -> Json:
    return next(node for node in known["graph"]["nodes"] if node["id"] == id_)


# ── flows that ran ───────────────────────────────────────────────────────────────────────


def test_a_failed_run_tells_why_and_every_attempt(page_of: PageOf) -> None:
    fixtures.retries(return_state=True)
    page = page_of(list_runs()[0].id, actions=lambda _: [{"name": "retry"}])
    told = page.pull_all()
    rows, failure = by_name(told), told["failure"]
    assert [each["state_name"] for each in rows["fetch_rates"]["attempts"]] == [
        "Failed",
        "Failed",
        "Completed",
    ]
    ends = [(each["started"], each["ended"]) for each in rows["fetch_rates"]["attempts"]]
    assert all(start <= end for start, end in ends)
    assert sorted(ends) == ends
    assert "attempts" not in rows["clean"]
    assert failure["what"] == "Task 'score' failed on attempt 2"
    assert failure["error"] == "ZeroDivisionError: division by zero"
    assert failure["source"]["text"] == "return sum(kept) / len(kept) * rate"
    assert failure["task"] == rows["score"]["id"]
    assert card(told, failure["node"])["state_name"] == "Failed"
    assert told["actions"] == [{"name": "retry"}]
    assert told["progress"]["counts"] == {"Completed": 4, "Failed": 1, "NotReady": 1}
    assert {"read 7,866 rows of orders"} < {
        line["text"] for line in told["logs"] if line["printed"]
    }
    whys = [line["text"] for line in told["logs"] if "Trying again" in line["text"]]
    assert len(whys) == 3, "two attempts to fetch, and one to score"
    assert not any("Started" in line["text"] for line in told["logs"])
    assert page.feed.settled
    kept = json.loads((fixtures.FOLDER / "retries.json").read_text(encoding="utf-8"))
    for name in ("run", "tasks", "graph", "logs", "failure", "progress"):
        assert form(kept[name]) == form(told[name]), "python -m tests.integration.feed.fixtures"


def form(value: Any) -> Any:
    """The names that a part of an update has, whatever the values."""
    if isinstance(value, list):
        return {json.dumps(form(each)) for each in value if isinstance(each, dict)}
    if isinstance(value, dict):
        return sorted(name for name in value if name not in {"version", "parameters"})
    return None


def test_a_map_is_one_card_that_counts_while_it_runs(
    page_of: PageOf, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts, counted = count_calls(monkeypatch, graphs, "lay_out"), threading.Event()

    def last_waits(number: int) -> float:
        assert number < 199 or counted.wait(60)
        return math.sqrt(number)

    monkeypatch.setattr(fixtures, "math", SimpleNamespace(sqrt=last_waits))
    with running(lambda: fixtures.mapped(return_state=True)) as thread:
        page = page_of(until(list_runs, "a run")[0].id)
        while thread.is_alive():
            clock.time += 1.0
            page.pull()
            if any("nodes" in update for update in page.updates):
                counted.set()
            time.sleep(0.005)
    told = page.pull_all()
    measured = next(node for node in told["graph"]["nodes"] if node["label"] == "measure")
    assert measured["counts"] == {"Completed": 197, "Failed": 3}
    assert measured["stacked"]
    assert measured["message"].endswith("(and 2 more failures)")
    assert {row["node"] for row in told["tasks"] if row["map_index"] is not None} == {
        measured["id"]
    }
    assert len(layouts) <= 4, "two hundred runs of one map move nothing"
    assert counted.is_set()
    assert told == page_of(list_runs()[0].id).pull_all()


def test_subflows_are_groups_that_open_and_close(page_of: PageOf) -> None:
    fixtures.subflows(return_state=True)
    page = page_of(list_runs()[0].id)
    told = page.pull_all()
    graph = told["graph"]
    assert len(told["subflows"]) == 4
    assert [frame["label"] for frame in graph["frames"]] == ["cross-validate"] * 3
    assert graph["groups"] == [frame["id"] for frame in graph["frames"]]
    assert graph["closed"] == []
    assert graph["total"] == len(graph["nodes"]) == 15

    page.look = Look(frozenset(graph["groups"]))
    update = page.pull()
    assert update is not None
    assert update.keys() == {"graph"}
    assert update["graph"]["version"] == 2
    assert sorted(update["graph"]["closed"]) == sorted(graph["groups"])
    assert [n["counts"] for n in update["graph"]["nodes"] if n["kind"] == "flow"] == [
        {"Completed": 4},
        {"Completed": 4},
        {"Completed": 4},
        {},
    ]
    page.look = Look.from_json({"closed": [graph["groups"][0], "unknown"], "direction": "radial"})
    update = page.pull()
    assert update is not None
    assert update["graph"]["closed"] == graph["groups"][:1]
    assert update["graph"]["center"] and update["graph"]["bonds"] and update["graph"]["rings"]
    assert page.pull() is None


def test_artifacts_and_results_are_told_once(page_of: PageOf) -> None:
    fixtures.completed(return_state=True)
    page = page_of(list_runs()[0].id)
    told = page.pull_all()
    kinds = {each["kind"] for each in told["artifacts"]}
    assert kinds == {"markdown", "table", "link", "image", "progress", "metric"}
    assert {each["name"] for each in told["results"]} == {"load_digits", "train", "evaluate"}
    assert all(each["size"] > 0 for each in told["results"])
    values = [each["data"]["value"] for each in told["artifacts"] if each["key"] == "worst class"]
    assert values == ["NaN"]
    assert len(page.updates) == 1


def test_a_paused_run_asks_until_it_is_answered(store: Store, page_of: PageOf) -> None:
    @flow
    def asks() -> int:
        return int(pause_flow_run(wait_for_input=int, timeout=60))

    with running(lambda: asks(return_state=True)):
        run_id = until(list_runs, "a run")[0].id
        page = page_of(run_id)
        question = until(lambda: page.pull() and page.known.get("question"), "the question")
        assert question["schema"]["properties"]["value"]["type"] == "integer"
        assert question["deadline"] > time.time() * 1000
        assert not page.feed.settled
        store.dispatch.answer(run_id, {"value": 3})
    assert page.pull_all()["question"] is None
    assert page.known["run"]["state"]["name"] == "Completed"


# ── records, written as they may come ────────────────────────────────────────────────────


@pytest.fixture
def top(store: Store) -> FlowRun:
    """A run that goes on."""
    return begin(store)


def begin(store: Store, parent: UUID | None = None, name: str = "run") -> FlowRun:
    run = FlowRun(
        id=new_id(),
        name=name,
        flow_name="flow",
        state=states.Running(),
        created=now(),
        start_time=now(),
        parent_id=parent,
    )
    store.create_flow_run(run)
    return run


def add(store: Store, run: FlowRun, task_name: str = "task", **more: Any) -> TaskRun:
    made = {"name": task_name, "task_name": task_name, "task_key": task_name} | more
    made = {
        "id": new_id(),
        "state": states.Pending(),
        "flow_run_id": run.id,
        "created": now(),
    } | made
    store.create_task_run(TaskRun(**made))
    return TaskRun(**made)


def move(store: Store, run: FlowRun | TaskRun, state: State[Any], attempt: int = 1) -> None:
    kind = RunKind.FLOW if isinstance(run, FlowRun) else RunKind.TASK
    flow_run_id = run.id if isinstance(run, FlowRun) else run.flow_run_id
    store.set_state(StateChange(kind, run.id, state, attempt, None, flow_run_id))


def log(store: Store, run: FlowRun, *lines: str) -> None:
    store.add_logs([LogRecord(run.id, None, 20, "here", line, now()) for line in lines])


def count_calls(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> list[Any]:
    """The calls of a function from now on."""
    calls: list[Any] = []
    real = getattr(place, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(place, name, counting)
    return calls


def test_nothing_new_costs_one_question(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, top)
    page = page_of(top.id)
    page.pull_all()
    monkeypatch.setattr(SQLStore, "changes", None)
    monkeypatch.setattr(SQLStore, "count_flow_runs", None)
    assert page.pull() is None
    assert not page.feed.is_behind


def test_a_run_that_never_was_is_an_error(page_of: PageOf) -> None:
    with pytest.raises(ObjectNotFound):
        page_of(new_id()).pull()


def test_a_deleted_run_is_gone(store: Store, top: FlowRun, page_of: PageOf) -> None:
    page = page_of(top.id)
    page.pull_all()
    store.delete_flow_run(top.id)
    update = page.pull()
    assert update == {"gone": "The run run was deleted: nothing of it is left to be shown."}
    assert page.pull() is None
    assert page.feed.settled


@pytest.mark.parametrize("ended", [True, False])
def test_a_deleted_subflow_is_forgotten(
    store: Store, top: FlowRun, page_of: PageOf, ended: bool
) -> None:
    kept, deleted = begin(store, top.id, "kept"), begin(store, top.id, "deleted")
    add(store, deleted)
    if ended:
        move(store, deleted, states.Completed())
    page = page_of(top.id)
    assert len(page.pull_all()["subflows"]) == 2
    store.delete_flow_run(deleted.id)
    told = page.pull_all()
    assert [run["id"] for run in told["subflows"]] == [str(kept.id)]
    assert told["tasks"] == []


def test_a_run_may_be_deleted_between_two_questions(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(store, top.id)
    page = page_of(top.id)
    page.pull_all()
    real = SQLStore.count_flow_runs

    def deleting(self: SQLStore, *args: Any) -> int:
        store.delete_flow_run(top.id)
        return real(self, *args)

    monkeypatch.setattr(SQLStore, "count_flow_runs", deleting)
    log(store, top, "one more")
    update = page.pull()
    assert update is not None
    assert update.keys() == {"gone"}


def test_what_another_process_writes_is_told(top: FlowRun, store: Store, page_of: PageOf) -> None:
    page = page_of(top.id)
    page.pull_all()
    other = SQLStore(str(store.info().url))
    move(other, add(other, top, "from elsewhere"), states.Completed())
    other.close()
    assert by_name(page.pull_all())["from elsewhere"]["state_name"] == "Completed"


def test_a_retried_run_goes_on(store: Store, top: FlowRun, page_of: PageOf) -> None:
    part = begin(store, top.id)
    failing = add(store, part, "failing")
    for run in (failing, part, top):
        move(store, run, states.Failed(message="ValueError: no"))
    page = page_of(top.id)
    assert page.pull_all()["failure"]["error"] == "ValueError: no"
    assert page.feed.settled

    move(store, top, states.Retrying(), 2)
    assert page.pull_all()["failure"] is None
    assert not page.feed.settled
    for run in (part, failing):
        move(store, run, states.Retrying(), 2)
    told = page.pull_all()
    assert told["subflows"][0]["state"]["name"] == "Retrying"
    assert [each["ended"] for each in by_name(told)["failing"]["attempts"]] == [None]
    for run in (failing, part, top):
        move(store, run, states.Completed(), 2)
    assert page.pull_all() == page_of(top.id).pull_all()
    assert page.known["progress"]["done"] == 1


def test_a_subflow_that_goes_on_again_is_read_again(
    store: Store, top: FlowRun, page_of: PageOf
) -> None:
    part = begin(store, top.id)
    move(store, part, states.Failed())
    page = page_of(top.id)
    page.pull_all()
    move(store, part, states.Retrying(), 2)
    add(store, part, "second try")
    assert "second try" in by_name(page.pull_all())


def test_at_the_end_nothing_of_a_subflow_is_missed(
    store: Store, top: FlowRun, page_of: PageOf
) -> None:
    part = begin(store, top.id)
    move(store, part, states.Completed())
    page = page_of(top.id)
    page.pull_all()
    log(store, part, "after its end")
    assert page.pull() is None, "it is not looked at while the run goes on"
    move(store, top, states.Completed())
    assert [line["text"] for line in page.pull_all()["logs"]] == ["after its end"]


def test_calls_become_a_loop_with_the_ninth(store: Store, top: FlowRun, page_of: PageOf) -> None:
    calls = [add(store, top, "call", name=f"call-{number}") for number in range(8)]
    page = page_of(top.id)
    assert len({row["node"] for row in page.pull_all()["tasks"]}) == 8
    add(store, top, "call", name="call-8")
    told = page.pull_all()
    (loop,) = told["graph"]["nodes"]
    assert loop["counts"] == {"Pending": 9}
    assert {row["node"] for row in told["tasks"]} == {loop["id"]}
    move(store, calls[3], states.Completed())
    assert page.pull_all() == page_of(top.id).pull_all()


def test_what_happens_in_a_closed_subflow_is_counted_on_its_card(
    store: Store, top: FlowRun, page_of: PageOf
) -> None:
    outer = begin(store, top.id, "outer")
    inner = begin(store, outer.id, "inner")
    inside = [add(store, inner, f"task {number}") for number in range(3)]
    page = page_of(top.id)
    page.pull()
    page.look = Look(frozenset({str(outer.id)}))
    page.pull()
    page.clock.time += 10_000
    move(store, inside[1], states.Completed())
    update = page.pull()
    assert update is not None
    assert [(node["id"], node["counts"]) for node in update["nodes"]] == [
        (str(outer.id), {"Completed": 1, "Pending": 2})
    ]


def test_of_a_progress_bar_the_last_line_is_told(
    store: Store, top: FlowRun, page_of: PageOf
) -> None:
    page = page_of(top.id)
    page.pull_all()
    for lines, told in (
        (("1 %\r", "2 %\r", "3 %\r"), ["3 %\r"]),
        (("4 %\r", "done", "and more"), ["done", "and more"]),
        (("a", "5 %\r", "6 %\r"), ["a", "6 %\r"]),
    ):
        log(store, top, *lines)
        update = page.pull()
        assert update is not None
        assert [line["text"] for line in update["logs"]] == told


def test_a_progress_that_many_others_followed_is_told_when_it_changes(
    store: Store, top: FlowRun, page_of: PageOf
) -> None:
    keep(store, top, ArtifactKind.PROGRESS, 5.0)
    (progress,) = store.artifacts.search(flow_run_id=top.id)
    for number in range(25):
        keep(store, top, ArtifactKind.METRIC, {"value": number, "step": number}, number)
    page = page_of(top.id)
    assert len(page.pull_all()["artifacts"]) == 26
    store.artifacts.add(replace(progress, data=95.0))
    page.clock.time += 10_000
    update = page.pull()
    assert update is not None
    assert [each["data"] for each in update["artifacts"]] == [95.0]


def test_of_a_long_past_the_newest_lines_are_told(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_feed, "FIRST_LOGS", 50)
    monkeypatch.setattr("nbflow.run_reader.LIVE_PAGE", 30)
    for number in range(100):
        log(store, top, f"line {number}")
    page = page_of(top.id)
    first = page.pull()
    assert first is not None
    assert "logs" not in first
    assert "graph" not in first
    assert page.feed.is_behind
    told = page.pull_all()
    assert [line["text"] for line in told["logs"]] == [f"line {n}" for n in range(50, 100)]
    assert told["logs_left_out"] == 50
    log(store, top, "100 %\r", "and on")
    told = page.pull_all()
    assert told["logs"][-1]["text"] == "and on"
    assert len(told["logs"]) == 51
    assert told["logs_left_out"] == 50


def keep(store: Store, run: FlowRun, kind: ArtifactKind, data: Any, second: int = 0) -> None:
    """An artifact, `second` seconds after others."""
    store.flush()
    at = now() + timedelta(seconds=second)
    store.artifacts.add(Artifact(id=new_id(), kind=kind, data=data, created=at, flow_run_id=run.id))


def by_age(told: Json) -> list[Json]:
    return sorted(told["artifacts"], key=lambda each: int(each["created"]))


def test_what_is_too_large_is_cut(store: Store, top: FlowRun, page_of: PageOf) -> None:
    log(store, top, "x" * 100_000)
    given: list[tuple[ArtifactKind, Any]] = [
        (ArtifactKind.MARKDOWN, "word " * 100_000),
        (ArtifactKind.TABLE, {"columns": ["a"], "rows": [["y" * 900]] * 1_000, "total": 1_000}),
        (ArtifactKind.IMAGE, {"url": "data:image/png;base64," + "A" * 1_500_000}),
        (ArtifactKind.IMAGE, {"url": "data:image/png;base64," + "A" * 500_000}),
    ]
    for number, (kind, data) in enumerate(given):
        keep(store, top, kind, data, number)
    told = page_of(top.id).pull_all()
    assert len(told["logs"][0]["text"]) < 21_000
    text, table, note, picture = by_age(told)
    assert text["data"].endswith("more characters)")
    assert 100 < len(table["data"]["rows"]) < 250
    assert table["data"]["total"] == 1_000
    assert note["kind"] == "markdown"
    assert note["data"].startswith("This image is too large to be shown here: 1\u202f500\u202f0")
    assert picture["data"] == given[3][1]


def test_all_artifacts_together_have_their_limit(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.feed.artifacts.LARGEST_SUM", 250)
    for number in range(4):
        keep(store, top, ArtifactKind.MARKDOWN, f"{number}" * 100, number)
    shown = [each["data"][0] for each in by_age(page_of(top.id).pull_all())]
    assert shown == ["T", "T", "2", "3"], "the newest are shown"


# ── how much work that is ────────────────────────────────────────────────────────────────


def test_while_time_stands_still_places_are_found_once(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts = count_calls(monkeypatch, graphs, "lay_out")
    page = page_of(top.id)
    first = add(store, top, "first")
    page.pull()
    for number in range(20):
        add(store, top, f"more {number}")
        move(store, first, states.Running() if number % 2 else states.AwaitingRetry())
        page.pull()
    assert len(layouts) == 1
    assert len(page.known["graph"]["nodes"]) == 1
    assert len(page.known["tasks"]) == 21, "rows do not wait for places"
    assert page.feed.is_behind
    page.clock.time += 3_600
    page.pull()
    assert len(layouts) == 2
    assert len(page.known["graph"]["nodes"]) == 21


def test_states_and_counts_move_no_card(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    map_id = new_id()
    mapped = [add(store, top, "each", map_id=map_id, map_index=n) for n in range(150)]
    after = add(store, top, "after")
    page = page_of(top.id)
    page.pull_all()
    layouts = count_calls(monkeypatch, graphs, "lay_out")
    whole = count_calls(monkeypatch, graphs, "shown")
    for number, each in enumerate((*mapped, after)):
        move(store, each, states.Failed() if number < 5 else states.Completed())
        if number % 10 == 0:
            mapped.append(add(store, top, "each", map_id=map_id, map_index=200 + number))
            page.pull_all()
    told = page.pull_all()
    assert layouts == whole == []
    assert all("graph" not in update for update in page.updates[1:])
    assert card(told, f"map:{map_id}")["counts"]["Failed"] == 5
    assert told == page_of(top.id).pull_all()


def test_only_the_cards_that_moved_are_made_anew(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [add(store, top, f"task {number}") for number in range(60)]
    page = page_of(top.id)
    page.pull_all()
    graphs_made = count_calls(monkeypatch, live_graph, "graph_of_run")
    move(store, tasks[7], states.Completed())
    update = page.pull()
    assert update is not None
    assert [node["id"] for node in update["nodes"]] == [str(tasks[7].id)]
    assert [[run.id for run in call[1]] for call in graphs_made] == [[tasks[7].id]]


def test_an_ended_run_is_drawn_to_its_end_at_once(
    store: Store, top: FlowRun, page_of: PageOf
) -> None:
    page = page_of(top.id)
    page.pull()
    add(store, top, "late")
    move(store, top, states.Completed())
    page.pull()
    assert [node["label"] for node in page.known["graph"]["nodes"]] == ["late"]
    assert page.feed.settled
    assert page.feed.paced_seconds > 0


def test_more_cards_than_can_be_drawn_are_told_in_a_sentence(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST_CARDS", 20)
    for number in range(30):
        add(store, top, f"task {number}")
    told = page_of(top.id).pull_all()
    assert told["graph"]["nodes"] == told["graph"]["edges"] == []
    assert told["graph"]["total"] == 30
    assert told["graph"]["note"] == (
        "30 cards are more than can be drawn here. The timeline lists them all."
    )


def test_without_graphviz_the_reason_is_told(
    store: Store, top: FlowRun, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise VisualizationError("Graphviz is not there.")

    monkeypatch.setattr(graphs, "lay_out", fails)
    moved = add(store, top)
    page = page_of(top.id)
    assert page.pull_all()["graph"]["note"] == "Graphviz is not there."
    move(store, moved, states.Completed())
    assert by_name(page.pull_all())["task"]["state_name"] == "Completed"


def test_the_first_update_of_a_large_run_comes_in_parts(
    store: Store, top: FlowRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.run_reader.LIVE_PAGE", 10)
    map_id = new_id()
    for number in range(35):
        add(store, top, "each", map_id=map_id, map_index=number)
    page = Page(RunFeed(store, top.id, clock=clock), clock)
    while page.feed.is_behind:
        page.pull()
    assert [len(update.get("tasks", ())) for update in page.updates] == [10, 10, 10, 5]
    assert ["graph" in update for update in page.updates] == [False, False, False, True]


@task
def nothing() -> None: ...


@flow
def a_few() -> None:
    for _ in range(3):
        nothing()


def test_a_reader_who_comes_first_is_told_of_a_run_from_its_start(
    store: Store, clock: Clock
) -> None:
    with running(lambda: a_few(return_state=True)):
        page = Page(RunFeed(store, until(list_runs, "a run")[0].id, clock=clock), clock)
        until(lambda: page.pull_all() and page.feed.settled, "the run's end")
    assert page.known["progress"] == {
        "total": 3,
        "done": 3,
        "counts": {"Completed": 3},
        "noun": "task",
    }


def test_a_run_is_followed_through_a_server_as_well(
    store: Store, host: Any, clock: Clock, page_of: PageOf
) -> None:
    fixtures.subflows(return_state=True)
    run_id = list_runs(store=store)[0].id
    keep(store, store.flow_run(run_id), ArtifactKind.PROGRESS, 50.0)
    with closing(HTTPStore(host.serve(store))) as remote:
        page = Page(RunFeed(remote, run_id, clock=clock), clock)
        assert page.pull_all() == page_of(run_id).pull_all()
        assert page.pull() is None
