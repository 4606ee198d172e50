"""Brings a database to the present schema with Alembic's steps in `migrations/`, inside the caller's transaction.

No ini file and no logging set-up: Alembic is only handed the connection. `database.py` calls it at every start.
"""

from __future__ import annotations

import threading

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from mika.errors import StoreError

_one_at_a_time = threading.Lock()  # Alembic keeps the connection it works on in a global, and stores open in threads


def upgrade(connection: Connection, place: str) -> None:
    """Bring the database at `place` up to date; `StoreError` if a newer mika wrote it.

    The caller holds the database's lock, so that two processes that start together do not both make the tables.
    """
    config = Config()
    config.set_main_option("script_location", "mika.store:migrations")
    config.attributes["connection"] = connection
    with _one_at_a_time:
        steps = ScriptDirectory.from_config(config)
        known = {step.revision for step in steps.walk_revisions()}
        present = MigrationContext.configure(connection).get_current_heads()
        unknown = sorted(set(present) - known)
        if unknown:
            raise StoreError(
                f"{place} was written by a newer mika (its schema is {unknown[0]}): "
                "install that version again, or name another database."
            )
        if set(present) != set(steps.get_heads()):
            command.upgrade(config, "head")
