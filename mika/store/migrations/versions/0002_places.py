"""Where peers are, and an index by which changes of accounts are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mika.store.migrations.again import add_column, add_index, is_mysql
from mika.store.point import Point

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the indices."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    add_column("peers", sa.Column("location", Point()))
    if postgresql:
        op.execute("CREATE INDEX ix_peers_location ON peers USING gist (location) WHERE location IS NOT NULL")
    add_index("ix_users_updated_at", "users", ["updated_at"])
    add_index("ix_torrents_updated_at", "torrents", ["updated_at"])
    if is_mysql() and _indexes_places():
        add_index("ix_peers_location", "peers", ["location"], mysql_prefix="SPATIAL")


def _indexes_places() -> bool:
    """Say whether tables of InnoDB can have a spatial index: those of old MariaDB can not, and do without."""
    dialect = op.get_bind().dialect
    return not getattr(dialect, "is_mariadb", False) or (dialect.server_version_info or ()) >= (10, 2, 2)
