"""Events as a stream: what is missed is told, who is gone is let go, who is slow costs nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from nbflow.server.event_hub import EventHub
from nbflow.server.event_stream import EventStream
from tests.waiting import until

from .conftest import TOKEN, Served, end, flow_run

Event = dict[str, Any]


@contextmanager
def following(served: Served, query: str = "", **headers: str) -> Iterator[Iterator[Event]]:
    """A client that follows events."""
    with served.client.stream("GET", f"/api/events{query}", headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        yield events(lines)


def events(lines: Iterator[str]) -> Iterator[Event]:
    found: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(": ")
        if line:
            found[key] = value
        elif "data" in found:
            event = json.loads(found["data"])
            assert (found["id"], found["event"]) == (str(event["sequence"]), event["kind"])
            yield event
            found = {}


def bells() -> list[threading.Thread]:
    """The threads that listen to the store."""
    return [each for each in threading.enumerate() if each.name == "nbflow-bell"]


def events_to(stream: Iterator[Event], subject: object, kind: str) -> list[Event]:
    found = []
    for event in stream:
        found.append(event)
        if (event["subject"], event["kind"]) == (str(subject), kind):
            return found
    raise AssertionError(f"the stream ended before {kind}")


def test_what_happens_is_told_at_once(served: Served) -> None:
    with following(served) as stream:
        run = flow_run(served.store, "told")
        end(served.store, run)
        served.store.flush()
        committed = time.monotonic()
        found = events_to(stream, run.id, "flow-run.Completed")
        assert time.monotonic() - committed < 30
    own = [event for event in found if event["subject"] == str(run.id)]
    assert [event["kind"] for event in own] == [
        "flow-run.Pending", "flow-run.Running", "flow-run.Completed"
    ]  # fmt: skip
    numbers = [event["sequence"] for event in found]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("how", ["header", "query", "both"])
def test_a_client_goes_on_where_it_was(served: Served, how: str) -> None:
    start = served.store.events.latest()
    run = flow_run(served.store, "missed")
    end(served.store, run)
    served.store.flush()
    with following(served, f"?after={start}") as stream:
        first = next(stream)
    assert first["sequence"] > start
    headers = {"Last-Event-ID": str(first["sequence"])} if how != "query" else {}
    query = {"query": f"?after={first['sequence']}", "header": "", "both": "?after=0"}[how]
    with following(served, query, **headers) as stream:
        found = events_to(stream, run.id, "flow-run.Completed")
    assert found[0]["sequence"] > first["sequence"]
    kinds = [each["kind"] for each in (first, *found) if each["subject"] == str(run.id)]
    assert kinds == ["flow-run.Pending", "flow-run.Running", "flow-run.Completed"]


def test_the_whole_history_is_told_in_pages(served: Served) -> None:
    served.store.flush()
    latest = served.store.events.latest()
    with following(served, "?after=0") as stream:
        found = []
        for event in stream:
            found.append(event["sequence"])
            if event["sequence"] >= latest - 1:
                break
    listed = served.client.get("/api/events/list", params={"limit": 1000}).json()
    assert found == [each["sequence"] for each in listed][: len(found)]


def test_a_filter_lets_one_run_through(served: Served) -> None:
    mine, other = flow_run(served.store, "mine"), flow_run(served.store, "not-mine")
    served.store.flush()
    with following(served, f"?flow_run_id={mine.id}&after=0") as stream:
        end(served.store, other)
        end(served.store, mine)
        served.store.flush()
        found = events_to(stream, mine.id, "flow-run.Completed")
    assert {event["subject"] for event in found} == {str(mine.id)}
    missing = served.client.get(f"/api/events?flow_run_id={served.tasks[0].id}")
    served.problem(missing, 404)


@pytest.mark.parametrize(
    ("query", "headers"), [("?after=-1", {}), ("?after=x", {}), ("", {"Last-Event-ID": "x"})]
)
def test_a_place_that_is_none_is_refused(
    served: Served, query: str, headers: dict[str, str]
) -> None:
    served.problem(served.client.get(f"/api/events{query}", headers=headers), 422)


def test_many_clients_hear_the_same_and_leave_nothing_behind(served: Served) -> None:
    start = served.store.events.latest()
    run = flow_run(served.store, "heard-by-many")
    heard: list[list[int]] = []

    def follow() -> None:
        with following(served, f"?after={start}") as stream:
            found = events_to(stream, run.id, "flow-run.Completed")
            heard.append([event["sequence"] for event in found])

    clients = [threading.Thread(target=follow) for _ in range(20)]
    for client in clients:
        client.start()
    end(served.store, run)
    served.store.flush()
    for client in clients:
        client.join()
    assert len(heard) == 20
    assert all(each == heard[0] for each in heard)
    assert len(bells()) <= 1
    until(lambda: not bells(), "the end of listening, now that nobody follows")


def test_a_silent_stream_shows_that_it_lives_and_ends_with_the_server(served: Served) -> None:
    async def listen() -> list[bytes]:
        hub = EventHub(served.store)
        stream = EventStream(hub, served.store.events.latest(), heartbeat=0.01)
        found: list[bytes] = []
        async for chunk in stream.body_iterator:
            found.append(bytes(chunk))
            if len(found) == 3:
                hub.close()
        return found

    assert asyncio.run(listen()) == [b"retry: 1000\n\n", b": alive\n\n", b": alive\n\n"]


def test_a_waiting_stream_ends_when_the_hub_closes(served: Served) -> None:
    async def listen() -> float:
        hub = EventHub(served.store)
        stream = EventStream(hub, served.store.events.latest(), heartbeat=600)

        async def drain() -> None:
            async for _ in stream.body_iterator:
                pass

        task = asyncio.create_task(drain())
        await asyncio.sleep(0.1)
        started = time.monotonic()
        hub.close()
        await asyncio.wait_for(task, 30)
        return time.monotonic() - started

    assert asyncio.run(listen()) < 30


def test_a_client_that_does_not_read_is_given_up(served: Served) -> None:
    async def serve() -> bool:
        stream = EventStream(EventHub(served.store), 0, stalled=0.05)
        sent: list[object] = []

        async def stuck(message: Any) -> None:
            sent.append(message)
            if len(sent) > 2:  # its buffers are full
                await asyncio.Event().wait()

        async def receive() -> Any:
            await asyncio.Event().wait()

        await asyncio.wait_for(stream({"type": "http", "method": "GET"}, receive, stuck), 60)
        return len(sent) == 3

    assert asyncio.run(serve())


def test_a_client_that_vanishes_is_let_go(served: Served) -> None:
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port)) as raw:
        raw.sendall(
            f"GET /api/events HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
            f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
    until(lambda: not bells(), "the end of listening for a client that has gone")
