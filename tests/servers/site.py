"""The example site of docs/examples as a process of the test's own, over TLS or plain, on a free port of loopback."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from mika.config import Api
from mika.server.certificate import Certificate, certificate_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TOKEN = "the-token-of-the-site"


@cache
def certificate() -> Certificate:
    """Make the certificate that all sites of a test run have."""
    return certificate_of(Api(listen="127.0.0.1:0"), Path(mkdtemp(prefix="mika-site-")))


class ExampleSite:
    """One site; `start` again after `stop` or `kill` keeps its port and what it has."""

    def __init__(self, directory: Path, *, tls: bool = True, offers: bool = True) -> None:
        """`offers`: with what a site may keep beside."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.database = directory / "site.sqlite"
        self.token_file = directory / "site-token"
        self.token_file.write_text(f"{TOKEN}\n")
        self.base = ""
        self._tls = tls
        self._program = EXAMPLES / ("site_offers.py" if offers else "site_store.py")
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        port = self.base.rpartition(":")[2].partition("/")[0] or "0"
        files = certificate()
        tls = ["--certificate", str(files.certificate), "--key", str(files.key)] if self._tls else []
        with (self.directory / "site.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(self._program), "--database", str(self.database), "--port", port, *tls],
                env={"SITE_TOKEN": TOKEN},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.base = self._process.stdout.readline().strip()
        assert self.base, self.log()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process.stdout.close()
            self._process = None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self.stop()

    def url(self, **options: object) -> str:
        """Return what an operator writes into the configuration."""
        options = {"token_file": self.token_file} | ({"ca": certificate().certificate} if self._tls else {}) | options
        return f"{self.base}?{'&'.join(f'{name}={value}' for name, value in options.items() if value is not None)}"

    def log(self) -> str:
        """Return what it said of its failures."""
        return (self.directory / "site.log").read_text()

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Execute statements on its database, as the site's own code would, and return the rows of the last."""
        with closing(sqlite3.connect(self.database, timeout=30)) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            connection.commit()
        return rows
