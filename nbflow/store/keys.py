"""The key under which secrets are encrypted, and what is done with it.

This module decides where the key is, how it comes to be, and what is said when it is not the
right one. It must not know what is encrypted, nor where that is kept.

`NBFLOW_SECRET_KEY` holds the key, or the file `secret.key` in the home does, made at the
first secret. Machines that share a database share a key. No message ever holds a key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from nbflow.exceptions import ConfigurationError
from nbflow.settings import get_settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

VARIABLE: Final = "NBFLOW_SECRET_KEY"
_FILE: Final = "secret.key"


def encrypt(value: str) -> bytes:
    """The value as only holders of the key can read it; makes a key where there is none."""
    # Lone surrogates have no UTF-8 form, and yet stand in what people pass on from files.
    return _cipher(make=True).encrypt(value.encode("utf-8", "surrogatepass"))


def decrypt(token: bytes, name: str) -> str:
    """The value of the secret called `name`; raises `ConfigurationError` for a wrong key."""
    try:
        return _cipher(make=False).decrypt(token).decode("utf-8", "surrogatepass")
    except (_fernet().InvalidToken, FileNotFoundError):
        # The driver of this error holds the token; nobody needs to see it.
        raise ConfigurationError(_wrong_key(name)) from None


def _wrong_key(name: str) -> str:
    here = VARIABLE if os.environ.get(VARIABLE) else str(_path())
    return (
        f"The secret {name!r} was encrypted with another key than that of {here}. Set "
        f"{VARIABLE} to the text of secret.key in the nbflow home where it was set, or set it "
        f"anew: nbflow secret set {name}."
    )


def _cipher(*, make: bool) -> Fernet:
    own = os.environ.get(VARIABLE, "").strip()
    key = own or (_made(_path()) if make else _read(_path()))
    try:
        return _fernet().Fernet(key)  # type: ignore[no-any-return] # it is a module's
    except ValueError:
        where = f"The variable {VARIABLE}" if own else str(_path())
        raise ConfigurationError(
            f"{where} holds no key for secrets: 44 characters as nbflow writes them to "
            f"{_FILE} in its home. Copy that file's text, or set the secrets anew."
        ) from None


def _fernet() -> ModuleType:
    from cryptography import fernet  # noqa: PLC0415 - only secrets need it, variables do not

    return fernet


def _path() -> Path:
    return get_settings().home / _FILE


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"The key for secrets {path} cannot be read ({error.strerror}). "
            f"Make it readable for you alone, or set {VARIABLE}."
        ) from error


def _made(path: Path) -> str:
    """The key in the file, which is made when it is missing: whole, or not at all."""
    with suppress(FileNotFoundError):
        return _read(path)
    get_settings().ensure_home()
    aside = path.with_name(f"{_FILE}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123 - from a descriptor, for its mode
            file.write(_fernet().Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _put(aside, path)
    except OSError as error:
        raise ConfigurationError(
            f"The key for secrets {path} cannot be made ({error.strerror}). "
            f"Set NBFLOW_HOME to a folder you can write to, or set {VARIABLE}."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    return _read(path)


def _put(aside: Path, path: Path) -> None:
    """Give the file its name, unless somebody was faster."""
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    except OSError:  # a file system without links: the last one wins, and is read again
        if not path.exists():
            aside.replace(path)


__all__ = ["VARIABLE", "decrypt", "encrypt"]
