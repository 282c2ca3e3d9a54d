"""Which runs are meant: the words of `nbflow runs ls` as the store's filter.

This module decides what words for states, times and parameters mean. It must not know how runs
are found, nor how they are shown.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from nbflow.cli.options import ListOptions
from nbflow.exceptions import UsageError
from nbflow.models import FlowRunFilter
from nbflow.states import LOOKS, StateType

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def filter_of(
    options: ListOptions, now: datetime, deployment_ids: frozenset[UUID] = frozenset()
) -> FlowRunFilter:
    """The store's filter that the options mean; raises `UsageError` for an unknown state."""
    types, names = states_of(options.states)
    after = since(options.since, now) if options.since else None
    before = since(options.until, now) if options.until else None
    # Of runs that wait for workers the times count at which they are due.
    by_due = bool(options.deployments or options.queues)
    return FlowRunFilter(
        states=types,
        state_names=names,
        flow_names=frozenset(options.flows),
        tags=frozenset(options.tags),
        created_after=None if by_due else after,
        created_before=None if by_due else before,
        scheduled_after=after if by_due else None,
        scheduled_before=before if by_due else None,
        text=options.text,
        top_level=True,
        deployment_ids=deployment_ids,
        queues=frozenset(options.queues),
        parameters={name: _json_or_text(text) for name, text in options.parameters},
    )


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def states_of(words: Iterable[str]) -> tuple[frozenset[StateType], frozenset[str]]:
    """State types and names: `failed` is the type, so timed-out runs count; `TimedOut` a name."""
    types = {type_.value.lower(): type_ for type_ in StateType}
    names = {name.lower(): name for name in LOOKS}
    found_types, found_names = set(), set()
    for word in words:
        plain = re.sub(r"[-_ ]", "", word.lower())
        if plain in types:
            found_types.add(types[plain])
        elif plain in names:
            found_names.add(names[plain])
        else:
            raise UsageError(_unknown_state(word, [*types, *names]))
    if found_types and found_names:  # the store asks for both; one name per type means "either"
        found_names |= {n for n in LOOKS if n.upper() in {str(t) for t in found_types}}
        return frozenset(), frozenset(found_names)
    return frozenset(found_types), frozenset(found_names)


def _unknown_state(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else ""
    some = ", ".join(dict.fromkeys(type_.value.lower() for type_ in StateType))
    return f"There is no state {word!r}. {hint or f'States are: {some}.'}"


def since(text: str, now: datetime) -> datetime:
    """The moment that `2h`, `7d`, `today`, `yesterday` or a local date and time means."""
    if match := re.fullmatch(r"(\d+)\s*([smhdw])", text.strip().lower()):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": 0, "yesterday": 1}.get(text.strip().lower())
    if days is not None:
        return (midnight - timedelta(days=days)).astimezone(UTC)
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time. Write 30m, 2h, 7d, today, or a date such as 2026-05-03."
        ) from None
