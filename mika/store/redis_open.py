"""What happens when the store in Redis opens: its schema is made or checked, and the operator warned of what is risky.

Also what a message on its channel means. `redis.py` asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from mika.errors import StoreError
from mika.interfaces import Change
from mika.model import DEFAULT_ROLE
from mika.store.redis_connection import Connection, Script
from mika.store.redis_users import DEFAULT_ROLE_JSON

SCHEMA = 1
"""The layout of the keys that this version writes."""

Kind = Literal["user", "role", "torrent", "whitelist"]
_KINDS: tuple[Kind, ...] = get_args(Kind)

# Every command that writes is tried first: one that is forbidden (ACL) must not be found out by half a batch.
_PREPARE = Script("""
local prefix = ARGV[1]
local schema = redis.call('GET', prefix .. 'schema')
if schema and schema ~= ARGV[2] then
  return schema
end
local probe = prefix .. 'probe'
redis.call('DEL', probe)
redis.call('HSET', probe, 'a', 1)
redis.call('HINCRBY', probe, 'a', 1)
redis.call('HGET', probe, 'a')
redis.call('HMGET', probe, 'a')
redis.call('HGETALL', probe)
redis.call('HEXISTS', probe, 'a')
redis.call('HLEN', probe)
redis.call('HSCAN', probe, 0)
redis.call('EXISTS', probe)
redis.call('HDEL', probe, 'a')
redis.call('SADD', probe, 'a')
redis.call('SMEMBERS', probe)
redis.call('SREM', probe, 'a')
redis.call('GEOADD', probe, 1, 1, 'a')
redis.call('GEOSEARCH', probe, 'FROMLONLAT', 1, 1, 'BYRADIUS', 1, 'm')
redis.call('ZADD', probe, 0, 'a')
redis.call('ZRANGE', probe, 0, -1)
redis.call('ZRANGEBYLEX', probe, '-', '+')
redis.call('ZRANGEBYSCORE', probe, 0, 1)
redis.call('ZREM', probe, 'a')
redis.call('DEL', probe)
redis.call('PUBLISH', prefix .. 'changes', 'open')
redis.call('HSETNX', prefix .. 'last', 'role', ARGV[3])
redis.call('HSETNX', prefix .. 'roles', ARGV[3], ARGV[4])
redis.call('SET', prefix .. 'schema', ARGV[2])
return schema or ARGV[2]
""")


async def prepare(connection: Connection) -> None:
    """Make what a new store has, the default role in it; `StoreError` if mika may not, or a newer mika wrote it."""
    schema = await _PREPARE.run(connection, SCHEMA, DEFAULT_ROLE, DEFAULT_ROLE_JSON)
    if schema != str(SCHEMA).encode():
        key = f"{connection.place.prefix}schema"
        if schema.isdigit() and int(schema) > SCHEMA:
            raise connection.error(
                f"was written by a newer mika ({key} is {int(schema)}, and this one knows {SCHEMA}): install that one, "
                "or name another prefix"
            )
        raise connection.error(f"has something else under mika's prefix ({key}): name another with ?prefix=")


async def warnings(connection: Connection) -> list[str]:
    """Return what could make Redis forget what it has confirmed, as far as it lets itself be asked."""
    told: dict[str, str] = {}
    for name in ("appendonly", "appendfsync", "aof-load-truncated", "maxmemory", "maxmemory-policy"):
        try:
            reply = await connection.ask("CONFIG", "GET", name)
        except StoreError:
            return []
        told[name] = reply[1].decode() if len(reply) > 1 else ""
    found = []
    if told["appendonly"] != "yes" or told["appendfsync"] != "always":
        found.append(
            "can lose batches that it has confirmed if it crashes: set appendonly yes and appendfsync always in it "
            f"(now they are {told['appendonly']} and {told['appendfsync']})"
        )
    if told["appendonly"] == "yes" and told["aof-load-truncated"] != "no":
        # Redis drops the end of a file that was cut in the middle of a transaction, but keeps its beginning: at the
        # start after that, the beginning and the next transaction are carried out as one.
        found.append(
            "can count a batch twice after it crashes in the middle of one: set aof-load-truncated no in it, and run "
            "redis-check-aof --fix where it then refuses to start"
        )
    if told["maxmemory"] != "0" and told["maxmemory-policy"].startswith("allkeys"):
        found.append(
            "throws accounts away when its memory is full: set maxmemory-policy noeviction in it "
            f"(now it is {told['maxmemory-policy']})"
        )
    return found


def everything() -> Iterator[Change]:
    """Say of each kind that any or all of it may have changed."""
    return (Change(kind) for kind in _KINDS)


def change_of(message: bytes) -> list[Change]:
    """Return what a message tells: `user 7`, `torrent <hex digits>`, `role`, `whitelist`. What it cannot is nothing."""
    words = message.decode("ascii", "replace").split()
    for kind in _KINDS:
        if words[:1] == [kind]:
            return [Change(kind, _key(kind, words[1:]))]
    return []


def _key(kind: Kind, words: list[str]) -> int | bytes | None:
    try:
        if kind == "torrent":
            return bytes.fromhex(words[0])
        return int(words[0]) if kind in ("user", "role") else None
    except (IndexError, ValueError):
        return None
