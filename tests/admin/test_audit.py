"""The audit log: who did what, when and from where, and nothing that is secret; kept within bounds, and kept at all."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

import pytest

from mika.admin.audit import AuditLog
from mika.admin.auth import Book
from mika.errors import ConfigError

HASH = "aa" * 20


@pytest.fixture
def path(tmp_path):
    """Return where the log is."""
    return tmp_path / "audit.log"


@pytest.fixture
def admin(make_admin, path, tmp_path):
    """Make a tracker with an audit log and tokens."""
    audit = AuditLog(path, 1 << 20, 3)
    yield make_admin(audit=audit, book=Book(tmp_path / "tokens"))
    audit.close()


def entries(path) -> list[dict[str, Any]]:
    """Read every line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_change_is_a_line(admin, path):
    """Who, what, when, from where; reading is none."""
    admin.send("POST", "/v1/users", {"name": "ann", "passkey": "passkey-one"})
    admin.send("PATCH", "/v1/users/1", {"uploaded": 5, "enabled": False}, token="owner", address="2001:db8::1")
    admin.send("GET", "/v1/users")
    admin.send("POST", "/v1/torrents", [{"info_hash": HASH, "size": 1}, {"info_hash": "bb" * 20, "name": "x"}])
    admin.send("DELETE", f"/v1/torrents/{HASH}?reason=secret")
    made = {"time": "2026-11-22T10:00:00.000Z", "who": "writer", "from": "192.0.2.1"}
    assert entries(path) == [
        {
            **made,
            "method": "POST",
            "path": "/v1/users",
            "status": 201,
            "made": "/v1/users/1",
            "fields": ["name", "passkey"],
        },
        {
            **(made | {"who": "owner", "from": "2001:db8::1"}),
            "method": "PATCH",
            "path": "/v1/users/1",
            "status": 200,
            "fields": ["enabled", "uploaded"],
        },
        {
            **made,
            "method": "POST",
            "path": "/v1/torrents",
            "status": 201,
            "fields": ["info_hash", "name", "size"],
            "items": 2,
        },
        {**made, "method": "DELETE", "path": f"/v1/torrents/{HASH}", "status": 204},
    ]


def test_what_was_refused_is_a_line_too(admin, path):
    """An auditor looks for those first."""
    admin.send("POST", "/v1/users", {"name": "x"}, token="reader")
    admin.send("POST", "/v1/users", {"name": "x"}, token="guess")
    admin.send("PATCH", "/v1/users/9", {"name": "x"})
    admin.send("DELETE", "/v1/users/passkey-one")
    shown = [(each.get("who"), each["path"], each["status"]) for each in entries(path)]
    assert shown == [
        ("reader", "/v1/users", 403),
        (None, "/v1/users", 401),
        ("writer", "/v1/users/9", 404),
        ("writer", "/v1/users/{id}", 400),
    ]


def test_no_secret_is_in_it(admin, path):
    """Neither passkeys nor tokens, those that are made and those that are tried."""
    made = admin.send("POST", "/v1/tokens", {"name": "site", "scopes": ["read"]}, token="owner").json["token"]
    admin.send("POST", "/v1/users", {"name": "ann", "passkey": "passkey-one"})
    renewed = admin.send("POST", "/v1/users/1/passkey").json["passkey"]
    admin.send("PUT", "/v1/users/passkey-one", {"name": "x"}, token="tried-token")
    text = path.read_text()
    assert [secret for secret in (made, renewed, "passkey-one", "tried-token") if secret in text] == []
    assert entries(path)[0]["made"] == "/v1/tokens/site"


def test_file_is_for_its_owner(admin, path):
    """It names members and tokens."""
    admin.send("DELETE", "/v1/users/1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_full_file_makes_room_for_the_next(path):
    """So many old ones are kept; no line is in two, and none is lost but with the oldest file."""
    audit = AuditLog(path, 100, 2)
    for number in range(12):
        audit.write({"number": number, "padding": "x" * 20})
    audit.close()
    files = [path.with_name("audit.log.2"), path.with_name("audit.log.1"), path]
    assert sorted(each.name for each in path.parent.iterdir()) == sorted(each.name for each in files)
    numbers = [entry["number"] for each in files for entry in entries(each)]
    assert numbers == list(range(numbers[0], 12))
    assert all(each.stat().st_size <= 100 for each in files)


def test_line_longer_than_a_file_is_written_all_the_same(path):
    """In a file of its own; and with no old file to be kept there is one file."""
    audit = AuditLog(path, 10, 0)
    for number in range(3):
        audit.write({"number": number})
    audit.close()
    assert entries(path) == [{"number": 2}]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_file_that_somebody_took_away_is_made_anew(path, how):
    """As logrotate does, without telling."""
    audit = AuditLog(path, 1000, 1)
    audit.write({"number": 1})
    path.rename(path.with_name("elsewhere")) if how == "moved" else path.unlink()
    audit.write({"number": 2})
    audit.close()
    assert entries(path) == [{"number": 2}]


def test_log_goes_on_after_a_restart(path):
    """It is not begun anew."""
    for number in range(2):
        audit = AuditLog(path, 1000, 1)
        audit.write({"number": number})
        audit.close()
    assert [each["number"] for each in entries(path)] == [0, 1]


def test_full_disk_fails_no_change_and_is_said_once(admin, path, log, monkeypatch):
    """Until it works again."""

    def full(_descriptor, _line) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        for name in ("a", "b"):
            assert admin.send("POST", "/v1/users", {"name": name}).status == 201
    assert len([event for event in log if "without a line" in str(event.get("log_format"))]) == 1
    admin.send("POST", "/v1/users", {"name": "c"})
    assert len(entries(path)) == 1


def test_file_that_cannot_be_opened_is_named_at_the_start(tmp_path):
    """A directory stands in its place."""
    with pytest.raises(ConfigError, match="Is a directory"):
        AuditLog(tmp_path, 1, 1)
