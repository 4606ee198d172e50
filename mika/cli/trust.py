"""A place to what TLS needs: whom to believe to be the tracker, and which certificate to show it. `api.py` asks.

Everything of Twisted is imported inside, so that `mika --help` does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mika.cli.command import InputError

if TYPE_CHECKING:
    from twisted.internet.ssl import Certificate, PrivateCertificate
    from twisted.web.iweb import IPolicyForHTTPS

    from mika.cli.place import Place


def trust_of(place: Place) -> IPolicyForHTTPS:
    """Trust the tracker's own certificate alone where it is known, else the authorities of the system."""
    from twisted.internet.ssl import optionsForClientTLS, platformTrust, trustRootFromCertificates  # noqa: PLC0415 - slow

    ours = None if place.client_certificate is None else _own(place.client_certificate)
    pin = place.fingerprint
    if pin is not None:
        return _policy(lambda _name: _pinned(pin, ours))
    roots = platformTrust() if place.certificate is None else trustRootFromCertificates(_roots(place.certificate))
    return _policy(lambda name: optionsForClientTLS(name, trustRoot=roots, clientCertificate=ours))


def _policy(creator: Callable[[str], Any]) -> IPolicyForHTTPS:
    from twisted.web.iweb import IPolicyForHTTPS  # noqa: PLC0415 - slow
    from zope.interface import implementer  # noqa: PLC0415 - with it

    @implementer(IPolicyForHTTPS)
    class Policy:
        """What an `Agent` asks for each host."""

        def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: ARG002, N802 - Twisted's interface
            """Return what makes the TLS connections to it."""
            return creator(hostname.decode("ascii"))

    return Policy()


def _pinned(pin: Path, ours: PrivateCertificate | None) -> Any:
    """Return what makes connections to who shows the very certificate whose SHA-256 is in the file, for any name."""
    from OpenSSL import SSL  # noqa: PLC0415 - slow
    from twisted.internet.interfaces import IOpenSSLClientConnectionCreator  # noqa: PLC0415 - slow
    from zope.interface import implementer  # noqa: PLC0415 - slow

    def verify(_connection: Any, shown: Any, _error: int, depth: int, _fine: int) -> bool:
        # Read now: the tracker has written it before it showed a certificate that is new.
        return depth > 0 or shown.digest("sha256").replace(b":", b"").decode().lower() == _line(pin)

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_PEER, verify)
    if ours is not None:
        context.use_certificate(ours.original)
        context.use_privatekey(ours.privateKey.original)

    @implementer(IOpenSSLClientConnectionCreator)
    class Creator:
        """Makes them."""

        def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:  # noqa: ARG002, N802, N803 - Twisted's interface
            """Make one."""
            return SSL.Connection(context, None)

    return Creator()


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _roots(path: Path) -> list[Certificate]:
    from twisted.internet.ssl import Certificate  # noqa: PLC0415 - slow

    end = b"-----END CERTIFICATE-----"
    try:
        pem = path.read_bytes()
        roots = [Certificate.loadPEM(part + end) for part in pem.split(end)[:-1]]
    except OSError as error:
        raise InputError(f"cannot read the certificate {path}: {error.strerror}") from None
    except Exception:  # noqa: BLE001 - OpenSSL's errors are tuples of codes
        roots = []
    if not roots:
        raise InputError(f"{path} holds no certificate in PEM form")
    return roots


def _own(path: Path) -> PrivateCertificate:
    from twisted.internet.ssl import PrivateCertificate  # noqa: PLC0415 - slow

    try:
        own: PrivateCertificate = PrivateCertificate.loadPEM(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read the certificate {path}: {error.strerror}") from None
    except Exception:  # noqa: BLE001 - as above
        raise InputError(f"{path} does not hold a certificate and its key in PEM form (MIKA_CERT)") from None
    return own
