"""What real clients write is never odd, what fakes write is, and what many write is nobody's own."""

from __future__ import annotations

import pytest
from first_words import CURL, FAKE, REAL, request
from hypothesis import given
from hypothesis import strategies as st

from mika.suspicion.clients import CLIENTS, client_of
from mika.suspicion.fingerprint import FEW, MANY, Fingerprints, oddities
from mika.suspicion.writing import Writing, letters_of, read_writing


def written(whole: bytes) -> Writing:
    """Read a request that can be read."""
    writing = read_writing(whole)
    assert writing is not None
    return writing


def marks_of(whole: bytes) -> set[str]:
    """Return what is odd about a request."""
    writing = written(whole)
    client = client_of(writing.peer_id)
    return set() if client is None else {each.mark for each in oddities(client, writing)}


@pytest.mark.parametrize("name", REAL)
def test_real_client_is_what_it_says(name):
    """Nothing is odd, and so nothing found, be it the first that is seen."""
    assert marks_of(REAL[name]) == set()
    assert Fingerprints().take(7, written(REAL[name])) is None


def test_every_client_that_is_known_was_seen():
    """The table of clients has none of which there is no real announce here, but BitTorrent, which is as its twin."""
    seen = [client_of(written(whole).peer_id) for whole in REAL.values()]
    assert [each.name for each in CLIENTS if each not in seen] == ["BitTorrent"]


@pytest.mark.parametrize("name", FAKE)
def test_fake_is_told_apart(name):
    """By what the client that it names would do."""
    whole, marks = FAKE[name]
    assert marks_of(whole) == marks


def test_evidence_is_a_sentence_without_the_passkey():
    """With what the request says itself to be, and what is odd."""
    found = Fingerprints().take(7, written(FAKE["a script as qBittorrent"][0]))
    assert found is not None
    assert (found.kind, found.user_id, found.info_hash, found.score) == ("client", 7, b"", 90)
    assert found.evidence == (
        "Says to be qBittorrent 4.3.9 (peer id -qB4390...), which does not write such an announce: its parameters are "
        "info_hash, peer_id, port, uploaded, downloaded, left, event, in this order; its User-Agent is "
        '"python-requests/2.31.0".'
    )


def test_agent_is_shown_as_plain_text():
    """Whatever is in it, and not all of it."""
    agent = "x\u00e9\x01" + 100 * "y"
    whole = REAL["Transmission 3.00"].replace(b"Transmission/3.00", agent.encode("latin-1"))
    client = client_of(written(whole).peer_id)
    assert client is not None
    assert [each.words for each in oddities(client, written(whole))] == [f'its User-Agent is "x??{57 * "y"}"']


def test_what_many_do_is_nobodys_own():
    """A proxy before the tracker may write escapes anew; a new version may write otherwise."""
    prints = Fingerprints()
    shouted = written(request(_query(REAL["qBittorrent 4.6.0"]).replace("%f1", "%F1"), CURL, "qBittorrent/4.6.0"))
    assert [prints.take(user, shouted) for user in range(9)] == [None] * 9
    fake = written(FAKE["a script as qBittorrent"][0])
    assert [prints.take(100 + n, fake) is None for n in range(FEW + 6)] == [False] * 3 + [True] * 5


def test_what_few_do_is_their_own():
    """Once there are many of the same client who do not."""
    prints = Fingerprints()
    shouted = written(request(_query(REAL["qBittorrent 4.6.0"]).replace("%f1", "%F1"), CURL, "qBittorrent/4.6.0"))
    plain = written(REAL["qBittorrent 4.5.2"])
    for user in range(MANY - 1):
        assert prints.take(user, plain) is None
    assert prints.take(50, shouted) is None
    assert prints.take(MANY, plain) is None
    found = prints.take(50, shouted)
    assert found is not None
    assert found.score == 70


def test_memory_is_bounded(monkeypatch):
    """With more users than that it begins anew."""
    monkeypatch.setattr("mika.suspicion.fingerprint.MOST", 5)
    prints = Fingerprints()
    for user in range(20):
        prints.take(user, written(REAL["qBittorrent 4.5.2"]))
        assert sum(map(len, prints._users.values())) <= 6


@pytest.mark.parametrize(
    "whole", [b"", b"GET /\r\n\r\n", b"GET /announce?info_hash=a HTTP/1.1\r\n\r\n", b"\xff \xfe \xfd"]
)
def test_what_is_no_announce_is_not_read(whole):
    """It was refused by others before."""
    assert read_writing(whole) is None


def test_letters_are_told_apart():
    """Escapes, and what stands for itself."""
    assert letters_of(b"a%2f%2Cb-%") == (b"2f2C", b"/,", b"ab-%")


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_or_passed_over(rest):
    """Nothing that anybody sends stops it."""
    for whole in (
        rest,
        b"GET /a?info_hash=%s&peer_id=-qB4520-%s HTTP/1.1\r\nUser-Agent: %s\r\n\r\n" % (rest, rest, rest),
    ):
        writing = read_writing(whole)
        if writing is not None:
            Fingerprints().take(7, writing)


def _query(whole: bytes) -> str:
    return whole.split(b" ")[1].partition(b"?")[2].decode("latin-1")
