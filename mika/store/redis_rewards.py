"""Freeleech tokens, void keys and bonus entries in Redis: the scripts behind what `RedisStore` offers beside users.

`freeleech:ID` has until when each token is in force, by info hash; `void_keys:ID` how many keys are void.
`bonus:ID` are the entries of a user as JSON in order of their ids, `bonus_keys:ID` the entry of each key.
`redis_users.py` deletes them with their user.
"""

from __future__ import annotations

import json
from typing import Any

from mika.errors import ConflictError
from mika.model import BonusEntry
from mika.store.redis_connection import Connection, Script
from mika.store.redis_users import CHANGED, LARGEST_ID, possible
from mika.store.taken import TOO_LITTLE_BONUS, TOO_MUCH_BONUS, no_user

_SAVE_TOKEN = Script(f"""{CHANGED}
local prefix, id = ARGV[1], ARGV[2]
if redis.call('EXISTS', prefix .. 'user:' .. id) == 1 then
  redis.call('HSET', prefix .. 'freeleech:' .. id, ARGV[3], ARGV[4])
  changed(id)
end
""")

_DELETE_TOKEN = Script(f"""{CHANGED}
local there = redis.call('HDEL', ARGV[1] .. 'freeleech:' .. ARGV[2], ARGV[3])
if there == 1 then
  changed(ARGV[2])
end
return there
""")

_VOID = Script(f"""{CHANGED}
if redis.call('EXISTS', ARGV[1] .. 'user:' .. ARGV[2]) == 0 then
  return 0
end
local count = redis.call('HINCRBY', ARGV[1] .. 'void_keys:' .. ARGV[2], ARGV[3], 1)
changed(ARGV[2])
return count
""")

# Given: id, amount, reason, time, key (empty: none), and the amount with the other sign. Answers with the entry and
# whether it is new, or with a number: 0 for no user, 1 for too little bonus, 2 for too much, 3 for damage.
_ADD = Script(f"""{CHANGED}
local prefix, id, amount, key = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local user, entries, keys = prefix .. 'user:' .. id, prefix .. 'bonus:' .. id, prefix .. 'bonus_keys:' .. id
if redis.call('EXISTS', user) == 0 then
  return 0
end
local old = key ~= '' and redis.call('HGET', keys, key)
if old then
  return {{redis.call('ZRANGEBYSCORE', entries, old, old)[1], 0}}
end
local done = redis.pcall('HINCRBY', user, 'bonus', amount)  -- Redis's own integers: Lua's are exact to 53 bits only
if type(done) == 'table' then
  return string.find(done.err, 'overflow', 1, true) and 2 or 3
end
local balance = redis.call('HGET', user, 'bonus')
if string.sub(balance, 1, 1) == '-' and string.sub(amount, 1, 1) == '-' then
  redis.call('HINCRBY', user, 'bonus', ARGV[7])
  return 1
end
local changed_at = redis.call('HGET', user, 'updated_at') or '0'
if tonumber(ARGV[5]) > (tonumber(changed_at) or 0) then
  redis.call('HSET', user, 'updated_at', ARGV[5])
end
local number = string.format('%.0f', redis.call('HINCRBY', prefix .. 'last', 'entry', 1))
local entry = {{id = number, amount = amount, balance = balance, reason = ARGV[4], created_at = ARGV[5]}}
if key ~= '' then
  entry.key = key
  redis.call('HSET', keys, key, number)
end
local json = cjson.encode(entry)
redis.call('ZADD', entries, number, json)
changed(id)
return {{json, 1}}
""")


async def save_token(connection: Connection, user_id: int, info_hash: bytes, until: int) -> None:
    """Give a token or change it, if the user is there."""
    if possible(user_id):
        await _SAVE_TOKEN.run(connection, user_id, info_hash.hex(), until)


async def remove_token(connection: Connection, user_id: int, info_hash: bytes) -> bool:
    """Delete, and say whether there was one."""
    return possible(user_id) and int(await _DELETE_TOKEN.run(connection, user_id, info_hash.hex())) == 1


async def void_key(connection: Connection, user_id: int, info_hash: bytes) -> int:
    """Count one more void key of a user who is there, and return how many that are."""
    return int(await _VOID.run(connection, user_id, info_hash.hex())) if possible(user_id) else 0


async def entries(connection: Connection, user_id: int, before: int, limit: int) -> list[BonusEntry]:
    """Return at most `limit` entries of a user with an id below `before`, the latest first."""
    if not possible(user_id):
        return []
    key = f"{connection.place.prefix}bonus:{user_id}"
    below = f"({min(before, LARGEST_ID)}"
    reply = await connection.ask("ZRANGE", key, below, "-inf", "BYSCORE", "REV", "LIMIT", 0, limit)
    return [_entry(connection, user_id, each) for each in reply]


async def add_entry(connection: Connection, entry: BonusEntry) -> tuple[BonusEntry, bool]:
    """Add to the bonus and keep the entry; or return the one with the same key that there is already."""
    if not possible(entry.user_id):
        raise no_user(entry.user_id)
    words = (entry.amount, entry.reason, entry.created_at, entry.key or "", -entry.amount)
    reply: Any = await _ADD.run(connection, entry.user_id, *words)
    if isinstance(reply, list):
        return _entry(connection, entry.user_id, reply[0]), bool(int(reply[1]))
    if reply == 0:
        raise no_user(entry.user_id)
    if reply == 3:
        raise connection.error(f"has a bonus that is no number: mend {connection.place.prefix}user:{entry.user_id}")
    raise ConflictError(TOO_LITTLE_BONUS if reply == 1 else TOO_MUCH_BONUS)


def _entry(connection: Connection, user_id: int, text: bytes) -> BonusEntry:
    try:
        row = json.loads(text)
        numbers = {name: int(row[name]) for name in ("id", "amount", "balance", "created_at")}
        return BonusEntry(user_id=user_id, reason=row["reason"], key=row.get("key"), **numbers)
    except (ValueError, TypeError, KeyError):
        key = f"{connection.place.prefix}bonus:{user_id}"
        raise connection.error(f"has an entry that is not as it must be: mend {key}") from None
