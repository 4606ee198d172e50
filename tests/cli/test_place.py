"""Which tracker is meant: options, environment and state directories, and what goes before what."""

from __future__ import annotations

from pathlib import Path

import pytest

from mika.cli.command import InputError
from mika.cli.place import Choice, Place, find_place

REMOTE = {"MIKA_URL": "https://far.example/mika/", "MIKA_TOKEN": "far-token"}


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch) -> None:
    """Start where there is no ./mika-state."""
    monkeypatch.chdir(tmp_path)


def make_state(name="mika-state", **files) -> Path:
    """Make a state directory with a token of its own name."""
    directory = Path(name)
    directory.mkdir()
    for file, text in ({"api-token": f"{name}-token\n"} | files).items():
        (directory / file).write_text(text)
    return directory


def test_directory_alone() -> None:
    """A directory with a token is enough: the API is where it is by default."""
    make_state()
    expected = Place("https://127.0.0.1:34001", "mika-state-token", "mika-state/api-token")
    assert find_place(Choice(), {}) == expected


def test_directory_with_all_it_can_hold() -> None:
    """What the tracker wrote at its start is used."""
    files = {"api-url": "https://[::1]:9/\n", "announce-url": "http://t.example:34000/\n", "api-certificate.pem": "x"}
    make_state(**files)
    place = find_place(Choice(), {})
    found = (place.url, place.certificate, place.announce_url)
    assert found == ("https://[::1]:9", Path("mika-state/api-certificate.pem"), "http://t.example:34000")


def test_environment_alone() -> None:
    """A tracker elsewhere; without MIKA_CA the system's authorities are trusted."""
    assert find_place(Choice(), REMOTE) == Place("https://far.example/mika", "far-token", "MIKA_TOKEN")
    assert find_place(Choice(), REMOTE | {"MIKA_CA": "ca.pem"}).certificate == Path("ca.pem")


def test_environment_without_url() -> None:
    """A token alone is for a tracker at the default address."""
    assert find_place(Choice(), {"MIKA_TOKEN": "t"}).url == "https://127.0.0.1:34001"


@pytest.mark.parametrize(
    ("choice", "environment", "token"),
    [
        (Choice(state_dir="one"), REMOTE | {"MIKA_STATE": "two"}, "one-token"),
        (Choice(), REMOTE | {"MIKA_STATE": "two"}, "two-token"),
        (Choice(url="https://x.example"), REMOTE | {"MIKA_STATE": "two"}, "two-token"),
        (Choice(url="https://x.example"), REMOTE, "far-token"),
        (Choice(url="https://x.example"), {}, "mika-state-token"),
        (Choice(ca="x.pem"), REMOTE, "mika-state-token"),
        (Choice(), REMOTE, "mika-state-token"),
    ],
)
def test_what_goes_before_what(choice, environment, token) -> None:
    """With everything there, the order is the one that `mika client -h` gives."""
    for name in ("mika-state", "one", "two"):
        make_state(name)
    place = find_place(choice, environment)
    assert place.token == token
    assert not choice.url or place.url == choice.url
    assert not choice.ca or place.certificate == Path(choice.ca)


def test_token_of_the_operator_for_a_directory_without_one() -> None:
    """Where the token file is missing or for another user, MIKA_TOKEN is taken with the directory's address."""
    directory = make_state(**{"api-url": "https://127.0.0.1:9"})
    (directory / "api-token").unlink()
    place = find_place(Choice(), REMOTE)
    assert (place.url, place.token, place.token_from) == ("https://127.0.0.1:9", "far-token", "MIKA_TOKEN")
    (directory / "api-token").mkdir()  # what cannot be read, also by root
    assert find_place(Choice(), REMOTE).token == "far-token"


def test_token_is_not_shown() -> None:
    """A place in a log or a traceback keeps its secret."""
    assert "far-token" not in repr(find_place(Choice(), REMOTE))


@pytest.mark.parametrize(
    ("choice", "environment", "words"),
    [
        (Choice(), {}, "which tracker?"),
        (Choice(state_dir="nowhere"), REMOTE, "there is no state directory nowhere"),
        (Choice(), REMOTE | {"MIKA_STATE": "nowhere"}, "there is no state directory nowhere"),
        (Choice(state_dir="empty"), {}, "there is no token in empty/api-token"),
        (Choice(state_dir="locked"), {}, "cannot read locked/api-token"),
        (Choice(state_dir="blank"), {}, "there is no token in blank/api-token"),
        (Choice(state_dir="lines"), {}, "what is in lines/api-token is not a token"),
        (Choice(url="https://x.example"), {}, "there is no token for https://x.example"),
        (Choice(), {"MIKA_URL": "https://x.example"}, "set MIKA_TOKEN"),
        (
            Choice(),
            {"MIKA_URL": "https://x.example", "MIKA_TOKEN": "two words"},
            "what is in MIKA_TOKEN is not a token",
        ),
    ],
)
def test_no_tracker_to_be_found(choice, environment, words) -> None:
    """One line says what is missing and how to name a tracker."""
    for name, token in (("empty", None), ("locked", None), ("blank", " \n"), ("lines", "a\nb")):
        Path(name).mkdir()
        if token is not None:
            Path(name, "api-token").write_text(token)
    Path("locked/api-token").mkdir()
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        find_place(choice, environment)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:34001",
        "127.0.0.1:34001",
        "https://",
        "https://host:port",
        "https://host:99999",
        "https://me:secret@host",
        "https://host/?token=secret",
        "https://host/#x",
        "https://[::1",
        "https://höst",
        "https://host/\n",
    ],
)
def test_what_is_no_url(url) -> None:
    """The URL is https and holds no secret; a wrong one is not repeated, in case it does."""
    with pytest.raises(InputError, match=r"written https://HOST:PORT") as caught:
        find_place(Choice(url=url), REMOTE)
    assert "secret" not in str(caught.value)
