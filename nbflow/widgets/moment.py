"""A run as it is at one moment, as static HTML and text: what files keep and every front end shows.

This module decides what of a run is shown where nothing can move: header, bar, failure, what
runs now, the picture, the last lines. It must not know where it is displayed, nor how often.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Final

from nbflow import states
from nbflow.cli.reports import seconds_of
from nbflow.drawing import fitted, fitted_text
from nbflow.exceptions import VisualizationError
from nbflow.failure import Failure, short_id
from nbflow.feed.plain import sendable
from nbflow.models import FlowRun, RunGraph
from nbflow.states import State, look_of, now
from nbflow.story import Story
from nbflow.tally import Tally
from nbflow.terminal_text import plain_line
from nbflow.widgets import markup
from nbflow.widgets.stopping import address_to_cancel
from nbflow.wording import DONE_NAMES, duration, state_word

_ROWS: Final = 6
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A run as it is now."""

    title: str
    state: State[Any]
    seconds: float | None = None
    tally: Tally = Tally(0, 0, {}, "task")  # noqa: RUF009 - frozen
    #: What runs now, and for how long.
    rows: tuple[tuple[str, float], ...] = ()
    lines: tuple[str, ...] = ()
    failure: Failure | None = None
    graph: RunGraph | None = None
    #: How somebody who sees no button can end it, and a page that has one, where there is any.
    stop: str = ""
    stop_address: str = ""

    @property
    def side(self) -> str:
        """How far it is, and how long it takes."""
        settled = self.state.is_settled()
        took = duration(self.seconds) if settled else _ticking(self.seconds)
        counts = self.tally.counts
        good = sum(number for name, number in counts.items() if name in DONE_NAMES)
        far = f"{good} of {self.tally.total}" if self.tally.total else ""
        return " · ".join(filter(None, (far, took)))


def _ticking(seconds: float | None) -> str:
    """A length of time that goes on: tenths would only flicker."""
    if seconds is None:
        return ""
    return f"{int(seconds)} s" if seconds < _MINUTE else duration(seconds)


def moment_of(story: Story, title: str, lines: Sequence[str] = ()) -> Moment:
    """What is known of a run now."""
    run, at = story.run, now()
    stop = _stop_words(run)
    return Moment(
        title=plain_line(run.flow_name if run is not None else title),
        state=run.state if run is not None else states.Pending(),
        seconds=seconds_of(run, at) if run is not None else None,
        tally=story.tally(),
        rows=tuple(
            (
                plain_line(each.flow_name if isinstance(each, FlowRun) else each.name),
                seconds_of(each, at) or 0.0,
            )
            for each in story.running()
        ),
        lines=tuple(lines),
        stop=stop,
        stop_address=address_to_cancel(run.id) if run is not None and stop else "",
    )


def _stop_words(run: FlowRun | None) -> str:
    """What ends a run that goes on: a static form has no button."""
    if run is None or run.state.is_settled() or run.state.is_cancelling():
        return ""
    return f"To end it: the notebook's stop button, or nbflow cancel {short_id(run)} in a terminal."


def moment_data(moment: Moment) -> dict[str, str]:
    """The moment as notebooks take it: HTML, and text for those that show no HTML."""
    drawn, text = _drawn(moment.graph) if moment.graph and moment.graph.nodes else ("", "")
    return {
        "text/html": sendable(_html(moment, drawn)),
        "text/plain": sendable(_text(moment, text)),
    }


def _drawn(graph: RunGraph) -> tuple[str, str]:
    """The graph as HTML and as text, as much of it as is drawn while one waits."""
    shown = fitted(_bare(graph))
    command = f"%nbflow graph {shlex.quote(graph.title or 'RUN')} --output all.svg"
    ask = f"{command} draws all of it, which may take minutes."
    text = fitted_text(shown, ask)
    try:
        return markup.fitted_picture(shown, ask), text
    except VisualizationError as error:  # without Graphviz there is the text
        return markup.words(str(error), "nbf-mute"), text


def _bare(graph: RunGraph) -> RunGraph:
    """The graph without a header: the view has one."""
    return replace(graph, title="", state_name=None, state_type=None, duration=None, message=None)


def _html(moment: Moment, picture: str) -> str:
    head = markup.element(
        "div",
        "nbf-row",
        markup.chip(moment.state),
        markup.words(moment.title, "nbf-name"),
        markup.words(moment.side, "nbf-side"),
    )
    parts = [head, markup.bar(moment.tally.counts) if moment.tally.total else ""]
    if moment.failure is not None:
        parts.append(_alarm(moment.failure))
    parts += [_row(name, seconds) for name, seconds in moment.rows[:_ROWS]]
    if len(moment.rows) > _ROWS:
        parts.append(markup.words(f"and {len(moment.rows) - _ROWS} more", "nbf-mute"))
    if moment.stop:
        parts.append(_way_out(moment))
    parts.append(picture)
    if moment.lines:
        parts.append(markup.element("pre", "nbf-mute", escape("\n".join(moment.lines))))
    return markup.page(*parts)


def _way_out(moment: Moment) -> str:
    """The words, and the page behind them: the browser may be on another machine than it is."""
    words = markup.words(moment.stop, "nbf-mute")
    if not moment.stop_address:
        return words
    link = (
        f'<a href="{escape(moment.stop_address)}" target="_blank" rel="noopener noreferrer" '
        'style="color:var(--nbf-blue);white-space:nowrap">Cancel this run…</a>'
    )
    return markup.element("div", "", words, " ", link)


def _row(name: str, seconds: float) -> str:
    return markup.element(
        "div",
        "nbf-row",
        markup.icon(states.Running()),
        markup.words(name),
        markup.words(_ticking(seconds), "nbf-time"),
    )


def _alarm(failure: Failure) -> str:
    """What failed, why, where in the user's code, and what to type next."""
    parts = [markup.element("div", "", f"<b>{escape(failure.what)}</b>")]
    if failure.error:
        parts.append(markup.element("div", "", markup.words(failure.error)))
    if failure.source is not None:
        place = markup.element("span", "nbf-mute", escape(f"{failure.source.place}  "))
        parts.append(f"<pre>{place}{escape(failure.source.text)}</pre>")
    steps = "\n".join(f"{command}  # {purpose}" for command, purpose in _next(failure))
    parts.append(markup.element("pre", "nbf-mute", escape(steps)) if steps else "")
    return markup.element("div", "nbf-alarm", *parts)


def _next(failure: Failure) -> list[tuple[str, str]]:
    """What to type in a notebook: our commands as magics, nothing that belongs in a terminal."""
    commands = ((re.sub("^nbflow ", "%nbflow ", s.command), s.purpose) for s in failure.next_steps)
    return [(command, purpose) for command, purpose in commands if command.startswith("%")]


def _text(moment: Moment, graph: str) -> str:
    look = look_of(moment.state.name, moment.state.type)
    head = f"{look.glyph} {state_word(moment.state.name)}  {moment.title}  {moment.side}".rstrip()
    failure = moment.failure
    told = [failure.what, f"  {failure.error}"] if failure else []
    if failure is not None and failure.source is not None:
        told.append(f"  {failure.source.place}: {failure.source.text}")
    running = [f"  ◉ {name}  {_ticking(seconds)}" for name, seconds in moment.rows[:_ROWS]]
    after = [part for part in (moment.stop, graph) if part]
    return "\n".join([head, *told, *running, *after, *moment.lines])
