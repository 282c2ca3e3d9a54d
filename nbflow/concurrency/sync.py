"""`concurrency` and `rate_limit` for plain code, under the name they have in Prefect."""

from nbflow.concurrency import concurrency, rate_limit

__all__ = ["concurrency", "rate_limit"]
