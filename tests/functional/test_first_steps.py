"""The first ten minutes with mika: no configuration, and the commands that the tracker itself says to type next."""

from __future__ import annotations

import json
import re
import stat
import subprocess

import pytest
from functional.content import SIZE, make_content
from functional.tracker_process import PATIENCE, TrackerProcess, clean_environment


@pytest.fixture
def tracker(tmp_path):
    """Return a tracker as `make run` starts it: but for its ports, which others may have, nothing is configured."""
    process = TrackerProcess(tmp_path)
    process.settings = {name: value for name, value in process.settings.items() if "LISTEN" in name}
    try:
        process.start()
        yield process
    finally:
        process.stop()
    process.check_log()


def test_what_the_tracker_says_to_type_next_leads_to_an_announce(tracker, tmp_path):
    """The commands are typed as they are printed, and the announce URL is used as it is printed."""
    content = make_content(tmp_path / "content", hybrid=True)
    (tmp_path / "FILE.torrent").write_bytes(content.torrent_file())
    commands = re.findall(r"^  (\S.*)$", tracker.log.partition("\nNext:\n")[2], re.MULTILINE)
    assert [command.partition(" client ")[2] for command in commands] == [
        "user add alice",
        "torrent add FILE.torrent",
        "status",
    ]
    outputs = []
    for command in commands:
        run = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (run.returncode, run.stderr) == (0, ""), run
        outputs.append(run.stdout)
    (url,) = re.findall(r"^announce URL: (http://\S+)$", outputs[0], re.MULTILINE)
    tracker.secrets.add(url.split("/")[3])
    assert content.info_hash.hex() in outputs[1]

    answers = [
        tracker.announce(url, info_hash, b"-XX0001-first-steps-", event="started", left=0)
        for info_hash in (content.info_hash, content.info_hash_v2[:20])
    ]
    assert [(answer[b"complete"], answer[b"incomplete"]) for answer in answers] == [(1, 0), (1, 0)]
    shown = json.loads(tracker.client("torrent", "get", content.info_hash.hex(), "--json").stdout)
    assert (shown["seeders"], shown["leechers"], shown["size"]) == (1, 0, SIZE)
    assert (shown["name"], shown["info_hash_v2"]) == (content.file.name, content.info_hash_v2.hex())
    alice = json.loads(tracker.client("user", "get", "1", "--json").stdout)
    assert (alice["name"], alice["announces"]) == ("alice", 2)


def test_state_directory_keeps_its_secrets_to_itself(tracker):
    """Nobody else may look into it, whatever the umask was."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tracker.state.iterdir()}
    assert stat.S_IMODE(tracker.state.stat().st_mode) == 0o700
    for name in ("api-token", "api-key.pem", "mika.sqlite"):
        assert modes[name] == 0o600, modes
