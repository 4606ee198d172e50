"""Suspicions by REST: listed, shown and judged by staff, and told to who listens."""

from __future__ import annotations

import pytest
from builders import result

from mika.config import Config
from mika.model import Suspicion

HASH = "ab" * 20


@pytest.fixture
def site(admin):
    """Make a tracker with two users, who are under four suspicions."""
    admin.send("POST", "/v1/users", [{"name": "anna"}, {"name": "ben"}])
    for user_id, kind, info_hash, score in (
        (1, "unreceived", bytes.fromhex(HASH), 80),
        (2, "unreceived", bytes.fromhex(HASH), 30),
        (1, "networks", b"", 60),
        (2, "too_fast", bytes.fromhex(HASH), 100),
    ):
        row = Suspicion(kind, user_id, info_hash, score, f"evidence {score}", 1_795_000_000, 1_795_000_060, 3)
        result(admin.store.replace_suspicion(None, row))
    return admin


def listed(site, query=""):
    """Return the ids of a list."""
    return [each["id"] for each in site.send("GET", f"/v1/suspicions{query}").json["items"]]


def test_suspicion_is_shown(site):
    """With its evidence and times; one about no torrent has none."""
    assert site.send("GET", "/v1/suspicions/1").json == {
        "id": 1,
        "kind": "unreceived",
        "user_id": 1,
        "info_hash": HASH,
        "score": 80,
        "state": "open",
        "evidence": "evidence 80",
        "count": 3,
        "first_seen": "2026-11-18T11:06:40Z",
        "last_seen": "2026-11-18T11:07:40Z",
    }
    assert site.send("GET", "/v1/suspicions/3").json["info_hash"] is None
    assert site.send("GET", "/v1/suspicions/5").status == 404


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [4, 3, 1]),
        ("?score=0", [4, 3, 2, 1]),
        ("?score=61", [4, 1]),
        ("?user=1", [3, 1]),
        ("?user=3", []),
        ("?kind=unreceived&score=0", [2, 1]),
        ("?state=open", [4, 3, 1]),
        ("?state=confirmed", []),
        ("?score=0&limit=2&after=4", [3, 2]),
    ],
)
def test_suspicions_are_listed(site, query, ids):
    """The latest first; from the threshold on unless a score is given."""
    assert listed(site, query) == ids


def test_suspicions_come_in_pages(site):
    """`next` leads to the rest; the last page has none."""
    first = site.send("GET", "/v1/suspicions?score=0&limit=3").json
    rest = site.send("GET", f"/v1/suspicions?score=0&limit=3&after={first['next']}").json
    assert [each["id"] for each in first["items"] + rest["items"]] == [4, 3, 2, 1]
    assert rest["next"] is None


def test_threshold_is_that_in_force(site):
    """Changed while the tracker runs."""
    site.configuration.config = Config.model_validate({"suspicion": {"threshold": 90}})
    assert listed(site) == [4]


def test_suspicion_is_judged(site):
    """Its state is kept, and told."""
    heard = []
    site.directory.publish = lambda type_, fields: heard.append((type_, fields))
    answer = site.send("PATCH", "/v1/suspicions/1", {"state": "dismissed"})
    assert (answer.status, answer.json["state"]) == (200, "dismissed")
    assert site.send("GET", "/v1/suspicions/1").json == answer.json
    assert listed(site, "?state=open") == [4, 3]
    assert [(type_, fields["id"], fields["state"]) for type_, fields in heard] == [("suspicion", 1, "dismissed")]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/v1/suspicions/1", {"state": "banned"}, 422),
        ("PATCH", "/v1/suspicions/1", {}, 422),
        ("PATCH", "/v1/suspicions/1", {"state": "open", "score": 0}, 422),
        ("PATCH", "/v1/suspicions/9", {"state": "open"}, 404),
        ("GET", "/v1/suspicions?state=closed", None, 422),
        ("GET", "/v1/suspicions?score=101", None, 422),
        ("GET", "/v1/suspicions?user=x", None, 422),
        ("GET", "/v1/suspicions?after=x", None, 422),
    ],
)
def test_bad_requests_are_refused(site, method, path, body, status):
    """And nothing is changed."""
    answer = site.send(method, path, body)
    assert answer.status == status, answer.json
    assert listed(site, "?state=open&score=0") == [4, 3, 2, 1]


def test_suspicions_end_with_their_user(site):
    """As everything that is kept of one."""
    site.send("DELETE", "/v1/users/1")
    assert listed(site, "?score=0") == [4, 2]
