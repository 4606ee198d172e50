"""The last service to start: says where things are, to the `mika` command by two files, to a first user in words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.application.service import Service
from twisted.logger import Logger

from mika.config_values import HostPort
from mika.server.admin import AdminService
from mika.server.listen import AnnounceService, reachable

FIRST_STEPS = """
mika is running.

  Announce URL   {announce}/PASSKEY/announce
  Admin API      {api}   (token in {state_dir}/api-token)

Next:
  {command} client user add alice
  {command} client torrent add FILE.torrent
  {command} client status

"""


class Welcome(Service):
    """Writes `api-url` and `announce-url` into the state directory, and the first steps where no configuration is."""

    log = Logger()

    def __init__(self, state_dir: Path, announces: AnnounceService, admin: AdminService, *, first_steps: bool) -> None:
        self._state_dir = state_dir
        self._announces = announces
        self._admin = admin
        self._first_steps = first_steps

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Everything before it is ready now."""
        super().startService()
        api = f"https://{reachable(HostPort(self._admin.host, self._admin.port))}"
        announce = self._announces.url
        (self._state_dir / "api-url").write_text(api + "\n", encoding="ascii")
        (self._state_dir / "announce-url").write_text(announce + "\n", encoding="ascii")
        self.log.info("mika is ready: announces at {announce}, admin API at {api}", announce=announce, api=api)
        if self._first_steps and sys.__stdout__ is not None:
            command = Path(sys.argv[0]).with_name("mika")
            words = FIRST_STEPS.format(
                announce=announce,
                api=api,
                state_dir=_from_here(self._state_dir),
                command=_from_here(command.absolute()) if command.exists() else "mika",
            )
            sys.__stdout__.write(words)
            sys.__stdout__.flush()


def _from_here(path: Path) -> str:
    """Write a path as short as it can be typed here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
