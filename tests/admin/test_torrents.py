"""Torrents by REST: every field there and back, all-or-nothing arrays, and what PUT and PATCH leave alone."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from mika.model import Totals
from mika.store.memory import MemoryStore

HASH = "aa" * 20
V2 = "dd" * 32
TORRENT = f"/v1/torrents/{HASH}"
EVERY_FIELD = {
    "info_hash": HASH,
    "info_hash_v2": V2,
    "name": "Ünïcode 名",
    "size": 2**53,
    "enabled": False,
    "reason": "Wrong audio",
    "multiplier_up": 1.25,
    "multiplier_down": 0,
    "completed": 3,
    "uploaded": 2**63 - 1,
    "downloaded": 5,
    "uploaded_real": 6,
    "downloaded_real": 7,
    "announces": 8,
}
MADE = {"seeders": 0, "leechers": 0, "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z"}
DEFAULTS = {
    "info_hash_v2": None,
    "name": "",
    "size": 0,
    "enabled": True,
    "reason": "",
    "multiplier_up": 1,
    "multiplier_down": 1,
    "completed": 0,
    "uploaded": 0,
    "downloaded": 0,
    "uploaded_real": 0,
    "downloaded_real": 0,
    "announces": 0,
}


def test_every_field_that_is_sent_is_shown(admin):
    """A torrent comes back as it was sent, with its place."""
    reply = admin.send("POST", "/v1/torrents", EVERY_FIELD)
    assert (reply.status, reply.json) == (201, EVERY_FIELD | MADE)
    assert reply.headers["Location"] == TORRENT
    assert admin.send("GET", TORRENT).json == EVERY_FIELD | MADE


def test_info_hash_alone_is_enough(admin):
    """Everything else has a default."""
    assert admin.send("POST", "/v1/torrents", {"info_hash": HASH}).json == {"info_hash": HASH} | DEFAULTS | MADE


def test_upper_case_hash_is_the_same_torrent(admin):
    """Clients write hashes in either case; the answer is in lower case."""
    assert admin.send("POST", "/v1/torrents", {"info_hash": HASH.upper()}).json["info_hash"] == HASH
    assert admin.send("GET", f"/v1/torrents/{HASH.upper()}").json["info_hash"] == HASH


def test_hybrid_torrent_is_found_by_either_hash(admin):
    """Clients announce the v2 hash cut to 20 bytes (BEP 52)."""
    admin.send("POST", "/v1/torrents", {"info_hash": HASH, "info_hash_v2": V2})
    assert admin.send("GET", f"/v1/torrents/{V2[:40]}").json["info_hash"] == HASH


def test_added_torrent_counts_on_the_next_announce(admin):
    """The dictionary has it, and that it was absent is forgotten."""
    info_hash = bytes.fromhex(HASH)
    now = admin.directory.now()
    admin.directory.absent.add(info_hash, now)
    admin.send("POST", "/v1/torrents", {"info_hash": HASH})
    assert info_hash in admin.directory.torrents
    assert not admin.directory.absent.has(info_hash, now)


def test_change_counts_on_the_next_announce(admin):
    """The tracker's own object has changed by the time of the answer."""
    admin.send("POST", "/v1/torrents", {"info_hash": HASH})
    live = admin.directory.torrents[bytes.fromhex(HASH)]
    admin.send(
        "PATCH", TORRENT, {"enabled": False, "reason": "Wrong audio", "multiplier_down": 0.5, "info_hash_v2": V2}
    )
    assert admin.directory.torrents[bytes.fromhex(HASH)] is live
    assert admin.directory.torrents[bytes.fromhex(V2)[:20]] is live
    assert (live.enabled, live.reason, live.multiplier_down) == (False, "Wrong audio", 500)


def test_patch_changes_only_what_is_named(admin):
    """Everything else stays, but for the time of the change."""
    before = admin.send("POST", "/v1/torrents", EVERY_FIELD).json
    admin.clock.advance(60)
    reply = admin.send("PATCH", TORRENT, {"name": "new", "info_hash_v2": None, "announces": 1})
    changed = {"name": "new", "info_hash_v2": None, "announces": 1, "updated_at": "2026-11-22T10:01:00Z"}
    assert (reply.status, reply.json) == (200, before | changed)


def test_put_creates_what_is_absent(admin):
    """With the hash from the path; a second time it replaces."""
    reply = admin.send("PUT", TORRENT, {"name": "one"})
    assert (reply.status, reply.json) == (201, {"info_hash": HASH} | DEFAULTS | MADE | {"name": "one"})
    assert admin.send("PUT", TORRENT, {"info_hash": HASH, "name": "two"}).status == 200
    assert admin.send("GET", TORRENT).json["name"] == "two"


def test_put_resets_what_is_not_named_but_for_the_counters(admin):
    """Counters are history, not settings."""
    admin.send("POST", "/v1/torrents", EVERY_FIELD)
    reply = admin.send("PUT", TORRENT, {"announces": 9})
    counters = ("completed", "uploaded", "downloaded", "uploaded_real", "downloaded_real")
    kept = {name: EVERY_FIELD[name] for name in counters} | {"announces": 9}
    assert (reply.status, reply.json) == (200, {"info_hash": HASH} | DEFAULTS | MADE | kept)


def test_put_of_a_hash_that_is_another_torrents_is_409(admin):
    """The v2 hash is taken: nothing is created."""
    admin.send("POST", "/v1/torrents", EVERY_FIELD)
    assert admin.send("PUT", f"/v1/torrents/{'ee' * 20}", {"info_hash_v2": V2}).status == 409
    assert admin.send("GET", f"/v1/torrents/{'ee' * 20}").status == 404


def test_deleted_torrent_is_gone_but_its_reason_stays(admin):
    """The API knows it no more; the tracker tells members why."""
    admin.send("POST", "/v1/torrents", EVERY_FIELD)
    reply = admin.send("DELETE", f"{TORRENT}?reason=A%20better%20one%3A%20%E2%86%92")
    assert (reply.status, reply.json) == (204, None)
    live = admin.directory.torrents[bytes.fromhex(HASH)]
    assert (live.deleted, live.reason) == (True, "A better one: →")
    assert admin.send("GET", TORRENT).status == 404
    assert admin.send("DELETE", TORRENT).status == 404
    assert admin.send("GET", "/v1/torrents").json["items"] == []


def test_deleted_torrent_can_be_added_anew(admin):
    """By POST and by PUT, with nothing of its former self."""
    for method, path, body in (("POST", "/v1/torrents", {"info_hash": HASH}), ("PUT", TORRENT, {})):
        admin.send("PUT", TORRENT, {"name": "old", "uploaded": 5})
        admin.send("DELETE", TORRENT)
        reply = admin.send(method, path, body)
        assert (reply.status, reply.json) == (201, {"info_hash": HASH} | DEFAULTS | MADE)
        admin.send("DELETE", TORRENT)


def test_totals_are_the_live_ones(admin):
    """What an announce added is shown before it is in the store, alone and in the list."""
    admin.send("POST", "/v1/torrents", EVERY_FIELD | {"uploaded": 1})
    admin.directory.torrents[bytes.fromhex(HASH)].totals.add(Totals(uploaded=10, completed=1))
    (listed,) = admin.send("GET", "/v1/torrents").json["items"]
    for shown in (listed, admin.send("GET", TORRENT).json):
        assert (shown["uploaded"], shown["completed"]) == (11, 4)


class SlowStore(MemoryStore):
    """A store that takes its time to write a change."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []

    def save_torrent(self, torrent, growth=None):
        """Do it when told to."""
        waiter: Deferred[None] = Deferred()
        self.waiting.append(waiter)
        return waiter.addCallback(lambda _: MemoryStore.save_torrent(self, torrent, growth))


def test_announce_during_a_correction_is_added_to_it(make_admin, wait):
    """Staff set the total to 100 while an announce adds 7: it is 107, in memory and in the store."""
    admin = make_admin(SlowStore())
    admin.send("POST", "/v1/torrents", {"info_hash": HASH, "uploaded": 50})
    live = admin.directory.torrents[bytes.fromhex(HASH)]
    live.totals.add(Totals(uploaded=5))  # credited, not written
    changing = Deferred.fromCoroutine(admin.directory.change_torrent(live.info_hash, {}, {"uploaded": 100}))
    live.totals.add(Totals(uploaded=7))
    admin.store.waiting.pop().callback(None)
    wait(changing)
    stored = wait(admin.store.torrent(live.info_hash)).totals.uploaded
    assert live.totals.uploaded == 107
    assert stored + live.totals.since(live.written).uploaded == 107


def test_pages_follow_each_other(admin):
    """`next` of one page is `after` of the following; each torrent comes once, in order."""
    hashes = sorted(f"{number * 7919 % 251:040x}" for number in range(25))
    admin.send("POST", "/v1/torrents", [{"info_hash": each} for each in reversed(hashes)])
    found, after, pages = [], "", 0
    while after is not None:
        page = admin.send("GET", f"/v1/torrents?limit=10{after and '&after=' + after}").json
        found += [item["info_hash"] for item in page["items"]]
        after, pages = page["next"], pages + 1
    assert (found, pages) == (hashes, 3)


def test_page_that_is_just_full_has_no_next(admin):
    """No empty page at the end."""
    admin.send("POST", "/v1/torrents", [{"info_hash": f"{number:040x}"} for number in range(10)])
    assert admin.send("GET", "/v1/torrents?limit=10").json["next"] is None


def test_patch_of_an_array_changes_what_each_names(admin):
    """In its order; a counter is set, and what an item does not name stays."""
    before = admin.send("POST", "/v1/torrents", [{"info_hash": "aa" * 20, "size": 5}, {"info_hash": "bb" * 20}]).json
    changes = [{"info_hash": "bb" * 20, "multiplier_down": 0}, {"info_hash": "AA" * 20, "completed": 3, "name": "x"}]
    reply = admin.send("PATCH", "/v1/torrents", changes)
    changed = [before[1] | {"multiplier_down": 0}, before[0] | {"completed": 3, "name": "x"}]
    assert (reply.status, reply.json) == (200, changed)
    assert admin.send("GET", "/v1/torrents").json["items"] == changed[::-1]
    assert admin.send("PATCH", "/v1/torrents", changes[0] | {"size": 1}).json == changed[0] | {"size": 1}


def test_array_is_answered_in_its_order(admin):
    """So that a site can match what it sent."""
    hashes = [f"{number:040x}" for number in (3, 1, 2)]
    reply = admin.send("POST", "/v1/torrents", [{"info_hash": each} for each in hashes])
    assert reply.status == 201
    assert [item["info_hash"] for item in reply.json] == hashes
    assert admin.send("POST", "/v1/torrents", []).json == []


def test_ten_thousand_at_once_are_taken(admin):
    """A site moves in with one request."""
    items = [EVERY_FIELD | {"info_hash": f"{number:040x}", "info_hash_v2": None} for number in range(10_000)]
    reply = admin.send("POST", "/v1/torrents", items)
    assert (reply.status, len(reply.json)) == (201, 10_000)


def test_seeders_and_leechers_are_those_of_the_swarm(admin):
    """As an announce of the same moment would be told."""
    admin.send("POST", "/v1/torrents", {"info_hash": HASH})
    swarm, _peer = admin.swarms.join(bytes.fromhex(HASH), 1, b"-TR4060-abcdefghijkl", admin.directory.now())
    swarm.complete, swarm.incomplete = 2, 3
    shown = admin.send("GET", TORRENT).json
    assert (shown["seeders"], shown["leechers"]) == (2, 3)
