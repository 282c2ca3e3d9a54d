"""The check that keeps a process which lost its run from writing about it.

This module decides what a valid claim is: the newest token of the run's row, under a lease
that somebody holds. A lease that ran out and was not yet given to anybody still counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.exceptions import LeaseLost
from nbflow.store.dialects import Connection, Dialect

if TYPE_CHECKING:
    from nbflow.models.deployments import Fence

_HOLDS = "SELECT 1 FROM queued_run WHERE run_id=? AND token=? AND lease_until IS NOT NULL"


def holds(dialect: Dialect, connection: Connection, fence: Fence) -> bool:
    """Whether the claim is the run's newest, and has not been given back."""
    values = (fence.run_id.bytes, fence.token)
    return connection.execute(dialect.sql(_HOLDS), values).fetchone() is not None


def check(dialect: Dialect, connection: Connection, fence: Fence | None) -> None:
    """Raise `LeaseLost` when the claim is gone; inside the transaction that writes."""
    if fence is not None and not holds(dialect, connection, fence):
        raise LeaseLost(
            f"The run {fence.run_id} was given to another worker, or ended: "
            "this process must not write about it any more."
        )
