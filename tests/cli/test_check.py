"""`mika check` as it is typed: what is printed, what is not, and the exit status."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from ports import free_port
from servers.scripted import SECRET, Scripted, page


@pytest.fixture
def private() -> Iterator[Scripted]:
    """Start a private tracker that is fine, and knows no torrent."""

    def answer(path: str) -> bytes:
        return page(
            {"files": {}} if "/scrape" in path else {"failure reason": f"Unregistered torrent \x1b[31m{SECRET}"}
        )

    tracker = Scripted(answer, None, "127.0.0.1")
    yield tracker
    tracker.close()


def url(port: int) -> str:
    """Return the announce URL of a tracker on loopback."""
    return f"http://127.0.0.1:{port}/{SECRET}/announce"


def test_all_is_fine(run, private) -> None:
    """A line a step, without the passkey, and without what would reach the terminal."""
    outcome = run("check", url(private.port))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"http://127.0.0.1:{private.port}/…/announce\n")
    assert outcome.out.endswith("\n\nAll is fine.\n")
    assert "\nok     IPv4  announce     a torrent that is not there is refused" in outcome.out
    assert "\x1b" not in outcome.out
    assert SECRET not in outcome.out


def test_something_is_wrong(run) -> None:
    """What to do stands below what is wrong, and the status says that there is something."""
    outcome = run("check", url(free_port()))
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.out.endswith("start the tracker, or have it listen at this address and port\n\n1 thing is wrong.\n")


def test_json(run, private) -> None:
    """One document, whatever is found."""
    found = run("check", url(private.port), "--json")
    assert (found.status, found.json["fine"]) == (0, True)
    assert found.json["findings"][0] == {
        "step": "dns",
        "level": "ok",
        "family": "IPv4",
        "words": "127.0.0.1",
        "advice": None,
    }
    assert SECRET not in found.out
    broken = run("check", "--json", url(free_port()))
    assert (broken.status, broken.json["fine"]) == (1, False)


def test_url_from_standard_input(run, private, monkeypatch) -> None:
    """Where `ps` does not show the passkey."""
    monkeypatch.setattr("sys.stdin", io.StringIO(url(private.port) + "\n"))
    assert run("check", "-").status == 0
    assert f"/{SECRET}/announce?" in private.paths[0]


def test_what_the_test_says_it_is(run, private) -> None:
    """The torrent, the peer id and the port are those that were given."""
    outcome = run("check", url(private.port), "--torrent", "AB" * 20, "--peer-id", "-TR4060-", "--port", "51413")
    assert outcome.status == 1  # the torrent was said to be there
    assert f"info_hash={'%AB' * 20}&peer_id=-TR4060-" in private.paths[0]
    assert "&port=51413&" in private.paths[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'URL'"),
        (["http://t.example/x"] * 2, "unexpected extra argument"),
        (["t.example"], "an announce URL is written http://"),
        (["-"], "an announce URL is written http://"),
        (["udp://t.example:80/announce"], "trackers over UDP are not tested yet"),
        (["http://t.example/x", "--torrent", "ab"], "is not an info hash"),
        (["http://t.example/x", "--peer-id", "x" * 21], "a peer id begins with"),
        (["http://t.example/x", "--peer-id", ""], "a peer id begins with"),
        (["http://t.example/x", "--port", "0"], "Invalid value for '--port'"),
        (["http://t.example/x", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["http://t.example/x", "--timeout", "nan"], "Invalid value for '--timeout'"),
        (["http://t.example/x", "--ca", "nowhere.pem"], "cannot read nowhere.pem: No such file"),
        (["http://t.example/x", "--ca", "empty.pem"], "empty.pem holds no certificate"),
        (["http://t.example/x", "--ca", "."], "cannot read ."),
    ],
)
def test_what_cannot_be_tested(run, monkeypatch, tmp_path, arguments, words) -> None:
    """It is one line and status 2, and nothing is sent."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    (tmp_path / "empty.pem").write_text("")
    outcome = run("check", *arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
