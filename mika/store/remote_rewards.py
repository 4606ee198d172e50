"""What a site offers beside: tokens, void keys, bonus, histories, suspicions; `remote.py` has everything else."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from mika.interfaces import HistoryBatch, Sought
from mika.model import INT64_MAX, BonusEntry, Debt, History, Suspicion
from mika.store import remote_json as form
from mika.store.remote_asking import Asking, body_of, possible
from mika.store.taken import TOO_LITTLE_BONUS, no_user


class RemoteRewards(Asking):
    """What `IFreeleechStore`, `IKeyStore`, `IBonusStore`, `IHistoryStore` and `ISuspicionStore` ask for."""

    def save_freeleech(self, user_id: int, info_hash: bytes, until: int) -> Deferred[None]:
        """See `IFreeleechStore`."""
        if not possible(user_id):
            return succeed(None)
        body = body_of({"info_hash": info_hash.hex(), "until": str(until)})

        async def work() -> None:
            await self.site.ask("POST", f"/users/{user_id}/freeleech", body=body, may=(404,))

        return self.run(work())

    def delete_freeleech(self, user_id: int, info_hash: bytes) -> Deferred[bool]:
        """See `IFreeleechStore`."""
        if not possible(user_id):
            return succeed(False)
        return self.run(self.delete(f"/users/{user_id}/freeleech", {"info_hash": info_hash.hex()}))

    def void_key(self, user_id: int, info_hash: bytes) -> Deferred[int]:
        """See `IKeyStore`."""
        path, body = f"/users/{user_id}/void-keys", body_of({"info_hash": info_hash.hex()})
        if not possible(user_id):
            return succeed(0)

        async def work() -> int:
            answer = await self.site.ask("POST", path, body=body, may=(404,))
            if answer.status == 404:
                return 0
            with self.in_words(f"POST {path}"):
                count: int = form.read_field("count", form.INTEGER, answer.body)
            return count

        return self.run(work())

    def bonus_entries(self, user_id: int, before: int, limit: int) -> Deferred[list[BonusEntry]]:
        """See `IBonusStore`."""
        if not possible(user_id):
            return succeed([])
        query = {"before": min(before, INT64_MAX), "limit": limit}
        return self.run(self.all("entries", form.read_entry, f"/users/{user_id}/bonus", query))

    def add_bonus_entry(self, entry: BonusEntry) -> Deferred[tuple[BonusEntry, bool]]:
        """See `IBonusStore`."""
        path = f"/users/{entry.user_id}/bonus"
        body = body_of({"entry": form.entry_as_json(entry)})

        async def work() -> tuple[BonusEntry, bool]:
            answer = await self.site.ask("POST", path, body=body, may=(404, 409))
            if answer.status == 404:
                raise no_user(entry.user_id)
            self.refuse_conflict(answer, TOO_LITTLE_BONUS, 1)
            with self.in_words(f"POST {path}"):
                kept: Any = form.read_field("entry", form.OBJECT, answer.body)
                new: bool = form.read_field("new", form.FLAG, answer.body)
                return form.read_entry(kept), new

        return self.run(work())

    def apply_history(self, batch: HistoryBatch) -> Deferred[None]:
        """See `IHistoryStore`."""
        rows = map(form.history_as_json, list(batch.growth))
        return self.run(self.apply("history", batch.mark, growth=rows))

    def history_of(self, user_id: int, after: bytes, limit: int) -> Deferred[list[History]]:
        """See `IHistoryStore`."""
        if not possible(user_id):
            return succeed([])
        query = {"after": after.hex(), "limit": limit}
        return self.run(self.all("history", form.read_history, f"/users/{user_id}/history", query))

    def debts(self, after: tuple[int, bytes], limit: int, info_hash: bytes | None = None) -> Deferred[list[History]]:
        """See `IHistoryStore`."""
        query = {"user_id": after[0], "info_hash": after[1].hex(), "limit": limit}
        query |= {} if info_hash is None else {"torrent": info_hash.hex()}
        return self.run(self.all("history", form.read_history, "/debts", query))

    def save_debts(self, debts: list[tuple[int, bytes, Debt]]) -> Deferred[None]:
        """See `IHistoryStore`."""
        rows = [
            {"user_id": str(user_id), "info_hash": info_hash.hex(), "debt": str(int(debt))}
            for user_id, info_hash, debt in debts
        ]
        return self.run(self.save("/debts", body_of({"debts": rows})))

    def suspicion(self, suspicion_id: int) -> Deferred[Suspicion | None]:
        """See `ISuspicionStore`."""
        if not possible(suspicion_id):
            return succeed(None)
        return self.run(self.one(f"/suspicions/{suspicion_id}", form.read_suspicion))

    def suspicion_of(self, kind: str, user_id: int, info_hash: bytes) -> Deferred[Suspicion | None]:
        """See `ISuspicionStore`."""
        if not possible(user_id):
            return succeed(None)
        query = {"kind": kind, "info_hash": info_hash.hex()}
        return self.run(self.one(f"/users/{user_id}/suspicion", form.read_suspicion, query))

    def list_suspicions(self, sought: Sought, before: int, limit: int) -> Deferred[list[Suspicion]]:
        """See `ISuspicionStore`."""
        if not possible(sought.user_id or 0):
            return succeed([])
        named = {"state": sought.state, "user_id": sought.user_id, "kind": sought.kind}
        query: dict[str, object] = {"before": min(before, INT64_MAX), "limit": limit, "score": sought.score}
        query |= {name: value for name, value in named.items() if value is not None}
        return self.run(self.all("suspicions", form.read_suspicion, query=query))

    def replace_suspicion(self, old: Suspicion | None, new: Suspicion) -> Deferred[Suspicion | None]:
        """See `ISuspicionStore`."""
        content = {"old": None if old is None else form.suspicion_as_json(old), "new": form.suspicion_as_json(new)}

        async def work() -> Suspicion | None:
            answer = await self.site.ask("POST", "/suspicions", body=body_of(content), may=(409,))
            if answer.status == 409:
                return None
            with self.in_words("POST /suspicions"):
                return form.read_suspicion(answer.body)

        return self.run(work())
