"""What the deploy form is told, does, and is where nothing can be clicked.

This module decides what a form needs to know of a target, how its answers become a deployment,
and how target and parameters read in a saved notebook. Deployments are made as `nbflow.deploy`
and `nbflow deploy` make them, and nothing of a target is executed. It must not know how forms
are drawn, nor how questions reach it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

from nbflow import states, wire
from nbflow.annotations import NotSet
from nbflow.cli.deployment_words import unserved, unserved_words
from nbflow.cli.parameter_help import type_word
from nbflow.deployments.deploying import SPEC_OPTIONS, Draft, draft, own_deployment
from nbflow.deployments.plan import step_of
from nbflow.deployments.source import Source
from nbflow.deployments.targets import Target, source_of
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models.deployments import DEFAULT_QUEUE, Deployment, DeploymentSpec
from nbflow.parameters import Parameter, short_repr
from nbflow.paths import short_path
from nbflow.schedules import Cron, from_json, in_words, upcoming
from nbflow.schedules import preview as next_words
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.widgets import markup
from nbflow.wording import counted, one_line

#: Coming runs that a preview tells.
_SHOWN_RUNS: Final = 5
#: Zones that mean something only on one machine, repeat others, or count leap seconds.
_ODD_ZONES: Final = ("Etc/", "SystemV/", "posix/", "right/")
_UTC: Final = "UTC"
_LOCAL_ZONE_LINK: Final = Path("/etc/localtime")
_ZONE_FOLDER: Final = "zoneinfo/"
#: Parts of a spec that the form states, or that follow from the source anew each time.
_STATED: Final = frozenset(
    {"parameters", "queue", "tags", "description", "kernel_name", "cwd"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody filled in."""

    #: Empty: the flow's own.
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: None: no schedule.
    cron: str | None = None
    timezone: str | None = None
    queue: str = ""
    tags: tuple[str, ...] = ()
    #: Leave the schedules of the deployment that has the name already as they are.
    keep_schedules: bool = False


# ── what a form asks ─────────────────────────────────────────────────────────────────────


def describe(deployable: Target) -> dict[str, Any]:
    """What can be deployed of a target, and what of it is deployed already.

    Raises:
        UsageError: The target is no notebook or flow, or is not to be found.
        NotebookError: The notebook cannot be read, or is not saved yet.
    """
    source, store = source_of(deployable), open_store()
    existing = store.deployments.search(flow_name=source.flow_name)
    return {
        "flow_name": source.flow_name,
        "target": spelt(source),
        "kind": source.kind.value,
        "description": _first_paragraph(source.description),
        "schema": source.parameter_schema(),
        "taken": [each.name for each in existing],
        "existing": [_existing_json(each) for each in existing],
        "queues": list(dict.fromkeys((DEFAULT_QUEUE, *(q.name for q in store.dispatch.queues())))),
        "zones": zones(),
    }


def preview(cron: str, timezone: str | None, *, now: datetime | None = None) -> dict[str, Any]:
    """What a cron text means, in words and as the instants that come next.

    Raises `ScheduleError` when it cannot be used.
    """
    schedule = Cron(cron, timezone=timezone or _UTC)
    coming = upcoming(schedule, now or states.now(), _SHOWN_RUNS)
    return {
        "words": in_words(schedule),
        "next": [each.astimezone(UTC).isoformat() for each in coming],
    }


def create(deployable: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """Make the deployment that was filled in, or bring it up to date.

    What a form does not show of a deployment that is there (retries, limits, the environment)
    stays as it is.

    Raises:
        UsageError: Something that was filled in cannot be used; parameters, names and schedules
            have their own errors, as in `nbflow.deploy`.
    """
    filled, store = _read(request), open_store()
    if (own := own_deployment(deployable)) is not None:
        return _deployed(own, "keep", f"This is a run of {own.full_name}: it is not deployed anew.")
    made = _draft(deployable, filled, store)
    step = step_of(made, store)
    deployment = made.save(store)
    return _deployed(deployment, step.action.value, _next_step(deployment, store))


def _read(request: Mapping[str, Any]) -> Request:
    try:
        found: Request = wire.load(Request, dict(request))
    except wire.Unfit as error:
        raise UsageError(f"The form sent what cannot be read ({error}). Reload the page.") from None
    return found


def _draft(deployable: Target, filled: Request, store: Store) -> Draft:
    source = source_of(deployable)
    name = filled.name.strip()
    return draft(
        deployable,
        name or None,
        cron=filled.cron,
        timezone=filled.timezone if filled.cron is not None else None,
        schedules=None if filled.keep_schedules or filled.cron is not None else (),
        parameters=filled.parameters,
        queue=filled.queue.strip() or None,
        tags=filled.tags,
        **_hidden_options(source, _find(store, f"{source.flow_name}/{name or source.flow_name}")),
    )


def _find(store: Store, full_name: str) -> Deployment | None:
    try:
        found = store.deployments.find(full_name)
    except ObjectNotFound:
        return None
    return found if found.full_name == full_name else None


def _hidden_options(source: Source, existing: Deployment | None) -> dict[str, Any]:
    """What the author stated elsewhere of a deployment, which the form has no fields for."""
    if existing is None or existing.spec.kind is not source.kind:
        return {}
    plain = DeploymentSpec(entrypoint="", kind=source.kind)
    names = [n for n in SPEC_OPTIONS if n not in _STATED and n not in source.stated]
    values = {name: getattr(existing.spec, name) for name in names}
    return {name: value for name, value in values.items() if value != getattr(plain, name)}


def _deployed(deployment: Deployment, outcome: str, next_step: str) -> dict[str, Any]:
    return {
        "full_name": deployment.full_name,
        "version": deployment.version,
        "outcome": outcome,
        "next": next_step,
    }


def _next_step(deployment: Deployment, store: Store) -> str:
    """What its author does next: see to a worker, or try it."""
    if unserved(store, deployment.spec.queue):
        return unserved_words(deployment.spec.queue)
    if deployment.schedules and not deployment.paused:
        first = from_json(deployment.schedules[0].schedule)
        return f"It runs {in_words(first)}: {next_words(first, states.now(), 1)}."
    return f"Start a run: nbflow deployment run {shlex.quote(deployment.full_name)} --watch"


def _existing_json(deployment: Deployment) -> dict[str, Any]:
    """What a form can start from."""
    spec, schedules = deployment.spec, deployment.schedules
    only = schedules[0].schedule if len(schedules) == 1 else {}
    return {
        "name": deployment.name,
        "version": deployment.version,
        "parameters": dict(spec.parameters),
        "schedules": [in_words(from_json(each.schedule)) for each in schedules],
        "cron": only.get("cron"),
        "timezone": only.get("timezone"),
        "queue": spec.queue,
        "tags": sorted(spec.tags),
    }


# ── places and zones ─────────────────────────────────────────────────────────────────────


def spelt(source: Source) -> str:
    """The target as one types it: `train.ipynb`, `flows/etl.py:etl`."""
    file = short_path(source.address)
    return f"{file}:{source.variable}" if source.variable else file


def zones() -> list[str]:
    """Names of time zones to choose from: this machine's first, then UTC, then by name."""
    known = {name for name in available_timezones() if "/" in name}
    shown = sorted(name for name in known if not name.startswith(_ODD_ZONES))
    return list(dict.fromkeys((_local_zone(), _UTC, *shown)))


def _local_zone() -> str:
    """The zone of this machine's clocks; UTC where it does not tell."""
    for told in (os.environ.get("TZ", "").removeprefix(":"), _linked_zone()):
        if told in available_timezones():
            return told
    return _UTC


def _linked_zone() -> str:
    """The zone that Unix keeps as a link into its folder of zones."""
    place = os.path.realpath(_LOCAL_ZONE_LINK)
    return place.partition(_ZONE_FOLDER)[2]


# ── where nothing can be clicked ─────────────────────────────────────────────────────────


def static_html(target: Target) -> str:
    """The form as a saved notebook keeps it: the flow, its parameters, and what to type."""
    source = source_of(target)
    return markup.page(
        markup.element(
            "div",
            "nbf-row",
            markup.words(source.flow_name, "nbf-name"),
            markup.words(_side(source), "nbf-side"),
        ),
        _muted(_first_paragraph(source.description)),
        _table(source.parameters),
        markup.element("pre", "", escape(command(source))),
    )


def static_text(target: Target) -> str:
    """The same as text."""
    source = source_of(target)
    rows = [_row(each) for each in source.parameters]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    lines = ["  " + "  ".join([*map(str.ljust, row[:3], widths), row[3]]).rstrip() for row in rows]
    head = f"{one_line(source.flow_name)}  {_side(source)}"
    return "\n".join([head, *lines, f"  {command(source)}"])


def command(source: Source) -> str:
    """What deploys it, to type."""
    words = ("nbflow", "deploy", one_line(spelt(source)), "--name", one_line(source.flow_name))
    return " ".join(map(shlex.quote, words))


def _side(source: Source) -> str:
    kind = "notebook" if source.is_notebook else "flow"
    number = len(source.parameters)
    takes = counted(number, "parameter") if number else "no parameters"
    return f"{kind} to deploy · {takes}"


def _first_paragraph(text: str | None) -> str | None:
    """What a docstring says before its sections, which tell what the table tells."""
    return (text or "").strip().partition("\n\n")[0] or None


def _muted(text: str | None) -> str:
    return markup.element("div", "nbf-mute", markup.words(text)) if text else ""


_CELL: Final = "text-align:left;padding:2px 20px 2px 0;border:0;background:none;vertical-align:top"


def _table(parameters: tuple[Parameter, ...]) -> str:
    if not parameters:
        return ""
    head = "".join(_cells("th", ("parameter", "type", "default", "meaning"), "font-weight:400"))
    rows = ["".join(_cells("td", _row(each))) for each in parameters]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        '<table style="border-collapse:collapse;margin:6px 0;font-size:inherit">'
        f'<thead class="nbf-mute"><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _cells(name: str, texts: tuple[str, ...], style: str = "") -> Iterator[str]:
    for text in texts:
        yield f'<{name} style="{_CELL};{style}">{markup.words(text)}</{name}>'


def _row(parameter: Parameter) -> tuple[str, str, str, str]:
    """Name, type, default and meaning, each on one line."""
    texts = (parameter.name, type_word(parameter.type), _default(parameter), parameter.help)
    name, kind, default, meaning = map(one_line, texts)
    return name, kind, default, meaning


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    if parameter.default_source is not None:
        return parameter.default_source
    return "" if parameter.default is NotSet else short_repr(parameter.default, 60)
