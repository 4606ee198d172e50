"""Roles and the whitelist: facts that are always in memory, all of them. `directory.py` adds users and torrents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from mika.changes import Changes
from mika.errors import ConflictError, NotFoundError
from mika.interfaces import ITorrentStore, IUserStore
from mika.model import DEFAULT_ROLE, Role

Noun = TypeVar("Noun")

Check = Callable[[Noun], None]
"""Is shown what is about to be changed, when nobody else can change it any more; fails if it is not as expected."""


def whatever(_noun: object) -> None:
    """Let it be changed whatever it is like."""


class Standing:
    """Roles and whitelist, and the locks of all that is changed in the two stores that have them."""

    def __init__(self, users: IUserStore, torrents: ITorrentStore, clock: Callable[[], float]) -> None:
        self.roles: dict[int, Role] = {}
        self.whitelist: dict[str, str] = {}
        self._prefixes: tuple[bytes, ...] = ()
        self.user_store = users
        self._torrent_store = torrents
        self._clock = clock
        self.user_changes = Changes()
        self.torrent_changes = Changes()

    def moment(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self._clock())

    async def open(self) -> None:
        """Read what is always in memory: roles and whitelist."""
        await self.read_roles()
        await self.read_whitelist()

    async def read_roles(self) -> None:
        """Read the roles anew."""
        async with self.user_changes:
            roles = {role.id: role for role in await self.user_store.list_roles()}
            self.roles.clear()
            self.roles.update(roles)  # the ledger looks into this very dictionary

    async def read_whitelist(self) -> None:
        """Read the whitelist anew."""
        async with self.torrent_changes:
            self._set_whitelist(await self._torrent_store.whitelist())

    # ---- roles

    def role(self, role_id: int) -> Role:
        """Return a role; `NotFoundError` if there is none."""
        if role_id not in self.roles:
            raise NotFoundError(f"There is no role with the id {role_id}.")
        return self.roles[role_id]

    async def add_role(self, role: Role) -> Role:
        """Add a role, with id 0 under the next free one; `ConflictError` if the id is taken."""
        async with self.user_changes:
            if role.id in self.roles:
                raise ConflictError(f"There is a role with the id {role.id} already.")
            saved = await self.user_store.save_role(role)
            self.roles[saved.id] = saved
        return saved

    async def change_role(self, role_id: int, changes: dict[str, Any], check: Check[Role] = whatever) -> Role:
        """Set the named fields of a role; `NotFoundError` if there is none."""
        async with self.user_changes:
            check(self.role(role_id))
            saved = await self.user_store.save_role(replace(self.roles[role_id], **changes))
            self.roles[saved.id] = saved
        return saved

    async def delete_role(self, role_id: int, check: Check[Role] = whatever) -> None:
        """Delete a role; who had it counts as having the default one. The default role itself stays."""
        if role_id == DEFAULT_ROLE:
            raise ConflictError("The default role cannot be removed.")
        async with self.user_changes:
            if role_id in self.roles:
                check(self.roles[role_id])
            if not await self.user_store.delete_role(role_id):
                raise NotFoundError(f"There is no role with the id {role_id}.")
            self.roles.pop(role_id, None)

    def _check_role(self, role_id: int, index: int) -> None:
        if role_id not in self.roles:
            raise ConflictError(f"There is no role with the id {role_id}.", index)

    # ---- whitelist

    def prefixes(self) -> tuple[bytes, ...]:
        """Peer id prefixes on the whitelist, as the rule compares them."""
        return self._prefixes

    async def save_whitelisted(self, prefix: str, name: str) -> None:
        """Allow clients whose peer id starts with `prefix`."""
        await self._torrent_store.save_whitelisted(prefix, name)
        self._set_whitelist(self.whitelist | {prefix: name})

    async def delete_whitelisted(self, prefix: str) -> None:
        """Take a prefix off the whitelist; `NotFoundError` if it is not on it."""
        if not await self._torrent_store.delete_whitelisted(prefix):
            raise NotFoundError(f"The prefix {prefix} is not on the whitelist.")
        self._set_whitelist({each: name for each, name in self.whitelist.items() if each != prefix})

    def _set_whitelist(self, whitelist: dict[str, str]) -> None:
        self.whitelist = whitelist
        self._prefixes = tuple(prefix.encode("latin-1", "ignore") for prefix in whitelist)
