"""mika, a private BitTorrent tracker.

The flow of an announce, which `tracker.py` is as code:

    bytes -> wire -> request -> rules -> swarm -> ledger -> wire -> bytes       (synchronous, in memory)
                                                     -> journal -> flush -> store   (later, in batches)

    tap.py         Options and makeService: the list of services
    config.py      mika.toml and the environment into frozen, typed sections; config_values.py: how values are written
    config_text.py every key with its default, as text
    live.py        what of it changes while the tracker runs; signals.py: SIGHUP, and what systemd is told
    model.py       the nouns: Totals, Role, User, Torrent, Peer
    errors.py      MikaError and its few children
    interfaces.py  what a store must do
    tracker.py     the flow: announce and scrape
    torrent_key.py keys that are good for one user and one torrent; keys.py: their secret, and which are void
    ordinary.py    most announces, from bytes to bytes in one go
    wire/          bytes <-> values: request, response, http, address, metainfo
    rules/         may this announce go ahead?  refusal, checks, ruleset
    swarm/         who is in each swarm: swarm, swarms, selection
    ledger/        what an announce is worth: credit, record, merge, order, debts
    journal.py     credited and not yet in every store: survives a kill
    geography.py   addresses -> country, network, place; geolite.py downloads databases
    selectors.py   [selection] -> what hands out peers: random, by weights, by a score of the site's own
    flush.py       a store follows the journal, exactly once; flush_kinds.py: the four kinds of batch
    events.py      what happens, told to who listens
    figures.py     what /metrics and /v1/stats show: counts.py, census.py and pulse.py have it
    directory.py   users and torrents in memory; loads a miss. standing.py: roles and whitelist
    refresh.py     reads anew what others changed; absent.py, changes.py: what both need
    debts.py       who owes seed time, and who is late
    follow.py      the journal read for what looks like cheating; suspicion/ finds it, suspicions.py notes it
    rewards.py     freeleech tokens, and bonus given and spent
    store/         where it is kept: registry, memory, sql and its dialects, redis, remote
    admin/         the REST API: one resource a file
    server/        the only sockets: http, port, listen, admin, certificate, tls, console
    jobs.py        Flusher, Syncer and Reaper, on an injected clock
    services.py    started one after another, stopped in reverse; logs.py, welcome.py: what a start says
    upkeep.py      the stores of a configuration without a tracker: what `mika db` does
    testing/       the contract of a store as tests, for authors of adapters
    probe/         a live tracker, anybody's, tested from outside: what `mika check` does
    cli/           the `mika` command: a client of the API, and `mika db`

`wire`, `rules`, `swarm`, `ledger`, `suspicion`, `model` and `tracker` are pure: no Twisted, no socket, no clock, no
global randomness.

Modules with a .pxd beside them, which says what C types they have, are compiled where they can be (compiled.py).
"""

from mika import compiled as compiled

__version__ = "0.1.0"
