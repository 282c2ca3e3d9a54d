"""Tasks: functions that do one step of a flow.

This module decides what `@task` accepts and offers. What happens when a task is called is
the engine's business.
"""

from __future__ import annotations

import copy
import functools
import inspect
import types
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import Enum
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    ParamSpec,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from nbflow.annotations import NotSet, NotSetType
from nbflow.cache_policies import (
    DEFAULT,
    NO_CACHE,
    CacheKeyFnPolicy,
    CachePolicy,
    task_input_hash,
)
from nbflow.context import engine
from nbflow.exceptions import ConfigurationError, ReservedArgumentError
from nbflow.futures import Future, FutureList
from nbflow.models import TaskKind
from nbflow.parameters.model import bind
from nbflow.retries import RetryDelays, RetryPolicy, exponential_backoff
from nbflow.settings import get_settings
from nbflow.states import State
from nbflow.tracing import TracedList, Tracer, current_tracer

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["Task", "exponential_backoff", "task", "task_input_hash"]

#: Keyword arguments of task calls that are nbflow's own.
RESERVED: Final = frozenset({"return_state", "wait_for"})

Hook = Callable[..., Any]


class CallKind(Enum):
    """How a function is called."""

    SYNC = "sync"  # returns its value
    ASYNC = "async"  # returns an awaitable
    GENERATOR = "generator"  # yields its values
    ASYNC_GENERATOR = "async generator"  # yields its values to `async for`


def call_kind(fn: Callable[..., Any]) -> CallKind:
    """How `fn` is called."""
    fn = inspect.unwrap(fn)
    if not (inspect.isroutine(fn) or isinstance(fn, functools.partial | type)):
        fn = type(fn).__call__  # an object that can be called
    if inspect.isasyncgenfunction(fn):
        return CallKind.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(fn):
        return CallKind.ASYNC
    if inspect.isgeneratorfunction(fn):
        return CallKind.GENERATOR
    return CallKind.SYNC


class Task(Generic[P, R]):
    """A function whose every call is a recorded, retried, cached and timed task run.

    Made by the `task` decorator, which describes the options.
    """

    #: What its runs are recorded as.
    run_kind = TaskKind.FUNCTION

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        cache_policy: CachePolicy | NotSetType | None = NotSet,
        cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None = None,
        cache_expiration: timedelta | None = None,
        refresh_cache: bool | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        retries: int | None = None,
        retry_delay_seconds: RetryDelays = None,
        retry_jitter_factor: float | None = None,
        retry_condition_fn: Callable[[Any, Any, State[Any]], Any] | None = None,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        result_storage_key: str | None = None,
        cache_result_in_memory: bool = True,
        timeout_seconds: float | None = None,
        log_prints: bool | None = None,
        on_running: Iterable[Hook] | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
        viz_return_value: Any = None,
    ) -> None:
        self._options = {k: v for k, v in locals().items() if k not in {"self", "fn", "__class__"}}
        fn, self._binds = _unwrap_descriptor(fn)
        if not callable(fn):
            raise ConfigurationError(f"@task needs a function; got {fn!r}.")
        self.fn: Callable[P, R] = fn
        self.kind = call_kind(fn)
        self.signature = read_signature(fn)
        functools.update_wrapper(self, fn, updated=())
        own_name: str = getattr(fn, "__name__", type(fn).__name__)
        self.name: str = name or own_name
        self.description = description or inspect.getdoc(fn)
        self.tags = frozenset(tags or ())
        self.version = version
        self.task_key = f"{getattr(fn, '__module__', '?')}.{getattr(fn, '__qualname__', self.name)}"
        self.task_run_name = task_run_name
        self.retry_policy = _retry_policy(retries, retry_delay_seconds, retry_jitter_factor)
        self.retry_condition_fn = retry_condition_fn
        self.cache_policy = _cache_policy(cache_policy, cache_key_fn)
        self.cache_expiration = cache_expiration
        self.refresh_cache = refresh_cache
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.result_storage_key = result_storage_key
        self.cache_result_in_memory = cache_result_in_memory
        self.timeout_seconds = positive("timeout_seconds", timeout_seconds)
        self.log_prints = log_prints
        self.on_running_hooks = list(on_running or ())
        self.on_completion_hooks = list(on_completion or ())
        self.on_failure_hooks = list(on_failure or ())
        self.viz_return_value = viz_return_value

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
    def caches_explicitly(self) -> bool:
        """Whether the options ask for stored values, so that they are kept by themselves."""
        options = self._options
        named = ("cache_key_fn", "cache_expiration", "result_storage", "result_storage_key")
        policy = options["cache_policy"]
        asks = policy is not NotSet and policy is not None and policy is not NO_CACHE
        return asks or any(options[key] is not None for key in named)

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
        """Run the task here and now, and return its value.

        Args:
            *args: The function's arguments; futures are waited for and replaced by values.
            return_state: Return the final state instead of the value, and do not raise.
            wait_for: Futures, states or values of tasks that must come first.
            **kwargs: The function's keyword arguments.
        """
        __tracebackhide__ = True
        parameters = bind(self.signature, args, kwargs, name=self.name)
        if (tracer := current_tracer()) is not None:
            return self._trace(tracer, parameters, wait_for)
        return engine().call_task(self, parameters, wait_for, return_state)

    def submit(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> Future[R]:
        """Run the task on the flow's task runner and return a future at once.

        The run starts when every future among the arguments has completed. Outside of a
        flow the task runs on a thread. With `return_state=True` it waits, and returns the
        final state.
        """
        parameters = bind(self.signature, args, kwargs, name=self.name)
        if (tracer := current_tracer()) is not None:
            return cast("Future[R]", self._trace(tracer, parameters, wait_for))
        future = engine().submit_task(self, parameters, wait_for)
        if return_state:
            future.wait()
            return cast("Future[R]", future.state)
        return cast("Future[R]", future)

    def map(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> FutureList[R]:
        """Submit one run for each element of the arguments.

        Lists and other sized iterables are split; everything else, and what is wrapped in
        `unmapped(...)`, goes whole to every run. All split arguments must have one length.
        """
        parameters = bind(self.signature, args, kwargs, apply_defaults=False, name=self.name)
        if (tracer := current_tracer()) is not None:
            traced = TracedList([self._trace(tracer, parameters, wait_for)])
            return cast("FutureList[R]", traced)
        futures = engine().map_task(self, parameters, wait_for)
        if return_state:
            futures.wait()
            return cast("FutureList[R]", [future.state for future in futures])
        return cast("FutureList[R]", futures)

    def _trace(self, tracer: Tracer, parameters: dict[str, Any], wait_for: Any) -> Any:
        node = tracer.record(self.name, parameters, wait_for)
        value = tracer.returns(node, self.name, self.viz_return_value)
        return _awaitable(value) if self.kind is CallKind.ASYNC else value

    # ── variants ─────────────────────────────────────────────────────────────────────────

    def with_options(self, **changes: Any) -> Task[P, R]:
        """The same function as another task, with some options changed."""
        unknown = sorted(set(changes) - set(self._options))
        if unknown:
            raise ConfigurationError(
                f"Task {self.name!r} has no option {unknown[0]!r}. "
                f"Options are: {', '.join(sorted(self._options))}."
            )
        options = {**self._options, "name": self.name, **changes}
        options["on_running"] = changes.get("on_running", self.on_running_hooks)
        options["on_completion"] = changes.get("on_completion", self.on_completion_hooks)
        options["on_failure"] = changes.get("on_failure", self.on_failure_hooks)
        variant = Task(self.fn, **options)
        variant._binds = self._binds
        return variant

    def __get__(self, instance: Any, owner: type | None = None) -> Task[Any, R]:
        """Bind to an object or class, as a plain function would be."""
        target = owner if self._binds == "class" else instance
        if target is None or self._binds == "nothing":
            return self
        if not hasattr(type(self.fn), "__get__"):  # builtins and partials are not methods
            return self
        bound = copy.copy(self)
        bound.fn = types.MethodType(self.fn, target)
        bound.signature = inspect.signature(bound.fn)
        return bound

    # ── hooks ────────────────────────────────────────────────────────────────────────────

    def on_running(self, fn: Hook) -> Hook:
        """Call `fn(task, task_run, state)` whenever a run starts; use as a decorator."""
        self.on_running_hooks.append(fn)
        return fn

    def on_completion(self, fn: Hook) -> Hook:
        """Call `fn(task, task_run, state)` when a run has completed; use as a decorator."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: Hook) -> Hook:
        """Call `fn(task, task_run, state)` when a run has failed for good; a decorator."""
        self.on_failure_hooks.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"


async def _awaitable(value: Any) -> Any:
    return value


def _unwrap_descriptor(fn: Any) -> tuple[Any, str]:
    if isinstance(fn, classmethod):
        return fn.__func__, "class"
    if isinstance(fn, staticmethod):
        return fn.__func__, "nothing"
    return fn, "instance"


_ANY_ARGUMENTS: Final = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
)


def read_signature(fn: Callable[..., Any]) -> inspect.Signature:
    """The signature of `fn`; raises `ReservedArgumentError` for names that nbflow uses."""
    try:
        signature = inspect.signature(fn)
    except ValueError:  # some builtins have none
        return _ANY_ARGUMENTS
    reserved = RESERVED & set(signature.parameters)
    if reserved:
        name = min(reserved)
        raise ReservedArgumentError(
            f"{getattr(fn, '__name__', fn)}() has a parameter {name!r}, which nbflow uses for "
            "itself in task and flow calls. Rename the parameter."
        )
    return signature


def _retry_policy(
    retries: int | None, delays: RetryDelays, jitter_factor: float | None
) -> RetryPolicy:
    settings = get_settings() if retries is None or delays is None else None
    if retries is None and settings:
        retries = settings.task_default_retries
    if delays is None and settings:
        delays = settings.task_default_retry_delay_seconds
    return RetryPolicy(retries or 0, delays, jitter_factor)


def _cache_policy(
    policy: CachePolicy | NotSetType | None,
    key_fn: Callable[[Any, dict[str, Any]], str | None] | None,
) -> CachePolicy:
    if key_fn is not None:
        return CacheKeyFnPolicy(cache_key_fn=key_fn)
    if policy is NotSet:
        return DEFAULT
    return NO_CACHE if policy is None else policy


def positive(name: str, value: float | None) -> float | None:
    """A number of seconds above 0, or None; raises `ConfigurationError`."""
    if value is not None and not value > 0:
        raise ConfigurationError(f"{name} must be a number of seconds above 0; got {value!r}.")
    return None if value is None else float(value)


class TaskOptions(TypedDict, total=False):
    """The keyword arguments of `task`, as types."""

    name: str | None
    description: str | None
    tags: Iterable[str] | None
    version: str | None
    cache_policy: CachePolicy | NotSetType | None
    cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None
    cache_expiration: timedelta | None
    refresh_cache: bool | None
    task_run_name: str | Callable[..., str] | None
    retries: int | None
    retry_delay_seconds: RetryDelays
    retry_jitter_factor: float | None
    retry_condition_fn: Callable[[Any, Any, State[Any]], Any] | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    result_storage_key: str | None
    cache_result_in_memory: bool
    timeout_seconds: float | None
    log_prints: bool | None
    on_running: Iterable[Hook] | None
    on_completion: Iterable[Hook] | None
    on_failure: Iterable[Hook] | None
    viz_return_value: Any


@overload
def task(__fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    __fn: None = None, /, **options: Unpack[TaskOptions]
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(__fn: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a task: `@task` or `@task(retries=3, ...)`.

    Options:
        name: Display name; default: the function's name.
        description: Default: the function's docstring.
        tags: For filters and limits; merged with `with tags(...)`.
        version: Free text.
        cache_policy: What a stored value may be reused for: `INPUTS`, `TASK_SOURCE`,
            `RUN_ID`, `FLOW_PARAMETERS`, their sums and differences, or `NO_CACHE`.
        cache_key_fn: `fn(context, arguments) -> key`, instead of a policy.
        cache_expiration: How long stored values may be reused.
        refresh_cache: Compute anew and store, even if a value is there.
        task_run_name: Format string over the arguments (`"load-{day}"`), or a function.
        retries: How many attempts may follow a failed first one.
        retry_delay_seconds: A number, a list (the last one repeats), or a function of
            `retries` such as `exponential_backoff(10)`.
        retry_jitter_factor: Spread of the delays; 0.5 means up to about 50 % longer.
        retry_condition_fn: `fn(task, task_run, state) -> bool`; False: do not retry.
        persist_result: Store the value, so that later runs or retries can use it.
        result_storage: Folder or fsspec URL for stored values.
        result_serializer: "pickle", "json", "compressed/pickle", … or a serializer.
        result_storage_key: Template of the stored value's name.
        cache_result_in_memory: Accepted for compatibility.
        timeout_seconds: Fail the run as TimedOut after this time.
        log_prints: Record what the task prints as run logs.
        on_running: Functions called with `(task, task_run, state)`.
        on_completion: The same, after success.
        on_failure: The same, after the last failed attempt.
        viz_return_value: What the task returns while a flow is only drawn.
    """
    if __fn is None:
        return lambda fn: Task(fn, **options)
    return Task(__fn, **options)


def shown_signature(cls: type) -> inspect.Signature:
    """What Shift-Tab shows for a decorator: the options of the class it makes."""
    parameters = list(inspect.signature(cls).parameters.values())
    first = parameters[0].replace(kind=inspect.Parameter.POSITIONAL_ONLY, default=None)
    return inspect.Signature([first, *parameters[1:]])


task.__signature__ = shown_signature(Task)  # type: ignore[attr-defined]
