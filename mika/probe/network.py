"""A name to addresses, an address to a connection, a connection to TLS: each may fail, and says what that means."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cryptography.x509 import load_der_x509_certificate

from mika.probe.finding import Finding, note, ok, wrong

FAMILIES = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}

RENEWAL = 14
"""Days before its end at which a certificate should have been renewed: what renews them begins at thirty."""

BROKEN = {
    "CERTIFICATE_VERIFY_FAILED": "",  # has words of its own, below
    "WRONG_VERSION_NUMBER": "what answers does not speak TLS",
    "HTTP_REQUEST": "what answers does not speak TLS",
    "RECORD_LAYER_FAILURE": "what answers does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "only TLS older than 1.2 is spoken",
    "TLSV1_ALERT_PROTOCOL_VERSION": "only TLS older than 1.2 is spoken",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no cipher that is in use today is spoken",
}

UNTRUSTED = {
    9: ("is not valid yet", "set the clock of this machine, or have it issued anew"),
    10: ("has expired", "renew it; see why the renewal did not run, or why the tracker still serves the old one"),
    18: ("is signed by nobody but itself", "have it issued by an authority that clients know, such as Let's Encrypt"),
    19: ("is signed by an authority that clients do not know", "have it issued by one that they know"),
    20: (
        "cannot be traced to an authority that clients know",
        "serve the whole chain (fullchain.pem), not the certificate alone",
    ),
    21: ("cannot be verified", "serve the whole chain (fullchain.pem), not the certificate alone"),
    62: ("is for another name", "have it issued for the name in the announce URL"),
    64: ("is for another address", "use a name that it is for in the announce URL"),
}
"""OpenSSL's codes (x509_vfy.h), in words, and what to do."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One address of the tracker; `sockaddr` is what the socket module connects to."""

    family: str
    sockaddr: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """Return the address in figures."""
        return str(self.sockaddr[0])


def look_up(host: str, port: int, family: str) -> list[Peer]:
    """Return the addresses that a name has in one family, none if it has none there. May wait for the name server."""
    try:
        found = socket.getaddrinfo(host, port, FAMILIES[family], socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return []
    return list(dict.fromkeys(Peer(family, info[4]) for info in found))


def connect(peer: Peer, timeout: float) -> socket.socket | Finding:
    """Open a TCP connection to one address, or say why that cannot be."""
    sock = socket.socket(FAMILIES[peer.family], socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect(peer.sockaddr)
    except OSError as error:
        sock.close()
        return _unconnected(peer, error, timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _unconnected(peer: Peer, error: OSError, timeout: float) -> Finding:
    where = f"{peer.ip} port {peer.sockaddr[1]}"
    if isinstance(error, TimeoutError):
        return wrong(
            "connect",
            f"{where} does not answer within {timeout:g} s",
            "open the port in the firewall, and see whether the address is the tracker's",
        )
    if isinstance(error, ConnectionRefusedError):
        return wrong(
            "connect", f"{where} refuses connections", "start the tracker, or have it listen at this address and port"
        )
    if error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM):
        return note(
            "connect",
            f"not tested: this machine has no way to {peer.ip} ({error.strerror})",
            f"test from a machine that has {peer.family}",
        )
    return wrong("connect", f"{where}: {error.strerror or error}", "see the route to the tracker and its firewall")


def secure(sock: socket.socket, host: str, ca: str, *, verified: bool = True) -> ssl.SSLSocket | Finding:
    """Speak TLS on a connection, or say why that cannot be; the connection is closed then.

    `ca` is a file of authorities to trust instead of the system's, empty for none. `OSError` if it cannot be read.
    """
    context = ssl.create_default_context(cafile=ca or None)
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        words, advice = UNTRUSTED.get(error.verify_code, (f"is not valid: {error.verify_message}", "renew it"))
        finding = wrong("certificate", f"the certificate {words}", advice)
    except TimeoutError:
        finding = wrong("tls", "the handshake does not end", "see whether this port is the one for https")
    except ssl.SSLError as error:
        words = BROKEN.get(error.reason or "", "") or f"the handshake fails: {error.reason or error}"
        finding = wrong("tls", words, "see whether this port is the one for https, and what TLS the server is set to")
    except OSError as error:
        finding = wrong(
            "tls",
            f"the connection ends in the handshake: {error.strerror or error}",
            "see whether this port is the one for https",
        )
    sock.close()
    return finding


def certificate(sock: ssl.SSLSocket, now: datetime) -> Finding:
    """Say how long the certificate of a verified connection still lasts."""
    days = (load_der_x509_certificate(sock.getpeercert(binary_form=True) or b"").not_valid_after_utc - now).days
    found = ok("certificate", f"valid, for {days} more days")
    if days < RENEWAL:
        found = note("certificate", f"valid for {days} more days only", "see whether its renewal runs")
    return replace(found, figures={"days": days})
