"""Python's cyclic collector while millions of objects are loaded, for `services.py` and `refresh.py`, and after."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT = (2_000, 20, 50)
"""When to look for cyclic garbage. An announce leaves none, so that it is the API which sets the pace: each of its
connections leaves some 50 kB of TLS in cycles. Young objects are looked at often, all of them hardly ever."""


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
