"""A redis-server of the test run's own, with TLS and ACL users, durable, in a temporary directory on free ports."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import hiredis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ports import free_port

from servers.stopping import hold

USER = "mika"
PASSWORD = "s3cret/with@signs"
COMMANDS = (
    "+hello +select +ping +eval +evalsha +publish +subscribe +exists +del +get +set +hget +hset +hsetnx +hmget "
    "+hgetall +hexists +hlen +hscan +hdel +hincrby +sadd +srem +smembers +zadd +zrem +zrange +zrangebylex "
    "+zrangebyscore +geoadd +geosearch"
)
"""All that docs/stores.md says a user of mika's own needs."""

_numbers = itertools.count(1)


def make_certificate(directory, name, issuer=None, ca=False):
    """Write `name.pem` and `name.key` for 127.0.0.1, signed by `issuer` (or itself), and return certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signer, signing = issuer or (None, key)
    certificate = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=signer.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    (directory / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    return certificate, key


class Redis:
    """One server; `start` it, and `stop` it in the end. Its user is USER with PASSWORD, and the default one has it too.

    Whatever it has confirmed is on its disk.
    """

    def __init__(self, *options):
        """`options` are lines of its configuration; later ones win."""
        self.directory = Path(tempfile.mkdtemp(prefix="mika-redis-"))
        self._choose_ports()
        ca = make_certificate(self.directory, "ca", ca=True)
        make_certificate(self.directory, "server", ca)
        make_certificate(self.directory, "other", ca=True)
        self._process = None
        self._torn = 0  # how often the log has said that a file is torn
        self.options = [
            "bind 127.0.0.1",
            "tls-cert-file server.pem",
            "tls-key-file server.key",
            "tls-ca-cert-file ca.pem",
            "tls-auth-clients no",
            f"dir {self.directory}",
            "logfile log",
            "save ''",
            "appendonly yes",
            "appendfsync always",
            "aof-load-truncated no",
            f"requirepass {PASSWORD}",
            f"user {USER} on >{PASSWORD} ~mika* &mika* {COMMANDS}",
            *options,
        ]

    def _choose_ports(self):
        self.port, self.tls_port = free_port(), free_port()

    def start(self):
        """Start it, and wait until it answers."""
        for _ in range(3):
            if self._started():
                return self
            self._choose_ports()  # somebody else took one meanwhile
        raise AssertionError((self.directory / "log").read_text()[-2000:])

    def _started(self):
        program = shutil.which("redis-server")
        if program is None:
            raise AssertionError("redis-server is missing: install the Debian package redis-server (make test does)")
        (self.directory / "redis.conf").write_text(
            "\n".join([*self.options, f"port {self.port}", f"tls-port {self.tls_port}"])
        )
        self._process = subprocess.Popen(
            [program, self.directory / "redis.conf"],
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                return self._mend() and self._started()
            time.sleep(0.02)
        return True

    def _mend(self):
        """Cut off what a crash left half written, as an operator does; answer whether there was anything."""
        before = self._torn
        self._torn = (self.directory / "log").read_text().count("redis-check-aof --fix")
        if self._torn > before:
            (manifest,) = self.directory.glob("appendonlydir/*.manifest")
            subprocess.run(["redis-check-aof", "--fix", manifest], input=b"y\n", capture_output=True, check=True)
        return self._torn > before

    def _answers(self):
        try:
            return self.ask("PING") == b"PONG"
        except OSError:
            return False

    def stop(self):
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self):
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def hold(self):
        """Let it answer nothing, with its connections open, until `go_on`."""
        hold(self._process.pid)

    def go_on(self):
        """End what `hold` began."""
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number):
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(20)

    def remove(self):
        """End it and remove its files."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, *command):
        """Return the reply to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            self._exchange(connection, "AUTH", PASSWORD)
            return self._exchange(connection, *command)

    def _exchange(self, connection, *command):
        words = [each if isinstance(each, bytes) else str(each).encode() for each in command]
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        connection.sendall(b"*%d\r\n%s" % (len(words), b"".join(parts)))
        reader = hiredis.Reader()
        while (reply := reader.gets()) is False:
            data = connection.recv(1 << 20)
            if not data:
                raise ConnectionResetError
            reader.feed(data)
        return reply

    def url(self, prefix="mika:", user=USER, password=PASSWORD, tls=False, ca="ca"):
        """Return the URL of a store under this prefix."""
        scheme, port = ("rediss", self.tls_port) if tls else ("redis", self.port)
        options = f"?prefix={quote(prefix)}" + (f"&ca={self.directory / ca}.pem" if tls and ca else "")
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}{options}"


def fresh_prefix():
    """Return a prefix that no other test has."""
    return f"mika{os.getpid()}-{next(_numbers)}:"


@functools.cache
def server():
    """Return the server that all tests of this run share."""
    shared = Redis()
    atexit.register(shared.remove)
    return shared.start()


def store_at(url, seconds=10.0):
    """Return a store that is not open; `seconds` is how long Redis may take to answer."""
    from twisted.internet import reactor

    from mika.store.redis import RedisStore
    from mika.store.redis_url import parse_redis_url

    return RedisStore(parse_redis_url(url, Path("/")), reactor, seconds)
