"""The keys a torrent beside the announce path: the secret that they are made with, and how one is replaced.

`tap.py` reads the secret, `admin/keys.py` shows and replaces keys; torrent_key.py says what a key is.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from mika.admin.auth import write_new
from mika.directory import Directory
from mika.errors import ConfigError, NotFoundError, NotOfferedError
from mika.interfaces import IKeyStore
from mika.model import User

SECRET_FILE = "torrent-key-secret"  # noqa: S105 - the name of a file
"""In the state directory, where no other file is configured."""

MIN_SECRET = 32
"""Characters of a secret, at least: a shorter one could be guessed, or was cut off."""


def read_secret(path: Path) -> bytes:
    """Return the secret in a file; `ConfigError` if there is none that can be used."""
    try:
        secret = path.read_bytes().strip()
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None
    if len(secret) < MIN_SECRET:
        raise ConfigError(f"{path}: this is no secret of {MIN_SECRET} or more characters")
    return secret


def secret_of(configured: str, state_dir: Path) -> bytes:
    """Return the secret in the configured file, or the one in the state directory, made at the first start."""
    if configured:
        return read_secret(Path(configured))
    path = state_dir / SECRET_FILE
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(path, secrets.token_hex(32) + "\n", 0o600)
    except OSError as problem:
        raise ConfigError(f"{problem.filename}: {problem.strerror}") from None
    return read_secret(path)


async def void_key(directory: Directory, user_id: int, info_hash: bytes) -> User:
    """Let the key of a user for a torrent, by its own `info_hash`, count no longer; answer with the user."""
    store: Any = directory.user_store
    if not IKeyStore.providedBy(store):
        raise NotOfferedError("The users store of this tracker does not keep which keys are void.")
    async with directory.user_changes:
        user = await directory.user(user_id)
        count = await store.void_key(user_id, info_hash)
        if not count:
            raise NotFoundError(f"There is no user with the id {user_id}.")
        directory.user_changes.made += 1
        directory.set_user(user, {"void_keys": {**user.void_keys, info_hash: count}})
    return user
