"""What runs left behind to look at, as far as a page can hold it.

This module decides how many artifacts are sent, and what stands for one that is too large. It
must not know how they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from nbflow.feed.plain import at, optional, plain, text
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.store.base import Store

#: Characters of one artifact's JSON, of a picture's, and of all that are sent.
LARGEST: Final = 200_000
LARGEST_PICTURE: Final = 1_000_000
LARGEST_SUM: Final = 6_000_000
#: The newest of a run; the older ones are not sent.
MOST: Final = 2_000
_FIRST_PAGE: Final = 20
_PAGE: Final = 200
#: What a text is longer for being cut.
_MARGIN: Final = 100


class ArtifactReader:
    """The artifacts of a run and its subflows, each sent once, and again when it changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: By id: what may change of it.
        self._sent: dict[UUID, object] = {}
        self._moving = False
        self._room = LARGEST_SUM

    def read(self, run_ids: Iterable[UUID]) -> list[dict[str, Any]]:
        """What is new, oldest first."""
        new = [each for run_id in run_ids for each in self._new(run_id)]
        # The newest come first to where there is little room.
        told = [self._json(each) for each in sorted(new, key=_age, reverse=True)]
        return told[::-1]

    def _new(self, run_id: UUID) -> Iterator[Artifact]:
        for each in [*self._newest(run_id), *self._progress(run_id)]:
            told = (each.data, each.description) if _moves(each) else None
            if each.id not in self._sent or self._sent[each.id] != told:
                self._sent[each.id] = told
                self._moving = self._moving or _moves(each)
                yield each

    def _newest(self, run_id: UUID) -> list[Artifact]:
        """Back to those that were sent already."""
        found: list[Artifact] = []
        limit = _FIRST_PAGE
        while len(found) < MOST:
            page = self._store.artifacts.search(flow_run_id=run_id, limit=limit, offset=len(found))
            found += page
            if len(page) < limit or page[-1].id in self._sent:
                break
            limit = _PAGE
        return found

    def _progress(self, run_id: UUID) -> list[Artifact]:
        """What changes after it was made, however old it is."""
        if not self._moving:
            return []
        return self._store.artifacts.search(
            flow_run_id=run_id, kind=ArtifactKind.PROGRESS, limit=_PAGE
        )

    def _json(self, artifact: Artifact) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": str(artifact.id),
            "kind": artifact.kind.value,
            "key": optional(artifact.key),
            "description": optional(artifact.description),
            "run": str(artifact.flow_run_id) if artifact.flow_run_id else None,
            "task": str(artifact.task_run_id) if artifact.task_run_id else None,
            "created": at(artifact.created),
        }
        return told | self._data(artifact)

    def _data(self, artifact: Artifact) -> dict[str, Any]:
        whole = artifact.data
        is_picture = artifact.kind is ArtifactKind.IMAGE
        data = plain(whole, limit=LARGEST_PICTURE) if is_picture else _cut(whole)
        size, limit = _size(data), LARGEST_PICTURE if is_picture else LARGEST + _MARGIN
        if size > min(limit, self._room):
            length = f"{_size(whole):,}".replace(",", "\u202f")
            words = f"This {artifact.kind} is too large to be shown here: {length} characters."
            return {"kind": ArtifactKind.MARKDOWN.value, "data": words}
        self._room -= size
        return {"data": data}


def _moves(artifact: Artifact) -> bool:
    """Whether it may be another the next time: only how much is done is ever updated."""
    return artifact.kind is ArtifactKind.PROGRESS


def _age(artifact: Artifact) -> tuple[Any, UUID]:
    return artifact.created, artifact.id


def _size(data: Any) -> int:
    return len(json.dumps(data))


def _cut(data: Any) -> Any:
    """A text by its beginning, a table by its first rows; the rest as it is."""
    if isinstance(data, str):
        return text(data, LARGEST)
    data = plain(data)
    if not isinstance(data, dict) or not isinstance(data.get("rows"), list):
        return data
    rows, room = data["rows"], LARGEST - _size(data.get("columns"))
    for number, row in enumerate(rows):
        room -= _size(row) + 2
        if room < 0:
            return data | {"rows": rows[:number]}
    return data
