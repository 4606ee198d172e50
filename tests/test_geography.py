"""Addresses to places: what databases say, when they are asked, and what becomes of them while the tracker runs."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from builders import (
    ADDRESS,
    ADDRESS6,
    INFO_HASH,
    OTHER_ADDRESS,
    OTHER_ADDRESS6,
    make_site,
)
from mmdb import BERLIN, CITIES, LONDON, NETWORKS, write_database
from twisted.internet import reactor
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from mika.errors import ConfigError
from mika.geography import Geography, GeographyService, databases_of, read_place
from mika.interfaces import IGeography
from mika.model import NOWHERE, Place
from mika.store.values import freeze_peer, thaw_peer
from mika.wire.address import packed

IN_LONDON = Place("GB", 20712, (51.5142, -0.0931))


def geography(tmp_path, cities=CITIES, networks=NETWORKS, version=6) -> Geography:
    """Return the geography of two databases, open."""
    city = write_database(tmp_path / "city.mmdb", cities, version)
    asn = write_database(tmp_path / "asn.mmdb", networks)
    found = Geography(databases_of(str(city), str(asn)))
    found.open()
    return found


@pytest.mark.parametrize(
    ("record", "place"),
    [
        pytest.param(LONDON, Place("GB", 0, (51.5142, -0.0931)), id="MaxMind and DB-IP"),
        pytest.param({"autonomous_system_number": 15169}, Place("", 15169), id="MaxMind's networks"),
        pytest.param({"country": "DE", "asn": "AS3320"}, Place("DE", 3320), id="IPinfo Lite"),
        pytest.param({"country_code": "de", "asn": 3320}, Place("DE", 3320), id="small letters"),
        pytest.param({"lat": "52.5", "lng": "13.4"}, Place("", 0, (52.5, 13.4)), id="degrees as text"),
        pytest.param({"latitude": -90.0, "longitude": 180}, Place("", 0, (-90.0, 180.0)), id="at the edge"),
        pytest.param({"registered_country": {"iso_code": "FR"}}, Place("FR"), id="registered alone"),
        pytest.param(
            {"country": {"iso_code": "DE"}, "registered_country": {"iso_code": "FR"}}, Place("DE"), id="both countries"
        ),
        pytest.param({}, NOWHERE, id="nothing"),
        pytest.param({"country": "Germany", "asn": "ASX"}, NOWHERE, id="words"),
        pytest.param({"country": "D1", "asn": -5}, NOWHERE, id="no code, no number"),
        pytest.param({"country": {"iso_code": 7}, "location": 3, "asn": 2**32}, NOWHERE, id="wrong types"),
        pytest.param({"location": {"latitude": 91.0, "longitude": 0.0}}, NOWHERE, id="past the pole"),
        pytest.param({"location": {"latitude": 1.0}}, NOWHERE, id="half a place"),
        pytest.param({"location": {"latitude": math.nan, "longitude": 0.0}}, NOWHERE, id="not a number"),
        pytest.param({"lat": "north", "lng": "east"}, NOWHERE, id="no degrees"),
        pytest.param({"country": "ÄÖ", "asn": "²"}, NOWHERE, id="letters and digits of other kinds"),
    ],
)
def test_records_of_several_makers(record, place) -> None:
    """What is there is read, what cannot be right is not."""
    assert read_place(record) == place


def test_provides_geography(tmp_path) -> None:
    """All methods of the interface are there."""
    verifyObject(IGeography, geography(tmp_path))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("81.2.69.142", IN_LONDON),
        ("81.2.70.1", Place("", 20712)),
        ("93.184.216.34", Place("DE", 0, (52.52, 13.4))),
        ("2a02:ec8:e1::1", Place("DE", 42926, (52.52, 13.4))),
        ("127.0.0.1", NOWHERE),
        ("::1", NOWHERE),
    ],
)
def test_two_databases_add_up(tmp_path, address, place) -> None:
    """Each says what it knows, of both families."""
    assert geography(tmp_path).place_of(packed(address)) == place


def test_database_of_ipv4_alone(tmp_path) -> None:
    """It knows nothing of an IPv6 address, which is no failure."""
    cities = {network: record for network, record in CITIES.items() if ":" not in network}
    found = geography(tmp_path, cities, version=4)
    assert found.place_of(packed(ADDRESS)) == IN_LONDON
    assert found.place_of(packed(ADDRESS6)) == Place("", 42926)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory"),
        (b"", "this is not an MMDB database, or not all of it"),
        (b"x" * 5000, "this is not an MMDB database, or not all of it"),
    ],
)
def test_file_that_is_no_database(tmp_path, content, words) -> None:
    """One line names the key, the file and what is wrong."""
    path = tmp_path / "wrong.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Geography(databases_of("", str(path))).open()
    assert str(caught.value) == f"geography.asn: {path}: {words}"


class Counting:
    """A geography that notes what it is asked."""

    def __init__(self, inner: Geography) -> None:
        self._inner = inner
        self.asked: list[str] = []
        self._inner.place_of, self._place_of = self.place_of, self._inner.place_of

    def place_of(self, address: bytes) -> Place:
        """Note, and answer."""
        self.asked.append(address.hex())
        return self._place_of(address)


def site_with(found: Geography):
    """Return a site whose swarms ask this geography."""
    site = make_site()
    site.swarms.presence.locate = found.locate
    return site


def peer_of(site):
    """Return the only peer."""
    (peer,) = site.swarms.get(INFO_HASH).peers
    return peer


def where(peer) -> Place:
    """Return where a peer is."""
    return Place(peer.country, peer.asn, peer.location)


def test_new_peer_is_looked_up_once(tmp_path) -> None:
    """Not at its next announces, nor when its port changes; again when its address does."""
    found = geography(tmp_path)
    counting = Counting(found)
    site = site_with(found)
    for number in range(5):
        site.announce(uploaded=number)
    site.announce(port=7000)
    site.announce(left=0, port=7000)
    assert counting.asked == [packed(ADDRESS).hex()]
    assert where(peer_of(site)) == IN_LONDON
    site.announce(address="93.184.216.34")
    assert len(counting.asked) == 2
    assert where(peer_of(site)) == Place("DE", 0, (52.52, 13.4))
    site.announce(address="127.0.0.1")
    assert where(peer_of(site)) == NOWHERE


@pytest.mark.parametrize(
    ("addresses", "country"),
    [
        ([ADDRESS, ADDRESS6], "GB"),
        ([ADDRESS6, ADDRESS], "GB"),
        ([ADDRESS6], "DE"),
        ([ADDRESS6, "127.0.0.1"], "DE"),
    ],
)
def test_dual_stack_peer_is_where_its_ipv4_address_is(tmp_path, addresses, country) -> None:
    """Whichever came first; of an address of which nothing is known, the other one speaks."""
    site = site_with(geography(tmp_path))
    for address in addresses:
        site.announce(address=address)
    assert peer_of(site).country == country


def test_peer_of_a_store_is_looked_up_again(tmp_path) -> None:
    """Country and network are kept in no store: a start finds them by the endpoints, active or known to be silent."""
    found = geography(tmp_path)
    site = site_with(found)
    site.announce()
    kept = thaw_peer(freeze_peer(peer_of(site)))
    assert where(kept) == Place("", 0, IN_LONDON.location)
    again = site_with(found)
    again.swarms.restore(INFO_HASH, kept)
    assert where(peer_of(again)) == IN_LONDON


def test_without_databases_a_stored_place_stays(tmp_path) -> None:
    """A tracker that knows no places shows the ones that it had."""
    site = site_with(geography(tmp_path))
    site.announce()
    kept = thaw_peer(freeze_peer(peer_of(site)))
    again = make_site()
    again.swarms.restore(INFO_HASH, kept)
    again.announce()
    assert peer_of(again).location == IN_LONDON.location


class ServiceTests(TestCase):
    """The databases while the tracker runs, in real threads."""

    def setUp(self) -> None:
        """Start with a database that has London."""
        self.path = write_database_in(self.mktemp(), {"81.2.69.0/24": LONDON})
        self.geography = Geography(databases_of(str(self.path), ""))
        self.service = GeographyService(self.geography, reactor)
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def country(self) -> str:
        """Return where the usual address is by now."""
        return self.geography.place_of(packed(ADDRESS)).country

    async def look(self) -> list[tuple[LogLevel, str]]:
        """Let the service look, and return what it logs."""
        with capturedLogs() as events:
            await self.service.work()
        return [(event["log_level"], formatEvent(event)) for event in events if event.get("log_level")]

    async def test_file_that_is_replaced_is_read_anew(self) -> None:
        """By a rename or in place; and not when nothing changed."""
        assert await self.look() == []
        write_database(self.path.with_name("new"), {"81.2.69.0/24": BERLIN}).replace(self.path)
        assert await self.look() == [(LogLevel.info, f"geography.city: {self.path} was read anew")]
        assert self.country() == "DE"
        assert await self.look() == []
        write_database(self.path, {"81.2.69.0/24": LONDON, "81.2.70.0/24": LONDON})
        assert len(await self.look()) == 1
        assert self.country() == "GB"

    async def test_file_that_is_cut_off_harms_nobody(self) -> None:
        """Lookups go on from the copy, the trouble is said once, and a good file ends it."""
        os.truncate(self.path, 100)
        assert self.country() == "GB"
        trouble = f"geography.city: {self.path}: this is not an MMDB database, or not all of it"
        assert await self.look() == [(LogLevel.error, f"{trouble}; the one before stays in use")]
        assert await self.look() == []
        assert self.country() == "GB"
        write_database(self.path, {"81.2.69.0/24": BERLIN})
        assert len(await self.look()) == 1
        assert self.country() == "DE"

    async def test_file_that_is_gone_stays_in_use(self) -> None:
        """Nobody is told; what replaces it is read."""
        self.path.unlink()
        assert await self.look() == []
        assert self.country() == "GB"
        write_database(self.path, {"81.2.69.0/24": BERLIN})
        await self.look()
        assert self.country() == "DE"


def write_database_in(name, records) -> Path:
    """Make a directory and write a database there."""
    directory = Path(name).absolute()
    directory.mkdir()
    return write_database(directory / "city.mmdb", records)


def test_addresses_of_a_test_are_known() -> None:
    """The tables here speak of what the databases have."""
    assert {ADDRESS, OTHER_ADDRESS} < {f"81.2.69.{number}" for number in range(256)}
    assert all(each.startswith("2a02:ec8:e1::") for each in (ADDRESS6, OTHER_ADDRESS6))
