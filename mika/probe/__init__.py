"""A live tracker, ours or anybody's, tested from outside as a client would: an announce URL into findings.

    target.py     the URL: what is asked for, what is not to be printed
    finding.py    what is said of one step
    network.py    names to addresses, addresses to connections, certificates
    exchange.py   one request and its answer over HTTP
    meaning.py    what the words of a refusal mean
    answers.py    the bytes of announces and scrapes into findings; pure, like the two above
    probe.py      the steps in their order

`mika check` prints what it finds. Plain blocking sockets: it does one thing after another, and each may fail.
"""
