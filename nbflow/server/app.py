"""The application: an API around a store, and everything a request passes on its way there.

This module decides how the parts are put together. It must not know what single routes do,
nor how the application is served.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import anyio.to_thread
from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from nbflow import __version__
from nbflow.server import auth, openapi, pages, problems, rpc
from nbflow.server.body_size import SizeLimit
from nbflow.server.event_hub import EventHub
from nbflow.server.metrics import Measured, MeterRequests, RequestMeter
from nbflow.server.query_words import refuse_unknown
from nbflow.server.routes import (
    artifacts,
    backfills,
    cancelling,
    deployments,
    events,
    flow_runs,
    flows,
    health,
    limits,
    queues,
    schedules,
    secrets,
    task_runs,
    variables,
    workers,
)
from nbflow.store.base import Store

#: Threads for calls of the store: remote workers wait in some of them.
THREADS: Final = 200
_ROUTES: Final = (
    flow_runs,
    task_runs,
    flows,
    schedules,
    deployments,
    backfills,
    queues,
    workers,
    limits,
    variables,
    secrets,
    artifacts,
    events,
    health,
)


def create_app(
    store: Store,
    *,
    token: str,
    allowed_hosts: Collection[str] = (),
    scheduler: Measured | None = None,
) -> FastAPI:
    """The server's application around a store.

    Args:
        store: What it serves; it is not closed with the application.
        token: What every request has to carry.
        allowed_hosts: The `Host` headers it answers for, as `auth.hosts_of` gives them.
        scheduler: What is measured of the scheduler beside it.
    """
    meter = RequestMeter()
    app = FastAPI(
        title="nbflow",
        version=__version__,
        summary="From a notebook to a production flow",
        description=openapi.DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its scripts would come from elsewhere: see pages.py
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        # The first is the outermost: a refused request is measured, but reaches nothing.
        middleware=[
            Middleware(MeterRequests, meter=meter),
            Middleware(auth.Guard, token=token, allowed_hosts=allowed_hosts),
            Middleware(SizeLimit),
        ],
    )
    app.state.store = store
    app.state.hub = EventHub(store)
    app.state.requests = meter
    app.state.scheduler = scheduler
    app.state.started = datetime.now(UTC)
    app.state.paths = [_path(route) for module in _ROUTES for route in module.router.routes]
    problems.install(app)
    openapi.install(app)
    for module in _ROUTES:
        app.include_router(
            module.router, responses=problems.PROBLEMS, dependencies=[Depends(refuse_unknown)]
        )
    app.include_router(rpc.router(store), prefix="/api")
    app.include_router(pages.router)
    app.include_router(cancelling.router(store, token))
    return app


def _path(route: BaseRoute) -> str:
    return str(getattr(route, "path_format", ""))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    app.state.hub.close()
