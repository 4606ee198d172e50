"""The certificate of the API's port and of the announce port's TLS: the configured one, or one that is made here."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion, trustRootFromCertificates
from twisted.internet.ssl import Certificate as Authority

from mika.admin.auth import write_new
from mika.config import Api
from mika.config_values import HostPort
from mika.errors import ConfigError

CERTIFICATE_FILE = "api-certificate.pem"
KEY_FILE = "api-key.pem"

LIFETIME = timedelta(days=3652)
"""How long a certificate that we make is good for: ten years."""

_CIPHERS = AcceptableCiphers.fromOpenSSLCipherString("ECDHE+AESGCM:ECDHE+CHACHA20")
"""For TLS 1.2: forward secrecy and authenticated encryption. TLS 1.3 has nothing else."""


class Certificate(NamedTuple):
    """The files of a certificate (with its chain) and of its key, both PEM."""

    certificate: Path
    key: Path


def certificate_of(section: Api, state_dir: Path) -> Certificate:
    """Return the configured certificate, or the one in the state directory, made at the first start."""
    if section.certificate:
        return Certificate(Path(section.certificate), Path(section.key))
    files = Certificate(state_dir / CERTIFICATE_FILE, state_dir / KEY_FILE)
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not files.certificate.exists():
            _make_certificate(files, section.listen)
    except OSError as problem:
        raise ConfigError(f"{problem.filename}: {problem.strerror}") from None
    return files


def tls_context(certificate: Path, key: Path, authorities: Path | None = None) -> CertificateOptions:
    """Return what a TLS 1.2+ listener needs; `ConfigError` names the file that cannot be used.

    With a file of `authorities`, clients must show a certificate that one of them signed.
    """
    try:
        chain = x509.load_pem_x509_certificates(_read(certificate))
    except ValueError:
        raise ConfigError(f"{certificate}: this is not a certificate in PEM") from None
    private_key = _read_key(key)
    if _public_bytes(private_key.public_key()) != _public_bytes(chain[0].public_key()):
        raise ConfigError(f"{key}: this is not the key of the certificate {certificate}")
    return CertificateOptions(
        privateKey=private_key,
        certificate=chain[0],  # type: ignore[arg-type]  # annotated for pyOpenSSL's own kind, which is deprecated
        extraCertChain=chain[1:],  # type: ignore[arg-type]  # the same
        raiseMinimumTo=TLSVersion.TLSv1_2,
        acceptableCiphers=_CIPHERS,
        trustRoot=None if authorities is None else trustRootFromCertificates(authorities_of(authorities)),
    )


def fingerprint_of(certificate: Path) -> str:
    """Return the SHA-256, in hex, of a certificate that can be used."""
    return x509.load_pem_x509_certificates(_read(certificate))[0].fingerprint(SHA256()).hex()


def authorities_of(path: Path) -> list[Authority]:
    """Return what clients' certificates are checked against; `ConfigError` names the file that has none."""
    try:
        found = x509.load_pem_x509_certificates(_read(path))
        return [Authority.load(each.public_bytes(Encoding.DER)) for each in found]
    except ValueError:
        raise ConfigError(f"{path}: this is not a certificate in PEM") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None


def _read_key(path: Path) -> Any:
    try:
        return load_pem_private_key(_read(path), password=None)
    except TypeError:
        raise ConfigError(f"{path}: this key is locked by a passphrase; store it without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{path}: this is not a private key in PEM") from None


def _public_bytes(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _make_certificate(files: Certificate, listen: HostPort) -> None:
    """Make a self-signed certificate for this machine; a key that is there already, from a start cut short, is used."""
    new_key = ec.generate_private_key(ec.SECP256R1())
    pem = new_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_new(files.key, pem.decode("ascii"), 0o600)
    key = _read_key(files.key)
    addresses = {"127.0.0.1", "::1", listen.host} - {"0.0.0.0", "::"}  # noqa: S104 - left out, not listened on
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(addresses)]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mika")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a client's clock may be behind
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    write_new(files.certificate, certificate.public_bytes(Encoding.PEM).decode("ascii"), 0o644)
