"""A store behind a server, when things go wrong between the two."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response

from nbflow import flow, owner, settings, task
from nbflow.cli.main import main
from nbflow.exceptions import (
    ConfigurationError,
    LeaseLost,
    ObjectNotFound,
    ServerUnreachable,
    StoreError,
    UsageError,
)
from nbflow.models import (
    FlowKind,
    FlowRun,
    LogFilter,
    LogRecord,
    RunKind,
    StateChange,
    TaskRun,
    new_id,
)
from nbflow.models.deployments import DeploymentSpec, Fence, QueuedRun
from nbflow.states import Completed, Pending, Running, Scheduled, now
from nbflow.store import SQLStore, close_stores, open_store
from nbflow.store.http import connection, outbox
from nbflow.store.http.client import HTTPStore
from tests.waiting import until


class Line:
    """The way to a server that can be cut, and on which answers get lost."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cut = False
        #: How many answers to requests that end so will be lost.
        self.lose: dict[str, int] = {}
        self.requests: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.requests.append(path)
        if self.cut:
            await PlainTextResponse("bad gateway", 502)(scope, receive, send)
            return
        ending = next((end for end in self.lose if path.endswith(end)), None)
        if ending is None:
            await self.app(scope, receive, send)
            return
        self.lose[ending] -= 1
        if not self.lose[ending]:
            del self.lose[ending]
        await self.app(scope, receive, _nowhere)
        await PlainTextResponse("bad gateway", 502)(scope, receive, send)


async def _nowhere(message: Any) -> None:
    """An answer that nobody hears."""


def app_around(store: SQLStore) -> Any:
    from fastapi import FastAPI

    from nbflow.server import problems
    from nbflow.server.rpc import router

    app = FastAPI()
    problems.install(app)
    app.include_router(router(store), prefix="/api")
    return app


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[SQLStore]:
    """The server's own store."""
    with closing(SQLStore(f"sqlite:///{tmp_path / 'runs.db'}")) as store:
        yield store


@pytest.fixture
def line(behind: SQLStore) -> Line:
    return Line(app_around(behind))


@pytest.fixture
def url(line: Line, host: Any) -> str:
    address: str = host.mount(line, "any")
    return address


@pytest.fixture
def store(url: str) -> Iterator[HTTPStore]:
    with closing(HTTPStore(url)) as found:
        yield found


def flow_run(**more: Any) -> FlowRun:
    values = {"id": new_id(), "name": "calm-otter", "flow_name": "etl", "state": Pending()}
    return FlowRun(**{**values, "created": now(), **more})


def log(run: FlowRun, message: str) -> LogRecord:
    return LogRecord(run.id, None, 20, "x", message, now())


def messages(store: Any, run: FlowRun) -> list[str]:
    return [record.message for record in store.logs(LogFilter(flow_run_id=run.id))]


def submitted(store: Any, **more: Any) -> FlowRun:
    run = flow_run(state=Scheduled(scheduled_time=now()))
    found: FlowRun = store.dispatch.submit(run, QueuedRun(run_id=run.id, due=now(), **more))
    return found


# ── lost answers ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("restarted", [False, True], ids=["same server", "restarted server"])
def test_writes_whose_answer_was_lost_count_once(
    store: HTTPStore, line: Line, behind: SQLStore, restarted: bool
) -> None:
    run = flow_run()
    store.create_flow_run(run)
    store.flush()
    for number in range(3):
        line.lose["/writes"] = 2
        store.add_logs([log(run, f"{number}")])
        store.set_state(StateChange(RunKind.FLOW, run.id, Running(), 1, flow_run_id=run.id))
        if restarted:
            until(lambda: line.lose.get("/writes") != 2, "the first lost answer")
            line.app = app_around(behind)  # it has forgotten all but what is in the database
        store.flush()
    assert messages(store, run) == ["0", "1", "2"]
    assert len(store.states(RunKind.FLOW, run.id)) == 4
    with behind._database.read() as reader:  # one row for this sender, one for the counter
        assert reader.value("SELECT count(*) FROM counter") == 2


def test_a_server_that_deletes_runs_meanwhile_mistakes_no_delivery(
    store: HTTPStore, behind: SQLStore
) -> None:
    run = flow_run()
    store.create_flow_run(run)
    store.flush()
    for number in range(3):
        behind.delete_flow_run(new_id())
        behind.flush()
        store.add_logs([log(run, f"{number}")])
        store.flush()
    assert messages(store, run) == ["0", "1", "2"]


def test_senders_of_the_day_before_yesterday_are_forgotten(
    store: HTTPStore, behind: SQLStore
) -> None:
    def count(tx: Any) -> Any:
        return tx.value("SELECT count(*) FROM counter")

    insert = "INSERT INTO counter (name, value) VALUES (?, 0)"
    old = f"{int(time.time() - 100_000) * 1000:012x}" + "0" * 20
    behind._database.write(lambda tx: tx.run(insert, (old,)))
    store.create_flow_run(flow_run())
    store.flush()
    assert behind._database.write(count) == 2


@pytest.mark.parametrize("times", [1, 3])
def test_calls_whose_answer_was_lost_are_answered_as_before(
    store: HTTPStore, line: Line, times: int
) -> None:
    line.lose["/submit"] = times
    run = submitted(store)
    line.lose["/claim"] = times
    (claim,) = store.dispatch.claim(new_id(), [])
    assert claim.run.id == run.id
    line.lose["/start"] = times
    assert store.dispatch.start(claim.fence, owner.this_owner()).id == run.id
    line.lose["/finish"] = times
    ended = store.dispatch.finish(claim.fence, Completed())
    assert ended is not None
    assert ended.state.is_completed()
    store.vault.set_variable("v", 1)
    line.lose["/delete_variable"] = times
    store.vault.delete_variable("v")
    line.lose["/set_secret"] = times
    assert store.vault.set_secret("s", "x").name == "s"


def test_two_servers_forget_a_call_but_nothing_happens_twice(
    store: HTTPStore, line: Line, behind: SQLStore
) -> None:
    line.lose["/submit"] = 1
    errors: list[BaseException] = []

    def submit() -> None:
        try:
            submitted(store)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=submit)
    thread.start()
    until(lambda: not line.lose, "the lost answer")
    line.app = app_around(behind)
    thread.join(60)
    assert behind.count_flow_runs() == 1
    assert all(isinstance(error, StoreError | UsageError) for error in errors)


# ── outages ──────────────────────────────────────────────────────────────────────────────


def test_writes_are_kept_through_an_outage_in_their_order(store: HTTPStore, line: Line) -> None:
    run = flow_run()
    store.create_flow_run(run)
    store.flush()
    line.cut = True
    for number in range(200):
        store.add_logs([log(run, f"{number}")])
        if number % 50 == 0:
            until(lambda: line.requests[-1].endswith("/writes"), "a try to write")
    asked = len(line.requests)
    until(lambda: len(line.requests) > asked + 1, "more tries")
    line.cut = False
    store.flush()
    assert messages(store, run) == [f"{number}" for number in range(200)]
    assert store._connection._away_since is None, "the next outage finds all patience again"


def test_a_server_may_be_stopped_and_started_anew(tmp_path: Path) -> None:
    with served(tmp_path) as (port, stop):
        store = HTTPStore(f"http://127.0.0.1:{port}")
        run = flow_run()
        store.create_flow_run(run)
        store.flush()
        stop()
        store.add_logs([log(run, "while it was away")])
        with served(tmp_path, port):
            assert messages(store, run) == ["while it was away"]
            store.close()


def _bound(listener: socket.socket, port: int) -> bool:
    """Bind; False while somebody else has just been given the port that was free for a moment."""
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


@contextmanager
def served(folder: Path, port: int = 0) -> Iterator[tuple[int, Callable[[], None]]]:
    """A server of its own, over the database of a folder, which can be stopped."""
    import uvicorn

    behind = SQLStore(f"sqlite:///{folder / 'runs.db'}")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until(lambda: _bound(listener, port), "the port")
    config = uvicorn.Config(app_around(behind), lifespan="off", log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started, "the server")

    def stop() -> None:
        server.should_exit = True
        thread.join(60)
        listener.close()
        behind.close()

    try:
        yield listener.getsockname()[1], stop
    finally:
        stop()


def test_patience_ends_with_the_next_step_and_what_was_written_is_kept(
    store: HTTPStore, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.3)
    run = flow_run()
    line.cut = True
    store.create_flow_run(run)
    for _ in range(2):  # each who waits is told
        with pytest.raises(ServerUnreachable, match=r"HTTP 502.*nbflow server start"):
            store.flush()
    started = time.monotonic()
    with pytest.raises(ServerUnreachable):
        store.flow_run(run.id)
    assert time.monotonic() - started < 30, "it has been away for long: no more patience"
    line.cut = False
    store.flush()
    assert store.flow_run(run.id) == run


def test_an_end_without_the_server_is_told(
    url: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.2)
    store = HTTPStore(url)
    line.cut = True
    store.create_flow_run(flow_run())
    with pytest.raises(ServerUnreachable):
        store.close()
    store.close()
    assert not [t for t in threading.enumerate() if t is store._outbox._thread]


def test_memory_is_bounded_and_losses_are_told(
    store: HTTPStore, line: Line, behind: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "_MOST_WAITING", 20)
    monkeypatch.setattr(outbox.Outbox, "most_in_group", 5)
    run = flow_run()
    store.create_flow_run(run)
    store.flush()
    line.cut = True
    for number in range(40):
        store.add_logs([log(run, f"{number}")])
    assert len(store._outbox._queue) < 60
    line.cut = False
    with pytest.raises(StoreError, match=r"\d+ records of runs were lost"):
        store.flush()
    kept = messages(store, run)
    assert kept[:10] == [f"{number}" for number in range(10)]
    assert len(kept) < 40
    store.add_logs([log(run, "after")])
    store.flush()
    assert messages(store, run)[-1] == "after"


def test_a_flush_in_a_hurry_says_what_it_waited_for(store: HTTPStore, line: Line) -> None:
    line.cut = True
    store.create_flow_run(flow_run())
    with pytest.raises(StoreError, match=r"did not take all writes within 0\.05 s"):
        store.flush(0.05)
    line.cut = False
    store.flush()


# ── opening ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:4200", "no address of a server"),
        ("ftp://x", "no address of a server"),
        ("http://", "no address of a server"),
        ("http://[::1", "no address of a server"),
        ("http://x:99999", "no address of a server"),
    ],
)
def test_what_is_no_address_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"NBFLOW_API_URL.*{words}"):
        HTTPStore(url)


def test_a_token_that_none_can_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="NBFLOW_API_TOKEN holds"):
        HTTPStore(url, "two words")


def test_an_address_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OPENING_SECONDS", 0.1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ServerUnreachable, match=rf"{address}/api does not answer \(.*refused"):
            HTTPStore(address)


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/"])
def test_an_address_may_be_spelled_in_several_ways(
    host: Any, behind: SQLStore, ending: str
) -> None:
    address, _, token = host.serve(behind).partition("?token=")
    for given in ((f"{address}{ending}?token={token}", ""), (address + ending, token)):
        with closing(HTTPStore(*given)) as store:
            assert store.count_flow_runs() == 0


def answering(status: int, content: str) -> Any:
    return Response(content, status)


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (answering(200, "<html>hello</html>"), "is no nbflow server"),
        (answering(200, "[]"), "is no nbflow server"),
        (answering(404, "not here"), "no nbflow server of our version at .*404: not here"),
        (answering(403, '{"detail": "Wrong Host."}'), "does not let us in: Wrong Host."),
        (answering(500, "oops"), "failed .500.: oops Look into its log"),
        (answering(413, '{"detail": "Too large."}'), "refuses what is that large"),
        (
            answering(200, '{"protocol": 99, "version": "9.1", "host": "x"}'),
            "nbflow 9.1.*same version",
        ),
        (answering(409, '{"detail": "Gone!", "error": "LeaseLost"}'), "^Gone!$"),
        (answering(409, '{"detail": "What?", "error": "SystemExit"}'), "409.*What?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_answers_otherwise_is_told(host: Any, app: Any, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        HTTPStore(host.mount(app, "any"))


def test_without_the_token_nobody_gets_in(host: Any, behind: SQLStore) -> None:
    address = host.serve(behind).partition("?")[0]
    for token in ("", "wrong"):
        with pytest.raises(ServerUnreachable, match="NBFLOW_API_TOKEN"):
            HTTPStore(address, token)


# ── claims ───────────────────────────────────────────────────────────────────────────────


def test_writes_under_a_claim_end_with_it(url: str, behind: SQLStore) -> None:
    run = submitted(behind)
    (claim,) = behind.dispatch.claim(new_id(), [])
    with closing(HTTPStore(url, fence=claim.fence)) as store:
        store.add_logs([log(run, "mine")])
        store.flush()
        behind.dispatch.hand_back(claim.fence, "somebody else shall do it")
        (again,) = behind.dispatch.claim(new_id(), [])
        assert again.queued.token > claim.queued.token
        store.add_logs([log(run, "not mine any more")])
        for _ in range(2):
            with pytest.raises(LeaseLost):
                store.flush()
        store.set_state(StateChange(RunKind.FLOW, run.id, Completed(), 1, flow_run_id=run.id))
        assert messages(store, run) == ["mine"]
        assert not store.flow_run(run.id).state.is_final()
        assert store.dispatch.finish(claim.fence) is None


def test_a_store_is_put_under_a_claim_later(store: HTTPStore, behind: SQLStore) -> None:
    run = submitted(behind)
    store.add_logs([log(run, "before")])
    store.write_under(Fence(run.id, 77))
    store.add_logs([log(run, "after")])
    with pytest.raises(LeaseLost):
        store.flush()
    assert messages(behind, run) == ["before"]


# ── another machine ──────────────────────────────────────────────────────────────────────


def test_runs_of_this_machine_are_closed_though_the_server_is_elsewhere(
    store: HTTPStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, pid, start = owner.this_owner().rsplit(":", 2)
    dead = f"{host}:{pid}:1{start}"
    lost = flow_run(state=Running(), owner=dead)
    child = flow_run(state=Running(), parent_id=lost.id)
    alive = flow_run(state=Running(), owner=owner.this_owner())
    elsewhere = flow_run(state=Running(), owner="another:1:1")
    for run in (lost, child, alive, elsewhere):
        store.create_flow_run(run)
    tasks = [
        TaskRun(id=new_id(), name="t", task_name="t", state=state, created=now(), flow_run_id=where)
        for where, state in [(lost.id, Running()), (lost.id, Pending()), (child.id, Running())]
    ]
    for each in tasks:
        store.create_task_run(each)
    submitted(store)
    (held,) = store.dispatch.claim(new_id(), [])
    store.dispatch.start(held.fence, dead)
    with monkeypatch.context() as patch:  # the server asks its own machine, where nobody died
        patch.setattr(SQLStore, "close_abandoned", lambda *_: [])
        assert store.close_abandoned(now()) == []
        store._is_near = False
        moment = now()
        assert set(store.close_abandoned(moment)) == {lost.id, child.id}
        assert store.close_abandoned(now()) == []
    ended = store.flow_run(lost.id)
    assert (ended.state.name, ended.end_time, ended.owner) == ("Crashed", moment, None)
    assert [store.task_run(each.id).state.name for each in tasks] == [
        "Crashed",
        "NotRun",
        "Crashed",
    ]
    for run in (alive, elsewhere):
        assert store.flow_run(run.id).state.is_running()
    assert not store.flow_run(held.run.id).state.is_final(), "its worker takes care of it"


# ── what the routes answer ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("deploymets/get", {}, 404, "no part 'deploymets'. Its parts: runs, deployments"),
        ("dispatch/clam", {}, 404, "Did you mean claim?"),
        ("dispatch/zzz", {}, 404, "newer than the server"),
        ("runs/create_flow_run", {}, 404, "no method"),
        ("runs/close", {}, 404, "no method"),
        ("runs/_writer", {}, 404, "no method"),
        ("runs/__class__", {}, 404, "no method"),
        ("runs/flow_run", {}, 422, "flow_run_id: is missing"),
        ("runs/flow_run", {"flow_run_id": 5}, 422, "flow_run_id: 5 is no text"),
        ("runs/flow_run", {"flow_run_id": "5"}, 422, "flow_run_id: '5' is no id"),
        ("runs/flow_runs", {"where": {"tags": [1]}}, 422, "where.tags[0]: 1 is no text"),
        ("runs/flow_runs", {"limit": None}, 422, "limit: None is no whole number"),
        ("runs/flow_runs", {"self": 1}, 422, "self: is not known: there are where, limit"),
        ("runs/count_flow_runs", [], 422, "arguments: [] is no object"),
        ("events/wait", {"after": 0}, 422, "timeout: is missing"),
    ],
)
def test_bad_calls_are_named(url: str, path: str, body: Any, status: int, words: str) -> None:
    address = url.partition("?")[0]
    answer = httpx.post(f"{address}/api/store/{path}", json={"arguments": body})
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    if status == 422:
        assert answer.json()["errors"][0]["field"] == words.partition(":")[0]


@pytest.mark.parametrize("path", ["runs/count_flow_runs", "events/wait", "writes", "watch"])
@pytest.mark.parametrize("body", ["{", "[1]", "7", '{"what": 1}', "[" * 100_000])
def test_bodies_that_are_none_are_named(url: str, path: str, body: str) -> None:
    answer = httpx.post(f"{url.partition('?')[0]}/api/store/{path}", content=body)
    assert answer.status_code == 422, answer.text


def test_a_write_that_cannot_be_read_loses_only_itself(url: str, behind: SQLStore) -> None:
    run = flow_run()
    behind.create_flow_run(run)
    writes = [
        ["set_output", [str(run.id), "/a"]],
        ["set_output", [str(run.id)]],
        ["drop_table", "x"],
        [],
        ["set_output", [str(run.id), "/b"]],
    ]
    body = {"id": str(new_id()), "writes": writes}
    answer = httpx.post(f"{url.partition('?')[0]}/api/store/writes", json=body)
    assert [p.partition(" could")[0] for p in answer.json()["problems"]] == [
        "Write 1",
        "Write 2",
        "Write 3",
    ]
    assert behind.flow_run(run.id).output == "/b"


def test_large_snapshots_travel_as_they_are(store: HTTPStore, line: Line) -> None:
    data = os.urandom(3_000_000)
    spec = DeploymentSpec(entrypoint="a.py:f", kind=FlowKind.FUNCTION)
    for snapshot in (data, b"\n", b"{}"):
        made = store.deployments.save("f", "d", spec, content_hash="x" * 64, snapshot=snapshot)
        version = store.deployments.version(made.id, made.version)
        assert version.snapshot is not None
        assert store.deployments.snapshot(version.snapshot) == snapshot
    store.deployments.save("f", "e", spec, content_hash="x" * 64)


def test_wrong_calls_fail_as_wrong_calls_do(store: HTTPStore) -> None:
    with pytest.raises(TypeError, match="missing a required argument"):
        store.deployments.get()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword"):
        store.vault.variable("x", y=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="has no method 'gett'"):
        store.deployments.gett(1)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"deployment_id: str is no|deployment_id: 'x' is no id"):
        store.deployments.get("x")  # type: ignore[arg-type]
    with pytest.raises(ObjectNotFound):
        store.deployments.get(new_id())
    assert "claim" in dir(store.dispatch)
    assert store.dispatch.claim.__doc__


# ── waiting ──────────────────────────────────────────────────────────────────────────────


def test_many_who_wait_are_woken_and_keep_nobody_from_asking(url: str, behind: SQLStore) -> None:
    address = f"{url.partition('?')[0]}/api/store"
    after = behind.events.latest()
    question = {"arguments": {"after": after, "timeout": 30}}

    async def everything() -> tuple[list[Any], int]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            waiting = [
                asyncio.ensure_future(client.post(f"{address}/events/wait", json=question))
                for _ in range(100)
            ]
            await asyncio.sleep(0)
            counted = await client.post(f"{address}/runs/count_flow_runs", json={})
            assert counted.json() == {"result": 0}
            threads = threading.active_count()
            behind.create_flow_run(flow_run())
            answers = await asyncio.gather(*waiting)
            return [answer.json()["result"] for answer in answers], threads

    started = time.monotonic()
    woken, threads = asyncio.run(everything())
    assert all(latest > after for latest in woken)
    assert time.monotonic() - started < 25, "they were woken: their time was not over"
    assert threads < 60, "nobody who waits has a thread"


def test_who_waits_for_no_time_learns_the_present_number(store: HTTPStore) -> None:
    assert store.events.wait(0, 0) == store.events.latest()
    store.create_flow_run(flow_run())
    store.flush()
    assert store.events.wait(0, 0) == store.events.latest() > 0
    latest = store.events.latest()
    assert store.events.wait(latest + 5, 0.01) == latest


def test_a_long_wait_is_several_questions(
    store: HTTPStore, line: Line, behind: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.store.http.components.LONGEST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr("nbflow.store.http.client.LONGEST_WAIT_SECONDS", 0.05)
    run = flow_run()
    store.create_flow_run(run)
    store.flush()
    watching = store.watch(run.id, timeout=60)
    assert next(watching).flow_run == run

    def asked(ending: str) -> int:
        return sum(path.endswith(ending) for path in list(line.requests))

    def end_it() -> None:
        until(lambda: asked("/watch") > 4, "five questions")
        behind.set_state(StateChange(RunKind.FLOW, run.id, Completed(), 1, flow_run_id=run.id))

    thread = threading.Thread(target=end_it)
    thread.start()
    (last,) = list(watching)
    thread.join()
    assert last.flow_run is not None
    assert last.flow_run.state.is_completed()
    latest, before = store.events.latest(), asked("/wait")
    for patience in (0.2, 2, 20):  # a busy machine has fewer answers in its time
        assert store.events.wait(latest, patience) == latest
        questions, before = asked("/wait") - before, asked("/wait")
        if questions >= 3:
            break
    assert questions >= 3


def test_a_store_that_cannot_be_listened_to_is_told(url: str, behind: SQLStore) -> None:
    with closing(HTTPStore(url)) as store:
        behind.close()
        with pytest.raises(StoreError, match="closed"):
            store.events.wait(10, 5)


# ── processes and settings ───────────────────────────────────────────────────────────────


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_talks_to_the_server_itself(store: HTTPStore) -> None:
    run = flow_run()
    store.create_flow_run(run)
    store.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: fork beside threads
        store.add_logs([log(run, "parent's")])  # still waiting when it forks
        pid = os.fork()
    if pid == 0:
        try:
            store.add_logs([log(run, "child's")])
            store.flush(60)
            os._exit(0 if store.flow_run(run.id) == run else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert sorted(messages(store, run)) == ["child's", "parent's"]


@pytest.fixture
def over_server(host: Any, behind: SQLStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[SQLStore]:
    """The settings of this process name the server; the store behind it."""
    address, _, token = host.serve(behind).partition("?token=")
    monkeypatch.setenv("NBFLOW_API_URL", address)
    monkeypatch.setenv("NBFLOW_API_TOKEN", token)
    monkeypatch.setattr(settings, "_current", None)
    yield behind
    close_stores()


def test_open_store_is_one_per_server(over_server: SQLStore, nbflow_home: Path) -> None:
    store = open_store()
    assert isinstance(store, HTTPStore)
    assert open_store() is store
    run = submitted(over_server)
    assert open_store(fence=Fence(run.id, 99)) is store
    store.add_logs([log(run, "x")])
    with pytest.raises(LeaseLost):
        store.flush()
    close_stores()
    assert open_store() is not store
    assert not nbflow_home.exists(), "no database is made here"


def test_a_flow_is_recorded_by_the_server(over_server: SQLStore) -> None:
    @task
    def double(x: int) -> int:
        return 2 * x

    @flow
    def doubling(n: int) -> int:
        return sum(future.result() for future in double.map(range(n)))

    assert doubling(5) == 20
    (run,) = over_server.flow_runs()
    assert run.state.is_completed()
    assert run.parameters == {"n": 5}
    assert len(over_server.task_runs(run.id)) == 5


def test_commands_work_over_a_server(
    over_server: SQLStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "from nbflow import flow\n@flow\ndef greet(name: str = 'you'):\n    print(name)\n"
    (tmp_path / "greeting.py").write_text(source)

    def command(*arguments: str) -> str:
        code = main(list(arguments))
        out = capfd.readouterr()
        assert not code, out.err
        return out.out

    command("run", "greeting.py:greet", "-p", "name", "Ada")
    (run,) = over_server.flow_runs()
    assert run.parameters == {"name": "Ada"}
    assert run.name in command("runs", "ls")
    assert "behind http://127.0.0.1" in command("doctor")
    assert run.name in command("runs", "show", run.name)


def test_the_token_of_the_homes_own_server_is_found(
    host: Any, behind: SQLStore, nbflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _, token = host.serve(behind).partition("?token=")
    nbflow_home.mkdir()
    (nbflow_home / "token").write_text(f"{token}\n")
    told = {
        "url": address.replace("127.0.0.1", "localhost"),
        "owner": owner.this_owner(),
        "pid": os.getpid(),
    }
    monkeypatch.setenv("NBFLOW_API_URL", address)
    for own, fits in [
        (told, True),
        ({**told, "url": "http://127.0.0.1:1"}, False),
        ({**told, "owner": told["owner"].replace(":", ":9")}, False),
        ({}, False),
    ]:
        (nbflow_home / "server.json").write_text(json.dumps(own))
        monkeypatch.setattr(settings, "_current", None)
        try:
            if fits:
                assert open_store().count_flow_runs() == 0
            else:
                with pytest.raises(ServerUnreachable, match="NBFLOW_API_TOKEN"):
                    open_store()
        finally:
            close_stores()


def test_without_a_server_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, nbflow; from nbflow.store import open_store; open_store().count_flow_runs()\n"
        "print([m for m in ('httpx', 'fastapi', 'nbflow.wire', 'nbflow.store.http') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
