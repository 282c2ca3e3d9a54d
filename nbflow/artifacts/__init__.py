"""What a run leaves behind to look at: text, tables, links, pictures, progress, numbers.

This module decides how what users give becomes an artifact of the run that is current, and
the form of its data. It must not know where artifacts are kept.

The data, by kind. markdown: the text. table: `{"columns": […], "rows": [[…], …], "total": n}`,
cut after its first rows, `total` being all of them. link: `{"url": …, "text": …}`. image:
`{"url": …}`, a picture given as such being part of the address. progress: 0 to 100. metric:
`{"value": …, "step": …}`, NaN and infinities as text.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from nbflow.artifacts.pictures import picture_address
from nbflow.artifacts.tables import plain_number, plain_value, tabulate
from nbflow.context import FlowRunContext, current_context
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models import new_id
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.states import now
from nbflow.store import Store, open_store

#: The key of the table that `log_params` makes.
PARAMETERS_KEY: Final = "parameters"
_WHOLE: Final = 100.0
#: Where links may not lead: what they hold would be executed by the page that shows them.
_EXECUTED: Final = ("javascript:", "vbscript:", "data:")
#: Seconds for which a run that another process has just made may not be committed yet.
_PATIENCE_SECONDS: Final = 2.0


def create_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> UUID:
    """Keep a text in Markdown with the current run; the artifact's id."""
    return _keep(ArtifactKind.MARKDOWN, str(markdown), key, description)


def create_table_artifact(
    table: Any, key: str | None = None, description: str | None = None
) -> UUID:
    """Keep a table with the current run; the artifact's id.

    Args:
        table: A DataFrame (pandas, polars), a list of dicts or of lists, or a dict of columns.
        key: Tables of one key are versions of the same thing.
        description: What people should know about it.
    """
    return _keep(ArtifactKind.TABLE, tabulate(table), key, description)


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> UUID:
    """Keep a link with the current run; the artifact's id."""
    if link.strip().lower().startswith(_EXECUTED):
        raise UsageError(
            f"The link {link[:80]!r} cannot be kept: pages would execute it. "
            "Give one that leads to a place, such as https://…."
        )
    return _keep(ArtifactKind.LINK, {"url": link, "text": link_text or link}, key, description)


def create_image_artifact(
    image: Any = None,
    key: str | None = None,
    description: str | None = None,
    *,
    image_url: str | None = None,
) -> UUID:
    """Keep a picture with the current run; the artifact's id.

    Args:
        image: A matplotlib figure, or anything else that notebooks show as PNG; the bytes of
            a picture; the path of one; or an address.
        key: Pictures of one key are versions of the same thing.
        description: What people should know about it.
        image_url: The same as `image`, for an address.
    """
    given = image if image_url is None else image_url
    return _keep(ArtifactKind.IMAGE, {"url": picture_address(given)}, key, description)


def create_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> UUID:
    """Keep how much of something is done, 0 to 100, with the current run; the artifact's id."""
    return _keep(ArtifactKind.PROGRESS, _percentage(progress), key, description)


def update_progress_artifact(
    artifact_id: UUID | str, progress: float, description: str | None = None
) -> UUID:
    """Change how much is done; raises `ObjectNotFound`."""
    artifacts = _store().artifacts
    present = artifacts.get(UUID(str(artifact_id)))
    if present.kind is not ArtifactKind.PROGRESS:
        raise UsageError(
            f"The artifact {artifact_id} is no progress but a {present.kind}. "
            "Make one: create_progress_artifact(0)."
        )
    told = present.description if description is None else description
    artifacts.add(replace(present, data=_percentage(progress), description=told))
    return present.id


def log_metric(name: str, value: float, step: int | None = None) -> UUID:
    """Keep a number under a name with the current run, such as a loss; the artifact's id.

    With `step`, numbers of one name make a curve.
    """
    number = plain_number(value)
    if number is None:
        raise UsageError(f"The metric {name!r} is {value!r}, which is no number. Give one.")
    data = {"value": number, "step": None if step is None else int(step)}
    return _keep(ArtifactKind.METRIC, data, name, None)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> list[UUID]:
    """Keep several numbers by name with the current run; the artifacts' ids."""
    return [log_metric(name, value, step) for name, value in metrics.items()]


def log_param(name: str, value: Any) -> UUID:
    """Keep a setting of the current run that is no parameter of its flow; the artifact's id."""
    return log_params({name: value})


def log_params(params: Mapping[str, Any]) -> UUID:
    """Keep several settings of the current run as one table; the artifact's id."""
    rows = [{"name": str(name), "value": plain_value(value)} for name, value in params.items()]
    return _keep(ArtifactKind.TABLE, tabulate(rows), PARAMETERS_KEY, None)


def _percentage(progress: float) -> float:
    number = plain_number(progress)
    if not isinstance(number, (int, float)) or not 0 <= number <= _WHOLE:
        raise UsageError(f"The progress is {progress!r}. Give a number from 0 to 100.")
    return float(number)


# ── the current run ──────────────────────────────────────────────────────────────────────


def _keep(kind: ArtifactKind, data: Any, key: str | None, description: str | None) -> UUID:
    context = current_context()
    flow_run_id, task_run_id = (None, None) if context is None else context.ids
    artifact = Artifact(
        id=new_id(),
        kind=kind,
        key=key,
        description=description,
        data=data,
        flow_run_id=flow_run_id,
        task_run_id=task_run_id,
        created=now(),
    )
    _add(_store(), artifact)
    return artifact.id


def _add(store: Store, artifact: Artifact) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            store.artifacts.add(artifact)
        except ObjectNotFound:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            store.events.wait(store.events.latest(), min(left, _PATIENCE_SECONDS / 20))
        else:
            return


def _store() -> Store:
    """The store of the current run, which may write for it alone; else this process's."""
    store: Store | None = getattr(FlowRunContext.get(), "store", None)
    return store or open_store()


__all__ = [
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "update_progress_artifact",
]
