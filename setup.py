"""Compiles the modules that have a .pxd beside them, where it can; what setup.cfg says is all the rest.

Each is ordinary Python, and its .pxd says which C types its names have. Without a compiler, or with MIKA_PURE=1, they
run as they are.
"""

import os
from pathlib import Path

from setuptools import setup

# A sum past 64 bits is negative, and not undefined; a product and a sum are rounded one by one, as in Python.
C_OPTIONS = ["-g0", "-fwrapv", "-ffp-contract=off"]

DIRECTIVES = {
    "language_level": 3,
    "nonecheck": True,  # None in the place of an object is an error, as in Python, and not the end of the process
    "annotation_typing": False,  # annotations are for readers and mypy; types are the .pxd's
}


def source_of(types: Path) -> Path:
    """Return what is compiled: the module itself, or its twin for C arrays, which plain Python cannot run."""
    twin = types.with_suffix(".pyx")
    return twin if twin.exists() else types.with_suffix(".py")


def compiled() -> dict[str, object]:
    """Return what makes extensions of the modules; nothing where that is not wanted, or there is no Cython."""
    if os.environ.get("MIKA_PURE", "0") not in {"", "0"}:
        return {}
    try:
        from Cython.Distutils import build_ext  # noqa: PLC0415 - may be missing
        from Cython.Distutils.extension import Extension  # noqa: PLC0415
    except ImportError:
        return {}
    modules = [
        Extension(
            ".".join(path.with_suffix("").parts),
            [str(source_of(path))],
            optional=True,  # without a compiler, or Python's headers, the module is installed as it is
            cython_directives=DIRECTIVES,
            cython_c_in_temp=True,
            extra_compile_args=C_OPTIONS,
        )
        for path in sorted(Path("mika").rglob("*.pxd"))
    ]
    return {"ext_modules": modules, "cmdclass": {"build_ext": build_ext}}


setup(**compiled())
