"""What the words of a refusal mean for who runs the tracker, or looks for what is wrong with it.

Trackers word their refusals as they like. Ours bring a code, which goes before the words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mika.probe.finding import Level
from mika.rules import refusal


class Meaning(NamedTuple):
    """What a refusal says of the tracker: its name here, whether it is a fault, in words, and what to do."""

    kind: str
    level: Level
    words: str
    advice: str = ""


TORRENT = Meaning("torrent", Level.OK, "a torrent that is not there is refused, as it should be")
PASSKEY = Meaning(
    "passkey",
    Level.WRONG,
    "the passkey of this URL is not taken",
    "copy the announce URL from the site again; if it is right, the tracker does not know what the site knows",
)
KEY = Meaning(
    "key",
    Level.NOTE,
    "each torrent has an announce URL of its own here, so the rest is not tested",
    "give that of one torrent, as the site hands it out now, and its info hash by --torrent",
)
ACCOUNT = Meaning(
    "account", Level.WRONG, "the account of this passkey may not announce", "see why, or test with another"
)
CLIENT = Meaning(
    "client",
    Level.NOTE,
    "this test is not a client that is allowed here, so the rest is not tested",
    "give the beginning of an allowed peer id by --peer-id, such as -TR4060-",
)
FAMILY = Meaning(
    "family",
    Level.WRONG,
    "the tracker has an address in this family and refuses to serve it",
    "let it serve the family, or take the address out of the DNS",
)
OFTEN = Meaning("often", Level.NOTE, "it is asked too often", "wait for a quarter of an hour, and test again")
PATH = Meaning("path", Level.WRONG, "this is no announce URL of the tracker", "copy it from the site again")
TROUBLE = Meaning("trouble", Level.WRONG, "the tracker is in trouble itself", "read its log")
PORT = Meaning("port", Level.NOTE, "the port that is announced here is refused", "give another by --port")
OTHER = Meaning("other", Level.NOTE, "it refuses, for a reason of its own", "read what it says: members see the same")

CODES = {
    refusal.TORRENT_UNREGISTERED.code: TORRENT,
    refusal.TORRENT_DISABLED.code: TORRENT,
    refusal.PASSKEY_INVALID.code: PASSKEY,
    refusal.PASSKEY_MISSING.code: PASSKEY,
    refusal.KEY_NEEDED.code: KEY,
    refusal.KEY_VOID.code: KEY,
    refusal.KEY_OF_ANOTHER_TORRENT.code: KEY,
    refusal.USER_DISABLED.code: ACCOUNT,
    refusal.DOWNLOAD_DISABLED.code: ACCOUNT,
    refusal.UPLOAD_DISABLED.code: ACCOUNT,
    refusal.CLIENT_REFUSED.code: CLIENT,
    refusal.FAMILY_DISABLED.code: FAMILY,
    refusal.PATH_INVALID.code: PATH,
    refusal.STORE_UNAVAILABLE.code: TROUBLE,
    refusal.JOURNAL_FULL.code: TROUBLE,
    refusal.INTERNAL.code: TROUBLE,
}

WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"pass ?key|auth ?key|torrent[_ ]pass\b|secure hash|\bpid\b|user not found|unknown user", PASSKEY),
        (r"\bkey (of|in) ", KEY),
        (r"client|user.?agent|browser|peer.?id|white.?list", CLIENT),
        (r"account|banned|suspended|parked|your (user|ip)|download.*(privileges|rights)|disabled user", ACCOUNT),
        (r"unregist|not regist|not authorized for use|info.?hash|torrent", TORRENT),
        (r"too (fast|often|many|soon|frequent)|slow down|flood|rate|wait|interval", OFTEN),
        (r"\bport\b", PORT),
        (r"database|internal|maintenance|unavailable|overload|offline|closed|sql|try again|not configured", TROUBLE),
    )
)
"""The first that fits counts: "Unregistered torrent pass" is about the passkey."""


def meaning(code: str, reason: str) -> Meaning:
    """Say what a failure means, by its code if it is one of ours, else by its words."""
    known = CODES.get(code)
    if known is not None:
        return known
    return next((meaning for pattern, meaning in WORDS if pattern.search(reason)), OTHER)
