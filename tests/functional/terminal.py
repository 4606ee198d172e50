"""A real pseudo-terminal with a `mika` command in it, and the screen as a person sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pexpect
import pyte
from functional.tracker_process import MIKA, PATIENCE, TrackerProcess, clean_environment, wait_until


class Terminal:
    """`text` is what the screen shows now, `written` all that was written to it."""

    def __init__(self, process: pexpect.spawn, rows: int, columns: int) -> None:
        self.written = b""
        self._process = process
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        """Read what has come, and return the lines of the screen."""
        try:
            while True:
                part = self._process.read_nonblocking(65536, timeout=0)
                self.written += part
                self._stream.feed(part)
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, words: str) -> None:
        """Wait until the screen shows some words."""
        wait_until(f"the screen shows {words!r}", lambda: words in self.text)

    def press(self, keys: str) -> None:
        """Type."""
        self._process.send(keys)

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size, as a person who drags its corner does."""
        self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def ended(self) -> int:
        """Wait until the command has ended; return its exit status."""
        wait_until("the command has ended", lambda: self.text and not self._process.isalive())
        assert self._process.exitstatus is not None, self._process.signalstatus
        return int(self._process.exitstatus)


@contextmanager
def terminal(
    tracker: TrackerProcess, *arguments: str, rows: int = 40, columns: int = 100, kind: str = "xterm-256color"
) -> Iterator[Terminal]:
    """Run `mika` where a tracker was started, in a terminal of this size and kind."""
    process = pexpect.spawn(
        str(MIKA),
        list(arguments),
        cwd=str(tracker.directory),
        env=clean_environment(TERM=kind, COLUMNS="", LINES=""),
        dimensions=(rows, columns),
        timeout=PATIENCE,
        use_poll=True,  # select() takes no descriptor above 1,023, which a long run of tests may get to
    )
    try:
        yield Terminal(process, rows, columns)
    finally:
        process.close(force=True)
