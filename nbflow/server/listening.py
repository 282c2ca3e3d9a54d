"""The port: taken, or explained.

This module decides on which addresses a server may listen, and what is said when it cannot. It
must not know what is served there.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from pathlib import Path
from typing import Final

import httpx

from nbflow.exceptions import UsageError
from nbflow.server import presence

_ASK_SECONDS: Final = 2.0
_GREATEST_PORT: Final = 65_535


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, home: Path) -> socket.socket:
    """A socket that listens there; port 0 means any free one.

    Raises `UsageError` with one sentence that says who has the port.
    """
    if port > _GREATEST_PORT:
        raise UsageError(f"There is no port {port}. Take one up to {_GREATEST_PORT}: --port 4200")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(_no_such_host(host, error)) from error
    try:
        if os.name == "posix":  # elsewhere it would share the port with others
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(_reason(host, port, home, error)) from error
    return listener


def _no_such_host(host: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"There is no address {host!r} here ({reason}). Take 127.0.0.1: --host 127.0.0.1"


def _reason(host: str, port: int, home: Path, error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return _no_such_host(host, error)
    if error.errno != errno.EADDRINUSE:
        return f"The port {port} cannot be used ({error.strerror}). Take another one: --port 4201"
    present = presence.read(home)
    if present is not None and present.url.endswith(f":{port}"):
        return (
            f"A server of this home runs at {present.url} already (process {present.pid}). "
            "See `nbflow server status`, or stop it: nbflow server stop"
        )
    whose = "a server of another nbflow home" if _is_nbflow(host, port) else "another program"
    return f"The port {port} is taken by {whose}. Take another one: --port {port + 1}"


def _is_nbflow(host: str, port: int) -> bool:
    name = "127.0.0.1" if host in {"0.0.0.0", "::", "localhost"} else host  # noqa: S104
    try:
        answer = httpx.get(f"http://{name}:{port}/api/health", timeout=_ASK_SECONDS)
        return bool(answer.json() == {"status": "ok"})
    except (httpx.HTTPError, ValueError):
        return False


def url_of(host: str, port: int) -> str:
    """The address at which this machine reaches the server."""
    if host in {"0.0.0.0", ""}:  # noqa: S104 - told, not bound
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
