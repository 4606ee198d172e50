"""Where peers are, and an index by which changes of accounts are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mika.store.point import Point

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the indices."""
    op.add_column("peers", sa.Column("location", Point()))
    op.create_index("ix_users_updated_at", "users", ["updated_at"])
    op.create_index("ix_torrents_updated_at", "torrents", ["updated_at"])
