"""Words of an address that no route knows: refused, so that a slip does not list everything.

This module decides what is said of them. It must not know single routes: which words a route
takes stands in the OpenAPI document.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError


async def refuse_unknown(request: Request) -> None:
    """Let a request pass whose query has only words that its route takes."""
    if request.query_params:
        wrong = list(_unknown(request))
        if wrong:
            raise RequestValidationError(wrong)


def _unknown(request: Request) -> Iterator[dict[str, Any]]:
    paths = request.app.openapi()["paths"]
    route = paths.get(getattr(request.scope.get("route"), "path_format", ""), {})
    parameters = route.get(request.method.lower(), {}).get("parameters", ())
    known = [each["name"] for each in parameters if each["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            takes = f"It takes: {', '.join(known) or 'nothing'}"
            hint = f"Did you mean {near[0]}?" if near else takes
            yield {
                "loc": ("query", name),
                "msg": f"This is not taken here. {hint}",
                "type": "extra",
            }
