"""What pages may ask of their kernel, and how their questions are answered.

This module decides which questions there are, that what a page sends is checked before anything
is done, and that every failure is one sentence. A question is answered by a thread of its own,
so that a slow store holds up nothing else. It must not know how questions and answers travel.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.feed.plain import plain
from nbflow.parameters import short_repr
from nbflow.store import open_store
from nbflow.widgets import actions, deploy, run_search
from nbflow.widgets.followers import sentence
from nbflow.widgets.messages import Asking
from nbflow.widgets.registry import shown, store_of
from nbflow.wire import Unfit, dump, load

#: Questions that are being answered at a time.
_MOST: Final = 8
#: Characters of a method's name that a refusal repeats.
_LONGEST_NAME: Final = 60
#: Texts of an answer are not cut: a form gives back what it was told.
_WHOLE: Final = sys.maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A button of a run was clicked."""

    run: UUID
    action: str
    answer: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfView:
    """A question about an object of this kernel."""

    view: str

    def target(self) -> Any:
        """The object that is to be deployed."""
        found = getattr(shown.get(self.view), "target", None)
        if found is None:
            raise ObjectNotFound("The kernel does not know this form any more. Run its cell again.")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a cron text means."""

    cron: str
    timezone: str | None = None


def _act(asked: Act, _: Mapping[str, Any]) -> dict[str, Any]:
    store = store_of(asked.run)
    return {"told": actions.act(asked.run, asked.action, asked.answer, store=store)}


def _list_runs(asked: run_search.Request, _: Mapping[str, Any]) -> dict[str, Any]:
    where = asked.where if asked.view is None else asked.where.within(_conditions(asked.view))
    if where is None:
        return {"items": [], "total": 0}
    return run_search.runs_json(open_store(), replace(asked, where=where))


def _conditions(view: str) -> run_search.Where:
    """What a table is about: another kernel's would list the runs of another store."""
    found = getattr(shown.get(view), "where", None)
    if not isinstance(found, run_search.Where):
        raise ObjectNotFound("The kernel does not know this table any more. Run its cell again.")
    return found


def _describe(asked: OfView, _: Mapping[str, Any]) -> dict[str, Any]:
    return deploy.describe(asked.target())


def _preview(asked: Preview, _: Mapping[str, Any]) -> dict[str, Any]:
    return deploy.preview(asked.cron, asked.timezone)


def _create(asked: OfView, params: Mapping[str, Any]) -> dict[str, Any]:
    return deploy.create(asked.target(), params)  # which checks what was filled in


@dataclass(frozen=True, slots=True)
class Method:
    """A question: what is sent with it, and what answers it."""

    kind: type
    answer: Callable[[Any, Mapping[str, Any]], dict[str, Any]]


METHODS: Final[Mapping[str, Method]] = {
    "run.act": Method(Act, _act),
    "runs.list": Method(run_search.Request, _list_runs),
    "deploy.describe": Method(OfView, _describe),
    "deploy.preview": Method(Preview, _preview),
    "deploy.create": Method(OfView, _create),
}


def answer(method: str, params: Mapping[str, Any]) -> Any:
    """The answer as JSON; raises `UsageError` for no question, and what answering raises."""
    known = METHODS.get(method)
    if known is None:
        words = short_repr(method, _LONGEST_NAME)
        raise UsageError(f"The page asked for {words}, which nbflow has not. Reload the page.")
    try:
        asked = load(known.kind, params)
    except Unfit as error:
        raise UsageError(f"The page asked what cannot be read ({error}). Reload it.") from None
    return plain(dump(known.answer(asked, params)), limit=_WHOLE)


class Desk:
    """Answers questions, each in a thread of its own."""

    def __init__(self, send: Callable[[Mapping[str, Any]], None], most: int = _MOST) -> None:
        self._send = send
        self._free = threading.BoundedSemaphore(most)

    def take(self, asking: Asking, then: Callable[[], None]) -> None:
        """Answer the question soon, and call `then` once it is answered."""
        if not self._free.acquire(blocking=False):
            self._refuse(asking)
            return
        # In a context of its own: what is done for a page belongs to no cell and no run.
        work, context = (asking, then), contextvars.Context()
        thread = threading.Thread(
            target=context.run, args=(self._work, *work), name="nbflow-answer", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the system has no thread for it
            self._free.release()
            self._refuse(asking)

    def _refuse(self, asking: Asking) -> None:
        busy = UsageError("Too many questions wait for their answers. Try again in a moment.")
        self._send(_reply(asking) | {"error": str(busy)})

    def _work(self, asking: Asking, then: Callable[[], None]) -> None:
        try:
            self._send(_reply(asking) | _outcome(asking))
            then()
        finally:
            self._free.release()


def _reply(asking: Asking) -> dict[str, Any]:
    return {"type": "answer", "page": asking.page, "ask": asking.ask}


def _outcome(asking: Asking) -> dict[str, Any]:
    try:
        return {"result": answer(asking.method, asking.params)}
    except Exception as error:  # noqa: BLE001 - validators are the user's; the page waits for words
        return {"error": sentence(error)}
