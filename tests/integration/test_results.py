"""Results come back as they went in, and a damaged or foreign file never does."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.engine.results import ResultStore, StoredResultHandle, safe_key
from nbflow.exceptions import ConfigurationError, MissingResult, SerializationError
from nbflow.models import ResultRef
from nbflow.serializers import (
    CompressedJSONSerializer,
    CompressedPickleSerializer,
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    get_serializer,
    register_serializer,
)
from nbflow.states import StoredResult

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(params=["folder", "memory"])
def root(request, tmp_path):
    return str(tmp_path / "results") if request.param == "folder" else f"memory://{uuid4().hex}"


@pytest.fixture
def store(root):
    return ResultStore(root)


@pytest.fixture
def folder(tmp_path):
    return ResultStore(tmp_path / "results")


VALUES = [None, 0, "text", b"bytes", [1, (2,)], {"a": {1}}, datetime(2026, 1, 1, tzinfo=UTC), 10**5000, np.arange(3), pd.DataFrame({"a": [1]}), b"x" * 20_000, b"x" * 2_000_000]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_and_is_found(store, value):
    ref = store.write("key", value)
    found = ResultStore(ref.storage).read(ref)
    assert pickle.dumps(found) == pickle.dumps(value)
    assert store.lookup("key") == ref
    assert ref.size > 0 and ref.serializer == "pickle" and ref.expires is None


def test_functions_of_the_notebook_come_back(store):
    assert store.read(store.write("key", lambda x: x + 1))(1) == 2


def test_what_is_not_there_is_missing(store):
    assert store.lookup("key") is None
    ref = store.write("key", 1)
    store.delete("key")
    store.delete("key")
    assert not store.exists("key")
    with pytest.raises(MissingResult, match="Run the task again"):
        store.read(ref)


def test_the_last_write_wins(store):
    store.write("key", "first, and longer")
    ref = store.write("key", 2)
    assert store.read(ref) == 2 and store.lookup("key") == ref


def test_a_result_is_found_until_it_expires(store):
    ref = store.write("key", 1, expires=NOW)
    assert store.lookup("key", NOW - timedelta(microseconds=1)) == ref
    assert ref.expires == NOW
    assert store.lookup("key", NOW) is None
    assert store.read(ref) == 1


def test_a_time_in_another_zone_expires_at_the_same_moment(store):
    from zoneinfo import ZoneInfo

    store.write("key", 1, expires=NOW.astimezone(ZoneInfo("Asia/Tokyo")))
    assert store.exists("key", NOW - timedelta(seconds=1))
    assert not store.exists("key", NOW)


def test_a_folder_of_results_is_private_and_holds_nothing_else(folder):
    folder.write("a/b", 1)
    folder.write("a/b", 2)
    root = Path(folder.root)
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["b"]
    if os.name == "posix":
        assert (root / "a" / "b").stat().st_mode & 0o777 == 0o600
        assert root.stat().st_mode & 0o777 == 0o700


# ── damage ───────────────────────────────────────────────────────────────────────────────


def _damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    changes = {
        "cut": data[:-1],
        "cut in the header": data[:40],
        "longer": data + b"x",
        "empty": b"",
        "foreign": b"PK\x03\x04" + data,
        "changed": data[:-1] + bytes([data[-1] ^ 1]),
        "header not JSON": data.replace(b'{"key"', b'{{"key"', 1),
        "header of another version": data.replace(b'"size"', b'"length"', 1),
        "date not a date": data.replace(b'"expires": null', b'"expires": "soon"', 1),
        "no line end": data.split(b"\n")[0],
    }
    path.write_bytes(changes[how])


DAMAGES = ["cut", "cut in the header", "longer", "empty", "foreign", "changed", "header not JSON", "header of another version", "date not a date", "no line end"]  # fmt: skip


@pytest.mark.parametrize("size", [10, 50_000, 3_000_000])
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_result_is_not_found_and_reading_it_says_so(folder, how, size):
    ref = folder.write("key", b"x" * size)
    _damage(Path(folder.root, "key"), how)
    if not (how == "changed" and size > 1_000_000):  # large values are checked when read
        assert folder.lookup("key") is None
    with pytest.raises(SerializationError, match=r"is damaged .* run the task again"):
        folder.read(ref)


def test_a_result_of_another_key_in_the_same_file_is_not_found(folder):
    folder.write("a?b", 1)
    assert folder.exists("a?b")
    assert not folder.exists("a%3Fb")


def test_a_value_whose_library_is_gone_is_refused_with_the_next_step(folder):
    ref = folder.write("key", 1)
    path = Path(folder.root, "key")
    blob = b"cno_such_module\nthing\n."
    store = ResultStore(folder.root)
    store.serializer = type("Raw", (PickleSerializer,), {"dumps": lambda self, value: value})()
    ref = store.write("key", blob)
    assert path.exists()
    with pytest.raises(SerializationError, match=r"no_such_module.*Install the libraries"):
        folder.read(ref)


# ── keys ─────────────────────────────────────────────────────────────────────────────────

KEYS = ["../../etc/passwd", "/etc/passwd", "..", ".", "a/../../b", "C:\\x", "..\\..\\x", "a\0b", "x" * 1000, "CON", "nul.txt", ".hidden", "a b", "größe", "a//b", "\ud800", "a\nb", "end.", "end "]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_no_key_escapes_the_root(folder, key):
    ref = folder.write(key, key)
    (path,) = [each for each in Path(folder.root).rglob("*") if each.is_file()]
    assert path.resolve().is_relative_to(Path(folder.root).resolve())
    assert folder.read(ref) == key
    assert folder.lookup(key) == ref


@given(st.text(min_size=1).filter(lambda key: key.strip("/\\")))
def test_the_path_of_a_path_is_itself(key):
    path = safe_key(key)
    assert safe_key(path) == path
    assert not path.startswith("/") and ".." not in path.split("/")
    assert path.isascii()


def test_a_reference_made_up_by_others_does_not_escape_either(folder, tmp_path):
    (tmp_path / "secret").write_bytes(pickle.dumps(1))
    with pytest.raises(MissingResult):
        folder.read(ResultRef("../secret", folder.root, "pickle", 1))


@pytest.mark.parametrize("key", ["", "/", "\\/"])
def test_a_key_that_names_no_file_is_refused(folder, key):
    with pytest.raises(ConfigurationError, match="needs a key"):
        folder.write(key, 1)


# ── storage ──────────────────────────────────────────────────────────────────────────────


def test_storage_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be written .*NBFLOW_RESULTS"):
        ResultStore(tmp_path / "file").write("key", 1)


def test_storage_of_an_unknown_kind_is_refused():
    with pytest.raises(ConfigurationError, match="nosuch://bucket cannot be opened"):
        ResultStore("nosuch://bucket")


def test_a_file_url_is_a_folder(tmp_path):
    ref = ResultStore(f"file://{tmp_path}/r").write("key", 1)
    assert ResultStore(tmp_path / "r").read(ref) == 1


def test_a_failed_write_leaves_what_was_there(folder, monkeypatch):
    ref = folder.write("key", "kept")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nbflow.engine.results.os.write", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        folder.write("key", "lost")
    assert folder.read(ref) == "kept"
    assert len(list(Path(folder.root).iterdir())) == 1


def test_concurrent_writers_never_tear_a_result(folder):
    values = {letter * size for letter, size in (("a", 10), ("b", 100_000), ("c", 3_000_000))}
    ref = folder.write("key", "a" * 10)
    stop = threading.Event()
    seen = []

    def write(value):
        for _ in range(15):
            folder.write("key", value)

    def read():
        while not stop.is_set():
            seen.append(folder.read(ref) in values and folder.lookup("key") is not None)

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for writer in [pool.submit(write, value) for value in values]:
            writer.result()
        stop.set()
        for reader in readers:
            reader.result()
    assert seen and all(seen)
    assert len(list(Path(folder.root).iterdir())) == 1


def test_another_process_finds_the_result(folder):
    folder.write("key", {"a": 1})
    code = "import sys; from nbflow.engine.results import ResultStore; s = ResultStore(sys.argv[1]); print(s.read(s.lookup('key')))"
    done = subprocess.run(
        [sys.executable, "-c", code, folder.root], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "{'a': 1}"


# ── serializers ──────────────────────────────────────────────────────────────────────────

NAMES = ["pickle", "json", "compressed/pickle", "compressed/json", "compressed/pickle:zlib"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@given(value=json_values)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_serializer_brings_values_back(name, value):
    serializer = get_serializer(name)
    assert isinstance(serializer, Serializer) and serializer.type == name
    assert serializer.loads(serializer.dumps(value)) == value


@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_read_by_the_serializer_it_was_written_with(root, name):
    ref = ResultStore(root, name).write("key", [1])
    assert ref.serializer == name
    assert ResultStore(root, "pickle").read(ref) == [1]


def test_serializers_have_the_names_of_the_field():
    assert PickleSerializer().type == "pickle" and JSONSerializer().type == "json"
    assert CompressedPickleSerializer().type == "compressed/pickle"
    assert CompressedJSONSerializer().type == "compressed/json"
    assert CompressedSerializer(JSONSerializer(), "bz2").type == "compressed/json:bz2"


@pytest.mark.parametrize("value", [(1, 2), {1: 2}, float("nan"), {"a": {1}}, pytest.param(object(), id="object"), np.zeros(2), [(1,)], "\ud800"], ids=str)  # fmt: skip
def test_json_refuses_what_would_come_back_changed(value):
    with pytest.raises(SerializationError, match=r"cannot be written as JSON.*result_serializer"):
        JSONSerializer().dumps(value)


def test_what_cannot_be_pickled_is_refused_with_the_way_out(store):
    with pytest.raises(SerializationError, match=r"lock.*persist_result=False"):
        store.write("key", {"a": threading.Lock()})
    assert not store.exists("key")


def test_unknown_names_are_refused():
    with pytest.raises(ConfigurationError, match=r"Use one of .*compressed/json"):
        get_serializer("yaml")
    with pytest.raises(ConfigurationError, match="'nosuch' is not installed"):
        get_serializer("compressed/pickle:nosuch").dumps(1)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_are_no_value_are_refused(name):
    with pytest.raises(SerializationError, match="not readable"):
        get_serializer(name).loads(b"\xff\xfe no")


def test_a_serializer_of_ones_own_is_found_by_name(store, monkeypatch):
    class Shouting:
        type = "shouting"

        def dumps(self, value):
            return value.upper().encode()

        def loads(self, blob):
            return blob.decode()

    monkeypatch.setattr("nbflow.serializers._REGISTRY", {})
    register_serializer("shouting", Shouting)
    ref = ResultStore(store.root, "shouting").write("key", "hi")
    assert store.read(ref) == "HI"


# ── handles ──────────────────────────────────────────────────────────────────────────────


def test_a_handle_loads_its_value_also_after_a_journey(store):
    handle = StoredResultHandle(store.write("key", [1]))
    assert isinstance(handle, StoredResult)
    assert handle.load() == [1]
    assert pickle.loads(cloudpickle.dumps(handle)).load() == [1]


def test_a_handle_remembers_its_value_only_while_others_hold_it(store):
    handle = StoredResultHandle(store.write("key", np.arange(3)))
    first = handle.load()
    assert handle.load() is first
    store.delete("key")
    assert handle.load() is first
    del first
    gc.collect()
    with pytest.raises(MissingResult):
        handle.load()


def test_a_value_written_here_need_not_be_read(store):
    value = np.arange(3)
    handle = StoredResultHandle(store.write("key", value))
    handle.remember(value)
    assert handle.load() is value
