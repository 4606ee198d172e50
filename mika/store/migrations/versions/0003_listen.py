"""PostgreSQL tells whoever listens what changes in accounts, and numbers rows around ids that somebody chose."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

# What mika counts is not told: a batch has thousands of rows. A change of very many rows is told as one of all rows.
_TOLD = """
CREATE FUNCTION mika_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    origin text := coalesce(current_setting('mika.origin', true), '');
    told int := coalesce(nullif(current_setting('mika.told', true), ''), '0')::int + 1;
    one text := '*';
    other text := '*';
BEGIN
    PERFORM set_config('mika.told', told::text, true);
    IF told <= 1000 AND TG_LEVEL = 'ROW' THEN
        IF TG_ARGV[0] = 'user' THEN
            IF TG_OP <> 'INSERT' THEN one := OLD.id::text; END IF;
            IF TG_OP <> 'DELETE' THEN other := NEW.id::text; END IF;
        ELSIF TG_ARGV[0] = 'torrent' THEN
            IF TG_OP <> 'INSERT' THEN one := encode(OLD.info_hash, 'hex'); END IF;
            IF TG_OP <> 'DELETE' THEN other := encode(NEW.info_hash, 'hex'); END IF;
        END IF;
        IF TG_OP = 'INSERT' THEN one := other; END IF;
        IF TG_OP = 'DELETE' THEN other := one; END IF;
    ELSIF told > 1001 AND TG_LEVEL = 'ROW' THEN
        RETURN NULL;
    END IF;
    PERFORM pg_notify('mika', TG_ARGV[0] || ' ' || one || ' ' || origin);
    IF other <> one THEN
        PERFORM pg_notify('mika', TG_ARGV[0] || ' ' || other || ' ' || origin);
    END IF;
    RETURN NULL;
END $$
"""

# Whoever may add a row moves the numbers on, also without rights on the sequence.
_NUMBERED = """
CREATE FUNCTION mika_number() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    numbers regclass := pg_get_serial_sequence(TG_RELID::regclass::text, 'id')::regclass;
    last bigint;
BEGIN
    EXECUTE format('SELECT last_value FROM %s', numbers) INTO last;
    IF NEW.id > last THEN
        PERFORM pg_advisory_xact_lock(TG_RELID::bigint);
        EXECUTE format('SELECT last_value FROM %s', numbers) INTO last;
        IF NEW.id > last THEN
            PERFORM setval(numbers, NEW.id);
        END IF;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Make the triggers; databases of other kinds have other ways."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(_TOLD)
    for table, kind in (("users", "user"), ("roles", "role"), ("torrents", "torrent"), ("whitelist", "whitelist")):
        op.execute(
            f"CREATE TRIGGER mika_tell AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            f"WHEN (current_setting('mika.batch', true) IS DISTINCT FROM 'on') EXECUTE PROCEDURE mika_tell('{kind}')"
        )
        op.execute(f"CREATE TRIGGER mika_tell_all AFTER TRUNCATE ON {table} EXECUTE PROCEDURE mika_tell('{kind}')")
    op.execute(_NUMBERED)
    for table in ("users", "roles"):
        op.execute(f"CREATE TRIGGER mika_number AFTER INSERT ON {table} FOR EACH ROW EXECUTE PROCEDURE mika_number()")
        op.execute(  # the default role was made with its id
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) > 0"  # noqa: S608 - our own names
        )
