"""Answers in JSON: records in their wire form, pages of lists, and the shapes of short answers.

This module decides how records are written out. It must not know which ones are asked for.
"""

from __future__ import annotations

import json
import math
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field
from starlette.responses import Response

from nbflow import wire

T = TypeVar("T")


class Json(Response):
    """Records, or plain values, in the JSON form that every client knows."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The text of the answer; ASCII alone, so that no lone surrogate can break it."""
        plain = wire.dump(content)
        try:
            return _written(plain)
        except ValueError:  # a NaN of the user's, which JSON does not have
            return _written(_finite(plain))


def _written(plain: Any) -> bytes:
    return json.dumps(plain, allow_nan=False, separators=(",", ":")).encode("ascii")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


class Page(BaseModel, Generic[T]):
    """Some of a list, and how long the whole list is."""

    items: list[T]
    total: int = Field(ge=0, description="How many there are in all.")


def page(items: list[Any], total: int) -> Json:
    """The answer that `Page` describes."""
    return Json({"items": items, "total": total})


class Count(BaseModel):
    """How many there are."""

    count: int = Field(ge=0)
