"""What every store promises, asked of each kind of store."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nbflow import owner as owners
from nbflow.exceptions import ObjectNotFound, ResumeError, StoreError
from nbflow.models import (
    Dependency,
    FlowKind,
    FlowRun,
    FlowRunFilter,
    LogFilter,
    LogRecord,
    ResultRef,
    RunKind,
    StateChange,
    TaskKind,
    TaskRun,
    new_id,
)
from nbflow.states import (
    AwaitingRetry,
    Cancelled,
    Completed,
    Crashed,
    Failed,
    NotRun,
    Pending,
    Running,
    Scheduled,
    State,
    StateType,
    now,
)
from nbflow.store import SQLStore, Store
from nbflow.store.http.client import HTTPStore

T0 = datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC)
RESULT = ResultRef("ab/cd", "/results", "pickle", 123, T0 + timedelta(days=1))
ODD_TEXTS = {
    "empty": "",
    "emoji": "done 🎉 — ½ «ü»",
    "lines": "a\r\nb\tc\n",
    "quotes": "'; DROP TABLE flow_run; -- \" % _ ! ? %s",
    "right to left": "\u202eabc",
    "1 MB": "x" * 1_000_000,
}

Opener = Callable[[], Store]


@pytest.fixture(params=["sqlite", "old sqlite", "postgresql", "http"])
def url(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The URL of an empty store: a database's, or a server's."""
    if request.param == "http":
        with closing(SQLStore(new_database("sqlite"))) as behind:
            yield request.getfixturevalue("host").serve(behind)
        return
    if request.param == "old sqlite":
        monkeypatch.setattr("nbflow.store.dialects._LONG_STATEMENTS", False)
    yield new_database("postgresql" if request.param == "postgresql" else "sqlite")


def opened(url: str) -> SQLStore | HTTPStore:
    return HTTPStore(url) if url.startswith("http") else SQLStore(url)


@pytest.fixture
def open_another(url: str) -> Iterator[Opener]:
    """Opens further stores on the same database, as other processes would."""
    stores: list[Store] = []

    def opener() -> Store:
        stores.append(opened(url))
        return stores[-1]

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def store(open_another: Opener) -> Store:
    """The store under test."""
    return open_another()


def flow_run(**changes: Any) -> FlowRun:
    base = FlowRun(id=new_id(), name="calm-otter", flow_name="etl", state=Pending(), created=now())
    return replace(base, **changes)


def task_run(flow: FlowRun | None, **changes: Any) -> TaskRun:
    base = TaskRun(
        id=new_id(),
        name="load-0",
        task_name="load",
        state=Pending(),
        created=now(),
        flow_run_id=flow and flow.id,
    )
    return replace(base, **changes)


def change(run: FlowRun | TaskRun, state: State[Any], attempt: int = 1, **more: Any) -> StateChange:
    if isinstance(run, FlowRun):
        return StateChange(RunKind.FLOW, run.id, state, attempt, flow_run_id=run.id, **more)
    return StateChange(RunKind.TASK, run.id, state, attempt, flow_run_id=run.flow_run_id, **more)


def log(flow: FlowRun | None, message: str, task: TaskRun | None = None, **more: Any) -> LogRecord:
    base = LogRecord(flow and flow.id, task and task.id, 20, "nbflow.flow_runs", message, now())
    return replace(base, **more)


def created(store: Store, *runs: FlowRun | TaskRun) -> None:
    for run in runs:
        if isinstance(run, FlowRun):
            store.create_flow_run(run)
        else:
            store.create_task_run(run)


# ── records come back as they went in ────────────────────────────────────────────────────


def test_a_full_flow_run_comes_back_equal(store: Store) -> None:
    run = flow_run(
        state=Scheduled(scheduled_time=T0, message="due"),
        kind=FlowKind.NOTEBOOK,
        flow_version="1.2",
        parameters={"n": 1, "nested": {"a": [1, 2.5, None, True]}, "text": "ü\x00\ud800"},
        tags=frozenset({"prod", "ünïcode"}),
        parent_id=new_id(),
        dependencies=(Dependency(new_id(), "x", False), Dependency(new_id())),
        created=T0,
        source="/a/b.ipynb",
        output="/out.ipynb",
        result=RESULT,
        owner="host:1:2",
    )
    created(store, run)
    assert store.flow_run(run.id) == run


def test_a_full_task_run_comes_back_equal(store: Store) -> None:
    flow = flow_run()
    run = task_run(
        flow,
        kind=TaskKind.CELL,
        parent_id=new_id(),
        task_key="m.load",
        map_id=new_id(),
        map_index=3,
        cell_index=0,
        tags=frozenset({"slow"}),
        dependencies=(Dependency(new_id(), "df"),),
        attempt=2,
        cache_key="k",
        created=T0,
        result=RESULT,
    )
    created(store, flow, run)
    assert store.task_run(run.id) == run
    assert store.task_runs(flow.id) == [run]


def test_a_task_run_needs_no_flow_run(store: Store) -> None:
    run = task_run(None)
    created(store, run)
    store.set_state(change(run, Completed()))
    assert store.task_run(run.id).state.is_completed()
    assert [s.flow_run_id for s in store.states(RunKind.TASK, run.id)] == [None, None]


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_text_is_kept_everywhere(store: Store, text: str) -> None:
    short = text[:500]
    flow = flow_run(name=short, flow_name=short, tags=frozenset({short}), parameters={"p": text})
    task = task_run(flow, name=text, task_name=text)
    created(store, flow, task)
    store.set_state(change(task, Failed(message=text)))
    store.add_logs([log(flow, text)])
    assert store.flow_run(flow.id) == flow
    assert store.task_run(task.id).state.message == text
    assert store.logs(LogFilter(flow_run_id=flow.id))[0].message == text


@pytest.mark.parametrize("text", ["nul\x00inside", "lone \ud83d surrogate", "\ud800\x00"])
def test_text_that_a_database_may_refuse_is_shown_as_well_as_it_can(
    store: Store, text: str
) -> None:
    flow = flow_run()
    created(store, flow)
    store.add_logs([log(flow, "before"), log(flow, text), log(flow, "after")])
    store.set_state(change(flow, Failed(message=text)))
    store.flush()
    messages = [r.message for r in store.logs(LogFilter(flow_run_id=flow.id))]
    assert [messages[0], messages[2]] == ["before", "after"]
    start = text.partition("\x00")[0].encode("utf-8", "replace").decode()
    assert messages[1].startswith(start)
    assert store.flow_run(flow.id).state.is_failed()


@pytest.mark.parametrize(
    "parameters",
    [
        {"big": ["y" * 1_000] * 5_000},
        {"deep": [[[[[[[[1]]]]]]]]},
        {"float": float("inf")},
        {"int": 10**30},
        {"": None},
    ],
    ids=lambda p: next(iter(p)) or "empty name",
)
def test_huge_and_odd_parameters_come_back(store: Store, parameters: dict[str, Any]) -> None:
    run = flow_run(parameters=parameters)
    created(store, run)
    assert store.flow_run(run.id).parameters == parameters


def test_parameters_that_are_not_json_are_shown_by_a_short_repr(store: Store) -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    loop: list[Any] = []
    loop.append(loop)
    runs = [
        flow_run(parameters={"o": {1, 2}}),
        flow_run(parameters={"o": Rude()}),
        flow_run(parameters={"o": loop}),
        flow_run(parameters={("a", 1): 1}),
    ]
    created(store, *runs)
    shown = [next(iter(store.flow_run(r.id).parameters.items())) for r in runs]
    assert shown[0] == ("o", "{1, 2}")
    assert "Rude" in shown[1][1]
    assert shown[2] == ("o", "[[...]]")
    assert shown[3] == ("('a', 1)", "1")


def test_parameters_changed_after_the_call_are_recorded_as_they_were(store: Store) -> None:
    items = [1]
    run = flow_run(parameters={"items": items})
    created(store, run)
    items.append(2)
    assert store.flow_run(run.id).parameters == {"items": [1]}


@pytest.mark.parametrize(
    "moment",
    [
        T0,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    ],
)
def test_times_are_exact_to_the_microsecond(store: Store, moment: datetime) -> None:
    run = flow_run(created=moment, state=replace(Pending(), timestamp=moment))
    created(store, run)
    found = store.flow_run(run.id)
    assert (found.created, found.state.timestamp) == (moment, moment)


# ── states ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("grouped", [True, False], ids=["one batch", "a batch each"])
def test_states_set_start_end_attempt_result_and_history(store: Store, grouped: bool) -> None:
    flow = flow_run(owner="host:1:2")
    task = task_run(flow)
    states = [
        (Running(message="go"), 1, None),
        (AwaitingRetry(delay=1), 1, None),
        (Running(name="Retrying"), 2, None),
        (Completed(), 2, RESULT),
    ]
    created(store, flow, task)
    for run in (flow, task):
        for state, attempt, result in states:
            if not grouped:
                store.flush()
            store.set_state(change(run, state, attempt, result=result))
    for found in (store.flow_run(flow.id), store.task_run(task.id)):
        assert found.start_time == states[0][0].timestamp
        assert found.end_time == states[-1][0].timestamp
        assert (found.attempt, found.result, found.state) == (2, RESULT, states[-1][0])
    for kind, run in ((RunKind.FLOW, flow), (RunKind.TASK, task)):
        history = store.states(kind, run.id)
        assert [h.state for h in history] == [run.state, *(s for s, _, _ in states)]
        assert [h.attempt for h in history] == [0, 1, 1, 2, 2]
        assert [h.result for h in history] == [None, None, None, None, RESULT]
        assert {(h.kind, h.run_id, h.flow_run_id) for h in history} == {(kind, run.id, flow.id)}


@pytest.mark.parametrize("grouped", [True, False], ids=["one batch", "a batch each"])
def test_what_runs_again_after_its_end_starts_anew(store: Store, grouped: bool) -> None:
    flow = flow_run()
    task = task_run(flow)
    again, once_more = Running(name="Retrying"), Pending()
    created(store, flow, task)

    def then(*states: State[Any]) -> None:
        for state in states:
            for run in (flow, task):
                if not grouped:
                    store.flush()
                store.set_state(change(run, state))
        store.flush()

    then(Running(), Failed(), once_more)
    for found in (store.flow_run(flow.id), store.task_run(task.id)):
        assert (found.start_time, found.end_time) == (None, None)
    then(again, AwaitingRetry(delay=1), Running(name="Retrying"), Completed())
    for found in (store.flow_run(flow.id), store.task_run(task.id)):
        assert found.start_time == again.timestamp
    then(Completed())  # told twice: nothing is lost
    for found in (store.flow_run(flow.id), store.task_run(task.id)):
        assert found.start_time == again.timestamp


@pytest.mark.parametrize("grouped", [True, False], ids=["one batch", "a batch each"])
@pytest.mark.parametrize("final", [Completed, Failed, Cancelled, Crashed])
def test_a_final_state_lets_go_of_the_owner_and_a_retry_clears_the_end(
    store: Store, final: Callable[[], State[Any]], grouped: bool
) -> None:
    flow = flow_run(owner="host:1:2")
    created(store, flow)
    if not grouped:
        store.flush()
    store.set_state(change(flow, Running()))
    if not grouped:
        assert store.flow_run(flow.id).owner == "host:1:2"
    store.set_state(change(flow, final()))
    if not grouped:
        ended = store.flow_run(flow.id)
        assert ended.owner is None
        assert ended.end_time is not None
    store.set_state(change(flow, AwaitingRetry()))
    again = store.flow_run(flow.id)
    assert (again.end_time, again.owner) == (None, None)
    assert again.start_time is not None


def test_a_run_created_running_or_ended_has_its_times(store: Store) -> None:
    started, ended = flow_run(state=Running(), owner="o"), flow_run(state=Completed(), owner="o")
    created(store, started, ended)
    assert store.flow_run(started.id).start_time == started.state.timestamp
    assert store.flow_run(started.id).owner == "o"
    assert store.flow_run(ended.id).end_time == ended.state.timestamp
    assert store.flow_run(ended.id).owner is None


def test_a_run_that_will_never_start_has_neither_start_nor_end(store: Store) -> None:
    flow = flow_run()
    task = task_run(flow)
    created(store, flow, task)
    store.set_state(change(task, NotRun(), 0))
    found = store.task_run(task.id)
    assert (found.start_time, found.end_time, found.attempt) == (None, None, 0)


@pytest.mark.parametrize("grouped", [True, False], ids=["one batch", "a batch each"])
def test_output_and_late_dependencies_are_added(store: Store, grouped: bool) -> None:
    flow, up, more = flow_run(), new_id(), new_id()
    task = task_run(flow, dependencies=(Dependency(up, "a"),))
    created(store, flow, task)
    if not grouped:
        store.flush()
    store.set_output(flow.id, "/x.ipynb")
    store.add_dependencies(task.id, flow.id, [(more, "b", False), (up, "a", True)])
    if not grouped:
        store.flush()
    store.add_dependencies(task.id, flow.id, [(more, "c", True)])
    assert store.flow_run(flow.id).output == "/x.ipynb"
    assert store.task_run(task.id).dependencies == (
        Dependency(up, "a"),
        Dependency(more, "b", False),
        Dependency(more, "c"),
    )


@pytest.mark.parametrize("grouped", [True, False], ids=["one batch", "a batch each"])
def test_a_task_run_is_renamed_and_keeps_the_rest(store: Store, grouped: bool) -> None:
    flow = flow_run()
    task = task_run(flow)
    created(store, flow, task)
    if not grouped:
        store.flush()
    before = store.changes(flow.id).cursor if not grouped else 0
    store.rename_task_run(task.id, "load-monday")
    found = store.task_run(task.id)
    assert found == dataclasses.replace(task, name="load-monday")
    assert [run.name for run in store.changes(flow.id, after=before).task_runs] == ["load-monday"]


# ── lists, filters, pages ────────────────────────────────────────────────────────────────


@pytest.fixture
def shelf(store: Store) -> dict[str, FlowRun]:
    """Runs a to f, `a` the oldest, created in another order."""
    parent = flow_run()
    looks: dict[str, dict[str, Any]] = {
        "a": {"state": Completed(), "tags": frozenset({"x"}), "name": "Alpha-100%"},
        "b": {"state": Failed(name="TimedOut"), "tags": frozenset({"x", "y"})},
        "c": {"state": Running(), "flow_name": "train_model"},
        "d": {"state": Completed(name="Cached"), "flow_name": "train_model"},
        "e": {"parent_id": parent.id, "tags": frozenset({"y"})},
        "f": {"name": "under_score"},
    }
    runs = {
        key: flow_run(created=T0 + timedelta(microseconds=number), **look)
        for number, (key, look) in enumerate(looks.items())
    }
    created(store, *(runs[key] for key in "dafbec"))
    return runs


FILTERS: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {}, "fedcba"),
    ("a state", {"states": frozenset({StateType.COMPLETED})}, "da"),
    ("states", {"states": frozenset({StateType.COMPLETED, StateType.FAILED})}, "dba"),
    ("state name", {"state_names": frozenset({"TimedOut", "Cached"})}, "db"),
    ("flow", {"flow_names": frozenset({"train_model"})}, "dc"),
    ("tag", {"tags": frozenset({"x"})}, "ba"),
    ("all tags", {"tags": frozenset({"x", "y"})}, "b"),
    ("unknown tag", {"tags": frozenset({"z"})}, ""),
    ("after", {"created_after": T0 + timedelta(microseconds=3)}, "fe"),
    ("before", {"created_before": T0 + timedelta(microseconds=1)}, "a"),
    ("text in name", {"text": "ALPHA"}, "a"),
    ("text in flow name", {"text": "train"}, "dc"),
    ("percent is itself", {"text": "0%"}, "a"),
    ("underscore is itself", {"text": "r_s"}, "f"),
    ("top level", {"top_level": True}, "fdcba"),
    ("subflows", {"top_level": False}, "e"),
    ("together", {"tags": frozenset({"y"}), "top_level": True}, "b"),
]


@pytest.mark.parametrize(
    ("where", "expected"), [f[1:] for f in FILTERS], ids=[f[0] for f in FILTERS]
)
def test_flow_runs_are_filtered_newest_first(
    store: Store, shelf: dict[str, FlowRun], where: dict[str, Any], expected: str
) -> None:
    filter_ = FlowRunFilter(**where)
    assert [run.id for run in store.flow_runs(filter_)] == [shelf[key].id for key in expected]
    assert store.count_flow_runs(filter_) == len(expected)


def test_subflows_of_one_parent(store: Store, shelf: dict[str, FlowRun]) -> None:
    where = FlowRunFilter(parent_id=shelf["e"].parent_id)
    assert [run.id for run in store.flow_runs(where)] == [shelf["e"].id]


def test_pages_of_flow_runs(store: Store, shelf: dict[str, FlowRun]) -> None:
    pages = [store.flow_runs(limit=4, offset=offset) for offset in (0, 4, 8)]
    assert [[run.id for run in page] for page in pages] == [
        [shelf[key].id for key in keys] for keys in ("fedc", "ba", "")
    ]


def test_task_runs_are_in_order_of_creation_and_of_this_run_only(store: Store) -> None:
    flow, other = flow_run(), flow_run()
    tasks = [task_run(flow, name=f"t-{i}", created=T0 - timedelta(seconds=i)) for i in range(200)]
    created(store, flow, other, task_run(other), *tasks)
    assert [t.id for t in store.task_runs(flow.id)] == [t.id for t in tasks]
    assert store.task_runs(new_id()) == []


def test_logs_are_filtered_in_order(store: Store) -> None:
    flow, task = flow_run(), task_run(None)
    created(store, flow, flow_other := flow_run())
    store.add_logs([log(flow, f"line {i}", level=10 * (i % 5 + 1)) for i in range(10)])
    store.add_logs([log(flow_other, "elsewhere"), log(flow, "Of A Task", task)])
    store.add_logs([])

    def messages(**more: Any) -> list[str]:
        options = {k: more.pop(k) for k in ("limit", "newest") if k in more}
        return [r.message for r in store.logs(LogFilter(flow_run_id=flow.id, **more), **options)]

    assert messages() == [*(f"line {i}" for i in range(10)), "Of A Task"]
    assert messages(limit=2) == ["line 0", "line 1"]
    assert messages(limit=2, newest=True) == ["line 9", "Of A Task"]
    assert messages(min_level=50) == ["line 4", "line 9"]
    assert messages(text="of a") == ["Of A Task"]
    assert messages(task_run_id=task.id) == ["Of A Task"]
    assert [r.message for r in store.logs(LogFilter(task_run_id=task.id))] == ["Of A Task"]
    third = store.logs(LogFilter(flow_run_id=flow.id))[2]
    assert third.sequence is not None
    assert messages(after=third.sequence, limit=1) == ["line 3"]


# ── finding ──────────────────────────────────────────────────────────────────────────────


def test_a_run_is_found_by_what_people_type(store: Store) -> None:
    first = flow_run(name="eager-finch", id=uuid.UUID("0192aaaa-bbbb-7ccc-8ddd-00000000cafe"))
    second = flow_run(name="dusty-heron", id=uuid.UUID("0192aaaa-bbbb-7ccc-8ddd-00000000beef"))
    child = flow_run(name="beef", parent_id=second.id, created=now() + timedelta(hours=1))
    created(store, first, second, child)
    for reference in (str(first.id), first.id.hex.upper(), "cafe", " 00CAFE ", "eager-finch"):
        assert store.find_flow_run(reference).id == first.id
    assert store.find_flow_run("latest").id == second.id
    assert store.find_flow_run("00beef").id == second.id
    assert store.find_flow_run("beef").id == child.id, "a name wins over a part of an id"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("0192aaaa-bbbb", ["several", "eager-finch", "dusty-heron"]),
        ("eager-fnch", ["Did you mean eager-finch?"]),
        ("caf", ["No run", "runs ls"]),
        ("zzz", ["No run", "runs ls"]),
        ("", ["No run"]),
        (str(uuid.UUID(int=5)), ["No run"]),
    ],
)
def test_what_is_not_found_is_explained(store: Store, reference: str, words: list[str]) -> None:
    created(
        store,
        flow_run(name="eager-finch", id=uuid.UUID("0192aaaa-bbbb-7ccc-8ddd-00000000cafe")),
        flow_run(name="dusty-heron", id=uuid.UUID("0192aaaa-bbbb-7ccc-8ddd-00000000beef")),
    )
    with pytest.raises(ObjectNotFound) as caught:
        store.find_flow_run(reference)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_empty_store_has_no_latest_run(store: Store) -> None:
    with pytest.raises(ObjectNotFound, match="no run yet"):
        store.find_flow_run("latest")


@pytest.mark.parametrize("method", ["flow_run", "task_run", "changes"])
def test_an_unknown_id_is_an_error(store: Store, method: str) -> None:
    with pytest.raises(ObjectNotFound, match="There is no"):
        getattr(store, method)(new_id())


def test_an_unknown_run_has_no_history_and_cannot_be_watched(store: Store) -> None:
    assert store.states(RunKind.TASK, new_id()) == []
    with pytest.raises(ObjectNotFound):
        next(store.watch(new_id(), timeout=1))


# ── changes ──────────────────────────────────────────────────────────────────────────────


def test_changes_give_what_is_new_since_the_cursor(store: Store) -> None:
    flow = flow_run()
    tasks = [task_run(flow) for _ in range(3)]
    created(store, flow, *tasks)
    everything = store.changes(flow.id)
    assert everything.flow_run == flow
    assert [t.id for t in everything.task_runs] == [t.id for t in tasks]

    quiet = store.changes(flow.id, after=everything.cursor)
    assert (quiet.flow_run, quiet.task_runs, quiet.logs) == (None, (), ())

    store.set_state(change(tasks[2], Running()))
    store.add_logs([log(flow, "hello")])
    store.set_state(change(tasks[0], Running()))
    news = store.changes(flow.id, after=quiet.cursor)
    assert [t.id for t in news.task_runs] == [tasks[2].id, tasks[0].id], "in order of change"
    assert [r.message for r in news.logs] == ["hello"]
    assert news.flow_run is None
    store.set_output(flow.id, "/o")
    store.add_dependencies(tasks[1].id, flow.id, [(tasks[0].id, "x", True)])
    last = store.changes(flow.id, after=news.cursor)
    assert last.flow_run is not None
    assert [t.id for t in last.task_runs] == [tasks[1].id]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_pages_of_changes_lose_and_repeat_nothing(store: Store, limit: int) -> None:
    flow = flow_run()
    created(store, flow)
    tasks = [task_run(flow) for _ in range(10)]
    for task in tasks:
        created(store, task)
        store.add_logs([log(flow, f"{task.id} {i}") for i in range(3)])
    seen_tasks, seen_logs, seen_flows, cursor = [], [], 0, 0
    for _ in range(100):
        page = store.changes(flow.id, after=cursor, limit=limit)
        if page.cursor == cursor:
            break
        assert len(page.task_runs) <= limit
        assert len(page.logs) <= limit
        seen_tasks += [t.id for t in page.task_runs]
        seen_logs += [r.message for r in page.logs]
        seen_flows += page.flow_run is not None
        cursor = page.cursor
    assert seen_tasks == [t.id for t in tasks]
    assert seen_logs == [f"{t.id} {i}" for t in tasks for i in range(3)]
    assert seen_flows == 1


def test_watch_sees_another_stores_writes_until_the_run_settled(
    store: Store, open_another: Opener
) -> None:
    for _ in range(5):  # a busy machine has its slow moments
        delays = watch_delays(store, open_another())
        if max(delays) < 1.0 and sorted(delays)[2] < 0.25:
            break
    assert max(delays) < 1.0
    assert sorted(delays)[2] < 0.25


def watch_delays(store: Store, watcher: Store) -> list[float]:
    """Seconds after which each of five task runs was seen; the watch itself is checked."""
    flow = flow_run()
    created(store, flow)
    store.flush()
    seen: list[tuple[float, Any]] = []

    def follow() -> None:
        seen.extend((time.monotonic(), c) for c in watcher.watch(flow.id, timeout=100))

    thread = threading.Thread(target=follow)
    thread.start()
    told: list[float] = []
    for number in range(5):
        time.sleep(0.15)
        task = task_run(flow, name=f"t-{number}")
        created(store, task)
        store.flush()
        told.append(time.monotonic())
    store.set_state(change(flow, Completed()))
    thread.join(60)
    assert not thread.is_alive()
    assert seen[-1][1].flow_run.state.is_completed()
    assert all(c.flow_run or c.task_runs or c.logs for _, c in seen)
    arrived = {t.name: at for at, c in seen for t in c.task_runs}
    return [arrived[f"t-{n}"] - at for n, at in enumerate(told)]


def test_watch_in_the_same_process_is_prompt(store: Store) -> None:
    flow = flow_run()
    created(store, flow)
    watching = store.watch(flow.id, timeout=30)
    assert next(watching).flow_run == flow
    timer = threading.Timer(0.3, lambda: store.set_state(change(flow, Failed())))
    timer.start()
    last = next(watching)
    assert last.flow_run is not None
    assert last.flow_run.state.is_failed()
    assert list(watching) == []
    timer.join()


def test_watch_ends_at_its_timeout_and_when_the_run_is_deleted(store: Store) -> None:
    flow = flow_run()
    created(store, flow)
    start = time.monotonic()
    assert len(list(store.watch(flow.id, timeout=0.3))) == 1
    assert 0.25 < time.monotonic() - start < 25
    watching = store.watch(flow.id, timeout=30)
    next(watching)
    store.delete_flow_run(flow.id)
    assert list(watching) == []


def test_watch_from_a_cursor_skips_what_was_seen(store: Store) -> None:
    flow = flow_run()
    created(store, flow)
    store.add_logs([log(flow, "old")])
    cursor = store.changes(flow.id).cursor
    store.add_logs([log(flow, "new")])
    store.set_state(change(flow, Completed()))
    messages = [r.message for c in store.watch(flow.id, after=cursor) for r in c.logs]
    assert messages == ["new"]


# ── deleting ─────────────────────────────────────────────────────────────────────────────


def test_a_deleted_run_takes_everything_below_it_along(store: Store) -> None:
    top, other = flow_run(tags=frozenset({"x"})), flow_run()
    middle = flow_run(parent_id=top.id)
    bottom = flow_run(parent_id=middle.id)
    task, kept = task_run(bottom), task_run(other)
    created(store, top, middle, bottom, other, task, kept)
    store.add_logs([log(bottom, "gone"), log(other, "kept")])
    store.delete_flow_run(top.id)
    store.delete_flow_run(new_id())
    store.flush()
    assert [run.id for run in store.flow_runs()] == [other.id]
    assert store.states(RunKind.TASK, task.id) == store.states(RunKind.FLOW, top.id) == []
    assert store.flow_runs(FlowRunFilter(tags=frozenset({"x"}))) == []
    assert [r.message for r in store.logs(LogFilter())] == ["kept"]
    assert [t.id for t in store.task_runs(other.id)] == [kept.id]


def test_writes_about_a_deleted_run_are_dropped_quietly(store: Store) -> None:
    flow, other = flow_run(), flow_run()
    task = task_run(flow)
    created(store, flow, task, other)
    store.delete_flow_run(flow.id)
    store.set_state(change(flow, Running()))
    store.set_state(change(task, Running()))
    created(store, task_run(flow))
    store.add_logs([log(flow, "lost"), log(other, "kept")])
    store.set_output(flow.id, "/o")
    store.set_state(change(other, Running()))
    store.flush()
    assert store.states(RunKind.FLOW, flow.id) == store.states(RunKind.TASK, task.id) == []
    assert [r.message for r in store.logs(LogFilter())] == ["kept"]
    assert store.flow_run(other.id).state.is_running()


# ── errors ───────────────────────────────────────────────────────────────────────────────


def test_one_bad_write_loses_only_itself_and_is_told_once(store: Store) -> None:
    flow = flow_run()
    good, bad = task_run(flow), task_run(flow, map_index=2**70)
    created(store, flow, good, bad, flow)
    store.set_state(change(good, replace(Running(), timestamp=datetime(2026, 1, 1))))
    store.set_state(change(good, Completed()))
    with pytest.raises(StoreError):
        store.flush()
    store.flush()
    assert store.task_run(good.id).state.is_completed()
    assert len(store.states(RunKind.TASK, good.id)) == 2
    assert [t.id for t in store.task_runs(flow.id)] == [good.id]


def test_a_second_run_of_the_same_id_is_refused_whichever_batch(store: Store) -> None:
    flow = flow_run()
    created(store, flow)
    store.flush()
    created(store, replace(flow, name="impostor"))
    with pytest.raises(StoreError, match="create flow run"):
        store.flush()
    assert store.flow_run(flow.id).name == flow.name
    assert len(store.states(RunKind.FLOW, flow.id)) == 1


def test_a_closed_store_says_so(store: Store) -> None:
    created(store, flow := flow_run())
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.flow_run(flow.id)
    with pytest.raises(StoreError, match="closed"):
        created(store, flow_run())


def test_close_writes_what_was_accepted(store: Store, open_another: Opener) -> None:
    flow = flow_run()
    created(store, flow)
    store.close()
    assert open_another().flow_run(flow.id) == flow


# ── many at once ─────────────────────────────────────────────────────────────────────────


def test_threads_write_and_read_their_own_writes(store: Store) -> None:
    flow = flow_run()
    created(store, flow)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(30):
                task = task_run(flow, name=f"{number}-{i}")
                created(store, task)
                store.set_state(change(task, Running()))
                store.add_logs([log(flow, task.name, task)])
                if i % 10 == 0:
                    assert store.task_run(task.id).state.is_running()
                store.set_state(change(task, Completed()))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = store.task_runs(flow.id)
    assert len(found) == 240
    assert all(t.state.is_completed() and t.start_time and t.end_time for t in found)
    for number in range(8):
        names = [t.name for t in found if t.name.startswith(f"{number}-")]
        assert names == [f"{number}-{i}" for i in range(30)], "each thread's order is kept"


def test_two_stores_number_their_changes_in_the_order_of_commits(
    store: Store, open_another: Opener
) -> None:
    flow, other = flow_run(), open_another()
    created(store, flow)
    store.flush()
    stop = threading.Event()

    def write(which: Store, name: str) -> None:
        for i in range(200):
            which.add_logs([log(flow, f"{name} {i}")])
            if i % 5 == 0:
                which.flush()
        which.flush()

    threads = [threading.Thread(target=write, args=(s, n)) for s, n in ((store, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    cursor = 0
    reader = open_another()
    while not stop.is_set():
        if not any(t.is_alive() for t in threads):
            stop.set()
        page = reader.changes(flow.id, after=cursor)
        cursor = page.cursor
        seen += [r.message for r in page.logs]
    assert sorted(seen) == sorted(f"{n} {i}" for n in "ab" for i in range(200))
    for name in "ab":
        mine = [m for m in seen if m.startswith(name)]
        assert mine == [f"{name} {i}" for i in range(200)]


def test_many_may_open_a_fresh_database_at_once(url: str) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(8)

    def work() -> None:
        try:
            together.wait(60)
            with closing(opened(url)) as store:
                created(store, run := flow_run())
                assert store.flow_run(run.id) == run
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with closing(opened(url)) as store:
        assert store.count_flow_runs() == 8


# ── care ─────────────────────────────────────────────────────────────────────────────────


def dead_owner() -> str:
    host, pid, start = owners.this_owner().rsplit(":", 2)
    return f"{host}:{pid}:1{start}"  # this number, but an earlier process


def test_runs_of_a_process_that_is_gone_are_closed_with_all_below(store: Store) -> None:
    dead = dead_owner()
    lost = flow_run(state=Running(), owner=dead)
    lost_child = flow_run(state=Running(), parent_id=lost.id)
    own_process = flow_run(state=Running(), parent_id=lost.id, owner=owners.this_owner())
    alive = flow_run(state=Running(), owner=owners.this_owner())
    elsewhere = flow_run(state=Running(), owner="another-host:1:1")
    ended = flow_run(state=Completed(), owner=dead)
    tasks = {
        "running": task_run(lost, state=Running(), attempt=2),
        "waiting": task_run(lost),
        "retrying": task_run(lost, state=AwaitingRetry(), start_time=T0),
        "done": task_run(lost, state=Completed()),
        "below": task_run(lost_child, state=Running()),
        "alive": task_run(alive, state=Running()),
    }
    created(store, lost, lost_child, own_process, alive, elsewhere, ended, *tasks.values())
    moment = now()
    assert set(store.close_abandoned(moment)) == {lost.id, lost_child.id}
    assert store.close_abandoned(moment) == []

    names = {key: store.task_run(task.id).state.name for key, task in tasks.items()}
    assert names == {
        "running": "Crashed",
        "waiting": "NotRun",
        "retrying": "Crashed",
        "done": "Completed",
        "below": "Crashed",
        "alive": "Running",
    }
    crashed = store.flow_run(lost.id)
    assert crashed.state.is_crashed()
    assert (crashed.end_time, crashed.owner) == (moment, None)
    assert dead in (crashed.state.message or "")
    assert store.task_run(tasks["running"].id).attempt == 2
    assert store.flow_run(lost_child.id).state.is_crashed()
    for run in (own_process, alive, elsewhere):
        assert store.flow_run(run.id).state.is_running()
    assert store.changes(lost.id).task_runs[-1].state.timestamp == moment


@pytest.mark.parametrize("ended", [Failed, Crashed, Cancelled])
def test_an_ended_run_can_be_taken_over(store: Store, ended: Any, open_another: Opener) -> None:
    run = flow_run()
    created(store, run)
    store.set_state(change(run, Running(), 2))
    store.set_state(change(run, ended(message="why"), 2))
    moment = now()

    taken = store.take_over(run.id, "host:1:2", moment)

    assert (taken.state.name, taken.owner, taken.attempt) == ("Resuming", "host:1:2", 2)
    for each in (store, open_another()):
        assert each.flow_run(run.id) == taken
    assert taken.state.timestamp == moment
    history = [state.state.name for state in store.states(RunKind.FLOW, run.id)]
    assert history == ["Pending", "Running", ended().name, "Resuming"]
    store.set_state(change(run, Completed(), 3))
    assert (store.flow_run(run.id).owner, store.flow_run(run.id).attempt) == (None, 3)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (Completed(), "has completed"),
        (Running(), "has not ended"),
        (Pending(), "has not ended"),
        (AwaitingRetry(), "has not ended"),
        (NotRun(), "never began"),
    ],
    ids=str,
)
def test_other_runs_are_not_taken_over(store: Store, state: State[Any], says: str) -> None:
    run = flow_run(owner="host:1:2")
    created(store, run)
    store.set_state(change(run, state))
    before = store.flow_run(run.id)
    with pytest.raises(ResumeError, match=says):
        store.take_over(run.id, "host:3:4", now())
    assert store.flow_run(run.id) == before
    with pytest.raises(ObjectNotFound):
        store.take_over(new_id(), "host:3:4", now())


def test_of_many_who_take_a_run_over_one_gets_it(store: Store, open_another: Opener) -> None:
    run = flow_run(state=Failed())
    created(store, run)
    store.flush()
    stores = [open_another() for _ in range(4)]
    start = threading.Barrier(len(stores))
    taken: list[str] = []

    def take(number: int) -> None:
        start.wait()
        with contextlib.suppress(ResumeError):
            taken.append(str(stores[number].take_over(run.id, f"host:{number}:1", now()).owner))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [store.flow_run(run.id).owner]
    assert len(store.states(RunKind.FLOW, run.id)) == 2


def test_info_counts(store: Store, url: str) -> None:
    flow = flow_run()
    created(store, flow, task_run(flow), task_run(flow))
    store.add_logs([log(flow, "x")] * 3)
    info = store.info()
    assert (info.flow_runs, info.task_runs, info.logs) == (1, 2, 3)
    assert url.startswith((info.dialect, info.url.removesuffix("/api")))
    assert info.version
    assert info.schema_revision
    assert (info.size_bytes or 0) > 10_000
