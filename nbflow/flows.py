"""Flows: functions that orchestrate tasks.

This module decides what `@flow` accepts and offers. What happens when a flow is called is
the engine's business.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import importlib
import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    ParamSpec,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from nbflow import parameters as params
from nbflow.context import engine
from nbflow.exceptions import ConfigurationError, VisualizationError
from nbflow.models import FlowKind, NodeKind, RunGraph
from nbflow.retries import RetryDelays, RetryPolicy
from nbflow.settings import get_settings
from nbflow.states import State
from nbflow.tasks import CallKind, Hook, call_kind, positive, read_signature, shown_signature
from nbflow.tracing import Tracer, current_tracer, tracing

if TYPE_CHECKING:
    from nbflow.deployments.deploying import Draft
    from nbflow.drawing.picture import Picture
    from nbflow.models.deployments import Deployment
    from nbflow.worker.serving import ServeHandle

P = ParamSpec("P")
R = TypeVar("R")


class Flow(Generic[P, R]):
    """A function whose every call is a recorded flow run.

    Made by the `flow` decorator, which describes the options.
    """

    kind_of_flow = FlowKind.FUNCTION

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        version: str | None = None,
        description: str | None = None,
        flow_run_name: str | Callable[..., str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: RetryDelays = None,
        task_runner: Any = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_running: Iterable[Hook] | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
        on_cancellation: Iterable[Hook] | None = None,
        on_crashed: Iterable[Hook] | None = None,
    ) -> None:
        self._options = {k: v for k, v in locals().items() if k not in {"self", "fn", "__class__"}}
        if not callable(fn):
            raise ConfigurationError(f"@flow needs a function; got {fn!r}.")
        self.fn: Callable[P, R] = fn
        self.kind = call_kind(fn)
        self.signature = read_signature(fn)
        functools.update_wrapper(self, fn, updated=())
        self.name: str = name or getattr(fn, "__name__", "flow").replace("_", "-")
        self.version = version or _content_version(fn)
        self.description = description or inspect.getdoc(fn)
        self.flow_run_name = flow_run_name
        settings = get_settings()
        self.retry_policy = RetryPolicy(
            settings.flow_default_retries if retries is None else retries, retry_delay_seconds
        )
        self.task_runner = task_runner
        self.timeout_seconds = positive("timeout_seconds", timeout_seconds)
        self.should_validate_parameters = validate_parameters
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.log_prints = log_prints
        self.on_running_hooks = list(on_running or ())
        self.on_completion_hooks = list(on_completion or ())
        self.on_failure_hooks = list(on_failure or ())
        self.on_cancellation_hooks = list(on_cancellation or ())
        self.on_crashed_hooks = list(on_crashed or ())

    @property
    def retries(self) -> int:
        """How many attempts may follow the first."""
        return self.retry_policy.retries

    @property
    def isasync(self) -> bool:
        """Whether calls have to be awaited or iterated with `async for`."""
        return self.kind in {CallKind.ASYNC, CallKind.ASYNC_GENERATOR}

    @property
    def isgenerator(self) -> bool:
        """Whether calls yield their values one by one."""
        return self.kind in {CallKind.GENERATOR, CallKind.ASYNC_GENERATOR}

    @property
    def source(self) -> str | None:
        """The file the flow comes from."""
        try:
            path = inspect.getsourcefile(self.fn)
        except TypeError:
            return None
        if path is None or os.path.exists(path):  # noqa: PTH110 - for every flow run
            return path
        # A cell's code claims a file that never was; Jupyter tells which notebook it is in.
        return os.environ.get("JPY_SESSION_NAME") or None

    @property
    def keeps_result(self) -> bool:
        """Whether the flow's value is stored."""
        if self.persist_result is not None:
            return self.persist_result
        return self.result_storage is not None or get_settings().persist_results

    @property
    def call_options(self) -> Mapping[str, Any]:
        """What a later process needs to know, beside source and parameters, to run it again."""
        return {}

    # ── parameters ───────────────────────────────────────────────────────────────────────

    @functools.cached_property
    def parameters(self) -> tuple[params.Parameter, ...]:
        """What the flow can be given."""
        return params.from_signature(self.fn)

    @property
    def parameter_schema(self) -> dict[str, Any]:
        """The parameters as a JSON Schema, for forms and checks."""
        return params.json_schema(self.parameters, title=self.name)

    def validate_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check parameters and convert them to the annotated types.

        Raises `UnknownParameterError`, `ParameterTypeError` or `ParameterBindError`, each
        with one sentence that names the parameter.
        """
        __tracebackhide__ = True
        return params.validate(self.parameters, values, owner=f"flow {self.name!r}")

    # ── calling ──────────────────────────────────────────────────────────────────────────

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    def __call__(  # type: ignore[misc] # P cannot say that it lacks our own keywords
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the flow and return its value; inside a flow it becomes a subflow.

        Args:
            *args: The function's arguments.
            return_state: Return the final state instead of the value, and do not raise.
            wait_for: Futures, states or values of tasks that must come first.
            **kwargs: The function's keyword arguments.
        """
        __tracebackhide__ = True
        values = self.bind(args, kwargs)
        if (tracer := current_tracer()) is not None:
            return self._trace(tracer, values, wait_for)
        return engine().call_flow(self, values, wait_for, return_state)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by parameter name, defaults filled in."""
        __tracebackhide__ = True
        return params.bind(self.signature, args, kwargs, name=self.name)

    def arguments(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The way back from `bind`: how the function is to be called."""
        return params.to_call(self.signature, values)

    def call_with(self, values: Mapping[str, Any]) -> Any:
        """Call the function itself, outside of any run."""
        args, kwargs = self.arguments(values)
        return self.fn(*args, **kwargs)

    # ── pictures ─────────────────────────────────────────────────────────────────────────

    def graph(self, *args: Any, **kwargs: Any) -> RunGraph:
        """The tasks the flow would run for these arguments, without running them."""
        values = self.bind(args, kwargs)
        with tracing() as tracer:
            self._call_traced(values)
        return tracer.graph(self.name)

    def visualize(self, *args: Any, **kwargs: Any) -> Picture:
        """Draw the flow without running its tasks.

        Tasks return their `viz_return_value`, so flows that branch on a task's value need
        one. Raises `VisualizationError` naming the task that lacks it.
        """
        # Drawing is loaded when something is drawn: defining flows must stay cheap.
        from nbflow.drawing.picture import Picture  # noqa: PLC0415

        return Picture(self.graph(*args, **kwargs))

    def _call_traced(self, values: Mapping[str, Any]) -> Any:
        returned = self.call_with(values)
        if inspect.iscoroutine(returned):
            return _finish_coroutine(returned)
        return list(returned) if self.kind is CallKind.GENERATOR else returned

    def _trace(self, tracer: Tracer, values: dict[str, Any], wait_for: Any) -> Any:
        node = tracer.record(self.name, values, wait_for, kind=NodeKind.FLOW)
        with tracer.group(node):
            value = tracer.returns(node, self.name, self._call_traced(values))
        return _already(value) if self.kind is CallKind.ASYNC else value

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        try:
            required = [p.name for p in self.parameters if p.required]
            graph = self.graph(**dict.fromkeys(required))
        except Exception:  # noqa: BLE001 - the user's code ran on made-up arguments
            return {"text/plain": repr(self)}
        from nbflow.drawing import mimebundle  # noqa: PLC0415 - as in `visualize`

        return mimebundle(graph)

    # ── variants ─────────────────────────────────────────────────────────────────────────

    def with_options(self, **changes: Any) -> Flow[P, R]:
        """The same function as another flow, with some options changed."""
        unknown = sorted(set(changes) - set(self._options))
        if unknown:
            raise ConfigurationError(
                f"Flow {self.name!r} has no option {unknown[0]!r}. "
                f"Options are: {', '.join(sorted(self._options))}."
            )
        return self._remake({**self._options, "name": self.name, **self._hooks(), **changes})

    def _remake(self, options: dict[str, Any]) -> Flow[P, R]:
        return Flow(self.fn, **options)

    def _hooks(self) -> dict[str, list[Hook]]:
        names = ("on_running", "on_completion", "on_failure", "on_cancellation", "on_crashed")
        return {name: list(getattr(self, f"{name}_hooks")) for name in names}

    def __get__(self, instance: Any, owner: type | None = None) -> Flow[Any, R]:
        """Bind to an object, as a plain function would be."""
        if instance is None or not hasattr(type(self.fn), "__get__"):
            return self
        bound = copy.copy(self)
        bound.fn = types.MethodType(self.fn, instance)
        bound.signature = inspect.signature(bound.fn)
        bound.__dict__.pop("parameters", None)
        return bound

    # ── deployments ──────────────────────────────────────────────────────────────────────

    def deploy(self, name: str | None = None, **options: Any) -> Deployment:
        """Let the flow run without its author: make a deployment, or bring it up to date.

        Options are those of `nbflow.deploy`: cron, interval, parameters, queue, tags, ….
        A flow that a notebook's cell defines deploys its notebook. The same twice changes
        nothing.
        """
        made: Deployment = _above("deployments.deploying").deploy(self, name, **options)
        return made

    def to_deployment(self, name: str | None = None, **options: Any) -> Draft:
        """A deployment that is not made yet: `serve` takes several of them."""
        made: Draft = _above("deployments.deploying").draft(self, name, **options)
        return made

    def serve(self, name: str | None = None, **options: Any) -> ServeHandle:
        """Deploy the flow, and execute its runs in processes that this one starts.

        In a notebook it returns at once; the handle's `stop()` ends it. In a script it goes on
        until Ctrl-C. Options are those of `nbflow.deploy`, and `limit` (most runs at the same
        time), `pause_on_shutdown` (let its schedules rest afterwards) and `block`.
        """
        made: ServeHandle = _above("worker.serving").serve_flow(self, name, **options)
        return made

    # ── hooks ────────────────────────────────────────────────────────────────────────────

    def on_running(self, fn: Hook) -> Hook:
        """Call `fn(flow, flow_run, state)` whenever a run starts; use as a decorator."""
        self.on_running_hooks.append(fn)
        return fn

    def on_completion(self, fn: Hook) -> Hook:
        """Call `fn(flow, flow_run, state)` when a run has completed; use as a decorator."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: Hook) -> Hook:
        """Call `fn(flow, flow_run, state)` when a run has failed for good; a decorator."""
        self.on_failure_hooks.append(fn)
        return fn

    def on_cancellation(self, fn: Hook) -> Hook:
        """Call `fn(flow, flow_run, state)` when a run was cancelled; use as a decorator."""
        self.on_cancellation_hooks.append(fn)
        return fn

    def on_crashed(self, fn: Hook) -> Hook:
        """Call `fn(flow, flow_run, state)` when a run has crashed; use as a decorator."""
        self.on_crashed_hooks.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


def _above(module: str) -> types.ModuleType:
    """A module of a layer above, loaded when a flow is deployed.

    Definitions lie below all that is done with them. Beside `nbflow.context.engine` this is
    the one place where they reach up.
    """
    return importlib.import_module(f"nbflow.{module}")


def _content_version(fn: Callable[..., Any]) -> str | None:
    """A short hash of the file or cell the flow is in, so that a change shows in its runs."""
    try:
        content = _content(fn)
    except (TypeError, OSError):
        return None
    return hashlib.sha256(content).hexdigest()[:12]


def _content(fn: Callable[..., Any]) -> bytes:
    path = inspect.getsourcefile(fn) or ""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - cheaper at import time than a Path
            return file.read()
    except FileNotFoundError:  # a notebook's cell: no file, but its source is known
        lines, _ = inspect.findsource(fn)
        return "".join(lines).encode("utf-8", "surrogatepass")


def _finish_coroutine(coroutine: Any) -> Any:
    """Run a traced coroutine to its end; traced calls never suspend it."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise VisualizationError(
        "The flow waits for something that is not a task, which cannot be drawn without running "
        "it. Move that wait into a task."
    )


async def _already(value: Any) -> Any:
    return value


class FlowOptions(TypedDict, total=False):
    """The keyword arguments of `flow`, as types."""

    name: str | None
    version: str | None
    description: str | None
    flow_run_name: str | Callable[..., str] | None
    retries: int | None
    retry_delay_seconds: RetryDelays
    task_runner: Any
    timeout_seconds: float | None
    validate_parameters: bool
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    cache_result_in_memory: bool
    log_prints: bool | None
    on_running: Iterable[Hook] | None
    on_completion: Iterable[Hook] | None
    on_failure: Iterable[Hook] | None
    on_cancellation: Iterable[Hook] | None
    on_crashed: Iterable[Hook] | None


@overload
def flow(__fn: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(
    __fn: None = None, /, **options: Unpack[FlowOptions]
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(__fn: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a flow: `@flow` or `@flow(retries=1, ...)`.

    Options:
        name: Display name; default: the function's name with dashes.
        version: Free text; default: a hash of the file.
        description: Default: the function's docstring.
        flow_run_name: Format string over the parameters, or a function.
        retries: How many attempts may follow a failed first one.
        retry_delay_seconds: A number, or a list (the last one repeats).
        task_runner: Where submitted tasks run; default: threads.
        timeout_seconds: Fail the run as TimedOut after this time.
        validate_parameters: Check arguments against the annotations, and convert them.
        persist_result: Store the value.
        result_storage: Folder or fsspec URL for stored values, also of the flow's tasks.
        result_serializer: "pickle", "json", "compressed/pickle", … or a serializer.
        cache_result_in_memory: Accepted for compatibility.
        log_prints: Record what the flow and its tasks print as run logs.
        on_running: Functions called with `(flow, flow_run, state)`.
        on_completion: The same, after success.
        on_failure: The same, after the last failed attempt.
        on_cancellation: The same, after a stop.
        on_crashed: The same, after the process or kernel died under the run.
    """
    if __fn is None:
        return lambda fn: Flow(fn, **options)
    return Flow(__fn, **cast("Any", options))


flow.__signature__ = shown_signature(Flow)  # type: ignore[attr-defined]
