"""The audit log: one line of JSON for each request that may change something. Who, what, when, from where; no values.

`api.py` writes to it. Values are left out because they may be secret; so are the query and what does not fit a path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, RootModel
from twisted.logger import Logger

from mika.errors import ConfigError

AUDIT_FILE = "audit.log"
"""In the state directory."""

log = Logger()


class AuditLog:
    """A file that grows to `size` bytes, is then `audit.log.1`, and after `files` of those is deleted.

    A file that somebody else moved away or deleted (logrotate) is made anew at the next line. A line that cannot be
    written is no reason to refuse a change: the tracker's log says so, once until it works again.
    """

    def __init__(self, path: Path, size: int, files: int) -> None:
        """Open the file; `ConfigError` if it cannot be written."""
        self._path = path
        self._size = size
        self._files = files
        self._failed = False
        try:
            self._descriptor = self._open()
        except OSError as problem:
            raise ConfigError(f"{path}: {problem.strerror}") from None

    def write(self, entry: Mapping[str, Any]) -> None:
        """Write a line; the fields in their order, without those that are None."""
        said = {name: value for name, value in entry.items() if value is not None}
        line = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace") + b"\n"
        try:
            self._turn(len(line))
            os.write(self._descriptor, line)
        except OSError as problem:
            if not self._failed:
                log.error("{path}: {problem}; changes are made without a line", path=str(self._path), problem=problem)
            self._failed = True
        else:
            self._failed = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        # Appending, each line in one write: so nothing that another program writes there is mixed into one.
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _turn(self, length: int) -> None:
        """See to it that the file is the one of this name, and has room."""
        ours = os.fstat(self._descriptor)
        try:
            there = self._path.stat()
            same = (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)
        except FileNotFoundError:
            same = False
        if same and ours.st_size and ours.st_size + length > self._size:
            self._shift()
            same = False
        if not same:
            fresh = self._open()
            os.close(self._descriptor)
            self._descriptor = fresh

    def _shift(self) -> None:
        if not self._files:
            self._path.unlink()
            return
        for number in range(self._files - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))


def moment(seconds: float) -> str:
    """Return a time in UTC to the millisecond (RFC 3339)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields_of(body: Any) -> list[str]:
    """Name the fields that a body sets, of an array those of any item; of a configuration `section.key`."""
    if isinstance(body, list):
        return sorted({name for item in body for name in fields_of(item)})
    if isinstance(body, RootModel):
        sections: Mapping[str, Any] = body.root
        return sorted(
            f"{name}.{key}" for name, keys in sections.items() for key in (keys if isinstance(keys, dict) else ())
        )
    return sorted(body.model_fields_set) if isinstance(body, BaseModel) else []
