"""The first tables: flow runs, task runs, their history and logs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _counter()
    _flow_run()
    _state()
    _flow_run_tag()
    _log()
    _task_run()
    op.execute("INSERT INTO counter (name, value) VALUES ('store', 0)")


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
    )


def _flow_run() -> None:
    op.create_table(
        "flow_run",
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("state_type", sa.String(length=16), nullable=False),
        sa.Column("state_name", sa.Text(), nullable=False),
        sa.Column("state_message", sa.Text(), nullable=True),
        sa.Column("state_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_time", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flow_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("flow_version", sa.Text(), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("dependencies", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_flow_run"),
        sa.UniqueConstraint("id", name="uq_flow_run_id"),
    )
    op.create_index("ix_flow_run_created", "flow_run", ["created", "seq"], unique=False)
    op.create_index("ix_flow_run_flow", "flow_run", ["flow_name", "created", "seq"], unique=False)
    op.create_index("ix_flow_run_name", "flow_run", ["name"], unique=False)
    op.create_index(
        "ix_flow_run_owner",
        "flow_run",
        ["owner"],
        unique=False,
        sqlite_where=sa.text("owner IS NOT NULL"),
        postgresql_where=sa.text("owner IS NOT NULL"),
    )
    op.create_index(
        "ix_flow_run_parent",
        "flow_run",
        ["parent_id"],
        unique=False,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index("ix_flow_run_state", "flow_run", ["state_type", "created", "seq"], unique=False)


def _state() -> None:
    op.create_table(
        "state",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("run_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_time", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_state"),
    )
    op.create_index("ix_state_run", "state", ["run_id", "seq"], unique=False)


def _flow_run_tag() -> None:
    op.create_table(
        "flow_run_tag",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("run_created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tag", "run_created", "run_seq", name="pk_flow_run_tag"),
        sa.ForeignKeyConstraint(
            ["run_seq"], ["flow_run.seq"], name="fk_flow_run_tag_run_seq", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_flow_run_tag_run", "flow_run_tag", ["run_seq"], unique=False)


def _log() -> None:
    op.create_table(
        "log",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("flow_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("task_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("logger", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name="fk_log_flow_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_log"),
    )
    op.create_index("ix_log_flow_run", "log", ["flow_run_id", "seq"], unique=False)
    op.create_index(
        "ix_log_task_run",
        "log",
        ["task_run_id", "seq"],
        unique=False,
        sqlite_where=sa.text("task_run_id IS NOT NULL"),
        postgresql_where=sa.text("task_run_id IS NOT NULL"),
    )


def _task_run() -> None:
    op.create_table(
        "task_run",
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("state_type", sa.String(length=16), nullable=False),
        sa.Column("state_name", sa.Text(), nullable=False),
        sa.Column("state_message", sa.Text(), nullable=True),
        sa.Column("state_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_time", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("flow_run_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("parent_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("map_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("map_index", sa.Integer(), nullable=True),
        sa.Column("cell_index", sa.Integer(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("dependencies", sa.Text(), nullable=True),
        sa.Column("cache_key", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_task_run"),
        sa.UniqueConstraint("id", name="uq_task_run_id"),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_run.id"], name="fk_task_run_flow_run_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_task_run_changed", "task_run", ["flow_run_id", "changed"], unique=False)
