"""`nbflow deploy`: lets a notebook or a flow run without its author, and tells what will happen.

This module decides how options become a deployment or a plan, and how both are told. What a
deployment is made of is for `nbflow.deployments`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from nbflow.cli.console import make_console, say
from nbflow.cli.deploy_options import DeployOptions, deploy_options
from nbflow.cli.deployment_words import (
    facts,
    json_deployment,
    quoted,
    steps,
    unserved,
    unserved_words,
)
from nbflow.cli.reports import write_json
from nbflow.cli.run import values_of
from nbflow.deployments.checking import read_text
from nbflow.deployments.deploying import Draft, draft, own_deployment
from nbflow.deployments.here import notebook_names, this_notebook
from nbflow.deployments.plan import Action, Plan, Step, plan_of, step_of
from nbflow.deployments.plan_file import find_plan_file
from nbflow.deployments.targets import Target, source_of
from nbflow.exceptions import UsageError
from nbflow.flows import Flow
from nbflow.models.deployments import Deployment
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.wording import counted

_MARKS: Final = {
    Action.CREATE: ("+", "green"),
    Action.CHANGE: ("~", "yellow"),
    Action.KEEP: ("=", "dim"),
    Action.REMOVE: ("-", "red"),
}
#: Options of the command line under the names of `draft`.
_DRAFT_OPTIONS: Final = {
    "queue": "queue",
    "description": "description",
    "priority": "priority",
    "retries": "retries",
    "retry_delay": "retry_delay_seconds",
    "crash_retries": "crash_retries",
    "timeout": "timeout_seconds",
    "cell_timeout": "cell_timeout_seconds",
    "keep_kernel": "keep_kernel_seconds",
    "concurrency": "concurrency_limit",
    "collision": "collision",
    "catchup": "catchup",
    "cwd": "cwd",
    "kernel": "kernel_name",
    "output": "output",
    "keep_runs": "keep_runs",
    "keep_days": "keep_days",
    "paused": "paused",
    "timezone": "timezone",
}


@click.command()
@click.argument("target", metavar="[TARGET]", required=False)
@deploy_options
def command(**given: Any) -> int:
    """Let a notebook or a flow run without its author.

    TARGET is a notebook, or a flow as file.py:flow; inside of a notebook, the name of one of its
    flows, or nothing for the notebook itself. Nothing of it is executed: its source and the
    local modules it imports are kept as they are now. The same command again brings the
    deployment up to date; when nothing has changed, it changes nothing.

    \b
    nbflow deploy train.ipynb --name nightly --cron "0 6 * * 1-5" --tz Europe/Paris -p rows 500
    nbflow deploy flows.py:etl --interval 15m --queue loads --concurrency 1 --collision skip
    nbflow deploy --all --dry-run
    """  # noqa: D301 - click's mark for lines that stay as they are
    return deploy(DeployOptions(**given))


def deploy(options: DeployOptions) -> int:
    """Deploy what the options name, tell what will happen, and return the exit code."""
    if options.everything or options.file is not None:
        return deploy_file(options)
    target = target_of(options)
    if options.prune:
        raise UsageError("--prune goes with --all: only a file says what is to be left.")
    console, store = make_console(colour=options.colour), open_store()
    own = own_deployment(target)
    if own is not None:  # the line that deploys a notebook, in a run of its deployment
        say(console, f"This is a run of {own.full_name}: it is not deployed anew.")
        return 0
    made = draft_of(target, options)
    step = step_of(made, store)
    if options.dry_run:
        return _tell_plan(console, Plan((step,)), options)
    deployment = made.save(store)
    if options.json:
        write_json(console, json_deployment(deployment))
    else:
        tell_deployment(console, store, deployment, step)
    return 0


def target_of(options: DeployOptions) -> Target:
    """What is meant; in a notebook, it may be the name of a flow, or left out for itself."""
    found = notebook_names().get(options.target) if options.target else this_notebook()
    target = found if isinstance(found, Flow | Path) else options.target
    if target is None:
        raise UsageError(
            "Name what is to be deployed: a notebook, or file.py:flow; or deploy all of "
            "nbflow.yaml with --all."
        )
    return target


def draft_of(target: Target, options: DeployOptions) -> Draft:
    """The deployment of a target that the options describe."""
    given: dict[str, Any] = {
        name: value
        for option, name in _DRAFT_OPTIONS.items()
        if (value := getattr(options, option)) is not None
    }
    schedules: dict[str, Any] = {
        "cron": options.cron,
        "interval": options.interval,
        "rrule": options.rrule,
    }
    if options.no_schedules:
        if any(schedules.values()):
            raise UsageError("--no-schedules goes with no schedule. Leave one of them out.")
        given["schedules"] = []
    return draft(
        target,
        options.name,
        parameters=_parameters(target, options),
        tags=options.tags,
        env=dict(options.env),
        include=options.include,
        follow=options.follow,
        **schedules,
        **given,
    )


def _parameters(target: Target, options: DeployOptions) -> dict[str, Any]:
    source = source_of(target)
    schema = source.parameter_schema()
    return values_of(options, lambda name, text: read_text(schema, name, text, owner=source.label))


def tell_deployment(
    console: Console, store: Store, deployment: Deployment, step: Step | None
) -> None:
    """What was done, what will happen, and what to type next."""
    name = quoted(deployment.full_name)
    done = {Action.CREATE: "deployed", Action.KEEP: "is as it was"}
    verb = done.get(step.action, "brought up to date") if step else "deployed"
    version = f" (version {deployment.version})"
    say(
        console, Text.assemble(("✓ ", "green"), (deployment.full_name, "bold"), f" {verb}{version}")
    )
    if step is not None and step.action is Action.CHANGE:
        say(console, *(Text(f"  {change}") for change in step.changes), wrap=False)
    say(console, *facts(deployment, datetime.now(UTC)), wrap=False)
    if unserved(store, deployment.spec.queue):
        say(console, Text(f"  {unserved_words(deployment.spec.queue)}", style="yellow"), wrap=False)
    say(
        console,
        *steps([("start a run", f"nbflow deployment run {name} --watch")]),
        wrap=False,
    )


# ── nbflow.yaml ──────────────────────────────────────────────────────────────────────────


def deploy_file(options: DeployOptions) -> int:
    """Bring all deployments of a file up to date, telling first what changes."""
    if options.target is not None:
        raise UsageError(f"--all deploys what the file declares; {options.target} goes without it.")
    console, store = make_console(colour=options.colour), open_store()
    path = find_plan_file(options.file)
    return carry_out(console, store, plan_of(path, store, prune=options.prune), options)


def carry_out(console: Console, store: Store, plan: Plan, options: DeployOptions) -> int:
    """Tell a plan, and do it unless that is not wanted."""
    if options.dry_run:
        return _tell_plan(console, plan, options)
    deployments = plan.carry_out(store)
    if options.json:
        write_json(console, [json_deployment(each) for each in deployments])
        return 0
    _tell_steps(console, plan)
    moment = datetime.now(UTC)
    for each, step in zip(deployments, plan.steps, strict=False):
        if step.action is not Action.KEEP:
            say(console, Text(each.full_name, style="bold"), *facts(each, moment), wrap=False)
    for queue in sorted({each.spec.queue for each in deployments}):
        if unserved(store, queue):
            say(console, Text(unserved_words(queue), style="yellow"), wrap=False)
    return 0


def _tell_plan(console: Console, plan: Plan, options: DeployOptions) -> int:
    if options.json:
        write_json(console, [_json_step(step) for step in plan.steps])
        return 0
    _tell_steps(console, plan)
    if plan.changes_something:
        say(console, Text("Nothing was changed: leave out --dry-run to do it.", style="dim"))
    return 0


def _tell_steps(console: Console, plan: Plan) -> None:
    for step in plan.steps:
        mark, style = _MARKS[step.action]
        head = Text.assemble((f"{mark} ", style), step.full_name)
        say(console, head, *(Text(f"    {change}") for change in step.changes), wrap=False)
    counts = dict.fromkeys(Action, 0)
    for step in plan.steps:
        counts[step.action] += 1
    words = {
        Action.CREATE: "to create",
        Action.CHANGE: "to change",
        Action.KEEP: "as declared",
        Action.REMOVE: "to remove",
    }
    told = [f"{counts[action]} {word}" for action, word in words.items() if counts[action]]
    say(console, f"{counted(len(plan.steps), 'deployment')}: {', '.join(told)}")


def _json_step(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "deployment": step.full_name,
        "changes": [
            {"what": each.what, "before": each.before, "after": each.after} for each in step.changes
        ],
    }


# ── nbflow deployment create ─────────────────────────────────────────────────────────────


@click.command("create")
@click.argument("target", metavar="FILE")
@deploy_options
def create_command(**given: Any) -> int:
    """Deploy a file: a notebook, a Python file, or what an nbflow.yaml declares.

    The same as nbflow deploy FILE, or nbflow deploy --all --file FILE.
    """
    return create(DeployOptions(**given))


def create(options: DeployOptions) -> int:
    """Deploy what the file holds."""
    target = options.target
    if target is None or Path(target).suffix not in {".yaml", ".yml"}:
        return deploy(options)
    return deploy_file(replace(options, target=None, file=target))
