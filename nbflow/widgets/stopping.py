"""The address of a page that cancels a run, for front ends in which no view of ours is live.

This module decides whether there is such a page: one of a server on this machine, which knows the
run, and takes our ticket for it. It asks the server itself, once for each run and in a thread of
its own, so that no run waits for a server that does not answer. It must not know what the page
does, nor where its address is shown.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from nbflow.exceptions import NbflowError
from nbflow.server import presence
from nbflow.server.tickets import cancel_path, is_good_for_tickets
from nbflow.server.token import FILE_NAME
from nbflow.settings import Settings, get_settings
from nbflow.store.http.connection import api_address
from nbflow.store.http.local import token_of_own_server

#: Seconds that whoever asks first waits for the answer; later ones take what there is.
_PATIENCE: Final = 0.05
#: Seconds that the server gets, while nobody waits for it.
_ANSWER_SECONDS: Final = 5.0
#: Runs whose addresses are remembered.
_MOST: Final = 64
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
#: Set where the browser is on another machine for certain: its loopback is not ours.
_REMOTE: Final = ("JUPYTERHUB_SERVICE_PREFIX", "COLAB_RELEASE_TAG")
_FOUND: Final = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """A server on this machine, and the key of its tickets."""

    url: str
    token: str = field(repr=False)


@dataclass(slots=True)
class _Question:
    """Whether a server cancels a run; the address is empty until it has said so."""

    address: str = ""
    answered: threading.Event = field(default_factory=threading.Event)


#: By run, the oldest first. A thread that finds a run here leaves the asking to whoever put it in.
_questions: Final[dict[UUID, _Question]] = {}


def address_to_cancel(run_id: UUID) -> str:
    """Where a browser on this machine can cancel the run; empty where it cannot, or not yet."""
    mine = _Question()
    question = _questions.setdefault(run_id, mine)
    if question is mine:
        _forget_old()
        desk = _desk_here()
        if desk is not None:
            _ask_aside(question, desk, run_id)
            question.answered.wait(_PATIENCE)
    return question.address


def _forget_old() -> None:
    for run_id in list(_questions)[:-_MOST]:
        _questions.pop(run_id, None)


def _desk_here() -> Desk | None:
    if any(name in os.environ for name in _REMOTE):
        return None
    try:
        return find_desk(get_settings())
    except NbflowError:  # unusable settings are told where they are used
        return None


def find_desk(settings: Settings) -> Desk | None:
    """The server that keeps these settings' runs, where this machine has one and its token."""
    if settings.api_url:
        api, token = api_address(settings.api_url)
        url = api.removesuffix("/api")
        own = token_of_own_server(settings.home, settings.api_url)
        token = settings.api_token or token or own
    else:
        present = presence.read(settings.home)
        url = present.url if present is not None else ""
        token = settings.api_token or _read(settings.home / FILE_NAME)
    return Desk(url, token) if _is_here(url) and is_good_for_tickets(token) else None


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


# ── asking ───────────────────────────────────────────────────────────────────────────────


def _ask_aside(question: _Question, desk: Desk, run_id: UUID) -> None:
    def ask() -> None:
        address = f"{desk.url}{cancel_path(desk.token, run_id)}"
        if has_button(address):
            question.address = address
        question.answered.set()

    threading.Thread(target=ask, name="nbflow-stopping", daemon=True).start()


def has_button(address: str) -> bool:
    """Whether there is a page, and something to press on it."""
    import http.client  # noqa: PLC0415 - slow to load, and of no use without a server

    parts = urlsplit(address)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_ANSWER_SECONDS
    )
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status == _FOUND and "POST" in (answer.getheader("Allow") or "")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
