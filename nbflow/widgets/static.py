"""The built front end: what the page needs to make views live.

This module decides where the files lie that `extension/` builds, and how a page tells whether it
has them already. It must not know how they travel. A checkout may not have them: then views are
static.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parents[1] / "static"


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The two halves of the front end."""

    #: A small module that defines the element and asks for the rest.
    bootstrap: str
    #: The module with everything that is drawn.
    code: str
    #: What tells this `code` from that of another version.
    hash: str


@cache
def front_end() -> FrontEnd | None:
    """The front end that belongs to this nbflow; None where it was not built."""
    return read_front_end(_FOLDER)


def read_front_end(folder: Path) -> FrontEnd | None:
    """The front end in a folder; None where a part of it is missing."""
    try:
        bootstrap = (folder / "bootstrap.js").read_text(encoding="utf-8")
        code = (folder / "widget.js").read_text(encoding="utf-8")
    except OSError:
        return None
    return FrontEnd(bootstrap, code, sha256(code.encode()).hexdigest()[:16])
