"""clients/php/examples/webhooks.php: what happens on the tracker is told to the site, also what happened in between."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import queue
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from clients.programs import CLIENTS, environment
from functional.tracker_process import PATIENCE, wait_until

BASE = 7000
SECRET = "a secret of the site"


class Site:
    """A site that is told what happens; `refuse` so many times, it answers 500."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str | None, bytes]] = queue.Queue()
        self.refuse = 0

    def next(self) -> dict:
        """Return what is told next, its signature checked."""
        signature, body = self.told.get(timeout=PATIENCE)
        assert signature == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return json.loads(body)


@pytest.fixture
def site():
    """Return a site and its URL."""
    told = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.told.put((self.headers["X-Mika-Signature"], body))
            self.send_response(500 if told.refuse > 0 else 204)
            told.refuse -= 1
            self.end_headers()

        def log_message(self, *arguments) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told, f"http://127.0.0.1:{http.server_port}/hook"
        http.shutdown()
        thread.join()


def test_site_is_told_what_happens_and_what_it_missed(tracker, site, tmp_path):
    """A change at once, again where the site did not take it, and after a time away."""
    told, url = site

    def readers() -> float:
        return float(re.search(r"^mika_event_readers (\S+)", tracker.metrics(), re.MULTILINE)[1])

    @contextlib.contextmanager
    def watching():
        command = ("php", "examples/webhooks.php", url, str(tmp_path / "last-id"), "user")
        process = subprocess.Popen(
            command, cwd=CLIENTS / "php", env=environment(tracker, MIKA_WEBHOOK_SECRET=SECRET), stderr=subprocess.PIPE
        )
        try:
            wait_until("it watches", lambda: readers() == 1)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
            wait_until("it is gone", lambda: readers() == 0)

    with watching():
        tracker.add_user("eve", id=BASE)
        added = told.next()
        assert (added["type"], added["data"]["id"], added["data"]["change"]) == ("user", BASE, "added")
        told.refuse = 1
        tracker.api("PATCH", f"/v1/users/{BASE}", {"enabled": False})
        refused, again = told.next(), told.next()
        assert refused == again
        assert (again["data"]["change"], again["data"]["fields"]) == ("changed", ["enabled"])
        wait_until("the id is kept", lambda: (tmp_path / "last-id").read_text() == again["id"])
    tracker.api("DELETE", f"/v1/users/{BASE}")
    with watching():
        missed = told.next()
        assert (missed["data"]["id"], missed["data"]["change"]) == (BASE, "deleted")
