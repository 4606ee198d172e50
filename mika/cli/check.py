"""`mika check URL`: what mika/probe finds out about a live tracker, printed as it is found."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from mika.cli.command import FILE, Command, InfoHash, InputError, visible
from mika.cli.tables import as_json, show_answer

if TYPE_CHECKING:
    from mika.probe.finding import Finding

COLOURS = {"ok": "green", "note": "yellow", "wrong": "red"}
PEER_ID = re.compile(r"[!-~]{1,20}")


@click.command(cls=Command)
@click.argument("url")
@click.option("--torrent", type=InfoHash(), metavar="HASH", help="A torrent that the tracker has, to see its peers.")
@click.option("--peer-id", default="-MK0100-", metavar="PREFIX", help="How the peer id begins.", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=6881, help="The port to announce.", show_default=True)
@click.option("--timeout", type=click.IntRange(1, 300), default=10, help="Seconds a step.", show_default=True)
@click.option("--ca", type=FILE, default="", metavar="FILE", help="Trust the authorities in this PEM file.")
def check(url: str, torrent: str | None, peer_id: str, port: int, timeout: int, ca: str) -> int:
    """Test any live tracker from outside, as a client would, by its announce URL.

    URL is - to read it from standard input, where `ps` does not show its passkey. It is never printed.

    Over IPv4 and IPv6, as far as the name has addresses: connecting, TLS and the certificate, an announce of an
    invented torrent (which a private tracker refuses), the scrape, kept connections, the address that we are seen at,
    the clock, and how long an announce takes. With --torrent the test joins a real swarm for a moment, for its peers.

    Exit status: 0 all is fine, notes aside; 1 something is wrong; 2 what was given is wrong, nothing was sent.
    """
    from mika.probe.probe import Client, probe  # noqa: PLC0415 - slow
    from mika.probe.target import TargetError, read_target  # noqa: PLC0415 - with it

    if not PEER_ID.fullmatch(peer_id):
        raise InputError("a peer id begins with 1 to 20 printable characters, such as -TR4060-")
    try:
        target = read_target(sys.stdin.readline().strip() if url == "-" else url)
    except TargetError as error:
        raise InputError(str(error)) from None
    _check_readable(ca)
    info_hash = bytes.fromhex(torrent) if torrent else os.urandom(20)
    whole_id = (peer_id.encode() + os.urandom(20).hex().encode())[:20]
    client = Client(info_hash, whole_id, bool(torrent), port, timeout, ca)
    findings = []
    if not as_json():
        click.echo(visible(target.shown))
    for finding in probe(target, client):
        findings.append(finding)
        if not as_json():
            _show(finding)
    faults = sum(finding.level == "wrong" for finding in findings)
    if as_json():
        show_answer({"url": target.shown, "fine": not faults, "findings": [_plain(each) for each in findings]})
    else:
        things = "1 thing is" if faults == 1 else f"{faults} things are"
        click.echo(f"\n{things} wrong." if faults else "\nAll is fine.")
    return 1 if faults else 0


def _check_readable(ca: str) -> None:
    if not ca:
        return
    import ssl  # noqa: PLC0415 - only here

    try:
        ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise InputError(f"{ca} holds no certificate in PEM form") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {ca}: {getattr(error, 'strerror', None) or error}") from None


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "step": finding.step,
        "level": str(finding.level),
        "family": finding.family or None,
        "words": finding.words,
        "advice": finding.advice or None,
        **finding.figures,
    }


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level:5}", COLOURS[finding.level])
    click.echo(f"{level}  {finding.family:4}  {finding.step:11}  {visible(finding.words)}")
    if finding.advice:
        click.echo(f"{'':26}{visible(finding.advice)}")
