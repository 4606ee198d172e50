"""Announces as real clients sent them, captured for these tests or posted in public, and as programs that fake them do.

The passkey and the address of the tracker are replaced, nothing else.
"""

from __future__ import annotations

LIBTORRENT = "Host: tracker\r\nUser-Agent: {}\r\nAccept-Encoding: gzip\r\nConnection: close"
CURL = "Host: tracker\r\nUser-Agent: {}\r\nAccept: */*\r\nAccept-Encoding: deflate, gzip, br, zstd"
UTORRENT = "Host: tracker\r\nUser-Agent: {}\r\nAccept-Encoding: gzip\r\nConnection: Close"
JAVA = (
    "User-Agent: {}\r\nConnection: close\r\nAccept-Encoding: gzip\r\nHost: tracker\r\n"
    "Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
)
HASH = "info_hash=%15%138%b3%9a%a0%a2R%1c%da%5b%23%20%3a-%e2%3e%7c%df%04"
HASH_UPPER = "info_hash=a%2C%26%DBBn%F9%AC%BF%98%D7%8B%97%B2%C3%EB%B3%01%89%8A"
HASH_LOWER = "info_hash=a%2c%26%dbBn%f9%ac%bf%98%d7%8b%97%b2%c3%eb%b3%01%89%8a"
BEGUN = "&uploaded=0&downloaded=0&left=300000"
REST = "&numwant=200&compact=1&no_peer_id=1"


def request(query: str, headers: str, agent: str = "") -> bytes:
    """Return a whole request; the agent has its place in the headers."""
    lines = headers.format(agent)
    return f"GET /0123456789abcdef/announce?{query} HTTP/1.1\r\n{lines}\r\n\r\n".encode("latin-1")


REAL = {
    # Captured from what Debian 12 and PyPI have.
    "libtorrent 2.1.1": request(
        f"{HASH}&peer_id=-LT2110-kA.pbnNc)RRB&port=6899{BEGUN}&corrupt=0&key=1C91DCF7&event=started{REST}"
        "&supportcrypto=1&redundant=0",
        LIBTORRENT,
        "libtorrent/2.1.1.0",
    ),
    "libtorrent 2.0.8": request(
        f"{HASH}&peer_id=-LT2080-1TAZbsM_qd.B&port=6900{BEGUN}&corrupt=0&key=BB940908&event=started{REST}"
        "&supportcrypto=1&redundant=0",
        LIBTORRENT,
        "libtorrent/2.0.8.0",
    ),
    "qBittorrent 4.5.2": request(
        f"{HASH}&peer_id=-qB4520-6(30!I_tMn-A&port=6877{BEGUN}&corrupt=0&key=3B1F8D92&event=started{REST}"
        "&supportcrypto=1&redundant=0&ipv4=192.0.2.2",
        LIBTORRENT,
        "qBittorrent/4.5.2",
    ),
    "Deluge 2.0.3": request(
        f"{HASH}&peer_id=-DE203s-wyBK0CN41lFE&port=52905{BEGUN}&corrupt=0&key=F62294B5&event=started{REST}"
        "&supportcrypto=1&redundant=0&ipv4=192.0.2.2",
        LIBTORRENT,
        "Deluge/2.0.3 libtorrent/2.0.8.0",
    ),
    "Transmission 3.00": request(
        f"{HASH_LOWER}&peer_id=-TR3000-sv6wme0caycf&port=51413{BEGUN}&numwant=80&key=2b415770&compact=1"
        "&supportcrypto=1&event=started",
        CURL,
        "Transmission/3.00",
    ),
    "rTorrent 0.9.8": request(
        f"{HASH_UPPER}&peer_id=-lt0D80-%8F%2F%AE%F9%10%E5z%D4%D0%DAY%A3&key=4a340cdf&compact=1&port=6918{BEGUN}"
        "&event=started",
        CURL,
        "rtorrent/0.9.8/0.13.8",
    ),
    "aria2 1.36.0": request(
        f"{HASH_UPPER}&peer_id=A2-1-36-0-H%B5i%C0%C0%99oh%D1%D8{BEGUN}&compact=1&key=i%C0%C0%99oh%D1%D8&numwant=50"
        "&no_peer_id=1&port=6958&event=started&supportcrypto=1",
        "User-Agent: {}\r\nAccept: */*\r\nHost: tracker\r\nWant-Digest: SHA-512;q=1, SHA-256;q=1, SHA;q=0.1",
        "aria2/1.36.0",
    ),
    "CTorrent 3.3.2": request(
        f"{HASH_UPPER}&peer_id=%2DCD0303%2D%CD%0C%86%40%03w%B9%18%7F%AC%A2%87&port=2706&key=5KMA07YK&event=started"
        "&uploaded=0&downloaded=0&left=300000&compact=1&numwant=100",
        "User-Agent: {}",
        "Enhanced-CTorrent/dnh3.3.2",
    ),
    # Posted in public, in issues and in the sources of trackers.
    "qBittorrent 4.6.0": request(
        "info_hash=%f1%d2*%92F%9b%c3%10%cb%ce%0b%90%b5%40%82(%adW%b2%90&peer_id=-qB4600-sddVoF~tXQ2V&port=2238"
        f"{BEGUN}&corrupt=0&key=ABABFC1D&event=started{REST}&supportcrypto=1&redundant=0",
        LIBTORRENT,
        "qBittorrent/4.6.0",
    ),
    "qBittorrent 4.3.8, two addresses": request(
        "info_hash=%ce%cf%dc%0c%07%5d%22x%02%a79%0a-%ea%14%cb%a3s%af%eb&peer_id=-qB4380-mB)0B.0nhN6V&port=8110"
        f"{BEGUN}&corrupt=0&key=06825FE3&event=started{REST}&supportcrypto=1&redundant=0"
        "&ipv6=2409%3a8a28%3ac6c%3ad80%3a3881%3ae173%3a5a18%3a3a79&ipv6=2409%3a8a28%3ac6c%3a1",
        LIBTORRENT,
        "qBittorrent/4.3.8",
    ),
    "qBittorrent 4.4.5, no encryption": request(
        "info_hash=%60%8e%0d%d1%b3%fa%91%ba%e7d%c0%dc%c9tK%d6P%a2%de%a6&peer_id=-qB4450-_TCDJdvQG(MO&port=38418"
        f"{BEGUN}&corrupt=0&key=0AEBAC14&event=started&numwant=200&compact=0&no_peer_id=1&redundant=0",
        LIBTORRENT,
        "qBittorrent/4.4.5",
    ),
    "Transmission 4.0.6": request(
        "info_hash=%20%94%15t~%D5%16%F9%C2%FD%8Cx%A2K%FE-%F6~CU&peer_id=-TR4060-7hvlgrs6zrar&port=45678&uploaded=0"
        "&downloaded=0&left=844289209932&numwant=80&key=934CB06E&compact=1&supportcrypto=1&event=started",
        CURL,
        "Transmission/4.0.6",
    ),
    "Transmission 4.0.1, a decimal key": request(
        "info_hash=%07c%B7W4%19V%B9%BFY%94%E4%A9%92%C3do%9F%19%BD&peer_id=-TR4010-r7q369imeu6c&port=51413&uploaded=0"
        "&downloaded=96206848&left=1827815424&numwant=0&key=3508765978&compact=1&supportcrypto=1&event=started",
        CURL,
        "Transmission/4.0.1",
    ),
    "Transmission 3.00 with an address": request(
        "passkey=0123&info_hash=%cd%8d%5b%09%08%d7%1d%01_o8%c0%e1Wd%ff%95%84J%e1&peer_id=-TR3000-zxcl8rs3my5o"
        f"&port=51416{BEGUN}&numwant=80&key=2d2ebd37&compact=1&supportcrypto=1&event=started"
        "&ipv6=240e%3A3b1%3A6400%3Ac20%3A211%3A32ff%3Afebb%3A9fb1",
        CURL,
        "Transmission/3.00",
    ),
    "rTorrent 0.15": request(
        "info_hash=%7C%B3%C6y%9A%FFm%5C%3B%10%A6S%1FF%07%D9%C9%0E%C0%A7&peer_id=-lt0F01-%3D%91%BB%AC%5C%C69%C0%EDmux"
        "&key=1ab4e687&compact=1&port=6968&uploaded=0&downloaded=0&left=14&event=started",
        CURL,
        "rtorrent/0.15.1/0.15.1",
    ),
    "\u00b5Torrent 3.5.4": request(
        "info_hash=o%b8t%7c~%e86%fc2%878%5c%f5%fbj0%40%26-a&peer_id=-UT354S-%e8%ad%86%f5%0d%ee%86%40%9aXo%f9"
        f"&port=53974{BEGUN}&corrupt=0&key=E96680BC&event=started{REST}",
        UTORRENT,
        "uTorrent/354(111783378)(44498)",
    ),
    "\u00b5Torrent 3.0 with an address": request(
        "info_hash=w%ab%de%15R%7cz%87%aeT%f15%fe%93%ce%1d%f8F%cf%ae&peer_id=-UT3000-%ced%f6_%df%ba%d2%b5Q%e7%14%7d"
        f"&port=61379{BEGUN}&corrupt=0&key=98DD03C6&event=started{REST}"
        "&ipv6=2002%3a93af%3ab008%3ab%3a98f1%3ab960%3ac0fd%3a8403",
        UTORRENT,
        "uTorrent/3000(25763)",
    ),
    "BitComet 1.86": request(
        "info_hash=%E5%072%BF%E6%10%ADp%0D%1C%B3%7C%B5%F7%09%C4~j%3E%9E&peer_id=-BC0186-%B2%5D%1A%1F%A6%FF%AC%8D%7C.5%C3"
        "&port=26715&natmapped=1&localip=192.0.2.1&port_type=lan&uploaded=0&downloaded=1277952&left=376078336"
        "&numwant=200&compact=1&no_peer_id=1&key=5845&event=started",
        "Host: tracker\r\nUser-Agent: {}\r\nAccept: */*",
        "BitComet/1.86",
    ),
    "ZeroNet": request(
        "uploaded=0&downloaded=0&numwant=30&compact=1&event=started&peer_id=-ZN0060-Dsh93Nert4Sr&port=0"
        "&info_hash=%E7H.%B4%9D%8B%A7%08%DA%C7%90%0F%B0%AA%EAW%81%95%2C%F3&left=0",
        "Host: tracker\r\nUser-Agent: {}",
        "Python-urllib/2.7",
    ),
    "libtorrent that hides itself": request(
        f"{HASH}&peer_id=-qB5010-6(30!I_tMn-A&port=6877{BEGUN}&corrupt=0&key=3B1F8D92&event=started{REST}"
        "&supportcrypto=1&redundant=0",
        LIBTORRENT,
        "curl/7.81.0",
    ),
    "qBittorrent of a later year": request(
        f"peer_id=-qB6000-6(30!I_tMn-A&{HASH}&port=6877{BEGUN}&event=started", LIBTORRENT, "qBittorrent/6.0.0"
    ),
    "a parameter that nobody knows yet": request(
        f"{HASH}&peer_id=-qB5210-6(30!I_tMn-A&port=6877{BEGUN}&corrupt=0&weather=fine&key=3B1F8D92&event=started{REST}"
        "&supportcrypto=1&redundant=0",
        LIBTORRENT,
        "qBittorrent/5.2.1",
    ),
}

FAKE = {
    # Each with what is odd about it. Rustatio escapes every byte and has an order of its own.
    "Rustatio as qBittorrent": (
        request(
            "info_hash=%15%13%38%B3%9A%A0%A2%52%1C%DA%5B%23%20%3A%2D%E2%3E%7C%DF%04&peer_id=-qB5210-aB3dE6gH9jK2"
            f"&port=6881{BEGUN}&compact=1&no_peer_id=1&event=started&numwant=200&key=3B1F8D92&supportcrypto=1",
            "user-agent: {}\r\naccept: */*\r\nhost: tracker",
            "qBittorrent/5.2.1",
        ),
        {"parameters", "digits", "escaped"},
    ),
    "Rustatio as Transmission": (
        request(
            f"{HASH_UPPER}&peer_id=-TR4050-aB3dE6gH9jK2&port=6881{BEGUN}&compact=1&no_peer_id=1&event=started"
            "&numwant=80&key=3B1F8D92&supportcrypto=1",
            "user-agent: {}\r\naccept: */*\r\nhost: tracker",
            "Transmission/4.0.5",
        ),
        {"parameters", "tail"},
    ),
    "JRatioBoost as Transmission": (
        request(
            "info_hash=%20%94%15t~%d5%16%f9%c2%fd%8cx%a2K%fe-%f6~CU&peer_id=-TR406p%bf%0a4%b2%29%daq%043%e2%5cQc"
            "&port=6881&uploaded=0&downloaded=0&left=0&compact=1&event=started",
            JAVA,
            "Transmission/4.0.6",
        ),
        {"parameters", "digits", "tail", "accept"},
    ),
    "JRatioBoost with a peer id that could be one": (
        request(
            "info_hash=%20%94%15t~%d5%16%f9%c2%fd%8cx%a2K%fe-%f6~CU&peer_id=-TR4060-7hvlgrs6zraz"
            "&port=6881&uploaded=0&downloaded=0&left=0&compact=1&event=started",
            JAVA,
            "Java/17.0.2",
        ),
        {"parameters", "digits", "sum", "agent", "accept"},
    ),
    # It has order and agent right; what it escapes, it escapes as other libraries do.
    "ratio-spoof as qBittorrent": (
        request(
            "info_hash=%15%138%b3%9a%a0%a2R%1c%da%28%23%20%3a-%e2%3e%7c%df%04&peer_id=-qB4330-6(30!I_tMn-A&port=8999"
            f"{BEGUN}&corrupt=0&key=3B1F8D92&event=started{REST}&supportcrypto=1&redundant=0",
            "Host: tracker\r\nUser-Agent: {}\r\nAccept-Encoding: gzip",
            "qBittorrent/4.3.3",
        ),
        {"escaped"},
    ),
    "a script as qBittorrent": (
        request(
            f"{HASH_UPPER}&peer_id=-qB4390-aB3dE6gH9jK2&port=6881{BEGUN}&event=started",
            "Host: tracker\r\nUser-Agent: {}\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nCookie: a=b",
            "python-requests/2.31.0",
        ),
        {"parameters", "digits", "agent", "headers"},
    ),
    "aria2 as Transmission": (
        request(
            f"{HASH_UPPER}&peer_id=-TR2840-%B5i%C0%C0%99oh%D1%D8%22%33%44{BEGUN}&compact=1&key=i%C0%C0%99oh%D1%D8"
            "&numwant=50&no_peer_id=1&port=6958&event=started&supportcrypto=1",
            "User-Agent: {}\r\nAccept: */*\r\nHost: tracker",
            "Transmission/2.84",
        ),
        {"parameters", "digits", "tail", "escaped"},
    ),
    "qBittorrent of another version": (
        request(
            f"{HASH}&peer_id=-qB4520-6(30!I_tMn-A&port=6877{BEGUN}&corrupt=0&key=3b1f8d92&event=started{REST}"
            "&supportcrypto=1&redundant=0",
            LIBTORRENT,
            "qBittorrent/4.6.7",
        ),
        {"version", "key"},
    ),
    "RatioMaster as rTorrent, say": (
        request(
            f"{HASH_UPPER}&peer_id=-lt0D80-abc[defghijk&port=1&uploaded=0&downloaded=0&left=0&event=started",
            CURL,
            "my own client",
        ),
        {"parameters", "bare", "agent"},
    ),
}
