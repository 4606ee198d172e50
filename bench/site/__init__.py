"""A private site in a model: honest members and cheats, whose announces the real tracker answers on a clock that jumps.

`python -m bench.site` plays it and prints what came of it. What is transferred balances to the byte, so that it is
known what is true; `books.py` says what it is worth without a line of the tracker, and `checks.py` compares.

    dialects   how each kind of client writes an announce
    torrents   torrents, and who sends how much to whom
    sessions   one client in one swarm: counters, events, when it announces
    clients    a client with its line and addresses: starts, crashes, sleeps, moves
    members    people: their habits, and what they download and throw away
    world      time, the site's own changes, and the way from a client to the tracker
    served     the tracker itself with its stores, journal and periodic work
    books      the independent account of everything
    cheats     those who lie
    checks     the tracker against the books
    outcome    plays the site, and tells what was found of whom
"""
