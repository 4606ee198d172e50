"""The secret of keys a torrent: made once, readable by its owner alone, or the one that is configured."""

from __future__ import annotations

import stat

import pytest

from mika.errors import ConfigError
from mika.keys import SECRET_FILE, read_secret, secret_of


def test_secret_is_made_once(tmp_path) -> None:
    """The first start makes it; the next finds it."""
    state = tmp_path / "state"
    secret = secret_of("", state)
    assert len(secret) == 64
    assert secret_of("", state) == secret
    assert stat.S_IMODE((state / SECRET_FILE).stat().st_mode) == 0o600
    assert secret_of("", tmp_path / "another") != secret


def test_configured_secret(tmp_path) -> None:
    """The same for all trackers that name the file; nothing is made then, and a line end is no part of it."""
    file = tmp_path / "secret"
    file.write_text("s" * 32 + "\n")
    assert secret_of(str(file), tmp_path / "state") == b"s" * 32
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("text", ["", "short", "s" * 31 + "\n"])
def test_secret_that_is_too_short(tmp_path, text) -> None:
    """One that could be guessed, or was cut off, ends the start by the name of its file."""
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"{file}: this is no secret of 32 or more characters"):
        read_secret(file)


def test_secret_that_is_not_there(tmp_path) -> None:
    """So does a file that is not there, or cannot be made."""
    with pytest.raises(ConfigError, match="No such file"):
        secret_of(str(tmp_path / "none"), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file: (File exists|Not a directory)"):
        secret_of("", tmp_path / "file")
