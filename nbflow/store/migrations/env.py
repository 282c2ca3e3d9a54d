"""How Alembic meets the run database: on a connection that `upgrade.py` hands over."""

from __future__ import annotations

from alembic import context

from nbflow.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,  # the transaction is the caller's
    render_as_batch=True,
)
context.run_migrations()
