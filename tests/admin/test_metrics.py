"""What Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from mika.admin.call import Health, StoreHealth


def figures(admin, **asked):
    """Return every sample by its name and labels, as Prometheus's own parser reads it."""
    reply = admin.send("GET", "/metrics", **asked)
    assert reply.status == 200
    assert reply.content_type.startswith("text/plain; version=")
    families = list(text_string_to_metric_families(reply.text))
    assert all(family.documentation for family in families)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_figures_are_those_of_the_state(admin):
    """Stores by kind, what waits for them, the journal, and how much is in memory."""
    admin.send("POST", "/v1/users", {"name": "ann"})
    admin.swarms.join(b"a" * 20, 1, b"-TR4060-abcdefghijkl", admin.directory.now())
    stores = [StoreHealth("users", "sqlite:", ok=True), StoreHealth("peers", "redis:", ok=False)]
    admin.health = Health(stores, {"users": 0, "peers": 77}, 8 << 20, "No space left on device")
    found = figures(admin, token="reader")
    assert found["mika_store_up", "users"] == 1
    assert found["mika_store_up", "peers"] == 0
    assert found["mika_store_waiting_announces", "peers"] == 77
    assert found["mika_journal_bytes",] == 8 << 20
    assert found["mika_journal_on_disk",] == 0
    assert (found["mika_users",], found["mika_swarms",], found["mika_peers",]) == (1, 1, 0)


def test_token_is_needed_unless_the_operator_says_otherwise(admin, make_admin):
    """A Prometheus that cannot be given a token may be let in."""
    assert admin.send("GET", "/metrics", token=None).status == 401
    assert figures(make_admin(metrics_open=True), token=None)
