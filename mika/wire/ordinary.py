"""The announces of common clients, read the straight way: nearly every request. `server/http.py` tries it first.

Where it answers, `read_head` and `read_target` say the same in more steps, and a test compares them.
"""

from __future__ import annotations

import re
from codecs import escape_decode
from functools import lru_cache

from mika.compiled import runs_compiled
from mika.wire import _ordinary_cy
from mika.wire._ordinary_cy import EVENTS, MAX_KEY, MAX_LINE, scan_ordinary
from mika.wire.headers import Headers, read_headers
from mika.wire.request import CRYPTO_SUPPORTED, AnnounceRequest, Event

# An announce as libtorrent, Transmission, uTorrent and most others write it, these six parameters first and in this
# order, to /PASSKEY/announce or /announce/PASSKEY. Python's own escapes, which begin with a backslash, are left out.
_ORDINARY = re.compile(
    rb"GET /(?:([^/?% \n]+)/announce|announce/(?!announce|scrape)([^/?% \n]+))"
    rb"\?info_hash=([^& \n\\]*)&peer_id=([^& \n\\]*)&port=([1-9]\d{0,4})"
    rb"&uploaded=(\d{1,15})&downloaded=(\d{1,15})&left=(\d{1,18})(?=[& ])"
)
# What matters in the rest of its parameters; with a name that is not among the common ones it is not ordinary.
_FURTHER = re.compile(
    rb"&(key|event|numwant|supportcrypto|requirecrypto|cryptoport|ip|ipv4|ipv6|num_want|num\+want|num%20want"
    rb"|info_hash|peer_id|port|uploaded|downloaded|left)(?:=([^&]*)|(?![^&]))"
)
_COMMON = frozenset((b"key", b"event", b"numwant", b"supportcrypto"))

Rest = tuple[Headers, Event, int, bytes, int]
"""What a client says behind `left`: its headers, event, numwant, key and crypto."""


def match_ordinary(data: bytes, start: int, address: bytes) -> tuple[AnnounceRequest, Headers, int] | None:
    """Read an announce at `start` that is like most; answer it, its headers, and where the next request begins.

    None if it is not ordinary, or not complete: then `read_head` says more. `scan_ordinary` does the same byte by byte,
    which is quicker compiled and slower in plain Python.
    """
    found = _ORDINARY.match(data, start)
    if found is None:
        return None
    behind = found.end()
    end = data.find(b"\r\n\r\n", behind)
    if end < 0 or end - start > MAX_LINE:
        return None
    rest = read_rest(data[behind : end + 2])
    if rest is None:
        return None
    passkey, passkey_last, info_hash, peer_id, port, uploaded, downloaded, left = found.groups()
    try:
        info_hash = escape_decode(info_hash.replace(b"%", b"\\x"))[0]  # as `unquote` does
        peer_id = escape_decode(peer_id.replace(b"%", b"\\x"))[0]
        endpoint = address + int(port).to_bytes(2, "big")
    except (ValueError, OverflowError):
        return None
    if len(info_hash) != 20 or len(peer_id) != 20:
        return None
    headers, event, numwant, key, crypto = rest
    request = AnnounceRequest(
        (passkey or passkey_last).decode("latin-1"),
        info_hash,
        peer_id,
        endpoint,
        int(uploaded),
        int(downloaded),
        int(left),
        event,
        numwant,
        key,
        crypto,
    )
    return request, headers, end + 4


# A client says the same here with each announce of each of its torrents, but for the event.
@lru_cache(maxsize=16384)
def read_rest(text: bytes) -> Rest | None:
    """Read what stands behind `left`, to the end of the last header line; None if there is anything uncommon in it."""
    more, _, block = text.partition(b" ")
    headers = read_headers(block)
    further = dict(_FURTHER.findall(more))
    event = EVENTS.get(further.get(b"event", b""))
    numwant = further.get(b"numwant", b"0")
    if headers.body or b"\n" in more or event is None or not numwant.isdigit() or not _COMMON.issuperset(further):
        return None
    return (
        headers,
        event,
        int(numwant[:18]) if b"numwant" in further else -1,
        further.get(b"key", b"")[:MAX_KEY],
        CRYPTO_SUPPORTED if further.get(b"supportcrypto") == b"1" else 0,
    )


read_ordinary = scan_ordinary if runs_compiled(_ordinary_cy) else match_ordinary
