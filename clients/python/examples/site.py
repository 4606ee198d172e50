"""Sign up a member, upload a torrent, hand out its .torrent file, and show the member's ratio.

usage: python examples/site.py ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent

MIKA_URL, MIKA_TOKEN and MIKA_CA say where the tracker is. Run it again after some announces: the ratio has changed.
"""

import sys
from pathlib import Path

from mika_client import Client, MikaError, ProblemError, Torrent, User, read_metainfo

CONFLICT = 409


def sign_up(mika: Client, user_id: int, name: str) -> User:
    """Make an account under the id that the site uses; one that is there stays as it is."""
    try:
        return mika.add_user(id=user_id, name=name)
    except ProblemError as problem:
        if problem.status != CONFLICT:
            raise
        return mika.user(user_id)


def upload(mika: Client, member: User, file: Path, announce_base: str) -> tuple[Torrent, bytes]:
    """Add a torrent; return it and the .torrent file for this member, made private and with the member's passkey."""
    metainfo = read_metainfo(file.read_bytes()).made_private()
    try:
        torrent = mika.add_torrent(**metainfo.fields)
    except ProblemError as problem:
        if problem.status != CONFLICT:
            raise
        torrent = mika.torrent(metainfo.info_hash)
    return torrent, metainfo.announcing_to(f"{announce_base}/{member.passkey}/announce")


def main(user_id: str, name: str, file: str, announce_base: str, out: str) -> None:
    """Do what a site does for a new member."""
    with Client() as mika:
        member = sign_up(mika, int(user_id), name)
        print(f"member {member.id} is {member.name}, role {member.role}")
        torrent, personal = upload(mika, member, Path(file), announce_base)
        Path(out).write_bytes(personal)
        print(f"torrent {torrent.info_hash} is {torrent.name}, {torrent.size} bytes, {torrent.seeders} seeders")
        ratio = "none yet" if member.ratio is None else f"{member.ratio:.2f}"
        print(f"up {member.uploaded}, down {member.downloaded}, ratio {ratio}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (MikaError, OSError) as error:
        sys.exit(f"site.py: {error}")
