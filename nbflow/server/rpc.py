"""The store as other processes of nbflow call it: every method of its Protocols, over HTTP.

This module decides the addresses and what a body looks like; `nbflow.store.http` is the other
end, and says what may be called. It is no API for people: it changes with the Protocols. It
must not know what the methods do.

    GET  /store                        → {"protocol": 1, "version": "0.1.0", "host": "here"}
    POST /store/dispatch/claim         {"arguments": {"worker_id": …}} → {"result": [...]}
    POST /store/deployments/snapshot   → the bytes themselves
    POST /store/writes                 {"id", "previous", "fence", "writes"} → {"problems": []}
    POST /store/watch                  {"flow_run_id", "after", "timeout"} → {"changes", "over"}

An argument that is bytes comes behind the JSON, of which `Nbflow-Bytes` tells the length. A
call that changes something carries an id (`Nbflow-Call`); asked again it is answered as before.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from nbflow import __version__, wire
from nbflow import owner as owners
from nbflow.exceptions import NbflowError, ObjectNotFound, UsageError
from nbflow.models import Changes
from nbflow.models.deployments import Fence
from nbflow.server.bell import Bell
from nbflow.server.problems import FieldError, answer_to, problem
from nbflow.store.base import Store, StoreInfo
from nbflow.store.dialects import without_password
from nbflow.store.http.interface import COMPONENTS, PROTOCOL, RUNS, Method, methods
from nbflow.store.http.writes import RunWrite, load_write
from nbflow.store.inbox import Delivery, Inbox

#: Seconds that a question for news may wait.
_LONGEST_WAIT: Final = 30.0
#: Seconds for which the answer to a call is remembered, and calls that are, at most.
_REMEMBERED_SECONDS: Final = 180.0
_MOST_REMEMBERED: Final = 5_000

_DELIVERY: Final = {
    "id": UUID,
    "previous": UUID | None,
    "fence": Fence | None,
    "writes": list[Any],
}
_WATCH: Final = {"flow_run_id": UUID, "after": int, "timeout": float}


def router(store: Store) -> APIRouter:
    """The routes below `/store`, around a store in a database."""
    calls = _Calls(store)
    routes = APIRouter(prefix="/store", include_in_schema=False)
    routes.add_api_route("", calls.hello, methods=["GET"])
    routes.add_api_route("/writes", calls.writes, methods=["POST"])
    routes.add_api_route("/watch", calls.watch, methods=["POST"])
    routes.add_api_route("/{component}/{name}", calls.call, methods=["POST"])
    return routes


class _Calls:
    """Answers calls of a store's methods."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bell = Bell(store)
        self._answered = _Answered()

    async def hello(self) -> Response:
        """Who answers here."""
        host = owners.place_of(owners.this_owner())[0]
        return _json({"protocol": PROTOCOL, "version": __version__, "host": host})

    async def call(self, component: str, name: str, request: Request) -> Response:
        """Call a method."""
        method = methods(component).get(name) if component in COMPONENTS else None
        if method is None:
            return problem(404, _unknown(component, name))
        body = await request.body()
        json_length = request.headers.get("nbflow-bytes")
        if method.path == "events/wait":
            return await _answered(lambda: self._wait(method, body))

        async def carry_out() -> Response:
            return await run_in_threadpool(self._called, method, body, json_length)

        identifier = request.headers.get("nbflow-call")
        if identifier is None:
            return await _answered(carry_out)
        return await self._answered.once(identifier, lambda: _answered(carry_out))

    def _called(self, method: Method, body: bytes, json_length: str | None) -> Response:
        bound = method.load_arguments(*_arguments(body, json_length))
        target = self._store if method.component == RUNS else getattr(self._store, method.component)
        result = getattr(target, method.name)(*bound.args, **bound.kwargs)
        if method.raw_result:
            return Response(result, media_type="application/octet-stream")
        if isinstance(result, StoreInfo):
            result = replace(result, url=without_password(result.url))
        return _json({"result": wire.dump(result)})

    async def _wait(self, method: Method, body: bytes) -> Response:
        given = method.load_arguments(*_arguments(body, None)).arguments
        timeout = min(given["timeout"], _LONGEST_WAIT)
        return _json({"result": await self._bell.wait(given["after"], timeout)})

    async def writes(self, request: Request) -> Response:
        """Carry out another process's writes of runs."""
        body = await request.body()
        return await _answered(lambda: run_in_threadpool(self._written, body))

    def _written(self, body: bytes) -> Response:
        given = wire.load_named(_DELIVERY, _object(body), required=("id", "writes"))
        writes, problems = _readable(given.pop("writes"))
        delivery = Delivery(
            id=given["id"],
            previous=given.get("previous"),
            fence=given.get("fence"),
            writes=writes,
        )
        # Only a store in a database has one; a server is never in front of another server.
        inbox: Inbox = self._store.inbox  # type: ignore[attr-defined]
        return _json({"problems": [*problems, *inbox.receive(delivery)]})

    async def watch(self, request: Request) -> Response:
        """What is new in a run, once something is."""
        body = await request.body()
        return await _answered(lambda: self._watched(body))

    async def _watched(self, body: bytes) -> Response:
        given = wire.load_named(_WATCH, _object(body), required=tuple(_WATCH))
        deadline = time.monotonic() + min(given["timeout"], _LONGEST_WAIT)
        after = given["after"]
        while True:
            changes, over = await run_in_threadpool(self._news, given["flow_run_id"], after)
            left = deadline - time.monotonic()
            if over or _says_something(changes) or left <= 0:
                told = changes if _says_something(changes) else None
                return _json({"changes": wire.dump(told), "over": over})
            after = changes.cursor if changes else after
            await self._bell.wait(after, left)

    def _news(self, flow_run_id: UUID, after: int) -> tuple[Changes | None, bool]:
        """What is new in a run, and whether nothing more will come."""
        try:
            # Asked first: a state that comes in between is among the changes.
            settled = self._store.flow_run(flow_run_id).state.is_settled()
            changes = self._store.changes(flow_run_id, after=after)
            return changes, settled and not _says_something(changes)
        except ObjectNotFound:  # deleted: who asks has seen it before
            return None, True


class _Answered:
    """The answers to calls, by id: a call that comes again is not carried out again."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, asyncio.Task[Response]]] = {}

    async def once(self, identifier: str, carry_out: Callable[[], Awaitable[Response]]) -> Response:
        """The call's answer: that of the first time, if there was one."""
        known = self._answers.get(identifier)
        if known is None:
            self._forget_old()
            task = asyncio.ensure_future(_awaited(carry_out))
            known = self._answers[identifier] = (time.monotonic(), task)
        return await asyncio.shield(known[1])  # it goes on when who asked has hung up

    def _forget_old(self) -> None:
        oldest = time.monotonic() - _REMEMBERED_SECONDS
        for identifier, (when, task) in list(self._answers.items()):  # the oldest first
            if when > oldest and len(self._answers) < _MOST_REMEMBERED:
                break
            if task.done():
                del self._answers[identifier]


async def _awaited(carry_out: Callable[[], Awaitable[Response]]) -> Response:
    return await carry_out()


async def _answered(carry_out: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, or the error as one."""
    try:
        return await carry_out()
    except wire.Unfit as error:
        words = FieldError(
            field=error.path, message=f"{error.reason[:1].upper()}{error.reason[1:]}."
        )
        return problem(422, f"{error}.", [words], error=UsageError.__name__)
    except NbflowError as error:
        return answer_to(error)


def _readable(items: list[Any]) -> tuple[list[RunWrite], list[str]]:
    """The writes, and what is wrong with those that cannot be read."""
    writes: list[RunWrite] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        try:
            writes.append(load_write(item))
        except wire.Unfit as error:
            problems.append(f"Write {index} could not be read: {error}. Check the values given.")
    return writes, problems


def _arguments(body: bytes, json_length: str | None) -> tuple[Any, bytes | None]:
    """The arguments in JSON form, and the bytes that come behind them."""
    length = int(json_length) if json_length and json_length.isdecimal() else None
    given = wire.load_named({"arguments": dict[str, Any]}, _object(body[:length]))
    return given.get("arguments", {}), None if length is None else body[length:]


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise wire.Unfit("the body is no JSON") from None
    return wire.load(dict[str, Any], data)  # type: ignore[no-any-return]


def _says_something(changes: Changes | None) -> bool:
    return changes is not None and bool(changes.flow_run or changes.task_runs or changes.logs)


def _unknown(component: str, name: str) -> str:
    if component not in COMPONENTS:
        return f"A store has no part {component!r}. Its parts: {', '.join(COMPONENTS)}."
    near = difflib.get_close_matches(name, methods(component), n=2)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Is the client newer than the server?"
    return f"{component} has no method {name!r}. {hint}"


def _json(content: Any) -> Response:
    # Text as Python writes it: lone halves of characters and infinities are among the values.
    return Response(json.dumps(content).encode(), media_type="application/json")


__all__ = ["router"]
