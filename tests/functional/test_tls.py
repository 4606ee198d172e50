"""TLS as OpenSSL meets it: what is refused, what is served when the files change, who is asked for a certificate."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from functional.tracker_process import PATIENCE, TrackerProcess


def openssl(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run OpenSSL's command."""
    return subprocess.run(
        ["openssl", *map(str, arguments)], input=given, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def make_pair(directory: Path, name: str, *more: str) -> tuple[Path, Path]:
    """Make a self-signed certificate, for a name that no address of this machine has, and its key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    made = openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}.example", "-keyout", key, "-out", certificate, *more),
    )
    assert made.returncode == 0, made.stderr
    return certificate, key


def served(port: int, *options: str) -> str:
    """Return what OpenSSL says of a handshake."""
    said = openssl("s_client", "-connect", f"127.0.0.1:{port}", *options)
    return said.stdout + said.stderr


def subject(port: int, *options: str) -> str:
    """Return whom the certificate that is served is for."""
    found = re.search(r"subject=.*?CN ?= ?(\S+)", served(port, *options))
    assert found, served(port, *options)
    return found[1]


def api_port(tracker: TrackerProcess) -> int:
    """Return the port of the API."""
    return int((tracker.state / "api-url").read_text().rpartition(":")[2])


@pytest.fixture
def tracker(tmp_path):
    """Return a tracker that was started without a certificate once, and has one of the operator's now."""
    directory = tmp_path / "tracker"
    directory.mkdir()
    process = TrackerProcess(directory)
    try:
        process.start()
        process.stop()
        for source, name in zip(make_pair(tmp_path, "first"), ("chain.pem", "key.pem"), strict=True):
            shutil.copy(source, directory / name)
        process.settings |= {"MIKA_API__CERTIFICATE": "chain.pem", "MIKA_API__KEY": "key.pem"}
        process.start()
        yield process
    finally:
        process.stop()
    process.check_log()


def test_old_versions_and_weak_ciphers_are_refused(tracker):
    """On the API's port and on that of announces; the client is told to offer anything."""
    for port in (api_port(tracker), tracker.tls_port):
        for version in ("-tls1", "-tls1_1"):
            said = served(port, version, "-cipher", "ALL:@SECLEVEL=0")
            assert "Cipher is (NONE)" in said
            assert "alert protocol version" in said  # by the tracker: this client would
        for cipher in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):
            assert "Cipher is (NONE)" in served(port, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        assert "Cipher is ECDHE-ECDSA-" in served(port, "-tls1_2")
        assert "TLSv1.3, Cipher is TLS_" in served(port, "-tls1_3")


def test_certificate_that_is_swapped_is_served_to_the_next_connection(tracker, tmp_path):
    """Everywhere, without a signal; half a new pair and nonsense are not, and are said in one line."""
    ports = api_port(tracker), tracker.tls_port
    assert [subject(port) for port in ports] == ["first.example"] * 2
    certificate, key = make_pair(tmp_path, "second")
    certificate.replace(tracker.directory / "chain.pem")
    assert [subject(port) for port in ports] == ["first.example"] * 2
    key.replace(tracker.directory / "key.pem")
    assert [subject(port) for port in ports] == ["second.example"] * 2
    (tracker.directory / "chain.pem").write_text("nonsense")
    assert [subject(port) for port in ports] == ["second.example"] * 2
    said = [line for line in tracker.log.splitlines() if "certificate" in line]
    assert [re.sub(r"^.*?\] ", "", line) for line in said] == [
        "the certificate stays as it is: key.pem: this is not the key of the certificate chain.pem",
        "the certificate is read anew: chain.pem",
        "the certificate stays as it is: chain.pem: this is not a certificate in PEM",
    ]


def test_command_trusts_what_is_configured(tracker, tmp_path):
    """Not what the first start made; also right after a change, and whatever name the certificate is for."""
    assert (tracker.state / "api-certificate.pem").exists()
    assert tracker.client("ping").returncode == 0
    for source, name in zip(make_pair(tmp_path, "second"), ("chain.pem", "key.pem"), strict=True):
        source.replace(tracker.directory / name)
    pinged = tracker.client("ping")
    assert (pinged.returncode, pinged.stderr) == (0, "")
    (tracker.state / "api-fingerprint").write_text("0" * 64 + "\n")
    refused = tracker.client("ping")
    assert refused.returncode == 1
    assert "is not trusted" in refused.stderr


def test_client_certificates(tracker, tmp_path):
    """Asked for on the API's port alone, from when they are configured; the command shows its own."""
    authority, key = make_pair(tmp_path, "authority")
    request, certificate = tmp_path / "request", tmp_path / "client.pem"
    own_key = make_pair(tmp_path, "client")[1]
    assert openssl("req", "-new", "-key", own_key, "-subj", "/CN=anna", "-out", request).returncode == 0
    signed = openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-days", "2", "-out", certificate)
    assert signed.returncode == 0, signed.stderr
    certificate.write_text(certificate.read_text() + own_key.read_text())
    stranger, stranger_key = make_pair(tmp_path, "stranger")
    stranger.write_text(stranger.read_text() + stranger_key.read_text())
    changed = tracker.client("ping")
    assert changed.returncode == 0
    tracker.stop()
    tracker.settings["MIKA_API__CLIENT_CA"] = str(authority)
    tracker.start()
    assert tracker.client("ping", MIKA_CERT=str(certificate)).returncode == 0
    for settings in ({}, {"MIKA_CERT": str(stranger)}):
        refused = tracker.client("ping", **settings)
        assert refused.returncode == 1
        assert len(refused.stderr.strip().splitlines()) == 1
        assert "Traceback" not in refused.stderr
    assert subject(tracker.tls_port) == "first.example"
