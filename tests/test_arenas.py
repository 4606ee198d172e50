"""Python's small objects in pages of 2 MiB: nothing is lost, memory goes back, and the system gives such pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mika import _arenas_cy
from mika._arenas_cy import use_huge_pages
from mika.compiled import runs_compiled

THP = Path("/sys/kernel/mm/transparent_hugepage/enabled")

STORY = """
import re
from pathlib import Path
from mika._arenas_cy import use_huge_pages

def kib(words):
    return sum(map(int, re.findall(rf"^{words}: +([0-9]+) kB", Path("/proc/self/smaps").read_text(), re.M)))

older = [str(number) for number in range(10**6)]
print(use_huge_pages() == use_huge_pages())
before = kib("Rss"), kib("AnonHugePages")
newer = [str(number) for number in range(2 * 10**6)]
taken = kib("Rss") - before[0], kib("AnonHugePages") - before[1]
print(taken[1] > 0)
print(older == newer[: 10**6])
del older, newer[10**5 :]
again = [str(number) for number in range(10**6)]
print(again[: 10**5] == newer)
del again, newer
print(kib("Rss") < before[0] // 2)
"""
"""What was taken before and after is freed, some of it in between, and taken again."""


def test_they_are_used_where_it_is_compiled():
    """And where the system knows of them, which Linux does."""
    assert use_huge_pages() == (runs_compiled(_arenas_cy) and sys.platform == "linux")


def test_objects_come_and_go_as_ever():
    """In a process of its own. What was taken before goes back to where it came from; nothing is lost, nothing kept."""
    ended = subprocess.run([sys.executable, "-c", STORY], capture_output=True, text=True, check=True)
    asked, huge, *came_and_went = ended.stdout.split()
    assert [asked, *came_and_went] == ["True"] * 4
    if THP.exists() and "[always]" not in THP.read_text():  # with that, the system may give them to anybody
        assert huge == str(runs_compiled(_arenas_cy) and "[madvise]" in THP.read_text())
