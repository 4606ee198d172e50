"""Where peers are, and an index by which changes of accounts are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mika.store.point import Point

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the indices."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.add_column("peers", sa.Column("location", Point()))
    if postgresql:
        op.execute("CREATE INDEX ix_peers_location ON peers USING gist (location) WHERE location IS NOT NULL")
    op.create_index("ix_users_updated_at", "users", ["updated_at"])
    op.create_index("ix_torrents_updated_at", "torrents", ["updated_at"])
