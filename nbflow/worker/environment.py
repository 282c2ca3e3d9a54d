"""What the process of a run finds in its environment.

This module decides which variables of the worker's, of the settings and of the deployment
reach a run. It must not know how processes are started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from nbflow.paths import expanded
from nbflow.settings import Settings, as_environment

#: Where a run is recorded is the worker's business, whatever the deployment says.
_OURS: Final = frozenset(
    f"NBFLOW_{name}" for name in ("HOME", "DATABASE_URL", "API_URL", "API_TOKEN")
)
#: What a kernel that happens to be the worker tells about itself.
_OF_KERNELS: Final = ("JPY_", "KERNEL_")
_SQLITE: Final = "sqlite:///"


def run_environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run's process.

    Args:
        settings: Those of the worker, which the run is to have, too.
        given: The deployment's own variables.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not _is_of_kernel(name, value)
    }
    ours = as_environment(replace(settings, logging_to_console=False, **_absolute(settings)))
    chosen = {name: value for name, value in given.items() if name not in _OURS}
    return {**inherited, **ours, **chosen}


def _is_of_kernel(name: str, value: str) -> bool:
    return name.startswith(_OF_KERNELS) or (name == "MPLBACKEND" and "inline" in value)


def _absolute(settings: Settings) -> dict[str, Any]:
    """Places that are relative to the worker's folder, spelled so that any folder will do."""
    url = settings.resolved_database_url()
    if url.startswith(_SQLITE):
        url = f"{_SQLITE}{expanded(url.removeprefix(_SQLITE)).absolute()}"
    results = settings.results_root()
    return {
        "database_url": url,
        "results": results if "://" in results else str(expanded(results).absolute()),
        "notebooks": str(Path(settings.notebooks_folder()).absolute()),
    }
