"""Where values are kept, found again, and found again by later runs: the cache.

This module decides the layout of a stored result and when it counts as found. It must not
know runs, tasks or the run database: a key goes in, a reference comes out.

A result is one file: a line that says what it is, a line of JSON about it, the value. So
whoever shares the storage shares the cache, with no database between them. Files are
written aside and renamed: of two writers the last wins, and no reader sees half a file.
Nothing is synced to disk: a result lost in a power cut is found damaged by its size or
checksum, and computed again (docs/decisions/0051-result-files.md).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from nbflow.exceptions import ConfigurationError, MissingResult, SerializationError
from nbflow.models import ResultRef
from nbflow.paths import expanded
from nbflow.serializers import Serializer, get_serializer
from nbflow.states import StoredResult
from nbflow.states import now as wall_clock

_MAGIC: Final = b"nbflow result 1\n"
#: Values up to this size are checked by `lookup` to the last byte, larger ones by length.
_CHECK_LIMIT: Final = 1_000_000
#: Room for the header, which is a few hundred bytes long.
_HEAD: Final = 16_384
_LONGEST_SEGMENT: Final = 150
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._\-=+@%,() ]")
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # Windows devices
_counter: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class _Header:
    key: str
    serializer: str
    size: int
    checksum: str
    created: str
    expires: str | None
    python: str

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and datetime.fromisoformat(self.expires) <= now


class _Damaged(ValueError):
    """The file is not a whole result."""


class _Files(Protocol):
    """What a result store needs of a file system."""

    def write(self, path: str, chunks: tuple[bytes, ...]) -> None: ...
    def read(self, path: str) -> bytes: ...
    def head(self, path: str, limit: int) -> tuple[bytes, int]: ...
    def delete(self, path: str) -> None: ...


class ResultStore:
    """A folder or bucket of results.

    Args:
        root: A folder, or an fsspec URL such as s3://bucket/results or memory://results.
        serializer: How values become bytes: an instance or a name.
    """

    def __init__(
        self, root: str | os.PathLike[str], serializer: Serializer | str = "pickle"
    ) -> None:
        self.root, self._files = _open_root(os.fspath(root))
        self.serializer = get_serializer(serializer)

    def __repr__(self) -> str:
        return f"ResultStore({self.root!r}, {self.serializer.type!r})"

    def write(self, key: str, value: Any, *, expires: datetime | None = None) -> ResultRef:
        """Keep a value under a key, in place of what was there.

        Raises `SerializationError` when the value cannot be turned into bytes and
        `ConfigurationError` when the storage cannot be written.
        """
        blob = self.serializer.dumps(value)
        header = _Header(
            key=key,
            serializer=self.serializer.type,
            size=len(blob),
            checksum=_checksum(blob),
            created=wall_clock().isoformat(),
            expires=expires.astimezone(UTC).isoformat() if expires else None,
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
        )
        path = safe_key(key)
        try:
            self._files.write(path, (_encode(header), blob))
        except OSError as error:
            raise self._unwritable(error) from error
        return self._ref(path, header)

    def read(self, ref: ResultRef) -> Any:
        """The value a reference stands for.

        Raises `MissingResult` when it is gone, and `SerializationError` when it is damaged
        or its libraries are not here.
        """
        try:
            header, blob = _decode(self._files.read(safe_key(ref.key)))
        except FileNotFoundError:
            raise MissingResult(
                f"The result {ref.key!r} is not in {self.root} any more. "
                "Run the task again to make it anew."
            ) from None
        except _Damaged as error:
            raise SerializationError(
                f"The stored result {ref.key!r} in {self.root} is damaged ({error}). "
                "Delete the file and run the task again."
            ) from error
        return get_serializer(header.serializer).loads(blob)

    def lookup(self, key: str, now: datetime | None = None) -> ResultRef | None:
        """Where the value of a key is kept, if it is there, whole, and not expired."""
        path = safe_key(key)
        try:
            header = self._inspect(path)
        except (OSError, _Damaged):
            return None
        if header.key != key or header.expired(now or wall_clock()):
            return None
        return self._ref(path, header)

    def exists(self, key: str, now: datetime | None = None) -> bool:
        """Whether `lookup` would find the key."""
        return self.lookup(key, now) is not None

    def delete(self, key: str) -> None:
        """Forget the value of a key; nothing happens when there is none."""
        try:
            self._files.delete(safe_key(key))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unwritable(error) from error

    def _inspect(self, path: str) -> _Header:
        data, size = self._files.head(path, _HEAD + _CHECK_LIMIT)
        if size <= len(data):
            return _decode(data)[0]
        header, start = _split(data)
        if size != start + header.size:
            raise _Damaged(f"it has {size - start:,} of {header.size:,} bytes")
        return header

    def _ref(self, path: str, header: _Header) -> ResultRef:
        expires = datetime.fromisoformat(header.expires) if header.expires else None
        return ResultRef(path, self.root, header.serializer, header.size, expires)

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The result storage {self.root} cannot be written ({error.strerror or error}). "
            "Set NBFLOW_RESULTS to a place you can write to."
        )


@dataclass(slots=True)
class StoredResultHandle(StoredResult):
    """A value in a result store, loaded when asked for.

    Once loaded, the value is remembered as long as someone else holds it, where its type
    allows weak references.
    """

    ref: ResultRef
    _cached: Callable[[], Any] | None = field(default=None, init=False, repr=False, compare=False)

    def load(self) -> Any:
        """The value; raises `MissingResult` or `SerializationError`."""
        value = self._cached() if self._cached is not None else None
        if value is None:
            value = ResultStore(self.ref.storage, self.ref.serializer).read(self.ref)
            self.remember(value)
        return value

    def remember(self, value: Any) -> None:
        """Keep the value at hand for the next `load`, as long as someone else holds it."""
        try:
            self._cached = weakref.ref(value)
        except TypeError:  # numbers, lists, … cannot be referred to weakly
            self._cached = None

    def hold(self, value: Any) -> None:
        """Keep the value at hand as long as this handle is."""
        self._cached = lambda: value

    def __reduce__(self) -> tuple[type[StoredResultHandle], tuple[ResultRef]]:
        return StoredResultHandle, (self.ref,)


def safe_key(key: str) -> str:
    """The relative path of a key: it stays inside its root on every system.

    Odd characters are percent-encoded, `.` and `..` too, long names cut and told apart by
    a digest. The path of a path is itself.
    """
    segments = [_safe_segment(part) for part in key.replace("\\", "/").split("/") if part]
    if not segments:
        raise ConfigurationError(f"A result needs a key that names a file; got {key!r}.")
    return "/".join(segments)


# ── the file ─────────────────────────────────────────────────────────────────────────────


def _encode(header: _Header) -> bytes:
    fields = {name: getattr(header, name) for name in _Header.__slots__}
    return _MAGIC + json.dumps(fields).encode() + b"\n"


def _split(data: bytes) -> tuple[_Header, int]:
    if not data.startswith(_MAGIC):
        raise _Damaged("it does not begin as a result")
    end = data.find(b"\n", len(_MAGIC))
    try:
        header = _Header(**json.loads(data[len(_MAGIC) : end]))
        header.expired(wall_clock())  # the date must be readable
    except (TypeError, ValueError) as error:
        raise _Damaged("its header is not readable") from error
    return header, end + 1


def _decode(data: bytes) -> tuple[_Header, bytes]:
    header, start = _split(data)
    blob = data[start:]
    _check(header, blob)
    return header, blob


def _check(header: _Header, blob: bytes) -> None:
    if len(blob) != header.size:
        raise _Damaged(f"it has {len(blob):,} of {header.size:,} bytes")
    if _checksum(blob) != header.checksum:
        raise _Damaged("its checksum differs")


def _checksum(blob: bytes) -> str:
    return hashlib.blake2b(blob, digest_size=16).hexdigest()


def _safe_segment(segment: str) -> str:
    safe = _UNSAFE.sub(_percent, segment)
    if safe.startswith(".") or _RESERVED.match(safe):
        safe = f"%{ord(safe[0]):02X}{safe[1:]}"
    if safe.endswith((".", " ")):  # Windows drops them
        safe = f"{safe[:-1]}%{ord(safe[-1]):02X}"
    if len(safe) > _LONGEST_SEGMENT:
        digest = hashlib.blake2b(segment.encode("utf-8", "surrogatepass"), digest_size=12)
        safe = f"{safe[:100]}-{digest.hexdigest()}"
    return safe


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogatepass"))


# ── file systems ─────────────────────────────────────────────────────────────────────────


def _open_root(root: str) -> tuple[str, _Files]:
    if root.startswith("file://"):
        root = root.removeprefix("file://")
    if "://" in root:
        return root, _RemoteFiles(root)
    folder = str(expanded(root).absolute())
    return folder, _LocalFiles(folder)


class _LocalFiles:
    """Plain files, without the indirection that would cost more than the write itself."""

    def __init__(self, root: str) -> None:
        self._root = root

    def write(self, path: str, chunks: tuple[bytes, ...]) -> None:
        target = f"{self._root}/{path}"
        # A name no key has (keys never begin with a dot), next to the target so that the
        # rename stays within one file system.
        folder, _, name = target.rpartition("/")
        aside = f"{folder}/.{os.getpid()}-{next(_counter)}-{name[-80:]}"
        try:
            descriptor = _create(aside)
        except FileNotFoundError:
            _make_private(Path(folder))
            descriptor = _create(aside)
        try:
            try:
                _write_all(descriptor, chunks)
            finally:
                os.close(descriptor)
            os.replace(aside, target)  # noqa: PTH105 - hot path
        except BaseException:
            os.unlink(aside)  # noqa: PTH108 - hot path
            raise

    def read(self, path: str) -> bytes:
        with open(f"{self._root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123 - hot path
            return file.read()

    def head(self, path: str, limit: int) -> tuple[bytes, int]:
        # Both of one open file: another writer may replace it between two looks.
        with open(f"{self._root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123 - hot path
            size = os.fstat(file.fileno()).st_size
            return file.read(min(limit, size)), size

    def delete(self, path: str) -> None:
        os.unlink(f"{self._root}/{path}")  # noqa: PTH108 - hot path


def _make_private(folder: Path) -> None:
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600)


def _write_all(descriptor: int, chunks: tuple[bytes, ...]) -> None:
    if sum(map(len, chunks)) <= _HEAD:  # one call for small results
        chunks = (b"".join(chunks),)
    for chunk in chunks:
        view = memoryview(chunk)
        while view:  # one write call moves at most 2 GiB
            view = view[os.write(descriptor, view) :]


class _RemoteFiles:
    """Whatever fsspec reaches. Object stores show an object only when it is whole."""

    def __init__(self, root: str) -> None:
        import fsspec  # noqa: PLC0415 - only storage behind a URL needs it

        try:
            self._fs, self._root = fsspec.core.url_to_fs(root)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(
                f"The result storage {root} cannot be opened ({error}). "
                "Install what it names, or correct the URL."
            ) from error

    def write(self, path: str, chunks: tuple[bytes, ...]) -> None:
        target = f"{self._root}/{path}"
        self._fs.makedirs(self._fs._parent(target), exist_ok=True)  # noqa: SLF001 - its only spelling
        self._fs.pipe_file(target, b"".join(chunks))

    def read(self, path: str) -> bytes:
        return bytes(self._fs.cat_file(f"{self._root}/{path}"))

    def head(self, path: str, limit: int) -> tuple[bytes, int]:
        # A write between the two looks makes a large result look damaged: a miss, no harm.
        target = f"{self._root}/{path}"
        return bytes(self._fs.cat_file(target, end=limit)), int(self._fs.size(target))

    def delete(self, path: str) -> None:
        self._fs.rm_file(f"{self._root}/{path}")
