"""The file that says where this home's server is.

This module decides what stands in `server.json`, and whether it is still true. It must not
know how a server is started.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from nbflow import wire
from nbflow.owner import is_alive

FILE_NAME: Final = "server.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A server that was started from this home."""

    url: str
    pid: int
    #: The process, as `Owner` writes it.
    owner: str
    started: datetime
    version: str

    @property
    def lives(self) -> bool:
        """Whether its process may still run; one on another machine may."""
        return is_alive(self.owner) is not False


def read(home: Path) -> Presence | None:
    """The server that lives; None when there is none, or only its file was left behind."""
    found = _read_file(home / FILE_NAME)
    return found if found is not None and found.lives else None


def _read_file(path: Path) -> Presence | None:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return wire.load(Presence, data) if isinstance(data, Mapping) else None
    except (OSError, ValueError, TypeError, KeyError):  # gone, or not ours to judge
        return None


def write(home: Path, presence: Presence) -> None:
    """Say where the server is."""
    draft = home / f".{FILE_NAME}-{os.getpid()}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(wire.dump(presence), file)
    draft.replace(home / FILE_NAME)


def remove(home: Path, owner: str) -> None:
    """Take the file away, unless it speaks of another process by now."""
    found = _read_file(home / FILE_NAME)
    if found is not None and found.owner == owner:
        (home / FILE_NAME).unlink(missing_ok=True)
