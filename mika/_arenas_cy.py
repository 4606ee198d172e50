"""Python's small objects in pages of 2 MiB, where the system has such and mika is compiled. `tap.py` asks for it.

Python takes memory for them in arenas of 1 MiB, each wherever the system puts it. `_arenas_cy.pyx` lends it arenas out
of blocks that begin and end where large pages do: then a million peers are a hundred pages for the processor to find,
and not 50,000. What was taken before stays where it is, and goes back to where it came from.
"""

from __future__ import annotations


def use_huge_pages() -> bool:
    """Take memory so from now on; answer whether that can be done. The system decides what it really gives.

    In plain Python it cannot, and what takes the time there is something else.
    """
    return False
