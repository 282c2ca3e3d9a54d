"""Values that runs share by name: `Variable` for what may be seen, `Secret` for the rest.

This module decides what users write. It must not know where values are kept.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from nbflow.exceptions import ObjectAlreadyExists, ObjectNotFound, UsageError
from nbflow.models.deployments import Variable as VariableRecord
from nbflow.store import open_store
from nbflow.store.vault import json_text

_HIDDEN: Final = "********"


class Variable:
    """A named JSON value that can change without changing code.

    >>> Variable.set("threshold", 0.8)          # doctest: +SKIP
    >>> Variable.get("threshold", default=0.5)  # doctest: +SKIP
    0.8
    """

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def __repr__(self) -> str:
        return f"Variable({self.name!r}, {self.value!r})"

    @staticmethod
    def get(name: str, default: Any = None) -> Any:
        """The value of a variable, or `default` when there is none of that name."""
        found = _find(name)
        return default if found is None else found.value

    @classmethod
    def set(cls, name: str, value: Any, overwrite: bool = False) -> Variable:
        """Set a variable to a JSON value.

        Raises `ObjectAlreadyExists` when there is one, unless `overwrite` says to replace it.
        """
        if not overwrite and _find(name) is not None:
            raise ObjectAlreadyExists(
                f"There is a variable {name!r} already. Pass overwrite=True to change it."
            )
        json_text(name, value)  # on its way to a server, a set would become a list unnoticed
        record = open_store().vault.set_variable(name, value)
        return cls(record.name, record.value)

    @staticmethod
    def unset(name: str) -> bool:
        """Forget a variable; whether there was one."""
        try:
            open_store().vault.delete_variable(name)
        except ObjectNotFound:
            return False
        return True


def _find(name: str) -> VariableRecord | None:
    try:
        return open_store().vault.variable(name)
    except ObjectNotFound:
        return None


class Secret:
    """A value that is kept encrypted, and not shown by accident.

    >>> Secret.load("warehouse-password").get()  # doctest: +SKIP

    Printing one shows stars. One with a name may travel to another process: only its name
    does, and the value is read there.
    """

    __slots__ = ("_value", "name")

    def __init__(self, value: str, *, name: str | None = None) -> None:
        self._value = value
        self.name = name

    def get(self) -> str:
        """The value in clear."""
        return self._value

    @classmethod
    def load(cls, name: str) -> Secret:
        """The secret of that name; raises `ObjectNotFound`, naming near matches."""
        return cls(open_store().vault.secret_value(name), name=name)

    @classmethod
    def set(cls, name: str, value: str) -> Secret:
        """Keep a value under a name, in place of what was there."""
        open_store().vault.set_secret(name, value)
        return cls(value, name=name)

    def save(self, name: str, overwrite: bool = False) -> None:
        """Keep the value under a name.

        Raises `ObjectAlreadyExists` when there is one, unless `overwrite` says to replace it.
        """
        vault = open_store().vault
        if not overwrite and any(known.name == name for known in vault.secrets()):
            raise ObjectAlreadyExists(
                f"There is a secret {name!r} already. Pass overwrite=True to change it."
            )
        vault.set_secret(name, self._value)
        self.name = name

    @staticmethod
    def unset(name: str) -> bool:
        """Forget a secret; whether there was one."""
        try:
            open_store().vault.delete_secret(name)
        except ObjectNotFound:
            return False
        return True

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN!r})" if self.name is None else f"Secret(name={self.name!r})"

    def __str__(self) -> str:
        return _HIDDEN

    def __reduce__(self) -> Any:
        if self.name is None:
            _refuse_to_travel()
        return Secret.load, (self.name,)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


def _refuse_to_travel() -> NoReturn:
    raise UsageError(
        "A secret without a name cannot be stored or sent to another process. "
        "Keep it first: secret.save(NAME)."
    )


__all__ = ["Secret", "Variable"]
