"""How deployments and their schedules read on a terminal and in JSON.

This module decides the wording only. It must not know what commands do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from nbflow import wire
from nbflow.models.deployments import Deployment, DeploymentSchedule
from nbflow.parameters import short_repr
from nbflow.schedules import from_json, in_words, preview
from nbflow.store.base import Store
from nbflow.wording import counted


def quoted(text: str) -> str:
    """A name as a shell takes it."""
    return f"'{text}'" if any(c.isspace() for c in text) else text


def json_deployment(deployment: Deployment) -> dict[str, Any]:
    """A deployment as the stable object of `--json`: that of the API, and its full name."""
    return {"full_name": deployment.full_name, **wire.dump(deployment)}


def schedule_words(schedule: DeploymentSchedule) -> str:
    """What a schedule says, and with which parameters."""
    words = in_words(from_json(schedule.schedule))
    if schedule.parameters:
        words += f" with {parameter_words(schedule.parameters)}"
    return words


def next_words(
    schedule: DeploymentSchedule, now: datetime, *, paused: bool = False, count: int = 3
) -> str:
    """When it fires next, or that it rests."""
    if paused or not schedule.active:
        return "paused"
    return preview(from_json(schedule.schedule), now, count)


def parameter_words(parameters: Any) -> str:
    """`rows=3, day='2026-05-01'`."""
    return ", ".join(f"{name}={short_repr(value, 40)}" for name, value in parameters.items())


def facts(deployment: Deployment, now: datetime) -> Iterator[Text]:
    """What a deployment will do, one thing a line."""
    spec = deployment.spec
    for schedule in deployment.schedules:
        yield Text.assemble(
            "  ",
            schedule_words(schedule),
            (f": {next_words(schedule, now, paused=deployment.paused)}", "dim"),
        )
    if not deployment.schedules:
        yield Text("  no schedule: it runs when it is told to", style="dim")
    elif deployment.paused:
        yield Text("  its schedules rest", style="yellow")
    if spec.parameters:
        yield Text(f"  {parameter_words(spec.parameters)}")
    limits = list(_limits(deployment))
    if limits:
        yield Text(f"  {', '.join(limits)}")
    source = spec.entrypoint if spec.follow else f"a snapshot of {spec.entrypoint}"
    yield Text(f"  runs {source} in queue {spec.queue}", style="dim")


def _limits(deployment: Deployment) -> Iterator[str]:
    spec = deployment.spec
    if spec.retries:
        yield counted(spec.retries, "retry", "retries")
    if spec.concurrency_limit:
        yield f"{spec.concurrency_limit} at a time, else {spec.collision.value.replace('_', ' ')}"
    if spec.tags:
        yield f"tagged {', '.join(sorted(spec.tags))}"


def unserved(store: Store, queue: str) -> bool:
    """Whether no living worker takes runs from a queue."""
    return not any(not w.queues or queue in w.queues for w in store.dispatch.workers())


def unserved_words(queue: str) -> str:
    """What is said of a queue that nobody serves, and what to type."""
    option = "" if queue == "default" else f" -q {quoted(queue)}"
    return f"No worker serves the queue {queue}. Start one: nbflow worker start{option}"


def steps(pairs: Sequence[tuple[str, str]]) -> Iterator[Text]:
    """What to type next, and what for."""
    width = max((len(purpose) for purpose, _ in pairs), default=0)
    for number, (purpose, command) in enumerate(pairs):
        lead = "  next  " if number == 0 else "        "
        yield Text.assemble((f"{lead}{purpose.ljust(width)}  ", "dim"), (command, "bold"))
