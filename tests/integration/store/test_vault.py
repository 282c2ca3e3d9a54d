"""Variables and secrets: what is taken, what is given back, and what never shows."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from cryptography.fernet import Fernet

from nbflow.exceptions import (
    ConfigurationError,
    InvalidNameError,
    ObjectAlreadyExists,
    ObjectNotFound,
    UsageError,
)
from nbflow.settings import get_settings
from nbflow.store import Store, open_store
from nbflow.variables import Secret, Variable

Opener = Callable[[], Store]
VALUE = "s3cr3t-välue ✓\n"


# ── variables ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value",
    [0, -1.5, "", "text ✓ \x00 \udc80", None, True, [], {}, [1, ["a", {"b": None}]], {"k": [1.5]}],
    ids=repr,
)
def test_a_variable_comes_back_as_it_was_set(store: Store, value: Any) -> None:
    assert store.vault.set_variable("name", "before").value == "before"
    assert store.vault.set_variable("name", value).value == value
    found = store.vault.variable("name")
    assert found.value == value and type(found.value) is type(value)
    assert store.vault.variables() == [found]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "cannot be set"),
        ({1, 2}, "not JSON serializable"),
        (b"bytes", "not JSON serializable"),
        (object(), "not JSON serializable"),
        ("x" * 100_001, "more than 100,000"),
    ],
    ids=["NaN", "set", "bytes", "object", "large"],
)
def test_what_is_no_json_or_too_much_is_refused(store: Store, value: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        store.vault.set_variable("name", value)
    assert store.vault.variables() == []


@pytest.mark.parametrize("name", ["", " a", "a b", "a\n", "-a", "ä", "a/b", "x" * 201, "{a}", None])
def test_names_that_commands_could_not_spell_are_refused(store: Store, name: Any) -> None:
    with pytest.raises(InvalidNameError, match="Use up to 200 letters"):
        store.vault.set_variable(name, 1)
    with pytest.raises(InvalidNameError, match="name of a secret"):
        store.vault.set_secret(name, "value")


def test_missing_variables_and_secrets_name_near_ones(store: Store) -> None:
    vault = store.vault
    vault.set_variable("threshold", 1)
    vault.set_secret("password", "x")
    for ask in (vault.variable, vault.delete_variable):
        with pytest.raises(ObjectNotFound, match=r"no variable 'treshold'\. Did you mean 'thresh"):
            ask("treshold")
    for ask in (vault.secret_value, vault.delete_secret):
        with pytest.raises(ObjectNotFound, match=r"no secret 'pasword'\. Did you mean 'password'"):
            ask("pasword")
    with pytest.raises(ObjectNotFound, match="nbflow secret ls"):
        vault.secret_value("something else")
    vault.delete_variable("threshold")
    vault.delete_secret("password")
    assert vault.variables() == [] and vault.secrets() == []


def test_changes_are_told_by_name_alone(store: Store) -> None:
    vault = store.vault
    vault.set_variable("v", "plain")
    vault.set_variable("v", "other")
    vault.set_secret("s", VALUE)
    vault.set_secret("s", VALUE)
    vault.delete_secret("s")
    vault.delete_variable("v")
    events, _ = store.events.since(0)
    assert [event.kind for event in events] == [
        "variable.created",
        "variable.updated",
        "secret.created",
        "secret.updated",
        "secret.deleted",
        "variable.deleted",
    ]
    assert {event.subject for event in events} == {"v", "s"}
    assert all(not event.payload for event in events)


# ── secrets ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [VALUE, "x", "\x00", "\udc80", "y" * 100_000], ids=ascii)
def test_a_secret_comes_back_as_it_was_set(store: Store, open_another: Opener, value: str) -> None:
    store.vault.set_secret("name", "before")
    record = store.vault.set_secret("name", value)
    assert open_another().vault.secret_value("name") == value
    assert store.vault.secrets() == [record]


@pytest.mark.parametrize("value", ["", None, b"bytes", 1, "x" * 100_001], ids=lambda v: repr(v)[:9])
def test_what_cannot_be_a_secret_is_refused_without_showing_it(store: Store, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        store.vault.set_secret("name", value)
    assert "xxxx" not in str(caught.value) and "bytes'" not in str(caught.value)


def test_a_secret_is_nowhere_in_clear(tmp_path: Path) -> None:
    store = open_store()
    store.vault.set_secret("name", VALUE * 10)
    store.flush()
    home = get_settings().home
    for path in home.rglob("*"):
        if path.is_file():
            assert VALUE.strip().encode() not in path.read_bytes(), path


def test_the_key_is_made_once_and_for_its_owner_alone(store: Store, nbflow_home: Path) -> None:
    path = nbflow_home / "secret.key"
    assert not path.exists()
    store.vault.set_variable("plain", 1)
    assert not path.exists()
    store.vault.set_secret("a", VALUE)
    key = path.read_bytes()
    Fernet(key.strip())
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(nbflow_home.stat().st_mode) == 0o700
    store.vault.set_secret("b", VALUE)
    assert path.read_bytes() == key
    assert [each.name for each in nbflow_home.iterdir() if "secret" in each.name] == ["secret.key"]


def test_of_many_that_make_the_key_at_once_all_get_the_same(nbflow_home: Path) -> None:
    from nbflow.store import keys

    tokens: list[bytes] = []
    ready = threading.Barrier(8)

    def make() -> None:
        ready.wait()
        tokens.append(keys.encrypt(VALUE))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [keys.decrypt(token, "name") for token in tokens] == [VALUE] * 8


def test_without_links_the_key_is_put_there_all_the_same(
    nbflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbflow.store import keys

    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    assert keys.decrypt(keys.encrypt(VALUE), "name") == VALUE
    assert [path.name for path in nbflow_home.iterdir()] == ["secret.key"]


def test_the_variable_of_the_environment_wins(
    store: Store, nbflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_SECRET_KEY", Fernet.generate_key().decode())
    store.vault.set_secret("name", VALUE)
    assert store.vault.secret_value("name") == VALUE
    assert not (nbflow_home / "secret.key").exists()


@pytest.mark.parametrize("how", ["another key", "no key"])
def test_another_key_is_one_clear_error(
    store: Store, nbflow_home: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("NBFLOW_SECRET_KEY", key)
    store.vault.set_secret("name", VALUE)
    if how == "another key":
        monkeypatch.setenv("NBFLOW_SECRET_KEY", Fernet.generate_key().decode())
    else:
        monkeypatch.delenv("NBFLOW_SECRET_KEY")
    for ask in (
        lambda: store.vault.secret_value("name"),
        lambda: store.vault.set_secret("other", "x"),  # under two keys nobody could read both
    ):
        with pytest.raises(ConfigurationError, match="'name' was encrypted with another") as caught:
            ask()
        assert caught.value.__suppress_context__
        assert key not in str(caught.value)
    assert [secret.name for secret in store.vault.secrets()] == ["name"]
    store.vault.set_secret("name", "anew")
    assert store.vault.secret_value("name") == "anew"


@pytest.mark.parametrize("place", ["file", "variable"])
def test_a_key_that_is_none_is_not_shown(
    store: Store, nbflow_home: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "file":
        nbflow_home.mkdir()
        (nbflow_home / "secret.key").write_text("hunter2ä", encoding="utf-8")
    else:
        monkeypatch.setenv("NBFLOW_SECRET_KEY", "hunter2ä")
    with pytest.raises(ConfigurationError, match="holds no key for secrets") as caught:
        store.vault.set_secret("name", VALUE)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_key_that_cannot_be_read_is_told(store: Store, nbflow_home: Path) -> None:
    store.vault.set_secret("name", VALUE)
    (nbflow_home / "secret.key").chmod(0)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        store.vault.secret_value("name")


def test_what_somebody_changed_in_the_database_is_no_secret(nbflow_home: Path) -> None:
    store = open_store()
    store.vault.set_secret("name", VALUE)
    with sqlite3.connect(nbflow_home / "nbflow.db") as connection:
        connection.execute("UPDATE secret SET value=?", (b"nonsense",))
    connection.close()
    with pytest.raises(ConfigurationError, match="another key"):
        store.vault.secret_value("name")


# ── as users write it ────────────────────────────────────────────────────────────────────


def test_variables_in_code() -> None:
    assert Variable.get("threshold") is None
    assert Variable.get("threshold", default=0.5) == 0.5
    made = Variable.set("threshold", 0.8)
    assert (made.name, made.value, repr(made)) == ("threshold", 0.8, "Variable('threshold', 0.8)")
    with pytest.raises(ObjectAlreadyExists, match="overwrite=True"):
        Variable.set("threshold", 0.9)
    assert Variable.get("threshold", 0.5) == 0.8
    Variable.set("threshold", None, overwrite=True)
    assert Variable.get("threshold", 0.5) is None
    assert Variable.unset("threshold") is True
    assert Variable.unset("threshold") is False


def test_secrets_in_code(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ObjectNotFound):
        Secret.load("password")
    secret = Secret.set("password", VALUE)
    Secret.set("password", VALUE)
    loaded = Secret.load("password")
    assert loaded.get() == secret.get() == VALUE
    logging.getLogger("x").warning("%s %r", loaded, loaded)
    shown = [repr(loaded), str(loaded), f"{loaded}", repr({"k": loaded}), caplog.text]
    assert not [text for text in shown if VALUE.strip() in text]
    assert repr(loaded) == "Secret(name='password')" and str(loaded) == "********"
    assert Secret.unset("password") is True
    assert Secret.unset("password") is False


def test_a_secret_saved_under_a_name() -> None:
    secret = Secret(VALUE)
    assert repr(secret) == "Secret('********')"
    with pytest.raises(UsageError, match="Keep it first"):
        pickle.dumps(secret)
    secret.save("password")
    assert secret.name == "password"
    with pytest.raises(ObjectAlreadyExists, match="overwrite=True"):
        Secret("other").save("password")
    Secret("other").save("password", overwrite=True)
    assert Secret.load("password").get() == "other"


def test_a_secret_travels_by_name() -> None:
    secret = Secret.set("password", VALUE)
    for packed in (pickle.dumps(secret), cloudpickle.dumps({"k": [secret]})):
        assert VALUE.strip().encode() not in packed
    assert pickle.loads(pickle.dumps(secret)).get() == VALUE
    assert copy.copy(secret) is secret and copy.deepcopy([secret])[0] is secret


def test_another_process_of_the_same_home_reads_the_secret(nbflow_home: Path) -> None:
    Secret.set("password", VALUE)
    code = "from nbflow import Secret, Variable; print(ascii(Secret.load('password').get()))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert answer.stdout.strip() == ascii(VALUE)


def test_variables_alone_load_no_cryptography(nbflow_home: Path) -> None:
    code = (
        "import sys; from nbflow import Variable; Variable.set('a', 1); Variable.get('a')\n"
        "assert not {'cryptography', 'sqlalchemy'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
