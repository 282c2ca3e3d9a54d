"""The schema: one source, two creation scripts, a chain of migrations, and upgrades."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from nbflow.exceptions import StoreError, StoreTooNew
from nbflow.models import FlowRun, new_id
from nbflow.states import Pending, now
from nbflow.store import SQLStore, ddl, schema, upgrade
from nbflow.store.dialects import SQLite

PROJECT = Path(__file__).parents[2]
REVISIONS = [
    script.revision
    for script in ScriptDirectory.from_config(upgrade.configuration()).walk_revisions()
][::-1]

NEXT_REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade():
    op.add_column("flow_run", sa.Column("mood", sa.Text()))
    {more}
"""


def migrated(path: Path, revision: str) -> None:
    """Make a database of an old revision, as the nbflow of its time would have left it."""
    dialect = SQLite(path)
    with closing(dialect.connect(create=True)) as connection:
        dialect.begin_alone(connection)
        upgrade.upgrade(dialect, connection, "nothing", revision)
        connection.execute("COMMIT")


def objects(path: Path) -> dict[str, str]:
    """Every table and index with its SQL, white space apart."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: "".join(sql.split()) for name, sql in rows if name != "alembic_version"}


@pytest.fixture
def next_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A later nbflow, whose schema has one more column; returns its migrations folder."""
    folder = tmp_path / "migrations"
    shutil.copytree(upgrade.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = NEXT_REVISION.format(head=ddl.REVISION, more="")
    (folder / "versions" / "r9999_mood.py").write_text(text)
    monkeypatch.setattr(upgrade, "MIGRATIONS", folder)
    monkeypatch.setattr(ddl, "REVISION", "9999")
    upgrade.known_revisions.cache_clear()
    return folder


@pytest.fixture
def old_database(tmp_path: Path) -> tuple[Path, FlowRun]:
    """A database of today's revision with one run."""
    path = tmp_path / "runs.db"
    store = SQLStore(f"sqlite:///{path}")
    run = FlowRun(id=new_id(), name="old", flow_name="f", state=Pending(), created=now())
    store.create_flow_run(run)
    store.close()
    return path, run


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_creation_scripts_are_what_the_schema_says(dialect: str) -> None:
    script = Path(ddl.__file__).with_name(f"{dialect}.sql").read_text(encoding="utf-8")
    assert script == schema.creation_script(dialect), "run: python -m nbflow.store.schema"


def test_the_creation_scripts_are_of_the_newest_revision() -> None:
    assert REVISIONS[-1] == ddl.REVISION


def test_migrations_lead_to_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    migrated(path, "head")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, schema.METADATA) == []
    engine.dispose()
    fresh = tmp_path / "fresh.db"
    SQLStore(f"sqlite:///{fresh}").close()
    assert objects(path) == objects(fresh)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_every_revision_opens_and_works(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "runs.db"
    migrated(path, revision)
    store = SQLStore(f"sqlite:///{path}")
    run = FlowRun(id=new_id(), name="n", flow_name="f", state=Pending(), created=now())
    store.create_flow_run(run)
    assert store.flow_run(run.id) == run
    store.close()


def test_an_old_database_is_upgraded_and_a_copy_is_kept(
    old_database: tuple[Path, FlowRun], next_revision: Path
) -> None:
    path, run = old_database
    store = SQLStore(f"sqlite:///{path}")
    assert store.flow_run(run.id) == run
    store.close()
    assert "mood" in objects(path)["flow_run"]
    copy = path.with_name(f"{path.name}.before-{REVISIONS[-1]}")
    assert "mood" not in objects(copy)["flow_run"]
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM flow_run").fetchall() == [("old",)]


def test_several_openers_upgrade_once(
    old_database: tuple[Path, FlowRun], next_revision: Path
) -> None:
    path, run = old_database
    failures: list[BaseException] = []

    def work() -> None:
        try:
            store = SQLStore(f"sqlite:///{path}")
            assert store.flow_run(run.id) == run
            store.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert "mood" in objects(path)["flow_run"]


def test_an_upgrade_that_fails_changes_nothing(
    old_database: tuple[Path, FlowRun], next_revision: Path
) -> None:
    path, _ = old_database
    before = objects(path)
    broken = NEXT_REVISION.format(head=REVISIONS[-1], more='op.execute("SELECT no_such_column")')
    (next_revision / "versions" / "r9999_mood.py").write_text(broken)
    with pytest.raises(StoreError, match="could not be upgraded") as caught:
        SQLStore(f"sqlite:///{path}")
    assert str(path) in str(caught.value)
    assert objects(path) == before


def test_a_database_of_a_later_nbflow_is_refused(old_database: tuple[Path, FlowRun]) -> None:
    path, _ = old_database
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num='abcd'")
    with pytest.raises(StoreTooNew, match="pip install --upgrade nbflow") as caught:
        SQLStore(f"sqlite:///{path}")
    assert str(path) in str(caught.value)


def test_the_wheel_holds_scripts_and_migrations(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(
        PROJECT / "nbflow", source / "nbflow", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(PROJECT / "tools", source / "tools")  # one of them is part of the build
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", build, str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    folder = PROJECT / "nbflow" / "store"
    wanted = [*folder.glob("ddl/*.sql"), *folder.glob("migrations/**/*.py")]
    assert len(wanted) > 4
    assert {path.relative_to(PROJECT).as_posix() for path in wanted} <= held
