"""What users, torrents and batches look like in Redis, and the Lua that all three kinds of `redis_*.py` share.

A row is a hash whose fields are named as in `model.py`: numbers in decimal, yes and no as 1 and 0, None as no field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from mika.errors import OutOfStepError
from mika.interfaces import Mark
from mika.model import INT64_MAX, Totals
from mika.store.redis_connection import Connection
from mika.store.values import TOTALS

T = TypeVar("T")

TOGETHER = 500
"""How many rows one script reads, so that Redis is soon there for others."""

_AT_A_TIME = 1000  # rows packed in one go, so that the reactor is soon there for others


class Row:
    """How the objects of a class become the fields of a hash, and come out of one."""

    def __init__(self, cls: type, kinds: Mapping[str, type]) -> None:
        """`kinds` is the type of each fact. A field that somebody else left out has the default of the class."""
        self.names = (*kinds, *TOTALS)
        self._kinds = kinds
        self._defaults = {each.name: each.default for each in fields(cls) if each.default is not MISSING}

    def lua(self) -> str:
        """Return the names of all fields as a Lua table."""
        return lua_table(self.names)

    def facts(self, thing: Any) -> tuple[list[str], list[str]]:
        """Return fields and values in turn, without the totals; and the fields that must not be there."""
        there: list[str] = []
        absent: list[str] = []
        for name in self._kinds:
            value = getattr(thing, name)
            if value is None:
                absent.append(name)
            else:
                there += (name, _text(value))
        return there, absent

    def whole(self, thing: Any) -> list[str]:
        """Return fields and values in turn, totals too."""
        totals = (text for pair in zip(TOTALS, map(str, thing.totals.values()), strict=True) for text in pair)
        return [*self.facts(thing)[0], *totals]

    def read(self, values: Sequence[bytes | None]) -> tuple[dict[str, Any], Totals]:
        """Return the facts and the totals; `ValueError` if one is not of its kind, or is needed and not there."""
        facts = {}
        for (name, kind), value in zip(self._kinds.items(), values, strict=False):
            if value is not None:
                facts[name] = _value(kind, value)
            elif name in self._defaults:
                facts[name] = self._defaults[name]
            else:
                raise ValueError(name)
        return facts, Totals(*(int(value or 0) for value in values[len(self._kinds) :]))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value.hex() if isinstance(value, bytes) else str(value)


def _value(kind: type, value: bytes) -> Any:
    if kind is bool:
        return int(value) != 0
    if kind is bytes:
        return bytes.fromhex(value.decode("ascii"))
    if kind is int:
        number = int(value)
        if abs(number) > INT64_MAX:
            raise ValueError
        return number
    return value.decode()


def lua_table(names: Sequence[str]) -> str:
    """Return names as a Lua table."""
    return "{" + ", ".join(f"'{name}'" for name in names) + "}"


# ---- batches

GROW = f"""
local NAMES = {lua_table(TOTALS)}
local damaged = {{}}

-- Adds to the totals of a row with Redis's own integers: those of Lua are exact up to 53 bits only.
local function grow(key, growth)
  for i = 1, #NAMES do
    local by = growth[i]
    if by ~= '0' then
      local done = redis.pcall('HINCRBY', key, NAMES[i], by)
      if type(done) == 'table' then
        if string.find(done.err, 'overflow', 1, true) then
          redis.call('HSET', key, NAMES[i], string.sub(by, 1, 1) == '-' and '{-INT64_MAX - 1}' or '{INT64_MAX}')
        else  -- somebody else's doing: one row must not hold up all others, nor may what it grew by be lost
          redis.pcall('HINCRBY', ARGV[1] .. 'unapplied', key .. ' ' .. NAMES[i], by)
          damaged[#damaged + 1] = key
        end
      end
    end
  end
end

local function grow_all(kind, packed)
  for id, a, b, c, d, e, f, g, h in string.gmatch(packed, '{" ".join(["(%S+)"] * (1 + len(TOTALS)))}') do
    local key = ARGV[1] .. kind .. id
    if redis.call('EXISTS', key) == 1 then
      grow(key, {{a, b, c, d, e, f, g, h}})
    end
  end
end
"""

MARK = """
-- The first change of a batch is made with the command that all others need: were it refused, nothing would be written.
if (redis.call('HGET', ARGV[1] .. 'marks', ARGV[2]) or '0') ~= ARGV[3] then
  return 0
end
redis.call('HINCRBY', ARGV[1] .. 'marks', ARGV[2], ARGV[4])
"""

_GROWTH = " ".join(["%s"] + ["%d"] * len(TOTALS))


def mark_words(kind: str, mark: Mark) -> tuple[str, int, int]:
    """Return what `MARK` is given."""
    return f"{kind}:{mark.instance}", mark.after, mark.number - mark.after


def check_applied(connection: Connection, kind: str, reply: Any) -> list[str]:
    """Return the keys of damaged rows; `OutOfStepError` if the batch does not follow the last one."""
    if reply == 0:
        raise OutOfStepError(
            f"{connection.place} has another last batch of {kind} than the one before this: nothing was written twice."
        )
    return sorted({key.decode(errors="replace") for key in reply})


def pack_growth(rows: Sequence[tuple[Any, tuple[int, ...]]]) -> str:
    """Return growth as words: the id of a row, and what each total grows by."""
    return "\n".join([_GROWTH % (key, *map(_bounded, figures)) for key, figures in rows])


def _bounded(figure: int) -> int:
    return figure if -INT64_MAX <= figure <= INT64_MAX else (INT64_MAX if figure > 0 else -INT64_MAX)


def chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut into pieces."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def pack(reactor: IReactorTime, rows: Sequence[T], packed: Callable[[Sequence[T]], Any]) -> list[Any]:
    """Return rows packed in pieces, with turns of the reactor between them."""
    pieces: list[Any] = []
    for chunk in chunks(rows, _AT_A_TIME):
        if pieces:
            await deferLater(reactor, 0)
        pieces.append(packed(chunk))
    return pieces
