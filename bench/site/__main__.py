"""`python -m bench.site` plays the whole site, `--short` a small one; prints what came of it, and fails if it is wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.site.checks import compare, found
from bench.site.world import BEGIN, SHORT, WHOLE, World
from bench.site.members import DAY
from twisted.python import log  # noqa: F401


def main() -> None:
    """Play it."""
    parser = argparse.ArgumentParser(prog="python -m bench.site", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few members for a few days, as `make test` plays it")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    scale = SHORT if options.short else WHOLE
    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="mika-site-") as folder:
        world = World(scale, options.seed, Path(folder))
        for day in range(scale.days):
            world.run(BEGIN + (day + 1) * DAY)
            print(day, world.announces, sum(t.received for t in world.torrents) >> 30, round(time.process_time() - begun, 1), len(found(world)), flush=True)
        exactness = compare(world)
        print(exactness.members, exactness.torrents, exactness.pairs, exactness.states, len(exactness.wrong), world.restarts, world.refused)
        print("\n".join(exactness.wrong[:20]))
        for each in found(world):
            print(each)
    sys.exit(bool(exactness.wrong))


if __name__ == "__main__":
    main()
