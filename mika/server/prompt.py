"""Python source to output: what is typed at the console is run here, and no mistake in it gets out. `console.py` asks.

It runs in the reactor's thread, where everything else waits, and so for `TIME_LIMIT` seconds at most.
"""

from __future__ import annotations

import builtins
import code
import keyword
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import iscoroutine
from types import CodeType, FrameType
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

TIME_LIMIT = 3.0
"""Seconds after which what was typed is interrupted: nobody is answered meanwhile."""

OUTPUT_LIMIT = 256 * 1024
"""Characters that one input may write."""

_NAME = re.compile(r"[\w.]+\Z")


class TooLongError(BaseException):
    """What was typed took more than `TIME_LIMIT`; not an Exception, which it might catch."""

    def __str__(self) -> str:
        return f"this took more than {TIME_LIMIT:g} s, and nobody is answered meanwhile"


class Prompt(code.InteractiveInterpreter):
    """A namespace, and what is run in it. `ended`: it was asked to end; `failed`: something that was run did."""

    def __init__(self, names: Mapping[str, Any], out: Callable[[str], None], later: Callable[[str], None]) -> None:
        """Output goes to `out`; what a Deferred comes to after the input that made it, to `later`."""
        super().__init__({"__name__": "__console__", "exit": _exit, "quit": _exit, "input": _no_input, **names})
        self.ended = False
        self.failed = False
        self.pending: list[Deferred[Any]] = []
        self._out = out
        self._later = later
        self._room = OUTPUT_LIMIT
        self._lines: list[str] = []
        self._deferreds = 0

    def push(self, line: str) -> bool:
        """Run a line, or answer that more of them are needed."""
        self._lines.append(line)
        self._room = OUTPUT_LIMIT
        try:
            more = self.runsource("\n".join(self._lines), "<console>")
        except BaseException:  # noqa: BLE001 - source that is nested too deep to be read
            self.showtraceback()
            more = False
        if not more:
            self._lines.clear()
        return more

    def run(self, source: str) -> None:
        """Run lines until the first that fails, as a command is given; say so if the last is not finished."""
        more = False
        for line in source.splitlines():
            more = self.push(line)
            if self.failed or self.ended:
                return
        if more and self.push(""):
            self.drop()
            self.failed = True
            self.write("SyntaxError: this is not finished\n")

    def drop(self) -> None:
        """Forget the lines that were not finished."""
        self._lines.clear()

    # ---- running

    def runcode(self, compiled: CodeType) -> None:
        """Run it, whatever it does."""
        try:
            with self._redirected(), _limited():
                exec(compiled, self.locals)  # noqa: S102 - what a console is for
        except SystemExit:
            self.ended = True
        except BaseException:  # noqa: BLE001 - the tracker goes on
            self.showtraceback()

    @contextmanager
    def _redirected(self) -> Iterator[None]:
        before = sys.stdout, sys.displayhook
        sys.stdout, sys.displayhook = _Out(self.write), self._display
        try:
            yield
        finally:
            sys.stdout, sys.displayhook = before

    def write(self, data: str) -> None:
        """Write, as far as the limit goes."""
        if self._room <= 0:
            return
        if len(data) > self._room:
            data = data[: self._room] + "\n... cut here\n"
        self._room -= len(data)
        self._out(data)

    def showtraceback(self) -> None:
        """Write what went wrong, from what was typed on."""
        self.failed = True
        kind, problem, trace = sys.exc_info()
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        try:
            with _limited():
                self.write("".join(traceback.format_exception(kind, problem, trace)))
        except BaseException as worse:  # noqa: BLE001 - an exception that cannot be written, say
            self.write(f"{type(problem).__name__}, which cannot be shown: {type(worse).__name__}\n")

    def showsyntaxerror(self, filename: str | None = None, **_more: Any) -> None:
        """Write where the source is wrong."""
        del filename
        self.failed = True
        self.write("".join(traceback.format_exception_only(*sys.exc_info()[:2])))

    # ---- values

    def _display(self, value: Any) -> None:
        """Write the value of an expression; a Deferred's when it is there."""
        if value is None:
            return
        if iscoroutine(value):
            value = ensureDeferred(value)
        self.locals["_"] = value
        if isinstance(value, Deferred):
            self._await(value)
        else:
            self.write(f"{value!r}\n")

    def _await(self, deferred: Deferred[Any]) -> None:
        number, self._deferreds = self._deferreds, self._deferreds + 1
        at_once: list[str] = []
        say: Callable[[str], None] = at_once.append
        self.pending.append(deferred)

        def show(result: Any) -> Any:
            self.pending.remove(deferred)
            say(self._described(result))
            return None if isinstance(result, Failure) else result

        def show_later(words: str) -> None:
            self._room = OUTPUT_LIMIT
            space = "\n" if "\n" in words else " "
            self._later(f"Deferred {number}:{space}{words}\n"[:OUTPUT_LIMIT])

        deferred.addBoth(show)
        if at_once:
            self.write(f"{at_once[0]}\n" if at_once[0] else "")
        else:
            say = show_later
            self.write(f"Deferred {number} waits\n")

    def _described(self, result: Any) -> str:
        try:
            with _limited():
                if isinstance(result, Failure):
                    self.failed = True
                    return f"{type(result.value).__name__}: {result.getErrorMessage()}"
                return "" if result is None else repr(result)
        except BaseException as problem:  # noqa: BLE001 - the tracker goes on
            return f"what cannot be shown: {type(problem).__name__}"

    # ---- completion

    def completions(self, text: str) -> tuple[str, list[str]]:
        """Return the name that `text` ends with, as far as it is typed, and what it may become."""
        found = _NAME.search(text)
        if found is None:
            return "", []
        *path, typed = found[0].split(".")
        try:
            with _limited():
                names = set(self._names(path))
        except BaseException:  # noqa: BLE001 - an attribute that fails when it is looked at
            return typed, []
        hidden = typed.startswith("_")
        return typed, sorted(name for name in names if name.startswith(typed) and (hidden or not name.startswith("_")))

    def _names(self, path: list[str]) -> list[str]:
        if not path:
            return [*self.locals, *vars(builtins), *keyword.kwlist]
        value = self.locals[path[0]] if path[0] in self.locals else getattr(builtins, path[0])
        for name in path[1:]:
            value = getattr(value, name)
        return dir(value)


class _Out:
    """What `print` writes to."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


@contextmanager
def _limited() -> Iterator[None]:
    """Interrupt what takes too long, again and again until it ends."""
    running = True

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if running:
            raise TooLongError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT, 0.5)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _exit(_status: object = None) -> None:
    """End this console; the tracker goes on."""
    raise SystemExit


def _no_input(_words: object = "") -> None:
    """Refuse to read: the tracker would wait for it."""
    raise RuntimeError("there is no input here: give it as arguments")
