"""No passkey and no token gets into the log, at the most talkative level, whatever is asked of the tracker and how."""

from __future__ import annotations

import re
import socket
import ssl
from urllib.parse import quote_from_bytes

import pytest
from functional.content import make_content
from functional.tracker_process import PATIENCE, TrackerProcess

INFO_HASH = bytes(range(20))
QUERY = f"info_hash={quote_from_bytes(INFO_HASH)}&peer_id=-XX0001-secret-peer-&port=6881&uploaded=0&downloaded=0&left=9"

STALE = "5ta1e5ta1e5ta1e5ta1e5ta1e5ta1e00"
INVENTED = "1nvented1nvented1nvented1nvented"
DISABLED = "d15ab1edd15ab1edd15ab1edd15ab1ed"
CHOSEN = "Chosen-by_the-site"
CHANGED = "Changed-by_the-site"
TYPED = "Typed-on_stdin-here"
WRONG_TOKEN = "wr0ngt0ken-wr0ngt0ken-wr0ngt0ken-wr0ngt0ken"
ILLEGAL = "illegal.passkey.with.dots"

TARGETS = [
    "/{key}/announce?{query}",
    "/announce/{key}?{query}",
    "/announce?passkey={key}&{query}",
    "/announce.php?passkey={key}&{query}",
    "/announce.php?{query}&passkey={key}/",
    "//{key}//announce?{query}",
    "http://tracker.example/{key}/announce?{query}",
    "/{key}/announce?{query}&event=stopped",
    "/{key}/announce?{query}&port=many",
    "/{key}/announce?{query}&left=-1",
    "/{key}/announce?{query}&passkey={key}&trackerid={key}&key={key}",
    "/{key}/announce?info_hash={key}&peer_id={key}",
    "/{key}/announce",
    "/{key}/anounce?{query}",
    "/{key}",
    "/announce/{key}/{key}?{query}",
    "/announce?user={key}&{query}",
    "/{key}/scrape?{query}",
    "/scrape/{key}?{query}",
    "/scrape?passkey={key}&{query}",
    "/scrape.php?passkey={key}&{query}",
    "/{key}/scrape",
    "/{key}/announce?{query}&" + "x" * 40_000,
    "/{key}/announce?{query} and more",
]
"""Every form of an announce URL and of a scrape URL that is served, and of those that people get wrong."""

REQUESTS = [
    *(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" for target in TARGETS),
    "GET /{key}/announce?{query} HTTP/1.0\r\n\r\n",
    "HEAD /{key}/announce?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "POST /{key}/announce?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{key}",
    "GET /{key}/announce?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{key}",
    "GET /{key}/announce?{query} HTTP/1.1\r\nHost: {key}\r\nAuthorization: Bearer {key}\r\n{key}\r\n\r\n",
    "GET /{key}/announce?{query} HTTP/1.1\r\nHost: x\r\nReferer: /{key}\r\nX-Long: " + "x" * 70_000 + "\r\n\r\n",
    "GET /{key}/announce?{query}\r\n\r\n",
    "GET /{key}/announce?{query} HTTP/9.9\r\n\r\n",
    "PROXY TCP4 {key} 127.0.0.1 1 2\r\nGET /{key}/announce?{query} HTTP/1.0\r\n\r\n",
    "/{key}/announce?{query}\r\n\r\n",
    "\0\1\2/{key}/announce\r\n\r\n",
    "GET /{key}/announce?{query} HTTP/1.1\r\nHost: x\r\n\r\n" * 3
    + "GET /{key}/scrape?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /{key}/announce?{que",
]
"""The same as bytes on a socket, with requests that are no announces."""

API_REQUESTS = [
    "GET /v1/users/{key} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n",
    "GET /v1/users?passkey={key} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n",
    "GET /v1/users?after={token} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n",
    "GET /{key}/announce HTTP/1.0\r\nAuthorization: Basic {token}\r\n\r\n",
    "PUT /v1/whitelist/{key}{token}? HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n",
    "DELETE /v1/users/{key} HTTP/1.0\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n\r\n",
    "{token}\r\n\r\n",
    "BREW /v1/{token} HTTP/1.1\r\nHost: {key}\r\nContent-Length: {token}\r\n\r\n",
    "POST /v1/users HTTP/1.0\r\nAuthorization: Bearer {token}\r\nContent-Length: 99999999\r\n\r\n{key}",
    "POST /v1/users HTTP/1.0\r\nAuthorization: Bearer {token}\r\nContent-Length: 999\r\n\r\n{key}",
]
"""Requests to the admin API that are strange, or cut short."""


def send(port: int, request: str, context: ssl.SSLContext | None = None) -> bytes:
    """Send bytes, say that there are no more, and return all that comes back, which may be nothing."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain as connection:
        received = b""
        try:
            connection.sendall(request.encode())
            if context is None:
                connection.shutdown(socket.SHUT_WR)
            elif not request.endswith("\r\n\r\n"):
                return b""
            while data := connection.recv(65536):
                received += data
        except ConnectionError:
            pass  # what was refused early is not read to its end
    return received


def test_secret_in_a_log_is_noticed(tmp_path):
    """In part and in any case, or the other test here could not fail."""
    process = TrackerProcess(tmp_path)
    process.secrets = {"0123456789abcdef"}
    (tmp_path / "twistd.log").write_text("GET /announce/0123456789a\n")
    process.check_log()
    (tmp_path / "twistd.log").write_text("GET /announce/0123456789AB\n")
    with pytest.raises(AssertionError, match="begins with 0123456789ab"):
        process.check_log()


def test_no_secret_gets_into_the_log(tracker):
    """Good requests, refused and malformed ones, over plain connections and over TLS, and what is not asked at all."""
    tls_port, trust = tracker.tls_port, tracker.trust()
    tracker.secrets |= {STALE, INVENTED, DISABLED, CHOSEN, CHANGED, TYPED, WRONG_TOKEN, ILLEGAL}

    tracker.api("POST", "/v1/torrents", {"info_hash": INFO_HASH.hex(), "name": "secret"})
    ann = tracker.add_user("ann")
    bob = tracker.add_user("bob", passkey=STALE)
    tracker.secrets.add(tracker.api("POST", f"/v1/users/{bob['id']}/passkey")["passkey"])
    tracker.add_user("carol", passkey=DISABLED, enabled=False)
    dave = tracker.add_user("dave", passkey=CHOSEN)
    answers = []
    for key in (ann["passkey"], STALE, INVENTED, DISABLED, ILLEGAL, encoded(CHOSEN)):
        tracker.secrets.add(key)
        for request in REQUESTS:
            written = request.replace("{key}", key).replace("{query}", QUERY)
            answers.append(send(tracker.port(), written))
    answers += [send(tls_port, REQUESTS[0].format(key=ann["passkey"], query=QUERY), trust)]
    assert sum(b"8:complete" in answer for answer in answers) > 20  # announces that were served
    assert sum(b"14:failure reason" in answer for answer in answers) > 80
    for code in (b"passkey_invalid", b"user_disabled", b"port_invalid", b"path_invalid", b"longer than 16 KiB"):
        assert any(code in answer for answer in answers), code

    api_port = int((tracker.state / "api-url").read_text().strip().rpartition(":")[2])
    for key, token in ((ann["passkey"], tracker.token), (INVENTED, WRONG_TOKEN)):
        for request in API_REQUESTS:
            written = request.replace("{key}", key).replace("{token}", token)
            for port, context in ((api_port, trust), (api_port, None), (tls_port, trust), (tls_port, None)):
                send(port, written, context)
    assert tracker.ask("GET", "/v1/status", token=WRONG_TOKEN).status == 401
    refused = [
        tracker.ask("POST", "/v1/users", {"name": "eve", "passkey": CHOSEN}),
        tracker.ask("POST", "/v1/users", [{"name": "eve", "passkey": INVENTED}, {"name": "eve", "passkey": INVENTED}]),
        tracker.ask("POST", "/v1/users", {"name": "eve", "passkey": ILLEGAL}),
        tracker.ask("POST", "/v1/users", {"name": "eve", ILLEGAL: tracker.token}),
        tracker.ask("POST", "/v1/users", f'{{"name": "eve", "passkey": "{INVENTED}"'.encode()),
        tracker.ask("PATCH", f"/v1/users/{dave['id']}", {"passkey": ann["passkey"]}),
        tracker.ask("PATCH", f"/v1/users/{dave['id']}", {"passkey": [INVENTED]}),
        tracker.ask("GET", f"/v1/users/{INVENTED}"),
        tracker.ask("POST", f"/v1/users/{INVENTED}/passkey", {"passkey": INVENTED}),
    ]
    assert all(400 <= answer.status < 500 for answer in refused), refused
    tracker.api("PATCH", f"/v1/users/{dave['id']}", {"passkey": CHANGED})
    tracker.restart()
    assert b"peers" in tracker.announce(
        tracker.announce_url({"passkey": CHANGED}), INFO_HASH, b"-XX0001-now-restarted"[:20]
    )
    assert "announce NONE" in tracker.log  # it is the most talkative level


def encoded(passkey: str) -> str:
    """Write a passkey as a client that encodes every character does."""
    return "".join(f"%{ord(character):02X}" for character in passkey)


def test_no_secret_gets_into_the_log_by_the_command_line(tracker, tmp_path):
    """Nor does `mika client` show a token, whatever goes wrong."""
    tracker.secrets |= {STALE, INVENTED, CHOSEN, TYPED, WRONG_TOKEN}
    content = make_content(tmp_path / "content")
    file = tmp_path / "content.torrent"
    file.write_bytes(content.torrent_file())
    wrong = {"MIKA_URL": (tracker.state / "api-url").read_text().strip(), "MIKA_TOKEN": WRONG_TOKEN}
    runs = [
        (0, tracker.client("user", "add", "ann", f"passkey={CHOSEN}")),
        (0, tracker.client("user", "passkey", "1", "--json")),
        (0, tracker.client("user", "set", "1", "passkey=-", given=TYPED + "\n")),
        (0, tracker.client("torrent", "add", str(file))),
        (0, tracker.client("status")),
        (1, tracker.client("torrent", "add", str(file))),
        (1, tracker.client("user", "get", "99")),
        (1, tracker.client("user", "set", "1", "passkey=bad")),
        (1, tracker.client("--url", wrong["MIKA_URL"] + "/" + "nothing", "status")),
        (2, tracker.client("user", "get", INVENTED)),
        (2, tracker.client("--state-dir=elsewhere", "status", **wrong)),
    ]
    for status, run in runs:
        assert run.returncode == status, run
        assert "Traceback" not in run.stderr, run
        assert tracker.token not in run.stdout + run.stderr, run
    tracker.secrets.update(re.findall(r'"passkey": *"(\w+)"', runs[1][1].stdout))
    assert len(tracker.secrets) == 7
