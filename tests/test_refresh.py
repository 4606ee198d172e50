"""What others change in a store counts, and what they add to totals is neither lost nor taken for ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import result
from flushing import Setting, said

from mika.errors import StoreError
from mika.interfaces import Change
from mika.model import Role, Torrent, Totals, User
from mika.refresh import INTERVAL, Refresher
from mika.store.registry import Stores

DOWN = StoreError("The database is down.")


class Heard(Setting):
    """A site that hears of changes in its store."""

    def start(self, users=(), torrents=()):
        """Start it with what reads anew."""
        super().start(users, torrents)
        stores = Stores(self.store, self.store, self.store)
        self.refresher = Refresher(self.site.directory, stores, self.site.clock)
        result(self.refresher.startService())

    def hear(self, *changes):
        """Let the store tell of changes, and wait until they are read."""
        for change in changes:
            self.refresher.hear(change)
        self.site.clock.advance(INTERVAL)

    def refusal(self, user=0, torrent=0, **said):
        """Return why an announce is refused, None if it is not."""
        answer = self.site.announce(self.passkeys[user], info_hash=self.hashes[torrent], **said)
        return answer.get("failure code")


def test_user_who_was_disabled_is_refused():
    """Everything about a user counts from the next announce, and the peers of who is disabled leave."""
    setting = Heard()
    setting.announce()
    stored = setting.stored_user()
    result(setting.store.save_user(replace(stored, enabled=False, multiplier_up=2000)))
    setting.hear(Change("user", 1))
    assert setting.refusal() == b"user_disabled"
    assert setting.site.swarms.peer_count == 0
    assert setting.site.user(setting.passkeys[0]).multiplier_up == 2000


def test_new_passkey_counts_and_the_old_one_does_not():
    """The same live account, under another key."""
    setting = Heard()
    setting.announce()
    result(setting.store.save_user(replace(setting.stored_user(), passkey="passkey-new")))
    setting.hear(Change("user", 1))
    assert setting.refusal() == b"passkey_invalid"
    assert "failure reason" not in setting.site.announce("passkey-new", info_hash=setting.hashes[0])


@pytest.mark.parametrize("key", [3, None])
def test_user_who_was_added_is_not_absent_any_more(key):
    """A member signs up just after a client asked with the new passkey."""
    setting = Heard()
    setting.passkeys.append("passkey-0003")
    assert setting.refusal(2) == b"passkey_invalid"
    result(setting.store.add_users([User(0, "new", "passkey-0003")]))
    setting.hear(Change("user", key))
    assert setting.refusal(2) is None


@pytest.mark.parametrize("key", [1, None])
def test_user_who_was_deleted_is_gone(key):
    """With their peers; and who is added with the id starts from nothing."""
    setting = Heard()
    setting.announce()
    setting.announce(uploaded=5)
    result(setting.store.delete_user(1))
    setting.hear(Change("user", key))
    assert setting.refusal() == b"passkey_invalid"
    assert setting.site.swarms.peer_count == 0
    result(setting.site.directory.add_users([User(1, "again", setting.passkeys[0])]))
    setting.flush()
    assert setting.stored_user().totals == Totals()


@pytest.mark.parametrize("key", [True, False])
def test_torrent_that_was_changed_disabled_or_deleted(key):
    """Its words, its hashes, and its swarm."""
    setting = Heard(torrents=2)
    info_hash = setting.hashes[0]
    change = Change("torrent", info_hash if key else None)
    setting.announce()
    result(setting.store.save_torrent(Torrent(info_hash, enabled=False, reason="low quality")))
    setting.hear(change)
    assert setting.refusal() == b"torrent_disabled"
    result(setting.store.save_torrent(Torrent(info_hash, info_hash_v2=b"v" * 32)))
    setting.hear(change)
    answer = setting.site.announce(setting.passkeys[1], info_hash=b"v" * 20)
    assert answer["incomplete"] == 2
    result(setting.store.save_torrent(Torrent(info_hash, deleted=True, reason="gone")))
    setting.hear(change)
    assert setting.refusal() == b"torrent_unregistered"
    assert setting.site.swarms.peer_count == 0


def test_roles_and_whitelist_count():
    """The ledger looks into the very dictionary of the directory."""
    setting = Heard()
    setting.announce()
    result(setting.store.save_role(Role(1, "member", multiplier_up=3000)))
    result(setting.store.save_whitelisted("-TR40", "Transmission"))
    setting.hear(Change("role"), Change("whitelist"))
    setting.announce(uploaded=10)
    assert setting.site.user(setting.passkeys[0]).totals.uploaded == 30
    assert setting.site.directory.prefixes() == (b"-TR40",)


@pytest.mark.parametrize("flushed", [True, False])
def test_what_others_add_to_totals_is_added_to_the_live_ones(flushed):
    """A site gives 100 bytes and takes 3: with what announces add meanwhile, in whatever order they are written."""
    setting = Heard()
    setting.announce()
    setting.announce(uploaded=7, downloaded=5)
    if flushed:
        setting.flush()
    user = setting.store._users[1].totals
    user.uploaded += 100
    user.downloaded -= 3 if flushed else 0
    setting.store._torrents[setting.hashes[0]].totals.completed += 4
    setting.hear(Change("user", 1), Change("torrent", setting.hashes[0]))
    live = setting.site.user(setting.passkeys[0])
    assert (live.totals.uploaded, live.totals.downloaded) == (107, 2 if flushed else 5)
    assert setting.site.torrent(setting.hashes[0]).totals.completed == 4
    setting.announce(uploaded=8, downloaded=5)
    setting.flush()
    assert setting.stored_user().totals == live.totals == live.written
    assert setting.stored_user().totals.uploaded == 108
    setting.hear(Change("user", 1), Change("user"), Change("torrent"))
    assert live.totals == setting.stored_user().totals


def test_totals_wait_while_a_batch_is_in_doubt():
    """Our own growth, of a batch whose answer was lost, is not taken for a gift of the site."""
    setting = Heard()
    setting.announce()
    setting.announce(uploaded=7)
    setting.store.lost = {"users"}
    with said():
        setting.flush()
        setting.store._users[1].totals.uploaded += 100
        setting.hear(Change("user", 1))
        live = setting.site.user(setting.passkeys[0])
        assert live.totals.uploaded == 7
        setting.store.lost = set()
        setting.flush()
        setting.site.clock.advance(INTERVAL)
    assert live.totals.uploaded == 107
    assert live.totals == live.written == setting.stored_user().totals


def test_change_that_cannot_be_read_is_read_later():
    """A store that fails just then is asked again until it answers."""
    setting = Heard()
    setting.announce()
    result(setting.store.save_user(replace(setting.stored_user(), enabled=False)))
    by_id = setting.store.user_by_id

    def failing(_user_id):
        raise DOWN

    setting.store.user_by_id = failing
    setting.hear(Change("user", 1))
    assert setting.refusal() is None
    setting.store.user_by_id = by_id
    setting.site.clock.advance(INTERVAL)
    assert setting.refusal() == b"user_disabled"


def test_many_changes_of_one_account_are_one_read():
    """A site that writes a user's row a hundred times costs one read, and one of everything covers them all."""
    setting = Heard()
    setting.announce()
    reads = []
    by_id = setting.store.user_by_id
    setting.store.user_by_id = lambda user_id: reads.append(user_id) or by_id(user_id)
    setting.hear(*[Change("user", 1)] * 100)
    assert reads == [1]
    setting.hear(Change("user", 1), Change("user"))
    assert reads == [1]


def test_preload_reads_everything_and_then_nothing():
    """Members and torrents are there, deleted ones with their reason; what is not there is not looked for."""
    setting = Heard(users=3, torrents=3)
    result(setting.store.save_torrent(Torrent(setting.hashes[1], deleted=True, reason="low quality")))
    setting.stop()
    setting.start()
    result(setting.refresher.read_everything())
    calls = []
    for name in ("user_by_passkey", "torrent"):
        setattr(setting.store, name, calls.append)
    assert setting.refusal(2, 2) is None
    assert b"low quality" in setting.site.announce(setting.passkeys[0], info_hash=setting.hashes[1])["failure reason"]
    setting.passkeys.append("invented-passkey")
    setting.hashes.append(b"invented" * 2 + b"hash")
    assert setting.refusal(3) == b"passkey_invalid"
    assert setting.refusal(0, 3) == b"torrent_unregistered"
    assert calls == []
