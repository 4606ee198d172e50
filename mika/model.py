"""The nouns: what they hold, nothing they do (but `Totals`, whose one job is to be added up exactly).

Sizes are bytes, times are whole seconds since 1970, multipliers are thousandths, bonus is in nano-points: all
integers, so that sums are exact. `directory.py` holds the live objects, `store/` keeps them, `admin/` shows them.
Those that announces look at have C types, for which their dataclasses must do without `slots`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal

from mika._peer_cy import LEFT_UNKNOWN, Peer
from mika._place_cy import NOWHERE, Place
from mika._totals_cy import INT64_MAX, Totals

__all__ = [
    "DEFAULT_ROLE",
    "INT64_MAX",
    "LEFT_UNKNOWN",
    "NANO_POINTS",
    "NOWHERE",
    "PASSKEY",
    "UNIT_MULTIPLIER",
    "Peer",
    "Place",
    "Role",
    "Torrent",
    "Totals",
    "User",
    "hashes_of",
]

UNIT_MULTIPLIER = 1000
"""A multiplier of 1, in thousandths."""

NANO_POINTS = 1_000_000_000
"""One bonus point, in nano-points."""

PASSKEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""What a passkey looks like; a site may bring its own."""

DEFAULT_ROLE = 1
"""The role of a user of whom nothing else is said; every users store has it from its first start."""


@dataclass
class Role:
    """A class of users, and what belonging to it is worth. `None`: no limit of its own."""

    id: int
    name: str
    priority: int = 0
    multiplier_up: int = UNIT_MULTIPLIER
    multiplier_down: int = UNIT_MULTIPLIER
    download_enabled: bool = True
    upload_enabled: bool = True
    download_slots: int | None = None
    peers_per_user_torrent: int | None = None


EVERYMAN = Role(DEFAULT_ROLE, "member")
"""What a user may do of whose role nothing is known."""


NOTHING_HELD: Mapping[bytes, int] = MappingProxyType({})
"""What nearly every user has of freeleech tokens and of void keys: one for all of them, as nobody changes it."""


@dataclass(eq=False)
class User:
    """An account. `totals` are live, `written` is what the store has of them.

    `freeleech` are its tokens: until when (seconds since 1970) downloads of a torrent, by its own `info_hash`, are
    free; `void_keys` how many of its keys for a torrent are void (torrent_key.py). Both are replaced, never changed.
    `revision` tells changes apart that were made in one second of `updated_at`; it
    is kept nowhere.
    """

    id: int
    name: str
    passkey: str
    role: int = DEFAULT_ROLE
    totals: Totals = field(default_factory=Totals)
    freeleech: Mapping[bytes, int] = field(default_factory=lambda: NOTHING_HELD)
    multiplier_up: int = UNIT_MULTIPLIER
    multiplier_down: int = UNIT_MULTIPLIER
    enabled: bool = True
    download_enabled: bool = True
    upload_enabled: bool = True
    remote_id: str | None = None
    created_at: int = 0
    updated_at: int = 0
    revision: int = 0
    void_keys: Mapping[bytes, int] = field(default_factory=lambda: NOTHING_HELD)
    written: Totals = field(default_factory=Totals)


def role_of(user: User, roles: dict[int, Role]) -> Role:
    """Return the role of a user; one that was deleted counts as the default one."""
    role = roles.get(user.role)
    return role if role is not None else roles.get(DEFAULT_ROLE, EVERYMAN)


@dataclass(frozen=True, slots=True)
class BonusEntry:
    """A line of a user's bonus ledger: what was given, or (negative) spent, and what the account then had.

    Amounts are nano-points. `key` is the sender's own name for it, so that one that is sent again counts once.
    """

    id: int
    user_id: int
    amount: int
    reason: str
    created_at: int
    balance: int = 0
    key: str | None = None


SuspicionState = Literal["open", "dismissed", "confirmed"]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What looks like cheating by one user, with the evidence for it: staff judge it, and nothing follows from it.

    There is one of a kind, a user and a torrent (`info_hash` is empty where it is about none). `score` is 0 to 100,
    `count` how often it was found, `evidence` figures in a sentence that can be checked. `id` is 0 until it is kept.
    """

    kind: str
    user_id: int
    info_hash: bytes
    score: int
    evidence: str
    first_seen: int
    last_seen: int
    count: int = 1
    state: SuspicionState = "open"
    id: int = 0


class Debt(IntEnum):
    """What a user owes a torrent that they completed, as it is kept. What members see is `ledger/debts.py`."""

    NONE = 0
    OWING = 1
    OVERDUE = 2
    PAID = 3


@dataclass
class History:
    """What one user did with one torrent, all their clients together; or, in a batch, what that grew by.

    `left` is what the last announce said. `completed_at` is 0 if they never completed it here.
    """

    user_id: int
    info_hash: bytes
    totals: Totals = field(default_factory=Totals)
    left: int = LEFT_UNKNOWN
    first_seen: int = 0
    last_seen: int = 0
    completed_at: int = 0
    debt: Debt = Debt.NONE


class WithSwarm:
    """What a live torrent has beside what is kept of it: `swarm`, by which `Swarms` finds it, and nobody else does."""

    swarm: Any


@dataclass(eq=False)
class Torrent(WithSwarm):
    """A registered torrent, or (`deleted`) the memory of one with the reason why it is gone.

    `info_hash` is 20 bytes; `info_hash_v2` 32 bytes of a hybrid or v2 torrent, whose first 20 are announced as well
    (BEP 52). `completers` are the ids of users whose completion has been counted. `revision` is as of a user.
    """

    info_hash: bytes
    info_hash_v2: bytes | None = None
    name: str = ""
    size: int = 0
    enabled: bool = True
    deleted: bool = False
    reason: str = ""
    multiplier_up: int = UNIT_MULTIPLIER
    multiplier_down: int = UNIT_MULTIPLIER
    created_at: int = 0
    updated_at: int = 0
    revision: int = 0
    totals: Totals = field(default_factory=Totals)
    written: Totals = field(default_factory=Totals)
    completers: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Be in no swarm."""
        self.swarm = None


def hashes_of(torrent: Torrent) -> list[bytes]:
    """Every hash under which clients announce this torrent: v1, and v2 cut to 20 bytes (BEP 52)."""
    if torrent.info_hash_v2 is None or torrent.info_hash_v2[:20] == torrent.info_hash:
        return [torrent.info_hash]
    return [torrent.info_hash, torrent.info_hash_v2[:20]]
