"""What real clients put on the wire: request lines, and the vectors that were seen; the reference's 2.1 and 2.6."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import pytest
from builders import (
    ADDRESS,
    INFO_HASH,
    OTHER_PASSKEY,
    PASSKEY,
    Connection,
    announce_bytes,
    announce_target,
    key_of,
    make_site,
)

from mika.model import LEFT_UNKNOWN

pytestmark = pytest.mark.usefixtures("log")

# ---- 2.1 request line and encoding

RAW_HASH = b"{L\xf1\xb3h\rb\xa1\x8a\xc0\x90p\x1d(\x14B5^\xfeP"
REST = "port=6881&uploaded=0&downloaded=0&left=9"

ENCODINGS = {
    "lower-case escapes": ("%7bL%f1%b3h%0db%a1%8a%c0%90p%1d(%14B5%5e%feP", "-qB4040-OgDABWYd*6sj"),
    "upper-case escapes": ("%7BL%F1%B3h%0Db%A1%8A%C0%90p%1D(%14B5%5E%FEP", "-qB4040-OgDABWYd*6sj"),
    "everything escaped": ("".join(f"%{byte:02X}" for byte in RAW_HASH), "%2DqB4040%2DOgDABWYd%2A6sj"),
    "mixed case": ("%7bL%F1%b3h%0Db%A1%8a%C0%90p%1d%28%14B5%5e%FEP", "%2dqB4040%2DOgDABWYd*6sj"),
}


@pytest.mark.parametrize(("info_hash", "peer_id"), ENCODINGS.values(), ids=ENCODINGS)
def test_encoded_text_is_never_compared(info_hash, peer_id) -> None:
    """However it is escaped, it is the same torrent, the same client, and on the whitelist all the same."""
    site = make_site(torrents=[RAW_HASH], whitelist=True)
    site.directory._set_whitelist({"-qB40": "qBittorrent"})
    answer = site.get(f"/{PASSKEY}/announce?info_hash={info_hash}&peer_id={peer_id}&{REST}")
    assert answer["incomplete"] == 1
    assert [key_of(peer) for peer in site.swarms.get(RAW_HASH).peers] == [(site.user().id, b"-qB4040-OgDABWYd*6sj")]


@pytest.mark.parametrize(
    "peer_id", ["-qB4040-OgDABWYd*6sj", "-qB31A0-!I_EUqrSvcsd", "-DE13F0-EXuLFbgw!r!_", "-XX0000-()*!'~.-_$,;"]
)
def test_raw_marks_in_a_peer_id(peer_id) -> None:
    """Marks that a client does not escape stand for themselves."""
    site = make_site()
    site.get(announce_target(peer_id=None) + f"&peer_id={peer_id}")
    assert [key_of(peer) for peer in site.swarms.get(INFO_HASH).peers] == [(site.user().id, peer_id.encode())]


def passkey_rows(passkey: str, query: str) -> dict[str, str]:
    """Return the forms in which announce URLs carry a passkey."""
    return {
        "path, first": f"/{passkey}/announce?{query}",
        "path, last": f"/announce/{passkey}?{query}",
        "passkey=": f"/announce.php?passkey={passkey}&{query}",
        "passkey= without .php": f"/announce?passkey={passkey}&{query}",
        "authkey=": f"/announce.php?authkey={passkey}&{query}",
        "pk=": f"/announce?pk={passkey}&{query}",
        "uk=": f"/announce?uk={passkey}&{query}",
        "stray slash": f"/announce.php?passkey={passkey}/&{query}",
        "&& for a trailing &": f"/announce.php?passkey={passkey}&&{query}",
        "a second ? (WT#64)": f"/announce.php?passkey={passkey}?{query}",
        "double slashes": f"//{passkey}//announce?{query}",
        "absolute-form": f"http://tracker.example:34000/{passkey}/announce?{query}",
    }


def query() -> str:
    """Return the query of an announce."""
    return announce_target(left=0, uploaded=5).partition("?")[2]


@pytest.mark.parametrize("form", passkey_rows("", ""))
def test_passkey_is_found(form) -> None:
    """Each form is the same account's announce."""
    site = make_site()
    assert site.get(passkey_rows(PASSKEY, query())[form])["complete"] == 1
    assert site.user().totals.announces == 1


@pytest.mark.parametrize("form", passkey_rows("", ""))
def test_scrape_url_has_the_first_announce_replaced(form) -> None:
    """Clients make the scrape URL by replacing the first `announce`; it is served in each form."""
    site = make_site()
    target = passkey_rows(PASSKEY, query())[form]
    assert list(site.get(target.replace("announce", "scrape", 1))["files"]) == [INFO_HASH]


REFUSED = {
    "40 hex digits for an info hash": (announce_target(info_hash=INFO_HASH.hex()), "info_hash_invalid", "20 bytes"),
    "query dropped": ("/announce.php", "passkey_missing", "no passkey"),
    "query of the URL dropped": (f"/announce?{query()}", "passkey_missing", "no passkey"),
    "path is /": (f"/?{query()}", "path_invalid", "/PASSKEY/announce"),
    "no path (DESIGN: 200, as every bencoded answer)": (f"?{query()}", "path_invalid", "/PASSKEY/announce"),
    "no path in absolute-form": (f"http://tracker?{query()}", "path_invalid", "/PASSKEY/announce"),
    "the v2 hash uncut": (announce_target(info_hash=bytes(range(32))), "info_hash_invalid", "20 bytes"),
}


@pytest.mark.parametrize(("target", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_a_hint(target, code, words) -> None:
    """What cannot be served is refused with status 200, in words that say what is wrong."""
    site = make_site()
    answer = site.get(target)
    assert answer["failure code"] == code.encode()
    assert words in answer["failure reason"].decode()
    assert site.swarms.peer_count == 0


def test_scrape_of_many_hashes() -> None:
    """Transmission repeats `info_hash`; libtorrent and rTorrent ask for one; what is not there is left out."""
    hashes = [b"%020d" % number for number in range(5)]
    site = make_site(torrents=hashes)
    assert list(site.scrape(PASSKEY, *reversed(hashes), b"x" * 20)["files"]) == hashes
    assert list(site.scrape(PASSKEY, hashes[3])["files"]) == [hashes[3]]


def test_repeated_keys_are_no_error() -> None:
    """A client such as libtorrent says `ipv6=` once for each of its addresses."""
    site = make_site()
    assert (
        site.get(announce_target() + "&ipv4=1.2.3.4&ipv4=1.2.3.5&ipv6=2a02%3a%3a1&ipv6=2a02%3a%3a2")["incomplete"] == 1
    )


PROBES = {
    "HEAD": (b"HEAD", b"HTTP/1.1 200 OK\r\n"),
    "POST": (b"POST", b"HTTP/1.1 405 "),
    "OPTIONS": (b"OPTIONS", b"HTTP/1.1 405 "),
}


@pytest.mark.parametrize(("method", "status"), PROBES.values(), ids=PROBES)
def test_probes_register_nobody(method, status) -> None:
    """HEAD is a 200 and registers nobody; the others are a 405 that says what is allowed."""
    site = make_site()
    connection = Connection(site)
    connection.send(announce_bytes().replace(b"GET", method))
    assert connection.transport.value().startswith(status)
    assert (b"\r\nAllow: GET, HEAD\r\n" in connection.transport.value()) is (method != b"HEAD")
    assert site.swarms.peer_count == 0
    assert site.user().totals.announces == 0


def test_http_1_0() -> None:
    """HTTP/1.0 is served."""
    connection = Connection(make_site())
    connection.send(announce_bytes().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert connection.answers()[0]["incomplete"] == 1
    assert connection.transport.disconnecting


def test_over_long_query() -> None:
    """A line beyond the cap is a 414, and nobody is registered."""
    site = make_site()
    connection = Connection(site)
    connection.send(announce_bytes(x="y" * 20_000))
    assert connection.transport.value().startswith(b"HTTP/1.1 414 ")
    assert site.swarms.peer_count == 0


# ---- 2.6 vectors seen on the wire, verbatim but for the passkey in front


class Vector(NamedTuple):
    """A target as it was seen, and what must become of it."""

    target: str
    left: int
    event: str
    figures: tuple[int, int]
    endpoint: bytes
    warning: bool = False


AT = bytes((81, 2, 69, 142))
VECTORS = {
    "qBittorrent 4.0.4, stop with port 0 (QB#8606)": Vector(
        "/announce?info_hash=%7bL%f1%b3h%0db%a1%8a%c0%90p%1d(%14B5%5e%feP&peer_id=-qB4040-OgDABWYd*6sj&port=0&uploaded=2129920&downloaded=174456832&left=5709476234&corrupt=0&key=F9659D6C&event=stopped&numwant=0&compact=1&no_peer_id=1&supportcrypto=1&redundant=0",
        5709476234,
        "stopped",
        (0, 0),
        b"",
    ),
    "peer id -qB31A0- (webtorrent/webtorrent#196)": Vector(
        "/announce?info_hash=%a2%a1U7T%2b%22%92Z%d1%04%86%bfz%8b*%9cB%f0%d1&peer_id=-qB31A0-!I_EUqrSvcsd&port=6881&uploaded=0&downloaded=0&left=1091506387&corrupt=0&redundant=0&compact=1&numwant=0&key=c60fff68&no_peer_id=1&supportcrypto=1&event=stopped",
        1091506387,
        "stopped",
        (0, 0),
        b"",
    ),
    "Transmission 4.0.1, decimal key (TR#5206)": Vector(
        "/announce?info_hash=%07c%B7W4%19V%B9%BFY%94%E4%A9%92%C3do%9F%19%BD&peer_id=-TR4010-r7q369imeu6c&port=51413&uploaded=0&downloaded=96206848&left=1827815424&numwant=0&key=3508765978&compact=1&supportcrypto=1&event=stopped",
        1827815424,
        "stopped",
        (0, 0),
        b"",
    ),
    "Transmission 2.84 before metadata": Vector(
        "/announce?info_hash=M%ce%bd%f2%0fg%ce%0aG%8f%d5%05%9aLa%3a%c9a%e18&peer_id=-TR2840-vhuy9pwoyso0&port=51413&uploaded=0&downloaded=0&left=18446744073709551615&numwant=80&key=77de6423&compact=1&supportcrypto=1&event=started",
        LEFT_UNKNOWN,
        "started",
        (0, 1),
        AT + b"\xc8\xd5",
    ),
    "Deluge 1.3.15 (CH#347, its info hash cut in the thread)": Vector(
        "/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-DE13F0-EXuLFbgw!r!_&port=59551&uploaded=0&downloaded=0&left=4696324705&corrupt=0&key=981CB432&event=stopped&numwant=0&compact=1&no_peer_id=1&supportcrypto=1&redundant=0",
        4696324705,
        "stopped",
        (0, 0),
        b"",
    ),
    "ZeroNet, info_hash last, port 0 (HelloZeroNet/ZeroNet#1248)": Vector(
        "/announce?uploaded=0&downloaded=0&numwant=30&compact=1&event=started&peer_id=-ZN0060-Dsh93Nert4Sr&port=0&info_hash=%E7H.%B4%9D%8B%A7%08%DA%C7%90%0F%B0%AA%EAW%81%95%2C%F3&left=0",
        0,
        "started",
        (1, 0),
        AT + b"\0\0",
        warning=True,
    ),
    "JRatioBoost faking Transmission 4.0.6 (flightcrank/JRatioBoost#12)": Vector(
        "/announce?info_hash=%20%94%15t~%d5%16%f9%c2%fd%8cx%a2K%fe-%f6~CU&peer_id=-TR406p%bf%0a4%b2%29%daq%043%e2%5cQc&port=6881&uploaded=0&downloaded=0&left=0&compact=1&event=started",
        0,
        "started",
        (1, 0),
        AT + b"\x1a\xe1",
    ),
    "the real Transmission 4.0.6": Vector(
        "/announce?info_hash=%20%94%15t~%D5%16%F9%C2%FD%8Cx%A2K%FE-%F6~CU&peer_id=-TR4060-7hvlgrs6zrar&port=45678&uploaded=0&downloaded=0&left=844289209932&numwant=80&key=934CB06E&compact=1&supportcrypto=1&event=started",
        844289209932,
        "started",
        (0, 1),
        AT + b"\xb2\x6e",
    ),
}


def parameter(target: str, name: str) -> bytes:
    """Return a decoded parameter of a target."""
    return unquote_to_bytes(next(pair for pair in target.split("&") if f"{name}=" in pair).partition(f"{name}=")[2])


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vector(vector) -> None:
    """What was seen on the wire is served, and what it says is what the swarm has."""
    info_hash, peer_id = parameter(vector.target, "info_hash"), parameter(vector.target, "peer_id")
    site = make_site(torrents=[info_hash])

    answer = site.get(f"/{PASSKEY}{vector.target}")

    assert "failure code" not in answer
    assert (answer["complete"], answer["incomplete"]) == vector.figures
    assert ("warning message" in answer) is vector.warning
    swarm = site.swarms.get(info_hash)
    if vector.event == "stopped":  # a stop of a peer that nobody knew (2.3): a success, and nobody joined
        assert swarm is None
        return
    peer = swarm.peers.find(site.user().id, peer_id)
    assert (peer.left, peer.endpoint4) == (vector.left, vector.endpoint)
    assert site.user().totals.uploaded == site.user().totals.downloaded == 0


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vector_of_a_known_peer(vector) -> None:
    """The same of a peer that announced before: a stop is credited and frees it, all others go on."""
    info_hash, peer_id = parameter(vector.target, "info_hash"), parameter(vector.target, "peer_id")
    site = make_site(torrents=[info_hash])
    site.announce(info_hash=info_hash, peer_id=peer_id)
    site.announce(OTHER_PASSKEY, "81.2.69.143", info_hash=info_hash)

    answer = site.get(f"/{PASSKEY}{vector.target}", ADDRESS)

    figures: dict[str, Any] = {"complete": vector.figures[0], "incomplete": vector.figures[1] + 1}
    assert {name: answer[name] for name in figures} == figures
    assert site.user().totals.uploaded == int(parameter(vector.target, "uploaded"))
    assert site.user().totals.downloaded == int(parameter(vector.target, "downloaded"))
    assert site.swarms.peer_count == sum(figures.values())
