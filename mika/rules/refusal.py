"""Every reason that a client can be given, on one page: a stable code, the words, and when to try again.

`wire` raises them inside a `BadRequest`, the checks and the tracker return them, `wire/response.py` writes them.
Tools delete members' data when a failure contains certain words ("unregistered", "not exist", "unknown", "uploaded",
...; client-quirks 2.5), so that only the two refusals of a torrent that is gone may use them; a test reads this page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

NEVER = None
"""`retry in never`: nothing that the client could do by itself will change the answer."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason: `code` for programs, `words` for the member, `retry` in minutes (BEP 31), None for never."""

    code: str
    words: str
    retry: int | None

    def because(self, reason: str) -> Refusal:
        """Add the staff's reason, if one is kept."""
        return replace(self, words=f"{self.words}: {reason}") if reason else self


# Who asks
PASSKEY_MISSING = Refusal(
    "passkey_missing", "The announce URL has no passkey; download the torrent file from the site again", NEVER
)
PASSKEY_INVALID = Refusal(
    "passkey_invalid", "This passkey is not valid; download the torrent file from the site again", NEVER
)
KEY_NEEDED = Refusal(
    "key_needed",
    "This site takes a key of its own for each torrent; download the torrent file from the site again",
    NEVER,
)
KEY_VOID = Refusal(
    "key_void", "The key in this announce URL was replaced; download the torrent file from the site again", NEVER
)
KEY_OF_ANOTHER_TORRENT = Refusal(
    "key_of_another_torrent",
    "The key in this announce URL is that of another torrent; download the torrent file from the site again",
    NEVER,
)
USER_DISABLED = Refusal("user_disabled", "Your account is disabled; please contact the staff", 60)
DOWNLOAD_DISABLED = Refusal(
    "download_disabled", "Your account may not download at present; please contact the staff", 60
)
UPLOAD_DISABLED = Refusal("upload_disabled", "Your account may not upload at present; please contact the staff", 60)
CLIENT_REFUSED = Refusal(
    "client_refused", "Your client is not on the list of allowed clients; see the rules of the site", NEVER
)
FAMILY_DISABLED = Refusal("family_disabled", "This tracker does not serve clients over this version of IP", NEVER)

# What is asked for
TORRENT_UNREGISTERED = Refusal("torrent_unregistered", "Unregistered torrent", 15)
TORRENT_DELETED = Refusal("torrent_unregistered", "Unregistered torrent", NEVER)
TORRENT_DISABLED = Refusal("torrent_disabled", "This torrent is disabled", 30)
SCRAPE_ALL = Refusal("scrape_all", "A scrape must name the torrents that it asks for", NEVER)


def too_many_peers(limit: int, present: int) -> Refusal:
    """One client more than a user may have in a swarm."""
    words = (
        f"You have {present} clients on this torrent and may have {limit}; "
        "stop one of them, or wait until one that is gone has timed out"
    )
    return Refusal("too_many_peers", words, 15)


def too_many_addresses(limit: int, present: int) -> Refusal:
    """One address more than a user may announce from."""
    words = (
        f"Your clients announce from {present} addresses and may use {limit}; "
        "stop those at the others, or wait until those that are gone have timed out"
    )
    return Refusal("too_many_addresses", words, 15)


def slots_taken(limit: int, held: int) -> str:
    """Say why a leecher gets no peers: the warning in an answer that is a success otherwise."""
    if limit == 0:
        return "Your account has no download slot at present; please contact the staff"
    return (
        f"You may download {limit} torrents at a time and download {held}; "
        "this one waits until you finish or stop another, and continues by itself"
    )


# How it is asked
PATH_INVALID = Refusal("path_invalid", "An announce URL ends in /PASSKEY/announce; see the site for yours", NEVER)
INFO_HASH_MISSING = Refusal("info_hash_missing", "The parameter info_hash is missing", NEVER)
INFO_HASH_INVALID = Refusal("info_hash_invalid", "The parameter info_hash must be 20 bytes, percent-encoded", NEVER)
PEER_ID_MISSING = Refusal("peer_id_missing", "The parameter peer_id is missing", NEVER)
PEER_ID_INVALID = Refusal("peer_id_invalid", "The parameter peer_id must be 20 bytes, percent-encoded", NEVER)
PORT_INVALID = Refusal("port_invalid", "The parameter port must be a whole number from 0 to 65535", NEVER)
UPLOAD_COUNTER_INVALID = Refusal(
    "upload_counter_invalid", "The upload counter is missing or not a whole number below 2^53", NEVER
)
DOWNLOAD_COUNTER_INVALID = Refusal(
    "download_counter_invalid", "The download counter is missing or not a whole number below 2^53", NEVER
)
LEFT_INVALID = Refusal("left_invalid", "The parameter left must be a whole number", NEVER)

# Our own trouble
STORE_UNAVAILABLE = Refusal(
    "store_unavailable", "The tracker cannot read its database at present; your client will try again", 2
)
JOURNAL_FULL = Refusal(
    "journal_full", "The tracker has no room to note transfers at present; what you transfer counts later", 5
)
INTERNAL = Refusal("internal", "The tracker made a mistake and its staff can read about it; please try again later", 10)

# HTTP itself: not bencoded, and the connection ends
REQUEST_MALFORMED = Refusal("request_malformed", "This is not an HTTP/1.x request", NEVER)
LINE_TOO_LONG = Refusal("line_too_long", "The request line is longer than 16 KiB", NEVER)
HEAD_TOO_LONG = Refusal("head_too_long", "The request head is longer than 32 KiB", NEVER)
BODY_REFUSED = Refusal("body_refused", "A request must not have a body", NEVER)
METHOD_REFUSED = Refusal("method_refused", "Only GET and HEAD are served here", NEVER)
PROXY_MALFORMED = Refusal("proxy_malformed", "The PROXY protocol header is malformed", NEVER)
