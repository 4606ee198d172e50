"""Tokens that are made, listed and revoked through the API, and the file that keeps their hashes."""

from __future__ import annotations

import os
import stat

import pytest

from mika.admin.auth import BOOK_FILE, Book
from mika.errors import ConfigError

PATH = "/v1/tokens"


@pytest.fixture
def book(tmp_path):
    """Return where the tokens are kept."""
    return tmp_path / BOOK_FILE


@pytest.fixture
def admin(make_admin, book):
    """Make a tracker that keeps tokens."""
    return make_admin(book=Book(book))


def make(admin, name="site", scopes=("write",)) -> str:
    """Make a token and return it."""
    reply = admin.send("POST", PATH, {"name": name, "scopes": list(scopes)}, token="owner")
    assert (reply.status, reply.headers["Location"]) == (201, f"{PATH}/{name}")
    token: str = reply.json["token"]
    return token


def test_token_is_shown_once_and_counts_at_once(admin):
    """It allows what its scopes allow, and nobody is shown it again."""
    token = make(admin)
    assert admin.send("POST", "/v1/users", {"name": "ann"}, token=token).status == 201
    assert admin.send("GET", PATH, token=token).status == 403
    shown = admin.send("GET", f"{PATH}/site", token="owner")
    assert shown.json == {"name": "site", "scopes": ["write"], "created_at": "2026-11-22T10:00:00Z"}
    assert token not in str(admin.send("GET", PATH, token="owner").json)


def test_revoked_token_stops_at_once(admin):
    """And its name is free again, for another token."""
    first = make(admin)
    assert admin.send("DELETE", f"{PATH}/site", token="owner").status == 204
    assert admin.send("GET", "/v1/users", token=first).status == 401
    assert admin.send("GET", f"{PATH}/site", token="owner").status == 404
    second = make(admin)
    assert second != first
    assert admin.send("GET", "/v1/users", token=first).status == 401


def test_tokens_outlive_a_restart(admin, make_admin, book):
    """Those that were revoked do not."""
    kept, gone = make(admin, "kept", ["read"]), make(admin, "gone", ["admin"])
    admin.send("DELETE", f"{PATH}/gone", token="owner")
    again = make_admin(book=Book(book))
    assert again.send("GET", "/v1/users", token=kept).status == 200
    assert again.send("POST", "/v1/users", {"name": "x"}, token=kept).status == 403
    assert again.send("GET", "/v1/users", token=gone).status == 401


def test_file_is_for_its_owner_and_holds_no_token(admin, book):
    """Only hashes; a copy of it lets nobody in."""
    token = make(admin)
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
    assert token not in book.read_text()
    assert [each.name for each in book.parent.iterdir()] == [BOOK_FILE]


def test_list_is_in_order_of_name_a_page_at_a_time(admin):
    """Those that the tracker was started with are there, too."""
    make(admin, "b", ["admin", "read", "admin"])
    make(admin, "a")
    page = admin.send("GET", f"{PATH}?limit=2", token="owner").json
    assert ([each["name"] for each in page["items"]], page["next"]) == (["a", "b"], "b")
    assert page["items"][1]["scopes"] == ["read", "admin"]
    rest = admin.send("GET", f"{PATH}?after=b", token="owner").json
    assert [each["name"] for each in rest["items"]] == ["owner", "reader", "writer"]
    assert (rest["next"], rest["items"][0]["created_at"]) == (None, None)


@pytest.mark.parametrize("scope", ["reader", "writer"])
def test_tokens_are_for_admins(admin, scope):
    """Who may write could make a token for themselves otherwise."""
    assert admin.send("GET", PATH, token=scope).status == 403
    assert admin.send("POST", PATH, {"name": "x", "scopes": ["read"]}, token=scope).status == 403
    assert admin.send("DELETE", f"{PATH}/owner", token=scope).status == 403


@pytest.mark.parametrize(
    ("request_", "status", "named"),
    [
        (("POST", PATH, {}), 422, ["name", "scopes"]),
        (("POST", PATH, {"name": "x y", "scopes": ["read"]}), 422, ["name"]),
        (("POST", PATH, {"name": "x", "scopes": []}), 422, ["scopes"]),
        (("POST", PATH, {"name": "x", "scopes": ["root"]}), 422, ["scopes.0"]),
        (("POST", PATH, {"name": "x", "scopes": "read"}), 422, ["scopes"]),
        (("POST", PATH, {"name": "x", "scopes": ["read"], "token": "mine"}), 422, ["token"]),
        (("POST", PATH, {"name": "owner", "scopes": ["read"]}), 409, []),
        (("DELETE", f"{PATH}/owner", None), 409, []),
        (("DELETE", f"{PATH}/nobody", None), 404, []),
        (("DELETE", f"{PATH}/%20", None), 400, ["name"]),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(admin, book, request_, status, named):
    """Each with its status and the name of the field."""
    make(admin)
    before = book.read_bytes()
    reply = admin.send(*request_, token="owner")
    assert reply.status == status
    assert [error["field"] for error in reply.json.get("errors", [])] == named
    assert book.read_bytes() == before


def test_directory_that_cannot_be_written_is_503_and_changes_nothing(admin, book, monkeypatch):
    """A token that would be gone after a restart is not given out, and one that would be back is not taken away."""
    token = make(admin)

    def full(*_args) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for method, path in (("POST", PATH), ("DELETE", f"{PATH}/site")):
        reply = admin.send(method, path, {"name": "new", "scopes": ["read"]}, token="owner")
        assert reply.status == 503
        assert "No space left" in reply.json["detail"]
    assert admin.send("GET", f"{PATH}/new", token="owner").status == 404
    assert admin.send("GET", "/v1/users", token=token).status == 200
    assert [each.name for each in book.parent.iterdir()] == [BOOK_FILE]


def test_crash_while_writing_leaves_the_old_file(admin, make_admin, book):
    """What it left beside is written over."""
    make(admin)
    book.with_name(f"{BOOK_FILE}.new").write_text("half of it")
    again = make_admin(book=Book(book))
    make(again, "other")
    assert sorted(Book(book).tokens) == ["other", "site"]


@pytest.mark.parametrize(
    "content", ["", "{}x", "[1]", '[{"name": "x"}]', '{"a": 1}', '[{"name": "x", "sha256": "00"}]']
)
def test_damaged_file_is_named_at_the_start(book, content):
    """It is not taken for an empty one: tokens would be gone, and nobody told."""
    book.write_text(content)
    with pytest.raises(ConfigError, match=r"api-tokens.json: .*remove it"):
        Book(book)
