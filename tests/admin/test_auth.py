"""Tokens: hashed, scoped, and the one that a tracker makes for its own machine."""

from __future__ import annotations

import stat

import pytest

from mika.admin.auth import TOKEN_FILE, Scope, Token, Tokens, local_token
from mika.errors import ConfigError

KNOWN = Tokens([Token.of("site", "secret-of-the-site", Scope.WRITE), Token.of("me", "secret-of-mine", Scope.ADMIN)])


@pytest.mark.parametrize(
    ("authorization", "scope"),
    [
        ("Bearer secret-of-the-site", Scope.WRITE),
        ("bearer  secret-of-mine", Scope.ADMIN),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer secret", None),
        ("Bearer secret-of-mine,", None),
        ("Basic secret-of-mine", None),
        ("secret-of-mine", None),
        ("Bearer \udcff", None),
    ],
)
def test_header_gives_its_token(authorization, scope):
    """Or nothing."""
    found = KNOWN.find(authorization)
    assert (found and found.scope) is scope


def test_token_itself_is_not_kept():
    """Nothing that is printed or dumped shows it."""
    assert "secret" not in repr(Token.of("site", "secret-of-the-site", Scope.WRITE))


def test_token_is_made_once_for_its_owner_alone(tmp_path):
    """It is the same after a restart."""
    first = local_token(tmp_path)
    file = tmp_path / TOKEN_FILE
    token = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(token) >= 43
    assert (local_token(tmp_path), file.read_text().strip()) == (first, token)
    assert Tokens([first]).find(f"Bearer {token}") is first


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"a" * 20 + b" " + b"b" * 20, b"\xff" * 40])
def test_file_that_holds_no_token_is_named(tmp_path, content):
    """In one line that says what to do, without what is in it."""
    (tmp_path / TOKEN_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=r"api-token: .*remove it") as caught:
        local_token(tmp_path)
    assert "\n" not in str(caught.value)


def test_state_directory_that_cannot_be_written_is_named(tmp_path):
    """A file stands in its place."""
    (tmp_path / "state").touch()
    with pytest.raises(ConfigError, match="api-token: Not a directory"):
        local_token(tmp_path / "state")
