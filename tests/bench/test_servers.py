"""However the bench ends, no server and no directory is left behind, and what went wrong is said in a line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mika
from bench.servers import BenchError, need, scratch

PROGRAM = """
import time
from bench.servers import _running, end_cleanly, scratch

end_cleanly()
with scratch() as folder, _running(["sleep", "600"], folder / "sleep.log") as process:
    print(folder, process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_signal_ends_the_servers_first(first):
    """A second one, while they end, changes nothing."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(mika.__file__).parents[1]
    ) as process:
        assert process.stdout
        folder, server = process.stdout.readline().split()
        process.send_signal(first)
        process.send_signal(signal.SIGTERM)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 1
    assert words.startswith("bench: ended by SIG")
    assert len(words.splitlines()) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(server), 0)
    assert not Path(folder).exists()


@pytest.mark.parametrize("log", ["", "last words"])
def test_what_servers_wrote_stays_when_the_bench_cannot_go_on(tmp_path, monkeypatch, log):
    """It is said where; an empty directory is not left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        give_up(log)
    kept = [str(each) for each in tmp_path.iterdir()]
    words = str(ended.value).splitlines()
    assert words[0] == "bench: no answer"
    assert words[1:] == [f"bench: what the servers wrote is in {folder}" for folder in kept]
    assert len(kept) == bool(log)


def give_up(log: str) -> None:
    """End the bench as it ends when a server does not answer."""
    with scratch() as folder:
        if log:
            (folder / "mika.log").write_text(log)
        raise BenchError("no answer")


def test_a_missing_program_is_named(monkeypatch):
    """Before anything is started."""
    need()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match=r"^not installed: wrk, valgrind;"):
        need("wrk", "valgrind")
