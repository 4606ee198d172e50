"""`/v1/config`: what is in force is shown as in the file, and a change is taken whole or refused by the key's name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mika.config import Config
from mika.errors import ConfigError, RestartNeededError

URL = "/v1/config"


class Changing:
    """A configuration that checks what it is told as `live.Live` does, and remembers it."""

    def __init__(self) -> None:
        self.config = Config(stores={"users": "postgresql://mika:s3cret@db/mika"})
        self.told: list[dict] = []
        self.trouble: Exception | None = None

    def change(self, changes):
        """Take a change, or fail as a test wants."""
        if self.trouble is not None:
            raise self.trouble
        self.config = Config.model_validate(changes)
        self.told.append(changes)
        return []


@pytest.fixture
def configuration():
    """Return a configuration that changes."""
    return Changing()


@pytest.fixture
def admin(make_admin, configuration):
    """Make a tracker whose configuration that is."""
    return make_admin(configuration=configuration)


def test_configuration_is_shown_as_in_the_file(admin, configuration):
    """To any token, nested, in the file's own units, without a password."""
    reply = admin.send("GET", URL, token="reader")
    assert reply.status == 200
    assert list(reply.json) == list(Config.model_fields)
    assert reply.json["tracker"]["announce_interval"] == "30m"
    assert reply.json["credit"] == {"multiplier_up": 1, "multiplier_down": 1, "windows": []}
    assert reply.json["stores"]["users"] == "postgresql://mika:***@db/mika"


def test_change_is_handed_on_and_answered_with_all(admin, configuration):
    """As it was sent."""
    reply = admin.send("PATCH", URL, {"tracker": {"numwant_max": 70}}, token="owner")
    assert (reply.status, list(reply.json)) == (200, list(Config.model_fields))
    assert configuration.told == [{"tracker": {"numwant_max": 70}}]


def test_change_is_for_administrators(admin, configuration):
    """A site's own token changes accounts, not the tracker."""
    assert admin.send("PATCH", URL, {"tracker": {"numwant_max": 70}}, token="writer").status == 403
    assert admin.send("GET", URL, token=None).status == 401
    assert configuration.told == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"tracker": {"numwant_max": -1}}, 422, "tracker.numwant_max"),
        ({"tracker": {"numwant": 1}}, 422, "tracker.numwant"),
        ({"trackers": {}}, 422, "trackers"),
        ({"tracker": 5}, 422, "tracker"),
        ({"tracker": None}, 422, "tracker"),
        ({"tracker": {"numwant_default": 5, "numwant_max": 4}}, 422, "tracker"),
        ([], 422, ""),
        (b"{", 400, None),
    ],
)
def test_wrong_change_is_refused_by_the_name_of_its_key(admin, configuration, body, status, field):
    """And nothing is changed."""
    reply = admin.send("PATCH", URL, body, token="owner")
    assert reply.status == status
    assert reply.content_type == "application/problem+json"
    if field is not None:
        assert [error["field"] for error in reply.json["errors"]] == [field]
    assert configuration.told == []


def test_key_that_needs_a_restart_says_so(admin, configuration):
    """Each of them, in words and by name."""
    configuration.trouble = RestartNeededError(["tracker.listen", "flush.batch"])
    reply = admin.send("PATCH", URL, {"tracker": {"listen": []}, "flush": {"batch": 5}}, token="owner")
    assert reply.status == 409
    assert [error["field"] for error in reply.json["errors"]] == ["tracker.listen", "flush.batch"]
    assert reply.json["detail"].startswith("tracker.listen: this needs a restart")


def test_file_that_cannot_be_used_is_named(admin, configuration):
    """A certificate, say."""
    configuration.trouble = ConfigError("/no/chain.pem: No such file or directory")
    reply = admin.send("PATCH", URL, {"api": {"certificate": "/no/chain.pem", "key": "/no/key.pem"}}, token="owner")
    assert (reply.status, reply.json["detail"]) == (422, "/no/chain.pem: No such file or directory")


def test_problem_of_the_whole_says_where(admin, configuration):
    """Keys that contradict each other are named with their section."""
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"tracker": {"numwant_default": 5, "numwant_max": 4}})
    configuration.trouble = caught.value
    reply = admin.send("PATCH", URL, {"tracker": {"numwant_max": 4}}, token="owner")
    assert reply.json["detail"] == "tracker: numwant_default is greater than numwant_max"
