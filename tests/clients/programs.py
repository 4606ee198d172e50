"""The programs of other languages that tests run: each must end well, and says why when it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from functional.tracker_process import TrackerProcess, clean_environment

CLIENTS = Path(__file__).parents[2] / "clients"

PATIENCE = 600
"""Seconds that a program may take: a first `go test` compiles the standard library."""


def environment(tracker: TrackerProcess | None = None, **settings: str) -> dict[str, str]:
    """Return an environment in which a client finds the tracker, and nothing is fetched behind our back."""
    fixed = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off", "PYTHONDONTWRITEBYTECODE": "1"}
    fixed["PYTHONPATH"] = str(CLIENTS / "python")
    if tracker is not None:
        fixed["MIKA_URL"] = (tracker.state / "api-url").read_text().strip()
        fixed["MIKA_TOKEN"] = tracker.token
        fixed["MIKA_CA"] = str(tracker.state / "api-certificate.pem")
    return clean_environment(HOME=os.environ.get("HOME") or "/tmp", **fixed, **settings)


def run(*words: str | Path, cwd: Path, env: dict[str, str]) -> str:
    """Run a program that must end well, and return what it printed."""
    assert shutil.which(words[0]) is not None, f"{words[0]} is not installed: `make test` does it, on Debian"
    ended = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 0, f"{words} in {cwd} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout
