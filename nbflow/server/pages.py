"""The pages that the server has without a dashboard: a welcome, and the API in plain HTML.

This module decides what they show. They need no script and nothing from elsewhere, so that
nothing of the kind has to be allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from nbflow import __version__

router: Final = APIRouter(include_in_schema=False)

#: Nothing but our own style.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}code,h3{font-family:ui-monospace,monospace}h3{font-size:1rem;"
    "margin:1.5rem 0 0}p,ul{margin:.2rem 0}dt{font-weight:600}.m{display:inline-block;width:4.5em}"
)


@router.get("/")
async def welcome() -> HTMLResponse:
    """What this is, and where the API is described."""
    body = (
        f"<h1>nbflow {escape(__version__)}</h1><p>This server keeps flow runs, deployments and "
        "schedules.</p><ul><li><a href='/api/docs'>The API</a>, and its "
        "<a href='/api/openapi.json'>OpenAPI document</a></li>"
        "<li><a href='/api/flow_runs'>Flow runs</a>, "
        "<a href='/api/deployments'>deployments</a>, <a href='/api/workers'>workers</a></li></ul>"
    )
    return _page("nbflow", body)


@router.get("/api/docs")
async def describe(request: Request) -> HTMLResponse:
    """All routes with what they take and answer."""
    return _page("The API of nbflow", "".join(_description(request.app.openapi())))


def _page(title: str, body: str) -> HTMLResponse:
    html = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


def _description(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h1>{escape(document['info']['title'])}</h1>"
    for part in document["info"]["description"].strip().split("\n\n"):
        yield f"<p>{escape(part)}</p>"
    for tag in document["tags"]:
        found = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if tag["name"] in operation.get("tags", ())
        ]
        if found:
            yield f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>"
            for each in found:
                yield from _operation(*each)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h3><span class='m'>{method}</span> {escape(path)}</h3>"
    yield f"<p>{escape(operation.get('description', ''))}</p><ul>"
    for parameter in operation.get("parameters", ()):
        words = parameter.get("description", "")
        place = "" if parameter["in"] == "query" else f" ({parameter['in']})"
        yield f"<li><code>{escape(parameter['name'])}</code>{place} {escape(words)}</li>"
    yield "</ul>"
