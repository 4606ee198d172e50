"""`mika geo`: the databases of addresses that `[geography]` names, brought up to date and asked."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mika.cli.command import FILE, InputError, Section, visible
from mika.cli.tables import as_json, show_answer
from mika.errors import ConfigError

if TYPE_CHECKING:
    from mika.config import Geography as GeographySection

_config_option = click.option(
    "--config", "-c", type=FILE, metavar="PATH", default="", help="The configuration, as twistd mika takes it."
)


@click.group(cls=Section)
def geo() -> None:
    """Look after the databases that say in which country, network and place an address is."""


@geo.command()
@_config_option
@click.option(
    "--licence", type=FILE, metavar="PATH", default="", help="MaxMind's GeoIP.conf, with AccountID and LicenseKey."
)
@click.option("--site", metavar="URL", default="https://download.maxmind.com", help="Where to download from.")
def update(config: str, licence: str, site: str) -> int:
    """Download the databases of [geography] from MaxMind, where they are not up to date.

    The account and its licence key are read from --licence, else from GEOIPUPDATE_ACCOUNT_ID and
    GEOIPUPDATE_LICENSE_KEY or GEOIPUPDATE_LICENSE_KEY_FILE. A running tracker notices within a minute. Exit status: 0
    all are up to date; 1 one could not be downloaded; 2 the configuration or the licence is wrong.
    """
    from mika.geolite import DownloadError, Updater, edition_of, read_licence  # noqa: PLC0415 - slow

    results: list[dict[str, str | None]] = []
    try:
        paths = _paths(_section(config))
        for path in paths:
            edition_of(path)
        updater = Updater(read_licence(Path(licence) if licence else None, os.environ), site)
    except ConfigError as error:
        raise InputError(str(error)) from None
    for path in paths:
        try:
            was_old = updater.update(path)
        except DownloadError as error:
            results.append({"path": str(path), "result": None, "problem": str(error)})
            click.echo(f"mika: {visible(str(error))}", err=True)
        else:
            results.append({"path": str(path), "result": "downloaded" if was_old else "is up to date", "problem": None})
            if not as_json():
                click.echo(visible(f"{path}: {results[-1]['result']}"))
    if as_json():
        show_answer(results)
    return 1 if any(each["problem"] for each in results) else 0


@geo.command()
@_config_option
@click.argument("address")
def look(config: str, address: str) -> None:
    """Say where an address is, by the databases of [geography]."""
    from mika.geography import Geography, databases_of  # noqa: PLC0415 - slow

    try:
        packed = ipaddress.ip_address(address).packed
        section = _section(config)
        _paths(section)
        geography = Geography(databases_of(section.city, section.asn))
        geography.open()
    except (ConfigError, ValueError) as error:
        raise InputError(str(error)) from None
    place = geography.place_of(packed)
    if as_json():
        show_answer({"country": place.country, "asn": place.asn, "location": place.location})
        return
    at = "" if place.location is None else "{}, {}".format(*place.location)
    click.echo(f"country {place.country or '-'}, network {f'AS{place.asn}' if place.asn else '-'}, at {at or '-'}")


def _section(config: str) -> GeographySection:
    from mika.config import load_config  # noqa: PLC0415 - slow

    return load_config(Path(config) if config else None, os.environ).geography


def _paths(section: GeographySection) -> list[Path]:
    paths = [Path(path) for path in (section.city, section.asn) if path]
    if not paths:
        raise ConfigError(
            "no database is configured: set [geography] city and asn to where they are, or are to be, such as "
            "/var/lib/mika/GeoLite2-City.mmdb"
        )
    return paths
