"""Open connections: who is cut off when there are too many, and how often that is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.internet.task import Clock

from mika.server.connections import LEAST, RESERVE, Connections


@dataclass(eq=False)
class Connection:
    """A connection that was heard of last at `since`; `busy` ones wait for a store."""

    since: float = 0
    patience: float = 10
    busy: bool = False
    ended: list[str] = field(default_factory=list)

    def cut_off(self):
        """End, unless it is busy."""
        if not self.busy:
            self.ended.append("cut off")
        return not self.busy

    def end(self):
        """End in order."""
        self.ended.append("ended")


def crowd(connections, sinces, **fields):
    """Add a connection for each moment, and return them."""
    added = [Connection(since, **fields) for since in sinces]
    for each in added:
        connections.add(each)
    return added


def test_those_that_were_silent_longest_make_room():
    """A portion at a time, and no connection twice, before it is gone."""
    connections = Connections(Clock().seconds)
    connections.allow(RESERVE + 64)
    old = crowd(connections, range(64))
    assert not any(each.ended for each in old)
    crowd(connections, [100])
    assert [each.since for each in old if each.ended] == [0, 1]
    crowd(connections, [101, 102])
    assert [each.since for each in old if each.ended] == [0, 1, 2, 3]
    assert all(len(each.ended) <= 1 for each in old)
    for each in old[:4]:
        connections.discard(each)
    crowd(connections, [103])
    assert len([each for each in old if each.ended]) == 4


def test_connection_that_waits_for_a_store_stays():
    """Its announce may be one that counts already; the next one is cut off in its place."""
    connections = Connections(Clock().seconds)
    connections.allow(0)
    busy = crowd(connections, range(LEAST - 1), busy=True)
    [idle] = crowd(connections, [50])
    crowd(connections, [100])
    assert not any(each.ended for each in busy)
    assert idle.ended == ["cut off"]


def test_nobody_to_cut_off_is_said():
    """The port then rests for a moment."""
    assert not Connections(Clock().seconds).make_room()


def test_it_is_told_once_a_minute(log):
    """With how many there were since the last time."""
    clock = Clock()
    connections = Connections(clock.seconds)
    connections.allow(0)
    for second in range(130):
        crowd(connections, [second])
        clock.advance(1)
    told = [event["cut_off"] for event in log if "cut_off" in event]
    assert len(told) == 2
    assert told == [1, 60]


def test_silent_ones_are_swept_and_all_are_ended():
    """Each by its own patience."""
    clock = Clock()
    connections = Connections(clock.seconds)
    [short] = crowd(connections, [0], patience=5)
    [long] = crowd(connections, [0], patience=60)
    clock.advance(5)
    connections.sweep()
    assert short.ended == []
    clock.advance(1)
    connections.sweep()
    assert (short.ended, long.ended) == (["cut off"], [])
    connections.discard(short)
    connections.end()
    assert long.ended == ["ended"]
