"""A MariaDB server of the test run's own, in a temporary directory, with a fresh database for each test."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

import pymysql
from ports import free_port

from servers.stopping import hold

USER = "mika"
PASSWORD = "s3cret/with@signs"
URL_PASSWORD = "s3cret%2Fwith%40signs"


def _program(*names):
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    raise AssertionError(f"{names[0]} is missing: install the Debian package mariadb-server (make test does)")


class MariaDb:
    """The server; `options` are added to its command line at the next start."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mika-mariadb-"))
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.socket = self.directory / "socket"
        self.port = free_port()
        self.options = []
        self._numbers = count(1)
        self._process = None
        self._as = []
        if os.geteuid() == 0:
            self._as = ["--user=mysql"]
            shutil.chown(self.directory, "mysql", "mysql")
        install = [_program("mariadb-install-db", "mysql_install_db"), "--no-defaults", f"--datadir={self.data}"]
        with (self.directory / "install.log").open("wb") as log:
            subprocess.run(
                [*install, *self._as, "--auth-root-authentication-method=normal", "--skip-test-db"],
                check=True,
                stdout=log,
                stderr=log,
            )

    def start(self):
        """Start it and wait until it answers."""
        command = [_program("mariadbd", "mysqld"), "--no-defaults", f"--datadir={self.data}", *self._as]
        command += [f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"]
        command += [f"--pid-file={self.directory / 'pid'}", "--innodb-buffer-pool-size=128M"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *self.options], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.directory / "log").read_text()[-3000:])
            time.sleep(0.05)
        self.sql(
            f"CREATE USER IF NOT EXISTS {USER}@localhost IDENTIFIED BY '{PASSWORD}'",
            f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
        )

    def _answers(self):
        with socket.socket() as probe:
            return self.socket.exists() and probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """Let it end in order."""
        self._end(signal.SIGTERM)

    def kill(self):
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def hold(self):
        """Let it answer nothing, with its connections open, until `go_on`."""
        hold(self._process.pid)

    def go_on(self):
        """End what `hold` began."""
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(60)

    def remove(self):
        """End it and delete what it kept."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def sql(self, *statements, database=None):
        """Execute statements as root, and return the rows of the last."""
        connection = pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def fresh(self):
        """Make a database and return its name."""
        name = f"mika_{os.getpid()}_{next(self._numbers)}"
        self.sql(
            f"CREATE DATABASE {name}",
            f"GRANT ALL ON {name}.* TO {USER}@localhost",
            f"GRANT ALL ON {name}.* TO {USER}@'127.0.0.1'",
        )
        return name

    def url(self, database, user=USER, password=URL_PASSWORD):
        """Return the URL of a database over TCP."""
        return f"mysql://{user}:{password}@127.0.0.1:{self.port}/{database}"


@cache
def mariadb():
    """Return the server of this test run, started at the first call."""
    server = MariaDb()
    atexit.register(server.remove)
    server.start()
    return server
