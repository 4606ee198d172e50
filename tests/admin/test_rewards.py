"""Freeleech tokens and the bonus ledger by REST: exact, at once, and never below zero."""

from __future__ import annotations

import pytest
from builders import result
from twisted.internet.defer import Deferred, fail
from zope.interface import directlyProvides, implementer

from mika.errors import StoreError
from mika.interfaces import ITorrentStore, IUserStore
from mika.model import NANO_POINTS
from mika.store.memory import MemoryStore

HASH, HASH_V2 = "ab" * 20, "cd" * 32
UNTIL = "2026-12-24T18:00:00Z"


@pytest.fixture
def site(admin):
    """Make a tracker with users 1 and 2 and a hybrid torrent."""
    admin.send("POST", "/v1/users", [{"name": "anna", "bonus": "10"}, {"name": "ben"}])
    admin.send("POST", "/v1/torrents", {"info_hash": HASH, "info_hash_v2": HASH_V2, "name": "hybrid"})
    return admin


def test_token_is_given_shown_changed_and_taken(site):
    """By either hash of the torrent it is the same token, shown under the torrent's own."""
    given = site.send("PUT", f"/v1/users/1/freeleech/{HASH_V2[:40]}", {"until": "2026-12-24T19:00:00+01:00"})
    token = {"info_hash": HASH, "until": UNTIL}
    assert (given.status, given.json) == (201, token)
    assert site.send("GET", given.headers["Location"]).json == token
    assert site.send("GET", "/v1/users/1/freeleech").json == {"items": [token], "next": None}
    assert site.send("GET", "/v1/users/2/freeleech").json["items"] == []
    changed = site.send("PUT", f"/v1/users/1/freeleech/{HASH.upper()}", {"until": "2027-01-01T00:00:00Z"})
    assert (changed.status, changed.json["until"]) == (200, "2027-01-01T00:00:00Z")
    assert site.send("DELETE", f"/v1/users/1/freeleech/{HASH_V2[:40]}").status == 204
    assert site.send("DELETE", f"/v1/users/1/freeleech/{HASH}").status == 404
    assert site.send("GET", f"/v1/users/1/freeleech/{HASH}").status == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (f"/v1/users/1/freeleech/{HASH}", {"until": "2026-11-22T10:00:00Z"}, 422, "until: this is over already"),
        (f"/v1/users/1/freeleech/{HASH}", {"until": "tomorrow"}, 422, "until: a time is needed"),
        (f"/v1/users/1/freeleech/{HASH}", {"until": "2026-12-24T18:00:00"}, 422, "until: a time is needed"),
        (f"/v1/users/1/freeleech/{HASH}", {"until": "2026-13-24T18:00:00Z"}, 422, "until: a time is needed"),
        (f"/v1/users/1/freeleech/{HASH}", {"until": 7}, 422, "until: a time is needed"),
        (f"/v1/users/1/freeleech/{HASH}", {}, 422, "until: this field is required"),
        (f"/v1/users/9/freeleech/{HASH}", {"until": UNTIL}, 404, "no user with the id 9"),
        (f"/v1/users/1/freeleech/{'0' * 40}", {"until": UNTIL}, 404, "no torrent with the info hash 0000"),
        ("/v1/users/1/freeleech/77", {"until": UNTIL}, 400, "40 hex digits"),
    ],
)
def test_token_that_cannot_be_given(site, path, body, status, words):
    """In words, and nothing is given."""
    answer = site.send("PUT", path, body)
    assert answer.status == status
    assert words in answer.json["detail"]
    assert site.send("GET", "/v1/users/1/freeleech").json["items"] == []


def test_tokens_come_in_pages_without_those_that_are_over(site):
    """A token that is over is deleted when the next one is given."""
    hashes = [f"{number:02x}" * 20 for number in range(5)]
    site.send("POST", "/v1/torrents", [{"info_hash": each} for each in hashes])
    for hour, each in enumerate(hashes):
        site.send("PUT", f"/v1/users/1/freeleech/{each}", {"until": f"2026-11-22T1{hour + 1}:00:00Z"})
    first = site.send("GET", "/v1/users/1/freeleech?limit=2").json
    rest = site.send("GET", f"/v1/users/1/freeleech?limit=9&after={first['next']}").json
    assert [each["info_hash"] for each in first["items"] + rest["items"]] == hashes
    site.clock.advance(2 * 3600)
    assert [each["info_hash"] for each in site.send("GET", "/v1/users/1/freeleech").json["items"]] == hashes[2:]
    site.send("PUT", f"/v1/users/1/freeleech/{hashes[0]}", {"until": UNTIL})
    stored = result(site.store.user_by_id(1)).freeleech
    assert set(stored) == {bytes.fromhex(each) for each in (hashes[0], *hashes[2:])}


def test_bonus_is_given_and_spent(site):
    """Exactly; the latest comes first, in pages, and the user's bonus is what the last balance says."""
    amounts = ["2.5", "-12.499999999", "100", "-0.000000001"]
    for number, amount in enumerate(amounts):
        answer = site.send("POST", "/v1/users/1/bonus", {"amount": amount, "reason": f"no. {number}"})
        assert answer.status == 201
        assert answer.json["amount"] == amount
        assert site.send("GET", answer.headers["Location"]).json["items"] == [answer.json]
    first = site.send("GET", "/v1/users/1/bonus?limit=3").json
    rest = site.send("GET", f"/v1/users/1/bonus?after={first['next']}").json
    entries = first["items"] + rest["items"]
    assert [each["amount"] for each in entries] == amounts[::-1]
    assert [each["balance"] for each in entries] == ["100", "100.000000001", "0.000000001", "12.5"]
    assert entries[0] | {"id": 0} == {
        "id": 0,
        "amount": "-0.000000001",
        "balance": "100",
        "reason": "no. 3",
        "key": None,
        "created_at": "2026-11-22T10:00:00Z",
    }
    assert site.send("GET", "/v1/users/1").json["bonus"] == "100"
    assert site.send("GET", "/v1/users/2/bonus").json == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/users/1/bonus", {"amount": "-10.000000001"}, 409, "The user has less bonus than that."),
        ("/v1/users/1/bonus", {"amount": "9223372036"}, 409, "more bonus than can be kept"),
        ("/v1/users/1/bonus", {"amount": "0"}, 422, "amount: an amount other than 0"),
        ("/v1/users/1/bonus", {"amount": "-0.0"}, 422, "amount: an amount other than 0"),
        ("/v1/users/1/bonus", {"amount": 5}, 422, "amount: a decimal string"),
        ("/v1/users/1/bonus", {"amount": "--5"}, 422, "amount: a decimal string"),
        ("/v1/users/1/bonus", {"amount": "+5"}, 422, "amount: a decimal string"),
        ("/v1/users/1/bonus", {"amount": "1e3"}, 422, "amount: a decimal string"),
        ("/v1/users/1/bonus", {"amount": "9999999999"}, 422, "amount: this is more than can be kept"),
        ("/v1/users/1/bonus", {"reason": "gift"}, 422, "amount: this field is required"),
        ("/v1/users/1/bonus", {"amount": "1", "key": ""}, 422, "key: "),
        ("/v1/users/9/bonus", {"amount": "1"}, 404, "There is no user with the id 9."),
    ],
)
def test_entry_that_is_refused(site, path, body, status, words):
    """In words, and nothing is kept of it."""
    answer = site.send("POST", path, body)
    assert answer.status == status
    assert words in answer.json["detail"]
    assert site.send("GET", "/v1/users/1/bonus").json["items"] == []
    assert site.send("GET", "/v1/users/1").json["bonus"] == "10"


def test_entry_with_a_key_that_is_sent_again(site):
    """Is answered as it is, and counts once; another entry cannot have its key."""
    order = {"amount": "-4", "reason": "invitation", "key": "order 7"}
    first = site.send("POST", "/v1/users/1/bonus", order)
    again = site.send("POST", "/v1/users/1/bonus", order)
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    assert site.send("GET", "/v1/users/1").json["bonus"] == "6"
    other = site.send("POST", "/v1/users/1/bonus", order | {"amount": "-5"})
    assert (other.status, other.json["errors"][0]["field"]) == (409, "key")
    assert site.send("GET", "/v1/users/1").json["bonus"] == "6"


class LosingStore(MemoryStore):
    """Adds one entry, and loses the answer."""

    lost = False

    def add_bonus_entry(self, entry):
        """Add, and answer only from the second time on."""
        added = super().add_bonus_entry(entry)
        if self.lost:
            return added
        self.lost = True
        return added.addCallback(lambda _: fail(StoreError("The connection was lost.")))


def test_entry_whose_answer_was_lost_counts_once(make_admin):
    """Asked again with its key, the tracker finds it in the store, and then has it in memory as well."""
    admin = make_admin(LosingStore())
    admin.send("POST", "/v1/users", {"name": "anna", "bonus": "10"})
    order = {"amount": "-4", "key": "order 7"}
    assert admin.send("POST", "/v1/users/1/bonus", order).status == 503
    assert admin.send("POST", "/v1/users/1/bonus", order).status == 200
    user = admin.directory.users_by_id[1]
    assert user.totals.bonus == user.written.bonus == 6 * NANO_POINTS
    assert len(admin.send("GET", "/v1/users/1/bonus").json["items"]) == 1


def test_what_announces_earned_is_written_before_it_is_spent(site):
    """All that a member was shown can be spent, and if it cannot be written, nothing is."""
    user = site.directory.users_by_id[1]
    user.totals.bonus += 5 * NANO_POINTS
    settled = []

    def settle(kind):
        settled.append(kind)
        user.written.bonus += 5 * NANO_POINTS
        site.store._users[1].totals.bonus += 5 * NANO_POINTS
        waiting.callback(None)
        return waiting

    waiting: Deferred[None] = Deferred()
    site.directory.settle = settle
    assert site.send("POST", "/v1/users/1/bonus", {"amount": "-15"}).json["balance"] == "0"
    assert settled == ["users"]
    site.directory.settle = lambda _kind: fail(StoreError("The users store cannot be written to."))
    assert site.send("POST", "/v1/users/1/bonus", {"amount": "1"}).status == 503
    assert site.send("GET", "/v1/users/1").json["bonus"] == "0"


def test_spending_is_told(site):
    """To who reads events."""
    told = []
    site.directory.publish = lambda kind, fields: told.append((kind, fields))
    site.send("POST", "/v1/users/1/bonus", {"amount": "-1"})
    site.send("PUT", f"/v1/users/1/freeleech/{HASH}", {"until": UNTIL})
    assert told == [
        ("user", {"id": 1, "change": "changed", "fields": ["bonus"]}),
        ("user", {"id": 1, "change": "changed", "fields": ["freeleech"]}),
    ]


@implementer(IUserStore, ITorrentStore)
class SmallStore:
    """Another's adapter, which offers nothing beside."""

    def __init__(self):
        self._store = MemoryStore()
        directlyProvides(self, IUserStore, ITorrentStore)

    def __getattr__(self, name):
        return getattr(self._store, name)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/users/1/bonus", None),
        ("POST", "/v1/users/1/bonus", {"amount": "1"}),
        ("GET", "/v1/users/1/freeleech", None),
        ("GET", f"/v1/users/1/freeleech/{HASH}", None),
        ("PUT", f"/v1/users/1/freeleech/{HASH}", {"until": UNTIL}),
        ("DELETE", f"/v1/users/1/freeleech/{HASH}", None),
        ("GET", "/v1/users/1/torrents", None),
        ("GET", "/v1/debts", None),
        ("GET", "/v1/suspicions", None),
        ("GET", "/v1/suspicions/1", None),
        ("PATCH", "/v1/suspicions/1", {"state": "open"}),
    ],
)
def test_store_that_does_not_offer_it(make_admin, method, path, body):
    """Is said in words, with 501."""
    admin = make_admin(SmallStore())
    admin.send("POST", "/v1/users", {"name": "anna"})
    answer = admin.send(method, path, body)
    assert answer.status == 501
    assert answer.json["detail"].startswith("The users store of this tracker does not keep ")
