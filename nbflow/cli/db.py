"""`nbflow db`: looks after the run database: its size, old runs, copies, its revision.

This module decides what is told of the database. It must not know what is done to it.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from nbflow.cli.console import make_console, plain_table, say
from nbflow.cli.doctor import size_words
from nbflow.cli.groups import command_group
from nbflow.cli.options import speech_options
from nbflow.cli.reports import write_json
from nbflow.exceptions import UsageError
from nbflow.paths import short_path
from nbflow.settings import get_settings
from nbflow.store import StoreInfo, ddl, open_store
from nbflow.store.dialects import dialect_for, without_password
from nbflow.store.opening import stored_revision
from nbflow.store.orchestration import Removed
from nbflow.wording import counted

_TABLES_NAMED: Final = 6


@command_group()
def group() -> None:
    """Look after the run database: its size, old runs, copies, its revision."""


# ── looking ──────────────────────────────────────────────────────────────────────────────


@group.command("info")
@speech_options
def info_command(json: bool, colour: bool) -> int:
    """Say how large the database is, what takes the most, and what pruning would remove."""
    console, store = make_console(colour=colour), open_store()
    info, largest = store.info(), store.upkeep.largest()
    prunable = store.upkeep.prune(dry_run=True)
    if json:
        write_json(console, _as_json(info, largest, prunable))
        return 0
    size = "of unknown size" if info.size_bytes is None else size_words(info.size_bytes)
    say(console, f"{without_password(info.url)}: {size}", wrap=False)
    say(console, f"{info.dialect} {info.version}, revision {info.schema_revision}")
    say(console, _table(largest))
    step = " nbflow db prune" if any(_counts(prunable).values()) else ""
    say(console, f"Pruning would remove {_what(prunable)}.{step}", wrap=False)
    return 0


def _as_json(
    info: StoreInfo, largest: list[tuple[str, int, int | None]], prunable: Removed
) -> dict[str, Any]:
    return {
        "url": without_password(info.url),
        "dialect": info.dialect,
        "version": info.version,
        "revision": info.schema_revision,
        "bytes": info.size_bytes,
        "flow_runs": info.flow_runs,
        "task_runs": info.task_runs,
        "logs": info.logs,
        "tables": [{"name": name, "rows": rows, "bytes": size} for name, rows, size in largest],
        "prunable": _counts(prunable),
    }


def _counts(removed: Removed) -> dict[str, int]:
    return {
        "flow_runs": removed.flow_runs,
        "events": removed.events,
        "snapshots": removed.snapshots,
        "files": len(removed.files),
    }


def _table(largest: list[tuple[str, int, int | None]]) -> Table:
    table = plain_table("table", "rows", "size", right={"rows", "size"})
    for name, rows, size in largest[:_TABLES_NAMED]:
        table.add_row(name, f"{rows:,}", "" if size is None else size_words(size))
    return table


def _what(removed: Removed) -> str:
    """`2 runs, 1 event and 3 files`; `nothing`."""
    nouns = {"flow_runs": "run", "events": "event", "snapshots": "snapshot", "files": "file"}
    parts = [counted(n, nouns[name]) for name, n in _counts(removed).items() if n]
    if len(parts) < 2:  # noqa: PLR2004 - one needs no "and"
        return parts[0] if parts else "nothing"
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


# ── caring ───────────────────────────────────────────────────────────────────────────────


@group.command("prune")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@speech_options
def prune_command(dry_run: bool, json: bool, colour: bool) -> int:
    """Forget old runs, with their results and executed notebooks, as deployments say.

    Each deployment keeps as many runs, and for as many days, as it says, or as the settings
    keep_runs and keep_days say; so does each flow without one. Its newest ended run and its
    newest completed one always stay, as do all that have not ended.
    """
    console = make_console(colour=colour)
    removed = open_store().upkeep.prune(dry_run=dry_run)
    if json:
        write_json(console, {**_counts(removed), "dry_run": dry_run, "paths": list(removed.files)})
        return 0
    say(console, f"{'Would remove' if dry_run else 'Removed'} {_what(removed)}.", wrap=False)
    if not dry_run and removed.flow_runs:
        say(console, "Their space is used again. Give it back to the disk: nbflow db vacuum")
    return 0


@group.command("vacuum")
@speech_options
def vacuum_command(json: bool, colour: bool) -> int:
    """Give the space of what was removed back to the disk; others wait meanwhile."""
    console = make_console(colour=colour)
    removed = open_store().upkeep.vacuum()
    before, after = removed.bytes_before, removed.bytes_after
    if json:
        write_json(console, {"bytes_before": before, "bytes_after": after})
    elif before is None or after is None:
        say(console, "Done.")
    else:
        say(console, f"{size_words(before)} before, {size_words(after)} now.")
    return 0


@group.command("backup")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@speech_options
def backup_command(file: Path, json: bool, colour: bool) -> int:
    """Write a copy of the database to FILE, which is not there yet, while others go on.

    The copy is a database like any other: NBFLOW_DATABASE_URL=sqlite:///FILE opens it. Secrets
    in it need the key beside the original, secret.key.
    """
    console = make_console(colour=colour)
    size = open_store().upkeep.backup(str(file.absolute()))
    if json:
        write_json(console, {"file": str(file.absolute()), "bytes": size})
    else:
        say(console, f"{short_path(file.absolute())}: {size_words(size)}", wrap=False)
    return 0


@group.command("upgrade")
@click.option("--check", is_flag=True, help="Only say which revision it has, and which is newest.")
@speech_options
def upgrade_command(check: bool, json: bool, colour: bool) -> int:
    """Bring the database to this nbflow's revision, which opening it does as well.

    Before an upgrade a copy is kept beside a database that is a file.
    """
    console = make_console(colour=colour)
    before = _revision()
    if not check:
        open_store()
    if json:
        write_json(
            console,
            {
                "revision": before if check else ddl.REVISION,
                "newest": ddl.REVISION,
                "before": before,
            },
        )
    else:
        say(console, _revision_words(before, check=check), wrap=False)
    return 0


def _revision() -> str | None:
    """The database's revision as it is, without opening it as its users do."""
    settings = get_settings()
    if settings.api_url:
        raise UsageError(
            f"The server at {settings.api_url} looks after its database itself. "
            "Upgrade nbflow there, and start it again."
        )
    dialect = dialect_for(settings.resolved_database_url())
    if dialect.identity() is None:
        return None
    try:
        with closing(dialect.connect_reader()) as connection:
            return stored_revision(dialect, connection)
    except dialect.error as error:
        raise dialect.explain(error) from error


def _revision_words(before: str | None, *, check: bool) -> str:
    if before == ddl.REVISION:
        return f"The database has the newest revision, {before}."
    if check:
        has = "is empty" if before is None else f"has the revision {before}"
        return f"The database {has}; the newest is {ddl.REVISION}. nbflow db upgrade"
    if before is None:
        return f"The database was made anew, with the revision {ddl.REVISION}."
    return f"The database had the revision {before}, and has {ddl.REVISION} now."
