"""Views to look at in a notebook: a run, a flow before it runs, all runs, a form to deploy.

This module decides what objects users have for that, and what their static forms show, which is
what files keep and what stands wherever a page cannot make them live. It must not know how they
become live.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow.cli.graph import graph_of
from nbflow.cli.run import ending_of
from nbflow.cli.targets import is_file_target
from nbflow.drawing import fitted, fitted_text
from nbflow.exceptions import UsageError, VisualizationError
from nbflow.flows import Flow
from nbflow.models import RunGraph
from nbflow.run_graph import graph_of_run
from nbflow.run_reader import Batch
from nbflow.runs import Run, get_run
from nbflow.states import StateType, now
from nbflow.store import open_store
from nbflow.story import Story
from nbflow.widgets import deploy, markup, saved_table
from nbflow.widgets.bridge import bridge
from nbflow.widgets.element import wrap_run, wrap_view
from nbflow.widgets.moment import Moment, moment_data, moment_of
from nbflow.widgets.registry import remember_store, shown
from nbflow.widgets.run_search import Request, Where, rows

if TYPE_CHECKING:  # loads ipywidgets, which only who composes views needs
    from nbflow.widgets.composed import ViewWidget

#: Runs in the static form of a table.
_ROWS: Final = 20


class View(ABC):
    """Something to look at: live in a notebook whose kernel runs, static everywhere else."""

    def widget(self) -> ViewWidget:
        """The view as a widget, to put into a `VBox` or another container of ipywidgets."""
        from nbflow.widgets.composed import view_widget  # noqa: PLC0415 - see above

        bridge()
        return view_widget(**self._target())

    @property
    def text(self) -> str:
        """What is shown, as text."""
        return self._forms()["text/plain"]

    @abstractmethod
    def _target(self) -> dict[str, str]:
        """The attributes of the view's element."""

    @abstractmethod
    def _forms(self) -> dict[str, str]:
        """The static forms: `text/html` and `text/plain`."""

    @abstractmethod
    def _wrap(self, html: str) -> str:
        """The static form, inside of the view's element."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        forms = self._forms()
        bridge()
        return {**forms, "text/html": self._wrap(forms["text/html"])}


class RunView(View):
    """A run: state, graph, timeline, logs and results, while it goes on and afterwards."""

    def __init__(self, run: Run | UUID | str = "latest") -> None:
        """Look at a run, or at the one that an id, a part of one, a name or `latest` means.

        Raises `ObjectNotFound`.
        """
        self.run = run if isinstance(run, Run) else get_run(run)
        remember_store(self.run.id, self.run.store)

    def _target(self) -> dict[str, str]:
        return {"run": str(self.run.id)}

    def _wrap(self, html: str) -> str:
        return wrap_run(self.run.id, html)

    def _forms(self) -> dict[str, str]:
        return moment_data(moment_of_run(self.run))

    def __repr__(self) -> str:
        return f"RunView({self.run!r})"


def moment_of_run(run: Run) -> Moment:
    """A recorded run as it is now, with its picture; raises `ObjectNotFound` once it is deleted."""
    ending = ending_of(run.store, run.id)
    story = Story(run.id)
    story.events(Batch([ending.run], list(ending.tasks)))
    graph = graph_of_run(ending.run, ending.tasks, ending.subflows)
    return replace(moment_of(story, ending.run.flow_name), failure=ending.failure, graph=graph)


class FlowView(View):
    """A flow before it runs: its tasks or cells, and what passes between them."""

    def __init__(self, flow: Flow[..., Any] | str | os.PathLike[str]) -> None:
        """Look at a flow, or at the one in a notebook or a file (`flows.py:etl`).

        Nothing is executed: tasks return their `viz_return_value`, as for `flow.visualize`, and
        parameters without a default are None. Raises `VisualizationError`, or `UsageError` for
        what is no flow.
        """
        self.graph = _graph(flow)
        self._id = shown.add(self)

    def _target(self) -> dict[str, str]:
        return {"view": self._id, "kind": "flow"}

    def _wrap(self, html: str) -> str:
        return wrap_view(self._id, "flow", html)

    def _forms(self) -> dict[str, str]:
        return _pictured(self.graph)

    def __repr__(self) -> str:
        return f"FlowView({self.graph.title!r}, {len(self.graph.nodes)} nodes)"


def _graph(flow: object) -> RunGraph:
    if isinstance(flow, Flow):
        return flow.graph(**{p.name: None for p in flow.parameters if p.required})
    if isinstance(flow, str | os.PathLike):
        path = os.fspath(flow)
        if isinstance(path, str) and is_file_target(path):
            return graph_of(path)
    raise UsageError(
        f"FlowView shows a flow, a notebook or a file's flow, not {flow!r}. "
        "A run is shown by RunView."
    )


def _pictured(graph: RunGraph) -> dict[str, str]:
    drawn = fitted(graph)
    text = fitted_text(drawn)
    try:
        picture = markup.fitted_picture(drawn)
    except VisualizationError:  # without Graphviz there is the text
        picture = markup.preformatted(text)
    return {"text/html": markup.page(picture), "text/plain": text}


class RunsTable(View):
    """Recorded runs: find them, sort them, look at one."""

    def __init__(
        self,
        text: str | None = None,
        *,
        states: Iterable[StateType | str] = (),
        flow: str | None = None,
        tags: Iterable[str] = (),
    ) -> None:
        """List runs, newest first.

        Args:
            text: Occurs in the run's or the flow's name.
            states: Types of states, such as `FAILED`.
            flow: The flow's name.
            tags: The runs have all of these.
        """
        self.where = Where(
            text=text, states=frozenset(map(_state_type, states)), flow=flow, tags=frozenset(tags)
        )
        self._id = shown.add(self)

    def _target(self) -> dict[str, str]:
        return {"view": self._id, "kind": "runs"}

    def _wrap(self, html: str) -> str:
        return wrap_view(self._id, "runs", html)

    def _forms(self) -> dict[str, str]:
        store, at = open_store(), now()
        found = rows(store, Request(where=self.where, limit=_ROWS))
        total = store.count_flow_runs(self.where.filter())
        return {
            "text/html": saved_table.html(found, total, at),
            "text/plain": saved_table.text(found, total, at),
        }


def _state_type(word: StateType | str) -> StateType:
    try:
        return StateType(str(word).upper())
    except ValueError:
        choices = ", ".join(each.value for each in StateType)
        raise UsageError(f"{word!r} is no type of state. There are: {choices}.") from None


class DeployForm(View):
    """A form that deploys a flow or a notebook: parameters, a schedule, a queue."""

    def __init__(self, target: Flow[..., Any] | str | os.PathLike[str]) -> None:
        """Fill in how a flow, a notebook or a file's flow (`flows.py:etl`) is deployed.

        Raises `UsageError`, or `NotebookError`, for what cannot be deployed.
        """
        self.target = target
        self._static = {
            "text/html": deploy.static_html(target),
            "text/plain": deploy.static_text(target),
        }
        self._id = shown.add(self)

    def _target(self) -> dict[str, str]:
        return {"view": self._id, "kind": "deploy"}

    def _wrap(self, html: str) -> str:
        return wrap_view(self._id, "deploy", html)

    def _forms(self) -> dict[str, str]:
        return self._static
