"""Cancelling a run from a link: a page that asks, and its button.

This module decides who may do so, and what is answered. Whoever comes has no token but a ticket,
which is for one run; looking at the page changes nothing. It must not know how the page looks,
nor how runs end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from nbflow.engine.cancellation import STEPS, Step, cancel_run, process_of
from nbflow.exceptions import NbflowError, ObjectNotFound, UsageError
from nbflow.models import FlowRun
from nbflow.owner import place_of
from nbflow.server import cancel_page
from nbflow.server.problems import status_of
from nbflow.server.tickets import CANCEL_PATH, may_cancel
from nbflow.states import now
from nbflow.store.base import Store

#: Seconds for which the button waits for the run's end: most runs obey at once.
_PATIENCE: Final = 4.0
_MISFIT: Final = (
    "It is incomplete, or of a server with another token: open the newest one under the cell, or "
    "press the notebook’s stop button."
)
_GONE: Final = "It was deleted, or belongs to another nbflow home: look at nbflow runs ls."
_HEADERS: Final = {
    "Content-Security-Policy": cancel_page.POLICY,
    # With no-referrer, browsers say that the form comes from nowhere (`Origin: null`), and it
    # would be refused. The page leads to no other origin, so nobody is told its address.
    "Referrer-Policy": "same-origin",
}


def router(store: Store, token: str) -> APIRouter:
    """The page of each run, around a store, for tickets made with this token."""
    desk = _Desk(store, token)
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route(CANCEL_PATH, desk.look, methods=["GET"])
    routes.add_api_route(CANCEL_PATH, desk.cancel, methods=["POST"])
    return routes


class _Desk:
    """Looks at tickets, and does what they are for."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._token = token

    def look(self, run: str, ticket: str, *, asked: bool = False) -> Response:
        """How the run is, with a button where it can be cancelled; changes nothing."""
        return self._answer(run, ticket, lambda found: self._shown(found, asked=asked))

    def cancel(self, run: str, ticket: str, *, firmly: bool = False) -> Response:
        """Cancel the run; the browser goes on to what came of it, which it may load again."""
        step = STEPS[-1 if firmly else 0]
        return self._answer(run, ticket, lambda found: self._cancelled(found, step))

    def _answer(self, reference: str, ticket: str, then: Callable[[FlowRun], Response]) -> Response:
        """What is done with the run, if the ticket is for it; else nobody hears of any run."""
        run_id = _id(reference)
        if run_id is None or not may_cancel(ticket, self._token, run_id):
            return _page(cancel_page.refusal("This link does not fit", _MISFIT), 403)
        try:
            return then(self._store.flow_run(run_id))
        except ObjectNotFound:
            return _page(cancel_page.refusal("This run is gone", _GONE), 404)
        except NbflowError as error:
            return _page(cancel_page.refusal("That did not work", str(error)), status_of(error))

    def _shown(self, run: FlowRun, *, asked: bool) -> Response:
        if run.state.is_settled():
            return _page(cancel_page.ended(run, now()))
        try:
            process = self._process(run)
        except UsageError as error:
            return _page(cancel_page.impossible(run, now(), str(error)))
        if asked or run.state.is_cancelling():
            return _page(cancel_page.asked(run, now(), process), button=process is not None)
        firm = len(STEPS) == 1
        return _page(cancel_page.question(run, now(), process, firm=firm), button=True)

    def _process(self, run: FlowRun) -> int | None:
        """The process that can be told to end; None where a worker sees to that."""
        if self._store.dispatch.queued(run.id) is not None:
            return None
        return place_of(process_of(self._store, run))[1]

    def _cancelled(self, run: FlowRun, step: Step) -> Response:
        if run.state.is_settled():
            return _page(cancel_page.too_late(run, now()), 409)
        try:
            cancel_run(self._store, run.id, step=step, wait=_PATIENCE)
        except UsageError as error:
            return self._not_cancelled(run.id, error)
        return RedirectResponse("?asked=true", status_code=303, headers=_HEADERS)

    def _not_cancelled(self, run_id: UUID, error: UsageError) -> Response:
        run = self._store.flow_run(run_id)
        if run.state.is_settled():  # meanwhile
            return _page(cancel_page.too_late(run, now()), 409)
        return _page(cancel_page.impossible(run, now(), str(error)), 409)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _page(html: str, status: int = 200, *, button: bool = False) -> HTMLResponse:
    """A page; kernels read from `Allow` whether there is anything to press."""
    allowed = "GET, POST" if button else "GET"
    return HTMLResponse(html, status, {**_HEADERS, "Allow": allowed})
