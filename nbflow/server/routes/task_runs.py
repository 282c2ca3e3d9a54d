"""Task runs, cells included."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from nbflow.models import RunKind, StateChange, TaskRun
from nbflow.server.answers import Json
from nbflow.server.lookup import IdReference, StoreHere

router: Final = APIRouter(prefix="/api/task_runs", tags=["task runs"])


@router.get("/{task_run}", response_model=TaskRun, summary="Read a task run")
def read_task_run(task_run: IdReference, store: StoreHere) -> Response:
    """One task run."""
    return Json(store.task_run(task_run))


@router.get(
    "/{task_run}/states", response_model=list[StateChange], summary="List a task run's states"
)
def list_states(task_run: IdReference, store: StoreHere) -> Response:
    """The task run's whole history, oldest first."""
    return Json(store.states(RunKind.TASK, store.task_run(task_run).id))
