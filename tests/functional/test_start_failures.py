"""What keeps a tracker from starting ends it at once, in one line that names the thing and what is wrong with it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from functional.tracker_process import TWISTD, clean_environment

PATIENCE = 30
"""Seconds after which a start that failed must have ended by itself; a busy machine needs some for the imports."""

AS_ANYBODY = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Makes root mind the permissions of files, as anybody must."""


def check_failing_start(directory: Path, words: Iterable[str], *options: str, **settings: str) -> None:
    """Start a tracker, and check that it ends with one line on stderr that has all these words."""
    free_ports = {"MIKA_TRACKER__LISTEN": "127.0.0.1:0", "MIKA_API__LISTEN": "127.0.0.1:0"}
    ended = subprocess.run(
        [*AS_ANYBODY, TWISTD, "-n", "--pidfile=", "mika", *options],
        cwd=directory,
        env=clean_environment(**(free_ports | settings)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1, ended
    for sign in ("Traceback", "Unhandled", "mika is ready"):
        assert sign not in ended.stdout + ended.stderr, ended
    assert ended.stderr.startswith("mika"), ended
    assert ended.stderr.count("\n") == 1, ended
    for word in words:
        assert word in ended.stderr, ended


CONFIGS = {
    "unknown section": ("[nothing]\nkey = 1", ["nothing: there is no such key"]),
    "unknown key": ("[tracker]\nnumwant = 5", ["tracker.numwant: there is no such key"]),
    "key outside of a section": ("public = true", ["public: there is no such key"]),
    "section as a key": ("tracker = 1", ["tracker: this is a section, written [tracker]"]),
    "text for a number": ('[tracker]\nnumwant_max = "many"', ["tracker.numwant_max: ", "integer"]),
    "number for a duration": ("[tracker]\npeer_ttl = 45", ["tracker.peer_ttl: ", '"30m"']),
    "impossible number": ("[tracker]\nnumwant_max = -1", ["tracker.numwant_max: ", "greater than or equal to 0"]),
    "impossible port": ('[tracker]\nlisten_tls = ["127.0.0.1:65536"]', ["tracker.listen_tls: ", "65535"]),
    "values that contradict": (
        '[tracker]\nannounce_interval = "5m"\nannounce_interval_minimum = "6m"',
        ["announce_interval_minimum is greater than announce_interval"],
    ),
    "two mistakes": ("[tracker]\nnumwant_max = -1\nnumwant = 5", ["tracker.numwant_max: ", "tracker.numwant: "]),
    "unknown kind of store": ('[stores]\nusers = "oracle://"', ["users", "oracle"]),
    "certificate that is not there": ('[api]\ncertificate = "chain.pem"\nkey = "key.pem"', ["chain.pem", "No such"]),
    "no TOML": ("[tracker", ["mika.toml: this is not TOML"]),
}


@pytest.mark.parametrize(("text", "words"), CONFIGS.values(), ids=CONFIGS.keys())
def test_wrong_config_ends_the_start(tmp_path, text, words):
    """The key is named, and nothing was made."""
    (tmp_path / "mika.toml").write_text(text)
    check_failing_start(tmp_path, words, "--config=mika.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["mika.toml"]


VARIABLES = {
    "unknown section": ("MIKA_TRAKCER__PUBLIC", "true", "there is no such key"),
    "unknown key": ("MIKA_TRACKER__PUBLISH", "true", "there is no such key"),
    "no word": ("MIKA_TRACKER__PUBLIC", "perhaps", "true or false"),
    "impossible number": ("MIKA_TRACKER__NUMWANT_MAX", "-1", "greater than or equal to 0"),
}


@pytest.mark.parametrize(("name", "value", "words"), VARIABLES.values(), ids=VARIABLES.keys())
def test_wrong_variable_ends_the_start(tmp_path, name, value, words):
    """The variable is named as it was written."""
    check_failing_start(tmp_path, [f"{name}: ", words], **{name: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [None, 0o000], ids=["absent", "unreadable"])
def test_config_that_cannot_be_read_ends_the_start(tmp_path, mode):
    """The file is named, and why."""
    config = tmp_path / "mika.toml"
    if mode is not None:
        config.touch(mode)
    check_failing_start(
        tmp_path, ["mika.toml: ", "No such file" if mode is None else "Permission denied"], "--config=mika.toml"
    )


@pytest.mark.parametrize("setting", ["MIKA_TRACKER__LISTEN", "MIKA_API__LISTEN"])
def test_port_in_use_ends_the_start(tmp_path, setting):
    """Of the announces and of the API alike."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        words = ["127.0.0.1", str(port), "Address already in use"]
        check_failing_start(tmp_path, words, **{setting: f"127.0.0.1:{port}"})


@pytest.mark.parametrize("place", ["file", "in-a-file", "locked", "in-locked"])
def test_state_directory_that_cannot_be_written_ends_the_start(tmp_path, place):
    """Be it a file, or somebody else's, or in such a place."""
    (tmp_path / "file").touch()
    locked = tmp_path / "locked"
    locked.mkdir(0o500)
    state = tmp_path / {"in-a-file": "file/state", "in-locked": "locked/state"}.get(place, place)
    check_failing_start(tmp_path, [str(state)], MIKA_GENERAL__STATE_DIR=str(state))
    assert not list(locked.iterdir())


def test_database_that_is_none_ends_the_start(tmp_path):
    """It is named, and left as it is."""
    state = tmp_path / "mika-state"
    state.mkdir()
    database = state / "mika.sqlite"
    database.write_text("This is a letter to my aunt, and no database at all. " * 100)
    before = database.read_bytes()
    check_failing_start(tmp_path, [str(database), "not a SQLite database"])
    assert database.read_bytes() == before


def test_api_token_that_is_none_ends_the_start(tmp_path):
    """A token that is cut short could be guessed."""
    (tmp_path / "mika-state").mkdir()
    (tmp_path / "mika-state" / "api-token").write_text("guess-me\n")
    check_failing_start(tmp_path, ["api-token", "32"])
