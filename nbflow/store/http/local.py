"""The token of a server that belongs to the same home, so that nobody has to copy it.

This module decides when that token is shown to an address: only when the home's own server
said that it is there. It must not know how servers start.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from nbflow.owner import is_alive


def token_of_own_server(home: Path, url: str) -> str:
    """The token of the home's server, when that is what listens at `url`; else nothing."""
    try:
        told = json.loads((home / "server.json").read_text(encoding="utf-8"))
        if _place(str(told["url"])) != _place(url) or is_alive(str(told["owner"])) is False:
            return ""
        return (home / "token").read_text(encoding="utf-8").strip()
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname in {"localhost", "::1"} else parts.hostname
    return host, parts.port
