"""Announce URLs as people have them: where they lead, where they are scraped, and what of them stays hidden."""

from __future__ import annotations

import pytest

from mika.probe.target import TargetError, read_target

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("url", "shown", "scrape"),
    [
        (f"http://t.example:34000/{KEY}/announce", "http://t.example:34000/…/announce", f"/{KEY}/scrape"),
        (f"https://t.example/announce/{KEY}", "https://t.example:443/announce/…", None),
        (f"http://t.example/announce.php?passkey={KEY}", "http://t.example:80/announce.php", "/scrape.php"),
        (f"http://t.example/tracker.php/{KEY}/announce", "http://t.example:80/tracker.php/…/announce", ...),
        ("http://[::1]:80/announce", "http://[::1]:80/announce", "/scrape"),
        ("http://t.example", "http://t.example:80/", None),
        ("http://bücher.example/announce", "http://xn--bcher-kva.example:80/announce", "/scrape"),
        (f"http://t.example/a b/{KEY}".replace(" ", "%20"), "http://t.example:80/…/…", None),
    ],
)
def test_what_is_shown_and_where_it_is_scraped(url, shown, scrape) -> None:
    """BEP 48 replaces what follows the last slash; what may be a passkey is not shown."""
    target = read_target(url)
    assert target.shown == shown
    assert scrape is ... or target.scrape_path == scrape
    assert KEY not in repr(target)


def test_query_of_the_url_stays() -> None:
    """The passkey in the query goes with each request, before what the test asks."""
    target = read_target(f"http://t.example/announce.php?passkey={KEY}&x=1")
    assert target.announce(b"\x00/a" + bytes(17), {"port": 1}).startswith(
        f"/announce.php?passkey={KEY}&x=1&info_hash=%00%2Fa%00"
    )
    assert target.scrape(bytes(20)).startswith(f"/scrape.php?passkey={KEY}&x=1&info_hash=%00")


@pytest.mark.parametrize("said", [KEY, KEY.upper(), f"no such passkey {KEY}!"])
def test_what_the_tracker_repeats_is_hidden(said) -> None:
    """However the tracker spells it."""
    for url in (f"http://t.example/{KEY}/announce", f"http://t.example/announce?passkey={KEY}"):
        assert KEY not in read_target(url).hide(said).lower()


def test_encoded_passkey_is_hidden_decoded_too() -> None:
    """A tracker repeats it as it understood it."""
    assert "p/ss" not in read_target("http://t.example/announce?passkey=p%2Fss").hide("not p/ss, p%2Fss").lower()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "an announce URL is written"),
        ("t.example/announce", "an announce URL is written"),
        ("ftp://t.example/announce", "an announce URL is written"),
        ("http:///announce", "an announce URL is written"),
        ("udp://t.example:6969", "UDP are not tested yet"),
        ("http://t.example:0/announce", "no port 0"),
        ("http://t.example:65536/announce", "its port is a number"),
        ("http://t.example:x/announce", "its port is a number"),
        ("http://[::1/announce", "IPv6 addresses are in [ ]"),
        ("http://ann:secret@t.example/announce", "a name and password"),
        ("http://t.example/a b", "has spaces"),
        ("http://t.example/\x1b[31m", "has spaces or control characters"),
        (f"http://{'ü' * 300}.example/", "no name that could be looked up"),
        ("http://a..ü/announce", "no name that could be looked up"),
    ],
)
def test_no_announce_url(url, words) -> None:
    """What no client could use is refused in words that do not repeat it."""
    with pytest.raises(TargetError) as caught:
        read_target(url)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
