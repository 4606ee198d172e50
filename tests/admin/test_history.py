"""What a user did with each torrent, by REST."""

from __future__ import annotations

import pytest
from admin.conftest import NOW
from builders import result
from twisted.internet.defer import fail, succeed

from mika.config import Config
from mika.errors import StoreError
from mika.interfaces import HistoryBatch, Mark
from mika.model import LEFT_UNKNOWN, Debt, History, Totals
from mika.wire.request import AnnounceRequest

HASHES = [f"{number:02x}" * 20 for number in range(5)]
PATH = "/v1/users/1/torrents"
HOUR = 3600


def row(number: int, totals: Totals | None = None, **facts) -> History:
    """Return what user 1 did with a torrent."""
    facts = {"left": 0, "first_seen": NOW - HOUR, "last_seen": NOW} | facts
    return History(1, bytes.fromhex(HASHES[number]), totals or Totals(announces=1), **facts)


@pytest.fixture
def site(admin):
    """Make a tracker with two users, which counts hit and run."""
    admin.send("POST", "/v1/users", [{"name": "anna"}, {"name": "ben"}])
    terms = {"enabled": True, "seed_time": "10h", "ratio": 2, "deadline": "1d"}
    admin.api._context.configuration.config = Config.model_validate({"hit_and_run": terms})
    return admin


def keep(site, *rows: History) -> None:
    """Have the store keep these."""
    result(site.store.apply_history(HistoryBatch(Mark("a", 1), list(rows))))


def test_row_is_shown_with_what_is_owed(site):
    """Every field; what the user still owes, and until when."""
    owing = row(1, Totals(11, 12, 13, 14, 1_500_000_000, 2 * HOUR, 7, 1), completed_at=NOW - 60, debt=Debt.OWING)
    keep(site, row(0, left=LEFT_UNKNOWN), owing)
    shown = site.send("GET", PATH).json
    assert shown["next"] is None
    assert shown["items"] == [
        {
            "info_hash": HASHES[0],
            "uploaded": 0,
            "downloaded": 0,
            "uploaded_real": 0,
            "downloaded_real": 0,
            "bonus": "0",
            "seed_seconds": 0,
            "announces": 1,
            "left": None,
            "completed_at": None,
            "seeding": False,
            "first_seen": "2026-11-22T09:00:00Z",
            "last_seen": "2026-11-22T10:00:00Z",
            "state": "downloading",
            "seed_seconds_owed": 0,
            "deadline": None,
        },
        {
            "info_hash": HASHES[1],
            "uploaded": 11,
            "downloaded": 12,
            "uploaded_real": 13,
            "downloaded_real": 14,
            "bonus": "1.5",
            "seed_seconds": 2 * HOUR,
            "announces": 7,
            "left": 0,
            "seeding": False,
            "first_seen": "2026-11-22T09:00:00Z",
            "last_seen": "2026-11-22T10:00:00Z",
            "completed_at": "2026-11-22T09:59:00Z",
            "state": "owing",
            "seed_seconds_owed": 8 * HOUR,
            "deadline": "2026-11-23T09:59:00Z",
        },
    ]
    assert site.send("GET", "/v1/users/2/torrents").json == {"items": [], "next": None}


def test_seeding_is_who_seeds_now(site):
    """A client in the swarm that has everything; one that fell silent does not."""
    keep(site, row(1, completed_at=NOW, debt=Debt.OWING))
    info_hash = bytes.fromhex(HASHES[1])
    swarm, peer = site.swarms.join(info_hash, 1, b"p" * 20, NOW)
    site.swarms.refresh(swarm, peer, AnnounceRequest(None, info_hash, b"p" * 20, bytes(6), left=0), NOW)
    (shown,) = site.send("GET", PATH).json["items"]
    assert (shown["seeding"], shown["state"]) == (True, "seeding")
    site.swarms.silence(swarm, peer)
    (shown,) = site.send("GET", PATH).json["items"]
    assert (shown["seeding"], shown["state"]) == (False, "owing")


def test_state_is_that_of_the_moment(site):
    """Late when the deadline is over, whoever has looked; and nothing is owed while hit and run is off."""
    keep(site, row(1, completed_at=NOW, debt=Debt.OWING))
    site.clock.advance(24 * HOUR + 1)
    (shown,) = site.send("GET", PATH).json["items"]
    assert (shown["state"], shown["seed_seconds_owed"]) == ("hit_and_run", 10 * HOUR)
    site.api._context.configuration.config = Config()
    (shown,) = site.send("GET", PATH).json["items"]
    assert (shown["state"], shown["seed_seconds_owed"], shown["deadline"]) == ("satisfied", 0, None)


def pages(site, query: str) -> list[list[str]]:
    """Return the hashes of all pages."""
    found, after = [], ""
    while after is not None:
        answer = site.send("GET", f"{PATH}?{query}{after}").json
        found.append([each["info_hash"] for each in answer["items"]])
        after = None if answer["next"] is None else f"&after={answer['next']}"
    return found


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
def test_rows_come_in_pages(site, limit):
    """In order of info hash, each once; the last page says so."""
    keep(site, *(row(number) for number in range(5)))
    assert pages(site, f"limit={limit}") == [HASHES[at : at + limit] for at in range(0, 5, limit)]


@pytest.mark.parametrize("at_a_time", [1, 2, 1000])
@pytest.mark.parametrize("limit", [1, 2, 6])
def test_rows_of_a_state(site, monkeypatch, limit, at_a_time):
    """A page may be short, but together they are all that stand so."""
    monkeypatch.setattr("mika.admin.history._AT_A_TIME", at_a_time)
    monkeypatch.setattr("mika.admin.history._MOST", 3)
    debts = {0: Debt.OWING, 1: Debt.PAID, 2: Debt.OVERDUE, 3: Debt.OWING, 4: Debt.OWING}
    keep(site, *(row(at, completed_at=NOW - at * 10 * HOUR, debt=debt) for at, debt in debts.items()))
    for state, expected in {"owing": [0, 2], "hit_and_run": [3, 4], "satisfied": [1], "downloading": []}.items():
        found = [each for page in pages(site, f"limit={limit}&state={state}") for each in page]
        assert found == [HASHES[at] for at in expected]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/users/9/torrents", 404, "no user with the id 9"),
        (f"{PATH}?state=lazy", 422, "state: "),
        (f"{PATH}?after=7", 422, "after: the `next` of a page before"),
        (f"{PATH}?limit=0", 422, "limit: "),
    ],
)
def test_question_that_is_refused(site, path, status, words):
    """In words."""
    answer = site.send("GET", path)
    assert answer.status == status
    assert words in answer.json["detail"]


def test_what_waits_is_written_first(site):
    """So that the last announce is included; where it cannot be written, that is said."""
    settled = []
    site.directory.settle = lambda kind: settled.append(kind) or succeed(None)
    site.send("GET", PATH)
    assert settled == ["history"]
    site.directory.settle = lambda _kind: fail(StoreError("The history store cannot be written to."))
    assert site.send("GET", PATH).status == 503


# ---- /v1/debts


def owing(user_id: int, number: int, done: int = 0, **facts) -> History:
    """Return what a user owes a torrent, with so many hours of seeding done."""
    facts = {"completed_at": NOW - 60, "debt": Debt.OWING, "left": 0, "first_seen": NOW, "last_seen": NOW} | facts
    return History(user_id, bytes.fromhex(HASHES[number]), Totals(seed_seconds=done * HOUR), **facts)


@pytest.fixture
def owed(site):
    """Have two users owe for three torrents: one is late, one has paid without anybody having looked."""
    late = NOW - 3 * 86_400
    rows = [owing(1, 0), owing(1, 1, 9), owing(2, 0, completed_at=late), owing(2, 2, 10), owing(2, 3, debt=Debt.PAID)]
    keep(site, *rows, History(1, bytes.fromhex(HASHES[4]), Totals(), left=5))
    return site


def listed(site, query: str = "") -> list[tuple[int, int, str]]:
    """Return user, torrent and state of each debt."""
    answer = site.send("GET", f"/v1/debts{query}", token="reader")
    assert answer.status == 200, answer
    return [(each["user_id"], HASHES.index(each["info_hash"]), each["state"]) for each in answer.json["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [(1, 0, "owing"), (1, 1, "owing"), (2, 0, "hit_and_run")]),
        ("?state=hit_and_run", [(2, 0, "hit_and_run")]),
        ("?state=seeding", []),
        ("?user=1", [(1, 0, "owing"), (1, 1, "owing")]),
        (f"?torrent={HASHES[0]}", [(1, 0, "owing"), (2, 0, "hit_and_run")]),
        (f"?torrent={HASHES[0].upper()}&user=2&state=hit_and_run", [(2, 0, "hit_and_run")]),
        (f"?torrent={HASHES[4]}", []),
        ("?user=9", []),
    ],
)
def test_debts_are_chosen(owed, query, found):
    """By state, user and torrent; what was paid is no debt, whether or not that was noted."""
    assert listed(owed, query) == found


def test_debt_has_every_field_of_what_a_user_did(owed):
    """And whose it is."""
    (first, *_), (own, *_) = (owed.send("GET", path).json["items"] for path in ("/v1/debts", PATH))
    assert first == own | {"user_id": 1}
    assert (first["seed_seconds_owed"], first["deadline"]) == (10 * HOUR, "2026-11-23T09:59:00Z")


@pytest.mark.parametrize("query", ["", f"&torrent={HASHES[0]}", "&user=1", "&state=owing"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_debts_come_in_pages(owed, query, limit):
    """Each once, whatever the length of a page."""
    found, after = [], ""
    while True:
        page = owed.send("GET", f"/v1/debts?limit={limit}{query}{after}").json
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == owed.send("GET", f"/v1/debts?{query[1:]}").json["items"]


def test_debts_by_either_hash_of_a_hybrid(owed):
    """As everywhere."""
    owed.send("POST", "/v1/torrents", {"info_hash": HASHES[1], "info_hash_v2": "cd" * 32})
    assert listed(owed, f"?torrent={'cd' * 20}") == [(1, 1, "owing")]


@pytest.mark.parametrize(
    "query", ["?after=x", f"?after={HASHES[0]}", f"?after=1-{HASHES[0]}0", "?state=satisfied", "?user=0"]
)
def test_debts_that_nobody_can_mean(owed, query):
    """In words."""
    assert owed.send("GET", f"/v1/debts{query}").status in {400, 422}


def test_nothing_is_owed_where_hit_and_run_is_off(owed):
    """Whatever was noted while it was on."""
    owed.api._context.configuration.config = Config()
    assert listed(owed) == []
