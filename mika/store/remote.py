"""The store that is the site itself: the interfaces as JSON over HTTP, as docs/remote-store.md has them.

What a call is given goes on changing while it travels, so it is written down, or copied, at the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from mika.errors import ConflictError
from mika.interfaces import Circle, IPeerStore, ITorrentStore, IUserStore, PeerBatch, TorrentBatch, UserBatch
from mika.model import INT64_MAX, Peer, Role, Torrent, Totals, User
from mika.store import remote_json as form
from mika.store.remote_asking import Paged, body_of, possible
from mika.store.remote_rewards import RemoteRewards
from mika.store.taken import PASSKEY_TAKEN, refuse_default_role
from mika.store.values import freeze_growth, freeze_peers

_PEERS = 2000  # one page of them is about a megabyte

_HASH_TAKEN = "There is already a torrent with one of the info hashes."

_USERS = Paged("users", form.read_user, attrgetter("id"))
_TORRENTS = Paged("torrents", form.read_torrent, attrgetter("info_hash"))


@implementer(IUserStore, ITorrentStore, IPeerStore)
class RemoteStore(RemoteRewards):
    """All three kinds of store on one site; a site that keeps only some is asked only for those."""

    most_rows = 10_000
    """Rows of a batch: 10,000 peers are some 5 MB of JSON, and a site often takes 8 or 16 in one request."""

    # ---- users and roles

    def user_by_passkey(self, passkey: str) -> Deferred[User | None]:
        """See `IUserStore`."""
        return self.run(self.one("/users", form.read_user, {"passkey": passkey}))

    def user_by_id(self, user_id: int) -> Deferred[User | None]:
        """See `IUserStore`."""
        return self.run(self.one(f"/users/{user_id}", form.read_user)) if possible(user_id) else succeed(None)

    def list_users(self, after: int, limit: int) -> Deferred[list[User]]:
        """See `IUserStore`."""
        start = max(-INT64_MAX, min(after, INT64_MAX))
        return self.run(self.pages(_USERS, start, limit))

    def add_users(self, users: list[User]) -> Deferred[list[User]]:
        """See `IUserStore`. The users themselves are numbered, once all are in."""
        body = body_of({"users": [form.user_as_json(user, whole=True) for user in users]})

        async def work() -> list[User]:
            answer = await self.site.ask("POST", "/users", body=body, may=(409,))
            self.refuse_conflict(answer, "The id or the passkey is another user's.", len(users))
            with self.in_words("POST /users"):
                ids = list(map(form.INTEGER.read, form.read_field("ids", form.LIST, answer.body)))
                if len(ids) != len(users) or any(user.id not in (0, new) for user, new in zip(users, ids, strict=True)):
                    raise form.MalformedError("its ids are not those of the users")
            for user, new in zip(users, ids, strict=True):
                user.id = new
            return users

        return self.run(work())

    def save_user(self, user: User, growth: Totals | None = None) -> Deferred[None]:
        """See `IUserStore`."""
        body = body_of({"user": form.user_as_json(user, whole=False), "growth": _growth(growth)})
        return self.run(self.save(f"/users/{user.id}", body, PASSKEY_TAKEN))

    def save_users(self, changes: list[tuple[User, Totals | None]]) -> Deferred[None]:
        """See `IUserStore`."""
        frozen = [(replace(user), _growth(growth)) for user, growth in changes]
        rows = ({"user": form.user_as_json(user, whole=False), "growth": growth} for user, growth in frozen)
        return self.run(self.save_all("users", rows, PASSKEY_TAKEN, len(frozen)))

    def delete_user(self, user_id: int) -> Deferred[bool]:
        """See `IUserStore`."""
        return self.run(self.delete(f"/users/{user_id}")) if possible(user_id) else succeed(False)

    def list_roles(self) -> Deferred[list[Role]]:
        """See `IUserStore`."""
        return self.run(self.all("roles", form.read_role))

    def save_role(self, role: Role) -> Deferred[Role]:
        """See `IUserStore`."""
        saved = replace(role)
        body = body_of({"role": form.role_as_json(role)})

        async def work() -> Role:
            answer = await self.site.ask("POST", "/roles", body=body)
            with self.in_words("POST /roles"):
                number = form.read_field("id", form.INTEGER, answer.body)
            return replace(saved, id=number)

        return self.run(work())

    def delete_role(self, role_id: int) -> Deferred[bool]:
        """See `IUserStore`."""
        try:
            refuse_default_role(role_id)
        except ConflictError as error:
            return fail(error)
        return self.run(self.delete(f"/roles/{role_id}")) if possible(role_id) else succeed(False)

    def apply_users(self, batch: UserBatch) -> Deferred[None]:
        """See `IUserStore`."""
        growth = freeze_growth(batch.growth)
        rows = ({"id": str(user_id)} | form.growth_as_json(figures) for user_id, figures in growth)
        return self.run(self.apply("users", batch.mark, growth=rows))

    # ---- torrents and whitelist

    def torrent(self, info_hash: bytes) -> Deferred[Torrent | None]:
        """See `ITorrentStore`."""
        return self.run(self.one(f"/torrents/{info_hash.hex()}", form.read_torrent))

    def list_torrents(self, after: bytes, limit: int, whole: bool = False) -> Deferred[list[Torrent]]:
        """See `ITorrentStore`."""
        return self.run(self.pages(_TORRENTS, after, limit, {"whole": "1"} if whole else None))

    def add_torrents(self, torrents: list[Torrent]) -> Deferred[None]:
        """See `ITorrentStore`."""
        body = body_of({"torrents": [form.torrent_as_json(torrent, whole=True) for torrent in torrents]})

        async def work() -> None:
            answer = await self.site.ask("POST", "/torrents", body=body, may=(409,))
            self.refuse_conflict(answer, _HASH_TAKEN, len(torrents))

        return self.run(work())

    def save_torrent(self, torrent: Torrent, growth: Totals | None = None) -> Deferred[None]:
        """See `ITorrentStore`."""
        body = body_of({"torrent": form.torrent_as_json(torrent, whole=False), "growth": _growth(growth)})
        return self.run(self.save(f"/torrents/{torrent.info_hash.hex()}", body, _HASH_TAKEN))

    def save_torrents(self, changes: list[tuple[Torrent, Totals | None]]) -> Deferred[None]:
        """See `ITorrentStore`."""
        frozen = [(replace(torrent), _growth(growth)) for torrent, growth in changes]
        rows = ({"torrent": form.torrent_as_json(each, whole=False), "growth": growth} for each, growth in frozen)
        return self.run(self.save_all("torrents", rows, _HASH_TAKEN, len(frozen)))

    def whitelist(self) -> Deferred[dict[str, str]]:
        """See `ITorrentStore`."""

        def read(row: Any) -> tuple[str, str]:
            fields = form.read_fields({"prefix": form.TEXT, "name": form.TEXT}, row, "a prefix")
            return fields["prefix"], fields["name"]

        return self.run(self.all("whitelist", read)).addCallback(dict)

    def save_whitelisted(self, prefix: str, name: str) -> Deferred[None]:
        """See `ITorrentStore`."""
        return self.run(self.save("/whitelist", body_of({"prefix": prefix, "name": name})))

    def delete_whitelisted(self, prefix: str) -> Deferred[bool]:
        """See `ITorrentStore`."""
        return self.run(self.delete("/whitelist", {"prefix": prefix}))

    def apply_torrents(self, batch: TorrentBatch) -> Deferred[None]:
        """See `ITorrentStore`."""
        growth, completed = freeze_growth(batch.growth), sorted(batch.completers)
        rows = ({"info_hash": info_hash.hex()} | form.growth_as_json(figures) for info_hash, figures in growth)
        completers = ({"info_hash": info_hash.hex(), "user_id": str(user_id)} for info_hash, user_id in completed)
        return self.run(self.apply("torrents", batch.mark, growth=rows, completers=completers))

    # ---- peers

    def load_peers(self, keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> Deferred[None]:
        """See `IPeerStore`."""

        async def work() -> None:
            after: str | None = ""
            while after is not None:
                answer = await self.site.ask("GET", "/peers", {"after": after, "limit": _PEERS})
                with self.in_words("GET /peers"):
                    found = list(map(form.read_peer, form.read_field("peers", form.LIST, answer.body)))
                    following = form.read_field("next", form.OPTIONAL_TEXT, answer.body)
                    if following == after:
                        raise form.MalformedError("its next page is the same one again")
                keep(found)
                after = following

        return self.run(work())

    def peers_near(self, info_hash: bytes, circle: Circle) -> Deferred[list[tuple[int, bytes]]]:
        """See `IPeerStore`."""
        query = {
            "info_hash": info_hash.hex(),
            "latitude": circle.latitude,
            "longitude": circle.longitude,
            "metres": circle.metres,
        }

        def read(row: Any) -> tuple[int, bytes]:
            fields = form.read_fields({"user_id": form.INTEGER, "peer_id": form.HASH}, row, "a peer")
            return fields["user_id"], fields["peer_id"]

        return self.run(self.all("peers", read, "/peers/near", query))

    def apply_peers(self, batch: PeerBatch) -> Deferred[None]:
        """See `IPeerStore`."""
        present, gone = freeze_peers(batch.present), list(batch.gone)
        rows = (form.peer_as_json(*each) for each in present)
        return self.run(self.apply("peers", batch.mark, present=rows, gone=(form.key_as_json(*key) for key in gone)))


def _growth(growth: Totals | None) -> dict[str, str] | None:
    return None if growth is None else form.growth_as_json(growth.values())
