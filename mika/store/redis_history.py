"""What users did with torrents, in Redis: the scripts behind what `RedisStore` offers as `IHistoryStore`.

`history:ID:HASH` is a row, `histories:ID` has the hashes of a user's rows in order, and `debts` those of which
something is owed, each as its user's id in 16 digits and its hash. `redis_users.py` deletes them with their user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mika.interfaces import Mark
from mika.model import Debt, History, Totals
from mika.store.redis_connection import Connection, Script
from mika.store.redis_rows import GROW, MARK, TOGETHER, check_applied, chunks, lua_table, mark_words, pack_growth
from mika.store.redis_users import OWED, possible
from mika.store.values import TOTALS

_FACTS = ("left", "first_seen", "last_seen", "completed_at", "debt")
_WORD = "(%S+)"

_READ = f"""
local FIELDS = {lua_table((*TOTALS, *_FACTS))}
local function read(id, hash)
  return {{id, hash, redis.call('HMGET', ARGV[1] .. 'history:' .. id .. ':' .. hash, unpack(FIELDS))}}
end
"""

# Given, behind what `MARK` is: rows as words, in pieces.
_APPLY = Script(f"""{MARK}{GROW}{OWED}
local prefix = ARGV[1]
local function first(key, name, value)
  if value ~= '0' and (redis.call('HGET', key, name) or '0') == '0' then
    redis.call('HSET', key, name, value)
    return true
  end
end
for i = 5, #ARGV do
  for id, a, b, c, d, e, f, g, h, hash, left, begun, seen, completed, debt in
      string.gmatch(ARGV[i], '{" ".join([_WORD] * 15)}') do
    local key = prefix .. 'history:' .. id .. ':' .. hash
    if redis.call('EXISTS', key) == 0 then
      redis.call('ZADD', prefix .. 'histories:' .. id, 0, hash)
      redis.call('HSET', key, 'first_seen', begun)
    end
    grow(key, {{a, b, c, d, e, f, g, h}})
    redis.call('HSET', key, 'left', left, 'last_seen', seen)
    first(key, 'completed_at', completed)
    if first(key, 'debt', debt) then
      redis.call('ZADD', prefix .. 'debts', 0, owed(id, hash))
    end
  end
end
return damaged
""")

_PAGE = Script(f"""{_READ}
local hashes = redis.call('ZRANGEBYLEX', ARGV[1] .. 'histories:' .. ARGV[2], ARGV[3], '+', 'LIMIT', 0, ARGV[4])
for i = 1, #hashes do
  hashes[i] = read(ARGV[2], hashes[i])
end
return hashes
""")

# Given: members of `debts`.
_DEBTS = Script(f"""{_READ}
local rows = {{}}
for i = 2, #ARGV do
  local id, hash = string.match(ARGV[i], '^0*(%d+):(%x+)$')
  rows[#rows + 1] = read(id, hash)
end
return rows
""")

_LOOKED_AT = 1000
"""Members of `debts` that are asked for at a time, where those of one torrent are looked for."""

# Given: id, hash and debt, again and again.
_SAVE = Script(f"""{OWED}
for i = 2, #ARGV, 3 do
  local id, hash, debt = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local key = ARGV[1] .. 'history:' .. id .. ':' .. hash
  if redis.call('EXISTS', key) == 1 then
    redis.call('HSET', key, 'debt', debt)
    if debt == '{Debt.OWING}' or debt == '{Debt.OVERDUE}' then
      redis.call('ZADD', ARGV[1] .. 'debts', 0, owed(id, hash))
    else
      redis.call('ZREM', ARGV[1] .. 'debts', owed(id, hash))
    end
  end
end
""")


def pack_rows(rows: Sequence[History]) -> str:
    """Return rows as words, in the order in which the script reads them."""
    return "\n".join(
        f"{pack_growth([(row.user_id, row.totals.values())])} {row.info_hash.hex()} "
        f"{row.left} {row.first_seen} {row.last_seen} {row.completed_at} {int(row.debt)}"
        for row in rows
    )


async def apply(connection: Connection, mark: Mark, rows: list[str]) -> list[str]:
    """Write the mark and add the packed rows; return the keys of those that cannot grow."""
    return check_applied(connection, "history", await _APPLY.run(connection, *mark_words("history", mark), *rows))


async def of_user(connection: Connection, user_id: int, after: bytes, limit: int) -> list[History]:
    """Return at most `limit` rows of a user with a greater info hash."""
    found: list[History] = []
    while possible(user_id) and limit > 0:
        asked = min(limit, TOGETHER)
        page = await _PAGE.run(connection, user_id, f"({after.hex()}" if after else "-", asked)
        found += [_row(connection, each) for each in page]
        limit -= len(page)
        if len(page) < asked:
            break
        after = found[-1].info_hash
    return found


async def debts(connection: Connection, after: tuple[int, bytes], limit: int, info_hash: bytes | None) -> list[History]:
    """Return at most `limit` rows with something owed, behind a user id and an info hash; of one torrent, or of all."""
    key, ending = f"{connection.place.prefix}debts", b"" if info_hash is None else f":{info_hash.hex()}".encode()
    start: str | bytes = f"({after[0]:016}:{after[1].hex()}"
    found: list[History] = []
    while len(found) < limit:
        asked = _LOOKED_AT if ending else min(limit - len(found), TOGETHER)
        owed = await connection.ask("ZRANGEBYLEX", key, start, "+", "LIMIT", 0, asked)
        members = [each for each in owed if each.endswith(ending)][: limit - len(found)]
        for some in chunks(members, TOGETHER):
            found += [_row(connection, each) for each in await _DEBTS.run(connection, *some)]
        if len(owed) < asked:
            break
        start = b"(" + owed[-1]
    return found


async def save_debts(connection: Connection, rows: list[tuple[int, bytes, Debt]]) -> None:
    """Write what rows owe."""
    for some in chunks(rows, TOGETHER):
        words = [word for user_id, info_hash, debt in some for word in (user_id, info_hash.hex(), int(debt))]
        await _SAVE.run(connection, *words)


def _row(connection: Connection, reply: Any) -> History:
    user_id, info_hash, values = reply
    try:
        *figures, left, begun, seen, completed, debt = (int(value or 0) for value in values)
        hashed = bytes.fromhex(info_hash.decode())
        return History(int(user_id), hashed, Totals(*figures), left, begun, seen, completed, Debt(debt))
    except (ValueError, OverflowError):
        key = f"{connection.place.prefix}history:{user_id.decode()}:{info_hash.decode()}"
        raise connection.error(f"has a history whose fields are not as they must be: mend {key}") from None
