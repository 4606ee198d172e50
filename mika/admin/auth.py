"""Who may do what: bearer tokens, kept only as their SHA-256, and the one that a tracker makes for its machine."""

from __future__ import annotations

import enum
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mika.errors import ConfigError

TOKEN_FILE = "api-token"  # noqa: S105 - the name of a file
"""In the state directory: the token that `mika client` on the same machine finds."""

MIN_TOKEN = 32
"""Characters of a token in the file, at least: a shorter one could be guessed, or was cut off."""


class Scope(enum.IntEnum):
    """What a token allows; each includes the ones before it."""

    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its name and its SHA-256: random tokens of 256 bits need no slow hash."""

    name: str
    digest: bytes
    scope: Scope

    @classmethod
    def of(cls, name: str, token: str, scope: Scope) -> Token:
        """Return what is kept of a token."""
        return cls(name, _digest(token), scope)


class Tokens:
    """The tokens that are in force."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = tuple(tokens)

    def scope_of(self, authorization: str | None) -> Scope | None:
        """Return what an Authorization header allows (RFC 6750); `None` if it names no token of ours."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        given = _digest(token.strip(" "))
        scope = None
        for known in self._tokens:  # all of them, each in constant time: the time taken says nothing
            if hmac.compare_digest(known.digest, given):
                scope = known.scope
        return scope


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def local_token(state_dir: Path) -> Token:
    """Read the token in the state directory, made there if there is none; `ConfigError` if it cannot be used."""
    path = state_dir / TOKEN_FILE
    try:
        write_new(path, secrets.token_urlsafe(32) + "\n", 0o600)
        token = path.read_text(encoding="ascii").strip()
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        token = ""
    if len(token) < MIN_TOKEN or not token.isprintable() or " " in token:
        raise ConfigError(f"{path}: this is no token of {MIN_TOKEN} or more characters; remove it to have one made")
    return Token.of("local", token, Scope.ADMIN)


def write_new(path: Path, text: str, mode: int) -> None:
    """Write a file that is not there yet; leave alone one that is.

    The mode is set as the file is made, so that nobody else reads a secret in between.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        path.unlink()
        raise
