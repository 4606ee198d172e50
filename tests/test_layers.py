"""The layers, read from the imports: what is pure reaches for nothing outside, and each room knows only its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mika

ROOT = Path(mika.__file__).parent
PROBE = ("probe/answers.py", "probe/finding.py", "probe/meaning.py", "probe/target.py")
FLOW = ("tracker.py", "ordinary.py", "torrent_key.py")
NOUNS = ("model.py", "_totals_cy.py", "_peer_cy.py", "_place_cy.py")
PURE = ("wire", "rules", "swarm", "ledger", "suspicion", *NOUNS, *FLOW, *PROBE)
OUTSIDE = frozenset(
    (
        *("twisted", "zope", "txredisapi", "treq", "sqlalchemy", "alembic", "socket", "ssl", "select", "selectors"),
        *("asyncio", "threading", "multiprocessing", "concurrent", "subprocess", "signal", "os", "io", "pathlib"),
        *("time", "datetime", "random", "secrets", "uuid", "tempfile", "shutil", "logging", "sys"),
        *("mika.server", "mika.store", "mika.admin", "mika.cli", "mika.jobs", "mika.directory", "mika.services"),
        *("mika.tap", "mika.interfaces", "mika.testing", "mika.logs", "mika.welcome", "mika.geography"),
    )
)
"""What a pure module must not reach for: sockets, clocks, chance, the machine, and all that has them."""

ROOMS = sorted({path.stem for path in ROOT.iterdir() if not path.stem.startswith("_")})

NEVER_CALLED = frozenset({"open", "input", "print", "exec", "eval", "__import__"})


def modules(*rooms: str) -> list[Path]:
    """Return the files of rooms (folders or modules of `mika`)."""
    found = [
        path for room in rooms for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))
    ]
    assert found
    return sorted(found)


def imports(source: str) -> Iterator[str]:
    """Name everything that a module imports, wherever in it, from-imports with each name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(source: str) -> Iterator[str]:
    """Name every function that a module calls by its bare name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def reaches(source: str, forbidden: frozenset[str]) -> list[str]:
    """Return what a module imports of what it must not."""
    return [name for name in imports(source) if any(name == each or name.startswith(f"{each}.") for each in forbidden)]


def named(path: Path) -> str:
    """Name a module in the output of the tests."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules(*PURE), ids=named)
def test_pure_module_reaches_for_nothing_outside(path) -> None:
    """No Twisted, no socket, no clock, no global randomness, no store: `now` and chance are arguments."""
    source = path.read_text(encoding="utf-8")
    assert reaches(source, OUTSIDE) == []
    assert NEVER_CALLED.isdisjoint(calls(source))


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("wire", ("mika.swarm", "mika.ledger", "mika.tracker", "mika.config")),
        ("rules", ("mika.ledger", "mika.tracker")),
        ("swarm", ("mika.ledger", "mika.rules", "mika.tracker", "mika.config")),
        ("ledger", ("mika.swarm", "mika.rules", "mika.tracker", "mika.config")),
        ("model.py", tuple(f"mika.{each}" for each in ROOMS)),
        ("errors.py", ("mika", "twisted")),
        ("interfaces.py", ("mika.store", "mika.directory", "mika.server", "mika.tracker")),
        ("config.py", ("mika.store", "mika.server", "mika.admin", "mika.directory", "twisted")),
        ("directory.py", ("mika.store", "mika.server", "mika.admin", "mika.tracker")),
        ("store", ("mika.server", "mika.admin", "mika.directory", "mika.tracker", "mika.swarm", "mika.cli")),
        ("journal.py", ("mika.store", "mika.server", "mika.admin", "mika.tracker", "mika.directory", "mika.swarm")),
        ("flush.py", ("mika.store", "mika.server", "mika.admin", "mika.tracker", "mika.directory")),
        ("jobs.py", ("mika.store", "mika.server", "mika.admin", "mika.tracker")),
        ("admin", ("mika.store", "mika.cli", "mika.tap")),
        ("cli", ("mika.store", "mika.server", "mika.directory", "mika.tracker", "mika.tap")),
        ("server", ("mika.cli", "mika.tap", "mika.store")),
        ("probe", ("mika.cli", "mika.tap", "mika.store", "mika.server", "mika.tracker", "twisted")),
        ("testing", ("mika.server", "mika.admin", "mika.cli", "mika.tap")),
    ],
)
def test_room_knows_only_its_own(room, forbidden) -> None:
    """Each room imports what it needs and nothing from above it."""
    found = {named(path): reaches(path.read_text(encoding="utf-8"), frozenset(forbidden)) for path in modules(room)}
    assert {name: reached for name, reached in found.items() if reached} == {}


def test_only_tap_sees_everything() -> None:
    """One module wires stores, servers and the tracker together: no other knows all three."""
    rooms = ("mika.store", "mika.server", "mika.tracker", "mika.admin")
    seers = [
        named(path)
        for path in modules(".")
        if all(reaches(path.read_text(encoding="utf-8"), frozenset({room})) for room in rooms)
    ]
    assert seers == ["tap.py"]


def test_nobody_imports_tap() -> None:
    """It is the top: only Twisted's plugin names it."""
    assert [
        named(path) for path in modules(".") if reaches(path.read_text(encoding="utf-8"), frozenset({"mika.tap"}))
    ] == []


@pytest.mark.parametrize(
    "planted",
    [
        "import socket",
        "import os.path as path",
        "import time, struct",
        "from time import time",
        "from datetime import datetime",
        "from twisted.internet import reactor",
        "from mika.directory import Directory",
        "from mika import store",
        "import mika.server.http",
        "def late():\n    import random\n    return random.random()",
        "try:\n    import secrets\nexcept ImportError:\n    pass",
        "if True:\n    from asyncio import run",
    ],
)
def test_a_planted_import_is_found(planted) -> None:
    """The tests above can fail: whatever is planted in a pure module, and wherever, is found."""
    source = (ROOT / "tracker.py").read_text(encoding="utf-8")
    assert reaches(source, OUTSIDE) == []
    assert len(reaches(f"{source}\n{planted}\n", OUTSIDE)) == 1


def test_a_planted_call_is_found() -> None:
    """So is a call that reaches outside without an import."""
    assert "open" in set(calls("with open('x') as file:\n    pass"))


@pytest.mark.parametrize(
    "harmless", ["import struct", "from ipaddress import ip_address", "import mika.servers", "import timeit"]
)
def test_harmless_imports_are_not(harmless) -> None:
    """A name that only begins alike is another module."""
    assert reaches(harmless, OUTSIDE) == []
