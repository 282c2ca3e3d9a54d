"""What a watch is told: the news of a run, or the picture of a flow.

This module decides which of the two a target is, and what is said when it is gone. It must not
know who watches, nor when.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from nbflow.engine.outcomes import describe
from nbflow.exceptions import NbflowError, ObjectNotFound
from nbflow.feed.graphs import graph_json
from nbflow.feed.look import Look
from nbflow.feed.plain import text
from nbflow.feed.run_feed import RunFeed
from nbflow.interactive import shell_here
from nbflow.models import FlowRun, RunGraph
from nbflow.store.base import Store
from nbflow.widgets.actions import actions_of
from nbflow.widgets.cell_places import place_in_notebook
from nbflow.widgets.messages import Target
from nbflow.widgets.registry import shown, store_of


class Follower(Protocol):
    """Makes the updates of one watch; one caller at a time."""

    @property
    def store(self) -> Store | None:
        """Whose news may be news of the target; None: there are none."""

    @property
    def settled(self) -> bool:
        """Whether the target had come to its end at the last update."""

    @property
    def is_behind(self) -> bool:
        """Whether the next update tells more, even if nothing happens."""

    @property
    def paced_seconds(self) -> float:
        """Seconds of work so far that need no pause after them."""

    def update(self, look: Look) -> dict[str, Any] | None:
        """What is new; None when nothing is. Raises `NbflowError`."""

    def has_settled(self) -> bool:
        """Whether it has now, asked without reading all that is new. Raises `NbflowError`."""


def follow(target: Target) -> Follower:
    """The follower of a target; raises `NbflowError` where it is not to be found."""
    if target.run is not None:
        return RunFollower(target.run, store_of(target.run))
    return GraphFollower(_graph_of(str(target.view)))


def _compiler() -> Any:
    """What knows the cells of this kernel; None where it is none."""
    return getattr(shell_here(), "compile", None)


class RunFollower:
    """The news of a recorded run."""

    def __init__(self, run: UUID, store: Store) -> None:
        self.store = store
        self._run = run
        self._feed = RunFeed(store, run, partial(_actions, store=store))

    @property
    def settled(self) -> bool:
        """Whether the run had ended, or waited for a person."""
        return self._feed.settled

    @property
    def is_behind(self) -> bool:
        """Whether a part of what is known was put off."""
        return self._feed.is_behind

    @property
    def paced_seconds(self) -> float:
        """What layouts took, and all that is done once the run has ended."""
        return self._feed.paced_seconds

    def update(self, look: Look) -> dict[str, Any] | None:
        """Everything the first time, then what is new."""
        update = self._feed.update(look)
        failure = update and update.get("failure")
        return update | {"failure": _placed(failure)} if update and failure else update

    def has_settled(self) -> bool:
        """Whether it has by now."""
        return self.store.flow_run(self._run).state.is_settled()


def _placed(failure: dict[str, Any]) -> dict[str, Any]:
    """The failure with its line as the notebook calls it; the feed's own stays as it is."""
    source = failure["source"]
    if source is None:
        return failure
    place = place_in_notebook(_compiler(), source["place"])
    return failure | {"source": source | {"place": place}}


def _actions(run: FlowRun, store: Store) -> list[dict[str, Any]]:
    return [dict(action) for action in actions_of(run, store)]


class GraphFollower:
    """The picture of a flow, which does not change but by another look."""

    store = None
    settled = True
    is_behind = False
    paced_seconds = 0.0

    def __init__(self, graph: RunGraph) -> None:
        self._graph = graph
        self._last: Look | None = None
        self._version = 0

    def update(self, look: Look) -> dict[str, Any] | None:
        """The laid-out graph, once for each look."""
        if look == self._last:
            return None
        self._last = look
        self._version += 1
        drawn = graph_json(self._graph, look, self._version)
        return {"reset": self._version == 1, "now": now_ms(), "graph": drawn}

    def has_settled(self) -> bool:
        """A picture has."""
        return True


def _graph_of(view: str) -> RunGraph:
    graph = getattr(shown.get(view), "graph", None)
    if not isinstance(graph, RunGraph):
        raise ObjectNotFound("The kernel does not know this view any more. Run its cell again.")
    return graph


def gone(error: Exception) -> dict[str, Any]:
    """The update that tells why there are no others."""
    return {"now": now_ms(), "gone": sentence(error)}


def sentence(error: Exception) -> str:
    """An error as one sentence for the reader of a page."""
    words = text(describe(error))
    if isinstance(error, NbflowError):
        return words
    return f"nbflow met an error of its own ({' '.join(words.split())}). Please report it."


def now_ms() -> int:
    """This machine's clock, as views count time."""
    return int(time.time() * 1000)
