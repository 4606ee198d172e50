"""What both Python clients do, written once for the one with coroutines; `Awaiting` makes the blocking one look so.

`python talking.py blocking|twisted BASE` does a day's work with the tracker of the environment.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from mika_client import Client, ProblemError


class Awaiting:
    """A blocking client with the methods of the one for Twisted."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        if name in ("users", "torrents", "roles", "whitelist"):

            async def iterate(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
                for item in method(*arguments, **named):
                    yield item

            return iterate

        async def call(*arguments: Any, **named: Any) -> Any:
            return method(*arguments, **named)

        return call


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")


async def refusal(coroutine: Coroutine[Any, Any, Any]) -> ProblemError:
    """Return the problem that this is refused with."""
    try:
        await coroutine
    except ProblemError as problem:
        return problem
    raise AssertionError("it was not refused")


async def day(mika: Any, base: int) -> None:
    """Do what a site does every day; a hundred ids from `base` on are free."""
    await users(mika, base)
    await listing(mika, base)
    await torrents(mika, base)
    prefix = f"-/{base}"
    await mika.allow_client(prefix, "Client")
    assert prefix in [client.prefix async for client in mika.whitelist()]
    await mika.disallow_client(prefix)
    assert prefix not in [client.prefix async for client in mika.whitelist()]
    assert (await mika.status())["users"] > 0
    await mika.close()


async def users(mika: Any, base: int) -> None:
    """Give a user a role, a new passkey and totals of 63 bits, and disable it."""
    role = await mika.add_role(name="elite", multiplier_up=1.5)
    assert (await mika.change_role(role.id, priority=3)).priority == 3
    assert role.id in [each.id async for each in mika.roles()]
    made = await mika.add_user(id=base, name="ann")
    assert made.role == 1
    assert (await mika.change_user(base, role=role.id)).role == role.id
    assert (await mika.renew_passkey(base)).passkey != made.passkey
    changed = await mika.change_user(
        base, enabled=False, uploaded=2**63 - 1, downloaded=2**53 + 1, bonus="12.000000001"
    )
    shown = await mika.user(base)
    assert shown == changed
    assert (shown.enabled, shown.uploaded, shown.downloaded, str(shown.bonus)) == (
        False,
        2**63 - 1,
        2**53 + 1,
        "12.000000001",
    )
    assert (await refusal(mika.change_user(base, role=1, if_match=made.etag))).status == 412
    assert (await mika.change_user(base, name="Ann", if_match=shown.etag)).name == "Ann"
    assert (await refusal(mika.add_user(id=base, name="another ann"))).status == 409
    assert (await refusal(mika.put_user(base, name="ann", only_new=True))).status == 412
    assert (await refusal(mika.renew_passkey(base, if_match=made.etag))).status == 412
    assert (await mika.put_user(base, name="ann")).enabled is True
    await mika.delete_role(role.id)


async def listing(mika: Any, base: int) -> None:
    """Add users together, list them by pages of two, delete one."""
    ids = list(range(base + 1, base + 6))
    assert [user.id for user in await mika.add_users({"id": each, "name": f"member {each}"} for each in ids)] == ids
    changed = await mika.change_users({ids[1]: {"enabled": False}, ids[0]: {"name": "first", "uploaded": 5}})
    assert [(user.id, user.enabled, user.uploaded) for user in changed] == [(ids[1], False, 0), (ids[0], True, 5)]
    problem = await refusal(mika.change_users({ids[0]: {"name": "x"}, base + 99: {"name": "y"}}))
    assert (problem.status, problem.index, (await mika.user(ids[0])).name) == (404, 1, "first")
    assert [user.id async for user in mika.users(page=2) if user.id in ids] == ids
    assert str(await mika.add_bonus(base + 4, "12.5", "a gift")) == "12.5"
    assert [str(await mika.add_bonus(base + 4, "-2.5", "a token", key="order 7")) for _ in "12"] == ["10", "10"]
    assert (await refusal(mika.add_bonus(base + 4, Decimal("-10.000000001")))).status == 409
    await mika.delete_user(base + 5)
    assert (await refusal(mika.user(base + 5))).status == 404


async def torrents(mika: Any, base: int) -> None:
    """Add torrents together or not at all, change one, delete one with a reason."""

    def both(second: int) -> list[dict[str, Any]]:
        return [{"info_hash": hash_of(base, 1), "size": 2**53}, {"info_hash": hash_of(base, 2), "size": second}]

    problem = await refusal(mika.add_torrents(both(-1)))
    assert (problem.status, problem.index, problem.errors[0].field) == (422, 1, "size")
    assert (await refusal(mika.torrent(hash_of(base, 1)))).status == 404
    assert [torrent.size for torrent in await mika.add_torrents(both(2))] == [2**53, 2]
    (renamed,) = await mika.change_torrents({hash_of(base, 2): {"name": "two"}})
    assert (renamed.info_hash, renamed.name, renamed.size) == (hash_of(base, 2), "two", 2)
    free = await mika.change_torrent(hash_of(base, 1), multiplier_down=0, name="frei & schön")
    assert (free.multiplier_down, free.name) == (0, "frei & schön")
    free_until = datetime.now(UTC) + timedelta(days=1)
    await mika.grant_freeleech(base + 4, hash_of(base, 1), free_until)
    (token,) = (await mika.request("GET", f"/v1/users/{base + 4}/freeleech"))["items"]
    assert token == {"info_hash": hash_of(base, 1), "until": free_until.strftime("%Y-%m-%dT%H:%M:%SZ")}
    await mika.request("PATCH", "/v1/config", {"tracker": {"torrent_keys": "accepted"}})
    key = await mika.torrent_key(base + 4, hash_of(base, 1))
    renewed = await mika.renew_torrent_key(base + 4, hash_of(base, 1))
    assert (len(key), key != renewed) == (64, True)
    assert await mika.torrent_key(base + 4, hash_of(base, 1)) == renewed
    await mika.revoke_freeleech(base + 4, hash_of(base, 1))
    assert (await mika.request("GET", f"/v1/users/{base + 4}/freeleech"))["items"] == []
    await mika.delete_torrent(hash_of(base, 2), "Ersetzt: größer & schöner?")
    assert (await mika.put_torrent(hash_of(base, 3), name="put")).name == "put"
    assert hash_of(base, 3) in [torrent.info_hash async for torrent in mika.torrents(page=1)]


def hash_of(base: int, number: int) -> str:
    """Return the info hash of a torrent of a day's work."""
    return f"{base + number:040}"


def main(kind: str, base: str) -> None:
    """Do a day's work."""
    if kind == "blocking":
        with Client() as client:
            drive(day(Awaiting(client), int(base)))
        return
    from twisted.internet import task

    from mika_client.deferred import TwistedClient

    task.react(lambda reactor: day_of(TwistedClient(reactor), int(base)))


def day_of(client: Any, base: int) -> Any:
    """Return a Deferred of a day's work."""
    from twisted.internet.defer import Deferred

    coroutine = day(client, base)
    assert inspect.iscoroutine(coroutine)
    return Deferred.fromCoroutine(coroutine)


if __name__ == "__main__":
    main(*sys.argv[1:])
