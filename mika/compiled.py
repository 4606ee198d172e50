"""Whether modules that have a .pxd beside them run compiled or as they are; `MIKA_PURE=1` asks for the latter.

The package imports it first. An installation may have both forms of each module, and Python takes the compiled one;
with `MIKA_PURE=1` a finder before all others takes the source, so that one installation can be tested in both modes.
It does so too in a source tree where one was changed after it was compiled: what is edited is what runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent


class Sources:
    """Finds the source of a module that may be compiled, where Python would take the compiled form."""

    @staticmethod
    def find_spec(
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG004 - the interface of a finder
    ) -> ModuleSpec | None:
        """Answer for modules of ours alone."""
        package, _, name = fullname.rpartition(".")
        if not path or package.partition(".")[0] != __package__:
            return None
        source = Path(path[0]) / f"{name}.py"
        return spec_from_file_location(fullname, source) if source.with_suffix(".pxd").exists() else None


def is_pure_wanted() -> bool:
    """Say whether `MIKA_PURE` is set."""
    return os.environ.get("MIKA_PURE", "0") not in {"", "0"}


def modules() -> list[str]:
    """Name every module that may be compiled."""
    return [
        ".".join((__package__, *path.relative_to(ROOT).with_suffix("").parts)) for path in sorted(ROOT.rglob("*.pxd"))
    ]


def plain() -> list[str]:
    """Name those of them that run as they are."""
    specs = {name: find_spec(name) for name in modules()}
    return [name for name, spec in specs.items() if spec is None or not str(spec.origin).endswith(_SUFFIXES)]


def runs_compiled(module: ModuleType) -> bool:
    """Say whether a module that was imported runs compiled."""
    return str(module.__file__).endswith(_SUFFIXES)


def is_compiled() -> bool:
    """Say whether all of them run compiled."""
    return not plain()


def described() -> str:
    """Say it in a word, for `--version`."""
    return "compiled" if is_compiled() else "plain Python"


_SUFFIXES = tuple(EXTENSION_SUFFIXES)


def sources_of(types: Path) -> list[Path]:
    """Return what the compiled form of a module is made of: its .pxd, and the module or, if it has one, its twin.

    A twin, a .pyx, is for arrays in C, which plain Python cannot run.
    """
    twin = types.with_suffix(".pyx")
    return [types, twin if twin.exists() else types.with_suffix(".py")]


def is_stale() -> bool:
    """Say whether this is a source tree in which a module was changed after it was compiled."""
    return (ROOT.parent / "setup.py").exists() and any(
        built.stat().st_mtime < max(each.stat().st_mtime for each in sources_of(types))
        for types in ROOT.rglob("*.pxd")
        for built in [types.with_name(types.stem + EXTENSION_SUFFIXES[0])]
        if built.exists()
    )


if is_pure_wanted() or is_stale():  # all of them or none: compiled modules look into each other
    sys.meta_path.insert(0, Sources)
