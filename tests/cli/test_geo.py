"""`mika geo`, as an operator runs it: databases that are downloaded whole or not at all, and what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from functional.tracker_process import clean_environment
from mmdb import BERLIN, write_database
from servers.maxmind import ACCOUNT, ASN, CITY, KEY, archive_of, two_databases

MIKA = str(Path(sys.executable).with_name("mika"))
LICENCE = {"GEOIPUPDATE_ACCOUNT_ID": ACCOUNT, "GEOIPUPDATE_LICENSE_KEY": KEY}


@pytest.fixture
def maxmind(tmp_path):
    """Return a site with both databases."""
    with two_databases(tmp_path / "maxmind") as site:
        yield site


@pytest.fixture
def geo(tmp_path, maxmind):
    """Return a function that runs `mika geo` with both databases configured, the licence in the environment."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: str, city=f"{home}/geo/{CITY}.mmdb", asn=f"{home}/geo/{ASN}.mmdb", **environment: str):
        settings = {"MIKA_GEOGRAPHY__CITY": city, "MIKA_GEOGRAPHY__ASN": asn, "SSL_CERT_FILE": str(maxmind.ca)}
        site = ("--site", maxmind.url) if arguments[0] == "update" and "--site" not in arguments else ()
        ended = subprocess.run(
            [MIKA, "geo", *arguments, *site],
            cwd=home,
            env=clean_environment(**settings, **(environment or LICENCE)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in ended.stdout + ended.stderr
        assert KEY not in ended.stdout + ended.stderr
        return ended.returncode, ended.stdout.splitlines(), ended.stderr.strip()

    run.folder = home / "geo"
    return run


def test_databases_are_downloaded_and_used(geo, maxmind) -> None:
    """Both are there, may be read by the tracker's user, and answer; the key went to the site alone."""
    paths = [geo.folder / f"{edition}.mmdb" for edition in (CITY, ASN)]
    assert geo("update") == (0, [f"{path}: downloaded" for path in paths], "")
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o644, 0o644]
    assert sorted(path.name for path in geo.folder.iterdir()) == [
        *(f"{ASN}.mmdb", f"{ASN}.mmdb.sha256", f"{CITY}.mmdb", f"{CITY}.mmdb.sha256")
    ]
    assert geo("look", "81.2.69.142") == (0, ["country GB, network AS20712, at 51.5142, -0.0931"], "")
    assert geo("look", "127.0.0.1") == (0, ["country -, network -, at -"], "")
    assert all((authorization is None) == path.startswith("/store/") for path, authorization in maxmind.requests)
    assert not any(KEY in path for path, _ in maxmind.requests)


def test_what_is_up_to_date_is_not_downloaded_again(geo, maxmind) -> None:
    """The checksum says so; a file that was removed, or is another at the site, is fetched."""
    geo("update")
    path = geo.folder / f"{CITY}.mmdb"
    assert geo("update", asn="") == (0, [f"{path}: is up to date"], "")
    assert maxmind.downloads == 2
    path.unlink()
    geo("update")
    assert maxmind.downloads == 3
    other = write_database(maxmind.ca.with_name("3"), {"81.2.69.0/24": BERLIN}).read_bytes()
    maxmind.archives[CITY] = archive_of(CITY, other)
    assert geo("update", asn="")[1] == [f"{path}: downloaded"]
    assert path.read_bytes() == other


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ((), {"HOME": "/"}, "no licence: set GEOIPUPDATE_ACCOUNT_ID"),
        ((), {"GEOIPUPDATE_ACCOUNT_ID": ACCOUNT}, "no licence: set GEOIPUPDATE_ACCOUNT_ID"),
        ((), {"GEOIPUPDATE_ACCOUNT_ID": "1", "GEOIPUPDATE_LICENSE_KEY_FILE": "/no/file"}, "/no/file: No such file"),
        (("--licence", "/no/file"), {}, "/no/file: No such file"),
        (("--licence", "/dev/null"), {}, "/dev/null: lines AccountID and LicenseKey are needed"),
        (("--site", "http://127.0.0.1"), {}, "the site must be https://"),
    ],
)
def test_wrong_licence_or_site_sends_nothing(geo, maxmind, arguments, environment, words) -> None:
    """One line says what is missing, with status 2."""
    status, lines, errors = geo("update", *arguments, **environment)
    assert (status, lines) == (2, [])
    assert words in errors
    assert errors.count("\n") == 0
    assert maxmind.requests == []


def test_licence_that_is_refused(geo) -> None:
    """It is the site that says so, and nothing shows the key."""
    status, _, errors = geo("update", GEOIPUPDATE_ACCOUNT_ID="1", GEOIPUPDATE_LICENSE_KEY=KEY)
    assert status == 1
    assert "GeoLite2-City: the site answers 401 Unauthorized: is the licence right?" in errors


@pytest.mark.parametrize("given", ["file", "key file"])
def test_licence_in_a_file(geo, tmp_path, given) -> None:
    """MaxMind's own GeoIP.conf, or its variable that names a file."""
    conf, key = tmp_path / "GeoIP.conf", tmp_path / "key"
    conf.write_text(f"# of MaxMind\nAccountID {ACCOUNT}\nLicenseKey {KEY}\nEditionIDs GeoLite2-City\n\n")
    key.write_text(f"{KEY}\n")
    if given == "file":
        status, lines, _ = geo("update", "--licence", str(conf), HOME="/")
    else:
        status, lines, _ = geo("update", GEOIPUPDATE_ACCOUNT_ID=ACCOUNT, GEOIPUPDATE_LICENSE_KEY_FILE=str(key))
    assert (status, len(lines)) == (0, 2)


def test_certificate_of_a_stranger_is_refused(geo, maxmind) -> None:
    """The key is not sent to whoever answers."""
    maxmind.ca.write_text("")
    status, _, errors = geo("update", asn="")
    assert status in (1, 2)
    assert "certificate" in errors.lower() or "SSL" in errors
    assert maxmind.requests == []


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ({"city": "", "asn": ""}, "no database is configured: set [geography] city and asn"),
        ({"city": "/x/dbip.mmdb"}, "/x/dbip.mmdb: only files named after an edition can be updated"),
        ({"city": "/x/GeoLite2-City.dat"}, "only files named after an edition can be updated"),
    ],
)
def test_what_cannot_be_updated(geo, paths, words) -> None:
    """Other makers' databases are the operator's own to bring up to date."""
    status, _, errors = geo("update", **paths)
    assert status == 2
    assert words in errors


@pytest.mark.parametrize("address", ["hello", "1.2.3", ""])
def test_what_is_no_address(geo, address) -> None:
    """One line says so."""
    status, _, errors = geo("look", address)
    assert status == 2
    assert errors.startswith("mika: ")
