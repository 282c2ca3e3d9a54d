"""Names of runs: random but pleasant for flow runs, counted for task runs.

This module decides names. It must not know how runs are executed.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

from nbflow.exceptions import ConfigurationError


class NameCounter:
    """Numbers the runs of one flow run: `load`, `load-2`, `load-3`, …."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def next(self, name: str) -> str:
        """The name of the next run of the task `name`."""
        with self._lock:
            count = self._counts[name] = self._counts.get(name, 0) + 1
        return name if count == 1 else f"{name}-{count}"


def templated_name(
    template: str | Callable[..., str], parameters: Mapping[str, Any], *, what: str
) -> str:
    """A name from the user's format string over the parameters, or from a function.

    Raises `ConfigurationError` when the template names something that is not there.
    """
    if callable(template):
        wants = inspect.signature(template).parameters
        made = template(parameters) if "parameters" in wants else template()
        if not isinstance(made, str):
            raise ConfigurationError(f"{what} must return text; it returned {made!r}.")
        return made
    try:
        return template.format(**parameters)
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"{what} {template!r} does not fit the parameters {sorted(parameters)}: {error!r}."
        ) from error
