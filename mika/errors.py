"""Our own faults, with one base. What a client may be refused with is a value, on the page rules/refusal.py."""

from __future__ import annotations


class MikaError(Exception):
    """Base of every error that mika raises on purpose; its text is one clear line for a person."""


class ConfigError(MikaError):
    """The configuration cannot be used; the text names the key."""


class RestartNeededError(MikaError):
    """The keys of the configuration that should change, as section.key, cannot while the tracker runs."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(f"{', '.join(keys)}: this needs a restart; change it in the configuration file")
        self.keys = keys


class StoreError(MikaError):
    """A store could not do what it was asked; the text says which store and why, without any secret."""


class OutOfStepError(StoreError):
    """A batch does not follow the last one that the store has of this tracker: nothing of it was written."""


class ConflictError(MikaError):
    """What should be added is there already, or clashes with what is; `index` says which item of a list."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


class NotOfferedError(MikaError):
    """The chosen store does not keep what is asked for; the text says what that is."""


class NotFoundError(MikaError):
    """What should be read or changed is not there; `index` as of a conflict."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index
