"""Named limits, and the slots that are held of them.

This module decides who gets slots, for how long, and what is free. It must not know what
they are held for.

A slot is a lease: a row with the time until which it counts. Nothing else is counted, so a
holder that dies gives its slots back by doing nothing. What decays is counted otherwise: the
rows of such a limit stand in a line, each ending `occupy / decay` after the one before it,
and nobody prolongs or releases them. The end of that line, measured in slots, is what is
taken: N slots give N at once, then `decay` a second, and over any time no more than that.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import InvalidNameError, UsageError
from nbflow.models import new_id
from nbflow.models.deployments import ConcurrencyLimit
from nbflow.store.database import Database, Transaction
from nbflow.store.dialects import placeholders
from nbflow.store.near import not_there

_SECOND: Final = 1_000_000
#: Less than any slot: a line that ends within rounding of the limit is not too long.
_ROUNDING: Final = 1e-6
#: The last byte of an id tells a slot's rows apart.
_MOST_AT_ONCE: Final = 200
_LONGEST_NAME: Final = 200
_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f]|^\s|\s$")

_COLUMNS: Final = "name,slots,slot_decay_per_second,active"
_TAKEN: Final = (
    "SELECT name, sum(occupy), max(until) FROM concurrency_slot WHERE until>? GROUP BY name"
)


class SQLLimits:
    """Named limits in the database; see `LimitStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── limits ───────────────────────────────────────────────────────────────────────────
    def limits(self) -> list[ConcurrencyLimit]:
        """All limits by name, with what is taken."""
        with self._database.read() as reader:
            transaction = Transaction(self._database.dialect, reader.connection)
            return _limits(transaction, transaction.micros(None))

    def limit(self, name: str) -> ConcurrencyLimit:
        """One limit; raises `ObjectNotFound`, naming near matches."""
        found = {limit.name: limit for limit in self.limits()}
        if name not in found:
            raise _no_limit(name, found)
        return found[name]

    def save(self, limit: ConcurrencyLimit) -> ConcurrencyLimit:
        """Make a limit, or change it."""
        _check(limit)
        self._database.write(lambda transaction: _save(transaction, limit))
        return self.limit(limit.name)

    def delete(self, name: str) -> None:
        """Forget a limit; raises `ObjectNotFound`."""

        def work(transaction: Transaction) -> None:
            if not transaction.run("DELETE FROM concurrency_limit WHERE name=?", (name,)):
                known = transaction.all("SELECT name FROM concurrency_limit")
                raise _no_limit(name, (each for (each,) in known))
            transaction.tell("limit.deleted", name)

        self._database.write(work)

    # ── slots ────────────────────────────────────────────────────────────────────────────
    def acquire(
        self,
        names: Sequence[str],
        occupy: int,
        holder: str,
        *,
        lease_seconds: float = 60.0,
        now: datetime | None = None,
    ) -> UUID | None:
        """Take slots of all the limits at once, or of none: None means: try again later."""
        wanted = list(dict.fromkeys(names))
        if occupy < 1:
            raise UsageError(f"{occupy} slots cannot be taken. Take one or more.")
        if len(wanted) > _MOST_AT_ONCE:
            raise UsageError(f"A slot is of {_MOST_AT_ONCE} limits at most. Name fewer.")
        request = _Request(occupy, holder, lease_seconds)
        with self._database.read() as reader:  # who only asks takes no lock
            look = Transaction(self._database.dialect, reader.connection)
            moment = look.micros(now)
            found = _found(look, wanted, moment)
        if not found:
            return _Slot.empty().id
        if not _fits(found, occupy, moment):
            return None
        return self._database.write(
            lambda transaction: _acquire(transaction, wanted, request, transaction.micros(now))
        )

    def renew(self, slot: UUID, *, lease_seconds: float = 60.0) -> bool:
        """Prolong a lease; False when it was lost."""
        leases = _Slot(slot)
        if not leases.count:
            return True

        def work(transaction: Transaction) -> int:
            now = transaction.micros(None)
            text = "UPDATE concurrency_slot SET until=? WHERE id>=? AND id<=? AND until>?"
            until = now + round(lease_seconds * _SECOND)
            return transaction.run(text, (until, *leases.range, now))

        return self._database.write(work) == leases.count

    def release(self, slot: UUID) -> None:
        """Give the slots back; once more is fine."""
        leases = _Slot(slot)
        if not leases.count:
            return

        def work(transaction: Transaction) -> None:
            text = "DELETE FROM concurrency_slot WHERE id>=? AND id<=?"
            if transaction.run(text, leases.range):
                transaction.number()  # wakes those who wait for a free slot

        self._database.write(work)


@dataclass(frozen=True, slots=True)
class _Slot:
    """Slots of one or several limits under one id, whose last byte counts their leases."""

    id: UUID

    @classmethod
    def empty(cls) -> _Slot:
        """A slot without a lease."""
        return cls(UUID(int=new_id().int & ~0xFF))

    @property
    def count(self) -> int:
        """How many leases there are to prolong and to give back."""
        return self.id.bytes[-1]

    @property
    def range(self) -> tuple[bytes, bytes]:
        """The first and the last id of their rows."""
        return self.row(1), self.id.bytes

    def row(self, number: int) -> bytes:
        """The id of one of their rows, counted from 1."""
        return bytes((*self.id.bytes[:-1], number))


@dataclass(frozen=True, slots=True)
class _Request:
    """What somebody wants of each limit."""

    occupy: int
    holder: str
    lease_seconds: float


def _acquire(
    transaction: Transaction, names: list[str], request: _Request, now: int
) -> UUID | None:
    forget = f"DELETE FROM concurrency_slot WHERE until<=? AND name IN ({placeholders(names)})"
    transaction.run(forget, (now, *names))
    found = _found(transaction, names, now)
    return _take(transaction, found, request, now) if _fits(found, request.occupy, now) else None


def _found(transaction: Transaction, names: list[str], now: int) -> _Loaded:
    """Those of the names that have a limit, with what is taken of each."""
    if not names:
        return []
    select = f"SELECT {_COLUMNS} FROM concurrency_limit WHERE name IN ({placeholders(names)})"
    lines = transaction.all(select, names)
    loads = _loads(transaction, now) if lines else {}
    return [(_limit(line), loads.get(line[0], _Load())) for line in lines]


def _fits(found: _Loaded, occupy: int, now: int) -> bool:
    for limit, _ in found:  # what can never be is an error, also while another limit is full
        _refuse_too_many(limit, occupy)
    return all(_has_room(limit, load, occupy, now) for limit, load in found)


def _refuse_too_many(limit: ConcurrencyLimit, occupy: int) -> None:
    if limit.active and occupy > limit.slots > 0:  # none at all: it is closed for a while
        raise UsageError(
            f"{occupy} slots of {limit.name!r} can never be taken: the limit is {limit.slots}. "
            f"Take fewer, or raise it: nbflow limit set {limit.name} {occupy}."
        )


def _has_room(limit: ConcurrencyLimit, load: _Load, occupy: int, now: int) -> bool:
    free = limit.slots - load.slots(limit, now)
    return not limit.active or occupy <= free + _ROUNDING


def _take(transaction: Transaction, found: _Loaded, request: _Request, now: int) -> UUID:
    text = "INSERT INTO concurrency_slot (id, name, occupy, holder, until) VALUES (?,?,?,?,?)"
    slot, count = _Slot.empty(), 0
    for limit, load in found:
        if limit.slot_decay_per_second is None:
            count += 1
            key, until = slot.row(count), now + round(request.lease_seconds * _SECOND)
        else:
            key = new_id().bytes
            until = max(now, load.until) + round(
                request.occupy * _SECOND / limit.slot_decay_per_second
            )
        transaction.run(text, (key, limit.name, request.occupy, request.holder, until))
    return UUID(bytes=slot.row(count))


@dataclass(frozen=True, slots=True)
class _Load:
    """What is taken of one limit at a moment."""

    occupied: int = 0
    #: The end of the last lease.
    until: int = 0

    def slots(self, limit: ConcurrencyLimit, now: int) -> float:
        """In slots; parts of slots where they decay."""
        if limit.slot_decay_per_second is None:
            return self.occupied
        return max(0, self.until - now) / _SECOND * limit.slot_decay_per_second


_Loaded = list[tuple[ConcurrencyLimit, _Load]]


def _loads(transaction: Transaction, now: int) -> dict[str, _Load]:
    lines = transaction.all(_TAKEN, (now,))
    return {name: _Load(int(occupied), int(until)) for name, occupied, until in lines}


def _limit(line: Sequence[Any]) -> ConcurrencyLimit:
    name, slots, decay, active = line
    return ConcurrencyLimit(
        name=name, slots=slots, slot_decay_per_second=decay, active=bool(active)
    )


def _limits(transaction: Transaction, now: int) -> list[ConcurrencyLimit]:
    loads = _loads(transaction, now)
    found: list[ConcurrencyLimit] = []
    for line in transaction.all(f"SELECT {_COLUMNS} FROM concurrency_limit ORDER BY name"):
        limit = _limit(line)
        taken = math.ceil(loads.get(limit.name, _Load()).slots(limit, now) - _ROUNDING)
        found.append(replace(limit, taken=taken))
    return found


def _save(transaction: Transaction, limit: ConcurrencyLimit) -> None:
    values = (limit.slots, limit.slot_decay_per_second, int(limit.active), limit.name)
    change = "UPDATE concurrency_limit SET slots=?, slot_decay_per_second=?, active=? WHERE name=?"
    changed = transaction.run(change, values)
    if not changed:
        make = (
            "INSERT INTO concurrency_limit (slots, slot_decay_per_second, active, name) "
            "VALUES (?,?,?,?)"
        )
        transaction.run(make, values)
    told: dict[str, Any] = {"slots": limit.slots, "active": limit.active}
    if limit.slot_decay_per_second is not None:
        told["slot_decay_per_second"] = limit.slot_decay_per_second
    transaction.tell(f"limit.{'updated' if changed else 'created'}", limit.name, told)


def _check(limit: ConcurrencyLimit) -> None:
    name, decay = limit.name, limit.slot_decay_per_second
    if not name or len(name) > _LONGEST_NAME or _UNUSABLE.search(name):
        raise InvalidNameError(
            f"The name {name[:_LONGEST_NAME]!r} cannot be a limit's. Give one of up to "
            f"{_LONGEST_NAME} characters on one line, without spaces around it."
        )
    if limit.slots < 0:
        raise UsageError(f"A limit of {limit.slots} slots cannot be. Give 0 or more.")
    if decay is not None and not 0 < decay < math.inf:  # NaN is not either
        raise UsageError(
            f"Slots cannot become free {decay:g} times a second. Give a number above 0, or none."
        )


def _no_limit(name: str, names: Iterable[str]) -> Exception:
    return not_there("limit", name, names, "nbflow limit ls")


__all__ = ["SQLLimits"]
