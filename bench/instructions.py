"""Instructions an announce from bytes to bytes, by callgrind: the figure that no other program on the machine moves.

`python -m bench.instructions`. In swarms of 50, which are handed out nearly whole, and of 300, where weights choose.
Two runs of `announce_path.py`'s announces differ only in how many there are; the difference of their counts, divided by
the announces that one has more, is printed. valgrind must be installed.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from typing import Any, NamedTuple

from twisted.internet.task import Clock

from bench.announce_path import answer_all, make_factory, requests
from bench.results import keep, others
from bench.scenarios import EVERY_RULE, FEW_RULES, MIKA, PLAIN, SETTINGS
from bench.servers import BenchError, end_cleanly, need, need_compiled
from bench.workload import make_workload
from mika.config import Selection
from mika.model import Peer, Place
from mika.selectors import make_choice

USERS, PEERS = 400, 1200
FEW, MANY = 2, 4
ALL_WEIGHTS = {"strategy": "weighted", "place": 1, "progress": 1, "speed": 1, "priority": 1, "seed_time": 1}
VALGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


class Story(NamedTuple):
    """What is counted: in which mode, with which settings, in swarms of which size, by which `[selection]`."""

    pure: str = "0"
    server: str = MIKA
    swarm: int = 50
    selection: dict[str, Any] = {}  # noqa: RUF012 - it is not changed


STORIES = {
    MIKA: Story(),
    PLAIN: Story(pure="1"),
    EVERY_RULE: Story(server=EVERY_RULE),
    FEW_RULES: Story(server=FEW_RULES),
    f"{MIKA}, swarms of 300": Story(swarm=300),
    f"{MIKA}, swarms of 300, all weights": Story(swarm=300, selection=ALL_WEIGHTS),
}


def work(laps: int, story: Story) -> None:
    """Answer every announce once a lap."""
    workload = make_workload(USERS, PEERS // story.swarm, story.swarm)
    clock = Clock()
    clock.advance(1_800_000_000)
    factory = make_factory(workload, clock, SETTINGS[story.server])
    factory.tracker.swarms.presence.locate = locate
    factory.tracker.choose(make_choice(Selection.model_validate(story.selection), factory.directory))
    gc.disable()  # as in a tracker, where next to nothing of an announce is looked at
    for data in [requests(workload, lap) for lap in range(MANY)][:laps]:
        clock.advance(1800)
        answer_all(factory, data)


def locate(peer: Peer) -> None:
    """Place a peer somewhere: a hundred places in ten countries, all known."""
    peer.place = PLACES[peer.user_id % len(PLACES)]


PLACES = [Place(f"A{chr(65 + number % 10)}", number, (number - 50.0, 3.0 * number - 150)) for number in range(100)]


def started(laps: int, name: str) -> subprocess.Popen[str]:
    """Start a process that answers so many laps and counts its instructions."""
    command = [*VALGRIND, sys.executable, "-m", __spec__.name, str(laps), name]
    environment = os.environ | {"PYTHONHASHSEED": "0", "MIKA_PURE": STORIES[name].pure}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def counted(process: subprocess.Popen[str]) -> int:
    """Return its instructions when it has ended."""
    _, words = process.communicate()
    collected = words.partition("Collected : ")[2].split()
    if process.returncode or not collected:
        raise BenchError("\n".join(["valgrind failed:", *words.strip().splitlines()[-5:]]))
    return int(collected[0])


def main() -> None:
    """Count with few laps and with many, all at once, which changes no count; print the differences, and keep them."""
    load = others()
    end_cleanly()
    running: list[subprocess.Popen[str]] = []
    try:
        need("valgrind")
        need_compiled()
        for name in STORIES:
            running += [started(MANY, name), started(FEW, name)]
        counts = [counted(process) for process in running]
    except BenchError as error:
        sys.exit(f"bench: {error}")
    finally:
        for process in running:
            process.kill()
    announces = PEERS * (MANY - FEW)
    pairs = zip(STORIES, counts[::2], counts[1::2], strict=True)
    figures = {name: (many - few) / announces for name, many, few in pairs}
    for name, each in figures.items():
        print(f"{each:,.0f} instructions an announce, {name}")
    print(f"kept in {keep('instructions', {}, figures, load)}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(int(sys.argv[1]), STORIES[sys.argv[2]])
    else:
        main()
