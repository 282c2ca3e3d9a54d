"""The commands for variables, secrets, limits and the database."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbflow.cli import db
from nbflow.cli.main import main
from nbflow.cli.variable import read_value
from nbflow.models import FlowRun, new_id
from nbflow.models.deployments import ConcurrencyLimit
from nbflow.states import Completed
from nbflow.store import close_stores, ddl, open_store
from nbflow.store.orchestration import Removed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Command:
    """Runs `nbflow`, and knows what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._patch = patch

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        self._patch.setattr("sys.stdin", io.StringIO(stdin))
        assert main(list(arguments)) == code
        shown = self._capsys.readouterr()
        return shown.err if code else shown.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def nbflow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)


# ── variables ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ('["a", 1]', ["a", 1]),
        ('"quoted"', "quoted"),
        ("hello", "hello"),
        ("", ""),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("2026-05-03", "2026-05-03"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values_are_json_or_text(text: str, value: Any) -> None:
    assert read_value(text) == value and type(read_value(text)) is type(value)


def test_variables(nbflow: Command) -> None:
    assert "nbflow variable set" in nbflow("variable", "ls")
    assert nbflow.json("variable", "ls") == []
    assert nbflow("variable", "set", "threshold", "0.8") == "The variable threshold is set.\n"
    nbflow("variable", "set", "threshold", "-0.5")
    nbflow("variable", "set", "names", '["ä", "b"]')
    nbflow("variable", "set", "digits", "7", "--text")
    nbflow("variable", "set", "piped", "-", stdin="two\nlines\n")
    assert nbflow("variable", "get", "threshold") == "-0.5\n"
    assert nbflow("variable", "get", "names") == '["ä", "b"]\n'
    assert nbflow("variable", "get", "piped") == "two\nlines\n"
    assert nbflow.json("variable", "get", "digits")["value"] == "7"
    listed = nbflow("variable", "ls")
    assert "threshold" in listed and "-0.5" in listed and "just now" in listed
    assert [each["name"] for each in nbflow.json("variable", "ls")] == [
        "digits",
        "names",
        "piped",
        "threshold",
    ]
    assert nbflow("variable", "unset", "piped") == "The variable piped is gone.\n"
    assert "Did you mean 'threshold'?" in nbflow("variable", "get", "treshold", code=2)
    assert "no variable 'piped'" in nbflow("variable", "unset", "piped", code=2)
    assert "cannot be the name" in nbflow("variable", "set", "a b", "1", code=2)


# ── secrets ──────────────────────────────────────────────────────────────────────────────


def test_secrets(nbflow: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nbflow secret set" in nbflow("secret", "ls")
    assert nbflow("secret", "set", "password", stdin="hünter2\n") == "The secret password is set.\n"
    for shown in (nbflow("secret", "ls"), nbflow("secret", "ls", "--json")):
        assert "password" in shown and "hünter2" not in shown
    told = nbflow("secret", "get", "password")
    assert told.startswith("The secret password was set just now") and "hünter2" not in told
    assert "value" not in nbflow.json("secret", "get", "password")
    assert nbflow("secret", "get", "password", "--reveal") == "hünter2\n"
    assert nbflow.json("secret", "get", "password", "--reveal")["value"] == "hünter2"
    assert "Did you mean 'password'?" in nbflow("secret", "get", "passwort", code=2)
    assert "empty" in nbflow("secret", "set", "password", stdin="\n", code=2)
    refused = nbflow("secret", "set", "password", "hünter2", "again", code=2)
    assert "is no argument" in refused and "hünter2" not in refused
    assert nbflow("secret", "unset", "password") == "The secret password is gone.\n"
    assert "no secret 'password'" in nbflow("secret", "unset", "password", code=2)


def test_a_terminal_asks_for_a_secret_unseen(
    nbflow: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append(options)
        return "hünter2"

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("sys.stdin", Terminal())
    assert main(["secret", "set", "password"]) == 0
    assert asked == [{"hide_input": True, "err": True}]
    assert "hünter2" not in "".join(capsys.readouterr())
    assert open_store().vault.secret_value("password") == "hünter2"


# ── limits ───────────────────────────────────────────────────────────────────────────────


def test_limits(nbflow: Command) -> None:
    assert "nbflow limit set" in nbflow("limit", "ls")
    assert nbflow("limit", "set", "gpu", "2") == "The limit gpu has 2 slots.\n"
    told = nbflow("limit", "set", "api", "1", "--decay", "0.5")
    assert told == "The limit api has 1 slot, 0.5 of them free again each second.\n"
    assert "and is off" in nbflow("limit", "set", "tag:db", "0", "--off")
    assert open_store().limits.acquire(["gpu"], 1, "me")
    assert nbflow.json("limit", "show", "gpu") == {
        "name": "gpu",
        "slots": 2,
        "taken": 1,
        "slot_decay_per_second": None,
        "active": True,
    }
    assert [line.split() for line in nbflow("limit", "ls").splitlines()] == [
        ["limit", "slots", "taken", "per", "second"],
        ["api", "1", "0", "0.5"],
        ["gpu", "2", "1"],
        ["tag:db", "0", "0", "off"],
    ]
    assert len(nbflow.json("limit", "ls")) == 3
    assert nbflow("limit", "unset", "api") == "The limit api is gone.\n"
    assert open_store().limits.limits()[-1] == ConcurrencyLimit(
        name="tag:db", slots=0, active=False
    )
    assert "no limit 'api'" in nbflow("limit", "show", "api", code=2)
    for wrong in (["-1"], ["x"], ["1", "--decay", "0"]):
        nbflow("limit", "set", "gpu", *wrong, code=2)


# ── the database ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("removed", "words"),
    [
        (Removed(), "nothing"),
        (Removed(flow_runs=1), "1 run"),
        (Removed(flow_runs=2, files=("a", "b")), "2 runs and 2 files"),
        (
            Removed(flow_runs=2, events=1, snapshots=3, files=("a",)),
            "2 runs, 1 event, 3 snapshots and 1 file",
        ),
    ],
)
def test_what_was_removed_in_words(removed: Removed, words: str) -> None:
    assert db._what(removed) == words


def add_old_runs(count: int) -> None:
    for days in range(count):
        moment = datetime.now(UTC) - timedelta(days=100 + days)
        run = FlowRun(id=new_id(), name="r", flow_name="etl", state=Completed(), created=moment)
        open_store().create_flow_run(run)


def test_the_database_is_described_and_pruned(
    nbflow: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_KEEP_RUNS", "1")
    assert nbflow("db", "info").rstrip().endswith("Pruning would remove nothing.")
    add_old_runs(3)
    info = nbflow("db", "info")
    assert "Pruning would remove 2 runs. nbflow db prune" in info
    assert "flow_run" in info and "sqlite" in info and ddl.REVISION in info
    found = nbflow.json("db", "info")
    assert found["prunable"]["flow_runs"] == 2 and found["bytes"] > 0
    assert {"name", "rows", "bytes"} == set(found["tables"][0])
    assert nbflow("db", "prune", "--dry-run") == "Would remove 2 runs.\n"
    assert nbflow.json("db", "prune", "--dry-run")["flow_runs"] == 2
    assert nbflow("db", "prune").startswith("Removed 2 runs.\n")
    assert nbflow("db", "prune") == "Removed nothing.\n"
    assert nbflow("db", "vacuum").endswith(" now.\n")
    assert set(nbflow.json("db", "vacuum")) == {"bytes_before", "bytes_after"}


def test_the_database_is_copied(
    nbflow: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_old_runs(1)
    monkeypatch.chdir(tmp_path)
    assert nbflow("db", "backup", "copy.db").startswith("copy.db: ")
    assert "is there already" in nbflow("db", "backup", "copy.db", code=2)
    assert nbflow.json("db", "backup", "other.db")["file"] == str(tmp_path / "other.db")
    monkeypatch.setenv("NBFLOW_DATABASE_URL", "sqlite:///copy.db")
    monkeypatch.setattr("nbflow.settings._current", None)
    assert open_store().count_flow_runs() == 1


def test_the_revision_is_told_and_brought_up(nbflow: Command, nbflow_home: Path) -> None:
    assert "is empty; the newest is" in nbflow("db", "upgrade", "--check")
    assert not (nbflow_home / "nbflow.db").exists()
    assert "was made anew" in nbflow("db", "upgrade")
    assert f"has the newest revision, {ddl.REVISION}" in nbflow("db", "upgrade", "--check")
    assert nbflow.json("db", "upgrade") == {
        "before": ddl.REVISION,
        "revision": ddl.REVISION,
        "newest": ddl.REVISION,
    }


def test_an_old_database_is_upgraded(nbflow: Command, nbflow_home: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine

    from nbflow.store.upgrade import configuration

    nbflow_home.mkdir()
    engine = create_engine(f"sqlite:///{nbflow_home / 'nbflow.db'}")
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    told = nbflow("db", "upgrade", "--check")
    assert told.startswith("The database has the revision 0001; the newest is")
    assert "had the revision 0001, and has" in nbflow("db", "upgrade")
    assert "has the newest revision" in nbflow("db", "upgrade")


def test_what_is_no_database_is_said(nbflow: Command, nbflow_home: Path) -> None:
    nbflow_home.mkdir()
    (nbflow_home / "nbflow.db").write_text("no database " * 100)
    assert "is damaged or is not a database" in nbflow("db", "upgrade", "--check", code=2)


def test_a_servers_database_is_the_servers(
    nbflow: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_API_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("nbflow.settings._current", None)
    assert "looks after its database itself" in nbflow("db", "upgrade", code=2)


@pytest.mark.parametrize("group", ["variable", "secret", "limit", "db"])
def test_a_group_alone_explains_itself(nbflow: Command, group: str) -> None:
    assert f"Usage: nbflow {group}" in nbflow(group)


@pytest.fixture(autouse=True)
def closed_stores() -> Any:
    yield
    close_stores()
