"""TLS of the API's port and of announces over HTTPS: a new connection gets the certificate that is in the files now.

`tap.py` makes one `Tls` for all ports. A pair that cannot be used leaves the one before it in force.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.logger import Logger
from zope.interface import implementer

from mika.config import Api
from mika.errors import ConfigError
from mika.server.certificate import certificate_of, fingerprint_of, tls_context

FINGERPRINT_FILE = "api-fingerprint"
"""In the state directory: the SHA-256 of the certificate in force, which `mika client` on this machine trusts."""

Signature = tuple[tuple[int, int, int] | None, ...]


class Loaded(NamedTuple):
    """What the files held: contexts for both kinds of port, and how the files looked just before they were read."""

    section: Api
    files: tuple[Path, ...]
    signature: Signature
    api: SSL.Context
    announces: SSL.Context
    fingerprint: str


@implementer(IOpenSSLContextFactory)
class _Port:
    """One kind of port: asks for its context at each connection."""

    def __init__(self, context: Callable[[], SSL.Context]) -> None:
        self.getContext = context


class Tls:
    """The certificate in force; `api` and `announces` are what their ports listen with."""

    log = Logger()

    def __init__(self, section: Api, state_dir: Path) -> None:
        """`ConfigError` says which file cannot be used."""
        self._state_dir = state_dir
        self._published: Path | None = None
        self._loaded = self.load(section)
        self._seen = self._loaded.signature
        self.api = _Port(lambda: self._now().api)
        self.announces = _Port(lambda: self._now().announces)

    def load(self, section: Api) -> Loaded:
        """Read what a section names, for `take`; `ConfigError` if it cannot be used."""
        pair = certificate_of(section, self._state_dir)
        authorities = Path(section.client_ca) if section.client_ca else None
        files = (*pair, authorities) if authorities else tuple(pair)
        signature = _signature_of(files)
        return Loaded(
            section,
            files,
            signature,
            tls_context(*pair, authorities).getContext(),
            tls_context(*pair).getContext(),
            fingerprint_of(pair.certificate),
        )

    def take(self, loaded: Loaded) -> None:
        """Serve this from the next connection on."""
        self._loaded = loaded
        self._seen = loaded.signature
        self._publish()

    def look_again(self) -> None:
        """Read the files anew, whatever they look like; one that cannot be used is said, and changes nothing."""
        self._seen = ()
        self._now()

    def publish(self) -> None:
        """Tell the `mika` command of this machine what to trust, now and after each change."""
        self._published = self._state_dir / FINGERPRINT_FILE
        self._publish()

    def _publish(self) -> None:
        if self._published is not None:
            try:
                self._published.write_text(self._loaded.fingerprint + "\n", encoding="ascii")
            except OSError as problem:
                self.log.error("{path}: {problem}", path=str(self._published), problem=problem.strerror)

    def _now(self) -> Loaded:
        """Look at the files: three calls of the kernel, where the handshake costs a thousand times as much."""
        signature = _signature_of(self._loaded.files)
        if signature != self._seen:
            self._seen = signature  # what is wrong is said once
            try:
                self.take(self.load(self._loaded.section))
            except ConfigError as problem:
                self.log.error("the certificate stays as it is: {problem}", problem=problem)
            else:
                self.log.info("the certificate is read anew: {path}", path=str(self._loaded.files[0]))
        return self._loaded


def _signature_of(files: tuple[Path, ...]) -> Signature:
    """Return what differs when a file was written or replaced; None for one that is not there."""
    return tuple(_look(path) for path in files)


def _look(path: Path) -> Any:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
