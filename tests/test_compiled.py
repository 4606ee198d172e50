"""Compiled or as they are: both forms of each module are there, and what asks for one gets it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from compiling import HAS_COMPILER

import mika
from mika import compiled

ROOT = Path(mika.__file__).parent
ASK = "import mika, mika.tap; from mika import compiled; print(compiled.described(), *compiled.plain())"


def ask(**settings: str) -> list[str]:
    """Return what a process of its own says: in which mode it is, and which modules are plain."""
    environment = {name: value for name, value in os.environ.items() if name != "MIKA_PURE"} | settings
    ended = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    return ended.stdout.split()


def test_each_module_has_its_types_beside_it():
    """A .pxd without a module, or a module that is there to be compiled without one, is forgotten."""
    typed = {path.with_suffix("") for path in ROOT.rglob("*.pxd")}
    assert {path.with_suffix("") for path in ROOT.rglob("_*_cy.py")} <= typed
    assert all(path.with_suffix(".py").exists() for path in typed)
    assert len(compiled.modules()) == len(typed)


@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler, or Python's headers are missing")
def test_what_a_compiler_was_there_for_is_compiled():
    """A build that fell back without anybody noticing would be tested twice as plain Python."""
    assert ask() == ["compiled"]


def test_sources_run_where_they_are_asked_for():
    """One installation can do both."""
    assert ask(MIKA_PURE="1") == ["plain", "Python", *compiled.modules()]


def test_these_tests_run_in_the_mode_that_was_asked_for():
    """`make test` twice must not be the same twice."""
    assert compiled.is_compiled() is (HAS_COMPILER and not compiled.is_pure_wanted())


def test_what_is_compiled_is_of_the_source_as_it_is_now():
    """An extension from before the last change of its source would be tested in its place: `pip install -e .` again."""
    for types in ROOT.rglob("*.pxd"):
        for suffix in EXTENSION_SUFFIXES:
            built = types.with_name(types.stem + suffix)
            if built.exists():
                newest = max(each.stat().st_mtime for each in compiled.sources_of(types))
                assert built.stat().st_mtime >= newest, f"{built} is out of date"
