"""Deployments, schedules, queues, workers, limits, and what else runs without its author."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, and let flow runs name their deployment."""
    _concurrency_limit()
    _deployment()
    _event()
    _secret()
    _snapshot()
    _variable()
    _work_queue()
    _worker()
    _artifact()
    _backfill()
    _concurrency_slot()
    _deployment_version()
    _queued_run()
    _run_input()
    _schedule()
    _flow_run()


def _concurrency_limit() -> None:
    op.create_table(
        "concurrency_limit",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("slot_decay_per_second", sa.Float(), nullable=True),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_concurrency_limit"),
    )


def _deployment() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("flow_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployment"),
        sa.UniqueConstraint("flow_name", "name", name="uq_deployment_flow_name"),
    )


def _event() -> None:
    op.create_table(
        "event",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
    )


def _secret() -> None:
    op.create_table(
        "secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret"),
    )


def _snapshot() -> None:
    op.create_table(
        "snapshot",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_snapshot"),
    )


def _variable() -> None:
    op.create_table(
        "variable",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_variable"),
    )


def _work_queue() -> None:
    op.create_table(
        "work_queue",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("concurrency_limit", sa.Integer(), nullable=True),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_work_queue"),
    )


def _worker() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
        sa.UniqueConstraint("name", name="uq_worker_name"),
    )


def _artifact() -> None:
    op.create_table(
        "artifact",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("flow_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("task_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_artifact"),
        sa.UniqueConstraint("id", name="uq_artifact_id"),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name="fk_artifact_flow_run_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_artifact_flow_run", "artifact", ["flow_run_id", "seq"], unique=False)
    op.create_index("ix_artifact_key", "artifact", ["key", "seq"], unique=False)


def _backfill() -> None:
    op.create_table(
        "backfill",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("deployment_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("parameter", sa.Text(), nullable=True),
        sa.Column("concurrency_limit", sa.Integer(), nullable=True),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name="fk_backfill_deployment_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_backfill"),
    )
    op.create_index("ix_backfill_deployment", "backfill", ["deployment_id"], unique=False)


def _concurrency_slot() -> None:
    op.create_table(
        "concurrency_slot",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("occupy", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"],
            ["concurrency_limit.name"],
            name="fk_concurrency_slot_name",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_concurrency_slot"),
    )
    op.create_index("ix_concurrency_slot_name", "concurrency_slot", ["name", "until"], unique=False)


def _deployment_version() -> None:
    op.create_table(
        "deployment_version",
        sa.Column("deployment_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("snapshot", sa.String(length=64), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name="fk_deployment_version_deployment_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "number", name="pk_deployment_version"),
    )
    op.create_index(
        "ix_deployment_version_snapshot", "deployment_version", ["snapshot"], unique=False
    )


def _queued_run() -> None:
    op.create_table(
        "queued_run",
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("nominal", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("backfill_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("worker_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("crash_retries_left", sa.Integer(), nullable=False),
        sa.Column("resume", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["flow_run.id"], name="fk_queued_run_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name="pk_queued_run"),
    )
    op.create_index(
        "ix_queued_run_backfill",
        "queued_run",
        ["backfill_id"],
        unique=False,
        sqlite_where=sa.text("backfill_id IS NOT NULL"),
        postgresql_where=sa.text("backfill_id IS NOT NULL"),
    )
    op.create_index("ix_queued_run_deployment", "queued_run", ["deployment_id"], unique=False)
    op.create_index(
        "ix_queued_run_due",
        "queued_run",
        ["queue", "priority", "due"],
        unique=False,
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )
    op.create_index(
        "ix_queued_run_lease",
        "queued_run",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index(
        "uq_queued_run_key",
        "queued_run",
        ["idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index(
        "uq_queued_run_nominal",
        "queued_run",
        ["deployment_id", "schedule", "nominal"],
        unique=True,
        sqlite_where=sa.text("schedule IS NOT NULL"),
        postgresql_where=sa.text("schedule IS NOT NULL"),
    )


def _run_input() -> None:
    op.create_table(
        "run_input",
        sa.Column("flow_run_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name="fk_run_input_flow_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("flow_run_id", "key", name="pk_run_input"),
    )


def _schedule() -> None:
    op.create_table(
        "schedule",
        sa.Column("deployment_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=True),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("next_fire", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name="fk_schedule_deployment_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "slug", name="pk_schedule"),
    )
    op.create_index(
        "ix_schedule_next_fire",
        "schedule",
        ["next_fire"],
        unique=False,
        sqlite_where=sa.text("next_fire IS NOT NULL"),
        postgresql_where=sa.text("next_fire IS NOT NULL"),
    )


def _flow_run() -> None:
    op.add_column("flow_run", sa.Column("deployment_id", sa.LargeBinary(length=16), nullable=True))
    op.create_index(
        "ix_flow_run_deployment",
        "flow_run",
        ["deployment_id", "created", "seq"],
        unique=False,
        sqlite_where=sa.text("deployment_id IS NOT NULL"),
        postgresql_where=sa.text("deployment_id IS NOT NULL"),
    )
