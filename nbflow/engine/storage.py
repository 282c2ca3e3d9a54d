"""Keeping the values of runs, and finding those that need not be computed again.

This module decides whether a run's value is stored, where and under which key. It must not
decide states: it answers what it found or kept.
"""

from __future__ import annotations

import functools
import logging
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from nbflow.cache_policies import CacheContext, CachePolicy
from nbflow.context import TaskRunContext
from nbflow.engine.results import ResultStore, StoredResultHandle
from nbflow.engine.session import FlowSession
from nbflow.exceptions import HashError, NotKept
from nbflow.flows import Flow
from nbflow.logging import run_logger
from nbflow.models import ResultRef
from nbflow.serializers import Serializer
from nbflow.settings import get_settings
from nbflow.states import State, now
from nbflow.tasks import Task


@dataclass(slots=True)
class TaskStorage:
    """The stored values of one task run."""

    task: Task[..., Any]
    session: FlowSession | None
    #: The key under which the value may be found by others; None before it was computed, or
    #: when the value cannot be reused.
    key: str | None = None

    def look_up(self, run: TaskRunContext) -> StoredResultHandle | None:
        """The value of an earlier run that may take this one's place."""
        self.key = self._cache_key(run)
        if self.key is None or self.task.refresh_cache:
            return None
        try:
            ref = self._store().lookup(self.key, now())
        except Exception as error:  # noqa: BLE001 - storages may be anyone's
            self._note(run, "Not taken from the cache: %s", error)
            return None
        return self._restored(StoredResultHandle(ref), run) if ref else None

    def _restored(self, kept: StoredResultHandle, run: TaskRunContext) -> StoredResultHandle | None:
        try:
            self.task.cache_policy.restore(kept)
        except Exception as error:  # noqa: BLE001 - loading a value may run anyone's code
            self._note(run, "Not restored: %s", error)
            return None
        return kept

    def keep(self, state: State[Any], run: TaskRunContext) -> tuple[State[Any], ResultRef | None]:
        """Store a completed run's value; a value that cannot be stored stays in memory."""
        if isinstance(state.data, StoredResultHandle):  # it came from the cache
            return state, state.data.ref
        expiration = self.task.cache_expiration
        expires = None if expiration is None else now() + expiration
        key = self.key or f"runs/{run.task_run.id}"
        policy = self.task.cache_policy
        if self.key is None and not policy.keeps_without_key:
            return state, None
        context = CacheContext(self.task, run.task_run)
        try:
            value = policy.to_keep(context, run.parameters, state.data)
            return state, self._store().write(key, value, expires=expires)
        except NotKept as error:
            self._note(run, "Not kept: %s", error)
            return state, None
        except Exception as error:  # noqa: BLE001 - serializers and storages may be anyone's
            run_logger(run).error("The value of %r is not stored: %s", self.task.name, error)
            return state, None

    def _cache_key(self, run: TaskRunContext) -> str | None:
        parameters = dict(run.parameters)
        try:
            if self.task.result_storage_key is not None:
                return _format_key(self.task, run, self.session)
            flow_parameters = dict(self.session.parameters) if self.session else {}
            context = CacheContext(self.task, run.task_run)
            return self.task.cache_policy.compute_key(context, parameters, flow_parameters)
        except HashError as error:
            self._note(run, "Not cached: %s", error)
        except Exception:  # noqa: BLE001 - cache_key_fn is the user's code
            run_logger(run).warning(
                "Not cached: the cache key of %r could not be computed.",
                self.task.name,
                exc_info=True,
            )
        return None

    def _note(self, run: TaskRunContext, message: str, error: Exception) -> None:
        level = logging.WARNING if self.task.cache_policy.is_asked_for else logging.DEBUG
        run_logger(run).log(level, message, error)

    def _store(self) -> ResultStore:
        policy: CachePolicy = self.task.cache_policy
        flow = self.session.flow if self.session else None
        root = policy.key_storage or self.task.result_storage or _of(flow, "result_storage")
        serializer = self.task.result_serializer or _of(flow, "result_serializer")
        return _result_store(root, serializer)


def storage_for(task: Task[..., Any], session: FlowSession | None) -> TaskStorage | None:
    """The storage of a new run of this task; None when its value is not kept."""
    keeps = task.persist_result
    if keeps is None:
        keeps = task.caches_explicitly or _flow_keeps(session) or get_settings().persist_results
    return TaskStorage(task, session) if keeps else None


def keep_flow_value(
    flow: Flow[..., Any], session: FlowSession, state: State[Any]
) -> ResultRef | None:
    """Store a completed flow run's value."""
    try:
        store = _result_store(flow.result_storage, flow.result_serializer)
        return store.write(f"runs/{session.flow_run.id}", state.data)
    except Exception as error:  # noqa: BLE001 - serializers and storages may be anyone's
        run_logger(session).error("The value of %r is not stored: %s", flow.name, error)
        return None


def forget_cells(flow_run_id: UUID) -> None:
    """Remove what a flow run kept of its cells for itself, when nobody will resume it."""
    root, folder = get_settings().results_root(), f"cells/runs/{flow_run_id}"
    if "://" not in root:
        shutil.rmtree(Path(root) / folder, ignore_errors=True)
        return
    import fsspec  # noqa: PLC0415 - only storage behind a URL needs it

    files, path = fsspec.core.url_to_fs(f"{root.rstrip('/')}/{folder}")
    with suppress(FileNotFoundError):
        files.rm(path, recursive=True)


def _flow_keeps(session: FlowSession | None) -> bool:
    return bool(session is not None and session.flow.persist_result)


def _of(flow: Any, name: str) -> Any:
    return getattr(flow, name, None)


def _format_key(task: Task[..., Any], run: TaskRunContext, session: FlowSession | None) -> str:
    assert task.result_storage_key is not None
    flow_run = session.flow_run if session else None
    try:
        return task.result_storage_key.format(
            parameters=run.parameters, task_run=run.task_run, flow_run=flow_run, task=task
        )
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        raise HashError(
            f"result_storage_key {task.result_storage_key!r} of task {task.name!r} does not fit "
            f"its parameters {sorted(run.parameters)}: {error!r}."
        ) from error


def _result_store(root: Any, serializer: Serializer | str | None) -> ResultStore:
    settings = get_settings()
    if not root and not settings.results:
        settings.ensure_home()
    place = str(root) if root else settings.results_root()
    return _open(place, serializer or settings.result_serializer)  # type: ignore[arg-type] # serializers are frozen


@functools.lru_cache(maxsize=64)
def _open(root: str, serializer: Serializer | str) -> ResultStore:
    return ResultStore(root, serializer)
