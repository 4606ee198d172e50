"""What an error of PostgreSQL means and what to do, in words that hold no value of a statement and no password."""

from __future__ import annotations

import re
from typing import Any

from psycopg2 import errorcodes

READ_ONLY = "takes no changes, it is read-only or a standby: name the primary server, or let mika's user write"

_FULL_UP = "has no connection left: raise max_connections of PostgreSQL, or end other programs' connections"
_NOT_YET = "is starting or stopping: it is tried again"
_FORBIDDEN = "does not let mika's user do this: make it the owner, ALTER DATABASE {database} OWNER TO {user}"
_GONE = "ended the connection: look into PostgreSQL's log if that was not you"
_SLOW = "did not answer in time: look whether its server hangs, or is overloaded"
_REFUSED_USER = "refuses the user {user} or its password: correct them in the URL"
_POSTGIS = (
    "lacks PostGIS: install it on the server (Debian: postgresql-postgis), "
    "and have a superuser run CREATE EXTENSION postgis in the database {database}"
)

_BY_CODE = {
    "25006": READ_ONLY,
    "28000": _REFUSED_USER,
    "28P01": _REFUSED_USER,
    "42501": _FORBIDDEN,
    "53100": "cannot grow: the disk of its server is full",
    "53200": "cannot go on: its server is out of memory",
    "53300": _FULL_UP,
    "55P03": "is locked by another program: let that one finish, or stop it",
    "57014": _SLOW,
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _NOT_YET,
}

_BY_WORDS = (
    ("password authentication failed", _REFUSED_USER),
    ("no password supplied", _REFUSED_USER),
    ("authentication failed", _REFUSED_USER),
    ("role ", _REFUSED_USER),
    ("database ", "is not there: create it with CREATE DATABASE {database} OWNER {user}"),
    ("too many clients", _FULL_UP),
    ("too many connections", _FULL_UP),
    ("remaining connection slots", _FULL_UP),
    ("no pg_hba.conf entry", "does not admit the user {user} from this machine: let it in by a line in pg_hba.conf"),
    ("starting up", _NOT_YET),
    ("shutting down", _NOT_YET),
    ("recovery mode", _NOT_YET),
    ("not yet accepting", _NOT_YET),
    ("is read-only", READ_ONLY),
    ("not translate host name", "cannot be reached: there is no such host"),
    ("onnection refused", "cannot be reached, nothing listens there: start PostgreSQL, or correct host and port"),
    ("No such file or directory", "cannot be reached, its socket is not there: start PostgreSQL, or name its host"),
    ("timeout expired", _SLOW),
    ("timed out", _SLOW),
    ("unreachable", "cannot be reached: there is no way through the network to its host"),
    ("closed", _GONE),
    ("terminat", _GONE),
    ("onnection reset", _GONE),
)
_MISSING = "does not exist"
_WITHOUT_POSTGIS = ('extension "postgis"', "postgis.control", 'type "geography"', "function st_")
_ADDRESS = re.compile(r"connection to server [^\n]*? failed: ")  # where anything may be called anything


def explain(error: Exception, user: str | None, database: str | None) -> str:
    """Return what is said of the database, without a full stop."""
    return _sentence(error).format(user=user or "of mika", database=database)


def _sentence(error: Exception) -> str:
    cause: Any = getattr(error, "orig", None) or error
    code = getattr(cause, "pgcode", None)
    said = _ADDRESS.sub("", str(cause))
    if any(words in said for words in _WITHOUT_POSTGIS):
        return _POSTGIS
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code is None:
        for words, sentence in _BY_WORDS:
            if words in said and (not words.endswith(" ") or _MISSING in said):
                return sentence
    return "failed: " + _literal(_safe(cause, code).replace("\n", " "))


def _safe(cause: Any, code: str | None) -> str:
    """Return the first line of the server's words; of a value that it refused only the kind of fault."""
    if code is not None and code.startswith("22"):
        return "a value was refused, " + errorcodes.lookup(code).lower().replace("_", " ")
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    if primary:
        return str(primary)
    said = _ADDRESS.sub("", str(cause)).removeprefix("FATAL:  ")
    return next(iter(said.splitlines()), type(cause).__name__)


def _literal(words: str) -> str:
    return words.rstrip(".").replace("{", "{{").replace("}", "}}")
