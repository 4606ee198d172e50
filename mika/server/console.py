"""The SSH manhole: who may come in, over which ciphers, and a session of `console_session.py` for each.

Public keys only, for the user `admin` only. `tap.py` makes the service where `[manhole] authorized_keys` is configured.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.application.service import Service
from twisted.conch.avatar import ConchUser
from twisted.conch.checkers import IAuthorizedKeysDB, SSHPublicKeyChecker
from twisted.conch.error import ConchError, IgnoreAuthentication
from twisted.conch.interfaces import IConchUser, ISession
from twisted.conch.ssh.connection import SSHConnection
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, Key
from twisted.conch.ssh.session import SSHSession
from twisted.conch.ssh.transport import SSHServerTransport
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.cred.credentials import ISSHPrivateKey
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger, LogLevel
from twisted.python.components import registerAdapter
from twisted.python.failure import Failure
from zope.interface import implementer

from mika.admin.auth import write_new
from mika.config import Manhole
from mika.config_values import HostPort
from mika.errors import ConfigError
from mika.server.console_session import ConsoleSession

HOST_KEY_FILE = "manhole-host-key"
USER = b"admin"

LOGIN_TIME = 60
"""Seconds in which a connection must have logged in."""

MAX_CONNECTIONS = 20

log = Logger()

Names = Mapping[str, Any]
"""What a session begins with, by name: `console_names.names_of`."""


class Faults(Logger):
    """Logs faults and nothing else: conch tells of every packet, and of every client that asks for too much."""

    def emit(self, level: Any, format: str | None = None, **kwargs: Any) -> None:  # noqa: A002 - Twisted's
        """Pass on what is critical, and ours."""
        failure: Failure | None = kwargs.get("log_failure")
        if level is LogLevel.critical and not (failure is not None and failure.check(ConchError)):
            super().emit(level, format, **kwargs)


def read_keys(path: Path) -> list[Key]:
    """Return the public keys of a file, one a line as OpenSSH has them; lines with options are left out.

    A line that is no key is named by its number alone: it may be a secret that got there by mistake.
    """
    keys = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        try:
            key = Key.fromString(text)
        except Exception:  # noqa: BLE001 - it has many ways to fail
            log.warn("{path}: line {number} is no public key, and is left out", path=str(path), number=number)
            continue
        if key.isPublic():
            keys.append(key)
    return keys


@implementer(IAuthorizedKeysDB)
class AuthorizedKeys:
    """The file of public keys, read at each log-in, so that who was taken out of it does not come in again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def getAuthorizedKeys(self, username: bytes) -> list[Key]:  # noqa: N802 - Twisted's name
        """Return the keys that this user may show."""
        if username != USER:
            return []
        try:
            if stat.S_IMODE(self._path.stat().st_mode) & 0o022:
                log.error("nobody is let in: others than its owner may write {path}", path=str(self._path))
                return []
            return read_keys(self._path)
        except OSError as problem:
            log.error("nobody is let in: {path}: {problem}", path=str(self._path), problem=problem.strerror)
            return []


class ConsoleUser(ConchUser):
    """Who logged in: may open sessions, and nothing else (no forwarding, no files)."""

    def __init__(self, reactor: Any, names: Names) -> None:
        super().__init__()
        self.reactor = reactor
        self.names = names
        self.channelLookup[b"session"] = SSHSession


registerAdapter(lambda user: ConsoleSession(user.reactor, user.names), ConsoleUser, ISession)


@implementer(IRealm)
class Realm:
    """Gives who logged in what they may do."""

    def __init__(self, reactor: Any, names: Names) -> None:
        self._reactor = reactor
        self._names = names

    def requestAvatar(  # noqa: N802 - Twisted's name
        self,
        avatarId: bytes | tuple[()],  # noqa: ARG002, N803 - Twisted's interface
        mind: object,  # noqa: ARG002 - as above
        *interfaces: object,  # noqa: ARG002 - as above
    ) -> tuple[Any, ConsoleUser, Callable[[], None]]:
        """Answer with a user."""
        return IConchUser, ConsoleUser(self._reactor, self._names), lambda: None


class UserAuth(SSHUserAuthServer):
    """Few attempts, little time; who came in and who did not is logged."""

    loginTimeout = LOGIN_TIME  # noqa: N815 - Twisted's name
    attemptsBeforeDisconnect = 6  # noqa: N815 - Twisted's name
    transport: Any
    user: Any
    _log = Faults()

    def _cbFinishedAuth(self, result: Any) -> Any:  # noqa: N802 - Twisted's name
        finished = super()._cbFinishedAuth(result)
        self.transport.logged_in()
        return finished

    def _ebBadAuth(self, reason: Failure) -> Any:  # noqa: N802 - Twisted's name
        if self.method != b"none" and not reason.check(IgnoreAuthentication):
            user, method = self.user.decode("utf-8", "replace")[:64], self.method.decode("ascii", "replace")[:64]
            who = self.transport.transport.getPeer().host
            log.warn("{method} of {user!r} from {who} refused at the console", method=method, user=user, who=who)
        return super()._ebBadAuth(reason)


class ConsoleConnection(SSHConnection):
    """What a connection is for once somebody logged in."""

    _log = Faults()


class ConsoleTransport(SSHServerTransport):
    """One connection: modern algorithms only, cut off if nobody logs in."""

    supportedCiphers = [b"aes256-ctr", b"aes192-ctr", b"aes128-ctr"]  # noqa: N815, RUF012 - Twisted\'s
    supportedMACs = [b"hmac-sha2-512", b"hmac-sha2-256"]  # noqa: N815, RUF012 - Twisted\'s
    supportedCompressions = [b"none"]  # noqa: N815, RUF012 - Twisted\'s
    supportedKeyExchanges = [  # noqa: N815, RUF012 - Twisted\'s
        *(b"curve25519-sha256", b"curve25519-sha256@libssh.org"),
        *(b"ecdh-sha2-nistp256", b"ecdh-sha2-nistp384", b"ecdh-sha2-nistp521"),
    ]
    transport: Any
    factory: ConsoleFactory
    _log = Faults()
    _patience: IDelayedCall | None = None
    _who = ""

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Begin, unless there are too many."""
        self.factory.connections.add(self)
        if len(self.factory.connections) > MAX_CONNECTIONS:
            self.transport.abortConnection()
            return
        self._patience = self.factory.reactor.callLater(LOGIN_TIME, self.transport.abortConnection)
        super().connectionMade()

    def logged_in(self) -> None:
        """Let it stay."""
        self._stop_waiting()
        self._who = self.transport.getPeer().host
        log.info("{who} logged in at the console", who=self._who)

    def _stop_waiting(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802 - Twisted's name
        """Forget it."""
        self.factory.connections.discard(self)
        self._stop_waiting()
        if self._who:
            log.info("{who} left the console", who=self._who)
        super().connectionLost(reason)


class ConsoleFactory(SSHFactory):
    """What the connections share."""

    noisy = False
    protocol = ConsoleTransport
    _log = Faults()
    services = {**SSHFactory.services, b"ssh-userauth": UserAuth, b"ssh-connection": ConsoleConnection}  # noqa: RUF012 - Twisted's

    def __init__(self, reactor: Any, host_key: Key, portal: Portal) -> None:
        self.reactor = reactor
        self.portal = portal
        self.connections: set[ConsoleTransport] = set()
        self.publicKeys = {b"ssh-ed25519": host_key.public()}
        self.privateKeys = {b"ssh-ed25519": host_key}

    def getPrimes(self) -> None:  # noqa: N802 - Twisted's name
        """Offer no key exchange that needs any."""


class ConsoleService(Service):
    """Listens as long as it runs; a port that is in use fails the start (`CannotListenError`)."""

    def __init__(self, reactor: Any, listen: HostPort, factory: ConsoleFactory) -> None:
        self.host, self.port = listen
        self._reactor = reactor
        self._factory = factory
        self._listening: Any = None

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen."""
        super().startService()
        self._listening = self._reactor.listenTCP(self.port, self._factory, interface=self.host)
        self.port = self._listening.getHost().port
        log.info("the console is at ssh -p {port} admin@{host}", port=self.port, host=self.host)

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop listening, and end the sessions."""
        super().stopService()
        listening, self._listening = self._listening, None
        for connection in list(self._factory.connections):
            connection.transport.abortConnection()
        closed = succeed(None) if listening is None else maybeDeferred(listening.stopListening)
        return closed.addCallback(lambda _: None)


def console_service(reactor: Any, section: Manhole, state_dir: Path, names: Names) -> ConsoleService:
    """Make the service, with its host key if there is none yet; `ConfigError` says what is wrong."""
    check_manhole(section)
    checker = SSHPublicKeyChecker(AuthorizedKeys(Path(section.authorized_keys).absolute()))
    portal = Portal(Realm(reactor, names))
    portal.registerChecker(checker, ISSHPrivateKey)
    return ConsoleService(reactor, section.listen, ConsoleFactory(reactor, host_key(state_dir), portal))


def check_manhole(section: Manhole) -> None:
    """Raise `ConfigError` if the file of keys cannot be read, or has none."""
    try:
        keys = read_keys(Path(section.authorized_keys))
    except OSError as problem:
        raise ConfigError(f"manhole.authorized_keys: {section.authorized_keys}: {problem.strerror}") from None
    if not keys:
        raise ConfigError(f"manhole.authorized_keys: {section.authorized_keys} has no public key")


def host_key(state_dir: Path) -> Key:
    """Return the key by which clients know this tracker, made at the first start."""
    path = state_dir / HOST_KEY_FILE
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            made = Key(Ed25519PrivateKey.generate())
            write_new(path, made.toString("openssh", subtype="v1").decode("ascii"), 0o600)
        key: Key = Key.fromString(path.read_bytes())
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None
    except (BadKeyError, EncryptedKeyError, ValueError, UnicodeDecodeError):
        raise ConfigError(f"{path}: this is no SSH key; remove it to have one made") from None
    return key
