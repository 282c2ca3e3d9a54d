"""The tables of the run database, once, for every dialect.

This module decides tables, columns and indexes. It is the source from which the creation
scripts in `ddl/` are written and against which migrations are checked; it is never imported
while flows run, because SQLAlchemy alone would take most of a flow's start-up time
(see docs/decisions/0010-sql-without-sqlalchemy-at-run-time.md). It must not know records.

Times are integer microseconds since 1970 UTC, ids are 16 bytes, nested data is JSON text.
`seq` and `changed` are numbers of the one `counter`: its order is the order of commits.

To change a table: change it here, add a revision under `migrations/versions`, put its name
into `ddl.REVISION`, and run `python -m nbflow.store.schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite keeps an INTEGER PRIMARY KEY in the table's own tree: one index less to write.
_Sequence = BigInteger().with_variant(Integer, "sqlite")
_Id = LargeBinary(16)


def _state_columns() -> list[Column[Any]]:
    """What a run row shows of its latest state; `rows.py` relies on this order."""
    return [
        Column("changed", BigInteger, nullable=False),
        Column("state_type", String(16), nullable=False),
        Column("state_name", Text, nullable=False),
        Column("state_message", Text),
        Column("state_timestamp", BigInteger, nullable=False),
        Column("scheduled_time", BigInteger),
        Column("attempt", Integer, nullable=False),
        Column("start_time", BigInteger),
        Column("end_time", BigInteger),
        Column("result", Text),
    ]


COUNTER: Final = Table(
    "counter",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

FLOW_RUN: Final = Table(
    "flow_run",
    METADATA,
    *_state_columns(),
    Column("owner", Text),
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("id", _Id, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("flow_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("flow_version", Text),
    Column("parameters", Text),
    Column("tags", Text),
    Column("parent_id", _Id),
    Column("dependencies", Text),
    Column("created", BigInteger, nullable=False),
    Column("source", Text),
    Column("output", Text),
    Column("deployment_id", _Id),
)
Index("ix_flow_run_created", FLOW_RUN.c.created, FLOW_RUN.c.seq)
Index("ix_flow_run_state", FLOW_RUN.c.state_type, FLOW_RUN.c.created, FLOW_RUN.c.seq)
Index("ix_flow_run_flow", FLOW_RUN.c.flow_name, FLOW_RUN.c.created, FLOW_RUN.c.seq)
Index("ix_flow_run_name", FLOW_RUN.c.name)
_CHILD: Final = FLOW_RUN.c.parent_id.is_not(None)
_OWNED: Final = FLOW_RUN.c.owner.is_not(None)
_DEPLOYED: Final = FLOW_RUN.c.deployment_id.is_not(None)
Index(
    "ix_flow_run_deployment",
    FLOW_RUN.c.deployment_id,
    FLOW_RUN.c.created,
    FLOW_RUN.c.seq,
    sqlite_where=_DEPLOYED,
    postgresql_where=_DEPLOYED,
)
Index("ix_flow_run_parent", FLOW_RUN.c.parent_id, sqlite_where=_CHILD, postgresql_where=_CHILD)
Index("ix_flow_run_owner", FLOW_RUN.c.owner, sqlite_where=_OWNED, postgresql_where=_OWNED)

# The run's place in the list stands here too: the newest runs of a tag are one walk of the key.
FLOW_RUN_TAG: Final = Table(
    "flow_run_tag",
    METADATA,
    Column("tag", Text, primary_key=True),
    Column("run_created", BigInteger, primary_key=True, autoincrement=False),
    Column("run_seq", ForeignKey("flow_run.seq", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)
Index("ix_flow_run_tag_run", FLOW_RUN_TAG.c.run_seq)

TASK_RUN: Final = Table(
    "task_run",
    METADATA,
    *_state_columns(),
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("id", _Id, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("task_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("flow_run_id", ForeignKey("flow_run.id", ondelete="CASCADE")),
    Column("parent_id", _Id),
    Column("task_key", Text, nullable=False),
    Column("map_id", _Id),
    Column("map_index", Integer),
    Column("cell_index", Integer),
    Column("tags", Text),
    Column("dependencies", Text),
    Column("cache_key", Text),
    Column("created", BigInteger, nullable=False),
)
Index("ix_task_run_changed", TASK_RUN.c.flow_run_id, TASK_RUN.c.changed)

# No foreign key: a state belongs to a run of either kind.
STATE: Final = Table(
    "state",
    METADATA,
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("run_id", _Id, nullable=False),
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text),
    Column("timestamp", BigInteger, nullable=False),
    Column("scheduled_time", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("result", Text),
)
Index("ix_state_run", STATE.c.run_id, STATE.c.seq)

LOG: Final = Table(
    "log",
    METADATA,
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("flow_run_id", ForeignKey("flow_run.id", ondelete="CASCADE")),
    Column("task_run_id", _Id),
    Column("level", Integer, nullable=False),
    Column("logger", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
)
_OF_TASK: Final = LOG.c.task_run_id.is_not(None)
Index("ix_log_flow_run", LOG.c.flow_run_id, LOG.c.seq)
Index(
    "ix_log_task_run",
    LOG.c.task_run_id,
    LOG.c.seq,
    sqlite_where=_OF_TASK,
    postgresql_where=_OF_TASK,
)


# ── what runs without its author ─────────────────────────────────────────────────────────

DEPLOYMENT: Final = Table(
    "deployment",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("flow_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("paused", Integer, nullable=False),
    Column("spec", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    UniqueConstraint("flow_name", "name"),
)

SNAPSHOT: Final = Table(
    "snapshot",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)

DEPLOYMENT_VERSION: Final = Table(
    "deployment_version",
    METADATA,
    Column("deployment_id", ForeignKey("deployment.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("spec", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("snapshot", String(64)),
    Column("created", BigInteger, nullable=False),
    Column("author", Text),
)
Index("ix_deployment_version_snapshot", DEPLOYMENT_VERSION.c.snapshot)

SCHEDULE: Final = Table(
    "schedule",
    METADATA,
    Column("deployment_id", ForeignKey("deployment.id", ondelete="CASCADE"), primary_key=True),
    Column("slug", Text, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("parameters", Text),
    Column("active", Integer, nullable=False),
    # The nominal time of the run that waits already; NULL while the schedule rests.
    Column("next_fire", BigInteger),
)
_FIRES: Final = SCHEDULE.c.next_fire.is_not(None)
Index("ix_schedule_next_fire", SCHEDULE.c.next_fire, sqlite_where=_FIRES, postgresql_where=_FIRES)

BACKFILL: Final = Table(
    "backfill",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("deployment_id", ForeignKey("deployment.id", ondelete="CASCADE"), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("parameter", Text),
    Column("concurrency_limit", Integer),
    Column("cancelled", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
)
Index("ix_backfill_deployment", BACKFILL.c.deployment_id)

# One row for each flow run that comes, or came, through a queue. It waits while `due` is set,
# and is held while `lease_until` is: slots are counted from these rows, never from a counter.
QUEUED_RUN: Final = Table(
    "queued_run",
    METADATA,
    Column("run_id", ForeignKey("flow_run.id", ondelete="CASCADE"), primary_key=True),
    Column("queue", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("deployment_id", _Id),
    Column("version", Integer),
    Column("due", BigInteger),
    Column("schedule", Text),
    Column("nominal", BigInteger),
    Column("idempotency_key", Text),
    Column("backfill_id", _Id),
    Column("worker_id", _Id),
    Column("token", Integer, nullable=False),
    Column("lease_until", BigInteger),
    Column("crash_retries_left", Integer, nullable=False),
    Column("resume", Integer, nullable=False),
)
_WAITS: Final = QUEUED_RUN.c.due.is_not(None)
_HELD: Final = QUEUED_RUN.c.lease_until.is_not(None)
_TIMED: Final = QUEUED_RUN.c.schedule.is_not(None)
_KEYED: Final = QUEUED_RUN.c.idempotency_key.is_not(None)
_FILLED: Final = QUEUED_RUN.c.backfill_id.is_not(None)
Index(
    "ix_queued_run_due",
    QUEUED_RUN.c.queue,
    QUEUED_RUN.c.priority,
    QUEUED_RUN.c.due,
    sqlite_where=_WAITS,
    postgresql_where=_WAITS,
)
Index("ix_queued_run_lease", QUEUED_RUN.c.lease_until, sqlite_where=_HELD, postgresql_where=_HELD)
Index("ix_queued_run_deployment", QUEUED_RUN.c.deployment_id)
Index(
    "uq_queued_run_nominal",
    QUEUED_RUN.c.deployment_id,
    QUEUED_RUN.c.schedule,
    QUEUED_RUN.c.nominal,
    unique=True,
    sqlite_where=_TIMED,
    postgresql_where=_TIMED,
)
Index(
    "uq_queued_run_key",
    QUEUED_RUN.c.idempotency_key,
    unique=True,
    sqlite_where=_KEYED,
    postgresql_where=_KEYED,
)
Index(
    "ix_queued_run_backfill",
    QUEUED_RUN.c.backfill_id,
    sqlite_where=_FILLED,
    postgresql_where=_FILLED,
)

WORK_QUEUE: Final = Table(
    "work_queue",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("priority", Integer, nullable=False),
    Column("concurrency_limit", Integer),
    Column("paused", Integer, nullable=False),
    Column("description", Text),
)

WORKER: Final = Table(
    "worker",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("queues", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("heartbeat", BigInteger, nullable=False),
    Column("stopped", BigInteger),
)

CONCURRENCY_LIMIT: Final = Table(
    "concurrency_limit",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("slot_decay_per_second", Float),
    Column("active", Integer, nullable=False),
)

# Held by a lease: a slot whose holder does not renew it is free again.
CONCURRENCY_SLOT: Final = Table(
    "concurrency_slot",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("name", ForeignKey("concurrency_limit.name", ondelete="CASCADE"), nullable=False),
    Column("occupy", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
Index("ix_concurrency_slot_name", CONCURRENCY_SLOT.c.name, CONCURRENCY_SLOT.c.until)

VARIABLE: Final = Table(
    "variable",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

SECRET: Final = Table(
    "secret",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),  # encrypted
    Column("updated", BigInteger, nullable=False),
)

ARTIFACT: Final = Table(
    "artifact",
    METADATA,
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("id", _Id, nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("key", Text),
    Column("description", Text),
    Column("data", Text),
    Column("flow_run_id", ForeignKey("flow_run.id", ondelete="CASCADE")),
    Column("task_run_id", _Id),
    Column("created", BigInteger, nullable=False),
)
Index("ix_artifact_flow_run", ARTIFACT.c.flow_run_id, ARTIFACT.c.seq)
Index("ix_artifact_key", ARTIFACT.c.key, ARTIFACT.c.seq)

RUN_INPUT: Final = Table(
    "run_input",
    METADATA,
    Column("flow_run_id", ForeignKey("flow_run.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("schema", Text),
    Column("message", Text),
    Column("created", BigInteger, nullable=False),
    Column("deadline", BigInteger),
    Column("answer", Text),
    Column("answered", BigInteger),
)

# What happened to anything but runs; their own states tell the rest.
EVENT: Final = Table(
    "event",
    METADATA,
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", Text),
    Column("timestamp", BigInteger, nullable=False),
)


def creation_script(dialect: str) -> str:
    """The SQL that makes an empty database of the newest revision, one statement a paragraph."""
    compiler: Any = {"sqlite": sqlite, "postgresql": postgresql}[dialect].dialect()
    statements: list[str] = []
    for table in METADATA.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=compiler)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=compiler)) for index in indexes]
    texts = ["\n".join(line.rstrip() for line in s.strip().splitlines()) for s in statements]
    return ";\n\n".join(texts) + ";\n"


if __name__ == "__main__":
    for _name in ("sqlite", "postgresql"):
        (Path(__file__).parent / "ddl" / f"{_name}.sql").write_text(
            creation_script(_name), encoding="utf-8"
        )
