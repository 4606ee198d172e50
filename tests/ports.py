"""Free ports for the servers and clients that tests start."""

from __future__ import annotations

import random
import socket

_choose = random.SystemRandom()


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens at.

    It is below those that the kernel gives to clients: nobody takes it before its server has started. Tests that run
    side by side draw from twelve thousand.
    """
    while True:
        port = _choose.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
