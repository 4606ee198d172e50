"""Answers of trackers, good and odd, and what is said of each."""

from __future__ import annotations

import bencodepy
import pytest

from mika.probe.answers import judge_address, judge_announce, judge_refusal, judge_scrape, read_body

HASH = bytes(range(20))
PEER, PEER6 = bytes([8, 8, 8, 8, 1, 2]), bytes.fromhex("20014860486000000000000000008888") + b"\x01\x02"


def levels(findings):
    """Return what is found, step by level."""
    return [(finding.step, str(finding.level)) for finding in findings]


def answer(**values):
    """Return an answer to an announce, as decoded."""
    full = {"interval": 1800, "min interval": 900, "complete": 1, "incomplete": 0, "peers": b""} | values
    return {key.replace("_", " ").encode(): value for key, value in full.items() if value is not None}


@pytest.mark.parametrize(
    ("status", "headers", "body", "level", "words"),
    [
        (301, {"location": "https://x/secret"}, b"", "wrong", "sends clients elsewhere"),
        (200, {"content-encoding": "gzip"}, b"\x1f\x8b", "wrong", "is packed"),
        (200, {}, b"", "wrong", "is empty"),
        (200, {}, b"<!DOCTYPE html>", "wrong", "a web page answers"),
        (200, {}, b"nonsense", "wrong", "it is not bencoded"),
        (200, {}, b"d1:a" + b"l" * 100_000, "wrong", "not a tracker's"),
        (200, {}, b"d1:a-3:x", "wrong", "not a tracker's"),
        (200, {}, b"le", "wrong", "no dictionary"),
        (200, {}, b"d1:b0:1:a0:e", "wrong", "not strictly bencoded"),
        (200, {}, b"de\n", "wrong", "cut short, or has bytes after its end"),
        (404, {}, b"<html>", "wrong", "no tracker at this path (HTTP status 404)"),
        (418, {}, b"tea", "wrong", "not as a tracker does (HTTP status 418)"),
        (502, {}, b"", "wrong", "the proxy in front reaches no tracker"),
        (404, {}, b"d14:failure reason1:xe", "note", "in the words of a tracker, with HTTP status 404"),
        (200, {"transfer-encoding": "chunked"}, b"de", "note", "is chunked"),
    ],
)
def test_bodies_that_are_odd(status, headers, body, level, words) -> None:
    """Each is said in one finding, whose advice does not repeat what came."""
    [finding] = read_body("announce", status, headers, body).findings
    assert (str(finding.level), True) == (level, words in finding.words)
    assert finding.advice
    assert "secret" not in finding.words + finding.advice


def test_body_that_is_not() -> None:
    """A dictionary is read, and a failure known as one."""
    reading = read_body("announce", 200, {}, bencodepy.encode({"failure reason": "no"}))
    assert (reading.findings, reading.refused) == ((), True)
    assert not read_body("announce", 200, {}, b"d8:intervali1ee").refused


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, [("announce", "ok"), ("peers", "ok")]),
        ({"interval": None}, [("announce", "wrong"), ("peers", "ok")]),
        ({"interval": 0}, [("announce", "wrong"), ("peers", "ok")]),
        ({"interval": b"1800"}, [("announce", "wrong"), ("peers", "ok")]),
        ({"min_interval": 1801}, [("announce", "wrong"), ("peers", "ok")]),
        ({"complete": -1}, [("announce", "ok"), ("announce", "wrong"), ("peers", "ok")]),
        ({"complete": None, "incomplete": None}, [("announce", "ok"), ("peers", "ok")]),
        ({"warning_message": b"old client"}, [("announce", "ok"), ("announce", "note"), ("peers", "ok")]),
        ({"peers": PEER * 3}, [("announce", "ok"), ("peers", "ok")]),
        ({"peers": PEER + b"x"}, [("announce", "ok"), ("peers", "wrong")]),
        ({"peers": None}, [("announce", "ok"), ("peers", "wrong")]),
        ({"peers": PEER[:4] + b"\x00\x00"}, [("announce", "ok"), ("peers", "wrong")]),
        ({"peers": bytes([10, 0, 0, 1, 1, 2])}, [("announce", "ok"), ("peers", "note")]),
        ({"peers": [{b"ip": b"8.8.8.8", b"port": 1}]}, [("announce", "ok"), ("peers", "note")]),
        ({"peers": 7}, [("announce", "ok"), ("peers", "wrong")]),
    ],
)
def test_announces_over_ipv4(changes, found) -> None:
    """What clients would stumble over is wrong; what is merely odd is a note."""
    assert levels(judge_announce(answer(**changes), "IPv4")) == found


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"peers6": PEER6 * 2}, "ok"),
        ({}, "ok"),
        ({"peers6": PEER6[:-1]}, "wrong"),
        ({"peers6": PEER6, "peers": None}, "wrong"),
    ],
)
def test_announces_over_ipv6(changes, level) -> None:
    """Peers are in `peers6`, and `peers` is there all the same."""
    assert levels(judge_announce(answer(**changes), "IPv6"))[-1] == ("peers", level)


@pytest.mark.parametrize(
    ("seen", "own", "tracker", "level"),
    [
        (bytes([9, 9, 9, 9]), "9.9.9.9", "8.8.8.8", "ok"),
        (bytes(10) + b"\xff\xff" + bytes([9, 9, 9, 9]), "9.9.9.9", "8.8.8.8", "ok"),
        (bytes([9, 9, 9, 9]), "192.168.1.2", "8.8.8.8", "note"),
        (bytes([127, 0, 0, 1]), "9.9.9.9", "8.8.8.8", "wrong"),
        (bytes([8, 8, 8, 8]), "9.9.9.9", "8.8.8.8", "wrong"),
        (bytes([10, 0, 0, 9]), "10.0.0.9", "10.0.0.1", "ok"),
        (bytes(15) + b"\x01", "9.9.9.9", "8.8.8.8", "wrong"),
        (b"abc", "9.9.9.9", "8.8.8.8", "wrong"),
        (bytes(15) + b"\x01", "::1", "::1", "ok"),
        (bytes.fromhex("fe80" + "00" * 13 + "01"), "fe80::1%eth0", "fe80::2%eth0", "ok"),
    ],
)
def test_address_that_we_are_seen_at(seen, own, tracker, level) -> None:
    """Our own is right; the tracker's, or a private one, is that of a proxy; another is NAT."""
    finding = judge_address({b"external ip": seen}, own, tracker, "IPv4")
    assert str(finding.level) == level


def test_address_that_is_not_said() -> None:
    """Nothing is said of it then."""
    assert judge_address({}, "9.9.9.9", "8.8.8.8", "IPv4") is None


@pytest.mark.parametrize(
    ("values", "exists", "level"),
    [
        ({b"files": {}}, False, "ok"),
        ({b"files": {}}, True, "wrong"),
        ({b"files": {HASH: {b"complete": 1, b"downloaded": 2, b"incomplete": 3}}}, True, "ok"),
        ({b"files": {HASH: {b"complete": 1}}}, True, "wrong"),
        ({b"files": {HASH: 5}}, True, "wrong"),
        ({b"files": []}, False, "wrong"),
        ({}, False, "wrong"),
        ({b"failure reason": b"no scrape"}, True, "note"),
    ],
)
def test_scrapes(values, exists, level) -> None:
    """Files are keyed by the hash that was asked for."""
    assert str(judge_scrape(values, HASH, exists=exists).level) == level


def test_refusal_of_a_torrent_that_should_be_there() -> None:
    """What is right of an invented torrent is wrong of one that was named."""
    values = {b"failure reason": b"Unregistered torrent"}
    assert str(judge_refusal(values, exists=False).level) == "ok"
    assert str(judge_refusal(values, exists=True).level) == "wrong"


def test_refusal_that_is_no_text() -> None:
    """Whatever stands for the reason is shown, and nothing fails."""
    assert "[5]" in judge_refusal({b"failure reason": [5], b"failure code": 7}, exists=False).words
