"""ETag and If-Match: of two who change the same thing, the second is told instead of undoing what the first did."""

from __future__ import annotations

import re
from contextlib import nullcontext

import pytest

from mika.admin.etag import Condition, user_tag
from mika.admin.problems import ProblemError
from mika.model import Totals, User

HASH = "aa" * 20
PLACES = {
    "user": ("/v1/users/1", {"name": "new"}),
    "torrent": (f"/v1/torrents/{HASH}", {"name": "new"}),
    "role": ("/v1/roles/2", {"name": "new"}),
}


@pytest.fixture
def filled(admin):
    """Give the tracker one of each."""
    admin.send("POST", "/v1/users", {"name": "ann"})
    admin.send("POST", "/v1/torrents", {"info_hash": HASH})
    admin.send("POST", "/v1/roles", {"name": "vip"})
    return admin


each = pytest.mark.parametrize(("path", "body"), PLACES.values(), ids=PLACES)


@each
def test_change_with_the_etag_that_was_read_is_made(filled, path, body):
    """And answers with the next one."""
    tag = filled.send("GET", path).headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{24}"', tag)
    changed = filled.send("PATCH", path, body, if_match=tag)
    assert (changed.status, changed.json["name"]) == (200, "new")
    assert changed.headers["ETag"] not in ("", tag)
    assert filled.send("GET", path).headers["ETag"] == changed.headers["ETag"]


@each
def test_change_after_another_is_412_and_changes_nothing(filled, path, body):
    """Whatever it would do."""
    tag = filled.send("GET", path).headers["ETag"]
    filled.send("PATCH", path, body)
    before = filled.everything()
    for method in ("PATCH", "DELETE"):
        reply = filled.send(method, path, {"name": "newer"}, if_match=tag)
        assert (reply.status, reply.content_type) == (412, "application/problem+json")
        assert "If-Match" in reply.json["detail"]
    assert filled.everything() == before
    assert filled.send("DELETE", path, if_match=filled.send("GET", path).headers["ETag"]).status == 204


@pytest.mark.parametrize("path", ["/v1/users/1", f"/v1/torrents/{HASH}"])
def test_replacing_with_a_stale_etag_is_412(filled, path):
    """PUT sets everything, and so could undo most."""
    tag = filled.send("GET", path).headers["ETag"]
    filled.send("PATCH", path, {"multiplier_up": 2})
    assert filled.send("PUT", path, {"name": "x"}, if_match=tag).status == 412
    assert filled.send("GET", path).json["multiplier_up"] == 2
    assert (
        filled.send("PUT", path, {"name": "x"}, if_match=f'"other", {filled.send("GET", path).headers["ETag"]}').status
        == 200
    )


@pytest.mark.parametrize("path", ["/v1/users/1", f"/v1/torrents/{HASH}"])
def test_put_can_be_told_to_create_only(filled, path):
    """`If-None-Match: *`; and one that should replace creates nothing."""
    before = filled.everything()
    assert filled.send("PUT", path, {"name": "x"}, if_none_match="*").status == 412
    assert filled.everything() == before
    fresh = {"/v1/users/1": "/v1/users/9"}.get(path, f"/v1/torrents/{'bb' * 20}")
    assert filled.send("PUT", fresh, {"name": "x"}, if_match="*").status == 412
    assert filled.send("GET", fresh).status == 404
    created = filled.send("PUT", fresh, {"name": "x"}, if_none_match="*")
    assert (created.status, created.headers["ETag"]) == (201, filled.send("GET", fresh).headers["ETag"])
    assert filled.send("PUT", fresh, {"name": "y"}, if_match="*").status == 200


def test_announce_in_between_fails_no_change(filled):
    """An ETag is of what can be set; what is announced is added to the new figure as ever."""
    tag = filled.send("GET", "/v1/users/1").headers["ETag"]
    filled.directory.users_by_id[1].totals.add(Totals(uploaded=1000, announces=1))
    assert filled.send("GET", "/v1/users/1").headers["ETag"] == tag
    assert filled.send("PATCH", "/v1/users/1", {"enabled": False}, if_match=tag).json["uploaded"] == 1000


def test_counter_that_is_set_counts_as_a_change_though_in_the_same_second(filled):
    """Two who correct a total at once would undo each other's correction; the clock of the test stands still."""
    tag = filled.send("GET", "/v1/users/1").headers["ETag"]
    assert filled.send("PATCH", "/v1/users/1", {"uploaded": 7}, if_match=tag).status == 200
    assert filled.send("PATCH", "/v1/users/1", {"uploaded": 8}, if_match=tag).status == 412
    assert filled.send("GET", "/v1/users/1").json["uploaded"] == 7


def test_new_passkey_is_a_change(filled):
    """It asks for the ETag, and makes another."""
    tag = filled.send("GET", "/v1/users/1").headers["ETag"]
    assert filled.send("POST", "/v1/users/1/passkey", if_match=tag).headers["ETag"] != tag
    assert filled.send("POST", "/v1/users/1/passkey", if_match=tag).status == 412


def test_etag_tells_nothing_of_a_passkey():
    """It is a digest, cut off."""
    assert "passkey" not in user_tag(User(1, "ann", "passkey-one"))


@pytest.mark.parametrize(
    ("match", "none_match", "tag", "fits"),
    [
        (None, None, None, True),
        (None, None, '"a"', True),
        ('"a"', None, '"a"', True),
        ('"a"', None, '"b"', False),
        ('"a"', None, None, False),
        ('"b","a"', None, '"a"', True),
        (' "b" , "a" ', None, '"a"', True),
        ('W/"a"', None, '"a"', False),  # strong comparison
        ("a", None, '"a"', False),
        ("", None, '"a"', False),
        ("*", None, '"a"', True),
        ("*", None, None, False),
        (None, "*", '"a"', False),
        (None, "*", None, True),
        (None, '"a"', '"a"', False),
        (None, 'W/"a"', '"a"', False),  # weak comparison
        (None, '"b"', '"a"', True),
        ('"a"', "*", '"a"', False),
    ],
)
def test_conditions_are_those_of_rfc_9110(match, none_match, tag, fits):
    """If-Match compares strongly, If-None-Match weakly."""
    condition = Condition(match, none_match)
    with nullcontext() if fits else pytest.raises(ProblemError, match=r"If-(None-)?Match"):
        condition.check(tag)
