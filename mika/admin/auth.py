"""Who may do what: bearer tokens, kept only as their SHA-256, and the one that a tracker makes for its machine.

`api.py` asks `Tokens` at each request, `tokens.py` shows and changes them.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mika.errors import ConfigError, ConflictError, NotFoundError

TOKEN_FILE = "api-token"  # noqa: S105 - the name of a file
"""In the state directory: the token that `mika client` on the same machine finds."""

BOOK_FILE = "api-tokens.json"
"""In the state directory: the tokens that were made through the API."""

TOKEN_PREFIX = "mika_"  # noqa: S105 - how tokens begin, so that one that leaked is recognized
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
    scopes: tuple[Scope, ...]
    created_at: int = 0

    @classmethod
    def of(cls, name: str, token: str, *scopes: Scope, created_at: int = 0) -> Token:
        """Return what is kept of a token."""
        return cls(name, _digest(token), scopes, created_at)

    @property
    def scope(self) -> Scope:
        """The largest of its scopes, which includes the others."""
        return max(self.scopes)


class Tokens:
    """The tokens that are in force: those that a tracker is started with, and those in its book, which change."""

    def __init__(self, fixed: Iterable[Token], book: Book | None = None) -> None:
        """`book` is where tokens that are made later are kept; without one none can be made."""
        self._fixed = {token.name: token for token in fixed}
        self._book = book
        self.revoked: Callable[[str], None] = lambda _name: None
        """Called with the name of a token that counts no longer."""

    def __iter__(self) -> Iterator[Token]:
        yield from self._fixed.values()
        if self._book is not None:
            yield from self._book.tokens.values()

    def find(self, authorization: str | None) -> Token | None:
        """Return the token that an Authorization header holds (RFC 6750); `None` if it is none of ours."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        given = _digest(token.strip(" "))
        found = None
        for known in self:  # all of them, each in constant time: the time taken says nothing
            if hmac.compare_digest(known.digest, given):
                found = known
        return found

    def make(self, name: str, scopes: Iterable[Scope], now: int) -> tuple[Token, str]:
        """Make a token that counts at once; answer with what is kept of it, and with the token, which is not."""
        if self._book is None:
            raise ConflictError("This tracker keeps no tokens but the one that it was started with.")
        if any(known.name == name for known in self):
            raise ConflictError(f"There is a token named {name} already.")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token = Token.of(name, secret, *sorted(set(scopes)), created_at=now)
        self._book.write([*self._book.tokens.values(), token])
        return token, secret

    def revoke(self, name: str) -> None:
        """Let a token count no longer, from now on; `NotFoundError` if there is none."""
        if name in self._fixed:
            raise ConflictError(f"This is the token of the tracker's own machine: remove {TOKEN_FILE} and start again.")
        if self._book is None or name not in self._book.tokens:
            raise NotFoundError(f"There is no token named {name}.")
        self._book.write([token for token in self._book.tokens.values() if token.name != name])
        self.revoked(name)


class Book:
    """The tokens that were made through the API, in a file that only its owner reads; of each its SHA-256 alone."""

    def __init__(self, path: Path) -> None:
        """Read the file, if it is there; `ConfigError` if it cannot be used: a token must not be lost silently."""
        self._path = path
        self.tokens: dict[str, Token] = {}
        try:
            rows = json.loads(path.read_bytes())
            self.tokens = {row["name"]: _token(row) for row in rows}
        except FileNotFoundError:
            pass
        except OSError as problem:
            raise ConfigError(f"{path}: {problem.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{path}: this is no list of tokens; remove it to begin with none") from None

    def write(self, tokens: Iterable[Token]) -> None:
        """Write these, and only then let them count: the file is the old one or the new one, never a part."""
        kept = {token.name: token for token in tokens}
        rows = [
            {
                "name": token.name,
                "sha256": token.digest.hex(),
                "scopes": [scope.name.lower() for scope in token.scopes],
                "created_at": token.created_at,
            }
            for token in kept.values()
        ]
        replace_file(self._path, json.dumps(rows, indent=1) + "\n", 0o600)
        self.tokens = kept


def _token(row: dict[str, Any]) -> Token:
    digest, scopes = bytes.fromhex(row["sha256"]), tuple(Scope[name.upper()] for name in row["scopes"])
    if len(digest) != 32 or not scopes or not isinstance(row["name"], str):
        raise ValueError("no token")
    return Token(row["name"], digest, scopes, int(row["created_at"]))


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


def replace_file(path: Path, text: str, mode: int) -> None:
    """Write a file in the place of the one that is there, whole or not at all, through a crash and a power cut too."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)  # what a crash left
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # it is there; only a power cut right now could still bring back the old one
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
