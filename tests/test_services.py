"""What makes the process starts in order, and stops in reverse, whatever fails on the way."""

from __future__ import annotations

import gc
import io
import sys

import pytest
from builders import INFO_HASH, NOW, PEER_ID, result
from twisted.application.service import Application, IServiceCollection, Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError, ReactorNotRunning
from twisted.logger import ILogObserver, capturedLogs, formatEvent

from mika import services as services_module
from mika.directory import Directory
from mika.errors import ConfigError, StoreError
from mika.interfaces import Mark, PeerBatch
from mika.journal import Journal
from mika.loading import COLLECT
from mika.model import Peer
from mika.services import InOrder, StoresService, SwarmsService
from mika.store.memory import MemoryStore
from mika.store.registry import Stores
from mika.swarm.swarms import Swarms


class Loop:
    """A reactor as far as `InOrder` knows one: it stops once, as the real one does."""

    def __init__(self) -> None:
        self.running = False
        self.stopped = False
        self._begin: list = []

    def callWhenRunning(self, begin):
        """Keep it until `run`."""
        self._begin.append(begin)

    def run(self):
        """Run what waits for it."""
        self.running = True
        for begin in self._begin:
            begin()

    def stop(self):
        """Stop; a second time is an error."""
        if self.stopped:
            raise ReactorNotRunning("Can't stop reactor that isn't running.")
        self.stopped = True


class Recorded(Service):
    """A service that notes when it begins and ends to start and to stop; `starts` and `stops` say how it answers."""

    def __init__(self, name, notes, starts=None, stops=None):
        self.name = name
        self._notes = notes
        self._starts = starts
        self._stops = stops

    def startService(self):
        """Start."""
        super().startService()
        self._notes.append(f"start {self.name}")
        return self._answer(self._starts)

    def stopService(self):
        """Stop."""
        super().stopService()
        self._notes.append(f"stop {self.name}")
        return self._answer(self._stops)

    def _answer(self, answer):
        if isinstance(answer, Exception):
            raise answer
        return answer


class Process:
    """Services a to d in order, on a loop of their own; `starts` and `stops` are by name."""

    def __init__(self, starts=None, stops=None) -> None:
        self.notes: list[str] = []
        self.loop = Loop()
        self.services = [
            Recorded(name, self.notes, (starts or {}).get(name), (stops or {}).get(name)) for name in "abcd"
        ]
        self.all = InOrder(self.loop, self.services)

    def start(self):
        """Start, as twistd does."""
        self.all.privilegedStartService()
        self.all.startService()
        assert self.notes == []
        self.loop.run()

    def stop(self):
        """Stop, as twistd does; return what it waits for."""
        self.notes.clear()
        return self.all.stopService()


@pytest.fixture(autouse=True)
def ended(monkeypatch):
    """Collect what a failed start does to the process, instead of doing it: its status, and its last words."""
    found = {"status": 0, "stderr": io.StringIO()}
    monkeypatch.setattr(services_module, "exit_with_failure", lambda: found.update(status=1))
    monkeypatch.setattr(sys, "__stderr__", found["stderr"])
    return found


# ---- in order


def test_start_in_order_and_stop_in_reverse():
    """Nothing happens before the reactor runs."""
    process = Process()
    process.start()
    assert process.notes == ["start a", "start b", "start c", "start d"]
    result(process.stop())
    assert process.notes == ["stop d", "stop c", "stop b", "stop a"]
    result(process.stop())
    assert process.notes == []


def test_each_start_waits_for_the_one_before():
    """A service may answer with a Deferred: the next one finds it ready."""
    opened: Deferred[None] = Deferred()
    process = Process(starts={"b": opened})
    process.start()
    assert process.notes == ["start a", "start b"]
    opened.callback(None)
    assert process.notes == ["start a", "start b", "start c", "start d"]


def test_each_stop_waits_for_the_one_after():
    """What is written last is written before the store closes."""
    written: Deferred[None] = Deferred()
    process = Process(stops={"c": written})
    process.start()
    stopped = process.stop()
    assert process.notes == ["stop d", "stop c"]
    assert not stopped.called
    written.callback(None)
    assert process.notes == ["stop d", "stop c", "stop b", "stop a"]
    assert stopped.called


def test_stop_that_fails_does_not_keep_the_others_from_stopping():
    """Raised or answered, it is logged, by name; the stop itself succeeds."""
    process = Process(stops={"c": fail(ValueError()), "b": ValueError()})
    process.start()
    with capturedLogs() as events:
        result(process.stop())
    assert process.notes == ["stop d", "stop c", "stop b", "stop a"]
    assert [formatEvent(event) for event in events] == ["Recorded did not stop as it should"] * 2


# ---- a start that fails


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (ConfigError("api.key: no such file"), "api.key: no such file"),
        (StoreError("The database /srv/a is locked."), "The database /srv/a is locked."),
        (
            CannotListenError("127.0.0.1", 34000, OSError(98, "Address already in use")),
            "cannot listen on 127.0.0.1 port 34000: Address already in use",
        ),
        (
            CannotListenError("", 80, OSError(13, "Permission denied")),
            "cannot listen on any address port 80: Permission",
        ),
        (CannotListenError("::", 80, OSError("no words")), "cannot listen on :: port 80: no words"),
    ],
)
def test_start_that_fails_stops_what_was_started(problem, words, ended):
    """In reverse, and nothing else; in one line, without a traceback; and the process ends with status 1."""
    process = Process(starts={"c": fail(problem)})
    with capturedLogs() as events:
        process.start()
    assert process.notes == ["start a", "start b", "start c"]
    assert process.loop.stopped
    (line,) = ended["stderr"].getvalue().splitlines()
    assert line.startswith(f"mika did not start: {words}")
    assert [formatEvent(event) for event in events] == [line]
    assert not any("log_failure" in event for event in events)
    assert ended["status"] == 1
    result(process.stop())
    assert process.notes == ["stop b", "stop a"]


@pytest.mark.parametrize("raised", [True, False], ids=["raised", "answered"])
def test_fault_of_our_own_is_logged_with_its_traceback(raised, ended):
    """The line says that the start failed; why is in the log."""
    fault = ValueError("a fault of our own")
    process = Process(starts={"a": fault if raised else fail(fault)})
    with capturedLogs() as events:
        process.start()
    assert [event["log_failure"].value for event in events if "log_failure" in event] == [fault]
    assert ended["stderr"].getvalue() == "mika did not start: the start failed\n"
    assert ended["status"] == 1
    result(process.stop())
    assert process.notes == []


# ---- a stop while it starts


def test_stop_during_a_slow_start_waits_for_it():
    """What is half open cannot be closed: it is started to its end and then stopped, and no further one starts."""
    opened: Deferred[None] = Deferred()
    process = Process(starts={"b": opened})
    process.start()
    stopped = process.stop()
    assert process.notes == []
    opened.callback(None)
    assert stopped.called
    assert process.notes == ["stop b", "stop a"]


@pytest.mark.parametrize("problem", [StoreError("The database is down."), ValueError("a fault of our own")])
def test_stop_during_a_start_that_then_fails(problem, ended):
    """The reactor stops already: it is not told twice, and what was started is stopped."""
    opened: Deferred[None] = Deferred()
    process = Process(starts={"c": opened})
    process.start()
    process.loop.stop()
    stopped = process.stop()
    with capturedLogs():
        opened.errback(problem)
    assert process.notes == ["stop b", "stop a"]
    result(stopped)
    assert ended["status"] == 1


def test_stop_before_the_reactor_runs():
    """Nothing was started, so nothing is stopped, and nothing starts any more."""
    process = Process()
    process.all.startService()
    result(process.stop())
    process.loop.run()
    assert process.notes == []


def test_application_logs_to_the_observer_that_is_given():
    """The application is asked for it by twistd, whose own stays when there is none."""
    observer = list[dict]().append
    for given in (observer, None):
        application = Application("mika")
        all_of_them = InOrder(Loop(), [Service(), Service()], given)
        all_of_them.setServiceParent(application)
        assert application.getComponent(ILogObserver) is given
        assert list(IServiceCollection(application)) == [all_of_them]
        assert len(list(all_of_them)) == 2


# ---- stores and swarms


class Noted(MemoryStore):
    """A store that notes when it is opened and closed, and does both as it is told."""

    def __init__(self, name, notes, opens=None, closes=None):
        super().__init__()
        self._name, self._notes, self._opens, self._closes = name, notes, opens, closes

    def open(self):
        """Note it."""
        self._notes.append(f"open {self._name}")
        return succeed(None) if self._opens is None else self._opens

    def close(self):
        """Note it."""
        self._notes.append(f"close {self._name}")
        return succeed(None) if self._closes is None else self._closes


def stores_service(notes, **answers):
    """Return the service of three stores a, b and c; `answers` are (open, close) by name."""
    stores = Stores(*(Noted(name, notes, *answers.get(name, ())) for name in "abc"))
    swarms = Swarms(2700, 1_814_400, any, lambda *_changed: None)
    directory = Directory(stores.users, stores.torrents, swarms, lambda: NOW, lambda _kind: succeed(None))
    return StoresService(stores, directory, lambda _change: None), directory


def test_stores_open_in_order_and_what_is_always_in_memory_is_read():
    """Users, torrents, peers; then roles and whitelist."""
    notes: list[str] = []
    service, directory = stores_service(notes)
    result(service.startService())
    assert notes == ["open a", "open b", "open c"]
    assert set(directory.roles) == {1}
    notes.clear()
    result(service.stopService())
    assert sorted(notes) == ["close a", "close b", "close c"]


def test_store_that_serves_all_kinds_is_opened_and_closed_once():
    """As the embedded default does."""
    notes: list[str] = []
    store = Noted("a", notes)
    stores = Stores(store, store, store)
    service = StoresService(
        stores,
        Directory(store, store, Swarms(1, 1, any, lambda *_changed: None), lambda: NOW, lambda _kind: succeed(None)),
        lambda _change: None,
    )
    result(service.startService())
    result(service.stopService())
    assert notes == ["open a", "close a"]


def test_open_that_fails_closes_every_store():
    """Those that are open, the one that failed half-way, and the one that was not asked: close harms none of them."""
    notes: list[str] = []
    service, _ = stores_service(notes, b=(fail(StoreError("The database is down.")),))
    with pytest.raises(StoreError, match="down"):
        result(service.startService())
    assert notes[:2] == ["open a", "open b"]
    assert sorted(notes[2:]) == ["close a", "close b", "close c"]


def test_close_that_fails_does_not_keep_the_others_open():
    """Nor does it hide why the stores had to be closed."""
    notes: list[str] = []
    closes = {name: (None, fail(ValueError())) for name in "bc"}
    service, _ = stores_service(notes, **closes)
    result(service.startService())
    notes.clear()
    with capturedLogs() as events:
        result(service.stopService())
    assert sorted(notes) == ["close a", "close b", "close c"]
    assert len([event for event in events if "log_failure" in event]) == 2

    down = StoreError("The database is down.")
    service, _ = stores_service(notes, b=(fail(down), fail(ValueError())))
    with capturedLogs(), pytest.raises(StoreError, match="down"):
        result(service.startService())


def test_roles_that_cannot_be_read_close_the_stores():
    """Opened, and then broken: the start fails, and nothing stays open."""
    notes: list[str] = []
    service, directory = stores_service(notes)
    directory.user_store.list_roles = lambda: fail(StoreError("The table is gone."))
    with pytest.raises(StoreError, match="gone"):
        result(service.startService())
    assert sorted(notes[3:]) == ["close a", "close b", "close c"]


@pytest.fixture
def _collector():
    """Leave the garbage collector as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_collector")
def test_swarms_are_filled_before_anybody_announces():
    """Every peer that the store has, silent ones too; said in one line; the collector looks rarely from now on."""
    store = MemoryStore()
    peers = [Peer(user_id, PEER_ID, NOW) for user_id in (1, 2, 3)]
    for peer in peers[:2]:
        peer.active, peer.seeder, peer.endpoint4 = True, True, bytes([81, 2, 69, 142, 0, peer.user_id])
    result(store.apply_peers(PeerBatch(Mark("a", 1), [(INFO_HASH, peer) for peer in peers], [])))
    swarms = Swarms(2700, 1_814_400, any, lambda *_changed: None)
    with capturedLogs() as events:
        result(SwarmsService(swarms, store, Journal()).startService())
    assert [formatEvent(event) for event in events] == ["2 peers in 1 swarms restored"]
    assert (swarms.peer_count, len(swarms.get(INFO_HASH).peers)) == (2, 3)
    assert gc.get_threshold() == COLLECT


def test_peers_that_cannot_be_loaded_fail_the_start():
    """A tracker that forgot its swarms would credit nobody: better it says so."""
    store = MemoryStore()
    store.load_peers = lambda _keep: fail(StoreError("The database is down."))
    with pytest.raises(StoreError, match="down"):
        result(SwarmsService(Swarms(2700, 1_814_400, any, lambda *_changed: None), store, Journal()).startService())
