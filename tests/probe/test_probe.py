"""The whole test against trackers on loopback, good and broken: each fault is named once, and never the passkey."""

from __future__ import annotations

import socket
import time
from email.utils import formatdate

import pytest
from ports import free_port
from probe.certificates import Signed
from servers.scripted import HASH, SECRET, looked_at, page, told

UNREGISTERED = {"failure reason": "Unregistered torrent"}
WELCOME = {"complete": 0, "incomplete": 1, "interval": 1800, "peers": b"", "external ip": bytes([127, 0, 0, 1])}
FIGURES = {"files": {HASH: {"complete": 0, "downloaded": 0, "incomplete": 1}}}


def tracker(announce, *headers, scrape=None):
    """Return what answers every announce and every scrape alike."""

    def answer(path):
        return page({"files": {}} if scrape is None else scrape, *headers) if "/scrape" in path else announce

    return answer


def faults(findings):
    """Return the steps that are wrong."""
    return [finding.step for finding in findings if finding.level == "wrong"]


def test_private_tracker(scripted) -> None:
    """It refuses what it does not have, and that is fine; nothing more is asked than needed."""
    it = scripted(tracker(page(UNREGISTERED, f"Date: {formatdate(usegmt=True)}")))
    findings = looked_at(it.port)
    assert {str(finding.level) for finding in findings} == {"ok"}
    steps = ["dns", "connect", "announce", "clock", "keep-alive", "scrape", "latency"]
    assert [finding.step for finding in findings] == steps
    assert {finding.family for finding in findings} == {"IPv4"}
    assert len(it.paths) == 4
    assert findings[-1].figures["milliseconds"] > 0


def test_tracker_that_lets_us_in(scripted) -> None:
    """The test joins as a leecher under one peer id, and stops at the end."""
    it = scripted(tracker(page(WELCOME), scrape=FIGURES))
    assert {str(finding.level) for finding in looked_at(it.port, exists=True)} == {"ok"}
    announces = [path for path in it.paths if "/announce" in path]
    assert ["event=started" in path or "event=stopped" in path for path in announces] == [True, False, True]
    assert "event=stopped" in announces[-1]
    assert all("peer_id=-MK0100-abcdefghijkl&" in path and "left=1&compact=1" in path for path in announces)


def test_over_ipv6(scripted) -> None:
    """A literal address is tested in its family alone."""
    it = scripted(tracker(page(WELCOME | {"external ip": bytes(15) + b"\x01", "peers6": b""})), host="::1")
    findings = looked_at(it.port, host="[::1]", exists=False)
    assert (faults(findings), {finding.family for finding in findings}) == ([], {"IPv6"})


def test_name_with_both_families(scripted, monkeypatch) -> None:
    """Each is tested by itself: here the tracker has forgotten one of them."""

    def both(_host, port, family, kind):
        address = ("::1", port, 0, 0) if family == socket.AF_INET6 else ("127.0.0.1", port)
        return [(family, kind, 6, "", address)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    it = scripted(tracker(page(UNREGISTERED)))
    findings = looked_at(it.port, host="t.example")
    assert [(finding.family, finding.step) for finding in findings if finding.level == "wrong"] == [("IPv6", "connect")]
    assert ("IPv4", "latency") in {(finding.family, finding.step) for finding in findings}


def test_connections_that_are_closed(scripted) -> None:
    """One that says so is usual; one that does not say so is named; the scrape goes over another."""
    said = scripted(tracker(page(UNREGISTERED, "Connection: close"), "Connection: close"))
    assert "a connection of its own" in told(looked_at(said.port), "keep-alive")[1]
    served = []

    def once(path):
        served.append(path)
        return None if served[1:] == [path] else page({"files": {}} if "/scrape" in path else UNREGISTERED)

    findings = looked_at(scripted(once).port)
    assert told(findings, "keep-alive") == ("note", "the connection is said to stay open, and is closed")
    assert told(findings, "scrape")[0] == "ok"


def test_passkey_is_in_no_finding(scripted) -> None:
    """Not even when the tracker repeats it."""
    it = scripted(tracker(page({"failure reason": f"Passkey {SECRET.upper()} not found"})))
    findings = looked_at(it.port)
    assert faults(findings) == ["announce"]
    assert "Passkey … not found" in told(findings, "announce")[1]
    assert SECRET not in repr(findings).lower()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "the connection is closed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "something that is not HTTP is said"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nd8:int", "44 bytes are missing"),
        (page(b"d" * (2 << 20)), "not bencoded"),
        (page(b"x", status=502), "the proxy in front reaches no tracker"),
        (page(b"", "Location: http://x/announce", status=302), "sends clients elsewhere"),
    ],
)
def test_answers_that_are_none(scripted, answer, words) -> None:
    """What is wrong is said once, and the test ends there."""
    findings = looked_at(scripted(lambda _path: answer).port)
    assert faults(findings) == ["announce"]
    assert words in told(findings, "announce")[1]


def test_answer_that_never_comes(scripted) -> None:
    """A silent tracker, and one that sends a byte now and then, are given up."""
    slow = page(b"x" * 100)
    for port in (silent(scripted), scripted(lambda _path: slow[:-50]).port):
        findings = looked_at(port, timeout=0.3)
        assert told(findings, "announce") == ("wrong", "no whole answer within 0.3 s")


def silent(scripted):
    """Start what takes connections and never answers; return its port."""
    return scripted(lambda _path: b"").port


def test_clock_that_is_wrong(scripted) -> None:
    """Whose it is cannot be told, so it is a note."""
    it = scripted(tracker(page(UNREGISTERED, f"Date: {formatdate(time.time() - 3600, usegmt=True)}")))
    level, words = told(looked_at(it.port), "clock")
    assert (level, words.startswith("its clock is 36")) == ("note", True)
    it = scripted(tracker(page(UNREGISTERED, "Date: yesterday")))
    assert "clock" not in {finding.step for finding in looked_at(it.port)}


def test_scrape_that_is_not_there(scripted) -> None:
    """A 404 is a note; a path that clients do not scrape at is one, too, and keep-alive is tested all the same."""
    it = scripted(lambda path: page(b"", status=404) if "scrape" in path else page(UNREGISTERED))
    assert told(looked_at(it.port), "scrape") == ("note", "not served (HTTP status 404)")
    findings = looked_at(it.port, path=f"/announce/{SECRET}")
    assert told(findings, "scrape")[1].startswith("not for clients")
    assert told(findings, "keep-alive")[0] == "ok"


def test_nobody_listens() -> None:
    """The port is named."""
    port = free_port()
    assert told(looked_at(port), "connect") == ("wrong", f"127.0.0.1 port {port} refuses connections")


def test_name_that_nobody_has() -> None:
    """It is one finding."""
    [finding] = looked_at(1, host="no-such-name.invalid")
    assert (finding.step, str(finding.level)) == ("dns", "wrong")


def test_no_way_from_here() -> None:
    """It is not the tracker's fault that this machine cannot reach it, and yet it is not fine: nothing was tested."""
    findings = looked_at(9, host="255.255.255.255", timeout=0.5)
    assert [str(finding.level) for finding in findings] == ["ok", "note", "wrong"]
    assert findings[-1].words == "nothing could be tested from here"


@pytest.fixture
def authority():
    """Make an authority that the test trusts."""
    return Signed("an authority", ca=True)


def over_tls(scripted, tmp_path, authority, served, *chain):
    """Test a tracker that serves a certificate, trusting the authority."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    it = scripted(tracker(page(UNREGISTERED)), served.context(tmp_path, *chain))
    return looked_at(it.port, scheme="https", ca=str(ca))


def test_certificate_that_is_good(scripted, tmp_path, authority) -> None:
    """Its days are counted, and the protocol is named."""
    findings = over_tls(scripted, tmp_path, authority, Signed("127.0.0.1", authority))
    assert told(findings, "certificate") == ("ok", "valid, for 90 more days")
    assert told(findings, "tls")[1].startswith("TLSv1.3, TLS_")
    assert faults(findings) == []


def test_certificate_that_ends_soon(scripted, tmp_path, authority) -> None:
    """It is a note: the renewal seems not to run."""
    findings = over_tls(scripted, tmp_path, authority, Signed("127.0.0.1", authority, end=5))
    assert told(findings, "certificate") == ("note", "valid for 5 more days only")


@pytest.mark.parametrize(
    ("name", "times", "words"),
    [
        ("127.0.0.1", {"end": -1}, "has expired"),
        ("127.0.0.1", {"begin": 1}, "is not valid yet"),
        ("127.0.0.2", {}, "is for another address"),
        ("other.example", {}, "is for another address"),
    ],
)
def test_certificate_that_is_wrong(scripted, tmp_path, authority, name, times, words) -> None:
    """What is wrong with it is named once, and the rest is tested all the same."""
    findings = over_tls(scripted, tmp_path, authority, Signed(name, authority, **times))
    assert told(findings, "certificate") == ("wrong", f"the certificate {words}")
    assert told(findings, "announce")[0] == "ok"
    assert faults(findings) == ["certificate"]


def test_certificate_of_nobody_known(scripted, tmp_path, authority) -> None:
    """Signed by itself, or by an authority in between that is not served with it."""
    findings = over_tls(scripted, tmp_path, authority, Signed("127.0.0.1"))
    assert told(findings, "certificate")[1] == "the certificate is signed by nobody but itself"
    between = Signed("in between", authority, ca=True)
    served = Signed("127.0.0.1", between)
    findings = over_tls(scripted, tmp_path, authority, served)
    assert told(findings, "certificate")[1] == "the certificate cannot be traced to an authority that clients know"
    assert told(over_tls(scripted, tmp_path, authority, served, between), "certificate")[0] == "ok"


def test_scheme_that_is_the_other_one(scripted, tmp_path, authority) -> None:
    """https:// at a plain port and http:// at a TLS port are told apart."""
    plain = scripted(lambda _path: None)
    assert faults(looked_at(plain.port, scheme="https", timeout=1.0)) == ["tls"]
    it = scripted(lambda _path: None, authority.context(tmp_path))
    assert "wants https://" in next(f.advice for f in looked_at(it.port) if f.step == "announce")
