"""Variables and secrets.

This module decides which names and values are taken, and that of a secret nothing but its
name is ever shown. It must not know how values are encrypted (`keys.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from nbflow.exceptions import InvalidNameError, ObjectNotFound, UsageError
from nbflow.models.deployments import Secret, Variable
from nbflow.store import keys
from nbflow.store.database import Database, Transaction
from nbflow.store.near import not_there
from nbflow.store.rows import from_micros

#: Characters of a variable's JSON: it is read whole, by every run that asks.
LONGEST_VARIABLE: Final = 100_000
LONGEST_SECRET: Final = 100_000
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}")


class SQLVault:
    """Variables and secrets in the database; see `VaultStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── variables ────────────────────────────────────────────────────────────────────────
    def variables(self) -> list[Variable]:
        """All variables by name."""
        with self._database.read() as reader:
            lines = reader.all("SELECT name, value, updated FROM variable ORDER BY name")
        return [_variable(line) for line in lines]

    def variable(self, name: str) -> Variable:
        """One variable; raises `ObjectNotFound`, naming near matches."""
        with self._database.read() as reader:
            lines = reader.all("SELECT name, value, updated FROM variable WHERE name=?", (name,))
            if not lines:
                raise _absent("variable", name, reader.all(_NAMES["variable"]))
        return _variable(lines[0])

    def set_variable(self, name: str, value: Any) -> Variable:
        """Set a variable to a JSON value."""
        check_name("variable", name)
        text = json_text(name, value)
        updated = self._database.write(lambda t: _put(t, "variable", name, text))
        return Variable(name=name, value=json.loads(text), updated=from_micros(updated))

    def delete_variable(self, name: str) -> None:
        """Forget a variable; raises `ObjectNotFound`."""
        self._database.write(lambda transaction: _delete(transaction, "variable", name))

    # ── secrets ──────────────────────────────────────────────────────────────────────────
    def secrets(self) -> list[Secret]:
        """The names of all secrets."""
        with self._database.read() as reader:
            lines = reader.all("SELECT name, updated FROM secret ORDER BY name")
        return [Secret(name=name, updated=from_micros(updated)) for name, updated in lines]

    def secret_value(self, name: str) -> str:
        """A secret in clear; raises `ObjectNotFound`."""
        with self._database.read() as reader:
            token = reader.value("SELECT value FROM secret WHERE name=?", (name,))
            if token is None:
                raise _absent("secret", name, reader.all(_NAMES["secret"]))
        return keys.decrypt(bytes(token), name)

    def set_secret(self, name: str, value: str) -> Secret:
        """Keep a secret, encrypted."""
        check_name("secret", name)
        _check_secret(name, value)
        self._refuse_second_key(name)
        token = keys.encrypt(value)
        updated = self._database.write(lambda t: _put(t, "secret", name, token))
        return Secret(name=name, updated=from_micros(updated))

    def delete_secret(self, name: str) -> None:
        """Forget a secret; raises `ObjectNotFound`."""
        self._database.write(lambda transaction: _delete(transaction, "secret", name))

    def _refuse_second_key(self, name: str) -> None:
        """Secrets under different keys could not be read in one place."""
        text = "SELECT name FROM secret WHERE name<>? ORDER BY updated DESC LIMIT 1"
        with self._database.read() as reader:
            other = reader.value(text, (name,))
        if other is not None:
            self.secret_value(other)


_NAMES: Final = {kind: f"SELECT name FROM {kind}" for kind in ("variable", "secret")}  # noqa: S608 - our own


def check_name(kind: str, name: object) -> None:
    """Refuse a name that commands and files could not spell; raises `InvalidNameError`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidNameError(
            f"{str(name)[:80]!r} cannot be the name of a {kind}. Use up to 200 letters, digits, "
            "'_', '-' and '.', beginning with a letter, a digit or '_'."
        )


def json_text(name: str, value: Any) -> str:
    """The stored form of a variable's value; raises `UsageError` for what cannot be one."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The variable {name!r} cannot be set: {error}. Give text, numbers, true, false, "
            "null, and lists and objects of these."
        ) from error
    if len(text) > LONGEST_VARIABLE:
        raise UsageError(
            f"The variable {name!r} would take {len(text):,} characters of JSON, more than "
            f"{LONGEST_VARIABLE:,}. Keep large values in a file, and its path in the variable."
        )
    return text


def _check_secret(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        what = "empty" if value == "" else f"a {type(value).__name__}"
        raise UsageError(f"The secret {name!r} cannot be {what}. Give it as text.")
    if len(value) > LONGEST_SECRET:
        raise UsageError(
            f"The secret {name!r} has {len(value):,} characters, more than {LONGEST_SECRET:,}. "
            "Keep large values in a file that is encrypted, and its password here."
        )


def _put(transaction: Transaction, table: str, name: str, value: str | bytes) -> int:
    """Insert or replace; when that was."""
    now = transaction.micros(None)
    change = f"UPDATE {table} SET value=?, updated=? WHERE name=?"  # noqa: S608 - our own names
    changed = transaction.run(change, (value, now, name))
    if not changed:
        make = f"INSERT INTO {table} (value, updated, name) VALUES (?,?,?)"  # noqa: S608 - as above
        transaction.run(make, (value, now, name))
    # The name alone: events are shown to more people than values.
    transaction.tell(f"{table}.{'updated' if changed else 'created'}", name)
    return now


def _delete(transaction: Transaction, table: str, name: str) -> None:
    if not transaction.run(f"DELETE FROM {table} WHERE name=?", (name,)):  # noqa: S608 - our own
        raise _absent(table, name, transaction.all(_NAMES[table]))
    transaction.tell(f"{table}.deleted", name)


def _variable(line: Sequence[Any]) -> Variable:
    name, value, updated = line
    return Variable(name=name, value=json.loads(value), updated=from_micros(updated))


def _absent(kind: str, name: str, names: Sequence[Sequence[Any]]) -> ObjectNotFound:
    return not_there(kind, name, (each for (each,) in names), f"nbflow {kind} ls")


__all__ = ["LONGEST_SECRET", "LONGEST_VARIABLE", "SQLVault", "check_name", "json_text"]
