"""What `run.py` and `latency.py` measure, as data: servers, swarms, what is asked, over what. And the goals.

A new measurement is a new line here.
"""

from __future__ import annotations

from dataclasses import dataclass

CLOSED, KEPT = "connection each", "kept alive"
IPV4, IPV6, TLS = "IPv4", "IPv6", "TLS"
SCRAPE, REFUSED = "scrape", "unknown passkey"

FLOOR, OPENTRACKER, MIKA, PLAIN = "floor", "opentracker", "mika", "mika in plain Python"
NO_JOURNAL, EACH_ROW = "mika without its journal", "mika writing each peer"
EVERY_RULE, FEW_RULES = "mika with every rule", "mika with few rules"

ON = {
    "MIKA_PURE": "0",
    "MIKA_TRACKER__PUBLIC": "false",
    "MIKA_TRACKER__WHITELIST": "true",
    "MIKA_FLUSH__JOURNAL": "true",
    "MIKA_STORES__USERS": "sqlite:",
    "MIKA_STORES__TORRENTS": "sqlite:",
    "MIKA_STORES__PEERS": "sqlite:",
}
"""Everything that an operator has on: private, a whitelist of clients, the journal, and SQLite stores."""

SETTINGS = {
    MIKA: ON,
    PLAIN: ON | {"MIKA_PURE": "1"},
    NO_JOURNAL: ON | {"MIKA_FLUSH__JOURNAL": "false"},
    # A peer's row is written every 30 s. Here a peer announces many times in that, and on a site once in 30 minutes:
    # then each announce is a row. Written every second, nearly each is one here too.
    EACH_ROW: ON | {"MIKA_FLUSH__PEERS_INTERVAL": "1s"},
    EVERY_RULE: ON
    | {
        "MIKA_TRACKER__ADDRESSES_PER_USER": "3",
        "MIKA_TRACKER__TORRENT_KEYS": "accepted",
        "MIKA_CREDIT__MULTIPLIER_UP": "1.5",
        "MIKA_CREDIT__MULTIPLIER_DOWN": "0.5",
        "MIKA_BONUS__PER_GIB": "0.1",
        "MIKA_BONUS__PER_YEAR": "0.1",
        "MIKA_HIT_AND_RUN__ENABLED": "true",
    },
    FEW_RULES: ON
    | {
        "MIKA_TRACKER__WHITELIST": "false",
        "MIKA_BONUS__ENABLED": "false",
        "MIKA_FLUSH__HISTORY": "false",
        "MIKA_SUSPICION__ENABLED": "false",
    },
}
"""The configurations of mika, each a process of its own, as its environment."""


@dataclass(frozen=True, slots=True)
class Swarms:
    """Users, torrents, and different peers in each torrent, half of them seeders."""

    users: int
    torrents: int
    peers: int


MIDDLE, HOT, MANY = "middle", "one hot swarm", "many small swarms"
SWARMS = {MIDDLE: Swarms(1000, 100, 300), HOT: Swarms(5000, 1, 5000), MANY: Swarms(1000, 5000, 3)}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table. `asks` is how many peers are wanted, a scrape, or an announce that is to be refused."""

    server: str
    mode: str = CLOSED
    swarms: str = MIDDLE
    asks: int | str = 50
    over: str = IPV4

    def __str__(self) -> str:
        asks = self.asks if isinstance(self.asks, str) else "" if self.asks == 50 else f"{self.asks} peers wanted"
        swarms = "" if self.swarms == MIDDLE else self.swarms
        over = "" if self.over == IPV4 else self.over
        return ", ".join(word for word in (self.server, self.mode, over, asks, swarms) if word)

    @property
    def process(self) -> tuple[str, ...]:
        """Say which process serves it: the floor is one for each mode and family."""
        return (self.server, self.mode, self.over) if self.server == FLOOR else (self.server,)


MAIN = (
    Scenario(FLOOR),
    Scenario(FLOOR, KEPT),
    Scenario(OPENTRACKER),
    Scenario(MIKA),
    Scenario(MIKA, KEPT),
    Scenario(PLAIN),
    Scenario(PLAIN, KEPT),
)
"""What the goals are about: everything on, and the plot."""

OTHER = (
    Scenario(EVERY_RULE),
    Scenario(FEW_RULES),
    Scenario(EACH_ROW),
    Scenario(NO_JOURNAL),
    Scenario(NO_JOURNAL, KEPT),
    Scenario(FLOOR, over=IPV6),  # Debian's opentracker is built for IPv4 alone
    Scenario(MIKA, over=IPV6),
    Scenario(MIKA, KEPT, over=IPV6),
    Scenario(MIKA, over=TLS),
    Scenario(MIKA, KEPT, over=TLS),
    *(
        Scenario(server, swarms=swarms, asks=asks)
        for swarms, asks in ((MIDDLE, 0), (MIDDLE, 200), (HOT, 50), (MANY, 50), (MIDDLE, SCRAPE))
        for server in (OPENTRACKER, MIKA)
    ),
    Scenario(MIKA, asks=REFUSED),
)
"""One thing changed in each."""

WAITS = (
    Scenario(OPENTRACKER),
    Scenario(MIKA),
    Scenario(MIKA, KEPT),
    Scenario(PLAIN),
    Scenario(PLAIN, KEPT),
)
"""Whose answers are waited for at half load."""


@dataclass(frozen=True, slots=True)
class Goal:
    """CPU time an announce of one scenario divided by that of another in the same round, and what it may be at most."""

    one: Scenario
    other: Scenario
    most: float

    def __str__(self) -> str:
        return f"{self.one} / {self.other}"


GOALS = (
    Goal(Scenario(MIKA), Scenario(OPENTRACKER), 0.9),
    Goal(Scenario(MIKA, KEPT), Scenario(FLOOR, KEPT), 2.0),
    Goal(Scenario(PLAIN), Scenario(OPENTRACKER), 1.4),
    Goal(Scenario(PLAIN, KEPT), Scenario(OPENTRACKER), 1.0),
    Goal(Scenario(EVERY_RULE), Scenario(FEW_RULES), 1.1),
)

MOST_PEERS = 1.1
"""What an announce may cost among a million peers, as a multiple of what it costs among 10,000 (`flatness.py`)."""

JUDGED = frozenset(scenario for goal in GOALS for scenario in (goal.one, goal.other))
"""Those are measured for longer: what comes every 30 seconds, or is left out under a rush, has its share there."""
