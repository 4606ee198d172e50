"""The client whitelist by REST."""

from __future__ import annotations

import pytest


def test_client_is_put_renamed_and_taken_off(admin):
    """Each counts at once."""
    reply = admin.send("PUT", "/v1/whitelist/-TR40", {"name": "Transmission"})
    assert (reply.status, reply.json) == (201, {"prefix": "-TR40", "name": "Transmission"})
    assert admin.directory.whitelist == {"-TR40": "Transmission"}
    reply = admin.send("PUT", "/v1/whitelist/-TR40", {"name": "Transmission 4"})
    assert (reply.status, reply.json["name"]) == (200, "Transmission 4")
    assert admin.send("DELETE", "/v1/whitelist/-TR40").status == 204
    assert admin.directory.whitelist == {}


@pytest.mark.parametrize(("encoded", "prefix"), [("-TR40", "-TR40"), ("%2DTR40", "-TR40"), ("a%2Fb%25", "a/b%")])
def test_prefix_is_percent_decoded(admin, encoded, prefix):
    """Also one with a slash in it, which is no separator then."""
    assert admin.send("PUT", f"/v1/whitelist/{encoded}", {"name": "x"}).json["prefix"] == prefix


def test_pages_follow_each_other(admin):
    """By prefix."""
    for prefix in ("-UT", "-DE", "-qB"):
        admin.send("PUT", f"/v1/whitelist/{prefix}", {"name": "x"})
    first = admin.send("GET", "/v1/whitelist?limit=2").json
    assert ([client["prefix"] for client in first["items"]], first["next"]) == (["-DE", "-UT"], "-UT")
    second = admin.send("GET", "/v1/whitelist?limit=2&after=-UT").json
    assert ([client["prefix"] for client in second["items"]], second["next"]) == (["-qB"], None)
