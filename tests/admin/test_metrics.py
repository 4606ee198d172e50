"""What Prometheus reads."""

from __future__ import annotations

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from mika.admin.call import Health, StoreHealth
from mika.counts import Traffic
from mika.rules import refusal
from mika.rules.refusal import Refusal

LABELS = {"family", "protocol", "code", "counted", "kind", "outcome", "role", "le", "generation", "version"}
"""Every label there is; none of them has a user, a torrent, an address or a client in it."""

UNITS = ("seconds", "bytes", "points")
NOT_BASE = re.compile(
    r"_(milli|micro|nano)?(second|byte|minute|hour|day|ms|kb|mb|gb|kib|mib|percent|bits)(_|$)|_(ms|minutes)_"
)


def families(admin, **asked):
    """Return every family, as Prometheus's own parser reads them."""
    reply = admin.send("GET", "/metrics", **asked)
    assert reply.status == 200
    assert reply.content_type.startswith("text/plain; version=")
    assert list(lint_types(reply.text)) == []
    return list(text_string_to_metric_families(reply.text))


def figures(admin, **asked):
    """Return every sample by its name and labels."""
    return {
        (each.name, *each.labels.values()): each.value for family in families(admin, **asked) for each in family.samples
    }


def lint_types(text):
    """Say which counters end in something else than _total, which the parser would make good."""
    for name, type_ in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        if (type_ == "counter") != name.endswith("_total"):
            yield f"{name}: a counter ends in _total, and nothing else does"


def lint(found):
    """Say what promtool and Prometheus's guide to names would say of these families."""
    for family in found:
        if not re.fullmatch(r"(mika|process|python)(_[a-z0-9]+)*", family.name):
            yield f"{family.name}: a name with a prefix and small letters is needed"
        if family.name.startswith("mika") and not family.documentation.endswith("."):
            yield f"{family.name}: words are needed"
        if NOT_BASE.search(family.name):
            yield f"{family.name}: base units are needed"
        if family.type == "unknown":
            yield f"{family.name}: has no type"
        for sample in family.samples:
            if family.type == "gauge" and sample.name.endswith(("_count", "_sum", "_bucket")):
                yield f"{sample.name}: this ending is another type's"
            if not set(sample.labels) <= LABELS:
                yield f"{sample.name}: labels {set(sample.labels) - LABELS}"
            if not sample.value >= 0:
                yield f"{sample.name}: {sample.value}"
    names = [family.name for family in found]
    yield from (f"{name}: is there twice" for name in set(names) if names.count(name) > 1)


def test_names_and_types_are_as_prometheus_wants_them(admin):
    """Counters end in _total, units are base units and in the name, labels have few values."""
    admin.send("POST", "/v1/users", {"name": "ann"})
    assert list(lint(families(admin))) == []


@pytest.mark.parametrize(
    "text",
    [
        "# HELP mika_x Words.\n# TYPE mika_x counter\nmika_x 1\n",
        "# HELP mika_x_total Words.\n# TYPE mika_x_total gauge\nmika_x_total 1\n",
        "# HELP mika_x_ms Words.\n# TYPE mika_x_ms gauge\nmika_x_ms 1\n",
        '# HELP mika_x Words.\n# TYPE mika_x gauge\nmika_x{user="1"} 1\n',
        "# TYPE mika_x gauge\nmika_x 1\n",
        "mika_x 1\n",
        "# HELP other Words.\n# TYPE other gauge\nother 1\n",
        "# HELP mika_x Words.\n# TYPE mika_x gauge\nmika_x NaN\n",
    ],
)
def test_lint_finds_what_is_wrong(text):
    """The test above can fail."""
    assert [*lint_types(text), *lint(list(text_string_to_metric_families(text)))]


def test_who_accepts_openmetrics_is_answered_so(admin):
    """As Prometheus asks; the same families."""
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    reply = admin.send("GET", "/metrics", accept=accept)
    assert reply.content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert reply.text.endswith("# EOF\n")
    assert {each.name for each in openmetrics_families(reply.text)} == {
        family.name.removesuffix("_info") for family in families(admin)
    }


def test_figures_are_those_of_the_state(admin):
    """Stores by kind, what waits for them, the journal, and how much is in memory."""
    admin.send("POST", "/v1/users", {"name": "ann"})
    admin.send("POST", "/v1/torrents", {"info_hash": "aa" * 20, "info_hash_v2": "bb" * 32})
    admin.send("GET", f"/v1/torrents/{'cc' * 20}")
    admin.swarms.join(b"a" * 20, 1, b"-TR4060-abcdefghijkl", admin.directory.now())
    stores = [StoreHealth("users", "sqlite:", ok=True), StoreHealth("peers", "redis:", ok=False)]
    admin.health = Health(stores, {"users": 0, "peers": 77}, 8 << 20, "No space left on device")
    found = figures(admin, token="reader")
    assert found["mika_store_up", "users"] == 1
    assert found["mika_store_up", "peers"] == 0
    assert found["mika_store_waiting_announces", "peers"] == 77
    assert found["mika_journal_bytes",] == 8 << 20
    assert found["mika_journal_on_disk",] == 0
    assert found["mika_journal_unsynced_seconds",] == 0.25
    assert (found["mika_users",], found["mika_torrents",], found["mika_absent_keys",]) == (1, 2, 1)
    assert found["mika_lookups_total", "torrents", "absent"] == 1
    assert (found["mika_swarms",], found["mika_peers",]) == (1, 0)
    assert found["mika_connections_accepted_total", "ipv4", "http"] == 7


def test_counts_are_those_of_the_announce_ports(admin):
    """By family and protocol; a refusal also by its code, which is there at 0 before the first one."""
    traffic = Traffic()
    traffic.announces4, traffic.announces6, traffic.scrapes6, traffic.lookups, traffic.cut_off = 10, 4, 2, 3, 1
    traffic.refusals["passkey_invalid", 6] = 5
    traffic.refusals["of_a_plugin", 4] = 1
    traffic.malformed["line_too_long"] = 6
    admin.figures.traffic["http"] = traffic
    found = figures(admin)
    assert found["mika_announces_total", "ipv4", "http"] == 10
    assert found["mika_announces_total", "ipv6", "http"] == 4
    assert found["mika_scrapes_total", "ipv6", "http"] == 2
    assert found["mika_refusals_total", "passkey_invalid", "ipv6", "http"] == 5
    assert found["mika_refusals_total", "passkey_invalid", "ipv4", "http"] == 0
    assert found["mika_refusals_total", "of_a_plugin", "ipv4", "http"] == 1
    assert found["mika_bad_requests_total", "line_too_long", "http"] == 6
    assert found["mika_bad_requests_total", "method_refused", "http"] == 0
    assert found["mika_waited_requests_total", "http"] == 3
    assert found["mika_connections_cut_off_total", "http"] == 1
    codes = {each.code for each in vars(refusal).values() if isinstance(each, Refusal)}
    assert codes < {name[1] for name in found if name[0] in {"mika_refusals_total", "mika_bad_requests_total"}}


def test_process_is_there_too(admin):
    """CPU, memory, descriptors and garbage, by prometheus_client's own collectors."""
    found = {family.name for family in families(admin)}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"} <= found
    assert "python_gc_collections" in found


def test_token_is_needed_unless_the_operator_says_otherwise(admin, make_admin):
    """A Prometheus that cannot be given a token may be let in."""
    assert admin.send("GET", "/metrics", token=None).status == 401
    assert figures(make_admin(metrics_open=True), token=None)


def test_what_is_credited_is_what_the_torrents_store_was_told(admin):
    """Real and credited; as the batches that were written added it up."""

    class Written:
        """A flush that has written something."""

        kind, healthy, reached, waiting, batches, rows, failures = "torrents", True, 0, 0, 3, 9, 2
        grown = admin.figures.grown.copy()
        seconds = admin.figures.pulse.lag

    Written.grown.uploaded, Written.grown.uploaded_real, Written.grown.bonus = 200, 100, 2_500_000_000
    Written.grown.completed = 4
    admin.flushes.append(Written)
    found = figures(admin)
    assert found["mika_uploaded_bytes_total", "credited"] == 200
    assert found["mika_uploaded_bytes_total", "real"] == 100
    assert found["mika_bonus_points_total",] == 2.5
    assert found["mika_completions_total",] == 4
    assert found["mika_flush_rows_total", "torrents"] == 9
    assert found["mika_flush_failures_total", "torrents"] == 2
    assert found["mika_flush_seconds_count", "torrents"] == 0
