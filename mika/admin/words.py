"""The words of the OpenAPI document that no docstring has: what a group, a field, a header and a refusal mean.

One name means one thing in every noun, so that a field is described once, whoever has it. `openapi.py` reads this.
"""

from __future__ import annotations

ABOUT = """\
JSON over TLS. A change counts from the next announce on, and is in the store before the answer leaves.

Send `Authorization: Bearer TOKEN`. A tracker makes one token at its first start (`mika-state/api-token`); others are
made with `POST /v1/tokens`.

Lists come a page at a time: while `next` is not null, ask again with it as `after`. Every refusal is a problem document
(RFC 9457) whose `errors` name each field that is wrong. Times are RFC 3339 in UTC, sizes bytes, multipliers numbers, a
bonus an exact decimal string.
"""

GROUPS = {
    "tracker": "Is it up, how is it, and what can it be asked.",
    "status": "The tracker at a glance.",
    "stats": "Swarm and rate figures.",
    "torrents": "Registered torrents, and who is in their swarms.",
    "users": "Accounts, their passkeys, and where they are.",
    "keys": "Announce keys of one torrent each: whose one is.",
    "debts": "What users owe torrents that they completed (hit and run).",
    "roles": "Classes of users.",
    "whitelist": "Clients that are served when `[tracker] whitelist` is on.",
    "suspicions": "What looks like cheating, for staff to judge.",
    "tokens": "Who may use this API.",
    "config": "The configuration, and what of it changes live.",
    "events": "What happens, as it happens.",
}
"""By the first word of a path."""

PARAMETER_WORDS = {
    "info_hash": "40 hex digits: the v1 info hash, or the first 20 bytes of the v2 one.",
    "id": "The number of the user or the role.",
    "prefix": "The beginning of a peer id, such as `-TR40`.",
    "name": "The name of a token.",
    "asset": "A file.",
}
"""What stands in braces in a path."""

HEADERS = {
    "Last-Event-ID": "The id of the event that was seen last: what was missed since is told first.",
    "ETag": "Of what can be set, and of when it was set; not of what announces add up.",
    "If-Match": "An ETag: the change is made only if nobody else has made one since; else 412.",
    "If-None-Match": "`*`: it is made only if it is not there yet; else 412.",
    "Location": "The path of what was made.",
    "Retry-After": "Seconds to wait before the next try.",
    "Allow": "The methods that this path has.",
    "WWW-Authenticate": "`Bearer`.",
}

REFUSALS = {
    400: "The path, the query or the body is malformed.",
    401: "There is no token, or none that is known.",
    403: "The token's scope is too small.",
    404: "There is no such thing.",
    405: "The path has other methods.",
    409: "This clashes with what is there.",
    412: "It has been changed, or is there, since you looked: read it again.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "A field is wrong, unknown, missing, or cannot be set: `errors` names it.",
    429: "Too many requests: wait as long as Retry-After says.",
    500: "A fault of the tracker: its log says which.",
    501: "The store that was chosen does not keep this.",
    503: "A store does not answer; nothing was changed.",
}
"""By status: what a refusal means, whatever was asked."""

EXAMPLES = {
    "info_hash": "0123456789abcdef0123456789abcdef01234567",
    "info_hash_v2": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "name": "example",
    "passkey": "0123456789abcdef0123456789abcdef",
    "key": "order-4711",
    "prefix": "-TR40",
    "until": "2026-12-24T18:00:00Z",
    "amount": "12.5",
    "reason": "A present",
}
"""By the name of a field or parameter: what a person might write."""

FIELDS = {
    # of nearly everything
    "id": "A number from 1 to 2^53; the next free one when a new one brings none.",
    "name": "Text for people.",
    "enabled": "Whether announces are served.",
    "created_at": "When it was added.",
    "updated_at": "When something other than a counter was last changed.",
    "multiplier_up": "Upload counts so many times: 0 to 1000, at most three decimals. The largest in force wins.",
    "multiplier_down": "Download counts so many times; the smallest in force wins. 0 is freeleech.",
    "uploaded": "Bytes, as credited.",
    "downloaded": "Bytes, as credited.",
    "uploaded_real": "Bytes, as transferred.",
    "downloaded_real": "Bytes, as transferred.",
    "announces": "How many announces were counted.",
    "items": "This page.",
    "next": "What to ask for as `after`; null on the last page.",
    "limit": "Items of a page, at most.",
    "after": "The `next` of the page before.",
    # torrents
    "info_hash": "40 hex digits.",
    "info_hash_v2": "64 hex digits of a hybrid or v2 torrent; null for others.",
    "size": "Bytes.",
    "reason": "What members read who announce a torrent that is disabled or deleted.",
    "seeders": "Peers in the swarm that have everything.",
    "leechers": "Peers in the swarm that do not.",
    "completed": "How many users completed it.",
    # peers
    "user_id": "The number of the user.",
    "peer_id": "40 hex digits: the 20 bytes that a client calls itself.",
    "client": "The name and version of the client, as its peer id says; null if it says nothing that is known.",
    "ipv4": "Its IPv4 address, or null.",
    "ipv6": "Its IPv6 address, or null.",
    "port": "Where it takes connections.",
    "left": "Bytes that it lacks; null if it did not say.",
    "seeder": "Whether it has everything.",
    "paused": "Whether it is a partial seed (BEP 21): it lacks something and wants nothing.",
    "country": "Two letters (ISO 3166), or null.",
    "asn": "The number of its network (AS), or null.",
    "location": "Degrees north and east, or null.",
    "latitude": "Degrees north.",
    "longitude": "Degrees east.",
    "speed_up": "Bytes a second that it sends, or null.",
    "speed_down": "Bytes a second that it gets, or null.",
    "first_seen": "When it first announced.",
    "last_seen": "When it last announced.",
    "near": "Degrees north and east, `52.5,13.4`: only peers around this place. With `within`.",
    "within": "Kilometres around `near`.",
    "idle": "Only peers that were silent for so long: `1h`, `90s`.",
    # users and roles
    "passkey": "8 to 64 characters of `A-Z a-z 0-9 _ -`; made as 32 hex digits for who brings none. A secret.",
    "role": "The id of a role.",
    "download_enabled": "Whether they may download.",
    "upload_enabled": "Whether they may upload.",
    "bonus": "Points for seeding, exact to nine decimals.",
    "seed_seconds": "Seconds of seeding, all torrents added up.",
    "remote_id": "What the site calls this user, or null.",
    "priority": "The order in which a site shows roles; mika does not read it.",
    "download_slots": "Torrents that may be leeched at a time; null: no limit.",
    "peers_per_user_torrent": "Clients that a user may have in one swarm; null: as configured.",
    # whitelist
    "prefix": "The beginning of a peer id: 1 to 20 printable ASCII characters.",
    # tokens
    "scopes": "What it allows: `read`, `write`, `admin`; each includes those before it.",
    "token": "The token itself, this once: it is not kept.",
    # status
    "version": "Of mika.",
    "uptime": "Seconds since the start.",
    "started_at": "When the process was started.",
    "compiled": "Whether the compiled parts are in use.",
    "stores": "Where accounts and swarms are kept.",
    "queues": "Announces that a kind of store does not have yet.",
    "swarms": "Torrents with a peer, active or silent.",
    "peers": "Active peers.",
    "users": "Users in memory.",
    "torrents": "Torrents in memory.",
    "kind": "What it keeps: users, torrents or peers.",
    "url": "The scheme of its URL; the rest may hold secrets.",
    "ok": "Whether all is well.",
    # figures
    "total": "All protocols and families together.",
    "protocols": "By protocol (`http`, `https`) and family (`ipv4`, `ipv6`).",
    "families": "By family: `ipv4`, `ipv6`.",
    "scrapes": "How many scrapes were answered.",
    "refused": "How many announces and scrapes were refused.",
    "announces_per_second": "Over the last minute.",
    "scrapes_per_second": "Over the last minute.",
    "refused_per_second": "Over the last minute.",
    "refusals": "Announces and scrapes that were refused, by the failure code that the client was sent.",
    "bad_requests": "What came to an announce port and was no HTTP request that it serves, by what was wrong.",
    "partial_seeds": "Those of the leechers that want nothing more (BEP 21).",
    "dual_stack": "Peers that announce over both families.",
    "transferred": "What members were credited since the start, as of the last batch to the torrents store.",
    "connections": "Connections to the announce ports.",
    "accepted": "Since the start.",
    "open": "Now: kept alive, or in the middle of a request.",
    "cut_off": "Since the start, as they were silent for too long or made room for others.",
    "memory": "What is answered without a store.",
    "info_hashes": "Of torrents in memory: a hybrid torrent has two, a deleted one is remembered.",
    "absent": "Passkeys and info hashes that are known to be in no store.",
    "journal": "What is credited and not yet in every store.",
    "bytes": "What it takes on the disk or in memory.",
    "records": "Announces and silences that were noted since the first start.",
    "on_disk": "Whether what is credited outlives a kill.",
    "unsynced_seconds": "For how long what was noted has not been forced to the disk.",
    "waiting": "Announces that it does not have yet.",
    "oldest_waiting_seconds": "For how long the oldest of them waits.",
    "batches": "How many it took since the start.",
    "rows": "How many it took since the start.",
    "failures": "Tries that failed since the start.",
    "lag_p50": "Seconds that half of what was due came late at most; null in the first moment.",
    "lag_p99": "The same for 99 of 100.",
    # problems
    "type": "`about:blank`: the status says which kind of problem it is.",
    "title": "The status in words.",
    "status": "The status of the answer.",
    "detail": "What is wrong, in words.",
    "index": "Which item of an array is wrong, counted from 0; absent when none is.",
    "errors": "Each field that is wrong; absent when it is no field.",
    "field": "The name of the field; empty when it is the whole item.",
}
"""By the name of a field: what it means in a schema that does not say otherwise."""
