"""Roles by REST."""

from __future__ import annotations

EVERY_FIELD = {
    "id": 5,
    "name": "power user",
    "priority": -3,
    "multiplier_up": 1.001,
    "multiplier_down": 0,
    "download_enabled": False,
    "upload_enabled": False,
    "download_slots": 0,
    "peers_per_user_torrent": 1,
}
DEFAULTS = {
    "priority": 0,
    "multiplier_up": 1,
    "multiplier_down": 1,
    "download_enabled": True,
    "upload_enabled": True,
    "download_slots": None,
    "peers_per_user_torrent": None,
}


def test_every_field_that_is_sent_is_shown(admin):
    """A role comes back as sent, with its place."""
    reply = admin.send("POST", "/v1/roles", EVERY_FIELD)
    assert (reply.status, reply.json, reply.headers["Location"]) == (201, EVERY_FIELD, "/v1/roles/5")
    assert admin.send("GET", "/v1/roles/5").json == EVERY_FIELD


def test_default_role_is_there_from_the_start(admin):
    """Every user has it of whom nothing else is said."""
    assert admin.send("GET", "/v1/roles").json == {"items": [{"id": 1, "name": "member"} | DEFAULTS], "next": None}


def test_name_alone_is_enough(admin):
    """The id is the next free one."""
    assert admin.send("POST", "/v1/roles", {"name": "vip"}).json == {"id": 2, "name": "vip"} | DEFAULTS


def test_change_counts_on_the_next_announce(admin):
    """Only what is named changes, in the dictionary that announces read."""
    admin.send("POST", "/v1/roles", EVERY_FIELD)
    reply = admin.send("PATCH", "/v1/roles/5", {"multiplier_up": 3, "download_slots": None})
    assert (reply.status, reply.json) == (200, EVERY_FIELD | {"multiplier_up": 3, "download_slots": None})
    assert admin.directory.roles[5].multiplier_up == 3000


def test_user_can_be_given_a_role(admin):
    """One that is there."""
    admin.send("POST", "/v1/roles", EVERY_FIELD)
    assert admin.send("POST", "/v1/users", {"name": "ann", "role": 5}).json["role"] == 5
    assert admin.send("PATCH", "/v1/users/1", {"role": 1}).json["role"] == 1


def test_deleted_role_is_gone(admin):
    """From the list and by id."""
    admin.send("POST", "/v1/roles", EVERY_FIELD)
    assert admin.send("DELETE", "/v1/roles/5").status == 204
    assert admin.send("GET", "/v1/roles/5").status == 404
    assert 5 not in admin.directory.roles


def test_pages_follow_each_other(admin):
    """By id."""
    for name in ("a", "b", "c"):
        admin.send("POST", "/v1/roles", {"name": name})
    first = admin.send("GET", "/v1/roles?limit=3").json
    assert ([role["id"] for role in first["items"]], first["next"]) == ([1, 2, 3], "3")
    second = admin.send("GET", "/v1/roles?limit=3&after=3").json
    assert ([role["id"] for role in second["items"]], second["next"]) == ([4], None)
