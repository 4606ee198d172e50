"""Servers that are there and answer nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def hold(pid: int) -> None:
    """Stop a process, and return when all its threads stand still: the signal alone takes its time."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while not all(_stands(thread) for thread in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.001)


def _stands(thread: Path) -> bool:
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # it ended just now
        return True
    return state in "Tt"
