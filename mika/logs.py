"""The log of `twistd mika`: a least level, text or JSON lines, in the places that twistd has. `tap.py` asks for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    formatEventAsClassicLogText,
)
from zope.interface import implementer

from mika.config import General
from mika.errors import ConfigError

LEVELS = tuple(level.name for level in LogLevel.iterconstants())
"""By how much they matter."""


@implementer(ILogObserver)
class Log:
    """twistd's log as the configuration has it; its least level can change, and its file be opened anew."""

    def __init__(self, out: TextIO, write: Callable[[LogEvent], str | None], level: str, path: Path | None) -> None:
        """`path` is where `out` is a file of that name."""
        self._out = out
        self._write = write
        self._path = path
        self._least = LogLevelFilterPredicate()
        self.set_level(level)
        self._observer = self._observe()

    def _observe(self) -> FilteringLogObserver:
        return FilteringLogObserver(FileLogObserver(self._out, self._write), [self._least])

    def __call__(self, event: LogEvent) -> None:
        """Write an event that matters enough."""
        self._observer(event)

    def set_level(self, level: str) -> None:
        """Leave out from now on what matters less."""
        least = LogLevel.levelWithName(level)
        self._least.setLogLevelForNamespace("", least)
        self._least.setLogLevelForNamespace("twisted.conch", max(least, LogLevel.warn))  # it tells of every packet

    def reopen(self) -> None:
        """Go on in the file that has the name now, as who rotates logs expects; `ConfigError` if it cannot be had."""
        if self._path is not None:
            old, self._out = self._out, _opened(self._path)
            self._observer = self._observe()
            old.close()

    def close(self) -> None:
        """Let go of the file, if it is one."""
        if self._path is not None:
            self._out.close()


def log_observer(config: General, options: Any) -> Log | None:
    """Return the observer that `config` asks for; None where twistd was told otherwise.

    `options` are those of `twistd mika`, whose parent says where to log to.
    """
    twistd = getattr(options, "parent", None) or {"nodaemon": True}
    path = twistd.get("logfile")
    refused = path == "-" and not twistd["nodaemon"]  # a daemon has no standard output; twistd says so and ends
    if refused or twistd.get("logger") or twistd.get("syslog"):
        return None
    to_stdout = path == "-" or (twistd["nodaemon"] and not path)
    file = None if to_stdout else Path(path or "twistd.log").absolute()
    write = as_json if config.log_format == "json" else formatEventAsClassicLogText
    return Log(sys.stdout if file is None else _opened(file), write, config.log_level, file)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as problem:
        raise ConfigError(f"{path}: the log cannot be written: {problem.strerror}") from None


def as_json(event: LogEvent) -> str | None:
    """Write an event as one line of JSON: time (RFC 3339), level, name of the module, words, and a traceback if any.

    Events without words, which are Twisted's own bookkeeping, are left out.
    """
    words = formatEvent(event)
    if not words and "log_failure" not in event:
        return None
    time = datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds")
    line = {
        "time": time.replace("+00:00", "Z"),
        "level": event["log_level"].name if event.get("log_level") else "info",
        "name": event.get("log_namespace", ""),
        "message": words,
    }
    if "log_failure" in event:
        line["traceback"] = event["log_failure"].getTraceback()
    return json.dumps(line) + "\n"
