"""Suspicions in Redis: the scripts behind what `RedisStore` offers as `ISuspicionStore`.

`suspicion:ID` is a row as JSON, `suspicions` has the ids in order, and `suspected:USER` the id of each of a user's rows
by its kind and info hash. `redis_users.py` deletes them with their user.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from mika.interfaces import Sought
from mika.model import Suspicion
from mika.store.redis_connection import Connection, Script
from mika.store.redis_rows import TOGETHER
from mika.store.redis_users import LARGEST_ID, possible

_NUMBERS = ("user_id", "score", "first_seen", "last_seen", "count")

_READ = """
local function read(id)
  return {id, redis.call('GET', ARGV[1] .. 'suspicion:' .. id)}
end
"""

_BY_ID = Script(f"{_READ} return read(ARGV[2])")

# Given: the user's id, and kind and info hash.
_ABOUT = Script(f"""{_READ}
local id = redis.call('HGET', ARGV[1] .. 'suspected:' .. ARGV[2], ARGV[3])
return id and read(id)
""")

_PAGE = Script(f"""{_READ}
local key = ARGV[1] .. 'suspicions'
local ids = redis.call('ZRANGE', key, '(' .. ARGV[2], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[3])
for i = 1, #ids do
  ids[i] = read(ids[i])
end
return ids
""")

# Given: the user's id, kind and info hash, the row that is to be there (empty: none), the new one. Answers with its id.
_REPLACE = Script("""
local prefix, mine, name = ARGV[1], ARGV[1] .. 'suspected:' .. ARGV[2], ARGV[3]
local id = redis.call('HGET', mine, name)
if (id and redis.call('GET', prefix .. 'suspicion:' .. id) or '') ~= ARGV[4] then
  return false
end
if not id then
  id = string.format('%.0f', redis.call('HINCRBY', prefix .. 'last', 'suspicion', 1))
  redis.call('HSET', mine, name, id)
  redis.call('ZADD', prefix .. 'suspicions', id, id)
end
redis.call('SET', prefix .. 'suspicion:' .. id, ARGV[5])
return id
""")


async def by_id(connection: Connection, suspicion_id: int) -> Suspicion | None:
    """Return the row of this id."""
    return _row(connection, await _BY_ID.run(connection, suspicion_id)) if possible(suspicion_id) else None


async def about(connection: Connection, kind: str, user_id: int, info_hash: bytes) -> Suspicion | None:
    """Return the one row of a kind, a user and a torrent."""
    if not possible(user_id):
        return None
    return _row(connection, await _ABOUT.run(connection, user_id, _name(kind, info_hash)))


async def page(connection: Connection, sought: Sought, before: int, limit: int) -> list[Suspicion]:
    """Return at most `limit` rows that are sought, with an id below `before`, the latest first."""
    found: list[Suspicion] = []
    before = max(0, min(before, LARGEST_ID))
    while len(found) < limit:
        replies = await _PAGE.run(connection, before, TOGETHER)
        rows = [row for reply in replies if (row := _row(connection, reply)) is not None]
        found += filter(sought.takes, rows)
        if len(replies) < TOGETHER:
            break
        before = int(replies[-1][0])
    return found[:limit]


async def replace_row(connection: Connection, old: Suspicion | None, new: Suspicion) -> Suspicion | None:
    """Keep `new` in the place of `old`; None, and nothing is changed, if that is not what is kept."""
    kept = await about(connection, new.kind, new.user_id, new.info_hash)
    if (kept is None) != (old is None) or (kept and old and (kept.count, kept.state) != (old.count, old.state)):
        return None
    words = ("" if kept is None else _text(kept), _text(new))
    number = await _REPLACE.run(connection, new.user_id, _name(new.kind, new.info_hash), *words)
    return None if number is None else replace(new, id=int(number))


def _name(kind: str, info_hash: bytes) -> str:
    return f"{kind}:{info_hash.hex()}"


def _text(row: Suspicion) -> str:
    """Return a row as it is kept: the same text for the same row, by which it is compared."""
    facts: dict[str, Any] = asdict(row) | {"info_hash": row.info_hash.hex()}
    del facts["id"]
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _row(connection: Connection, reply: Any) -> Suspicion | None:
    if reply is None or reply[1] is None:
        return None
    number, text = int(reply[0]), reply[1]
    try:
        facts = json.loads(text)
        facts |= {name: int(facts[name]) for name in _NUMBERS} | {"info_hash": bytes.fromhex(facts["info_hash"])}
        return Suspicion(**facts, id=number)
    except (ValueError, TypeError, KeyError):
        key = f"{connection.place.prefix}suspicion:{number}"
        raise connection.error(f"has a suspicion that is not as it must be: mend {key}") from None
