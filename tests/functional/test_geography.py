"""Where peers are, through all of it: announces by address, the API's peers, and who is near, on each kind of store."""

from __future__ import annotations

import pytest
from functional.places import PLACES
from mmdb import CITIES, NETWORKS, write_database

HASH = bytes(range(20))


@pytest.mark.parametrize("kind", PLACES)
def test_peers_are_found_where_they_are(tmp_path, kind) -> None:
    """The same query gives the same peers, right after the announces and after a restart."""
    directory = tmp_path / "tracker"
    directory.mkdir()
    city = write_database(tmp_path / "city.mmdb", CITIES)
    asn = write_database(tmp_path / "asn.mmdb", NETWORKS)
    with PLACES[kind]() as place:
        tracker = place.tracker(
            directory,
            MIKA_GEOGRAPHY__CITY=str(city),
            MIKA_GEOGRAPHY__ASN=str(asn),
            MIKA_TRACKER__TRUSTED_PROXIES="127.0.0.1/32",
            MIKA_TRACKER__ALLOW_CLIENT_IP="true",
        )
        try:
            tracker.start()
            tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
            for number, address in enumerate(("81.2.69.142", "81.2.69.143", "93.184.216.34", "127.0.0.9")):
                user = tracker.add_user(f"user{number}")
                url = tracker.announce_url(user)
                tracker.announce(url, HASH, b"-XX0001-%012d" % number, ip=address)

            def near(latitude, longitude, kilometres) -> list[tuple[str, str, int]]:
                path = f"/v1/torrents/{HASH.hex()}/peers?near={latitude},{longitude}&within={kilometres}"
                return [(peer["ipv4"], peer["country"], peer["asn"]) for peer in tracker.api("GET", path)["items"]]

            def look() -> None:
                london = [("81.2.69.142", "GB", 20712), ("81.2.69.143", "GB", 20712)]
                assert sorted(near(51.5, -0.1, 20)) == london
                assert near(52.5, 13.4, 20) == [("93.184.216.34", "DE", None)]
                assert near(52.5, 13.4, 1200)[0] == ("93.184.216.34", "DE", None)
                assert len(near(52.5, 13.4, 1200)) == 3
                assert near(0, 0, 100) == []

            look()
            tracker.restart()
            look()
        finally:
            tracker.stop()
        tracker.check_log()
