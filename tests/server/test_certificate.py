"""The certificate: made once, good for this machine, and a configured one that is wrong is named in one line."""

from __future__ import annotations

import ipaddress
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from mika.config import Api
from mika.errors import ConfigError
from mika.server.certificate import certificate_of, tls_context


def section(**keys):
    """Return an `[api]` section."""
    return Api(**{"listen": "127.0.0.1:0", **keys})


@pytest.fixture
def made(tmp_path):
    """Make the files in a state directory."""
    return certificate_of(section(listen="192.0.2.7:34001"), tmp_path / "state")


def test_certificate_is_for_this_machine_and_ten_years(made):
    """By every name under which a client on it may ask."""
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {ipaddress.ip_address(each) for each in ("127.0.0.1", "::1", "192.0.2.7")}
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert set(names.get_values_for_type(x509.IPAddress)) == addresses
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)
    assert certificate.not_valid_before_utc < datetime.now(UTC)
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3650)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_address_that_stands_for_all_is_no_name(tmp_path, host):
    """Nobody connects to it."""
    files = certificate_of(section(listen=f"{host}:34001"), tmp_path)
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(each) for each in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}


def test_key_is_its_owners_alone(made):
    """The certificate may be read by all: it is what clients trust."""
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.certificate.parent.stat().st_mode) == 0o700


def test_second_start_uses_the_same(made):
    """Clients have copied the certificate."""
    before = made.certificate.read_bytes(), made.key.read_bytes()
    again = certificate_of(section(), made.key.parent)
    assert (again, (again.certificate.read_bytes(), again.key.read_bytes())) == (made, before)
    tls_context(*again)


def test_start_that_was_cut_short_after_the_key_is_completed(made):
    """The certificate is made for the key that is there."""
    key = made.key.read_bytes()
    made.certificate.unlink()
    again = certificate_of(section(), made.key.parent)
    assert again.key.read_bytes() == key
    tls_context(*again)


def test_configured_one_is_taken_and_none_is_made(made, tmp_path):
    """The state directory stays as it is."""
    given = section(certificate=str(made.certificate), key=str(made.key))
    assert certificate_of(given, tmp_path / "other") == made
    assert not (tmp_path / "other").exists()


def test_chain_goes_with_the_certificate(made, tmp_path):
    """A file may hold the certificates between ours and the root."""
    other = certificate_of(section(), tmp_path / "other")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(made.certificate.read_bytes() + other.certificate.read_bytes())
    assert len(tls_context(chain, made.key).extraCertChain) == 1


def test_certificate_that_cannot_be_used_is_named(made, tmp_path):
    """Each in one line that starts with the file."""
    other = certificate_of(section(), tmp_path / "other")
    text, locked, missing = tmp_path / "text", tmp_path / "locked", tmp_path / "missing"
    text.write_text("this is not PEM")
    private = ec.generate_private_key(ec.SECP256R1())
    locked.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    cases = [
        (missing, made.key, "missing: No such file"),
        (made.certificate, missing, "missing: No such file"),
        (tmp_path, made.key, "Is a directory"),
        (text, made.key, "text: this is not a certificate in PEM"),
        (made.key, made.key, "api-key.pem: this is not a certificate in PEM"),
        (made.certificate, text, "text: this is not a private key in PEM"),
        (made.certificate, made.certificate, "api-certificate.pem: this is not a private key in PEM"),
        (made.certificate, locked, "locked: this key is locked by a passphrase"),
        (made.certificate, other.key, "api-key.pem: this is not the key of the certificate"),
    ]
    for certificate, key, words in cases:
        with pytest.raises(ConfigError, match=words) as caught:
            tls_context(certificate, key)
        assert "\n" not in str(caught.value)


def test_state_directory_that_cannot_be_made_is_named(tmp_path):
    """A file stands in its place."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file"):
        certificate_of(section(), tmp_path / "file" / "state")
