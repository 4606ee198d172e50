"""Users and roles in Redis: the scripts behind `RedisStore`'s `IUserStore`, each of them one transaction.

`user:ID` is a row; `users` has the ids in order, `passkeys` the id of each passkey, `roles` the roles as JSON by id,
and `last` the largest id ever given. Ids are below 2^53, which is what a sorted set and a script count exactly.
`redis_rewards.py`, `redis_history.py` and `redis_suspicions.py` have the other keys of a user.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from mika.errors import ConflictError
from mika.interfaces import Mark
from mika.model import DEFAULT_ROLE, NOTHING_HELD, Role, User
from mika.store.redis_connection import Connection, Script
from mika.store.redis_rows import GROW, MARK, TOGETHER, Row, check_applied, mark_words, pack_growth
from mika.store.taken import PASSKEY_TAKEN, refuse_default_role, refuse_taken_users
from mika.store.values import Growth

LARGEST_ID = 2**53 - 1

USER = Row(
    User,
    {
        "name": str,
        "passkey": str,
        "role": int,
        "enabled": bool,
        "download_enabled": bool,
        "upload_enabled": bool,
        "multiplier_up": int,
        "multiplier_down": int,
        "remote_id": str,
        "created_at": int,
        "updated_at": int,
    },
)

_READ = f"""
local FIELDS = {USER.lua()}
local function read(id)
  local tokens = redis.call('HGETALL', ARGV[1] .. 'freeleech:' .. id)
  local void = redis.call('HGETALL', ARGV[1] .. 'void_keys:' .. id)
  return {{id, redis.call('HMGET', ARGV[1] .. 'user:' .. id, unpack(FIELDS)), tokens, void}}
end
"""

CHANGED = """
local function changed(id)
  redis.call('PUBLISH', ARGV[1] .. 'changes', 'user ' .. id)
end
"""

OWED = """
-- Names a row in `debts`: by user in the order of their ids, and by hash.
local function owed(id, hash)
  return string.format('%016.0f', tonumber(id)) .. ':' .. hash
end
"""

_FORGET = f"""{OWED}
-- Deletes what is kept beside a user who is gone, or who begins anew.
local function forget(id)
  local prefix = ARGV[1]
  for _, hash in ipairs(redis.call('ZRANGE', prefix .. 'histories:' .. id, 0, -1)) do
    redis.call('DEL', prefix .. 'history:' .. id .. ':' .. hash)
    redis.call('ZREM', prefix .. 'debts', owed(id, hash))
  end
  local suspected = redis.call('HGETALL', prefix .. 'suspected:' .. id)
  for i = 2, #suspected, 2 do
    redis.call('DEL', prefix .. 'suspicion:' .. suspected[i])
    redis.call('ZREM', prefix .. 'suspicions', suspected[i])
  end
  for _, kind in ipairs({{'suspected:', 'histories:', 'freeleech:', 'void_keys:', 'bonus:', 'bonus_keys:'}}) do
    redis.call('DEL', prefix .. kind .. id)
  end
end
"""

_BY_ID = Script(f"{_READ} return read(ARGV[2])")

_BY_PASSKEY = Script(f"""{_READ}
local id = redis.call('HGET', ARGV[1] .. 'passkeys', ARGV[2])
return id and read(id)
""")

_PAGE = Script(f"""{_READ}
local ids = redis.call('ZRANGEBYSCORE', ARGV[1] .. 'users', '(' .. ARGV[2], '+inf', 'LIMIT', 0, ARGV[3])
for i = 1, #ids do
  ids[i] = read(ids[i])
end
return ids
""")

# Given: the users as JSON, [id, passkey, [field, value, ...]]; and 1 to look only. Answers with the ids and passkeys
# that are taken, and, where none is, with the ids of all.
_ADD = Script(f"""{CHANGED}{_FORGET}
local prefix, users = ARGV[1], cjson.decode(ARGV[2])
local ids, passkeys, given = {{}}, {{}}, {{}}
for _, user in ipairs(users) do
  if redis.call('EXISTS', prefix .. 'user:' .. user[1]) == 1 then
    ids[#ids + 1] = user[1]
  end
  if redis.call('HEXISTS', prefix .. 'passkeys', user[2]) == 1 then
    passkeys[#passkeys + 1] = user[2]
  end
end
if ARGV[3] == '1' or #ids + #passkeys > 0 then
  return {{ids, passkeys, given}}
end
local last = tonumber(redis.call('HGET', prefix .. 'last', 'user') or '0')
for _, user in ipairs(users) do  -- an id that was chosen is not given to another
  last = math.max(last, tonumber(user[1]))
end
for i, user in ipairs(users) do
  if user[1] == '0' then
    last = last + 1
    user[1] = string.format('%.0f', last)
  end
  given[i] = user[1]
end
if last > {LARGEST_ID} then
  return redis.error_reply('ERR no id is left for another user')
end
redis.call('HSET', prefix .. 'last', 'user', string.format('%.0f', last))
for _, user in ipairs(users) do
  forget(user[1])
  redis.call('HSET', prefix .. 'user:' .. user[1], unpack(user[3]))
  redis.call('HSET', prefix .. 'passkeys', user[2], user[1])
  redis.call('ZADD', prefix .. 'users', user[1], user[1])
  changed(user[1])
end
return {{ids, passkeys, given}}
""")

# Given: the users as JSON, [id, passkey, [field, value, ...], [field that is not there, ...]], and the growth. Answers
# with the place of the first whose passkey is another's, 0 if there is none.
_SAVE = Script(f"""{CHANGED}{GROW}
local prefix, there, new = ARGV[1], {{}}, {{}}
for i, user in ipairs(cjson.decode(ARGV[2])) do
  local id, passkey = user[1], user[2]
  if redis.call('EXISTS', prefix .. 'user:' .. id) == 1 then
    local owner = redis.call('HGET', prefix .. 'passkeys', passkey) or new[passkey]
    if owner and owner ~= id then
      return i
    end
    new[passkey] = id
    there[#there + 1] = user
  end
end
for _, user in ipairs(there) do
  local id, passkey = user[1], user[2]
  local key = prefix .. 'user:' .. id
  local old = redis.call('HGET', key, 'passkey')
  redis.call('HSET', key, unpack(user[3]))
  for _, name in ipairs(user[4]) do
    redis.call('HDEL', key, name)
  end
  if old and old ~= passkey then
    redis.call('HDEL', prefix .. 'passkeys', old)
  end
  redis.call('HSET', prefix .. 'passkeys', passkey, id)
  changed(id)
end
grow_all('user:', ARGV[3])
return 0
""")

_DELETE = Script(f"""{CHANGED}{_FORGET}
local prefix, key = ARGV[1], ARGV[1] .. 'user:' .. ARGV[2]
local passkey = redis.call('HGET', key, 'passkey')
local there = redis.call('DEL', key)
redis.call('ZREM', prefix .. 'users', ARGV[2])
forget(ARGV[2])
if passkey and redis.call('HGET', prefix .. 'passkeys', passkey) == ARGV[2] then
  redis.call('HDEL', prefix .. 'passkeys', passkey)
end
if there == 1 then
  changed(ARGV[2])
end
return there
""")

_APPLY = Script(f"""{MARK}{GROW}
for i = 5, #ARGV do
  grow_all('user:', ARGV[i])
end
return damaged
""")

_SAVE_ROLE = Script("""
local prefix, id = ARGV[1], tonumber(ARGV[2])
local last = tonumber(redis.call('HGET', prefix .. 'last', 'role') or '0')
if id == 0 then
  id = last + 1
end
local role = string.format('%.0f', id)
redis.call('HSET', prefix .. 'last', 'role', string.format('%.0f', math.max(last, id)))
redis.call('HSET', prefix .. 'roles', role, ARGV[3])
redis.call('PUBLISH', prefix .. 'changes', 'role ' .. role)
return role
""")

_DELETE_ROLE = Script("""
local there = redis.call('HDEL', ARGV[1] .. 'roles', ARGV[2])
if there == 1 then
  redis.call('PUBLISH', ARGV[1] .. 'changes', 'role ' .. ARGV[2])
end
return there
""")


def possible(user_id: int) -> bool:
    """Say whether a row could have this id: any other, from the path of a request, is simply nobody's."""
    return 0 < user_id <= LARGEST_ID


def _user(connection: Connection, reply: Any) -> User | None:
    if reply is None or not any(reply[1]):
        return None
    user_id, values, tokens, void = reply
    try:
        facts, totals = USER.read(values)
        kept: dict[str, Any] = {
            "freeleech": _by_hash(tokens) or NOTHING_HELD,
            "void_keys": _by_hash(void) or NOTHING_HELD,
        }
        return User(id=int(user_id), **facts, **kept, totals=totals, written=totals.copy())
    except (ValueError, OverflowError):
        prefix, number = connection.place.prefix, user_id.decode()
        keys = f"{prefix}user:{number}, {prefix}freeleech:{number} or {prefix}void_keys:{number}"
        raise connection.error(f"has a user whose fields are not as they must be: mend {keys}") from None


def _by_hash(reply: list[bytes]) -> dict[bytes, int]:
    """Return what a hash of Redis has by info hash."""
    return {bytes.fromhex(key.decode("ascii")): int(value) for key, value in zip(reply[::2], reply[1::2], strict=True)}


async def by_id(connection: Connection, user_id: int) -> User | None:
    """Return the user of this id."""
    return _user(connection, await _BY_ID.run(connection, user_id)) if possible(user_id) else None


async def by_passkey(connection: Connection, passkey: str) -> User | None:
    """Return the user with this passkey."""
    return _user(connection, await _BY_PASSKEY.run(connection, passkey))


async def page(connection: Connection, after: int, limit: int) -> list[User]:
    """Return at most `limit` users whose id is greater than `after`."""
    found: list[User] = []
    after = max(0, min(after, LARGEST_ID))
    while limit > 0:
        replies = await _PAGE.run(connection, after, min(limit, TOGETHER))
        users = [_user(connection, reply) for reply in replies]
        found += [user for user in users if user is not None]
        if len(replies) < min(limit, TOGETHER):
            break
        after, limit = int(replies[-1][0]), limit - len(replies)
    return found


async def add(connection: Connection, users: Sequence[User]) -> list[int]:
    """Add all and return their ids in the same order; `ConflictError` if an id or a passkey is taken."""
    for user in users:
        if user.id and not possible(user.id):
            raise connection.error(f"takes ids of users from 1 to {LARGEST_ID} only")
    rows = [[str(user.id), user.passkey, USER.whole(user)] for user in users]
    named = [(user.id, user.passkey) for user in users]
    try:
        refuse_taken_users(named, (), ())
        look_only = 0
    except ConflictError:  # among themselves; but perhaps an earlier one is taken
        look_only = 1
    ids, passkeys, given = await _ADD.run(connection, _json(rows), look_only)
    refuse_taken_users(named, {int(each) for each in ids}, {each.decode() for each in passkeys})
    return [int(each) for each in given]


async def save(connection: Connection, rows: Sequence[Sequence[Any]], growth: Growth) -> None:
    """Write everything but the totals of those who are there, each a `row_to_save`, and add the growth to those."""
    place = int(await _SAVE.run(connection, _json(rows), pack_growth(growth)))
    if place:
        raise ConflictError(PASSKEY_TAKEN, place - 1)


def row_to_save(user: User) -> Sequence[Any]:
    """Return a user without the totals as `save` takes it."""
    return (str(user.id), user.passkey, *USER.facts(user))


async def remove(connection: Connection, user_id: int) -> bool:
    """Delete, and say whether there was one."""
    return possible(user_id) and int(await _DELETE.run(connection, user_id)) == 1


async def apply(connection: Connection, mark: Mark, growth: list[str]) -> list[str]:
    """Write the mark and add the packed growth to the totals; return the keys of rows that cannot grow."""
    return check_applied(connection, "users", await _APPLY.run(connection, *mark_words("users", mark), *growth))


async def all_roles(connection: Connection) -> list[Role]:
    """Return all roles in order of id."""
    reply = await connection.ask("HGETALL", f"{connection.place.prefix}roles")
    try:
        found = [
            Role(**(json.loads(value) | {"id": int(key)})) for key, value in zip(reply[::2], reply[1::2], strict=True)
        ]
    except (ValueError, TypeError, OverflowError):
        raise connection.error(f"has a role that is not as it must be: mend {connection.place.prefix}roles") from None
    return sorted(found, key=lambda role: role.id)


def role_json(role: Role) -> str:
    """Return a role as it is kept, without its id."""
    facts = asdict(role)
    del facts["id"]
    return _json(facts)


async def save_role(connection: Connection, role: Role) -> Role:
    """Add (with id 0: under a new one) or replace."""
    return replace(role, id=int(await _SAVE_ROLE.run(connection, role.id, role_json(role))))


async def remove_role(connection: Connection, role_id: int) -> bool:
    """Delete, and say whether there was one; `ConflictError` for the default role."""
    refuse_default_role(role_id)
    return int(await _DELETE_ROLE.run(connection, role_id)) == 1


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


DEFAULT_ROLE_JSON = role_json(Role(DEFAULT_ROLE, "member"))
