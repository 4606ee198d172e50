"""What site.py does, under a Twisted reactor.

usage: python examples/site_twisted.py ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent
"""

import sys
from pathlib import Path
from typing import Any

from twisted.internet import task

from mika_client import MikaError, ProblemError, Torrent, User, read_metainfo
from mika_client.deferred import TwistedClient

CONFLICT = 409


async def sign_up(mika: TwistedClient, user_id: int, name: str) -> User:
    """Make an account under the id that the site uses; one that is there stays as it is."""
    try:
        return await mika.add_user(id=user_id, name=name)
    except ProblemError as problem:
        if problem.status != CONFLICT:
            raise
        return await mika.user(user_id)


async def upload(mika: TwistedClient, member: User, file: Path, announce_base: str) -> tuple[Torrent, bytes]:
    """Add a torrent; return it and the .torrent file for this member, made private and with the member's passkey."""
    metainfo = read_metainfo(file.read_bytes()).made_private()
    try:
        torrent = await mika.add_torrent(**metainfo.fields)
    except ProblemError as problem:
        if problem.status != CONFLICT:
            raise
        torrent = await mika.torrent(metainfo.info_hash)
    return torrent, metainfo.announcing_to(f"{announce_base}/{member.passkey}/announce")


async def main(reactor: Any, user_id: str, name: str, file: str, announce_base: str, out: str) -> None:
    """Do what a site does for a new member."""
    try:
        mika = TwistedClient(reactor)
        member = await sign_up(mika, int(user_id), name)
        print(f"member {member.id} is {member.name}, role {member.role}")
        torrent, personal = await upload(mika, member, Path(file), announce_base)
        Path(out).write_bytes(personal)
        print(f"torrent {torrent.info_hash} is {torrent.name}, {torrent.size} bytes, {torrent.seeders} seeders")
        ratio = "none yet" if member.ratio is None else f"{member.ratio:.2f}"
        print(f"up {member.uploaded}, down {member.downloaded}, ratio {ratio}")
        await mika.close()
    except (MikaError, OSError) as error:
        sys.exit(f"site_twisted.py: {error}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    task.react(main, sys.argv[1:])
