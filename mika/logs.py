"""What twistd's log leaves out: a least level, and JSON lines. `tap.py` asks for it when the configuration does."""

from __future__ import annotations

import json
import sys
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

from mika.config import General
from mika.errors import ConfigError


def log_observer(config: General, options: Any) -> ILogObserver | None:
    """Return the observer that `config` asks for; None where twistd's own does, or was told otherwise.

    `options` are those of `twistd mika`, whose parent says where to log to.
    """
    twistd = getattr(options, "parent", None) or {"nodaemon": True}
    path = twistd.get("logfile")
    refused = path == "-" and not twistd["nodaemon"]  # a daemon has no standard output; twistd says so and ends
    if (config.log_level in ("info", "debug") and config.log_format == "text") or refused:
        return None
    if twistd.get("logger") or twistd.get("syslog"):
        return None
    out = sys.stdout if path == "-" or (twistd["nodaemon"] and not path) else _opened(Path(path or "twistd.log"))
    write = as_json if config.log_format == "json" else formatEventAsClassicLogText
    least = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(config.log_level))
    return FilteringLogObserver(FileLogObserver(out, write), [least])


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
