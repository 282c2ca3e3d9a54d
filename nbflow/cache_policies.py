"""What makes two task runs the same, so that one may take the other's result.

This module decides cache keys. It must not know the engine, nor where results are kept: a
policy is given what it may look at and answers with a key, or with None for "do not
cache".

    @task(cache_policy=INPUTS + TASK_SOURCE)
    @task(cache_policy=DEFAULT - "connection")
"""

# ruff: noqa: ARG002 - each policy looks at a part of what all of them are given

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self
from uuid import UUID

from nbflow.exceptions import ConfigurationError, HashError
from nbflow.hashing import code_hash, content_hash


class CachedTask(Protocol):
    """What a policy looks at of a task."""

    @property
    def name(self) -> str:
        """The task's name."""

    @property
    def task_key(self) -> str:
        """The task's name across runs and processes."""

    @property
    def fn(self) -> Callable[..., Any]:
        """The task's function."""


class CachedTaskRun(Protocol):
    """What a policy looks at of a task run: `models.TaskRun` has it."""

    @property
    def id(self) -> UUID:
        """The task run's id."""

    @property
    def flow_run_id(self) -> UUID | None:
        """The flow run it belongs to."""


@dataclass(frozen=True, slots=True)
class CacheContext:
    """What policies and cache key functions are told about a call.

    `source` stands for the task's code where its function does not tell it, e.g. a cell.
    """

    task: CachedTask
    task_run: CachedTaskRun
    source: str | None = None


class KeptResult(Protocol):
    """A kept value that is about to be used in place of a run."""

    def load(self) -> Any:
        """The value; raises when it cannot be had."""

    def hold(self, value: Any) -> None:
        """Use this value from here on."""


#: A cache key function of the user's own: (context, arguments) -> key, or None.
CacheKeyFn = Callable[[Any, dict[str, Any]], str | None]


@dataclass(frozen=True)
class CachePolicy:
    """How cache keys are made; policies are joined with `+`, inputs left out with `-`."""

    #: Where the results of this policy are kept and looked for, if not in the task's storage.
    key_storage: str | Path | None = field(default=None, kw_only=True)

    @classmethod
    def from_cache_key_fn(cls, cache_key_fn: CacheKeyFn) -> CacheKeyFnPolicy:
        """A policy that asks your function."""
        return CacheKeyFnPolicy(cache_key_fn=cache_key_fn)

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The key of a call, or None when it is not to be cached.

        Raises `HashError`, one line that names the argument, when an argument has no
        content that could be compared.
        """
        raise NotImplementedError

    #: Whether a value that has no key is kept, too, for those who ask for the run's result.
    keeps_without_key: ClassVar[bool] = True

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody wants to know when a value is not kept."""
        return True

    def to_keep(self, task_ctx: CacheContext, inputs: Mapping[str, Any], value: Any) -> Any:
        """What is kept of a run's value; asked after the run.

        Raises `NotKept`, with a reason that can follow "Not kept: ", when nothing is.
        """
        return value

    def restore(self, kept: KeptResult) -> None:
        """See to what has to happen before a kept value is used.

        Whatever it raises makes the run take place instead.
        """

    def configure(
        self,
        key_storage: str | Path | None = None,
        lock_manager: object = None,
        isolation_level: str | None = None,
    ) -> Self:
        """The same policy with its cache in another place.

        Results are written whole and the last writer wins (`READ_COMMITTED`). Locks around
        cached calls (`SERIALIZABLE`, `lock_manager`) are not supported yet: asking for them
        raises `ConfigurationError`.
        """
        level = getattr(isolation_level, "value", isolation_level)
        if lock_manager is not None or level not in {None, "READ_COMMITTED"}:
            raise ConfigurationError(
                "nbflow does not lock cached calls yet: lock_manager and "
                "isolation_level='SERIALIZABLE' are not supported. Leave them out; at worst two "
                "runs at once compute the same value."
            )
        return self if key_storage is None else replace(self, key_storage=key_storage)

    def __add__(self, other: CachePolicy) -> CachePolicy:
        _check_policy(other)
        if isinstance(other, _None):
            return self
        parts = (*_parts_of(self), *_parts_of(other))
        return CompoundCachePolicy(policies=parts, key_storage=_one_storage(self, other))

    def __sub__(self, other: str) -> CachePolicy:
        _check_name(other)
        return self


@dataclass(frozen=True)
class CacheKeyFnPolicy(CachePolicy):
    """Keys by a function of your own: `(context, arguments) -> key`, or None."""

    cache_key_fn: CacheKeyFn | None = None

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """What the function answers."""
        key: object = self.cache_key_fn(task_ctx, dict(inputs)) if self.cache_key_fn else None
        if key is None or isinstance(key, str):
            return key
        raise ConfigurationError(
            f"The cache_key_fn of task {task_ctx.task.name!r} returned "
            f"a {type(key).__name__}; return a str, or None for no caching."
        )


@dataclass(frozen=True, eq=False)
class CompoundCachePolicy(CachePolicy):
    """Several policies at once: the keys they give count together, in any order."""

    policies: tuple[CachePolicy, ...] = ()

    def __post_init__(self) -> None:
        flat = dict.fromkeys(part for policy in self.policies for part in _parts_of(policy))
        inputs = [part for part in flat if isinstance(part, Inputs)]
        others = [part for part in flat if not isinstance(part, Inputs)]
        if inputs:
            excluded = {name for part in inputs for name in part.exclude}
            others.append(Inputs(exclude=tuple(sorted(excluded))))
        object.__setattr__(self, "policies", tuple(others))

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The keys of all policies in one; those that give none are left out."""
        keys = [
            f"{type(policy).__name__}:{key}"
            for policy in self.policies
            if (key := policy.compute_key(task_ctx, inputs, flow_parameters, **kwargs)) is not None
        ]
        return content_hash("\n".join(sorted(keys))) if keys else None

    def __sub__(self, other: str) -> CachePolicy:
        _check_name(other)
        return replace(self, policies=tuple(policy - other for policy in self.policies))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompoundCachePolicy):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[frozenset[CachePolicy], str | Path | None]:
        return frozenset(self.policies), self.key_storage

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.policies)) + _storage_note(self)


@dataclass(frozen=True)
class _None(CachePolicy):
    """Never a key: no caching."""

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """None."""
        return None

    def __add__(self, other: CachePolicy) -> CachePolicy:
        _check_policy(other)
        return other

    def __repr__(self) -> str:
        return "NO_CACHE"


@dataclass(frozen=True)
class Inputs(CachePolicy):
    """Same arguments, same key. A task without arguments gets none."""

    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "exclude", tuple(self.exclude))

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """A hash of the arguments' content."""
        if not inputs:
            return None
        counted = {name: value for name, value in inputs.items() if name not in self.exclude}
        return _hash_arguments(task_ctx, counted)

    def __sub__(self, other: str) -> CachePolicy:
        _check_name(other)
        return replace(self, exclude=tuple(sorted({*self.exclude, other})))

    def __repr__(self) -> str:
        return "INPUTS" + "".join(f" - {name!r}" for name in self.exclude) + _storage_note(self)


@dataclass(frozen=True)
class TaskSource(CachePolicy):
    """Same code, same key: the function, its defaults, what it closes over and its helpers.

    Comments, formatting and docstrings do not count. See `nbflow.hashing.code_hash`.
    """

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """A hash of the task's code."""
        if task_ctx.source is not None:
            return content_hash(task_ctx.source)
        try:
            return code_hash(task_ctx.task.fn)
        except HashError as error:
            raise HashError(
                f"The code of task {task_ctx.task.name!r} cannot be part of a cache key, so this "
                f"call is not cached: {str(error).rstrip('.')}. Pass what it closes over as an "
                "argument, or use cache_policy=INPUTS or NO_CACHE."
            ) from None

    def __repr__(self) -> str:
        return "TASK_SOURCE" + _storage_note(self)


@dataclass(frozen=True)
class FlowParameters(CachePolicy):
    """Same parameters of the flow run, same key. A flow without parameters gives none."""

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """A hash of the flow run's parameters."""
        if not flow_parameters:
            return None
        return _hash_arguments(task_ctx, flow_parameters, "Flow parameter", "TASK_SOURCE")

    def __repr__(self) -> str:
        return "FLOW_PARAMETERS" + _storage_note(self)


@dataclass(frozen=True)
class RunId(CachePolicy):
    """Same flow run, same key; the task run's own id outside of flows."""

    def compute_key(
        self,
        task_ctx: CacheContext,
        inputs: Mapping[str, Any],
        flow_parameters: Mapping[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The id."""
        return str(task_ctx.task_run.flow_run_id or task_ctx.task_run.id)

    def __repr__(self) -> str:
        return "RUN_ID" + _storage_note(self)


def task_input_hash(context: CacheContext, arguments: Mapping[str, Any]) -> str:
    """A ready-made `cache_key_fn`: same task, same code, same arguments.

    Raises `HashError` when an argument cannot be compared; the call is then not cached.
    """
    arguments_hash = _hash_arguments(context, arguments)
    source = TaskSource().compute_key(context, arguments, {})
    return content_hash([context.task.task_key, source, arguments_hash])


def _hash_arguments(
    context: CacheContext,
    values: Mapping[str, Any],
    what: str = "Argument",
    instead: str = "INPUTS - {name!r}",
) -> str:
    hashes = {}
    for name, value in values.items():
        try:
            hashes[name] = content_hash(value, name=f"{what} {name!r}")
        except HashError as error:
            way_out = instead.format(name=name)
            raise HashError(
                f"{str(error).rstrip('.')}: it cannot be part of a cache key, so this call of "
                f"task {context.task.name!r} is not cached. "
                f"Use cache_policy={way_out}, or NO_CACHE."
            ) from None
    # One text is hashed five times as fast as a dict, and names hold no line ends.
    return content_hash("\n".join(f"{name}={hashes[name]}" for name in sorted(hashes)))


def _parts_of(policy: CachePolicy) -> tuple[CachePolicy, ...]:
    """The single policies in one; where results are kept is the compound's affair."""
    if isinstance(policy, CompoundCachePolicy):
        return policy.policies
    if isinstance(policy, _None):
        return ()
    return (policy if policy.key_storage is None else replace(policy, key_storage=None),)


def _one_storage(first: CachePolicy, second: CachePolicy) -> str | Path | None:
    storages = {str(each.key_storage) for each in (first, second) if each.key_storage}
    if len(storages) > 1:
        raise ConfigurationError(
            "Cache policies that keep results in different places cannot be added "
            f"({' and '.join(sorted(storages))}). Configure the sum instead."
        )
    return first.key_storage or second.key_storage


def _storage_note(policy: CachePolicy) -> str:
    return f" in {str(policy.key_storage)!r}" if policy.key_storage else ""


def _check_policy(policy: object) -> None:
    if not isinstance(policy, CachePolicy):
        raise TypeError(f"Only cache policies can be added to a cache policy; got {policy!r}.")


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"Only argument names can be subtracted from a cache policy; got {name!r}.")


#: Same arguments.
INPUTS: Final = Inputs()
#: Same code.
TASK_SOURCE: Final = TaskSource()
#: Same flow run.
RUN_ID: Final = RunId()
#: Same parameters of the flow run.
FLOW_PARAMETERS: Final = FlowParameters()
#: No caching.
NO_CACHE: Final = _None()
#: No caching, by its other name.
NONE: Final = NO_CACHE
#: Same arguments and same code within one flow run.
DEFAULT: Final[CachePolicy] = INPUTS + TASK_SOURCE + RUN_ID
