"""What is in the files at a connection is what it gets; what cannot be used leaves the one before it in force."""

from __future__ import annotations

import shutil

import pytest
from twisted.logger import formatEvent

from mika.config import Api
from mika.errors import ConfigError
from mika.server.certificate import certificate_of, fingerprint_of
from mika.server.tls import FINGERPRINT_FILE, Tls


@pytest.fixture
def pairs(tmp_path):
    """Make two pairs."""
    return [certificate_of(Api(), tmp_path / name) for name in ("one", "two")]


@pytest.fixture
def served(tmp_path, pairs):
    """Return the files that are served, at first a copy of the first pair, and what serves them."""
    files = certificate_of(Api(certificate=str(tmp_path / "chain.pem"), key=str(tmp_path / "key.pem")), tmp_path)
    put(pairs[0], files)
    return files, Tls(Api(certificate=str(files.certificate), key=str(files.key)), tmp_path)


def put(pair, files):
    """Replace files as tools that renew certificates do."""
    for source, target in zip(pair, files, strict=True):
        shutil.copy(source, target.with_suffix(".new"))
        target.with_suffix(".new").replace(target)


def lines(log):
    """Return what was logged."""
    return [formatEvent(event) for event in log]


def test_nothing_is_read_again_while_the_files_are_as_they_were(served):
    """Both kinds of port have a context of their own, and keep it."""
    _, tls = served
    assert tls.api.getContext() is tls.api.getContext()
    assert tls.announces.getContext() is tls.announces.getContext()
    assert tls.api.getContext() is not tls.announces.getContext()


def test_new_pair_is_served_from_the_next_connection_on(served, pairs, log):
    """On all ports, and said once."""
    files, tls = served
    before = tls.api.getContext(), tls.announces.getContext()
    put(pairs[1], files)
    after = tls.api.getContext(), tls.announces.getContext()
    assert not set(map(id, before)) & set(map(id, after))
    assert tls.api.getContext() is after[0]
    assert lines(log) == [f"the certificate is read anew: {files.certificate}"]


@pytest.mark.parametrize("broken", ["mismatch", "text", "missing"])
def test_pair_that_cannot_be_used_is_said_once(served, pairs, log, broken):
    """The one before it goes on; the whole new pair is taken when it is there."""
    files, tls = served
    before = tls.api.getContext()
    if broken == "mismatch":
        shutil.copy(pairs[1].certificate, files.certificate)
    elif broken == "text":
        files.certificate.write_text("no certificate")
    else:
        files.key.unlink()
    for _ in range(3):
        assert tls.api.getContext() is before
    (line,) = lines(log)
    assert line.startswith("the certificate stays as it is: ")
    put(pairs[1], files)
    assert tls.api.getContext() is not before
    assert len(lines(log)) == 2


def test_command_is_told_what_to_trust(served, pairs, tmp_path):
    """From when it is first asked for, and at each change before the connection goes on."""
    files, tls = served
    path = tmp_path / FINGERPRINT_FILE
    assert not path.exists()
    tls.publish()
    assert path.read_text() == fingerprint_of(pairs[0].certificate) + "\n"
    put(pairs[1], files)
    tls.api.getContext()
    assert path.read_text() == fingerprint_of(pairs[1].certificate) + "\n"


def test_another_section_is_loaded_before_it_is_taken(served, pairs, tmp_path):
    """What is wrong with it changes nothing."""
    _, tls = served
    before = tls.api.getContext()
    with pytest.raises(ConfigError, match="/no/authorities"):
        tls.load(Api(certificate=str(pairs[1].certificate), key=str(pairs[1].key), client_ca="/no/authorities"))
    (tmp_path / "text").write_text("no authority")
    with pytest.raises(ConfigError, match="text: this is not a certificate in PEM"):
        tls.load(Api(client_ca=str(tmp_path / "text")))
    assert tls.api.getContext() is before
    loaded = tls.load(Api(certificate=str(pairs[1].certificate), key=str(pairs[1].key)))
    assert tls.api.getContext() is before
    tls.take(loaded)
    assert tls.api.getContext() is loaded.api


def test_files_are_read_again_when_asked_to(served):
    """SIGHUP does not rely on times of files."""
    _, tls = served
    before = tls.api.getContext()
    tls.look_again()
    assert tls.api.getContext() is not before
