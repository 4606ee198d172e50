"""What twistd's log leaves out: lines of JSON, a least level, and the same places to log to as twistd has."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from datetime import datetime

import pytest
from functional.tracker_process import TWISTD, clean_environment, wait_until
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from mika.config import General
from mika.errors import ConfigError
from mika.logs import as_json, log_observer

LEVELS = ("debug", "info", "warn", "error", "critical")


class Chosen:
    """The options of `twistd mika`, under those of twistd."""

    def __init__(self, **parent) -> None:
        self.parent = {"logfile": None, "logger": None, "syslog": False, "nodaemon": True} | parent


def lines_of(write, **general):
    """Return what an observer of this configuration writes on standard output of what `write` logs."""
    out = io.StringIO()
    standard, sys.stdout = sys.stdout, out
    try:
        observer = log_observer(General(**general), Chosen())
    finally:
        sys.stdout = standard
    assert observer is not None
    write(Logger(namespace="mika.test", observer=observer))
    return out.getvalue().splitlines()


def say_everything(log):
    """Log one line of each level."""
    for level in LEVELS:
        log.emit(LogLevel.levelWithName(level), "this is {what}", what=level)


# ---- JSON


def test_event_is_one_line_of_json():
    """Time in UTC, level, where from, and words with what they are about."""
    (line,) = lines_of(
        lambda log: log.warn("the {kind} store is\nslow: {words}", kind="users", words='"ö"'), log_format="json"
    )
    event = json.loads(line)
    assert set(event) == {"time", "level", "name", "message"}
    assert event["time"].endswith("Z")
    assert abs(datetime.fromisoformat(event["time"]).timestamp() - datetime.now().timestamp()) < 60  # noqa: DTZ005 - two instants
    assert (event["level"], event["name"]) == ("warn", "mika.test")
    assert event["message"] == 'the users store is\nslow: "ö"'


def test_failure_has_its_traceback():
    """In the same line, with the exception and where it was raised, but not the values of variables."""

    def fail(log):
        secret = "passkey-of-anna"
        try:
            int(f"not a number {secret[:0]}")
        except ValueError:
            log.failure("it failed")

    (line,) = lines_of(fail, log_format="json")
    event = json.loads(line)
    assert event["message"] == "it failed"
    assert event["level"] == "critical"
    assert event["traceback"].startswith("Traceback")
    assert "ValueError: invalid literal" in event["traceback"]
    assert "test_logs.py" in event["traceback"]
    assert "passkey-of-anna" not in event["traceback"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"log_format": "a {missing} word"}, "missing"),
        ({"log_format": "{words}", "words": "\ud800 \x00 \x7f"}, "\ud800 \x00 \x7f"),
        ({"log_format": "{words}", "words": b"\xff"}, "xff"),
    ],
)
def test_odd_event_is_still_one_line_of_json(event, message):
    """What an event says must not break the log."""
    text = as_json({"log_time": 1_795_341_600.5, **event})
    assert text is not None
    assert text.endswith("\n")
    assert text.isascii()
    assert text.count("\n") == 1
    shown = json.loads(text)
    assert message in shown["message"]
    assert (shown["time"], shown["level"], shown["name"]) == ("2026-11-22T10:00:00.500Z", "info", "")


def test_bookkeeping_without_words_is_left_out():
    """Unless it has a failure: that is never lost."""
    assert as_json({"log_time": 1.0, "log_format": None}) is None
    with_failure = as_json({"log_time": 1.0, "log_format": None, "log_failure": Failure(ValueError("x"))})
    assert with_failure is not None
    assert "ValueError" in json.loads(with_failure)["traceback"]


# ---- levels


@pytest.mark.parametrize("least", LEVELS)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_least_level_is_kept(least, log_format):
    """That level and what is worse; as text where text is asked for."""
    wanted = LEVELS[LEVELS.index(least) :]
    lines = lines_of(say_everything, log_level=least, log_format=log_format)
    assert len(lines) == len(wanted)
    for line, level in zip(lines, wanted, strict=True):
        assert f"this is {level}" in line
        assert (line[0] == "{") == (log_format == "json")


# ---- where to


@pytest.mark.parametrize("parent", [{"logger": "a.logger"}, {"syslog": True}, {"logfile": "-", "nodaemon": False}])
def test_where_twistd_was_told_otherwise_its_own_observer_stays(parent):
    """A logger of one's own, syslog, and standard output of a daemon, which twistd refuses in its own words."""
    assert log_observer(General(log_format="json"), Chosen(**parent)) is None


@pytest.fixture
def observe():
    """Return a function that makes an observer, whose file is closed when the test ends: a process never does."""
    made = []

    def make(**parent):
        made.append(log_observer(General(log_format="json"), Chosen(**parent)))
        return made[-1]

    yield make
    for observer in made:
        observer.close()


def test_logfile_is_appended_to_line_by_line(tmp_path, observe):
    """Each line is in the file when it has been logged, behind what was there before."""
    path = tmp_path / "mika.log"
    path.write_text("before\n")
    log = Logger(namespace="mika.test", observer=observe(logfile=str(path)))
    for number in range(3):
        log.info("line {number}", number=number)
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 2 + number
        assert json.loads(lines[-1])["message"] == f"line {number}"
    assert lines[0] == "before"


def test_level_changes_while_it_is_in_use(tmp_path, observe):
    """What matters less than it was asked for last is left out."""
    path = tmp_path / "mika.log"
    observer = observe(logfile=str(path))
    log = Logger(observer=observer)
    for level in ("error", "debug", "warn"):
        observer.set_level(level)
        say_everything(log)
    said = [json.loads(line)["level"] for line in path.read_text().splitlines()]
    assert said == [*LEVELS[3:], *LEVELS, *LEVELS[2:]]


def test_logfile_that_was_moved_is_begun_anew(tmp_path, observe):
    """A rotated log keeps what it has, and the next line is in a file of the old name."""
    path = tmp_path / "mika.log"
    observer = observe(logfile=str(path))
    log = Logger(observer=observer)
    log.info("one")
    path.rename(tmp_path / "mika.log.1")
    log.info("two")
    observer.reopen()
    log.info("three")
    assert [json.loads(line)["message"] for line in (tmp_path / "mika.log.1").read_text().splitlines()] == [
        "one",
        "two",
    ]
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == ["three"]


def test_logfile_that_cannot_be_begun_anew_is_gone_on_in(tmp_path, observe):
    """The file that is open still takes lines."""
    path = tmp_path / "mika.log"
    observer = observe(logfile=str(path))
    path.rename(tmp_path / "kept")
    path.mkdir()
    with pytest.raises(ConfigError, match="the log cannot be written"):
        observer.reopen()
    Logger(observer=observer).info("here")
    assert json.loads((tmp_path / "kept").read_text())["message"] == "here"


def test_daemon_without_a_logfile_has_that_of_twistd(tmp_path, observe):
    """Standard output of a daemon goes nowhere: the log is twistd.log in the working directory, as twistd has it."""
    Logger(observer=observe(nodaemon=False)).info("here")
    assert json.loads((tmp_path / "twistd.log").read_text())["message"] == "here"


def test_logfile_that_cannot_be_written_ends_the_start(tmp_path):
    """In one line that names it."""
    with pytest.raises(ConfigError, match=r"no/mika\.log: the log cannot be written: No such file or directory"):
        log_observer(General(log_format="json"), Chosen(logfile=str(tmp_path / "no" / "mika.log")))


@pytest.mark.parametrize("to", ["file", "stdout"])
def test_whole_run_is_in_the_log(to, tmp_path):
    """From twistd's first line to its last, each one JSON; `--logfile` or standard output."""
    path = tmp_path / "mika.log"
    settings = {
        "MIKA_GENERAL__LOG_FORMAT": "json",
        "MIKA_TRACKER__LISTEN": "127.0.0.1:0",
        "MIKA_API__LISTEN": "127.0.0.1:0",
        "MIKA_STORES__USERS": "memory:",
        "MIKA_STORES__TORRENTS": "memory:",
        "MIKA_STORES__PEERS": "memory:",
    }
    (tmp_path / "mika.toml").touch()
    options = ["--logfile", path] if to == "file" else []
    with path.open("wb") as out:
        process = subprocess.Popen(
            [TWISTD, "-n", "--pidfile=", *options, "mika", "--config=mika.toml"],
            cwd=tmp_path,
            env=clean_environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if to == "file" else out,
            stderr=subprocess.STDOUT,
        )
        wait_until("it is ready", lambda: b"mika is ready" in path.read_bytes() or process.poll() is not None)
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)
    messages = [json.loads(line)["message"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert "starting up" in messages[0]
    assert any(message.startswith("mika is ready") for message in messages)
    assert any(message.startswith("last batch written: 0 rows") for message in messages)
    assert messages[-1].endswith("Server Shut Down.")
