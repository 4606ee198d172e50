"""What is said of one step of the test: that it is fine, worth knowing, or wrong and what to do then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Level(StrEnum):
    """How a step went. A note changes nothing in the verdict."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One step and what to say of it; `advice` is what to do, `family` is `IPv4` or `IPv6`, empty where it is both."""

    step: str
    level: Level
    words: str
    advice: str = ""
    family: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def at(self, family: str) -> Finding:
        """Say that it was found over one family."""
        return replace(self, family=family)


def ok(step: str, words: str) -> Finding:
    """Say that a step went as it should."""
    return Finding(step, Level.OK, words)


def note(step: str, words: str, advice: str = "") -> Finding:
    """Say what is worth knowing and is no fault, or not the tracker's."""
    return Finding(step, Level.NOTE, words, advice)


def wrong(step: str, words: str, advice: str) -> Finding:
    """Say what members will suffer from, and what to do."""
    return Finding(step, Level.WRONG, words, advice)
