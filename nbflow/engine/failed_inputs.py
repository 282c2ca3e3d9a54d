"""The inputs of failed task runs, kept so that the failure can be looked at afterwards.

This module decides what is kept of a failed run, where, and for how long. It must not know
why the run failed, nor how people look at it.

It is a best effort: inputs that cannot be pickled are left out, each with the reason, and
nothing that goes wrong here changes how the run ends. All failed runs of a result storage
together take at most `failed_inputs_limit` bytes; the oldest go first.
"""

from __future__ import annotations

import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from nbflow.engine.results import ResultStore
from nbflow.exceptions import MissingResult
from nbflow.models import ResultRef
from nbflow.settings import get_settings

_FOLDER: Final = "failed"
#: The folder is looked through at the first failure of a process, and then every so often.
_EVERY: Final = 50
_failures: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class FailedInputs:
    """What is left of a failed run."""

    inputs: dict[str, Any]
    #: The code that failed; empty when it was not to be found.
    source: str
    #: Why inputs are missing, by name.
    left_out: dict[str, str] = field(default_factory=dict)


class _TooLarge(Exception):
    """The pickle would be larger than what may be kept."""


class _Bounded:
    """A file in memory that refuses to grow beyond its limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self.chunks: list[bytes] = []

    def write(self, chunk: bytes) -> None:
        """Take in more, or raise."""
        self._size += len(chunk)
        if self._size > self._limit:
            raise _TooLarge
        self.chunks.append(bytes(chunk))


def keep_inputs(run_id: UUID, inputs: Mapping[str, Any], source: str = "") -> ResultRef | None:
    """Keep the inputs of a failed run as they are now; None when nothing could be kept.

    What inputs share is kept shared, unless one of them cannot be pickled.
    """
    limit = get_settings().failed_inputs_limit
    record: dict[str, Any] = {"source": source, "left_out": {}, "together": None, "each": {}}
    try:
        record["together"] = _pickled(dict(inputs), limit)
    except Exception:  # noqa: BLE001 - reducing objects is the user's code
        record["each"], record["left_out"] = _one_by_one(inputs, limit)
    size = len(record["together"] or b"") + sum(map(len, record["each"].values()))
    try:
        if next(_failures) % _EVERY == 0 or size > limit // _EVERY:
            _make_room(limit - size)
        return _storage().write(_key(run_id), record)
    except Exception:  # noqa: BLE001 - storages may be anyone's
        return None


def load_failed(run_id: UUID) -> FailedInputs:
    """What is left of a failed run.

    Raises:
        MissingResult: Nothing was kept of it, or it was removed to make room.
        SerializationError: The libraries of an input are not here.
    """
    store = _storage()
    ref = store.lookup(_key(run_id))
    if ref is None:
        raise MissingResult(
            f"The inputs of task run {run_id} are not kept: it did not fail, keep_failed_inputs "
            "was off, or newer failures took their place. Run it again to look at them."
        )
    record = store.read(ref)
    serializer = store.serializer
    if record["together"] is not None:
        inputs = serializer.loads(record["together"])
    else:
        inputs = {name: serializer.loads(blob) for name, blob in record["each"].items()}
    return FailedInputs(inputs, record["source"], record["left_out"])


def source_of(fn: Callable[..., Any]) -> str:
    """The code of a function or cell as written; empty when it is not to be found."""
    own = getattr(fn, "source", None)
    if isinstance(own, str):
        return own
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(fn)))
    except (OSError, TypeError, ValueError):
        return ""


def _pickled(value: Any, limit: int) -> bytes:
    import cloudpickle  # noqa: PLC0415 - only failures need it

    target = _Bounded(limit)
    cloudpickle.Pickler(target, protocol=5).dump(value)
    return b"".join(target.chunks)


def _one_by_one(inputs: Mapping[str, Any], limit: int) -> tuple[dict[str, bytes], dict[str, str]]:
    kept: dict[str, bytes] = {}
    left_out: dict[str, str] = {}
    for name, value in inputs.items():
        try:
            kept[name] = _pickled(value, limit)
            limit -= len(kept[name])
        except _TooLarge:
            left_out[name] = "it is larger than what may be kept (failed_inputs_limit)"
        except Exception as error:  # noqa: BLE001 - reducing objects is the user's code
            left_out[name] = f"it cannot be pickled ({error})"
    return kept, left_out


def _storage() -> ResultStore:
    settings = get_settings()
    if not settings.results:
        settings.ensure_home()
    return ResultStore(settings.results_root())


def _key(run_id: UUID) -> str:
    return f"{_FOLDER}/{run_id}"


def _make_room(limit: int) -> None:
    """Remove the oldest kept inputs until no more than `limit` bytes are left."""
    total = 0
    for modified, size, path in sorted(_kept_files(), reverse=True):
        del modified
        total += size
        if total > limit:
            with suppress(OSError):
                path.unlink()


def _kept_files() -> Iterator[tuple[float, int, Path]]:
    root = get_settings().results_root()
    if "://" in root:  # object stores have rules of their own for what is old
        return
    for path in (Path(root) / _FOLDER).glob("*"):
        with suppress(OSError):
            status = path.stat()
            yield status.st_mtime, status.st_size, path
