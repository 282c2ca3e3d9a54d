"""How a flow run was called, kept so that it can be called so again.

This module decides what of a call is kept beside the run's record, which shows parameters to
people and cannot give all of them back: those whose types JSON does not have, and options that
are not recorded at all. It must not know states, nor how runs are executed.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from nbflow.engine.results import ResultStore
from nbflow.exceptions import NbflowError, ResumeError
from nbflow.models import FlowRun, ResultRef
from nbflow.settings import get_settings

#: Larger calls are not kept: a run must not become slow in order to be resumable.
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """What a flow run was given."""

    parameters: Mapping[str, Any]
    #: Options of the flow that its source does not tell.
    options: Mapping[str, Any] = field(default_factory=dict)


def keep_call(run: FlowRun, values: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Keep how a run was called, where its record does not tell; what cannot be kept is not."""
    if not options and all(_is_told(run, name, value) for name, value in values.items()):
        return
    try:
        blob = _pickled((dict(values), dict(options)))
        _store().write(_key(run.id), blob)
    except Exception:  # noqa: BLE001 - pickling is the user's code; `call_of` says what it means
        return


def call_of(run: FlowRun) -> Call:
    """How a run was called; raises `ResumeError` when that is not known any more."""
    store = _store()
    try:
        ref: ResultRef | None = store.lookup(_key(run.id))
        if ref is not None:
            return Call(*pickle.loads(store.read(ref)))  # noqa: S301 - results are trusted as code is
    except Exception as error:
        raise ResumeError(
            f"The parameters of {run.name} cannot be read back ({error}). Run it anew with "
            "nbflow run."
        ) from error
    for name, shown in run.parameters.items():
        if isinstance(shown, dict) and "$type" in shown:
            raise ResumeError(
                f"The parameter {name!r} of {run.name} was not kept (a {shown['$type']}). Run it "
                "anew, with that parameter."
            )
    return Call(dict(run.parameters))


def _is_told(run: FlowRun, name: str, value: Any) -> bool:
    shown = run.parameters.get(name)
    return type(shown) is type(value) and bool(shown == value)


class _Limited(io.BytesIO):
    """Takes bytes up to a limit."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > _MOST_BYTES:
            raise NbflowError("The parameters are too large to be kept.")
        return super().write(data)


def _pickled(value: Any) -> bytes:
    target = _Limited()
    pickle.Pickler(target, protocol=5).dump(value)
    return target.getvalue()


def _store() -> ResultStore:
    settings = get_settings()
    if not settings.results:
        settings.ensure_home()
    return ResultStore(settings.results_root(), "pickle")


def _key(run_id: UUID) -> str:
    return f"runs/{run_id}/call"
