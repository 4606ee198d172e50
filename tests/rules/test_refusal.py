"""The page of refusals: what members read, and what programs and tools read in it."""

from __future__ import annotations

import re

import pytest

from mika import tracker
from mika.rules import refusal
from mika.rules.refusal import Refusal

FORBIDDEN = (
    *("unregistered", "not exist", "not registered", "unknown", "dead", "uploaded"),
    *("trump", "dupe", "nuked", "not found", "deleted"),
)
"""Words on which tools delete members' data (client-quirks 2.5)."""

PAGE = {name: each for name, each in vars(refusal).items() if isinstance(each, Refusal)} | {
    "too_many_peers": refusal.too_many_peers(5, 5),
    "too_many_addresses": refusal.too_many_addresses(3, 3),
}
GONE = ("TORRENT_UNREGISTERED", "TORRENT_DELETED")


def test_codes_are_unique() -> None:
    """One code, one reason; only the two ways in which a torrent is gone share theirs, and their words."""
    codes = [each.code for name, each in PAGE.items() if name != "TORRENT_DELETED"]
    assert sorted(set(codes)) == sorted(codes)
    assert PAGE["TORRENT_DELETED"].code == PAGE["TORRENT_UNREGISTERED"].code


def test_the_page_was_read() -> None:
    """The tables here are about the page as it is, not about nothing."""
    assert len(PAGE) > 20


@pytest.mark.parametrize("name", PAGE)
def test_code_is_a_stable_word(name) -> None:
    """A code is a short word of small letters, for programs."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", PAGE[name].code)
    assert len(PAGE[name].code) <= 30


@pytest.mark.parametrize("name", PAGE)
def test_words_are_a_sentence(name) -> None:
    """Words begin as a sentence does, and are one line of ASCII that fits where clients show it."""
    words = PAGE[name].words
    assert words[0].isupper()
    assert words.isascii()
    assert words.isprintable()
    assert not words.endswith((".", " ", "!"))
    assert 15 <= len(words) <= 150
    assert len(words.split()) >= 2


@pytest.mark.parametrize("name", PAGE)
@pytest.mark.parametrize("word", FORBIDDEN)
def test_words_delete_nobody_s_data(name, word) -> None:
    """No refusal has a word on which tools delete data, but those of a torrent that is gone."""
    if name not in GONE:
        assert word not in PAGE[name].words.lower()
        assert word not in PAGE[name].code.replace("_", " ")


@pytest.mark.parametrize("name", GONE)
def test_a_torrent_that_is_gone(name) -> None:
    """A torrent that is gone is exactly what the tools look for, and then its reason."""
    assert PAGE[name].words == "Unregistered torrent"
    assert PAGE[name].because("").words == "Unregistered torrent"
    assert PAGE[name].because("a better one is here").words == "Unregistered torrent: a better one is here"
    assert PAGE[name].because("x").code == "torrent_unregistered"


def test_a_torrent_that_is_disabled() -> None:
    """A disabled torrent says so, and why."""
    assert refusal.TORRENT_DISABLED.words == "This torrent is disabled"
    assert refusal.TORRENT_DISABLED.because("in moderation").words == "This torrent is disabled: in moderation"


@pytest.mark.parametrize("name", PAGE)
def test_when_to_try_again(name) -> None:
    """`retry` is whole minutes, or never."""
    retry = PAGE[name].retry
    assert retry is None or 1 <= retry <= 24 * 60


def test_too_many_peers_says_limit_value_and_remedy() -> None:
    """The limit and the count are in the words, and what to do about it."""
    words = refusal.too_many_peers(3, 4).words
    assert "4 clients" in words
    assert "have 3" in words
    assert "stop one" in words


def test_too_many_addresses_says_limit_value_and_remedy() -> None:
    """The limit and the count are in the words, and what to do about it."""
    words = refusal.too_many_addresses(3, 4).words
    assert "4 addresses" in words
    assert "use 3" in words
    assert "stop those" in words


def test_slots_taken_says_limit_value_and_remedy() -> None:
    """The limit and the count are in the words, and what to do about it; where no slot is to be had, whom to ask."""
    words = refusal.slots_taken(3, 4)
    assert "may download 3" in words
    assert "download 4" in words
    assert "finish or stop another" in words
    assert "staff" in refusal.slots_taken(0, 0)


@pytest.mark.parametrize("word", FORBIDDEN)
@pytest.mark.parametrize(
    "words", [tracker.NO_LISTENING_PORT.decode(), refusal.slots_taken(2, 2), refusal.slots_taken(0, 0)]
)
def test_warning_deletes_nobody_s_data(words, word) -> None:
    """The warnings in a success are read by the same tools."""
    assert word not in words.lower()
