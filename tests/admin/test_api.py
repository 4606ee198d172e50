"""Requests that should be refused, each in the one right way, and nothing changed by any of them."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.logger import formatEvent

from mika.admin.reading import MAX_ITEMS
from mika.errors import StoreError
from mika.store.memory import MemoryStore

HASH = "aa" * 20
OTHER = "bb" * 20
ABSENT = "cc" * 20
TORRENT = f"/v1/torrents/{HASH}"
TORRENTS = "/v1/torrents"
DEEP = b"[" * 100_000

BAD_BODIES: list[tuple[str, str, Any, int, str]] = [
    # method, path, body, status, the field that is named (or words of the detail, after a star)
    ("POST", TORRENTS, b"", 400, "*not JSON"),
    ("POST", TORRENTS, b"{", 400, "*not JSON"),
    ("POST", TORRENTS, b'{"info_hash": "' + HASH.encode() + b'"} x', 400, "*not JSON"),
    ("POST", TORRENTS, b"\xff\xfe{}", 400, "*not UTF-8"),
    ("POST", TORRENTS, b'{"name": "\\ud800"}', 400, "*not UTF-8"),
    ("POST", TORRENTS, b'{"size": NaN}', 400, "*NaN is no number"),
    ("POST", TORRENTS, b'{"size": -Infinity}', 400, "*Infinity is no number"),
    ("POST", TORRENTS, b'{"size": ' + b"9" * 5000 + b"}", 400, "*64 bits"),
    ("POST", TORRENTS, b'{"name": "a", "name": "b"}', 400, "*twice"),
    ("POST", TORRENTS, DEEP, 400, "*too deep"),
    ("POST", TORRENTS, b'{"a":' * 50_000, 400, "*too deep"),
    ("POST", TORRENTS, "text", 422, "*object is needed"),
    ("POST", TORRENTS, None, 422, "*object is needed"),
    ("POST", TORRENTS, {}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": "ab"}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": "g" * 40}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": "\u0661" * 40}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": OTHER + "\n"}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": 1}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": None}, 422, "info_hash"),
    ("POST", TORRENTS, {"info_hash": OTHER, "info_hash_v2": OTHER}, 422, "info_hash_v2"),
    ("POST", TORRENTS, {"info_hash": OTHER, "size": -1}, 422, "size"),
    ("POST", TORRENTS, {"info_hash": OTHER, "size": 2**53 + 1}, 422, "size"),
    ("POST", TORRENTS, {"info_hash": OTHER, "size": 2**64 - 1}, 422, "size"),
    ("POST", TORRENTS, {"info_hash": OTHER, "size": 1.5}, 422, "size"),
    ("POST", TORRENTS, {"info_hash": OTHER, "size": "1"}, 422, "size"),
    ("POST", TORRENTS, {"info_hash": OTHER, "size": True}, 422, "size"),
    ("POST", TORRENTS, {"info_hash": OTHER, "enabled": 1}, 422, "enabled"),
    ("POST", TORRENTS, {"info_hash": OTHER, "enabled": "true"}, 422, "enabled"),
    ("POST", TORRENTS, {"info_hash": OTHER, "name": "a\x00b"}, 422, "name"),
    ("POST", TORRENTS, {"info_hash": OTHER, "name": "x" * 1001}, 422, "name"),
    ("POST", TORRENTS, {"info_hash": OTHER, "multiplier_up": -1}, 422, "multiplier_up"),
    ("POST", TORRENTS, {"info_hash": OTHER, "multiplier_up": 1000.001}, 422, "multiplier_up"),
    ("POST", TORRENTS, {"info_hash": OTHER, "multiplier_down": 0.0001}, 422, "multiplier_down"),
    ("POST", TORRENTS, b'{"info_hash": "' + OTHER.encode() + b'", "multiplier_down": 1e999}', 422, "multiplier_down"),
    ("POST", TORRENTS, {"info_hash": OTHER, "multiplier_down": "1"}, 422, "multiplier_down"),
    ("POST", TORRENTS, {"info_hash": OTHER, "multiplier_down": False}, 422, "multiplier_down"),
    ("POST", TORRENTS, {"info_hash": OTHER, "uploaded": -1}, 422, "uploaded"),
    ("POST", TORRENTS, {"info_hash": OTHER, "uploaded": 2**63}, 422, "uploaded"),
    ("POST", TORRENTS, {"info_hash": OTHER, "seeders": 1}, 422, "seeders"),
    ("POST", TORRENTS, {"info_hash": OTHER, "created_at": "2026-11-22T10:00:00Z"}, 422, "created_at"),
    ("POST", TORRENTS, {"info_hash": OTHER, "deleted": False}, 422, "deleted"),
    ("POST", TORRENTS, {"info_hash": HASH}, 409, "*already"),
    ("POST", TORRENTS, {"info_hash": OTHER, "info_hash_v2": HASH + "00" * 12}, 409, "*already"),
    ("PUT", TORRENT, {"info_hash": OTHER}, 422, "info_hash"),
    ("PUT", TORRENT, [], 422, "*object is needed"),
    ("PUT", f"{TORRENTS}/{'a' * 39}", {}, 400, "info_hash"),
    ("PUT", f"{TORRENTS}/%ff", {}, 400, "info_hash"),
    ("PATCH", TORRENT, {"info_hash": OTHER}, 422, "info_hash"),
    ("PATCH", TORRENT, {"reason": None}, 422, "reason"),
    ("PATCH", TORRENT, {"multiplier_up": None}, 422, "multiplier_up"),
    ("PATCH", TORRENT, {"seeders": 0}, 422, "seeders"),
    ("PATCH", f"{TORRENTS}/{ABSENT}", {"name": "x"}, 404, "*no torrent"),
    ("DELETE", f"{TORRENTS}/{ABSENT}", None, 404, "*no torrent"),
    ("DELETE", f"{TORRENT}?reason=%00", None, 422, "reason"),
    ("DELETE", f"{TORRENT}?reason=%ff", None, 400, "*UTF-8"),
    ("DELETE", f"{TORRENT}?reasons=x", None, 422, "reasons"),
    ("DELETE", f"{TORRENT}?reason=a&reason=b", None, 400, "*twice"),
    ("POST", "/v1/users", {}, 422, "name"),
    ("POST", "/v1/users", {"name": ""}, 422, "name"),
    ("POST", "/v1/users", {"name": "a\nb"}, 422, "name"),
    ("POST", "/v1/users", {"name": "x" * 256}, 422, "name"),
    ("POST", "/v1/users", {"name": "x", "passkey": "short"}, 422, "passkey"),
    ("POST", "/v1/users", {"name": "x", "passkey": ""}, 422, "passkey"),
    ("POST", "/v1/users", {"name": "x", "passkey": None}, 422, "passkey"),
    ("POST", "/v1/users", {"name": "x", "passkey": "a" * 65}, 422, "passkey"),
    ("POST", "/v1/users", {"name": "x", "passkey": "a/b.c d?e"}, 422, "passkey"),
    ("POST", "/v1/users", {"name": "x", "passkey": "passkey-one\n"}, 422, "passkey"),
    ("POST", "/v1/users", {"name": "x", "passkey": "passkey-one"}, 409, "*passkey"),
    ("POST", "/v1/users", {"name": "x", "id": 1}, 409, "*id 1"),
    ("POST", "/v1/users", {"name": "x", "id": 0}, 422, "id"),
    ("POST", "/v1/users", {"name": "x", "id": "7"}, 422, "id"),
    ("POST", "/v1/users", {"name": "x", "id": 2**53 + 1}, 422, "id"),
    ("POST", "/v1/users", {"name": "x", "role": 99}, 422, "role"),
    ("POST", "/v1/users", {"name": "x", "role": None}, 422, "role"),
    ("POST", "/v1/users", {"name": "x", "bonus": 1.5}, 422, "bonus"),
    ("POST", "/v1/users", {"name": "x", "bonus": "1e3"}, 422, "bonus"),
    ("POST", "/v1/users", {"name": "x", "bonus": "-1"}, 422, "bonus"),
    ("POST", "/v1/users", {"name": "x", "bonus": "1.0000000001"}, 422, "bonus"),
    ("POST", "/v1/users", {"name": "x", "bonus": "9999999999"}, 422, "bonus"),
    ("POST", "/v1/users", {"name": "x", "completed": 1}, 422, "completed"),
    ("POST", "/v1/users", {"name": "x", "password": "y"}, 422, "password"),
    ("PUT", "/v1/users/1", {"name": "x", "id": 2}, 422, "id"),
    ("PUT", "/v1/users/1", {}, 422, "name"),
    ("PUT", "/v1/users/9", {"name": "x", "passkey": "passkey-one"}, 409, "*passkey"),
    ("PUT", "/v1/users/2", {"name": "x", "passkey": "passkey-one"}, 409, "*passkey"),
    ("PATCH", "/v1/users/2", {"passkey": "passkey-one"}, 409, "*passkey"),
    ("PATCH", "/v1/users/1", {"role": 99}, 422, "role"),
    ("PATCH", "/v1/users/1", {"passkey": None}, 422, "passkey"),
    ("PATCH", "/v1/users/1", {"id": 3}, 422, "id"),
    ("PATCH", "/v1/users/1", {"uploaded": "1"}, 422, "uploaded"),
    ("PATCH", "/v1/users/99", {"name": "x"}, 404, "*no user"),
    ("PATCH", "/v1/users/0", {"name": "x"}, 400, "id"),
    ("PATCH", "/v1/users/-1", {"name": "x"}, 400, "id"),
    ("PATCH", "/v1/users/x", {"name": "x"}, 400, "id"),
    ("PATCH", "/v1/users/1.0", {"name": "x"}, 400, "id"),
    ("PATCH", "/v1/users/99999999999999999999", {"name": "x"}, 400, "id"),
    ("DELETE", "/v1/users/99", None, 404, "*no user"),
    ("POST", "/v1/users/99/passkey", None, 404, "*no user"),
    ("POST", "/v1/roles", {}, 422, "name"),
    ("POST", "/v1/roles", {"name": "x", "id": 1}, 409, "*id 1"),
    ("POST", "/v1/roles", {"name": "x", "priority": 2**31}, 422, "priority"),
    ("POST", "/v1/roles", {"name": "x", "download_slots": -1}, 422, "download_slots"),
    ("POST", "/v1/roles", {"name": "x", "peers_per_user_torrent": 0}, 422, "peers_per_user_torrent"),
    ("POST", "/v1/roles", [{"name": "x"}], 422, "*object is needed"),
    ("PATCH", "/v1/roles/1", {"multiplier_up": 1.0001}, 422, "multiplier_up"),
    ("PATCH", "/v1/roles/99", {"name": "x"}, 404, "*no role"),
    ("DELETE", "/v1/roles/99", None, 404, "*no role"),
    ("DELETE", "/v1/roles/1", None, 409, "*default role"),
    ("PUT", "/v1/whitelist/-XX", {}, 422, "name"),
    ("PUT", "/v1/whitelist/-XX", {"name": ""}, 422, "name"),
    ("PUT", "/v1/whitelist/%20", {"name": "x"}, 400, "prefix"),
    ("PUT", "/v1/whitelist/" + "x" * 21, {"name": "x"}, 400, "prefix"),
    ("PUT", "/v1/whitelist/%c3%a4", {"name": "x"}, 400, "prefix"),
    ("DELETE", "/v1/whitelist/-XX", None, 404, "*not on the whitelist"),
    ("GET", "/v1/users?limit=0", None, 422, "limit"),
    ("GET", "/v1/users?limit=1001", None, 422, "limit"),
    ("GET", "/v1/users?limit=many", None, 422, "limit"),
    ("GET", "/v1/users?limit=", None, 422, "limit"),
    ("GET", "/v1/users?limt=5", None, 422, "limt"),
    ("GET", "/v1/users?after=x", None, 422, "after"),
    ("GET", "/v1/torrents?after=12", None, 422, "after"),
    ("GET", "/v1/roles?after=-1", None, 422, "after"),
    ("GET", "/v1/status?x=1", None, 422, "x"),
    ("GET", f"{TORRENTS}/{ABSENT}", None, 404, "*no torrent"),
    ("GET", "/v1/users/99", None, 404, "*no user"),
    ("GET", "/v1/roles/99", None, 404, "*no role"),
    ("GET", "/", None, 404, "*no such path"),
    ("GET", "/v1", None, 404, "*no such path"),
    ("GET", "/v1/torrents/", None, 404, "*no such path"),
    ("GET", "/v1/users/1/", None, 404, "*no such path"),
    ("GET", "//v1/users", None, 404, "*no such path"),
]


@pytest.fixture
def filled(admin):
    """Give the tracker a torrent, two users and a whitelisted client."""
    admin.send("POST", TORRENTS, {"info_hash": HASH, "name": "one"})
    admin.send("POST", "/v1/users", [{"name": "ann", "passkey": "passkey-one"}, {"name": "bob"}])
    admin.send("PUT", "/v1/whitelist/-TR40", {"name": "Transmission"})
    return admin


@pytest.mark.parametrize(("method", "path", "body", "status", "named"), BAD_BODIES)
def test_bad_input_is_refused_and_changes_nothing(filled, method, path, body, status, named):
    """Each is refused with its status, in words or by the field's name, and everything is as it was."""
    before = filled.everything()
    reply = filled.send(method, path, body)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert reply.content_type == "application/problem+json"
    assert reply.json["title"]
    if named.startswith("*"):
        assert named[1:] in reply.json["detail"]
    else:
        assert [error["field"] for error in reply.json["errors"]] == [named]
        assert named in reply.json["detail"]
    assert filled.everything() == before


BAD_ITEMS = [
    # path, the items, status, index, field or ""
    (TORRENTS, [{"info_hash": OTHER}, {"info_hash": "x"}], 422, 1, "info_hash"),
    (TORRENTS, [{"info_hash": OTHER}, {"info_hash": ABSENT, "size": -1}], 422, 1, "size"),
    (TORRENTS, [{"info_hash": OTHER}, 5], 422, 1, ""),
    (TORRENTS, [{"info_hash": OTHER}, [{"info_hash": ABSENT}]], 422, 1, ""),
    (TORRENTS, [{"info_hash": OTHER}, {"info_hash": ABSENT}, {"info_hash": HASH}], 409, 2, ""),
    (TORRENTS, [{"info_hash": OTHER}, {"info_hash": OTHER.upper()}], 409, 1, ""),
    (TORRENTS, [{"info_hash": OTHER}, {"info_hash": ABSENT, "info_hash_v2": OTHER + "00" * 12}], 409, 1, ""),
    ("/v1/users", [{"name": "x"}, {"name": "y", "role": 99}], 422, 1, "role"),
    ("/v1/users", [{"name": "x"}, {}], 422, 1, "name"),
    ("/v1/users", [{"name": "x"}, {"name": "y", "passkey": "passkey-one"}], 409, 1, ""),
    ("/v1/users", [{"name": "x", "passkey": "the-same-"}, {"name": "y", "passkey": "the-same-"}], 409, 1, ""),
    ("/v1/users", [{"name": "x"}, {"name": "y", "id": 1}], 409, 1, ""),
    ("/v1/users", [{"name": "x", "id": 8}, {"name": "y", "id": 8}], 409, 1, ""),
]


@pytest.mark.parametrize(("path", "items", "status", "index", "field"), BAD_ITEMS)
def test_bad_item_is_named_by_its_index_and_none_is_added(filled, path, items, status, index, field):
    """An array is added whole or not at all."""
    before = filled.everything()
    reply = filled.send("POST", path, items)
    assert (reply.status, reply.json["index"]) == (status, index)
    assert f"item {index}: " in reply.json["detail"]
    if status == 422:
        assert [(error["index"], error["field"]) for error in reply.json["errors"]] == [(index, field)]
    assert filled.everything() == before


BAD_CHANGES = [
    ("/v1/users", [{"id": 1, "name": "x"}, {"id": 2, "name": ""}], 422, 1, "name"),
    ("/v1/users", [{"id": 1, "name": "x"}, {"name": "y"}], 422, 1, "id"),
    ("/v1/users", [{"id": 1, "name": "x"}, {"id": 2, "colour": "red"}], 422, 1, "colour"),
    ("/v1/users", [{"id": 1, "name": "x"}, {"id": 2, "role": 99}], 422, 1, "role"),
    ("/v1/users", [{"id": 1, "name": "x"}, 5], 422, 1, ""),
    ("/v1/users", [{"id": 1, "name": "x"}, {"id": 77, "name": "y"}], 404, 1, ""),
    ("/v1/users", [{"id": 1, "name": "x"}, {"id": 1, "name": "y"}], 409, 1, ""),
    ("/v1/users", [{"id": 1, "name": "x"}, {"id": 2, "passkey": "passkey-one"}], 409, 1, ""),
    ("/v1/torrents", [{"info_hash": "aa" * 20, "size": 1}, {"info_hash": "bb" * 20, "size": -1}], 422, 1, "size"),
    ("/v1/torrents", [{"info_hash": "aa" * 20, "size": 1}, {"size": 1}], 422, 1, "info_hash"),
    ("/v1/torrents", [{"info_hash": "aa" * 20, "size": 1}, {"info_hash": "cc" * 20, "size": 1}], 404, 1, ""),
    ("/v1/torrents", [{"info_hash": "aa" * 20, "size": 1}, {"info_hash": "AA" * 20, "size": 2}], 409, 1, ""),
    ("/v1/torrents", [{"info_hash": "aa" * 20}, {"info_hash": "bb" * 20, "info_hash_v2": "aa" * 32}], 409, 1, ""),
]


@pytest.mark.parametrize(("path", "items", "status", "index", "field"), BAD_CHANGES)
def test_bad_change_is_named_by_its_index_and_none_is_made(admin, path, items, status, index, field):
    """An array is changed whole or not at all, in memory and in the store."""
    admin.send("POST", "/v1/users", [{"id": 1, "name": "ann", "passkey": "passkey-one"}, {"id": 2, "name": "bob"}])
    admin.send("POST", "/v1/torrents", [{"info_hash": "aa" * 20}, {"info_hash": "bb" * 20}])
    admin.clock.advance(60)
    before = admin.everything()
    reply = admin.send("PATCH", path, items)
    assert (reply.status, reply.json["index"]) == (status, index)
    assert f"item {index}: " in reply.json["detail"]
    if status == 422:
        assert [(error["index"], error["field"]) for error in reply.json["errors"]] == [(index, field)]
    after = admin.everything()
    after[4]["uptime"] = before[4]["uptime"]
    assert after == before


@pytest.mark.parametrize("size", ["5.0", "0.5e1", "5"])
def test_whole_number_is_an_integer_however_it_is_written(admin, size):
    """JSON has one kind of number, and PHP writes whole ones with a point."""
    reply = admin.send("POST", TORRENTS, f'{{"info_hash": "{HASH}", "size": {size}, "multiplier_up": 2.0}}'.encode())
    assert (reply.status, reply.json["size"], reply.json["multiplier_up"]) == (201, 5, 2)


def test_too_many_items_are_refused(admin):
    """More than `MAX_ITEMS` would keep announces waiting."""
    reply = admin.send("POST", TORRENTS, [{}] * (MAX_ITEMS + 1))
    assert reply.status == 422
    assert str(MAX_ITEMS) in reply.json["detail"]


def test_every_wrong_field_is_named(admin):
    """A form can mark all of them at once."""
    reply = admin.send("POST", "/v1/users", {"passkey": "x", "size": 1})
    assert {error["field"] for error in reply.json["errors"]} == {"name", "passkey", "size"}


def test_refusal_does_not_repeat_what_was_sent(admin):
    """What was sent may be secret, and answers end up in logs of clients."""
    reply = admin.send("POST", "/v1/users", {"name": "x", "passkey": "sec ret passkey"})
    assert "sec ret" not in str(reply.json)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_wrong_content_type_is_415(admin, content_type):
    """A form, or no type at all, is not read as JSON."""
    assert admin.send("POST", "/v1/users", {"name": "x"}, content_type=content_type).status == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_content_type_may_have_parameters_and_any_case(admin, content_type):
    """As clients send it."""
    assert admin.send("POST", "/v1/users", {"name": "x"}, content_type=content_type).status == 201


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/users", "GET, HEAD, PATCH, POST"),
        ("POST", "/v1/users/1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/v1/users/1/passkey", "POST"),
        ("HEAD", "/v1/users/1/passkey", "POST"),
        ("PUT", "/v1/status", "GET, HEAD"),
        ("GET", "/v1/whitelist/-TR40", "DELETE, PUT"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
        ("get", "/healthz", "GET, HEAD"),
    ],
)
def test_other_method_is_405_with_allow(admin, method, path, allowed):
    """The answer says which methods there are."""
    reply = admin.send(method, path)
    assert (reply.status, reply.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("token", [None, "", "wrong", "writer x", "writer\u00e4", "WRITER"])
def test_no_known_token_is_401(admin, token):
    """Nothing is shown to who has no token."""
    reply = admin.send("GET", "/v1/users", token=token)
    assert (reply.status, reply.headers) == (401, {"WWW-Authenticate": "Bearer"})
    assert "items" not in reply.json


@pytest.mark.parametrize(
    ("token", "read", "write"),
    [("reader", 200, 403), ("writer", 200, 201), ("owner", 200, 201), ("stranger", 401, 401)],
)
def test_each_scope_includes_those_before_it(admin, token, read, write):
    """A token reads, or writes as well."""
    assert admin.send("GET", "/v1/users", token=token).status == read
    assert admin.send("POST", "/v1/users", {"name": "x"}, token=token).status == write


def test_scope_is_asked_for_before_the_body_is_read(admin):
    """Who may not write learns nothing about what fits."""
    assert admin.send("POST", "/v1/users", b"{", token="reader").status == 403
    assert admin.send("PATCH", "/v1/users/x", b"{", token=None).status == 401


class BrokenStore(MemoryStore):
    """A store that answers nothing about torrents."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def torrent(self, info_hash: bytes) -> Deferred[Any]:
        """Fail."""
        return fail(self.error)


def test_store_that_is_down_is_503_in_its_words(make_admin):
    """An operator reads which store it is."""
    admin = make_admin(BrokenStore(StoreError("the torrents store does not answer")))
    reply = admin.send("GET", TORRENT)
    assert (reply.status, reply.json["detail"]) == (503, "the torrents store does not answer")


def test_fault_of_ours_is_500_that_tells_nothing_and_is_logged(make_admin, log):
    """The log has the traceback, the client has not."""
    admin = make_admin(BrokenStore(ZeroDivisionError("inside")))
    reply = admin.send("GET", TORRENT)
    assert reply.status == 500
    assert "inside" not in str(reply.json)
    assert "ZeroDivision" not in str(reply.json)
    logged = [event["log_failure"].type for event in log if "log_failure" in event]
    assert logged == [ZeroDivisionError]
    log.clear()


def test_each_write_is_one_line_without_its_query(filled, log):
    """Method, path and status; reading is not logged."""
    log.clear()
    filled.send("GET", TORRENT)
    filled.send("DELETE", f"{TORRENT}?reason=secret")
    assert [formatEvent(event) for event in log] == [f"DELETE {TORRENT} 204"]


def test_path_that_does_not_fit_is_not_logged(filled, log):
    """Somebody may put a passkey where the id belongs."""
    log.clear()
    filled.send("DELETE", "/v1/users/passkey-one")
    filled.send("DELETE", "/v1/users/passkey-one", token=None)
    assert [formatEvent(event) for event in log] == ["DELETE /v1/users/{id} 400", "DELETE /v1/users/{id} 401"]
