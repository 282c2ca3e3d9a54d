"""The parts of a store that lies behind a server, each with the methods its Protocol declares.

This module decides that a call of such a method is a question to the server. It must not
know how questions travel.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nbflow.store.http.interface import Method, methods

#: Asks the server: method, positional and named arguments.
Ask = Callable[[Method, Sequence[Any], Mapping[str, Any]], Any]

#: Seconds that the server lets a question for news wait.
LONGEST_WAIT_SECONDS: Final = 25.0


class Component:
    """Has the methods of one Protocol."""

    def __init__(self, name: str, ask: Ask) -> None:
        self._name = name
        self._ask = ask

    def __getattr__(self, name: str) -> Callable[..., Any]:
        # Reached once for each method: then it stands in the object.
        method = methods(self._name).get(name)
        if method is None:
            raise AttributeError(f"{self!r} has no method {name!r}", name=name, obj=self)
        asking = functools.wraps(method.function)(_asking(self._ask, method))
        setattr(self, name, asking)
        return asking

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *methods(self._name)})

    def __repr__(self) -> str:
        return f"<{self._name} behind a server>"


def _asking(ask: Ask, method: Method) -> Callable[..., Any]:
    return lambda *args, **kwargs: ask(method, args, kwargs)


class Events(Component):
    """Everything that happened; a long wait is several questions."""

    def wait(self, after: int, timeout: float) -> int:
        """Return as soon as the latest number is greater, or when the time is over."""
        method = methods("events")["wait"]
        deadline = time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            latest: int = self._ask(method, (after, min(left, LONGEST_WAIT_SECONDS)), {})
            if latest > after or left <= LONGEST_WAIT_SECONDS:
                return latest
