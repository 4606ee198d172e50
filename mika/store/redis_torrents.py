"""Torrents, completers and the whitelist in Redis: the scripts behind `RedisStore`'s `ITorrentStore`.

Hashes are 40 or 64 hex digits. `torrent:HASH` is a row, `completers:HASH` a set of user ids; `torrents` and `deleted`
have the info hashes in order, `v2` the info hash of each v2 hash as it is announced (its first 20 bytes).
No two torrents share a hash, whichever it is and deleted or not: a deleted one that would is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mika.errors import ConflictError
from mika.interfaces import Mark
from mika.model import Torrent
from mika.store.redis_connection import Connection, Script
from mika.store.redis_rows import GROW, MARK, TOGETHER, Row, check_applied, mark_words, pack_growth
from mika.store.taken import hash_taken, refuse_taken_torrents
from mika.store.values import Growth, hashes, short_v2

TORRENT = Row(
    Torrent,
    {
        "info_hash_v2": bytes,
        "name": str,
        "size": int,
        "enabled": bool,
        "deleted": bool,
        "reason": str,
        "multiplier_up": int,
        "multiplier_down": int,
        "created_at": int,
        "updated_at": int,
    },
)

_READ = f"""
local FIELDS = {TORRENT.lua()}
local function read(hash, whole)
  local row = {{hash, redis.call('HMGET', ARGV[1] .. 'torrent:' .. hash, unpack(FIELDS))}}
  if whole then
    row[3] = redis.call('SMEMBERS', ARGV[1] .. 'completers:' .. hash)
  end
  return row
end
"""

# Which torrents have one of these hashes: those that are there are taken, those that are deleted can be forgotten.
_OWNERS = """
local prefix = ARGV[1]

local function owners(wanted, itself)
  local taken, gone = {}, {}
  for _, hash in ipairs(wanted) do
    local owner = hash
    if redis.call('EXISTS', prefix .. 'torrent:' .. hash) == 0 then
      owner = redis.call('HGET', prefix .. 'v2', hash)
    end
    if owner and owner ~= itself then
      if redis.call('HGET', prefix .. 'torrent:' .. owner, 'deleted') == '1' then
        gone[#gone + 1] = owner
      else
        taken[#taken + 1] = hash
      end
    end
  end
  return taken, gone
end

local function free_v2(hash)
  local v2 = redis.call('HGET', prefix .. 'torrent:' .. hash, 'info_hash_v2')
  if v2 then
    redis.call('HDEL', prefix .. 'v2', string.sub(v2, 1, 40))
  end
end

local function forget(gone)
  for _, hash in ipairs(gone) do
    free_v2(hash)
    redis.call('DEL', prefix .. 'torrent:' .. hash, prefix .. 'completers:' .. hash)
    redis.call('ZREM', prefix .. 'deleted', hash)
    redis.call('PUBLISH', prefix .. 'changes', 'torrent ' .. hash)
  end
end

local function write(torrent)
  local hash, short, deleted = torrent[1], torrent[2], torrent[3]
  redis.call('HSET', prefix .. 'torrent:' .. hash, unpack(torrent[4]))
  if short ~= '' then
    redis.call('HSET', prefix .. 'v2', short, hash)
  end
  redis.call('ZREM', prefix .. (deleted and 'torrents' or 'deleted'), hash)
  redis.call('ZADD', prefix .. (deleted and 'deleted' or 'torrents'), 0, hash)
  redis.call('PUBLISH', prefix .. 'changes', 'torrent ' .. hash)
end
"""

_FIND = Script(f"""{_READ}
local hash = ARGV[2]
if redis.call('EXISTS', ARGV[1] .. 'torrent:' .. hash) == 0 then
  hash = redis.call('HGET', ARGV[1] .. 'v2', hash)
end
return hash and read(hash, true)
""")

# Given: the info hash behind which to begin, how many, 1 for the deleted too and for completers.
_PAGE = Script(f"""{_READ}
local whole = ARGV[4] == '1'
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local function some(index)
  return redis.call('ZRANGEBYLEX', ARGV[1] .. index, from, '+', 'LIMIT', 0, ARGV[3])
end
local found = some('torrents')
if whole then
  for _, hash in ipairs(some('deleted')) do
    found[#found + 1] = hash
  end
  table.sort(found)
end
local page = {{}}
for i = 1, math.min(#found, tonumber(ARGV[3])) do
  page[i] = read(found[i], whole)
end
return page
""")

# Given: the torrents as JSON, [hash, short v2 hash, deleted, [field, value, ...], [completer, ...]], all their hashes,
# and 1 to look only. Answers with the hashes that are taken.
_ADD = Script(f"""{_OWNERS}
local taken, gone = owners(cjson.decode(ARGV[3]))
if ARGV[4] == '1' or #taken > 0 then
  return taken
end
forget(gone)
for _, torrent in ipairs(cjson.decode(ARGV[2])) do
  write(torrent)
  for _, user in ipairs(torrent[5]) do
    redis.call('SADD', prefix .. 'completers:' .. torrent[1], user)
  end
end
return taken
""")

# Given: the torrents as JSON, each as above, with its hashes instead of completers and then the names of fields that
# are not there; and the growth. Answers with the place of the first of which a hash is another's, and that hash.
_SAVE = Script(f"""{_OWNERS}{GROW}
local there, new = {{}}, {{}}
local function is_there(hash)
  return redis.call('EXISTS', prefix .. 'torrent:' .. hash) == 1
end
for i, torrent in ipairs(cjson.decode(ARGV[2])) do
  local hash = torrent[1]
  if is_there(hash) then
    local taken = owners(torrent[5], hash)
    if #taken > 0 then
      return {{i, taken[1]}}
    end
    for _, each in ipairs(torrent[5]) do
      if new[each] and new[each] ~= hash then
        return {{i, each}}
      end
      new[each] = hash
    end
    there[#there + 1] = torrent
  end
end
for _, torrent in ipairs(there) do
  local hash = torrent[1]
  if is_there(hash) then  -- no deleted one that gave way to another just now
    local _, gone = owners(torrent[5], hash)
    forget(gone)
    free_v2(hash)
    for _, name in ipairs(torrent[6]) do
      redis.call('HDEL', prefix .. 'torrent:' .. hash, name)
    end
    write(torrent)
  end
end
grow_all('torrent:', ARGV[3])
return {{}}
""")

_APPLY = Script(f"""{MARK}{GROW}
for i = 6, 5 + ARGV[5] do
  grow_all('torrent:', ARGV[i])
end
for i = 6 + ARGV[5], #ARGV do
  local last, there = '', false
  for hash, user in string.gmatch(ARGV[i], '(%S+) (%S+)') do
    if hash ~= last then
      last, there = hash, redis.call('EXISTS', ARGV[1] .. 'torrent:' .. hash) == 1
    end
    if there then
      local done = redis.pcall('SADD', ARGV[1] .. 'completers:' .. hash, user)
      if type(done) == 'table' then
        damaged[#damaged + 1] = ARGV[1] .. 'completers:' .. hash
      end
    end
  end
end
return damaged
""")

_SAVE_LISTED = Script("""
redis.call('HSET', ARGV[1] .. 'whitelist', ARGV[2], ARGV[3])
redis.call('PUBLISH', ARGV[1] .. 'changes', 'whitelist')
""")

_DELETE_LISTED = Script("""
local there = redis.call('HDEL', ARGV[1] .. 'whitelist', ARGV[2])
if there == 1 then
  redis.call('PUBLISH', ARGV[1] .. 'changes', 'whitelist')
end
return there
""")


def _torrent(connection: Connection, reply: Any) -> Torrent | None:
    if reply is None or not any(reply[1]):
        return None
    hexed = reply[0].decode()
    try:
        facts, totals = TORRENT.read(reply[1])
        completers = {int(user_id) for user_id in reply[2]} if len(reply) > 2 else set()
        return Torrent(bytes.fromhex(hexed), **facts, totals=totals, written=totals.copy(), completers=completers)
    except (ValueError, OverflowError):
        key = f"{connection.place.prefix}torrent:{hexed}"
        raise connection.error(f"has a torrent whose fields are not as they must be: mend {key}") from None


def _words(torrent: Torrent, pairs: list[str]) -> list[Any]:
    short = short_v2(torrent)
    named = "" if short in (None, torrent.info_hash) else (short or b"").hex()
    return [torrent.info_hash.hex(), named, torrent.deleted, pairs, [str(user) for user in sorted(torrent.completers)]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def find(connection: Connection, info_hash: bytes) -> Torrent | None:
    """Return the torrent with this hash and its completers."""
    return _torrent(connection, await _FIND.run(connection, info_hash.hex()))


async def page(connection: Connection, after: bytes, limit: int, whole: bool) -> list[Torrent]:
    """Return at most `limit` torrents whose info hash is greater than `after`.

    `whole`: the deleted too, and all with their completers.
    """
    found: list[Torrent] = []
    begin = after.hex()
    while limit > 0:
        replies = await _PAGE.run(connection, begin, min(limit, TOGETHER), int(whole))
        torrents = [_torrent(connection, reply) for reply in replies]
        found += [torrent for torrent in torrents if torrent is not None]
        if len(replies) < min(limit, TOGETHER):
            break
        begin, limit = replies[-1][0].decode(), limit - len(replies)
    return found


async def add(connection: Connection, torrents: Sequence[Torrent]) -> None:
    """Add all, in the place of deleted ones with the same hashes; `ConflictError` if a hash is taken."""
    rows = [_words(torrent, TORRENT.whole(torrent)) for torrent in torrents]
    wanted = sorted(each.hex() for each in set().union(*map(hashes, torrents)))
    try:
        refuse_taken_torrents(torrents, ())
        look_only = 0
    except ConflictError:  # among themselves; but perhaps an earlier one is taken
        look_only = 1
    taken = await _ADD.run(connection, _json(rows), _json(wanted), look_only)
    refuse_taken_torrents(torrents, {bytes.fromhex(each.decode()) for each in taken})


async def save(connection: Connection, rows: Sequence[Sequence[Any]], growth: Growth) -> None:
    """Write all but totals and completers of those that are there, each a `row_to_save`, and add the growth."""
    taken = await _SAVE.run(connection, _json(rows), pack_growth(growth))
    if taken:
        raise hash_taken(bytes.fromhex(taken[1].decode()), int(taken[0]) - 1)


def row_to_save(torrent: Torrent) -> Sequence[Any]:
    """Return a torrent without totals and completers as `save` takes it."""
    there, absent = TORRENT.facts(torrent)
    wanted = sorted(each.hex() for each in hashes(torrent))
    return (*_words(torrent, there)[:4], wanted, absent)


def pack_completers(completers: Sequence[tuple[bytes, int]]) -> str:
    """Return completers as words: info hash and user id."""
    return "\n".join([f"{info_hash.hex()} {user_id}" for info_hash, user_id in completers])


async def apply(connection: Connection, mark: Mark, growth: list[str], completers: list[str]) -> list[str]:
    """Write the mark, add what is packed; return the keys of rows that cannot be written to."""
    words = mark_words("torrents", mark)
    reply = await _APPLY.run(connection, *words, len(growth), *growth, *completers)
    return check_applied(connection, "torrents", reply)


async def listed(connection: Connection) -> dict[str, str]:
    """Return the whitelist."""
    reply = await connection.ask("HGETALL", f"{connection.place.prefix}whitelist")
    return {key.decode(): value.decode() for key, value in zip(reply[::2], reply[1::2], strict=True)}


async def save_listed(connection: Connection, prefix: str, name: str) -> None:
    """Add or rename."""
    await _SAVE_LISTED.run(connection, prefix, name)


async def remove_listed(connection: Connection, prefix: str) -> bool:
    """Delete, and say whether there was one."""
    return int(await _DELETE_LISTED.run(connection, prefix)) == 1
