"""A tracker as a user has it: `twistd mika` in a process of its own, its API, its log and the secrets in its care."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote_from_bytes, urlencode

import bencodepy

TWISTD = Path(sys.executable).with_name("twistd")
MIKA = Path(sys.executable).with_name("mika")

PATIENCE = 60
"""Seconds that anything may take on a busy machine before a test gives up."""

TELLING = 12
"""Characters of a secret that say too much in a log: a reader could find the rest by its beginning."""

T = TypeVar("T")


def wait_until(what: str, look: Callable[[], T], patience: float = PATIENCE) -> T:
    """Look again and again until there is something to see, and return it; fail after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"waited {patience} s in vain until {what}; last seen: {seen!r}"
        time.sleep(0.05)


def clean_environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without what configures another tracker, and with `settings`."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("MIKA_") or name == "MIKA_PURE"
    }
    return inherited | settings


class Answer(NamedTuple):
    """What the admin API answered: a status and decoded JSON, None where there was no body."""

    status: int
    body: Any


class TrackerProcess:
    """A tracker that runs in `directory`, with its state in `./mika-state` and free ports that it keeps over a restart.

    `secrets` are all passkeys and tokens that passed through it: `check_log` looks for them. `options` follow `mika`.
    """

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.state = directory / "mika-state"
        self.secrets: set[str] = set()
        self.ports: dict[str, int] = {}
        self.tls_port = 0
        self.prefix: list[str] = []
        """What stands before the program on the command line: something that starts it in its own way."""

        self.settings = {
            "MIKA_GENERAL__LOG_LEVEL": "debug",
            "MIKA_TRACKER__ALLOW_NON_ROUTABLE": "true",
            "MIKA_TRACKER__LISTEN": "127.0.0.1:0, [::1]:0",
            "MIKA_TRACKER__LISTEN_TLS": "127.0.0.1:0",
            "MIKA_API__LISTEN": "127.0.0.1:0",
        } | settings
        self.options: list[str] = []
        self._log = directory / "twistd.log"
        self._process: subprocess.Popen[bytes] | None = None

    # ---- the process

    def start(self) -> None:
        """Start it and wait until it is ready; it must not have been started, or have been stopped."""
        assert self._process is None
        begun = len(self.log)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.prefix, TWISTD, "-n", "--pidfile=", "mika", *self.options],
                cwd=self.directory,
                env=clean_environment(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until("the tracker is ready", lambda: "mika is ready" in self.log[begun:] or self._has_ended())
        assert self._process.poll() is None, self.log
        plain, tls = (
            re.findall(rf"announces are served at {scheme}://(\S+):(\d+)", self.log[begun:])
            for scheme in ("http", "https")
        )
        self.ports = {host: int(port) for host, port in plain}
        self.tls_port = int(tls[0][1])
        self.settings["MIKA_TRACKER__LISTEN"] = ", ".join(f"{host}:{port}" for host, port in plain)
        self.settings["MIKA_TRACKER__LISTEN_TLS"] = f"127.0.0.1:{self.tls_port}"
        self.secrets.add(self.token)

    def stop(self) -> None:
        """Ask it to end, as `systemctl stop` and Ctrl-C do, and wait until it has."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)
            raise
        assert status == -signal.SIGTERM, self.log  # twistd ends in order, then by the signal that it was sent

    def reload(self) -> None:
        """Send it SIGHUP, as `systemctl reload` does, and wait until it says what became of it."""
        assert self._process is not None
        begun = len(self.log)
        self._process.send_signal(signal.SIGHUP)
        wait_until("everything is read again", lambda: " read again" in self.log[begun:])

    def kill(self) -> None:
        """End it as the kernel does when memory runs out: at once, in the middle of whatever it does."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait(PATIENCE)

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        assert self._process is not None
        return self._process.pid

    def memory(self) -> int:
        """Return how many bytes of memory are its own: not those of files, which the kernel takes back as it likes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"RssAnon:\s+(\d+) kB", status)[0]) << 10

    def restart(self) -> None:
        """Stop it and start it again, on the same ports."""
        self.stop()
        self.start()

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    # ---- its log

    @property
    def log(self) -> str:
        """Everything that all starts wrote on stdout and stderr."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def check_log(self) -> None:
        """Fail if a fault of mika's own is in the log, or as much as the beginning of a secret."""
        log = self.log
        for sign in ("Traceback", "Unhandled", "Exception"):
            assert sign not in log, log
        assert self.secrets
        for secret in self.secrets:
            beginning = secret[:TELLING]
            lines = [line for line in log.splitlines() if beginning.lower() in line.lower()]
            assert not lines, f"a secret that begins with {beginning} is in the log: {lines}"

    # ---- its API

    @property
    def token(self) -> str:
        """The API token that it made."""
        return (self.state / "api-token").read_text().strip()

    def trust(self) -> ssl.SSLContext:
        """Return what believes the certificate that it made."""
        return ssl.create_default_context(cafile=self.state / "api-certificate.pem")

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Send a request to the admin API; a problem is an answer like any other."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = (self.state / "api-url").read_text().strip() + path
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self.trust()) as response:
                content = response.read()
                return Answer(response.status, json.loads(content) if content else None)
        except urllib.error.HTTPError as problem:
            return Answer(problem.code, json.loads(problem.read()))

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed, and return the decoded body."""
        answer = self.ask(method, path, body)
        assert 200 <= answer.status < 300, answer
        return answer.body

    def metrics(self) -> str:
        """Return what Prometheus reads."""
        url = (self.state / "api-url").read_text().strip() + "/metrics"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE, context=self.trust()) as response:
            text: str = response.read().decode()
        return text

    def add_user(self, name: str, **fields: Any) -> dict[str, Any]:
        """Add a user, and remember the passkey as a secret."""
        user: dict[str, Any] = self.api("POST", "/v1/users", {"name": name, **fields})
        self.secrets.add(user["passkey"])
        return user

    def user(self, user_id: int) -> dict[str, Any]:
        """Return a user as the API shows it now."""
        shown: dict[str, Any] = self.api("GET", f"/v1/users/{user_id}")
        return shown

    def torrent(self, info_hash: bytes) -> dict[str, Any]:
        """Return a torrent as the API shows it now."""
        shown: dict[str, Any] = self.api("GET", f"/v1/torrents/{info_hash.hex()}")
        return shown

    def counts(self, info_hash: bytes) -> tuple[int, int, int]:
        """Return how many seeders, leechers and completions the API shows of a torrent."""
        shown = self.torrent(info_hash)
        return shown["seeders"], shown["leechers"], shown["completed"]

    def client(self, *arguments: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `mika client` where the tracker was started, with `given` on its standard input."""
        return subprocess.run(
            [MIKA, "client", *arguments],
            cwd=self.directory,
            env=clean_environment(**settings),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    # ---- its announces

    def base(self, host: str = "127.0.0.1") -> str:
        """Return how announce URLs begin, at one of the two loopback addresses."""
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port(host)}"

    def port(self, host: str = "127.0.0.1") -> int:
        """Return the announce port at a loopback address."""
        return self.ports[f"[{host}]" if ":" in host else host]

    def announce_url(self, user: dict[str, Any], host: str = "127.0.0.1", path: str = "/{passkey}/announce") -> str:
        """Return the announce URL of a user: unless `path` says otherwise in the form that mika gives out."""
        return self.base(host) + path.format(passkey=user["passkey"])

    def announce(self, url: str, info_hash: bytes, peer_id: bytes, **parameters: Any) -> dict[bytes, Any]:
        """Announce by hand, as a leecher of whom nothing is known unless `parameters` say more."""
        defaults = {"port": 6881, "uploaded": 0, "downloaded": 0, "left": 1, "compact": 1}
        query = f"info_hash={quote_from_bytes(info_hash)}&peer_id={quote_from_bytes(peer_id)}"
        with urllib.request.urlopen(f"{url}?{query}&{urlencode(defaults | parameters)}", timeout=PATIENCE) as response:
            answer: dict[bytes, Any] = bencodepy.decode(response.read())
        return answer
