"""Users by REST: every field there and back, passkeys that turn at once, and corrections that lose no announce."""

from __future__ import annotations

import re

import pytest
from twisted.internet.defer import Deferred, fail

from mika.errors import StoreError
from mika.model import Totals
from mika.store.memory import MemoryStore

EVERY_FIELD = {
    "id": 7,
    "name": "Ann Ünïcode",
    "passkey": "A-Z_a-z_0-9",
    "role": 1,
    "enabled": False,
    "download_enabled": False,
    "upload_enabled": False,
    "uploaded": 2**63 - 1,
    "downloaded": 2,
    "uploaded_real": 3,
    "downloaded_real": 4,
    "bonus": "12.000000001",
    "seed_seconds": 5,
    "announces": 6,
    "multiplier_up": 2,
    "multiplier_down": 0.125,
    "remote_id": "forum-12",
}
MADE = {"created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z"}
DEFAULTS = {
    "role": 1,
    "enabled": True,
    "download_enabled": True,
    "upload_enabled": True,
    "uploaded": 0,
    "downloaded": 0,
    "uploaded_real": 0,
    "downloaded_real": 0,
    "bonus": "0",
    "seed_seconds": 0,
    "announces": 0,
    "multiplier_up": 1,
    "multiplier_down": 1,
    "remote_id": None,
}


def test_every_field_that_is_sent_is_shown(admin):
    """A user comes back as sent, with a place."""
    reply = admin.send("POST", "/v1/users", EVERY_FIELD)
    assert (reply.status, reply.json) == (201, EVERY_FIELD | MADE)
    assert reply.headers["Location"] == "/v1/users/7"
    assert admin.send("GET", "/v1/users/7").json == EVERY_FIELD | MADE


def test_name_alone_is_enough(admin):
    """Id and passkey are made."""
    shown = admin.send("POST", "/v1/users", {"name": "ann"}).json
    assert re.fullmatch(r"[0-9a-f]{32}", shown["passkey"])
    assert shown == {"id": 1, "name": "ann", "passkey": shown["passkey"]} | DEFAULTS | MADE


def test_array_is_answered_in_its_order_with_ids(admin):
    """Those that bring an id keep it; the others get one that is free."""
    reply = admin.send("POST", "/v1/users", [{"name": "a"}, {"name": "b", "id": 1}, {"name": "c"}])
    assert [user["name"] for user in reply.json] == ["a", "b", "c"]
    assert len({user["id"] for user in reply.json}) == len({user["passkey"] for user in reply.json}) == 3
    assert reply.json[1]["id"] == 1


def test_added_user_counts_on_the_next_announce(admin):
    """The dictionary has the passkey, and that it was absent is forgotten."""
    now = admin.directory.now()
    admin.directory.absent.add("passkey-one", now)
    admin.send("POST", "/v1/users", {"name": "ann", "passkey": "passkey-one"})
    assert admin.directory.users["passkey-one"].name == "ann"
    assert not admin.directory.absent.has("passkey-one", now)


def test_new_passkey_counts_at_once_and_the_old_one_stops(admin):
    """The answer is the user with the new one; nothing else has changed."""
    before = admin.send("POST", "/v1/users", EVERY_FIELD).json
    reply = admin.send("POST", "/v1/users/7/passkey")
    new = reply.json["passkey"]
    assert (reply.status, reply.json) == (200, before | {"passkey": new})
    assert re.fullmatch(r"[0-9a-f]{32}", new)
    assert list(admin.directory.users) == [new]


def test_passkey_of_ones_own_can_be_set(admin):
    """A site that moves in keeps the passkeys in its members' torrents."""
    admin.send("POST", "/v1/users", EVERY_FIELD)
    admin.send("PATCH", "/v1/users/7", {"passkey": "brought-along"})
    assert list(admin.directory.users) == ["brought-along"]
    assert admin.send("GET", "/v1/users/7").json["passkey"] == "brought-along"


def test_patch_changes_only_what_is_named(admin):
    """Everything else stays, but for the time of the change."""
    before = admin.send("POST", "/v1/users", EVERY_FIELD).json
    admin.clock.advance(60)
    reply = admin.send("PATCH", "/v1/users/7", {"enabled": True, "remote_id": None, "bonus": "0.5", "uploaded": 1})
    changed = {"enabled": True, "remote_id": None, "bonus": "0.5", "uploaded": 1, "updated_at": "2026-11-22T10:01:00Z"}
    assert (reply.status, reply.json) == (200, before | changed)


def test_patch_of_an_array_changes_what_each_names(admin):
    """Answered in its order; what an item does not name stays, and each has a new ETag."""
    before = admin.send("POST", "/v1/users", [EVERY_FIELD, {"name": "bob", "id": 9}]).json
    tag = admin.send("GET", "/v1/users/9").headers["ETag"]
    reply = admin.send("PATCH", "/v1/users", [{"id": 9, "bonus": "0.5"}, {"id": 7, "enabled": True, "uploaded": 1}])
    changed = [before[1] | {"bonus": "0.5"}, before[0] | {"enabled": True, "uploaded": 1}]
    assert (reply.status, reply.json) == (200, changed)
    assert [admin.send("GET", f"/v1/users/{each}").json for each in (9, 7)] == changed
    assert admin.send("PATCH", "/v1/users/9", {"name": "x"}, if_match=tag).status == 412


@pytest.mark.parametrize(("token", "status"), [("reader", 403), (None, 401), ("writer", 200)])
def test_patch_of_an_array_needs_a_token_that_writes(admin, token, status):
    """As any other change."""
    admin.send("POST", "/v1/users", {"name": "ann"})
    assert admin.send("PATCH", "/v1/users", [{"id": 1, "name": "x"}], token=token).status == status


def test_patch_of_an_object_names_the_user_inside(admin):
    """One instead of an array is answered with one; an empty array with an empty one."""
    before = admin.send("POST", "/v1/users", EVERY_FIELD).json
    assert admin.send("PATCH", "/v1/users", {"id": 7, "name": "x"}).json == before | {"name": "x"}
    assert (admin.send("PATCH", "/v1/users", []).status, admin.send("PATCH", "/v1/users", []).json) == (200, [])


def test_patch_of_nothing_is_fine(admin):
    """An empty object names nothing."""
    before = admin.send("POST", "/v1/users", EVERY_FIELD).json
    assert admin.send("PATCH", "/v1/users/7", {}).json == before


def test_put_creates_under_the_id_of_the_path(admin):
    """And replaces the second time."""
    reply = admin.send("PUT", "/v1/users/7", {"name": "ann", "passkey": "passkey-one"})
    assert (reply.status, reply.json) == (
        201,
        {"id": 7, "name": "ann", "passkey": "passkey-one"} | DEFAULTS | MADE,
    )
    assert admin.send("PUT", "/v1/users/7", {"id": 7, "name": "bob"}).status == 200


def test_put_resets_what_is_not_named_but_for_passkey_and_counters(admin):
    """A site can send its settings again and again; members keep what they earned."""
    admin.send("POST", "/v1/users", EVERY_FIELD)
    reply = admin.send("PUT", "/v1/users/7", {"name": "ann"})
    counters = ("uploaded", "downloaded", "uploaded_real", "downloaded_real", "bonus", "seed_seconds", "announces")
    kept = {name: EVERY_FIELD[name] for name in ("id", "passkey", *counters)}
    assert (reply.status, reply.json) == (200, DEFAULTS | MADE | kept | {"name": "ann"})


def test_put_sets_passkey_and_counters_that_are_named(admin):
    """They stay only when nothing is said of them."""
    admin.send("POST", "/v1/users", EVERY_FIELD)
    shown = admin.send("PUT", "/v1/users/7", {"name": "ann", "passkey": "passkey-two", "uploaded": 9}).json
    assert (shown["passkey"], shown["uploaded"], shown["downloaded"]) == ("passkey-two", 9, 2)


def test_deleted_user_is_gone_at_once(admin):
    """From memory, from the list, and by id."""
    admin.send("POST", "/v1/users", EVERY_FIELD)
    assert admin.send("DELETE", "/v1/users/7").status == 204
    assert (admin.directory.users, admin.directory.users_by_id) == ({}, {})
    assert admin.send("GET", "/v1/users/7").status == 404
    assert admin.send("GET", "/v1/users").json == {"items": [], "next": None}


def test_totals_are_the_live_ones(admin):
    """What an announce added is shown before it is in the store, alone and in the list."""
    admin.send("POST", "/v1/users", {"name": "ann", "bonus": "1"})
    admin.directory.users_by_id[1].totals.add(Totals(uploaded=10, bonus=1))
    (listed,) = admin.send("GET", "/v1/users").json["items"]
    for shown in (listed, admin.send("GET", "/v1/users/1").json):
        assert (shown["uploaded"], shown["bonus"]) == (10, "1.000000001")


def test_pages_follow_each_other(admin):
    """`next` of one page is `after` of the following; each user comes once, in order."""
    admin.send("POST", "/v1/users", [{"name": f"user {number}"} for number in range(25)])
    found, after, pages = [], "", 0
    while after is not None:
        page = admin.send("GET", f"/v1/users?limit=10{after and '&after=' + after}").json
        found += [item["id"] for item in page["items"]]
        after, pages = page["next"], pages + 1
    assert (found, pages) == (list(range(1, 26)), 3)


def test_list_is_of_a_hundred_unless_more_are_asked_for(admin):
    """The default and the most."""
    admin.send("POST", "/v1/users", [{"name": f"user {number}"} for number in range(1001)])
    assert len(admin.send("GET", "/v1/users").json["items"]) == 100
    assert len(admin.send("GET", "/v1/users?limit=1000").json["items"]) == 1000


class SlowStore(MemoryStore):
    """A store that takes its time to write a change."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []

    def save_user(self, user, growth=None):
        """Do it when told to."""
        waiter: Deferred[None] = Deferred()
        self.waiting.append(waiter)
        return waiter.addCallback(lambda _: MemoryStore.save_user(self, user, growth))


def test_announce_during_a_correction_is_added_to_it(make_admin, wait):
    """Staff set the total to 100 while an announce adds 7: it is 107, in memory and in the store."""
    admin = make_admin(SlowStore())
    admin.send("POST", "/v1/users", {"name": "ann", "uploaded": 50})
    live = admin.directory.users_by_id[1]
    live.totals.add(Totals(uploaded=5))  # credited, not written
    changing = Deferred.fromCoroutine(admin.directory.change_user(1, {}, {"uploaded": 100}))
    live.totals.add(Totals(uploaded=7))
    admin.store.waiting.pop().callback(None)
    wait(changing)
    stored = wait(admin.store.user_by_id(1)).totals.uploaded
    assert live.totals.uploaded == 107
    assert stored + live.totals.since(live.written).uploaded == 107


class FullStore(MemoryStore):
    """A store that can be read and not written."""

    def save_user(self, user, growth=None):
        """Fail."""
        return fail(StoreError("the users store is full"))


def test_change_that_the_store_does_not_take_changes_nothing(make_admin):
    """Memory says what the store says."""
    admin = make_admin(FullStore())
    before = admin.send("POST", "/v1/users", EVERY_FIELD).json
    reply = admin.send("PATCH", "/v1/users/7", {"name": "new", "passkey": "passkey-new", "uploaded": 1})
    assert (reply.status, reply.json["detail"]) == (503, "the users store is full")
    assert admin.send("GET", "/v1/users/7").json == before
    assert list(admin.directory.users) == ["A-Z_a-z_0-9"]
