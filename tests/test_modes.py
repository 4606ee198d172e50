"""Compiled and in plain Python, the same announces get the same answers to the byte, and are worth the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from compiling import HAS_COMPILER

STORY = Path(__file__).with_name("mode_story.py")


@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler, or Python's headers are missing")
@pytest.mark.parametrize("strategy", ["random", "weighted"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_modes_tell_the_same_story(seed: int, strategy: str):
    """Types of C end where Python's numbers go on; whatever overflows, rounds or is cut off would show here."""
    told = [
        subprocess.Popen(
            [sys.executable, STORY, str(seed), strategy],
            env=os.environ | {"MIKA_PURE": pure},
            stdout=subprocess.PIPE,
            text=True,
        )
        for pure in ("0", "1")
    ]
    stories = [process.communicate()[0].splitlines() for process in told]
    assert [process.returncode for process in told] == [0, 0]
    assert len(stories[0]) == len(stories[1])
    assert sum("complete" in line for line in stories[0]) > 1000, "most announces are answered"
    for compiled, plain in zip(*stories, strict=True):
        assert compiled == plain
