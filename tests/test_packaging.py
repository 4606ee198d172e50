"""What is built of this tree and installed elsewhere is the whole tracker: it starts there and makes its database."""

from __future__ import annotations

import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from compiling import HAS_COMPILER
from functional.tracker_process import clean_environment, wait_until

import mika

TREE = Path(__file__).parents[1]
LEFT_BEHIND = shutil.ignore_patterns(
    ".*", "*.egg-info", "*.so", "__pycache__", "build", "dist", "mika-state", "results", "bin", "node_modules"
)
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2]))
"""


def run(*words, cwd: Path, **settings: str) -> str:
    """Run a program that must succeed, and return what it printed."""
    ended = subprocess.run(
        words, cwd=cwd, env=clean_environment(**settings), capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module", params=["0", "1"], ids=["compiled", "pure"])
def pure(request) -> str:
    """Return what `MIKA_PURE` is during the build."""
    if request.param == "0" and not HAS_COMPILER:
        pytest.skip("there is no C compiler, or Python's headers are missing")
    return request.param


@pytest.fixture(scope="module")
def built(pure, tmp_path_factory) -> tuple[Path, Path]:
    """Build an sdist of a copy of the tree, and of nothing but that sdist a wheel, with the back end that is asked for.

    The back end is what pip would fetch to build: it is fetched once here, into a directory of its own.
    """
    directory = tmp_path_factory.mktemp("packaging")
    copy = directory / "copy"
    shutil.copytree(TREE, copy, ignore=LEFT_BEHIND)
    required = tomllib.loads((TREE / "pyproject.toml").read_text())["build-system"]["requires"]
    back_end = directory / "back-end"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", back_end, *required, cwd=directory)
    found = run(sys.executable, "-c", BUILD, "sdist", directory, cwd=copy, PYTHONPATH=str(back_end), MIKA_PURE=pure)
    sdist = directory / found.splitlines()[-1]
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    unpacked = directory / sdist.name.removesuffix(".tar.gz")
    found = run(sys.executable, "-c", BUILD, "wheel", directory, cwd=unpacked, PYTHONPATH=str(back_end), MIKA_PURE=pure)
    return sdist, directory / found.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """Install the wheel in an environment of its own; return its directory of programs.

    The libraries are those of this environment, named by path, so that its editable mika is not among them.
    """
    directory = tmp_path_factory.mktemp("elsewhere")
    environment = directory / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=directory)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", built[1]),
        cwd=directory,
    )
    return python.parent


def test_wheel_has_what_the_tracker_needs_and_nothing_else(built, pure):
    """Every module, compiled too, the plugin without an __init__ beside it, the marker of types; no tests."""
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    modules = {str(path.relative_to(TREE)) for path in (TREE / "mika").rglob("*.py")}
    types = {str(path.relative_to(TREE)) for path in (TREE / "mika").rglob("*.pxd")}
    twins = {str(path.relative_to(TREE)) for path in (TREE / "mika").rglob("*.pyx")}
    assets = {str(path.relative_to(TREE)) for path in (TREE / "mika/admin/assets").iterdir()}
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    built_here = {name.removesuffix(".pxd") + suffix for name in types if pure == "0"}
    others = {"mika/py.typed", "twisted/plugins/mika_plugin.py"}
    assert names == modules | types | twins | assets | built_here | others
    assert built[1].name.endswith("-none-any.whl") is (pure == "1")
    assert any(name.startswith("mika/store/migrations/versions/0001") for name in names)


def test_wheel_says_what_it_is(built):
    """Name, version, licence, Python, the requirements and the command."""
    with zipfile.ZipFile(built[1]) as wheel:
        (place,) = [name.partition("/")[0] for name in wheel.namelist() if name.endswith("/METADATA")]
        metadata = message_from_string(wheel.read(f"{place}/METADATA").decode())
        commands = wheel.read(f"{place}/entry_points.txt").decode()
        assert f"{place}/licenses/LICENSE" in wheel.namelist()
    assert (metadata["Name"], metadata["Version"]) == ("mika", mika.__version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert (metadata["License-Expression"] or metadata["License"]) == "MIT"
    assert "mika = mika.cli:main" in commands
    required = {line.split(";")[0].split("[")[0].split(">")[0].strip() for line in metadata.get_all("Requires-Dist")}
    assert {"twisted", "sqlalchemy", "alembic", "pydantic", "treq", "click", "rich", "bencode.py"} <= required


def test_sdist_has_what_a_packager_needs(built):
    """The tree's metadata, licence and README, and the sources."""
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "mika/tap.py",
        "mika/_totals_cy.pxd",
    } <= names
    assert "twisted/plugins/mika_plugin.py" in names


def test_installed_tracker_starts_and_makes_its_database(installed, pure, tmp_path):
    """Away from the tree: `twistd` finds the plugin, the migrations are there, and `mika` is a command."""
    mode = "plain Python" if pure == "1" else "compiled"
    assert run(installed / "mika", "--version", cwd=tmp_path, MIKA_PURE="0").endswith(f"({mode})\n")
    where = "import mika, mika.tap; print(mika.__file__)"
    assert run(installed / "python", "-c", where, cwd=tmp_path).startswith(str(installed.parent))
    assert "client" in run(installed / "mika", "--help", cwd=tmp_path)
    twistd = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"
    log = tmp_path / "log"
    settings = {"MIKA_TRACKER__LISTEN": "127.0.0.1:0", "MIKA_API__LISTEN": "127.0.0.1:0"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [installed / "python", "-c", twistd, "-n", "--pidfile=", "mika"],
            cwd=tmp_path,
            env=clean_environment(**settings),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until("it is ready", lambda: "mika is ready" in log.read_text() or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "mika is ready" in log.read_text()
    assert (tmp_path / "mika-state" / "mika.sqlite").exists()
