"""The whole bench, one part after another: `make bench`, or `make bench ARGS=--quick` for three minutes of it.

Each part is a command of its own, `python -m bench.NAME`, listed by `--list`. The last one, `bench.page`, prints what
docs/performance.md shows; `--write` puts it there. A part that fails does not keep the others from their turn.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.servers import end_cleanly

STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A command, with its options in the whole bench and in the quick one; None: it is left out of that."""

    name: str
    whole: str = ""
    quick: str | None = None


PARTS = (
    Part("run", "--rounds 3 --seconds 1 --long 20", "--main --rounds 2 --long 5"),
    Part("latency", "--rounds 3 --seconds 4", "--rounds 1 --seconds 2"),
    Part("instructions", "", ""),
    Part("memory", "", "--peers 100000 --torrents 5000 --users 10000"),
    Part("flatness", "", "--most 100000"),
    Part("churn", "", "--peers 2000"),
    Part("announce_path"),
    Part("crowded"),
    Part("stores", "--rounds 3"),
    Part("api_load", "--rounds 2 --seconds 10"),
    Part("site", "", "--short"),
    Part("page", "", ""),
)


def main() -> None:
    """Run the parts that are asked for; exit with 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the main figures, less exactly")
    parser.add_argument("--only", default="", help="some of the parts: run,latency")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md at the end")
    parser.add_argument("--list", action="store_true", help="show the commands of the parts; measure nothing")
    options = parser.parse_args()
    commands = chosen(options.only.split(",") if options.only else [], quick=options.quick)
    if not commands:
        parser.error(f"the parts are {', '.join(part.name for part in PARTS)}")
    if options.write and "page" in commands:
        commands["page"].append("--write")
    if options.list:
        print("\n".join(f"python {' '.join(command)}" for command in commands.values()))
        return
    end_cleanly()
    if failed := [name for name, command in commands.items() if not succeeds(command)]:
        sys.exit(f"bench: these parts failed: {', '.join(failed)}")


def chosen(only: list[str], *, quick: bool) -> dict[str, list[str]]:
    """Return the arguments of Python for each part, by its name."""
    options = {part.name: part.quick if quick else part.whole for part in PARTS}
    return {
        name: ["-m", f"bench.{name}", *words.split()]
        for name, words in options.items()
        if words is not None and (not only or name in only)
    }


def succeeds(command: list[str]) -> bool:
    """Run a part, and say whether it did what it should; when this process is ended, the part is ended first."""
    print(f"\n=== python {' '.join(command)}", flush=True)
    began = time.monotonic()
    with subprocess.Popen([sys.executable, *command]) as process:
        try:
            process.wait()
        except BaseException:
            process.terminate()
            process.wait(STOP_SECONDS)
            raise
    print(f"({time.monotonic() - began:.0f} s)", flush=True)
    return process.returncode == 0


if __name__ == "__main__":
    main()
