"""The nouns as JSON and back, as docs/remote-store.md writes them, for `remote.py`.

Every integer is a string of decimal digits: what many parsers make of a longer JSON number than 2^53 is another number.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from mika.errors import MikaError
from mika.interfaces import Mark
from mika.model import INT64_MAX, NOTHING_HELD, BonusEntry, Debt, History, Peer, Role, Suspicion, Torrent, Totals, User
from mika.store.values import PEER_FIELDS, TOTALS, thaw_peer

SAFE = 2**53
"""Up to here a JSON number is the same to every parser; a longer one is refused, because it may be rounded."""

_AT_A_TIME = 200  # rows: one call of the encoder holds the interpreter, and with it the reactor, until it ends
_INTEGER = re.compile(r"-?[0-9]{1,20}")


class MalformedError(MikaError):
    """An answer is not as the protocol has it; the text names the field, and nothing of what is in it."""


class Form(NamedTuple):
    """How a field is written and read; `what` names the form in errors. `read` raises `ValueError`."""

    what: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


Forms = Mapping[str, Form]


def _integer(least: int, most: int) -> Form:
    def read(value: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            number = int(value)
        elif isinstance(value, int) and not isinstance(value, bool) and -SAFE <= value <= SAFE:
            number = value
        else:
            raise ValueError
        if not least <= number <= most:
            raise ValueError
        return number

    return Form("an integer, written as a string of digits", str, read)


def _instance(kind: type, what: str) -> Form:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError  # noqa: TRY004 - one error for whatever cannot be read
        return value

    return Form(what, _same, read)


def _same(value: Any) -> Any:
    return value


def _hex(length: int | None) -> Form:
    def read(value: Any) -> bytes:
        if not isinstance(value, str) or not value.isascii() or " " in value:
            raise ValueError
        data = bytes.fromhex(value)
        if length is not None and len(data) != length:
            raise ValueError
        return data

    return Form("hex digits" if length is None else f"{2 * length} hex digits", bytes.hex, read)


def _optional(form: Form) -> Form:
    return Form(
        f"null or {form.what}",
        lambda value: None if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def _one_of(*words: str) -> Form:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Form(f"one of {', '.join(words)}", _same, read)


def _endpoint(family: int, size: int) -> Form:
    """Write the compact form of BEP 23 and BEP 7 as people do: 192.0.2.1:6881, [2001:db8::1]:6881; none is null."""
    opening, closing = ("[", "]") if family == socket.AF_INET6 else ("", "")

    def write(compact: bytes) -> str | None:
        if not compact:
            return None
        host = socket.inet_ntop(family, compact[:size])
        return f"{opening}{host}{closing}:{int.from_bytes(compact[size:], 'big')}"

    def read(value: Any) -> bytes:
        if value is None:
            return b""
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004 - as above
        host, _, port = value.rpartition(":")
        if not (host.startswith(opening) and host.endswith(closing) and port.isascii() and port.isdigit()):
            raise ValueError
        try:
            packed = socket.inet_pton(family, host.removeprefix(opening).removesuffix(closing))
            return packed + int(port).to_bytes(2, "big")
        except (OSError, OverflowError):
            raise ValueError from None

    return Form(f"null or {'[address]' if opening else 'address'}:port", write, read)


def _read_place(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        raise ValueError
    return float(value[0]), float(value[1])


INTEGER = _integer(-INT64_MAX - 1, INT64_MAX)
COUNTER = _integer(0, 2**64 - 1)
TEXT = _instance(str, "a string")
OPTIONAL_TEXT = _optional(TEXT)
FLAG = _instance(bool, "true or false")
HASH = _hex(20)
LIST = _instance(list, "a list")
OBJECT = _instance(dict, "an object")

IDS = Form("a list of ids", lambda ids: [str(each) for each in sorted(ids)], lambda ids: set(map(INTEGER.read, ids)))

BY_HASH = Form(
    "an object of info hashes and integers",
    lambda found: {info_hash.hex(): str(value) for info_hash, value in found.items()},
    lambda found: {HASH.read(info_hash): INTEGER.read(value) for info_hash, value in OBJECT.read(found).items()},
)

TOTALS_FORMS: Forms = dict.fromkeys(TOTALS, INTEGER)
USER: Forms = {
    "id": INTEGER,
    "name": TEXT,
    "passkey": TEXT,
    "role": INTEGER,
    "enabled": FLAG,
    "download_enabled": FLAG,
    "upload_enabled": FLAG,
    "multiplier_up": INTEGER,
    "multiplier_down": INTEGER,
    "remote_id": OPTIONAL_TEXT,
    "created_at": INTEGER,
    "updated_at": INTEGER,
}
BESIDE: Forms = {"freeleech": BY_HASH, "void_keys": BY_HASH}
"""What a user has where the site offers it."""

ENTRY: Forms = {
    "id": INTEGER,
    "user_id": INTEGER,
    "amount": INTEGER,
    "reason": TEXT,
    "created_at": INTEGER,
    "balance": INTEGER,
    "key": OPTIONAL_TEXT,
}
HISTORY: Forms = {
    "user_id": INTEGER,
    "info_hash": HASH,
    "left": COUNTER,
    "first_seen": INTEGER,
    "last_seen": INTEGER,
    "completed_at": INTEGER,
    "debt": Form("0, 1, 2 or 3", lambda debt: str(int(debt)), lambda value: Debt(INTEGER.read(value))),
}
SUSPICION: Forms = {
    "id": INTEGER,
    "kind": TEXT,
    "user_id": INTEGER,
    "info_hash": _hex(None),
    "score": INTEGER,
    "evidence": TEXT,
    "first_seen": INTEGER,
    "last_seen": INTEGER,
    "count": INTEGER,
    "state": _one_of("open", "dismissed", "confirmed"),
}
ROLE: Forms = {
    "id": INTEGER,
    "name": TEXT,
    "priority": INTEGER,
    "multiplier_up": INTEGER,
    "multiplier_down": INTEGER,
    "download_enabled": FLAG,
    "upload_enabled": FLAG,
    "download_slots": _optional(INTEGER),
    "peers_per_user_torrent": _optional(INTEGER),
}
TORRENT: Forms = {
    "info_hash": HASH,
    "info_hash_v2": _optional(_hex(32)),
    "name": TEXT,
    "size": INTEGER,
    "enabled": FLAG,
    "deleted": FLAG,
    "reason": TEXT,
    "multiplier_up": INTEGER,
    "multiplier_down": INTEGER,
    "created_at": INTEGER,
    "updated_at": INTEGER,
}
PEER: Forms = {
    "user_id": INTEGER,
    "peer_id": HASH,
    "key": _hex(None),
    "uploaded": COUNTER,
    "downloaded": COUNTER,
    "left": COUNTER,
    "seeder": FLAG,
    "paused": FLAG,
    "active": FLAG,
    "crypto": INTEGER,
    "endpoint4": _endpoint(socket.AF_INET, 4),
    "endpoint6": _endpoint(socket.AF_INET6, 16),
    "seen4": INTEGER,
    "seen6": INTEGER,
    "first_seen": INTEGER,
    "last_seen": INTEGER,
    "location": _optional(Form("a list of two numbers", list, _read_place)),
}
_PEER_WRITERS = [(name, PEER[name].write) for name in PEER_FIELDS]


def read_fields(forms: Forms, row: Any, what: str) -> dict[str, Any]:
    """Return the fields of an object; `MalformedError` names the first that is missing or of another form."""
    if not isinstance(row, dict):
        raise MalformedError(f"{what} is no JSON object")
    found = {}
    for name, form in forms.items():
        if name not in row:
            raise MalformedError(f"{what} has no {name!r}")
        try:
            found[name] = form.read(row[name])
        except (ValueError, TypeError):
            raise MalformedError(f"{name!r} of {what} is not {form.what}") from None
    return found


def read_field(name: str, form: Form, row: Any) -> Any:
    """Return one field of an answer."""
    return read_fields({name: form}, row, "the answer")[name]


def _written(forms: Forms, noun: Any) -> dict[str, Any]:
    return {name: form.write(getattr(noun, name)) for name, form in forms.items()}


def growth_as_json(figures: Sequence[int]) -> dict[str, str]:
    """Write what totals grow by."""
    return dict(zip(TOTALS, map(str, figures), strict=True))


def user_as_json(user: User, *, whole: bool) -> dict[str, Any]:
    """Write a user, with the totals if it is `whole`."""
    return _written(USER, user) | (growth_as_json(user.totals.values()) if whole else {})


def read_user(row: Any) -> User:
    """Read a user with the totals."""
    totals = Totals(**read_fields(TOTALS_FORMS, row, "a user"))
    beside = read_fields(BESIDE, {"freeleech": {}, "void_keys": {}} | row, "a user")
    beside = {name: held or NOTHING_HELD for name, held in beside.items()}
    return User(**read_fields(USER, row, "a user"), **beside, totals=totals, written=totals.copy())


def entry_as_json(entry: BonusEntry) -> dict[str, Any]:
    """Write an entry of a bonus ledger."""
    return _written(ENTRY, entry)


def read_entry(row: Any) -> BonusEntry:
    """Read an entry of a bonus ledger."""
    return BonusEntry(**read_fields(ENTRY, row, "an entry"))


def history_as_json(row: History) -> dict[str, Any]:
    """Write what a user did with a torrent, or what that grew by."""
    return _written(HISTORY, row) | growth_as_json(row.totals.values())


def read_history(row: Any) -> History:
    """Read what a user did with a torrent."""
    totals = Totals(**read_fields(TOTALS_FORMS, row, "a history"))
    return History(**read_fields(HISTORY, row, "a history"), totals=totals)


def suspicion_as_json(row: Suspicion) -> dict[str, Any]:
    """Write a suspicion."""
    return _written(SUSPICION, row)


def read_suspicion(row: Any) -> Suspicion:
    """Read a suspicion."""
    return Suspicion(**read_fields(SUSPICION, row, "a suspicion"))


def role_as_json(role: Role) -> dict[str, Any]:
    """Write a role."""
    return _written(ROLE, role)


def read_role(row: Any) -> Role:
    """Read a role."""
    return Role(**read_fields(ROLE, row, "a role"))


def torrent_as_json(torrent: Torrent, *, whole: bool) -> dict[str, Any]:
    """Write a torrent, with totals and completers if it is `whole`."""
    facts = _written(TORRENT, torrent)
    if whole:
        facts |= growth_as_json(torrent.totals.values())
        facts["completers"] = IDS.write(torrent.completers)
    return facts


def read_torrent(row: Any) -> Torrent:
    """Read a torrent with totals and completers."""
    totals = Totals(**read_fields(TOTALS_FORMS, row, "a torrent"))
    facts = read_fields({**TORRENT, "completers": IDS}, row, "a torrent")
    return Torrent(**facts, totals=totals, written=totals.copy())


def peer_as_json(info_hash: bytes, frozen: Sequence[Any]) -> dict[str, Any]:
    """Write the `PEER_FIELDS` of a peer, and the info hash of its swarm."""
    row: dict[str, Any] = {"info_hash": info_hash.hex()}
    for (name, write), value in zip(_PEER_WRITERS, frozen, strict=True):
        row[name] = write(value)
    return row


def key_as_json(info_hash: bytes, user_id: int, peer_id: bytes) -> dict[str, str]:
    """Write which peer is gone."""
    return {"info_hash": info_hash.hex(), "user_id": str(user_id), "peer_id": peer_id.hex()}


def read_peer(row: Any) -> tuple[bytes, Peer]:
    """Read a peer and the info hash of its swarm."""
    fields = read_fields({"info_hash": HASH, **PEER}, row, "a peer")
    return fields["info_hash"], thaw_peer([fields[name] for name in PEER_FIELDS])


def batch_as_json(mark: Mark, **rows: Iterable[dict[str, Any]]) -> bytes:
    """Write a batch. Called in a thread; the rows are made here, some at a time, and so are never all in memory."""
    place = {"instance": mark.instance, "after": str(mark.after), "number": str(mark.number)}
    return b"".join([f'{{"mark":{json.dumps(place)},'.encode(), *_lists(rows), b"}"])


def rows_as_json(**rows: Iterable[dict[str, Any]]) -> bytes:
    """Write rows without a mark, as `batch_as_json` does."""
    return b"".join([b"{", *_lists(rows), b"}"])


def _lists(rows: Mapping[str, Iterable[dict[str, Any]]]) -> Iterator[bytes]:
    for at, (name, each) in enumerate(rows.items()):
        yield f'{"," if at else ""}"{name}":['.encode()
        yield b",".join(_in_pieces(each))
        yield b"]"


def _in_pieces(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    source = iter(rows)
    while piece := list(islice(source, _AT_A_TIME)):
        yield json.dumps(piece, separators=(",", ":"))[1:-1].encode()
