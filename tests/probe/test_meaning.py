"""Refusals as the trackers of this world word them, and what they mean."""

from __future__ import annotations

import pytest

from mika.probe.meaning import CODES, meaning
from mika.rules import refusal


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Unregistered torrent", "torrent"),
        ("unregistered torrent", "torrent"),
        ("Torrent not registered with this tracker.", "torrent"),
        ("Torrent not found.", "torrent"),
        ("Requested download is not authorized for use with this tracker.", "torrent"),
        ("unregistered torrent pass", "passkey"),
        ("Passkey not found", "passkey"),
        ("Invalid passkey", "passkey"),
        ("Invalid passkey! Re-download the .torrent from https://t.example", "passkey"),
        ("authkey is invalid", "passkey"),
        ("Your client is not on the whitelist", "client"),
        ("Browser access not allowed", "client"),
        ("Your account has been disabled", "account"),
        ("Your download privileges are Revoked.", "account"),
        ("You are banned", "account"),
        ("Announcing too fast", "often"),
        ("Slow down!", "often"),
        ("Port 6881 is blacklisted.", "port"),
        ("Database error", "trouble"),
        ("The tracker is under maintenance", "trouble"),
        ("Nein.", "other"),
        ("", "other"),
    ],
)
def test_words_of_others(reason, kind) -> None:
    """By the words alone: other trackers send no code."""
    assert meaning("", reason).kind == kind


@pytest.mark.parametrize("code", sorted(CODES))
def test_our_codes_go_first(code) -> None:
    """Our own code counts, whatever the words."""
    assert meaning(code, "Your client sent a port") is CODES[code]


def test_our_words_mean_the_same_as_our_codes() -> None:
    """The words of a mika behind something that drops the code are understood as well, where they say it."""
    for reason in (
        refusal.TORRENT_UNREGISTERED,
        refusal.PASSKEY_INVALID,
        refusal.CLIENT_REFUSED,
        refusal.USER_DISABLED,
    ):
        assert meaning("", reason.words) is CODES[reason.code]
