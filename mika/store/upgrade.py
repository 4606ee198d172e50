"""Brings a database to the present schema with Alembic's steps in `migrations/`, inside the caller's transaction.

No ini file and no logging set-up: Alembic is only handed the connection. `database.py` calls it at every start, and
to look at a schema without changing it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from mika.errors import StoreError

_one_at_a_time = threading.Lock()  # Alembic keeps the connection it works on in a global, and stores open in threads


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that a database has (empty: it has no tables of ours yet) and the one that this mika wants.

    `known` is False of a revision that a later mika made.
    """

    present: str
    wanted: str
    known: bool = True


def schema_of(connection: Connection) -> Schema:
    """Look at the schema, and change nothing."""
    with _one_at_a_time:
        return _schema(connection, ScriptDirectory.from_config(_config(connection)))


def wanted() -> str:
    """Return the revision that this mika wants."""
    return _newest(ScriptDirectory.from_config(_config(None)))


def upgrade(connection: Connection, place: str) -> None:
    """Bring the database at `place` up to date; `StoreError` if a newer mika wrote it.

    The caller holds the database's lock, so that two processes that start together do not both make the tables.
    """
    config = _config(connection)
    with _one_at_a_time:
        schema = _schema(connection, ScriptDirectory.from_config(config))
        if not schema.known:
            raise StoreError(f"{place} {newer(schema)}.")
        if schema.present != schema.wanted:
            command.upgrade(config, "head")


def newer(schema: Schema) -> str:
    """Say of a database whose schema is not known what it is and what to do."""
    return (
        f"was written by a newer mika (its schema is {schema.present}): "
        "install that version again, or name another database"
    )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "mika.store:migrations")
    config.attributes["connection"] = connection
    return config


def _schema(connection: Connection, steps: ScriptDirectory) -> Schema:
    known = {step.revision for step in steps.walk_revisions()}
    present = sorted(MigrationContext.configure(connection).get_current_heads(), key=known.__contains__)
    revision = present[0] if present else ""  # one that is not known goes first
    return Schema(revision, _newest(steps), not present or revision in known)


def _newest(steps: ScriptDirectory) -> str:
    return ", ".join(steps.get_heads())
