"""A picture, however it is given, as an address that a page can show.

This module decides what is read as a picture. Pictures that are given as such become part of
their address (`data:image/…`), so that they are where the run is recorded. It imports no
drawing library.
"""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nbflow.exceptions import UsageError

#: Bytes of a picture; in an address it takes a third more.
LARGEST_PICTURE: Final = 3_000_000

_ADDRESS: Final = re.compile(r"(https?|s3|gs|az)://|data:image/", re.IGNORECASE)
_MAGIC: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml|<!--|<!DOCTYPE svg|<svg)"), "image/svg+xml"),
)


def picture_address(picture: Any) -> str:
    """The address of a picture; raises `UsageError` for what is none."""
    if isinstance(picture, str) and _ADDRESS.match(picture):
        return picture
    blob, what = _bytes_of(picture)
    if len(blob) > LARGEST_PICTURE:
        raise UsageError(
            f"{what} has {len(blob):,} bytes, more than {LARGEST_PICTURE:,}. "
            "Draw it smaller, or keep it in a place of its own and give its address."
        )
    kind = next((kind for magic, kind in _MAGIC if magic.match(blob)), None)
    if kind is None:
        raise UsageError(f"{what} is no PNG, JPEG, GIF, WebP or SVG. Give one of these.")
    return f"data:{kind};base64,{base64.b64encode(blob).decode('ascii')}"


def _bytes_of(picture: Any) -> tuple[bytes, str]:
    """The picture's bytes, and how to call it."""
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return bytes(picture), "The picture"
    if isinstance(picture, (str, os.PathLike)):
        return _read(Path(picture)), f"The file {os.fspath(picture)}"
    for way in (_saved, _shown):
        blob = way(picture)
        if blob is not None:
            return blob, f"The {type(picture).__name__}"
    raise UsageError(
        f"A {type(picture).__name__} is no picture. Give a matplotlib figure, the bytes of a "
        "picture, the path of one, or an address."
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_PICTURE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"The picture {path} cannot be read ({reason}). Give the path of a file, or an "
            "address that begins with https://."
        ) from error


def _saved(figure: Any) -> bytes | None:
    """As matplotlib's figures, and what holds one, save themselves."""
    owner = next(
        (each for each in (figure, getattr(figure, "figure", None)) if hasattr(each, "savefig")),
        None,
    )
    if owner is None:
        return None
    target = io.BytesIO()
    owner.savefig(target, format="png", bbox_inches="tight")
    return target.getvalue()


def _shown(picture: Any) -> bytes | None:
    """As notebooks show it."""
    show: Callable[[], Any] | None = getattr(picture, "_repr_png_", None)
    found = show() if callable(show) else None
    if isinstance(found, tuple):  # with metadata
        found = found[0]
    if isinstance(found, str):
        return base64.b64decode(found)
    return bytes(found) if found else None


__all__ = ["LARGEST_PICTURE", "picture_address"]
