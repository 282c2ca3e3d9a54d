"""How parameter values are shown in run records: as JSON, short, whatever they are.

This module decides what of a value is worth remembering for people. It must not know
records, and what it returns cannot be turned back into the value.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any, Final

#: Characters a shown value may have.
LIMIT: Final = 500
_ITEMS: Final = 50
#: What each level of nesting costs, so that a list that holds itself comes to an end.
_LEVEL: Final = 25
_EXACT: Final = 2**53  # beyond it JavaScript rounds


def preview(values: Mapping[str, Any], *, limit: int = LIMIT) -> dict[str, Any]:
    """Parameters as JSON-able data for people.

    Plain values stay as they are while they are small. Anything else becomes
    `{"$type": "pandas.DataFrame", "repr": "…", "size": [1000, 3]}`, `size` being the shape
    or length where there is one.
    """
    return {name: _shown(value, limit) for name, value in values.items()}


def shown_text(value: Any) -> str:
    """A value of `preview` as a line for people.

    JSON; of what was not kept a table's or array's type and shape, else how Python writes it.
    """
    if not (isinstance(value, dict) and isinstance(value.get("$type"), str) and "repr" in value):
        return json.dumps(value, ensure_ascii=False, default=str)
    size = value.get("size")
    if isinstance(size, list):
        return f"{value['$type']} {' × '.join(map(str, size))}".rstrip()
    return " ".join(line.strip() for line in str(value["repr"]).splitlines())


def _shown(value: Any, limit: int) -> Any:
    if _plain_cost(value, limit) <= limit:
        return value
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__.split('.')[0]}."
    shown = {"$type": f"{module}{kind.__qualname__}", "repr": short_repr(value, limit)}
    size = _size(value)
    return shown if size is None else {**shown, "size": size}


def _plain_cost(value: Any, limit: int) -> float:
    """About the length of a value's JSON; infinite when it is not JSON as it is."""
    kind = type(value)
    if value is None or kind in {bool, int, float}:
        return 16 if _is_exact(value) else math.inf
    if kind is str:
        return _text_cost(value)
    if limit <= 0:
        return math.inf
    if kind is list and len(value) <= _ITEMS:
        return _sum((_plain_cost(item, limit - _LEVEL) for item in value), limit)
    if kind is dict and len(value) <= _ITEMS and all(type(key) is str for key in value):
        return _sum((len(k) + _plain_cost(v, limit - _LEVEL) for k, v in value.items()), limit)
    return math.inf


def _is_exact(value: float | None) -> bool:
    if isinstance(value, int):
        return abs(value) <= _EXACT
    return value is None or math.isfinite(value)


def _text_cost(text: str) -> float:
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates are not JSON for everyone
        return math.inf
    return len(text)


def _sum(costs: Any, limit: int) -> float:
    total = 2.0
    for cost in costs:
        total += cost + 2
        if total > limit:
            return math.inf
    return total


def short_repr(value: Any, limit: int = LIMIT) -> str:
    """A value's `repr` in at most `limit` characters; never raises."""
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = shortener.maxlong = limit
    shortener.maxlist = shortener.maxtuple = shortener.maxdict = shortener.maxset = 12
    shortener.maxlevel = 4
    try:
        text = shortener.repr(value)
    except Exception as error:  # noqa: BLE001 - `__repr__` is the user's code
        text = f"<{type(value).__qualname__} whose repr raised {type(error).__name__}>"
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _size(value: Any) -> int | list[int] | None:
    try:
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple):
            return [int(length) for length in shape]
        return len(value)
    except Exception:  # noqa: BLE001 - `__len__` and `shape` are the user's code
        return None
