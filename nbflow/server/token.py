"""The token that every request carries.

This module decides where it comes from: the settings, or a file that only its owner may read.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from nbflow.exceptions import ConfigurationError
from nbflow.settings import Settings

FILE_NAME: Final = "token"
_BYTES: Final = 32
#: Shorter ones can be guessed.
_SHORTEST: Final = 16


def token_of(settings: Settings) -> str:
    """The token of this home's server, made when there is none yet.

    Raises `ConfigurationError` when it cannot be kept, or cannot be used.
    """
    if settings.api_token:
        return _checked(settings.api_token, "NBFLOW_API_TOKEN")
    path = settings.ensure_home() / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        path.chmod(0o600)  # it may have been copied here with another mode
        return _checked(path.read_text(encoding="utf-8").strip(), str(path))
    except OSError as error:
        raise ConfigurationError(
            f"The token file {path} cannot be used ({error.strerror}). Correct its rights, or set "
            "NBFLOW_API_TOKEN."
        ) from error


def _checked(token: str, source: str) -> str:
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"The token in {source} cannot be used: it needs {_SHORTEST} or more letters and "
            "digits. Remove it, and the server makes a good one."
        )
    return token


def _make(path: Path) -> None:
    """Write a new token; of several processes or threads that do so at once, one wins."""
    draft = path.with_name(f".{FILE_NAME}-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{secrets.token_urlsafe(_BYTES)}\n")
    try:
        os.link(draft, path)  # fails when there is one, unlike a rename
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        draft.replace(path)
    draft.unlink(missing_ok=True)
