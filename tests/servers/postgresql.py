"""PostgreSQL with PostGIS for tests: `server()` is shared by a test run, `PostgreSQL()` is one of a test's own."""

from __future__ import annotations

import atexit
import functools
import getpass
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg2
from ports import free_port
from twisted.internet import reactor
from twisted.internet.task import deferLater

from mika.store.postgresql import Postgresql
from mika.store.sql import SqlStore
from servers.stopping import hold

PASSWORD = "a-secret-password"
USER = "mika"  # an ordinary one
OWNER = "postgres"

_numbers = itertools.count(1)


def _programs():
    """Return the newest server's directory of programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise AssertionError("PostgreSQL is not installed: apt-get install postgresql-postgis")
    return found[-1].parent if found else Path(on_path).parent


class PostgreSQL:
    """One server; `start` it, and `stop` it in the end. Its one ordinary user is USER, with PASSWORD."""

    def __init__(self, durable=False, primary=None):
        """`durable`: whether what it commits outlives a kill; `primary`: the server whose standby this one is."""
        self.port = free_port()
        self._bin = _programs()
        self._directory = Path(tempfile.mkdtemp(prefix="mika-postgresql-"))
        self._data = self._directory / "data"
        # It refuses to run as root, so that root runs it as the user whom Debian's package has made.
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self._alone = {"user": self._user, "group": self._user, "extra_groups": []} if os.geteuid() == 0 else {}
        self._process = None
        self._primary = primary
        if os.geteuid() == 0:
            shutil.chown(self._directory, self._user, self._user)
        if primary is None:
            self._make(durable)
        else:
            address = f"host=127.0.0.1 port={primary.port} user={OWNER} password={PASSWORD}"
            self._run("pg_basebackup", "-D", self._data, "-R", "-c", "fast", "--no-sync", "-d", address)

    def _make(self, durable):
        secret = self._directory / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ["-D", self._data, "-U", OWNER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        self._run("initdb", *options, "--locale=C", "--no-sync")
        secret.unlink()
        settings = [
            "listen_addresses = '127.0.0.1'",
            "unix_socket_directories = ''",
            "max_connections = 60",
            "shared_buffers = 64MB",
            "max_wal_size = 4GB",
            "autovacuum_naptime = 10min",
            *([] if durable else ["fsync = off", "full_page_writes = off"]),
        ]
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("\n".join(settings) + "\n")

    def _run(self, program, *arguments):
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self._alone,
        )
        assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"

    @property
    def pid(self):
        """The process that the others are children of."""
        return self._process.pid

    def start(self):
        """Start it and wait until it answers; the first time, make the ordinary user and the template."""
        first = not (self._directory / "log").exists()
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-p", str(self.port)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._alone,
            )
        atexit.register(self.remove)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.sql("SELECT 1", database="postgres")
                break
            except psycopg2.OperationalError:
                told = (self._directory / "log").read_text()
                assert self._process.poll() is None, f"PostgreSQL did not start: {told}"
                assert time.monotonic() < deadline, f"PostgreSQL does not answer: {told}"
                time.sleep(0.05)
        if first and self._primary is None:
            self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'", database="postgres")
            self.sql("CREATE DATABASE with_postgis", database="postgres")
            try:
                self.sql("CREATE EXTENSION postgis", database="with_postgis")
            except psycopg2.Error as error:
                words = f"PostGIS is not installed: apt-get install postgresql-postgis ({error})"
                raise AssertionError(words) from None

    def stop(self, how=signal.SIGINT):
        """Stop it: its clients are cut off, what they committed is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def kill(self):
        """Stop it as a crash would."""
        self.stop(signal.SIGQUIT)

    def pause(self):
        """Let nothing of it run, while its connections stay: a machine that hangs."""
        for pid in self._pids():
            hold(pid)

    def resume(self):
        """Go on after `pause`."""
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def promote(self):
        """Make a standby a primary."""
        self.sql("SELECT pg_promote()", database="postgres")

    def _pids(self):
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def remove(self):
        """Stop it at once and remove its directory."""
        atexit.unregister(self.remove)
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)

    def database(self, template="with_postgis", owner=USER):
        """Make a fresh database that belongs to the ordinary user, and return its name."""
        name = f"mika_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}", database="postgres")
        return name

    def drop(self, name):
        """Remove a database; whoever is connected is cut off."""
        connected = f"FROM pg_stat_activity WHERE datname = '{name}'"
        self.sql(f"SELECT pg_terminate_backend(pid) {connected}", database="postgres")
        self.sql(f"DROP DATABASE IF EXISTS {name}", database="postgres")

    def url(self, database, user=USER, password=PASSWORD, port=None):
        """Return the URL of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def connect(self, database, user=OWNER, **options):
        """Return a connection of psycopg2's, in autocommit."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=user, password=PASSWORD, **options
        )
        connection.autocommit = True
        return connection

    def sql(self, *statements, database, user=OWNER):
        """Execute statements, each in a transaction of its own, and return the rows of the last."""
        with closing(self.connect(database, user)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@functools.cache
def server():
    """Return the one that the test run shares, started; it ends with the run."""
    shared = PostgreSQL()
    shared.start()
    return shared


class OnDatabase:
    """What a TestCase has with a database of its own, on the server that is shared."""

    server = staticmethod(server)

    @property
    def name(self):
        """The database, made when it is asked for first."""
        if not hasattr(self, "_name"):
            self._name = self.server().database()
            self.addCleanup(self.server().drop, self._name)
        return self._name

    def make_store(self):
        """Return a store on the test's database."""
        return SqlStore(Postgresql(self.server().url(self.name)), reactor)

    def sql(self, *statements, user=OWNER):
        """Execute statements from outside, and return the rows of the last."""
        return self.server().sql(*statements, database=self.name, user=user)

    async def opened(self):
        """Return an open store, closed when the test ends."""
        store = self.make_store()
        await store.open()
        self.addCleanup(store.close)
        return store

    async def until(self, check, seconds=10.0):
        """Wait until `check` is true."""
        for _ in range(int(seconds / 0.02)):
            if check():
                return
            await deferLater(reactor, 0.02)
        self.fail("it did not come")
