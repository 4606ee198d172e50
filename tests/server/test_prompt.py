"""What is typed at the console is run, shown, limited and forgotten; nothing gets out of it."""

from __future__ import annotations

import signal
import sys

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from mika.server import prompt
from mika.server.console_session import common_beginning
from mika.server.prompt import OUTPUT_LIMIT, Prompt


class Console:
    """A prompt, and what it wrote: `said` with an input, `later` afterwards."""

    def __init__(self, **names) -> None:
        self.said = ""
        self.later = ""
        self.prompt = Prompt(names, self._say, self._say_later)

    def _say(self, text):
        self.said += text

    def _say_later(self, text):
        self.later += text

    def type(self, *lines):
        """Type lines; answer what was written, and whether more is needed."""
        self.said = ""
        more = False
        for line in lines:
            more = self.prompt.push(line)
        return self.said, more


def test_values_are_shown_and_kept():
    """As in Python: None is not shown, the last value is `_`."""
    console = Console(x=20)
    assert console.type("x + 1") == ("21\n", False)
    assert console.type("_ * 2") == ("42\n", False)
    assert console.type("None") == ("", False)
    assert console.type("y = _") == ("", False)
    assert console.type("print(y)") == ("42\n", False)


def test_block_waits_for_its_end():
    """And is forgotten when it is dropped."""
    console = Console()
    assert console.type("for i in (1, 2):") == ("", True)
    assert console.type("  i", "") == ("1\n2\n", False)
    console.type("if True:")
    console.prompt.drop()
    assert console.type("5") == ("5\n", False)


def test_names_of_one_session_are_its_own():
    """What is set in one is not seen in another."""
    names = {"x": 1}
    one, other = Console(**names), Console(**names)
    one.type("x = 2")
    assert other.type("x") == ("1\n", False)


def test_deferreds():
    """One that has fired is shown at once; another when it fires, or fails; None says nothing."""
    waiting, failing = Deferred(), Deferred()
    console = Console(
        done=succeed(5), nothing=succeed(None), failed=fail(ValueError("no")), waiting=waiting, failing=failing
    )
    assert console.type("done")[0] == "5\n"
    assert console.type("nothing")[0] == ""
    assert not console.prompt.failed
    assert console.type("failed")[0] == "ValueError: no\n"
    assert console.prompt.failed
    assert console.type("waiting")[0] == "Deferred 3 waits\n"
    assert console.type("failing")[0] == "Deferred 4 waits\n"
    failing.errback(KeyError("x"))
    waiting.callback([1])
    assert console.later == "Deferred 4: KeyError: 'x'\nDeferred 3: [1]\n"
    assert console.prompt.pending == []


def test_coroutine_is_awaited():
    """Most of what changes something is one."""
    console = Console()
    console.type("async def f(): return 7", "")
    assert console.type("f()")[0] == "7\n"


def test_what_takes_too_long_is_interrupted(monkeypatch, log):
    """Also what catches every exception; nothing of it is left behind."""
    monkeypatch.setattr(prompt, "TIME_LIMIT", 0.05)
    before = signal.getsignal(signal.SIGALRM)
    console = Console()
    console.type("def f():", "  while True:", "    try: 1/0", "    except Exception: pass", "")
    said, _ = console.type("f()")
    assert "this took more than 0.05 s" in said
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert console.type("1") == ("1\n", False)


def test_output_is_limited_for_each_input():
    """What is more is cut, and said to be."""
    console = Console()
    said, _ = console.type(f"for i in range(100): print('x' * {OUTPUT_LIMIT // 10})", "")
    assert len(said) < OUTPUT_LIMIT + 100
    assert said.endswith("... cut here\n")
    assert console.type("1") == ("1\n", False)


def test_standard_output_is_given_back():
    """Whatever is done to it."""
    out, hook = sys.stdout, sys.displayhook
    console = Console()
    console.type("import sys; sys.stdout = sys.displayhook = None")
    assert (sys.stdout, sys.displayhook) == (out, hook)
    assert console.type("1") == ("1\n", False)


class Odd:
    """Has an attribute that fails when it is looked at."""

    known = 1

    @property
    def failing(self):
        """Fail."""
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("text", "typed", "found"),
    [
        ("odd.kn", "kn", ["known"]),
        ("print(odd.", "", ["failing", "known"]),
        ("odd.failing.", "", []),
        ("nobody.", "", []),
        ("od", "od", ["odd"]),
        ("impo", "impo", ["import"]),
        ("isinst", "isinst", ["isinstance"]),
        ("1 + ", "", []),
    ],
)
def test_completions(text, typed, found):
    """Of the name at the end; hidden ones only when asked for."""
    assert Console(odd=Odd()).prompt.completions(text) == (typed, found)


def test_hidden_names_are_completed_when_begun():
    """Not otherwise."""
    assert "__class__" in Console(odd=Odd()).prompt.completions("odd.__cl")[1]


@pytest.mark.parametrize(
    ("names", "shared"), [([], ""), (["one"], "one"), (["peer_ttl", "peer_count"], "peer_"), (["a", "b"], "")]
)
def test_common_beginning(names, shared):
    """What Tab can write for sure."""
    assert common_beginning(names) == shared
