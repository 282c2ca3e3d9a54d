"""Tickets: what lets somebody without the token do one thing with one run.

This module decides what a ticket is, and which addresses carry one. An output of a notebook may
hold a ticket, because it is saved and shared; it must never hold the token. It must not know what
is done at these addresses. It loads nothing: kernels make tickets, too.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final
from uuid import UUID

#: What a ticket is for: one for this is good for nothing else that is ever done with tickets.
_CANCEL: Final = b"cancel"
#: Where the run and the ticket stand.
CANCEL_PATH: Final = "/cancel/{run}/{ticket}"
_TICKETED: Final = re.compile(r"/cancel/[^/]+/[^/]+")
#: Whoever sees a ticket can try out tokens without asking the server. Those that the server makes
#: have 43 letters; one that a person made up could be found.
_LONG_ENOUGH: Final = 32


def is_good_for_tickets(token: str) -> bool:
    """Whether a token cannot be guessed from a ticket."""
    return len(token) >= _LONG_ENOUGH


def cancel_ticket(token: str, run_id: UUID) -> str:
    """What allows to cancel this one run, on the server that has this token."""
    message = b"nbflow ticket\0" + _CANCEL + b"\0" + run_id.bytes
    digest = hmac.new(token.encode(), message, sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def may_cancel(ticket: str, token: str, run_id: UUID) -> bool:
    """Whether a ticket is for cancelling this run."""
    good = is_good_for_tickets(token)
    return hmac.compare_digest(ticket.encode(), cancel_ticket(token, run_id).encode()) and good


def cancel_path(token: str, run_id: UUID) -> str:
    """The path of the page that cancels a run."""
    return CANCEL_PATH.format(run=run_id, ticket=cancel_ticket(token, run_id))


def is_ticketed(path: str) -> bool:
    """Whether what answers there asks for a ticket in place of the token."""
    return _TICKETED.fullmatch(path) is not None
