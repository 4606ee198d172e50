"""Databases of MaxMind: what is downloaded wrongly harms nothing that is there."""

from __future__ import annotations

import pytest
from mmdb import LONDON, write_database
from servers.maxmind import ACCOUNT, CITY, KEY, archive_of, two_databases

from mika.geolite import DownloadError, Licence, Updater


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return a site with both databases."""
    with two_databases(tmp_path_factory.mktemp("maxmind")) as site:
        yield site


@pytest.fixture
def maxmind(site, monkeypatch):
    """Return the site as it is at first, trusted by this process."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.ca))
    monkeypatch.setattr(site, "archives", dict(site.archives))
    monkeypatch.setattr(site, "sums", {})
    monkeypatch.setattr(site, "redirect", site.redirect)
    return site


def spoil(maxmind, how: str) -> None:
    """Let the site send the city database wrongly."""
    right = maxmind.archives[CITY]
    if how == "sum":
        maxmind.sums[CITY] = "0" * 64
    elif how == "no sum":
        maxmind.sums[CITY] = "<html>"
    elif how == "cut":
        maxmind.archives[CITY] = right[:-400]
    elif how == "no archive":
        maxmind.archives[CITY] = b"<html>"
    elif how == "no database":
        maxmind.archives[CITY] = archive_of(CITY, b"x", name="README.txt")
    elif how == "damaged":
        maxmind.archives[CITY] = archive_of(CITY, b"x" * 5000)
    elif how == "plain":
        maxmind.redirect = "http://127.0.0.1:1/{edition}"
    else:
        del maxmind.archives[CITY]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("sum", "GeoLite2-City: what came does not have the site's checksum; try again later"),
        ("no sum", "GeoLite2-City: the site's checksum is none"),
        ("cut", "GeoLite2-City: what came is not a database"),
        ("no archive", "GeoLite2-City: what came is not a database"),
        ("no database", "GeoLite2-City: there is no database in what came"),
        ("damaged", "GeoLite2-City: what came is not a database"),
        ("plain", "GeoLite2-City: {url} cannot be reached: it redirects to a place without TLS"),
        ("gone", "GeoLite2-City: the site answers 404 Not Found: is there such an edition?"),
    ],
)
def test_trouble_leaves_the_old_file(maxmind, tmp_path, how, words) -> None:
    """One line says what is wrong, and nothing half-done lies about; when it is over, the database is new."""
    path = tmp_path / f"{CITY}.mmdb"
    old = write_database(path, {"81.2.69.0/24": LONDON}).read_bytes()
    right = maxmind.archives[CITY], maxmind.redirect
    spoil(maxmind, how)
    updater = Updater(Licence(ACCOUNT, KEY), maxmind.url)
    with pytest.raises(DownloadError) as caught:
        updater.update(path)
    assert str(caught.value) == words.format(url=maxmind.url)
    assert path.read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    maxmind.archives[CITY], maxmind.redirect = right
    maxmind.sums.clear()
    assert updater.update(path)
    assert path.read_bytes() != old


def test_key_is_in_no_representation() -> None:
    """A traceback that shows a licence shows no key."""
    assert KEY not in repr(Licence(ACCOUNT, KEY))
