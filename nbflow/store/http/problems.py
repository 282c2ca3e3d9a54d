"""What a server answers when it does not do what it was asked: the same error again, here.

This module decides which exception a problem (RFC 9457) becomes. It must not know who asked.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, Final

from nbflow import exceptions
from nbflow.exceptions import NbflowError, ScheduleError, ServerUnreachable, StoreError

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_TOO_LARGE: Final = 413
#: What stands between us and the server says that it is not there at the moment.
_AWAY: Final = frozenset({502, 503, 504})
_SHOWN_LENGTH: Final = 200


def _raisable() -> dict[str, type[NbflowError]]:
    """Errors of ours by name: those that a message alone makes."""
    found = vars(exceptions).values()
    classes = [c for c in found if isinstance(c, type) and issubclass(c, NbflowError)]
    return {c.__name__: c for c in classes if "message" in inspect.signature(c).parameters}


_CLASSES: Final = _raisable()


def problem_of(content: bytes) -> dict[str, Any] | None:
    """The problem that an answer holds; None when it is from somebody else."""
    try:
        data = json.loads(content)
    except ValueError:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("detail"), str) else None


def is_away(status: int, content: bytes) -> bool:
    """Whether to ask again later: a proxy answers in place of the server."""
    return status in _AWAY and problem_of(content) is None


def error_from(url: str, status: int, content: bytes) -> NbflowError:
    """The error that an answer other than success means."""
    problem = problem_of(content) or {}
    detail = problem.get("detail")
    kind = _CLASSES.get(str(problem.get("error")))
    if kind is ScheduleError:
        return ScheduleError(detail, field=_field(problem) or "cron")
    if kind is not None:
        return kind(detail)
    return _refusal(url, status, detail or _shown(content))


def _field(problem: dict[str, Any]) -> str | None:
    errors = problem.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first["field"]) if isinstance(first, dict) and "field" in first else None


def _refusal(url: str, status: int, words: str) -> NbflowError:
    if status == _UNAUTHORIZED:
        return ServerUnreachable(
            f"The server at {url} does not take our token. Set NBFLOW_API_TOKEN to the one that "
            "`nbflow server status --show-token` prints there."
        )
    if status == _FORBIDDEN:
        return ServerUnreachable(f"The server at {url} does not let us in: {words}")
    if status == _NOT_FOUND:
        return ServerUnreachable(
            f"There is no nbflow server of our version at {url} (404: {words}). Check "
            "NBFLOW_API_URL, and that both ends have the same nbflow: `nbflow version`."
        )
    if status == _TOO_LARGE:
        return StoreError(f"The server at {url} refuses what is that large: {words}")
    return StoreError(f"The server at {url} failed ({status}): {words} Look into its log.")


def _shown(content: bytes) -> str:
    text = " ".join(content.decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"
