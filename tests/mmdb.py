"""Databases of addresses, written for a test."""

from __future__ import annotations

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

LONDON = {"country": {"iso_code": "GB"}, "location": {"latitude": 51.5142, "longitude": -0.0931}}
BERLIN = {"country": {"iso_code": "DE"}, "location": {"latitude": 52.52, "longitude": 13.4}}
CITIES = {"81.2.69.0/24": LONDON, "2a02:ec8:e1::/48": BERLIN, "93.184.216.0/24": BERLIN}
NETWORKS = {
    "81.2.64.0/18": {"autonomous_system_number": 20712, "autonomous_system_organization": "Andrews & Arnold Ltd"},
    "2a02:ec8::/32": {"autonomous_system_number": 42926},
}


def write_database(path: Path, records: dict[str, dict], version: int = 6) -> Path:
    """Write a database of networks and their records; return its path."""
    writer = MMDBWriter(version, "Test-City", ipv4_compatible=version == 6, int_type="u32", float_type="f64")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path
