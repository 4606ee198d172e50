"""Python's cyclic collector while millions of objects are loaded, for `services.py` and `refresh.py`, and after."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT = (50_000, 20, 50)
"""When to look for cyclic garbage: an announce leaves none, and each look takes time that grows with the swarms."""


@contextmanager
def loading() -> Iterator[None]:
    """Keep the collector out: nothing that is loaded is garbage, and it would look at all of it again and again.

    What is loaded stays: it is looked at once, and left alone from then on.
    """
    gc.disable()
    try:
        yield
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
    finally:
        gc.enable()
