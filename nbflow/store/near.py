"""What to say when a name is not there.

This module decides the words. It must not know what is named.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from nbflow.exceptions import ObjectNotFound

_NAMED: Final = 3


def not_there(kind: str, name: str, names: Iterable[str], command: str) -> ObjectNotFound:
    """There is no such `kind`; names near matches, or the command that lists all."""
    near = difflib.get_close_matches(name, names, n=_NAMED)
    meant = " or ".join(map(repr, near))
    hint = f"Did you mean {meant}?" if near else f"`{command}` shows those there are."
    return ObjectNotFound(f"There is no {kind} {name!r}. {hint}")


__all__ = ["not_there"]
