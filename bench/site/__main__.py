"""`python -m bench.site` plays the whole site, `--short` a small one; prints what came of it, and fails if it is wrong.

Thirty days with a thousand honest members, then four more with twenty cheats among them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.site.outcome import play
from bench.site.world import SHORT, WHOLE

SEED = 7
ENOUGH = 18
"""Of twenty cheats, so many are to be found."""


def main() -> None:
    """Play it; exit with 1 when a figure is wrong, an honest member is suspected, or too few cheats are found."""
    parser = argparse.ArgumentParser(prog="python -m bench.site", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="few members for a few days, as `make test` plays it")
    parser.add_argument("--members", type=int, help=f"{WHOLE.members}, if nothing else is said")
    parser.add_argument("--days", type=int, help="days without cheats")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed is another story")
    options = parser.parse_args()
    scale = SHORT if options.short else WHOLE
    scale = replace(scale, members=options.members or scale.members, days=options.days or scale.days)
    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="mika-site-") as folder:
        outcome = play(scale, options.seed, Path(folder), lambda words: print(words, flush=True))
    print(f"seed {options.seed}, {time.process_time() - begun:.0f} s of CPU\n")
    print("\n".join(outcome.lines()))
    sys.exit(bool(outcome.wrong) or bool(outcome.honest) or (not options.short and len(outcome.caught) < ENOUGH))


if __name__ == "__main__":
    main()
