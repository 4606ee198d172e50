"""SIGHUP has everything read again, whenever it comes; systemd hears of it."""

from __future__ import annotations

import os
import signal
import socket

import pytest
from builders import result
from twisted.internet.defer import Deferred, fail, succeed

from mika.errors import ConfigError, StoreError
from mika.live import Difference
from mika.signals import Ready, Reloads, notify


class Parts:
    """What a reload reads again, each of which may fail; and the reactor, which a signal reaches it by."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.difference = Difference([], [])
        self.trouble: Exception | None = None
        self.whitelist: Deferred[None] = succeed(None)

    def reload(self):
        """Read the configuration."""
        self.read.append("configuration")
        if self.trouble is not None:
            raise self.trouble
        return self.difference

    async def read_whitelist(self):
        """Read the whitelist."""
        self.read.append("whitelist")
        await self.whitelist

    def reopen(self):
        """Open the log."""
        self.read.append("log")

    def callFromThread(self, work):
        """Do it at once."""
        work()


@pytest.fixture
def parts():
    """Make the parts."""
    return Parts()


@pytest.fixture
def reloads(parts):
    """Start what hears SIGHUP, which ends with the test."""
    made = Reloads(parts, parts, parts.read_whitelist, parts)
    before = signal.getsignal(signal.SIGHUP)
    made.startService()
    made._in_terminal = False
    yield made
    made.stopService()
    assert signal.getsignal(signal.SIGHUP) == before


def hang_up() -> None:
    """Send this process the signal; Python's handler has run when this returns."""
    os.kill(os.getpid(), signal.SIGHUP)


def test_signal_has_all_of_it_read_again(parts, reloads, log):
    """The log's name, the configuration, the whitelist; one line says so."""
    Ready(reloads).startService()
    hang_up()
    assert parts.read == ["log", "configuration", "whitelist"]
    assert [event["log_level"].name for event in log] == ["info"]


def test_signal_during_the_start_waits_for_its_end(parts, reloads):
    """However many come: once."""
    hang_up()
    hang_up()
    assert parts.read == []
    ready = Ready(reloads)
    ready.startService()
    assert parts.read == ["log", "configuration", "whitelist"]
    ready.stopService()
    hang_up()
    assert len(parts.read) == 3


def test_signals_are_answered_one_after_the_other(parts, reloads):
    """The second one reads what may have changed since the first."""
    parts.whitelist = Deferred()
    Ready(reloads).startService()
    hang_up()
    hang_up()
    assert parts.read == ["log", "configuration", "whitelist"]
    parts.whitelist.callback(None)
    assert parts.read == ["log", "configuration", "whitelist"] * 2


def test_what_waits_for_a_restart_is_one_line(parts, reloads, log):
    """With every key by name."""
    parts.difference = Difference(["tracker.numwant_max"], ["stores.users", "tracker.listen"])
    result(reloads.reload())
    (warning,) = [event for event in log if event["log_level"].name == "warn"]
    assert warning["keys"] == "stores.users, tracker.listen"


def test_broken_file_is_one_line(parts, reloads, log):
    """And nothing else is read: all stays as it is."""
    parts.trouble = ConfigError("mika.toml: this is not TOML")
    result(reloads.reload())
    assert parts.read == ["log", "configuration"]
    (said,) = log
    assert (said["log_level"].name, str(said["problem"])) == ("error", "mika.toml: this is not TOML")


def test_whitelist_that_cannot_be_read_is_one_line(parts, reloads, log):
    """The configuration counts nevertheless."""
    parts.whitelist = fail(StoreError("The database does not answer."))
    result(reloads.reload())
    assert [event["log_level"].name for event in log] == ["info", "error"]


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(parts, reloads, tmp_path, monkeypatch, abstract):
    """That it is ready, that it reads anew, that it stops."""
    name = f"mika-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name if abstract else name)
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name if abstract else name)
        ready = Ready(reloads)
        ready.startService()
        hang_up()
        ready.stopService()
        said = [systemd.recv(1000).decode() for _ in range(4)]
    assert [each.partition("\n")[0] for each in said] == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert int(said[1].partition("MONOTONIC_USEC=")[2]) > 0


def test_nobody_need_listen(monkeypatch, tmp_path):
    """Without systemd, or with its socket gone, there is nothing to tell."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify("READY=1")
