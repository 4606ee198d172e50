"""What a reader of `/v1/events` is sent."""

from __future__ import annotations

import json

import pytest

from mika.admin.call import Stream
from mika.admin.events import MOST_READERS
from mika.events import TYPES


class Reader:
    """Someone who asked for events, and what came; kept as text."""

    def __init__(self, admin, query="", **headers):
        self.reply = admin.send("GET", f"/v1/events{query}", **headers)
        assert (self.reply.status, self.reply.content_type) == (200, "text/event-stream")
        assert isinstance(self.reply.stream, Stream)
        self.text = ""
        self.leave = self.reply.stream.begin(self._take)

    def _take(self, data):
        self.text += data.decode()

    @property
    def events(self):
        """Return id, type and data of each event, read as the standard says."""
        found = []
        for block in self.text.split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "event" in fields:
                found.append((fields["id"], fields["event"], json.loads(fields["data"])))
        return found

    @property
    def told(self):
        """Return type and data, the time aside."""
        return [(type_, {k: v for k, v in data.items() if k != "at"}) for _, type_, data in self.events]


def test_changes_are_told_as_they_happen(admin):
    """Each with an id, its type, and the time; a reader who left is told no more."""
    reader = Reader(admin, token="reader")
    assert reader.text == "retry: 3000\n\n"
    admin.send("POST", "/v1/users", {"name": "ann"})
    [(identity, type_, data)] = reader.events
    assert type_ == "user"
    assert data == {"at": "2026-11-22T10:00:00Z", "id": 1, "change": "added", "fields": []}
    assert identity == admin.figures.events.run + "-1"
    reader.leave()
    admin.send("POST", "/v1/users", {"name": "bob"})
    assert len(reader.events) == 1


def test_no_passkey_is_told(admin):
    """Only that it changed."""
    reader = Reader(admin)
    admin.send("POST", "/v1/users", {"name": "ann", "passkey": "passkey-of-ann"})
    passkey = admin.send("POST", "/v1/users/1/passkey", None).json["passkey"]
    admin.send("PATCH", "/v1/users/1", {"passkey": "another-passkey"})
    assert [data["fields"] for _, data in reader.told] == [[], ["passkey"], ["passkey"]]
    assert not [each for each in ("passkey-of-ann", passkey, "another-passkey") if each in reader.text]


def test_types_are_picked(admin):
    """By their names, with commas between them."""
    reader = Reader(admin, "?types=torrent,store")
    admin.send("POST", "/v1/users", {"name": "ann"})
    admin.send("POST", "/v1/torrents", {"info_hash": "aa" * 20})
    admin.figures.events.publish("store", {"ok": True})
    assert [type_ for type_, _ in reader.told] == ["torrent", "store"]


@pytest.mark.parametrize(("query", "told"), [("", 20), ("?rate=5", 5), ("?sample=0.1", 4), ("?sample=0", 0)])
def test_announces_are_sampled(admin, query, told):
    """Twenty a second at most unless the reader says otherwise."""
    reader = Reader(admin, query)
    for _ in range(40):
        admin.figures.events.offer("announce", dict)
    assert len(reader.events) == told


def test_reader_that_comes_again_is_told_what_it_missed(admin):
    """Of the types that it asks for, from the kept ones."""
    reader = Reader(admin)
    admin.send("POST", "/v1/users", {"name": "ann"})
    reader.leave()
    admin.send("POST", "/v1/users", {"name": "bob"})
    admin.figures.events.publish("flush", {"rows": 1})
    admin.send("POST", "/v1/torrents", {"info_hash": "aa" * 20})
    again = Reader(admin, "?types=user,flush", last_event_id=reader.events[-1][0])
    assert again.told == [("user", {"id": 2, "change": "added", "fields": []})]
    assert Reader(admin, "?types=user").told == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("types=", "there is no type ''"),
        ("types=announce,nonsense", "there is no type 'nonsense'"),
        ("sample=2", "less than or equal to 1"),
        ("sample=nan", "finite"),
        ("rate=0", "greater than or equal to 1"),
        ("rate=x", "integer"),
        ("type=announce", "type"),
    ],
)
def test_query_that_cannot_be_read_is_refused(admin, query, words):
    """With the name of what is wrong; nobody subscribes."""
    reply = admin.send("GET", f"/v1/events?{query}")
    assert reply.status == 422
    assert words in str(reply.json)
    assert len(admin.figures.events) == 0


def test_all_types_are_named_where_one_is_wrong(admin):
    """So that nobody has to look them up."""
    reply = admin.send("GET", "/v1/events?types=x")
    assert ", ".join(TYPES) in reply.json["detail"]


def test_number_of_readers_is_bounded(admin):
    """The next one is told to come later; when one leaves there is room again."""
    readers = [Reader(admin) for _ in range(MOST_READERS)]
    reply = admin.send("GET", "/v1/events")
    assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
    readers[0].leave()
    Reader(admin)


def test_readers_are_in_the_metrics(admin):
    """And those that did not keep up."""
    Reader(admin).reply.stream.dropped()
    text = admin.send("GET", "/metrics").text
    assert "mika_event_readers 1.0" in text
    assert "mika_event_readers_dropped_total 1.0" in text


def test_token_is_needed(admin):
    """As for everything that reads."""
    assert admin.send("GET", "/v1/events", token=None).status == 401
