"""A site's busy week, told line by line: `test_modes.py` has it told compiled and in plain Python, and compares.

Run as a program with a seed. All that can be seen of a tracker is printed: the bytes of each answer, and what every
account, swarm and record of the journal holds at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from random import Random

from builders import NOW, Connection, Site, announce_bytes, make_site, result

from mika.model import Role, Torrent, User

STEPS = 3000
PASSKEYS = [f"{number:032x}" for number in range(1, 13)]
HASHES = [bytes([number]) * 20 for number in range(1, 7)]
V2 = bytes(range(32))
ADDRESSES = ("81.2.69.142", "81.2.69.143", "89.160.20.112", "10.0.0.1", "2a02:ec8:e1::1", "2a02:ec8:e1:1::2", "::1")
CLIENTS = (b"-TR4060-", b"-qB4650-", b"-XX0000-")
AMOUNTS = (0, 1, 999, 2**20, 7 * 2**30, 10**15 - 1, 10**15, 2**63 - 1, 2**63, 2**64 - 1, 2**64)
HEADERS = (b"", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"User-Agent: qBittorrent/4.6.5\r\n")
SECTIONS = {
    "credit": {
        "multiplier_up": 1.5,
        "windows": [{"from": "2026-11-24T00:00:00Z", "until": "2026-11-25T12:00:00Z", "multiplier_down": 0}],
    },
    "bonus": {"per_hour": 1.25, "scarcity": 3, "per_gib": 0.5},
    "selection": {},
}


def make_busy_site(random: Random, strategy: str) -> Site:
    """Make a site with members of every kind, and torrents that are worth more or less."""
    roles = [
        Role(2, "power user", priority=5, multiplier_up=2500, multiplier_down=333, peers_per_user_torrent=2),
        Role(3, "new", download_slots=1),
        Role(4, "banned from downloads", download_enabled=False),
    ]
    users = [
        User(
            number,
            f"member {number}",
            passkey,
            role=number % 4 + 1,
            enabled=number != 12,
            multiplier_up=random.choice((1000, 1000, 1001, 3000)),
            multiplier_down=random.choice((1000, 0, 999)),
            freeleech={HASHES[0]: NOW + 86400} if number % 3 == 0 else {},
        )
        for number, passkey in enumerate(PASSKEYS, 1)
    ]
    torrents = [
        Torrent(info_hash, size=size, multiplier_up=up, created_at=NOW - 10**7 * (size % 2))
        for info_hash, size, up in zip(HASHES, AMOUNTS[2:], (1000, 2000, 1000, 1234, 0, 1000), strict=False)
    ]
    torrents[1].info_hash_v2 = V2
    torrents[5].enabled = False
    sections = SECTIONS | {"selection": {"strategy": strategy}}
    tracker = {"whitelist": True, "addresses_per_user": 2, "peers_per_user_torrent": 3, "interval_jitter": "5m"}
    site = make_site((), (), sections=sections, **tracker)
    for role in roles:
        result(site.directory.add_role(role))
    result(site.directory.add_users(users))
    result(site.directory.add_torrents(torrents))
    for prefix in CLIENTS[:2]:
        result(site.directory.save_whitelisted(prefix.decode(), "real"))
    return site


def announces(random: Random) -> Iterator[tuple[str, bytes]]:
    """Yield addresses and requests: nearly all of clients, some of nobody's."""
    counters: dict[tuple[str, bytes, bytes], list[int]] = {}
    for _ in range(STEPS):
        passkey, info_hash = random.choice(PASSKEYS), random.choice([*HASHES, V2[:20]])
        peer_id = random.choice(CLIENTS) + bytes([65 + random.randrange(4)]) * 12
        counted = counters.setdefault((passkey, info_hash, peer_id), [0, 0])
        for index in (0, 1):
            odd = random.random() < 0.03
            counted[index] = random.choice(AMOUNTS) if odd else counted[index] + random.choice((0, 0, 16384, 10**9))
        params = {
            "info_hash": info_hash if random.random() < 0.98 else random.randbytes(20),
            "peer_id": peer_id,
            "port": random.choice((6881, 51413, 1, 65535)) if random.random() < 0.97 else random.choice((0, 65536, -1)),
            "uploaded": counted[0],
            "downloaded": counted[1],
            "left": random.choice((0, 0, 0, 1000, 2**40, 2**64 - 1, *AMOUNTS)),
            "event": random.choice((None, None, None, "", "started", "completed", "stopped", "paused", "nonsense")),
            "numwant": random.choice((None, 0, 1, 50, 200, 10**9, -1)),
            "key": random.choice((None, "0A1B2C3D", "x" * 30)),
            random.choice(("compact", "no_peer_id", "supportcrypto", "requirecrypto", "ip", "corrupt")): "1",
        }
        data = announce_bytes(passkey, random.choice(HEADERS), **params)
        if random.random() < 0.02:
            at = random.randrange(len(data))
            data = data[:at] + random.randbytes(1) + data[at + 1 :]
        yield random.choice(ADDRESSES), data


def tell(seed: int, strategy: str) -> Iterator[str]:
    """Tell what happened."""
    random = Random(seed)
    site = make_busy_site(random, strategy)
    for address, data in announces(random):
        connection = Connection(site, address)
        connection.send(data)
        yield f"{address} {data!r} {connection.transport.value()!r}"
        connection.lose()
        if random.random() < 0.2:
            site.clock.pump([random.randrange(1800)])
            site.swarms.expire(int(site.clock.seconds()))
    for user in site.directory.users.values():
        yield f"{user.name} {user.totals}"
    for torrent in site.directory.torrents.values():
        yield f"{torrent.info_hash.hex()} {torrent.totals} {sorted(torrent.completers)}"
    for swarm in sorted(site.swarms, key=lambda each: each.info_hash):
        yield f"{swarm.info_hash.hex()} {swarm.complete} {swarm.incomplete} {swarm.paused}"
    for _, frames in site.journal.read(0, 1):
        yield frames.hex()


if __name__ == "__main__":
    for line in tell(int(sys.argv[1]), sys.argv[2]):
        sys.stdout.write(f"{line}\n")
