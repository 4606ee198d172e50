"""What the tracker says of itself."""

from __future__ import annotations

import mika
from mika.admin.call import Health, StoreHealth
from mika.compiled import is_compiled


def test_status_has_version_uptime_stores_queues_and_counts(admin):
    """A hybrid torrent is one, a deleted one is none."""
    admin.send("POST", "/v1/users", [{"name": "ann"}, {"name": "bob"}])
    admin.send("POST", "/v1/torrents", [{"info_hash": "aa" * 20, "info_hash_v2": "bb" * 32}, {"info_hash": "cc" * 20}])
    admin.send("DELETE", f"/v1/torrents/{'cc' * 20}")
    admin.swarms.join(bytes.fromhex("aa" * 20), 1, b"-TR4060-abcdefghijkl", admin.directory.now())
    admin.swarms.peer_count = 1
    admin.clock.advance(90.5)
    admin.health = Health([StoreHealth.of("users", "postgresql://me:secret@host/db", ok=False)], {"users": 3})
    assert admin.send("GET", "/v1/status", token="reader").json == {
        "version": mika.__version__,
        "uptime": 90,
        "started_at": "2026-11-22T10:00:00Z",
        "compiled": is_compiled(),
        "stores": [{"kind": "users", "url": "postgresql:", "ok": False}],
        "queues": {"users": 3},
        "swarms": 1,
        "peers": 1,
        "users": 2,
        "torrents": 1,
    }


def test_health_and_readiness_are_open_to_all(admin):
    """A balancer has no token."""
    assert admin.send("GET", "/healthz", token=None).json == {"ok": True}
    assert admin.send("GET", "/readyz", token=None).json == {"ok": True}


def test_tracker_is_not_ready_while_a_store_is_down(admin):
    """It lives all the same, and says which store it is."""
    admin.health = Health([StoreHealth("users", "sqlite:", ok=True), StoreHealth("peers", "sqlite:", ok=False)], {})
    reply = admin.send("GET", "/readyz", token=None)
    assert reply.status == 503
    assert "peers" in reply.json["detail"]
    assert "users" not in reply.json["detail"]
    assert admin.send("GET", "/healthz", token=None).status == 200
