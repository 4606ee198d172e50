"""`mika db check` and `mika db upgrade`, as an operator runs them: one line a store, and an exit status to rely on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from functional.tracker_process import clean_environment
from servers.site import TOKEN, ExampleSite

MIKA = str(Path(sys.executable).with_name("mika"))

ADAPTERS = """
from mika.store.memory import MemoryStore

class Mine(MemoryStore):
    def __init__(self, reactor, state_dir):
        super().__init__()

class Broken(Mine):
    def open(self):
        raise RuntimeError("secret")
"""


@pytest.fixture
def home(tmp_path):
    """Make a directory with adapters and the configuration `mika.toml`, whose stores the test names."""
    (tmp_path / "adapters.py").write_text(ADAPTERS)
    return tmp_path


def db(command, home, users="sqlite:", torrents="sqlite:", peers="sqlite:", **environment):
    """Run `mika db COMMAND` on these stores; return status, lines, and what went to stderr."""
    urls = {"users": users, "torrents": torrents, "peers": peers}
    (home / "mika.toml").write_text("[stores]\n" + "".join(f'{kind} = "{url}"\n' for kind, url in urls.items()))
    ended = subprocess.run(
        [MIKA, "db", command, "--config", "mika.toml"],
        cwd=home,
        env=clean_environment(PYTHONPATH=str(home), **environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.returncode, ended.stdout.splitlines(), ended.stderr


def sql(path, *statements):
    """Execute statements on a database, as another program."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def revision(path):
    """Return the schema that a database says it has."""
    return sql(path, "SELECT version_num FROM alembic_version")[0][0]


def test_from_nothing_to_up_to_date(home):
    """A check changes nothing, not even makes the file; an upgrade makes it; then all is fine."""
    path = home / "mika-state" / "mika.sqlite"
    all_kinds = f"users, torrents, peers: The database {path}"
    missing = f"{all_kinds} has no tables yet: a start makes them, and so does `mika db upgrade`."
    assert db("check", home) == (1, [missing], "")
    assert not path.parent.exists()
    status, lines, _ = db("upgrade", home)
    newest = revision(path)
    assert (status, lines) == (0, [f"{all_kinds} has now schema {newest}."])
    assert db("check", home) == (0, [f"{all_kinds} is up to date (schema {newest})."], "")
    assert db("upgrade", home) == (0, [f"{all_kinds} was up to date (schema {newest})."], "")


def test_older_schema(home):
    """It is said by both revisions, left alone by a check, and brought up to date by an upgrade."""
    db("upgrade", home)
    path = home / "mika-state" / "mika.sqlite"
    newest = revision(path)
    downgrade(path)
    status, lines, _ = db("check", home)
    assert status == 1
    assert f"has schema 0001, older than {newest}: a start, or `mika db upgrade`, mends it." in lines[0]
    assert revision(path) == "0001"
    status, lines, _ = db("upgrade", home)
    assert (status, revision(path)) == (0, newest)
    assert lines[0].endswith(f"was brought from schema 0001 to {newest}.")


def downgrade(path):
    """Put a database of the first schema in the place of this one."""
    from alembic import command
    from sqlalchemy import create_engine

    from mika.store.upgrade import _config

    path.unlink()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    engine.dispose()


def test_schema_of_the_future(home):
    """Neither command touches it."""
    db("upgrade", home)
    path = home / "mika-state" / "mika.sqlite"
    sql(path, "UPDATE alembic_version SET version_num = '9999'")
    words = "was written by a newer mika (its schema is 9999): install that version again, or name another database."
    for command in ("check", "upgrade"):
        status, lines, stderr = db(command, home)
        assert (status, lines, stderr) == (1, [f"users, torrents, peers: The database {path} {words}"], "")
    assert revision(path) == "9999"


def test_each_store_has_a_line(home):
    """The kinds that it keeps, where it is, and how it is; one that is not fine does not hide the others."""
    (home / "text.sqlite").write_text("no database, but text " * 100)
    db("upgrade", home)
    default = home / "mika-state" / "mika.sqlite"
    status, lines, _ = db("check", home, users=f"sqlite:{home}/text.sqlite", torrents="memory:")
    assert status == 1
    assert lines == [
        f"users: The database {home}/text.sqlite is not a SQLite database: move it away, or name another file.",
        "torrents: memory: opens and closes, and has no schema of its own.",
        f"peers: The database {default} is up to date (schema {revision(default)}).",
    ]


@pytest.mark.parametrize(
    ("adapter", "status", "words"),
    [
        ("adapters:Mine", 0, "adapters:Mine opens and closes, and has no schema of its own."),
        ("adapters:Broken", 1, "adapters:Broken failed with RuntimeError."),
    ],
)
def test_adapter_of_ones_own(home, adapter, status, words):
    """It is opened and closed, and whatever it raises is one line."""
    for command in ("check", "upgrade"):
        assert db(command, home, adapter, adapter, adapter) == (status, [f"users, torrents, peers: {words}"], "")


def test_site(home):
    """A site that answers is fine, and one that is down is not; its token is in neither line."""
    site = ExampleSite(home / "site")
    site.start()
    try:
        for url in (site.url(), site.url(token_file=None).replace("://", f"://:{TOKEN}@")):
            found = db("check", home, users=url, torrents="memory:", peers="memory:")
            opens = f"users: The site {site.base} opens and closes, and has no schema of its own."
            assert (found[0], found[1][0]) == (0, opens)
    finally:
        site.stop()
    found = db("check", home, users=url, torrents="memory:", peers="memory:")
    assert (found[0], found[1][0]) == (1, f"users: The site {site.base} cannot be reached: nobody listens there.")
    assert TOKEN not in str(found)


def test_configuration_that_cannot_be_used(home):
    """It is an error of what was given, with the key, before any store is opened; a secret is not repeated."""
    status, lines, stderr = db("check", home, users="acme://me:secret@db")
    assert (status, lines, stderr.count("\n"), "secret" in stderr) == (2, [], 1, False)
    assert stderr.startswith("mika: stores.users: 'acme' is no kind of store; there are memory:, sqlite:, ")
    status, _, stderr = db("upgrade", home, MIKA_STORES__PEERS="x")
    assert (status, "stores.peers: no installed package has a store 'x'" in stderr) == (2, True)
    ended = subprocess.run(
        [MIKA, "db", "check", "-c", "no.toml"], cwd=home, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (2, "mika: no.toml: No such file or directory\n")


def test_environment_goes_before_the_file(home):
    """As for twistd: the state directory, and each store."""
    status, lines, _ = db("upgrade", home, MIKA_STATE=str(home / "elsewhere"), MIKA_STORES__PEERS="memory:")
    assert status == 0
    assert [line.partition(" has ")[0] for line in lines] == [
        f"users, torrents: The database {home}/elsewhere/mika.sqlite",
        "peers: memory: opens and closes, and",
    ]


def test_state_directory_that_cannot_be_made(home):
    """It is one line."""
    (home / "file").write_text("")
    status, lines, stderr = db("upgrade", home, MIKA_STATE=str(home / "file" / "state"))
    assert (status, lines, stderr) == (1, [], f"mika: {home}/file/state: Not a directory\n")


def test_json(home):
    """The same for programs: kinds, whether all is fine, the words."""
    (home / "mika.toml").write_text('[stores]\nusers = "memory:"\ntorrents = "memory:"\npeers = "sqlite:x/y"\n')
    line = [MIKA, "db", "check", "--json", "--config", "mika.toml"]
    ended = subprocess.run(line, cwd=home, env=clean_environment(), capture_output=True, timeout=60, check=False)
    found = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert [(each["stores"], each["fine"]) for each in found][-1] == (["peers"], False)
    assert "has no tables yet" in found[-1]["words"]
