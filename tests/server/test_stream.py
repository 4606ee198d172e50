"""An answer that goes on: to a reader who keeps up, to one who does not, and at the end."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mika.admin.call import Stream
from mika.server.stream import HEARTBEAT, MOST_WAITING, Streaming


class Transport:
    """What a connection can be told."""

    aborted = False

    def abortConnection(self):
        """Be cut."""
        self.aborted = True


class Request:
    """A request of twisted.web as far as an answer touches it."""

    path = b"/v1/events"

    def __init__(self):
        self.written = b""
        self.finished = False
        self.producer = None
        self.transport = Transport()
        self._end = Deferred()

    def notifyFinish(self):
        """Fire when the answer is over."""
        return self._end

    def registerProducer(self, producer, streaming):
        """Take what can be paused."""
        assert streaming
        self.producer = producer

    def unregisterProducer(self):
        """Pause it no more."""
        self.producer = None

    def write(self, data):
        """Send."""
        assert not self.finished
        self.written += data

    def finish(self):
        """End the answer as a whole one."""
        self.finished = True
        self._end.callback(None)

    def lose(self):
        """Let the connection be gone."""
        self._end.errback(ConnectionError("gone"))

    def getClientAddress(self):
        """Return nothing: the connection may be gone."""


class Source:
    """What sends; it notes what it is told."""

    def __init__(self):
        self.ended = 0
        self.drops = 0
        self.stream = Stream(self._begin, self._drop)

    def _begin(self, send):
        self.send = send
        send(b"hello\n")
        return self._end

    def _end(self):
        self.ended += 1

    def _drop(self):
        assert not self.ended
        self.drops += 1


class Setting:
    """One reader of a source, on a clock that stands still."""

    def __init__(self):
        self.clock = Clock()
        self.request = Request()
        self.source = Source()
        self.over = []
        self.streaming = Streaming(self.request, self.source.stream, self.clock, self.over.append)
        self.streaming.start()

    def ended_once(self):
        """Say whether everybody knows that it is over, and nothing goes on."""
        return (self.source.ended, len(self.over), self.clock.getDelayedCalls()) == (1, 1, [])


@pytest.fixture
def setting():
    """Start."""
    return Setting()


def test_what_is_sent_is_written_at_once(setting):
    """From the first word on."""
    setting.source.send(b"event\n")
    assert setting.request.written == b"hello\nevent\n"


def test_silence_is_broken_now_and_then(setting):
    """So that no proxy takes the connection for dead."""
    setting.clock.advance(HEARTBEAT)
    assert setting.request.written == b"hello\n:\n\n"


def test_what_waits_is_written_when_the_reader_reads_on(setting, log):
    """In order."""
    setting.request.producer.pauseProducing()
    for number in range(3):
        setting.source.send(b"%d\n" % number)
    assert setting.request.written == b"hello\n"
    setting.request.producer.resumeProducing()
    setting.source.send(b"3\n")
    assert setting.request.written == b"hello\n0\n1\n2\n3\n"
    assert log == []


def test_reader_is_paused_again_in_the_middle(setting):
    """The rest goes on waiting."""
    producer = setting.request.producer
    producer.pauseProducing()
    for number in range(3):
        setting.source.send(b"%d\n" % number)
    write = setting.request.write

    def write_one(data):
        write(data)
        producer.pauseProducing()

    setting.request.write = write_one
    producer.resumeProducing()
    assert setting.request.written == b"hello\n0\n"
    producer.resumeProducing()
    assert setting.request.written == b"hello\n0\n1\n"


def test_reader_that_does_not_keep_up_is_dropped_with_one_line(setting, log):
    """Its connection is cut; what comes after is for others."""
    setting.request.producer.pauseProducing()
    part = bytes(MOST_WAITING // 4)
    for _ in range(8):
        setting.source.send(part)
    assert setting.request.transport.aborted
    assert (setting.source.drops, setting.ended_once()) == (1, True)
    [line] = log
    assert line["log_format"].format(**line) == "a reader of /v1/events at ? does not keep up and is dropped"
    setting.request.lose()
    assert setting.ended_once()


def test_reader_that_leaves_is_forgotten(setting):
    """Without a word, and once, whoever says it first."""
    setting.request.lose()
    setting.request.producer.stopProducing()
    assert setting.ended_once()
    setting.source.send(b"too late\n")
    assert setting.request.written == b"hello\n"


def test_end_of_the_tracker_ends_the_answer_as_a_whole_one(setting):
    """A reader sees that no byte is missing."""
    setting.streaming.end()
    setting.streaming.end()
    assert setting.request.finished
    assert setting.ended_once()
