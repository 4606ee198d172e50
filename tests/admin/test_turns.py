"""Arrays of thousands: what is made of them is the same, and the reactor has its turns in between."""

from __future__ import annotations

import pytest

from mika.admin.turns import json_array
from mika.turns import AT_A_TIME, in_turns


@pytest.mark.parametrize("count", [0, 1, AT_A_TIME, AT_A_TIME + 1, 5 * AT_A_TIME + 3])
def test_every_item_is_made_in_order_with_turns_in_between(wait, count):
    """No turn before the first and after the last."""
    turns = []

    async def rest() -> None:
        turns.append(None)

    made = wait(in_turns(range(count), lambda index, item: (index, item), rest))
    assert made == [(number, number) for number in range(count)]
    assert len(turns) == max(0, count - 1) // AT_A_TIME


@pytest.mark.parametrize("noun", ["users", "torrents"])
def test_thousands_are_added_with_turns_in_between(admin, noun):
    """All of them, in the order in which they came; what does nothing meanwhile would wait."""
    items = [{"name": f"user {at}"} if noun == "users" else {"info_hash": f"{at:040x}"} for at in range(10_000)]
    turns = []

    async def rest() -> None:
        turns.append(None)

    admin.gate.rest = rest
    reply = admin.send("POST", f"/v1/{noun}", items)
    assert reply.status == 201
    assert len(turns) == 5 * (len(items) // AT_A_TIME - 1)  # read, made, prepared, remembered and shown
    key = "name" if noun == "users" else "info_hash"
    assert [each[key] for each in reply.json] == [item[key] for item in items]


@pytest.mark.parametrize("noun", ["users", "torrents"])
def test_thousands_are_changed_with_turns_in_between(admin, noun):
    """All of them, in the order in which they came."""
    items = [{"name": f"user {at}"} if noun == "users" else {"info_hash": f"{at:040x}"} for at in range(10_000)]
    key = "id" if noun == "users" else "info_hash"
    changes = [{key: each[key], "name": f"new {each[key]}"} for each in admin.send("POST", f"/v1/{noun}", items).json]
    turns = []

    async def rest() -> None:
        turns.append(None)

    admin.gate.rest = rest
    reply = admin.send("PATCH", f"/v1/{noun}", changes[::-1])
    assert reply.status == 200
    assert len(turns) == 6 * (len(items) // AT_A_TIME - 1)  # read, made, found, planned, taken and shown
    assert [{key: each[key], "name": each["name"]} for each in reply.json] == changes[::-1]


def test_bad_item_far_behind_is_named_and_nothing_is_added(admin):
    """As one at the beginning."""
    items = [{"name": "x"}] * 5000 + [{"name": ""}]
    reply = admin.send("POST", "/v1/users", items)
    assert (reply.status, reply.json["index"]) == (422, 5000)
    assert admin.send("GET", "/v1/users").json["items"] == []


def test_array_is_put_together_of_its_items():
    """Also of none."""
    assert (json_array([]), json_array([b"1", b"{}"])) == (b"[]", b"[1,{}]")
