"""ETags of users, torrents and roles, and the conditions of RFC 9110 that a change may be made under.

An ETag covers what can be set, and when it was set last; not what announces add up, or a change that somebody makes
after looking would nearly always fail. A counter that is set through the API changes it like any other field.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from mika import model
from mika.admin.models import TORRENT_COUNTERS, USER_COUNTERS, Body, RoleFields, TorrentFields, UserFields
from mika.admin.problems import ProblemError

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')


def _covered(fields: type[Body], but: Collection[str] = ()) -> tuple[str, ...]:
    return tuple(name for name in fields.model_fields if name not in but)


_USER = (*_covered(UserFields, USER_COUNTERS), "updated_at", "revision")
_TORRENT = (*_covered(TorrentFields, TORRENT_COUNTERS), "updated_at", "revision")
_ROLE = _covered(RoleFields)


def user_tag(user: model.User) -> str:
    """Return the ETag of a user."""
    return _tag(user, _USER)


def torrent_tag(torrent: model.Torrent) -> str:
    """Return the ETag of a torrent."""
    return _tag(torrent, _TORRENT)


def role_tag(role: model.Role) -> str:
    """Return the ETag of a role."""
    return _tag(role, _ROLE)


def _tag(noun: Any, fields: tuple[str, ...]) -> str:
    values = repr([getattr(noun, name) for name in fields])
    return f'"{blake2b(values.encode(errors="surrogatepass"), digest_size=12).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """What If-Match and If-None-Match of a request ask for; `None` where it has no such header."""

    match: str | None = None
    none_match: str | None = None

    def check(self, tag: str | None) -> None:
        """Refuse with 412 unless a thing with this ETag, `None` if there is none, is what was expected."""
        if self.match is not None and not _names(self.match, tag, weak=False):
            raise ProblemError(412, "It is not as If-Match says: it was changed since. Read it again.")
        if self.none_match is not None and _names(self.none_match, tag, weak=True):
            raise ProblemError(412, "It is there already, and If-None-Match says that it should not be.")


def _names(header: str, tag: str | None, *, weak: bool) -> bool:
    """Say whether a header names this ETag; a weak one counts only where RFC 9110 (13.1) compares weakly."""
    if tag is None:
        return False
    if header.strip() == "*":
        return True
    named = _TAG.findall(header)
    return tag in ([each.removeprefix("W/") for each in named] if weak else named)
