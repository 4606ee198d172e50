"""The `mika` command: a client of the tracker's admin API. Twisted, treq and rich are imported inside the commands."""

from mika.cli.program import main

__all__ = ["main"]
