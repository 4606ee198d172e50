"""What Alembic runs for every command: the steps, on the connection and in the transaction that it is handed."""

from __future__ import annotations

from alembic import context

from mika.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
