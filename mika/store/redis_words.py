"""What went wrong with Redis, in words that an operator acts on. `redis_connection.py` asks.

What Redis itself says goes into the words only where nothing that we sent is in it.
"""

from __future__ import annotations

import re

from OpenSSL.SSL import Error as TlsError
from service_identity import CertificateError, VerificationError
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost, DNSLookupError
from twisted.internet.error import ConnectionRefusedError as RefusedError
from twisted.internet.error import TimeoutError as ConnectTimeoutError
from txredisapi import ConnectionError as LostError
from txredisapi import ResponseError
from txredisapi import TimeoutError as ReplyTimeoutError

OLDEST = (6, 2)
"""The oldest Redis that has what is asked of it: GEOSEARCH came with 6.2."""

TOO_OLD = "is too old: mika needs Redis 6.2 or newer"
CLUSTER = "is a Cluster, which this store does not speak: name a single Redis"
REPLICA = "is a read-only replica: name the master that it follows"
LOST = "closed the connection"
SILENT = "does not answer in time: it is stopped, or has too much to do"
SILENT_TO_TLS = "does not answer in time: it is stopped, or does not speak TLS on that port"
LOST_AT_ONCE = "closed the connection at once: where it wants TLS, the scheme is rediss, and where it does not, redis"

_CODES = {
    "WRONGPASS": "refuses the user name or the password",
    "NOAUTH": "wants a password: redis://user:password@host",
    "NOPERM": "does not let mika's user do what it must (ACL): see docs/stores.md",
    "READONLY": REPLICA,
    "OOM": "is full: its maxmemory is reached, so raise that or move other data away",
    "MISCONF": "takes no changes, because it could not save to its disk: see its log, and make room there",
    "NOREPLICAS": "takes no changes, because too few of its replicas follow (min-replicas-to-write)",
    "MASTERDOWN": "is a replica that has lost its master",
    "LOADING": "is still loading its data",
    "BUSY": "is busy with somebody's script",
    "MOVED": CLUSTER,
    "CLUSTERDOWN": CLUSTER,
}
_CODE = re.compile(rf"\b({'|'.join(_CODES)})\b")
_DENIED = re.compile(r"(?:the |run )'([a-z|-]+)' command")

_PARTS = (
    ("DB index is out of range", "has no database of that number: see `databases` in its configuration"),
    ("without any password configured", "has no password set for that user, but the URL has one"),
    ("wrong number of arguments for 'auth'", TOO_OLD),
    ("unknown command", TOO_OLD),
    ("Unknown Redis command", TOO_OLD),
    ("ACL failure in script", _CODES["NOPERM"]),
    ("can't run this command", _CODES["NOPERM"]),
    ("can't publish to the channel", _CODES["NOPERM"]),
    ("No permissions to access a channel", _CODES["NOPERM"]),
    ("cluster support", CLUSTER),
)


def words(error: BaseException | None) -> str:
    """Return what is the matter, as the rest of a sentence that begins with the place."""
    if isinstance(error, ResponseError):
        return _refused(str(error))
    if isinstance(error, ReplyTimeoutError | ConnectTimeoutError):
        return SILENT
    if isinstance(error, LostError | ConnectionDone | ConnectionLost):
        return LOST
    return _not_reached(error)


def _refused(text: str) -> str:
    code = _CODE.search(text)
    for part, meaning in _PARTS:
        if part in text:
            return meaning
    if code is None:
        return f"refuses a command: {text.partition(' script: ')[0].rstrip('.') or 'it does not say why'}"
    denied = _DENIED.search(text) if code[1] == "NOPERM" else None
    return _CODES[code[1]] + (f"; it was refused {denied[1].upper()}" if denied else "")


def _not_reached(error: BaseException | None) -> str:
    if isinstance(error, RefusedError):
        return "is not there: start it, or name another host or port"
    if isinstance(error, DNSLookupError):
        return "has a host name that is not known"
    if isinstance(error, VerificationError | CertificateError):
        return "has a certificate for another name than the URL has"
    if isinstance(error, TlsError):
        return _tls(str(error))
    if isinstance(error, ConnectError | OSError):
        return f"cannot be reached: {(str(error).splitlines() or [''])[0].rstrip('.')}"
    return f"failed: {type(error).__name__}"


def _tls(text: str) -> str:
    if "certificate verify failed" in text:
        return "has a certificate of a CA that is not trusted here: name the CA's file with ?ca=PATH"
    if "wrong version number" in text or "packet length" in text:
        return "does not speak TLS on that port: without TLS, the scheme is redis"
    return "and mika could not agree on TLS: see the log of Redis"
