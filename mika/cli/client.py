"""`mika client`: the commands that ask a running tracker."""

from __future__ import annotations

import click

from mika.cli.api import Api
from mika.cli.asking import asks_a_tracker, remember_tracker
from mika.cli.command import Section, visible
from mika.cli.configuration import config
from mika.cli.events import events
from mika.cli.histories import debt
from mika.cli.roles import role
from mika.cli.suspicions import suspicion
from mika.cli.tables import as_json, show_answer
from mika.cli.top import STATS, top
from mika.cli.torrents import torrent
from mika.cli.users import user
from mika.cli.whitelist import whitelist


@click.group(cls=Section)
@asks_a_tracker
@click.pass_context
def client(ctx: click.Context, state_dir: str, url: str, ca: str) -> None:
    """Ask and change a running tracker, through its API.

    The tracker is found by the first of these that applies:

    \b
      --state-dir DIR                 a tracker on this machine
      MIKA_STATE                      the same, from the environment
      --url URL and MIKA_TOKEN        a tracker anywhere (certificate: --ca, MIKA_CA)
      ./mika-state                    if there is such a directory
      MIKA_URL, MIKA_TOKEN, MIKA_CA   a tracker anywhere; without a CA, the system's

    So ./mika-state goes before MIKA_URL. A token is never an option: other users of the machine could read it.

    Exit status: 0 done; 1 the tracker said no or could not be reached; 2 what was given is wrong, nothing was sent.
    """  # noqa: D301 - the \b is click's mark for lines to leave as they are
    remember_tracker(ctx, state_dir, url, ca)


@client.command()
@click.pass_obj
def ping(api: Api) -> None:
    """Say whether the tracker answers, and takes the token."""
    answer = api.call("GET", "/v1/status")
    if as_json():
        show_answer(answer)
    else:
        click.echo(f"mika {visible(str(answer.get('version')))} answers at {api.place.url}")


@client.command()
@click.pass_obj
def status(api: Api) -> None:
    """Show the version, uptime, stores and queues."""
    show_answer(api.call("GET", "/v1/status"))


@client.command()
@click.pass_obj
def stats(api: Api) -> None:
    """Show figures: rates, peers, refusals, stores, and what was credited."""
    show_answer(api.call("GET", STATS))


for part in (top, events, torrent, user, role, whitelist, debt, suspicion, config):
    client.add_command(part)
