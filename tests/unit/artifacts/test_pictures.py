"""What is read as a picture."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbflow.artifacts.pictures import LARGEST_PICTURE, picture_address
from nbflow.exceptions import UsageError

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = b"\n<svg xmlns='http://www.w3.org/2000/svg'/>"


def decoded(address: str) -> tuple[str, bytes]:
    head, _, body = address.partition(",")
    return head, base64.b64decode(body)


@pytest.mark.parametrize(
    ("blob", "kind"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0rest", "jpeg"),
        (b"GIF89arest", "gif"),
        (b"RIFF\n\0\0\0WEBPrest", "webp"),
        (SVG, "svg+xml"),
    ],
)
def test_pictures_become_part_of_their_address(tmp_path: Path, blob: bytes, kind: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(blob)
    for given in (blob, bytearray(blob), path, str(path)):
        assert decoded(picture_address(given)) == (f"data:image/{kind};base64", blob)


@pytest.mark.parametrize("address", ["https://x/y.png", "HTTP://x", "data:image/png;base64,xx"])
def test_addresses_stay_as_they_are(address: str) -> None:
    assert picture_address(address) == address


def test_what_draws_itself_is_a_picture() -> None:
    class Figure:
        def savefig(self, target: Any, **_: Any) -> None:
            target.write(PNG)

    axes = SimpleNamespace(figure=Figure())
    shown = [
        SimpleNamespace(_repr_png_=lambda give=give: give)
        for give in (
            PNG,
            base64.b64encode(PNG).decode(),
            (PNG, {"width": 1}),
        )
    ]
    for picture in (Figure(), axes, *shown):
        assert decoded(picture_address(picture))[1] == PNG


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (b"text", "The picture is no PNG"),
        (b"", "The picture is no PNG"),
        ("no/such/file.png", "cannot be read"),
        ("javascript:alert(1)", "cannot be read"),
        ("data:text/html,x", "cannot be read"),
        ("a\0b", "cannot be read"),
        (1, "A int is no picture"),
        (None, "A NoneType is no picture"),
        (PNG + b"x" * LARGEST_PICTURE, "more than 3,000,000"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_picture_is_refused(wrong: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        picture_address(wrong)
