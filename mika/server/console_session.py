"""A session at the console: a terminal with history and completion, lines without a terminal, or one command.

`console.py` makes one for each session of an SSH connection; what is typed is run by `prompt.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from twisted.conch.insults.insults import ServerProtocol, modes
from twisted.conch.interfaces import ISession
from twisted.conch.manhole import Manhole
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mika.server.prompt import Prompt

GREETING = "mika: help() lists what there is, Ctrl-D leaves.\n"
SHOWN = 200
"""Completions that are listed at most."""


class Output:
    """What a console writes to: the client's screen, until the session ends with a status."""

    def __init__(self, proto: Any) -> None:
        self._proto = proto
        self._open = True

    def write(self, data: bytes) -> None:
        """Write, if somebody is there."""
        if self._open:
            self._proto.outReceived(data)

    def loseConnection(self, status: int = 0) -> None:  # noqa: N802 - Twisted's name
        """End the session as a process ends."""
        if self._open:
            self._open = False
            self._proto.processEnded(Failure(ProcessTerminated(status) if status else ProcessDone(0)))

    def close(self) -> None:
        """Write nothing more: the client is gone."""
        self._open = False


class Input:
    """What the client's keystrokes are written to."""

    def __init__(self, write: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.write = write
        self.loseConnection = lost


class Terminal(ServerProtocol):
    """Control sequences there and back; what is on the client's screen stays there when it leaves."""

    transport: Any
    terminalProtocol: Any  # noqa: N815 - Twisted's name

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """End without the reset by which the screen would be cleared."""
        self.resetModes([modes.IRM])
        self.transport.loseConnection()


class TerminalConsole(Manhole):
    """A terminal: line editing and history are Twisted's, what is run and what may follow a name are `Prompt`'s."""

    interpreter: Any

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__()
        self.prompt = Prompt(names, self._write, self._write_later)

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Begin."""
        super().connectionMade()
        self.interpreter = SimpleNamespace(resetBuffer=self.prompt.drop)
        self.keyHandlers[b"\t"] = self.handle_TAB

    def initializeScreen(self) -> None:  # noqa: N802 - Twisted's name
        """Greet, without clearing what is on the screen."""
        self._write(GREETING)
        self.terminal.write(self.ps[self.pn])
        self.setInsertMode()

    def terminalSize(self, width: int, height: int) -> None:  # noqa: N802 - Twisted's name
        """Note the size, without clearing the screen either."""
        self.width, self.height = width, height

    def _write(self, text: str) -> None:
        self.terminal.write(text.encode("utf-8", "backslashreplace"))

    def _write_later(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        self.addOutput(data, True)  # before the prompt, and what has been typed behind it

    def _deliverBuffer(self, buf: bytes | list[bytes]) -> None:  # noqa: N802 - Twisted's name
        """Type again what had been typed; Twisted's own `addOutput` hands it over as a list, which it cannot read."""
        super()._deliverBuffer(buf if isinstance(buf, bytes) else b"".join(buf))

    def keystrokeReceived(self, keyID: bytes, modifier: object) -> None:  # noqa: N802, N803 - Twisted's interface
        """Take letters of other alphabets too, byte by byte; say nothing of keys that do nothing."""
        if keyID in self.keyHandlers or keyID in self._printableChars:
            super().keystrokeReceived(keyID, modifier)
        elif isinstance(keyID, bytes) and keyID >= b"\x80":
            self.characterReceived(keyID, False)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        """Run it."""
        self.pn = int(self.prompt.push(line.decode("utf-8", "replace")))
        if self.prompt.ended:
            self.terminal.loseConnection()
            return
        if self._needsNewline():
            self.terminal.nextLine()
        self.terminal.write(self.ps[self.pn])

    def handle_TAB(self) -> None:  # noqa: N802 - Twisted's name
        """Complete the name before the cursor; at the beginning of a line, indent."""
        before = b"".join(self.lineBuffer[: self.lineBufferIndex]).decode("utf-8", "replace")
        if not before.strip():
            self._type("    ")
            return
        typed, found = self.prompt.completions(before)
        more = common_beginning(found)[len(typed) :]
        if more:
            self._type(more)
        elif len(found) > 1:
            self.terminal.nextLine()
            self._write("  ".join(found[:SHOWN]) + "\n")
            self.drawInputLine()

    def _type(self, text: str) -> None:
        for character in text:
            self.characterReceived(character.encode(), False)


class LineConsole(Protocol):
    """Lines without a terminal: `ssh host < file`. Runs each as it comes, and ends at their end."""

    transport: Any

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.prompt = Prompt(names, self._write, self._write)
        self._rest = b""

    def _write(self, text: str) -> None:
        self.transport.write(text.encode("utf-8", "backslashreplace"))

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Run the lines that are whole."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self.prompt.ended:
                self.prompt.push(line.rstrip(b"\r").decode("utf-8", "replace"))
        if self.prompt.ended:
            self.end()

    def input_ended(self) -> None:
        """Run the rest, and end when what is waited for is there."""
        self.dataReceived(b"\n\n")
        when_done(self.prompt).addCallback(lambda _: self.end())

    def end(self) -> None:
        """End the session, with a status that says whether anything failed."""
        self.transport.loseConnection(int(self.prompt.failed))


class CommandConsole(LineConsole):
    """One command: `ssh host 'stats()'`."""

    def __init__(self, names: Mapping[str, Any], command: str) -> None:
        super().__init__(names)
        self._command = command

    def begin(self) -> None:
        """Run it, and end when what it waits for is there."""
        self.prompt.run(self._command)
        when_done(self.prompt).addCallback(lambda _: self.end())

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Read nothing: the command is all."""

    def input_ended(self) -> None:
        """Go on: the command did not come this way."""


def common_beginning(names: Sequence[str]) -> str:
    """Return what all names begin with; of none, nothing."""
    first, last = (min(names), max(names)) if names else ("", "")
    size = next((at for at, letter in enumerate(first) if last[at : at + 1] != letter), len(first))
    return first[:size]


def when_done(prompt: Prompt) -> Deferred[Any]:
    """Fire when every Deferred that was shown has fired."""
    return DeferredList([_fired(each) for each in prompt.pending])


def _fired(deferred: Deferred[Any]) -> Deferred[None]:
    fired: Deferred[None] = Deferred()

    def fire(result: Any) -> Any:
        fired.callback(None)
        return result

    deferred.addBoth(fire)
    return fired


@implementer(ISession)
class ConsoleSession:
    """What a client asks of a session, in whatever order: a terminal or none, then a shell or a command."""

    def __init__(self, reactor: Any, names: Mapping[str, Any]) -> None:
        self._reactor = reactor
        self._names = names
        self._size: tuple[int, int] | None = None
        self._terminal: Terminal | None = None
        self._lines: LineConsole | None = None

    def getPty(self, term: bytes, windowSize: tuple[int, ...], modes: object) -> None:  # noqa: ARG002, N802, N803 - Twisted's interface
        """Remember that there is a terminal, of so many rows and columns."""
        self._size = windowSize[1], windowSize[0]

    def openShell(self, proto: Any) -> None:  # noqa: N802 - Twisted's name
        """Begin a conversation."""
        if self._size is None:
            self._join(proto, LineConsole(self._names))
            return
        output = Output(proto)
        self._terminal = terminal = Terminal(TerminalConsole, self._names)
        terminal.makeConnection(output)
        terminal.terminalProtocol.terminalSize(*self._size)
        proto.makeConnection(Input(terminal.dataReceived, output.close))

    def execCommand(self, proto: Any, command: bytes) -> None:  # noqa: N802 - Twisted's name
        """Run one command, when the client has been told that it will be."""
        console = CommandConsole(self._names, command.decode("utf-8", "replace"))
        self._join(proto, console)
        self._reactor.callLater(0, console.begin)

    def _join(self, proto: Any, console: LineConsole) -> None:
        output = Output(proto)
        self._lines = console
        console.makeConnection(output)
        proto.makeConnection(Input(console.dataReceived, output.close))

    def windowChanged(self, windowSize: tuple[int, ...]) -> None:  # noqa: N802, N803 - Twisted's interface
        """Note the new size."""
        if self._terminal is not None and self._terminal.terminalProtocol is not None:
            self._terminal.terminalProtocol.terminalSize(windowSize[1], windowSize[0])

    def eofReceived(self) -> None:  # noqa: N802 - Twisted's name
        """End when there is nothing more to come."""
        if self._lines is not None:
            self._lines.input_ended()
        elif self._terminal is not None:
            self._terminal.loseConnection()

    def closed(self) -> None:
        """Let go: the client is gone."""
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            terminal.connectionLost(Failure(connectionDone.value))
