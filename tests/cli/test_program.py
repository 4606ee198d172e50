"""The installed `mika` as its user runs it: exit status, stderr, pipes and Ctrl-C, against the real API."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from builders import Unchanging, make_figures
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.protocol import Factory, ProcessProtocol, Protocol
from twisted.internet.task import Clock
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from mika import __version__, config
from mika.admin.call import Context, Health
from mika.compiled import described
from mika.directory import Directory
from mika.model import Torrent
from mika.server.admin import admin_service
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

MIKA = str(Path(sys.executable).with_name("mika"))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MIKA_") or name == "MIKA_PURE"}


def run_without_tracker(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line that has no tracker to speak with."""
    line = [MIKA, *arguments]
    return subprocess.run(line, cwd=directory, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--token"], 2, "No such option '--token'"),
        (["clint"], 2, "No such command 'clint'"),
        (["client", "ping", "me"], 2, "unexpected extra argument"),
        (["client", "ping"], 2, "which tracker? There is no ./mika-state here"),
        (["client", "--state-dir", "x", "ping"], 2, "there is no state directory x"),
        (["client", "--ca", "x.pem", "--state-dir", ".", "ping"], 2, "cannot read the certificate x.pem"),
        (
            ["client", "--url", "https://127.0.0.1:1", "--state-dir", ".", "ping"],
            1,
            "no tracker answers at https://127",
        ),
    ],
)
def test_status_and_one_line(tmp_path, arguments, status, words) -> None:
    """An error is one line that begins with the name of the program."""
    (tmp_path / "api-token").write_text("t" * 43)
    ended = run_without_tracker(*arguments, directory=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (status, "", 1)
    assert ended.stderr.startswith("mika: ")
    assert words in ended.stderr


def test_version_and_help(tmp_path) -> None:
    """Both are asked for, so they are no errors; a group alone shows its help, as an error."""
    version = f"mika, version {__version__} ({described()})\n"
    assert run_without_tracker("--version", directory=tmp_path).stdout == version
    for option in ("-h", "--help"):
        assert "whitelist" in run_without_tracker("client", option, directory=tmp_path).stdout
    alone = run_without_tracker("client", directory=tmp_path)
    assert (alone.returncode, alone.stdout) == (2, "")
    assert "MIKA_STATE" in alone.stderr


def test_help_does_not_wait_for_twisted() -> None:
    """What is slow to import is imported when a command needs it."""
    code = "import sys, mika.cli; print([x for x in ('twisted', 'treq', 'rich', 'bencodepy') if x in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "[]\n"


class ProgramTests(TestCase):
    """`mika` beside a running API."""

    timeout = 60

    def setUp(self) -> None:
        """Start the API, with a state directory that says where it is."""
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = Path(temporary.name)
        self.state = self.home / "mika-state"
        store = MemoryStore()
        swarms = Swarms(3600, 86400, lambda _endpoint: True, lambda *_changed: None)
        self.directory = Directory(store, store, swarms, reactor.seconds, lambda _kind: succeed(None))
        figures = make_figures(swarms, Clock(), torrents=self.directory.torrents)
        context = Context(self.directory, swarms, 0, lambda: Health([], {}), Unchanging(), figures)
        service = admin_service(reactor, config.Api(listen="127.0.0.1:0"), self.state, context)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)
        (self.state / "api-url").write_text(f"https://127.0.0.1:{service.port}\n")
        return Deferred.fromCoroutine(self.directory.open())

    async def shell(self, line: str, **environment: str) -> tuple[str, str, int]:
        """Run a line of bash in the directory that holds ./mika-state; return its output, errors and status."""
        found = {"PATH": f"{Path(MIKA).parent}:{os.environ['PATH']}"}
        out, err, status = await getProcessOutputAndValue(
            "/bin/bash", ["-c", line], env=ENVIRONMENT | found | environment, path=str(self.home)
        )
        return out.decode(), err.decode(), status

    async def test_a_session(self) -> None:
        """Commands that belong together, the output of one given to the next; no colours in a pipe."""
        out, err, status = await self.shell(
            "mika client ping && mika client user add Ann && mika client user list --json"
        )
        assert (err, status) == ("", 0)
        assert out.startswith(f"mika {__version__} answers at https://127.0.0.1:")
        assert '"name": "Ann"' in out
        assert "\x1b" not in out

    async def test_tracker_elsewhere(self) -> None:
        """Without a state directory, URL, token and certificate come from the environment."""
        url, token = (self.state / "api-url").read_text().strip(), (self.state / "api-token").read_text().strip()
        found = {"MIKA_URL": url, "MIKA_TOKEN": token, "MIKA_CA": str(self.state / "api-certificate.pem")}
        assert (await self.shell("cd / && mika client ping", **found))[2] == 0
        out, err, status = await self.shell("cd / && mika client ping", **(found | {"MIKA_TOKEN": "x" * 43}))
        assert (out, status) == ("", 1)
        assert err.startswith(f"mika: the tracker at {url} refuses the token of MIKA_TOKEN")

    async def test_reader_that_has_enough(self) -> None:
        """A broken pipe is no error: nothing on stderr, status 0."""
        await self.directory.add_torrents([Torrent(number.to_bytes(20)) for number in range(1, 2001)])
        for option in ("", "--json"):
            line = f"mika client torrent list {option} | head -1; echo ${{PIPESTATUS[0]}}"
            out, err, _status = await self.shell(line)
            assert (err, out.splitlines()[-1]) == ("", "0")

    async def test_output_that_cannot_be_written(self) -> None:
        """A full disk is said once; a closed output is nobody's fault."""
        out, err, status = await self.shell("mika client status > /dev/full")
        assert (out, status, err.count("\n")) == ("", 1, 1)
        assert err.startswith("mika: cannot write the output: ")
        assert await self.shell("mika client status >&-") == ("", "", 0)

    async def test_terminal_without_the_letters(self) -> None:
        """A name that the terminal's encoding lacks is written as escapes."""
        out, err, status = await self.shell("mika client user add Зоя", PYTHONIOENCODING="iso-8859-1")
        assert (err, status) == ("", 0)
        assert "\\u0417\\u043e\\u044f" in out

    async def test_interrupt(self) -> None:
        """Ctrl-C while the tracker does not answer is one line and the usual status."""
        connected: Deferred[None] = Deferred()
        ended: Deferred[int] = Deferred()
        written: list[bytes] = []

        class Silent(Protocol):
            def connectionMade(self) -> None:
                connected.callback(None)

        class Command(ProcessProtocol):
            def errReceived(self, data: bytes) -> None:
                written.append(data)

            def processEnded(self, reason: Any) -> None:
                ended.callback(reason.value.exitCode)

        port = reactor.listenTCP(0, Factory.forProtocol(Silent), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        (self.state / "api-url").write_text(f"https://127.0.0.1:{port.getHost().port}")
        line = [MIKA, "client", "ping"]
        process = reactor.spawnProcess(Command(), MIKA, line, env=ENVIRONMENT, path=str(self.home))
        await DeferredList([connected, ended], fireOnOneCallback=True)
        process.signalProcess(signal.SIGINT)
        assert (await ended, b"".join(written).split(b"\n")) == (130, [b"", b"mika: interrupted", b""])
