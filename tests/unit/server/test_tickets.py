"""Tickets: for one run, one purpose and one token, and nothing to learn from them."""

from __future__ import annotations

import subprocess
import sys
from base64 import urlsafe_b64decode
from uuid import UUID, uuid4

import pytest

from nbflow.server.tickets import (
    cancel_path,
    cancel_ticket,
    is_good_for_tickets,
    is_ticketed,
    may_cancel,
)

TOKEN = "k" * 43
RUN = UUID("018f0000-0000-7000-8000-000000000001")


def test_a_ticket_is_for_its_run_and_its_token() -> None:
    ticket = cancel_ticket(TOKEN, RUN)
    assert may_cancel(ticket, TOKEN, RUN)
    assert not may_cancel(ticket, TOKEN, uuid4())
    assert not may_cancel(ticket, "l" * 43, RUN)


@pytest.mark.parametrize("change", [lambda t: "", lambda t: t[:-1], lambda t: f"{t}=",
                                    lambda t: t.swapcase(), lambda t: "é", lambda t: TOKEN],
                         ids=["empty", "short", "padded", "case", "odd", "token"])  # fmt: skip
def test_nothing_else_is_a_ticket(change) -> None:
    assert not may_cancel(change(cancel_ticket(TOKEN, RUN)), TOKEN, RUN)


def test_a_ticket_is_a_whole_digest_that_fits_into_an_address() -> None:
    ticket = cancel_ticket(TOKEN, RUN)
    assert len(urlsafe_b64decode(f"{ticket}=")) == 32
    assert set(ticket) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_token_that_a_person_could_have_made_up_makes_no_tickets() -> None:
    token = "correct-horse-battery"
    assert not is_good_for_tickets(token)
    assert not may_cancel(cancel_ticket(token, RUN), token, RUN)
    assert is_good_for_tickets(TOKEN)


@pytest.mark.parametrize(
    ("path", "ticketed"),
    [
        (cancel_path(TOKEN, RUN), True),
        ("/cancel/a/b", True),
        ("/cancel/a/b/", False),
        ("/cancel/a/b/c", False),
        ("/cancel/a", False),
        ("/cancel//b", False),
        ("/api/cancel/a/b", False),
        ("/", False),
    ],
)
def test_which_addresses_carry_one(path: str, ticketed: bool) -> None:
    assert is_ticketed(path) is ticketed


def test_a_kernel_that_makes_tickets_loads_no_server() -> None:
    code = (
        "import sys, nbflow.widgets.moment\n"
        "print({'fastapi', 'starlette', 'uvicorn', 'httpx'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
