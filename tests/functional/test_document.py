"""Schemathesis makes requests out of the OpenAPI document, good and bad ones, and holds the live TLS server to it.

Nothing may be answered 5xx, and every answer must have a status, a media type and a body as the document says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from functional.tracker_process import TrackerProcess

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

EXAMPLES = int(os.environ.get("EXAMPLES", "8"))
"""Requests of each kind for each route; more of them find more, and take longer."""


SETTINGS = """
tls-verify = "{0}"
headers = {{ Authorization = "Bearer ${{MIKA_TEST_TOKEN}}" }}
generation = {{ max-examples = {1}, database = "none" }}

# What fits its schema may still be refused: a condition that does not hold, a name that is taken.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "412"]

# Or for what no schema can say: a role that is not there, another id than in the path, a time that is over.
[[operations]]
include-path-regex = "^/v1/(users|config|torrents/)"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "501"]

# Or because `after` is the `next` of no page.
[[operations]]
include-name-regex = "^GET /v1/[a-z]+$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "422"]
"""


@pytest.fixture
def tracker(tmp_path):
    """Start a tracker with something in it, that limits nobody."""
    process = TrackerProcess(
        tmp_path, MIKA_API__RATE_LIMIT="0", MIKA_API__FAILURE_DELAY="0s", MIKA_TRACKER__TORRENT_KEYS="accepted"
    )
    process.start()
    process.add_user("ann")
    process.api("POST", "/v1/torrents", {"info_hash": "ab" * 20})
    yield process
    process.stop()


def test_every_answer_is_as_documented(tracker, tmp_path):
    """The same requests every time: by a seed. The token is in its environment, as any secret."""
    (tmp_path / "schemathesis.toml").write_text(SETTINGS.format(tracker.state / "api-certificate.pem", EXAMPLES))
    url = (tracker.state / "api-url").read_text().strip()
    ended = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"{url}/v1/openapi.json", "--checks=all", "--seed=1", "--no-color"),
            *("--exclude-path=/v1/events", "--phases=examples,coverage,fuzzing", "--request-timeout=30"),
        ],
        cwd=tmp_path,
        env=os.environ | {"MIKA_TEST_TOKEN": tracker.token, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-20000:] + ended.stderr[-2000:]
    tracker.check_log()
