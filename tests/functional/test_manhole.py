"""The console as OpenSSH has it: who is let in, what is shown, and that nothing typed there stops the tracker."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import stat
import struct
import subprocess
import termios
import time

import pytest
from functional.tracker_process import PATIENCE, TWISTD, TrackerProcess, clean_environment, wait_until
from ports import free_port

HASH = bytes(range(20))
PEER = b"-TR4060-abcdefghijkl"


class Console(TrackerProcess):
    """A tracker with a console, the keys `ours` (let in) and `other` (not), and the program `ssh`."""

    def __init__(self, directory) -> None:
        super().__init__(directory, MIKA_GENERAL__LOG_LEVEL="info")
        for name in ("ours", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        self.let_in("ours")
        self.ssh_port = free_port()
        self.settings |= {
            "MIKA_MANHOLE__LISTEN": f"127.0.0.1:{self.ssh_port}",
            "MIKA_MANHOLE__AUTHORIZED_KEYS": "authorized_keys",
        }

    def let_in(self, *names: str) -> None:
        """Write these keys, and no others, into the file of those that are let in."""
        keys = self.directory / "authorized_keys"
        keys.write_text("# those who may\n\n" + "".join((self.directory / f"{name}.pub").read_text() for name in names))
        keys.chmod(0o600)

    def command(self, *options: str, key: str = "ours", user: str = "admin") -> list[str]:
        """Return how `ssh` is called."""
        known = self.directory / "known_hosts"
        return [
            *("ssh", "-F", "none", "-p", str(self.ssh_port), "-i", str(self.directory / key)),
            *(
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                f"UserKnownHostsFile={known}",
                "-o",
                "StrictHostKeyChecking=accept-new",
            ),
            *("-o", "LogLevel=ERROR", "-o", f"ConnectTimeout={PATIENCE}", *options, f"{user}@127.0.0.1"),
        ]

    def ssh(self, *command: str, options=("-o", "BatchMode=yes"), given: str = "", **who):
        """Run `ssh` without a terminal."""
        return subprocess.run(
            [*self.command(*options, **who), *command],
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


@contextlib.contextmanager
def running(directory):
    """Run a tracker with a console and a seeder; its log must show neither a fault nor a secret."""
    process = Console(directory)
    try:
        process.start()
        process.member = process.add_user("anna")
        process.api("POST", "/v1/torrents", {"info_hash": HASH.hex(), "name": "A film"})
        process.announce(process.announce_url(process.member), HASH, PEER, left=0)
        yield process
    finally:
        process.stop()
    process.check_log()


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """Return a tracker that all tests here may use, and leave as it was."""
    with running(tmp_path_factory.mktemp("console")) as process:
        yield process


@pytest.fixture
def own_console(tmp_path):
    """Return one that a test may stop."""
    with running(tmp_path) as process:
        yield process


def test_key_logs_in_and_sees_the_figures(console):
    """With nothing on its standard input, as scripts call it; the log says who came and went."""
    ran = console.ssh("stats()")
    assert (ran.returncode, ran.stderr) == (0, "")
    figures = dict(line.split(None, 1) for line in ran.stdout.splitlines())
    names = ("swarms.swarms", "swarms.peers", "swarms.seeders", "total.announces", "stores.users.ok")
    assert [figures[name] for name in names] == ["1", "1", "1", "1", "True"], figures
    assert "127.0.0.1 logged in at the console" in console.log
    wait_until("the session is over", lambda: "127.0.0.1 left the console" in console.log)


def test_names_are_listed_and_do_what_they_say(console):
    """Each of them."""
    listed = console.ssh("help()").stdout
    for name in ("tracker", "swarm(", "user(", "stats()", "flush()", "loglevel("):
        assert any(line.startswith(name) and len(line) > 40 for line in listed.splitlines()), listed
    assert console.ssh("tracker.swarms.peer_count").stdout == "1\n"
    shown = console.ssh(f"swarm('{HASH.hex()}')").stdout
    assert shown.startswith(f"{HASH.hex()} A film\n1 seeders, 0 leechers, 0 silent\n")
    assert "-TR4060-abcdefghijkl  seeder  127.0.0.1 port 6881" in shown
    assert console.ssh(f"user({console.member['id']}).name").stdout == "'anna'\n"
    assert console.ssh("user(77)").stdout.endswith("NotFoundError: There is no user with the id 77.\n")
    assert console.ssh("flush()").stdout.endswith("rows written'\n")
    assert console.ssh("loglevel(), loglevel('warn')").stdout == "('info', 'warn')\n"
    assert console.api("GET", "/v1/config")["general"]["log_level"] == "warn"
    console.api("PATCH", "/v1/config", {"general": {"log_level": "info"}})


@pytest.mark.parametrize(
    ("options", "who"),
    [
        (("-o", "BatchMode=yes"), {"key": "other"}),
        (("-o", "BatchMode=yes"), {"user": "root"}),
        (("-o", "PreferredAuthentications=password,keyboard-interactive"), {}),
        (("-o", "PreferredAuthentications=none"), {}),
    ],
    ids=["another key", "another user", "a password", "nothing"],
)
def test_others_are_refused(console, options, who):
    """Only public keys are offered."""
    refused = console.ssh("stats()", options=options, **who)
    assert (refused.returncode, refused.stdout) == (255, "")
    assert "Permission denied (publickey)." in refused.stderr


def test_password_is_not_even_looked_at(console):
    """Given by a client that asks for nothing else."""
    askpass = console.directory / "askpass"
    askpass.write_text("#!/bin/sh\necho secret\n")
    askpass.chmod(0o755)
    ran = subprocess.run(
        [*console.command("-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no"), "stats()"],
        env={**os.environ, "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 255
    assert "Permission denied (publickey)." in ran.stderr


def test_file_of_keys_counts_at_the_next_log_in(console):
    """Who is added comes in, who is taken out does not; a file that others may write lets nobody in."""
    console.let_in("other")
    assert console.ssh("1").returncode == 255
    assert console.ssh("1", key="other").stdout == "1\n"
    console.let_in("other", "ours")
    assert console.ssh("1").stdout == "1\n"
    (console.directory / "authorized_keys").chmod(0o666)
    assert console.ssh("1").returncode == 255
    assert "nobody is let in: others than its owner may write" in console.log
    (console.directory / "authorized_keys").unlink()
    assert console.ssh("1").returncode == 255
    console.let_in("ours")


def test_private_key_in_the_wrong_file_is_not_logged(console):
    """Its lines are named by their numbers."""
    secret = (console.directory / "ours").read_text()
    console.secrets |= {line for line in secret.splitlines() if len(line) > 20 and "PRIVATE" not in line}
    with (console.directory / "authorized_keys").open("a") as file:
        file.write(secret)
    assert console.ssh("1").stdout == "1\n"
    assert re.search(r"authorized_keys: line \d+ is no public key", console.log)
    console.let_in("ours")


def test_host_key_is_made_once_and_is_its_owners(own_console):
    """Clients know the tracker by it, also after a restart."""
    path = own_console.state / "manhole-host-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert own_console.ssh("1").stdout == "1\n"
    key = path.read_bytes()
    own_console.restart()
    assert path.read_bytes() == key
    assert own_console.ssh("1", options=("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes")).stdout == "1\n"


def test_nothing_but_sessions(console):
    """No forwarding of ports, no files, no old algorithms."""
    forwarded = console.ssh(options=("-o", "BatchMode=yes", "-W", "127.0.0.1:1"))
    assert (forwarded.returncode, forwarded.stderr) == (255, "stdio forwarding failed\n")
    assert console.ssh("sftp", options=("-o", "BatchMode=yes", "-s")).returncode != 0
    modern = ("KexAlgorithms=curve25519-sha256", "Ciphers=aes128-ctr", "MACs=hmac-sha2-256")
    old = ("KexAlgorithms=diffie-hellman-group14-sha1", "Ciphers=aes128-cbc", "MACs=hmac-sha1")
    for options, status in ((modern, 0), (old, 255)):
        for option in options:
            assert console.ssh("1", options=("-o", "BatchMode=yes", "-o", option)).returncode == status


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("1/0", 1, "ZeroDivisionError"),
        ("raise SystemExit", 0, ""),
        ("exit()", 0, ""),
        ("raise KeyboardInterrupt", 1, "KeyboardInterrupt"),
        ("f = lambda: f()\nf()", 1, "RecursionError"),
        ("while True: pass", 1, "this took more than 3 s"),
        ("while True:\n  try:\n    1/0\n  except Exception:\n    pass", 1, "this took more than 3 s"),
        ("print('x' * 10**8)", 0, "... cut here"),
        ("'x' * 10**8", 0, "... cut here"),
        ("input()", 1, "there is no input here"),
        ("x = [", 1, "SyntaxError"),
        ("x = = 1", 1, "SyntaxError"),
        ("(" * 10_000 + ")" * 10_000, 1, "too many nested parentheses"),
        ("tracker.no_such_thing", 1, "AttributeError"),
        ("class A:\n  __repr__ = lambda self: 1/0\n\nA()", 1, "ZeroDivisionError"),
        ("raise type('E', (Exception,), {'__str__': lambda self: 1/0})", 1, "E"),
        ("from twisted.internet.defer import fail; fail(ValueError('no'))", 1, "ValueError: no"),
        ("import sys; sys.stdout = None; print('x')", 0, ""),
        ("tracker.announce(None, 0)", 1, "AttributeError"),
    ],
)
def test_mistake_is_said_and_the_tracker_goes_on(console, command, status, words):
    """Whatever is typed; members are served as before."""
    ran = console.ssh(command)
    assert (ran.returncode, words in ran.stdout) == (status, True), ran
    assert len(ran.stdout) < 300_000
    assert console.announce(console.announce_url(console.member), HASH, PEER, left=0)[b"complete"] == 1


def test_lines_without_a_terminal(console):
    """A script on standard input: blocks, values, and the end of it as the end."""
    ran = console.ssh(options=("-T", "-o", "BatchMode=yes"), given="a = 20\nfor i in range(2):\n  print(i)\n\na*2 + 2")
    assert (ran.stdout, ran.returncode) == ("0\n1\n42\n", 0)


class Screen:
    """`ssh` in a terminal of its own."""

    def __init__(self, console: Console) -> None:
        self.master, slave = pty.openpty()
        self.resize(24, 80)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *console.command("-t")], stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal another size, of which `ssh` tells the tracker."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        """Press keys."""
        self.seen = ""
        os.write(self.master, keys.encode())

    def wait_for(self, words: str) -> str:
        """Wait until these words are on the screen."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        return self.seen

    def end(self) -> int:
        """Wait until `ssh` has ended; its status."""
        with contextlib.suppress(OSError):
            while os.read(self.master, 65536):
                pass
        status = self.process.wait(PATIENCE)
        os.close(self.master)
        return status


@pytest.fixture
def screen(console):
    """Log in with a terminal."""
    made = Screen(console)
    made.wait_for(">>> ")
    yield made
    made.process.kill()
    made.process.wait()


def test_terminal(screen):
    """Greeting, values, history, blocks, letters of all alphabets."""
    screen.type("6 * 7\r")
    screen.wait_for("42\r\n>>> ")
    screen.type("\x1b[A\r")  # the line before
    screen.wait_for("42\r\n>>> ")
    screen.type("for i in range(2):\r")
    screen.wait_for("... ")
    screen.type("\tprint(i + 70)\r\r")
    screen.wait_for("70\r\n71\r\n>>> ")
    screen.type("len('äö')\r")
    screen.wait_for("2\r\n>>> ")


def test_tab_completes(screen):
    """A name as far as it is certain; then what there is; attributes too."""
    screen.type("trac\t")
    screen.wait_for("tracker")
    screen.type(".swa\t")
    screen.wait_for("swarms")
    screen.type(".peer_\t")
    screen.wait_for("_")
    screen.type("\t")
    assert "peer_ttl" in screen.wait_for("peer_count")
    screen.type("count\r")
    screen.wait_for("1\r\n>>> ")


def test_ctrl_c_forgets_the_line(screen):
    """Also one of a block; the session goes on."""
    screen.type("this is nonsense")
    screen.type("\x03")
    screen.wait_for("KeyboardInterrupt")
    screen.type("if True:\r")
    screen.wait_for("... ")
    screen.type("\x03")
    screen.wait_for(">>> ")
    screen.type("1 + 1\r")
    screen.wait_for("2\r\n>>> ")


def test_window_may_change(screen):
    """Its session stays."""
    screen.resize(50, 200)
    screen.type("3 + 4\r")
    screen.wait_for("7\r\n>>> ")
    screen.resize(1, 1)
    screen.type("4 + 4\r")
    screen.wait_for("8\r\n>>> ")


def test_result_of_a_deferred_comes_when_it_is_there(screen):
    """Before the prompt, and what is being typed stays behind it."""
    screen.type("from twisted.internet import reactor, task; task.deferLater(reactor, 1, lambda: 'done')\r")
    screen.wait_for("Deferred 0 waits")
    screen.type("half a li")
    assert screen.wait_for("Deferred 0: 'done'")
    screen.wait_for("half a li")


@pytest.mark.parametrize("keys", ["\x04", "exit()\r", "raise SystemExit\r"])
def test_leaving(console, screen, keys):
    """Ctrl-D and its words end the session, with a good status; the tracker goes on."""
    screen.type(keys)
    assert screen.end() == 0
    assert console.ssh("1").stdout == "1\n"


def test_stop_of_the_tracker_ends_sessions(own_console):
    """It does not wait for who is still there."""
    screen = Screen(own_console)
    screen.wait_for(">>> ")
    own_console.stop()
    assert screen.end() == 255
    assert "last batch written" in own_console.log


@pytest.mark.parametrize(
    ("keys", "words"),
    [("/no/keys", "manhole.authorized_keys: /no/keys: No such file"), ("empty", "empty has no public key")],
)
def test_file_of_keys_that_cannot_be_used_ends_the_start(tmp_path, keys, words):
    """In one line."""
    (tmp_path / "empty").touch()
    ran = subprocess.run(
        [TWISTD, "-n", "mika", "--check-config"],
        cwd=tmp_path,
        env=clean_environment(MIKA_MANHOLE__AUTHORIZED_KEYS=keys),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 1
    assert words in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
