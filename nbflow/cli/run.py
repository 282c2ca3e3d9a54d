"""`nbflow run`: executes a notebook or a Python flow, and tells how it goes.

This module decides how the command's options become a flow, its parameters and a reporter.
It must not know how a run is executed or drawn.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final
from uuid import UUID

import click
import yaml
from rich.console import Console

from nbflow.cli.console import is_live, make_console
from nbflow.cli.follow import following
from nbflow.cli.live import LiveDisplay
from nbflow.cli.options import OutputOptions, ParameterOptions, RunOptions, run_options
from nbflow.cli.parameter_help import tell_parameters
from nbflow.cli.reports import (
    Ending,
    JsonLines,
    Lines,
    Quiet,
    Reporter,
    exit_code,
    surface,
)
from nbflow.cli.targets import FlowTarget, load_flow, runnable
from nbflow.context import tags
from nbflow.engine import run_flow
from nbflow.exceptions import ParameterError, UsageError
from nbflow.failure import explain
from nbflow.flows import Flow
from nbflow.models import FlowKind, FlowRun, LogFilter, TaskRun, new_id
from nbflow.parameters import Parameter, parse_text, require
from nbflow.paths import expanded
from nbflow.runs import get_run
from nbflow.settings import temporary_settings
from nbflow.states import State
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.story import Story
from nbflow.tally import tally

_NOTHING: Final = contextlib.nullcontext()

#: In a notebook, the values of variables that words of the line stand for (`-p rows $rows`).
named_values: ContextVar[Mapping[str, Any]] = ContextVar("nbflow_named_values", default={})  # noqa: B039 - never changed


@click.command()
@run_options
def command(**given: Any) -> int:
    """Run a notebook, or a flow of a Python file.

    A flow is named file.py:flow. Of a notebook, every code cell becomes a node of the run,
    with its own state, time and log; the executed notebook is kept, also when a cell fails.

    \b
    nbflow run train.ipynb -p learning_rate 0.1 -p days 30
    nbflow run train.ipynb --help-parameters
    nbflow run flows.py:etl -y '{start: 2026-05-01, tables: [a, b]}'

    Exit codes: 0 completed, 1 failed, 2 wrong use, 3 crashed, 130 cancelled.
    """  # noqa: D301 - click's mark for lines that stay as they are
    return run(RunOptions(**given))


def run(options: RunOptions) -> int:
    """Run what the options name, tell how it goes, and return the exit code."""
    console = make_console(colour=options.colour)
    flow = flow_of(options)
    if options.help_parameters:
        tell_parameters(console, flow, as_json=options.json)
        return 0
    values = parameters_of(options, flow)
    return execute(flow, values, options, reporter_for(console, options)).exit_code


def execute(
    flow: Flow[Any, Any], values: dict[str, Any], options: RunOptions, reporter: Reporter
) -> Ending:
    """Run the flow as the options say while the reporter tells how it goes."""
    require(flow.parameters, values, _owner(flow))
    run_id = new_id()
    with tags(*options.tags):
        return told(
            lambda: run_flow(flow, values, run_id=run_id, name=options.name),
            run_id,
            reporter,
            within=events_alone(options),
        )[1]


def run_told(
    flow: Flow[Any, Any], values: dict[str, Any], reporter: Reporter, *, name: str | None = None
) -> tuple[State[Any], Ending]:
    """Run the flow while the reporter tells how it goes; its final state, and how it is told."""
    run_id = new_id()
    return told(lambda: run_flow(flow, values, run_id=run_id, name=name), run_id, reporter)


def told(
    carry_out: Callable[[], State[Any]],
    run_id: UUID,
    reporter: Reporter,
    *,
    again: bool = False,
    within: contextlib.AbstractContextManager[object] = _NOTHING,
) -> tuple[State[Any], Ending]:
    """Tell of a run while it is carried out.

    Args:
        carry_out: Runs it, and returns its final state.
        run_id: The run's id.
        reporter: Who tells how it goes.
        again: Whether it has attempts behind it, which are not told.
        within: What holds while it runs, and not while its end is told.
    """
    store = open_store()
    # The display shows the log; the engine's own lines would tear it.
    with (
        temporary_settings(logging_to_console=False),
        following(store, run_id, reporter, again=again) as follower,
        within,
    ):
        state = carry_out()
    ending = ending_of(store, run_id, state, story=follower.whole)
    with contextlib.suppress(OSError):  # a reader that went away does not change the answer
        follower.reporter.end(ending)
    return state, ending


def events_alone(options: OutputOptions) -> contextlib.AbstractContextManager[object]:
    """Keep what a flow prints, which is no event, out of what programs read."""
    if options.json or options.quiet:
        return contextlib.redirect_stdout(sys.stderr)
    return contextlib.nullcontext()


def ending_of(
    store: Store, run_id: UUID, state: State[Any] | None = None, *, story: Story | None = None
) -> Ending:
    """How a run has ended; raises `ObjectNotFound` for one that was not recorded.

    Args:
        store: Where it is recorded.
        run_id: The run's id.
        state: Has the exception itself, where there is one.
        story: The run as it was followed to its end, which need not be read a second time.
    """
    store.flush()
    flow_run, tasks, subflows = _recorded(store, run_id, story)
    state = state or flow_run.state
    raised = state.data if isinstance(state.data, BaseException) else None
    errors = store.logs(LogFilter(flow_run_id=run_id, min_level=40), limit=20, newest=True)
    failure = explain(flow_run, tasks, raised=raised, logs=errors)
    return Ending(flow_run, tally(tasks), failure, exit_code(state.type), tasks, subflows)


def _recorded(
    store: Store, run_id: UUID, story: Story | None
) -> tuple[FlowRun, list[TaskRun], list[FlowRun]]:
    """A run, the tasks of all its family, and its subflows."""
    if story is not None and story.run is not None:
        others = [run for run in story.runs.values() if run.id != run_id]
        return story.run, list(story.tasks.values()), others
    run = get_run(run_id, store=store)
    subflows = run.all_subflows
    tasks = [task for each in (run, *subflows) for task in each.task_runs]
    return run.record, tasks, [each.record for each in subflows]


def reporter_for(console: Console, options: OutputOptions) -> Reporter:
    """Who tells how the run goes there."""
    if options.json:
        return JsonLines(console)
    if options.quiet:
        return Quiet(console)
    if (make := surface.get()) is not None:
        return make()
    return LiveDisplay(console) if is_live(console) else Lines(console)


# ── the flow ─────────────────────────────────────────────────────────────────────────────


def flow_of(options: RunOptions) -> Flow[Any, Any]:
    """The flow that the options name."""
    target = runnable(options.target)
    if isinstance(target, FlowTarget):
        refuse_notebook_options(options)
        flow = load_flow(target)
        limit = options.timeout
        return flow.with_options(timeout_seconds=limit) if limit is not None else flow
    from nbflow.cli.notebook_target import notebook_flow  # noqa: PLC0415 - see that module

    return notebook_flow(target.path, options)


def refuse_notebook_options(options: RunOptions) -> None:
    """Refuse, for a Python flow, the options that are for notebooks."""
    given = {
        "--kernel": options.kernel,
        "--output": options.output,
        "--cell-timeout": options.cell_timeout,
        "--cwd": options.cwd,
        "--keep-kernel": options.keep_kernel,
    }
    for option, value in given.items():
        if value is not None:
            raise UsageError(
                f"{option} is for notebooks; {options.target} is a Python flow. Leave it out."
            )


# ── parameters ───────────────────────────────────────────────────────────────────────────


def parameters_of(options: RunOptions, flow: Flow[Any, Any]) -> dict[str, Any]:
    """The parameters that the options give for a flow. Raises `ParameterError`."""
    owner = _owner(flow)

    def read(name: str, text: str) -> Any:
        # Nothing declared: read as papermill does, and let the flow judge.
        return parse_text(flow.parameters or (Parameter(name=name),), name, text, owner=owner)

    return values_of(options, read)


def _owner(flow: Flow[Any, Any]) -> str:
    return f"{'notebook' if flow.kind_of_flow is FlowKind.NOTEBOOK else 'flow'} {flow.name!r}"


def values_of(options: ParameterOptions, read: Callable[[str, str], Any]) -> dict[str, Any]:
    """The parameters that the options give; later kinds win, as for papermill.

    In order: base64, files, YAML, `-p`, `-r`. `read` gives the value that the text of `-p`
    means for a name. Raises `ParameterError`.
    """
    values: dict[str, Any] = {}
    for text in options.parameters_base64:
        values |= _yaml(_decoded(text), "The text of -b")
    for name in options.parameters_file:
        values |= _yaml(_file_text(name), f"The file {name}")
    for text in options.parameters_yaml:
        values |= _yaml(text, "The text of -y")
    objects = named_values.get()
    for name, text in options.parameters:
        values[name] = objects[text] if text in objects else read(name, text)
    return values | {name: objects.get(text, text) for name, text in options.parameters_raw}


def _yaml(text: str, what: str) -> Mapping[str, Any]:
    try:
        read = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader, without dates
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ParameterError(f"{what} is not valid YAML{place}: {problem}. Correct it.") from None
    if read is None:
        return {}
    if not isinstance(read, dict) or not all(isinstance(key, str) for key in read):
        raise ParameterError(f"{what} holds no parameters. Write `name: value` pairs.")
    return read


class _PlainLoader(yaml.SafeLoader):
    """Leaves dates as text, as papermill does: the parameter's type decides."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise ParameterError("The text of -b is not base64 of UTF-8 text. Encode it.") from None


def _file_text(name: str) -> str:
    try:
        return expanded(name).read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise ParameterError(
            f"The parameters file {name} cannot be read: {reason}. Correct -f."
        ) from None
    except UnicodeDecodeError:
        raise ParameterError(
            f"The parameters file {name} is not text. Pass YAML or JSON."
        ) from None
