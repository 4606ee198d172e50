"""Peers in Redis: the scripts behind `RedisStore`'s `IPeerStore`, and what a peer is packed into.

`peers:HASH` is a hash of the peers of a swarm, `swarms` has the info hashes of those in order. Those whose place is
known are in the geographical set `places:HASH` as well, or, nearer to a pole than such a set goes, in `poles:HASH`.
A peer's field is its user id (8 bytes) and peer id; its value is `_HEAD`, its place, its endpoints and its key.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from mika.interfaces import Circle, Mark
from mika.model import Peer
from mika.store.globe import Place, distance
from mika.store.redis_connection import Connection, Script
from mika.store.redis_rows import MARK, check_applied, mark_words
from mika.store.values import thaw_peer

Frozen = tuple[bytes, tuple[Any, ...]]
Key = tuple[bytes, int, bytes]

_HEAD = struct.Struct(">BBQQQqqqqBB")  # flags, crypto, three counters, four times, lengths of the endpoints
_PLACE = struct.Struct(">dd")
_USER = struct.Struct(">q")
_SEEDER, _PAUSED, _ACTIVE, _PLACED = 1, 2, 4, 8

_SWARMS, _PEERS = 500, 2000
"""How many swarms, and about how many peers, are read at a time."""

_FARTHEST_NORTH = 85.05
"""Degrees: what a geographical set of Redis can hold."""

_TELLING = 1_000_000.0
"""Metres: a wider circle, or one that reaches into the far north or south, is looked for without Redis's help."""

_SLACK = (1.001, 10.0)
"""Redis takes another earth radius (3 in 10,000 more), and rounds places to some 0.6 m: what it finds is measured."""

# Given: the number of pieces with the gone, and those; then pieces with the present, rows of a swarm together. A row is
# its swarm, field, and, if present, value and place (none, "pole", or degrees east and north).
_APPLY = Script(f"""{MARK}
local prefix = ARGV[1]
local damaged = {{}}
local swarm, peers, places, poles, located, pairs = '', '', '', '', false, {{}}

local function check(key, done)
  if type(done) == 'table' then
    damaged[#damaged + 1] = key
    return 0
  end
  return done
end

local function write()
  if #pairs > 0 then
    if check(peers, redis.pcall('HSET', peers, unpack(pairs))) > 0 then
      check(prefix .. 'swarms', redis.pcall('ZADD', prefix .. 'swarms', 0, swarm))
    end
    pairs = {{}}
  end
end

local function enter(hash)
  swarm, peers = hash, prefix .. 'peers:' .. hash
  places, poles = prefix .. 'places:' .. hash, prefix .. 'poles:' .. hash
  located = redis.call('EXISTS', places, poles) > 0
end

local function take_from_map(field)
  if located then
    check(places, redis.pcall('ZREM', places, field))
    check(poles, redis.pcall('SREM', poles, field))
  end
end

local function leave()
  if swarm ~= '' and redis.call('EXISTS', peers) == 0 then
    check(prefix .. 'swarms', redis.pcall('ZREM', prefix .. 'swarms', swarm))
  end
end

for i = 6, 5 + ARGV[5] do
  local at, hash, field = 1, '', ''
  while at <= #ARGV[i] do
    hash, field, at = struct.unpack('>c40Bc0', ARGV[i], at)
    if hash ~= swarm then
      leave()
      enter(hash)
    end
    check(peers, redis.pcall('HDEL', peers, field))
    take_from_map(field)
  end
end
leave()

swarm = ''
for i = 6 + ARGV[5], #ARGV do
  local at, hash, field, value, place = 1, '', '', '', ''
  while at <= #ARGV[i] do
    hash, field, value, place, at = struct.unpack('>c40Bc0Hc0Bc0', ARGV[i], at)
    if hash ~= swarm then
      write()
      enter(hash)
    elseif #pairs >= 1000 then
      write()
    end
    pairs[#pairs + 1] = field
    pairs[#pairs + 1] = value
    if place == '' then
      take_from_map(field)
    elseif place == 'pole' then
      take_from_map(field)
      check(poles, redis.pcall('SADD', poles, field))
      located = true
    else
      local east, north = string.match(place, '(%S+) (%S+)')
      check(places, redis.pcall('GEOADD', places, east, north, field))
      if located then
        check(poles, redis.pcall('SREM', poles, field))
      end
      located = true
    end
  end
end
write()
return damaged
""")

# Given: the swarm behind which to begin, how many swarms, about how many peers. A larger swarm comes without its peers.
_LOAD = Script("""
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local most, count, found = tonumber(ARGV[4]), 0, {}
for i, swarm in ipairs(redis.call('ZRANGEBYLEX', ARGV[1] .. 'swarms', from, '+', 'LIMIT', 0, ARGV[3])) do
  local size = redis.call('HLEN', ARGV[1] .. 'peers:' .. swarm)
  if size > most then
    found[i] = {swarm}
  else
    found[i] = {swarm, redis.call('HGETALL', ARGV[1] .. 'peers:' .. swarm)}
    count = count + size
  end
  if count >= most then
    break
  end
end
return found
""")

# Given: the swarm; degrees east and north and metres, or nothing for all that have a place.
_NEAR = Script("""
local prefix, swarm = ARGV[1], ARGV[2]
local fields
if ARGV[3] == '' then
  fields = redis.call('ZRANGE', prefix .. 'places:' .. swarm, 0, -1)
else
  local places = prefix .. 'places:' .. swarm
  fields = redis.call('GEOSEARCH', places, 'FROMLONLAT', ARGV[3], ARGV[4], 'BYRADIUS', ARGV[5], 'm')
end
for _, field in ipairs(redis.call('SMEMBERS', prefix .. 'poles:' .. swarm)) do
  fields[#fields + 1] = field
end
local values = {}
for i = 1, #fields, 1000 do
  local some = redis.call('HMGET', prefix .. 'peers:' .. swarm, unpack(fields, i, math.min(i + 999, #fields)))
  for j = 1, #some do
    values[#values + 1] = some[j]
  end
end
return {fields, values}
""")


def _field(user_id: int, peer_id: bytes) -> bytes:
    return _USER.pack(user_id) + peer_id


def _key(field: bytes) -> tuple[int, bytes]:
    return int.from_bytes(field[:8], "big", signed=True), field[8:]


def _value(frozen: tuple[Any, ...]) -> bytes:
    (_, _, key, uploaded, downloaded, left, seeder, paused, active, crypto) = frozen[:10]
    (endpoint4, endpoint6, seen4, seen6, first_seen, last_seen, location) = frozen[10:]
    flags = bool(seeder) * _SEEDER | bool(paused) * _PAUSED | bool(active) * _ACTIVE
    tail: bytes = endpoint4 + endpoint6 + key
    if location is not None:
        flags |= _PLACED
        tail = _PLACE.pack(*location) + tail
    counters = uploaded, downloaded, left
    times = seen4, seen6, first_seen, last_seen
    head = _HEAD.pack(flags, crypto, *counters, *times, len(endpoint4), len(endpoint6))
    return head + tail


def _peer(field: bytes, value: bytes) -> Peer:
    (flags, crypto, uploaded, downloaded, left, *times, length4, length6) = _HEAD.unpack_from(value)
    at = _HEAD.size + (_PLACE.size if flags & _PLACED else 0)
    counters = uploaded, downloaded, left
    states = bool(flags & _SEEDER), bool(flags & _PAUSED), bool(flags & _ACTIVE)
    endpoints = value[at : at + length4], value[at + length4 : at + length4 + length6]
    key = value[at + length4 + length6 :]
    return thaw_peer((*_key(field), key, *counters, *states, crypto, *endpoints, *times, _location(value)))


def _location(value: bytes) -> Place | None:
    if not value[0] & _PLACED:
        return None
    north, east = _PLACE.unpack_from(value, _HEAD.size)
    return north, east


def _place(location: Place | None) -> bytes:
    if location is None:
        return b""
    north, east = location
    if abs(north) > _FARTHEST_NORTH:
        return b"pole"
    return b"%.9f %.9f" % (east, north)


def pack_present(rows: Sequence[Frozen]) -> bytes:
    """Return rows (info hash and `freeze_peer`) as bytes."""
    parts: list[bytes] = []
    for info_hash, frozen in rows:
        field, value, place = _field(frozen[0], frozen[1]), _value(frozen), _place(frozen[-1])
        parts += (info_hash.hex().encode(), bytes((len(field),)), field, len(value).to_bytes(2, "big"), value)
        parts += (bytes((len(place),)), place)
    return b"".join(parts)


def pack_gone(keys: Sequence[Key]) -> bytes:
    """Return keys as bytes."""
    parts: list[bytes] = []
    for info_hash, user_id, peer_id in keys:
        field = _field(user_id, peer_id)
        parts += (info_hash.hex().encode(), bytes((len(field),)), field)
    return b"".join(parts)


async def apply(connection: Connection, mark: Mark, present: list[bytes], gone: list[bytes]) -> list[str]:
    """Write the mark, delete and write what is packed; return the keys that cannot be written to."""
    reply = await _APPLY.run(connection, *mark_words("peers", mark), len(gone), *gone, *present)
    return check_applied(connection, "peers", reply)


async def load(connection: Connection, keep: Callable[[list[tuple[bytes, Peer]]], None]) -> None:
    """Call `keep` with every peer and the info hash of its swarm, some at a time."""
    after = b""
    while replies := await _LOAD.run(connection, after, _SWARMS, _PEERS):
        found: list[tuple[bytes, Peer]] = []
        for swarm, *pairs in replies:
            info_hash = bytes.fromhex(swarm.decode())
            if pairs:
                found += [(info_hash, _read(connection, swarm, *pair)) for pair in _pairs(pairs[0])]
            else:
                await _load_large(connection, swarm, keep)
        if found:
            keep(found)
        after = replies[-1][0]


async def _load_large(connection: Connection, swarm: bytes, keep: Callable[[list[tuple[bytes, Peer]]], None]) -> None:
    info_hash = bytes.fromhex(swarm.decode())
    seen: set[bytes] = set()  # a scan may come upon the same field twice
    cursor = b"0"
    while True:
        key = f"{connection.place.prefix}peers:{swarm.decode()}"
        cursor, reply = await connection.ask("HSCAN", key, cursor, "COUNT", _PEERS)
        new = [(field, value) for field, value in _pairs(reply) if field not in seen]
        seen.update(field for field, _ in new)
        if new:
            keep([(info_hash, _read(connection, swarm, field, value)) for field, value in new])
        if cursor == b"0":
            return


def _pairs(flat: list[bytes]) -> Sequence[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _read(connection: Connection, swarm: bytes, field: bytes, value: bytes) -> Peer:
    try:
        return _peer(field, value)
    except struct.error:
        key = f"{connection.place.prefix}peers:{swarm.decode()}"
        raise connection.error(f"has a peer that mika did not write: delete what is wrong in {key}") from None


async def near(connection: Connection, info_hash: bytes, circle: Circle) -> list[tuple[int, bytes]]:
    """Return user id and peer id of the peers of a swarm in the circle, nearest first.

    Redis names those that may be in it, and each is measured from the place that is kept with it.
    """
    middle = (circle.latitude, circle.longitude)
    found = []
    fields, values = await _NEAR.run(connection, info_hash.hex(), *_search(circle))
    for field, value in zip(fields, values, strict=True):
        location = _location(value) if value else None
        if location is not None:
            metres = distance(location, middle)
            if metres <= circle.metres:
                found.append((metres, *_key(field)))
    return [(user_id, peer_id) for _, user_id, peer_id in sorted(found)]


def _search(circle: Circle) -> tuple[str, ...]:
    reach = circle.metres * _SLACK[0] + _SLACK[1]
    if circle.metres > _TELLING or abs(circle.latitude) + reach / 111_000 > 80:
        return ("", "", "")
    return f"{circle.longitude:.9f}", f"{circle.latitude:.9f}", f"{reach:.3f}"
