"""The adapter of docs/write-a-store.md: what the page says of it is so, installed or beside the configuration."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from functional.tracker_process import TWISTD, clean_environment
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.testing import PeerStoreContract

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "peer_store.py"
ENTRY_POINTS = "[mika.stores]\nswarms = peer_store:PeerStore\n"


@pytest.fixture(scope="module", autouse=True)
def _on_the_path():
    """Let Python find the example, as it finds what is installed."""
    sys.path.insert(0, str(EXAMPLE.parent))
    yield
    sys.path.remove(str(EXAMPLE.parent))
    sys.modules.pop("peer_store", None)


class TestPeerStore(PeerStoreContract, TestCase):
    """It passes the contract."""

    def make_store(self):
        """Return a store in the test's directory."""
        self.directory = getattr(self, "directory", None) or Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        return import_module("peer_store").PeerStore(reactor, self.directory)


def check_config(directory, url):
    """Have twistd check a configuration that names a peers store, and return what it came to."""
    (directory / "mika.toml").write_text(f'[stores]\npeers = "{url}"\n')
    return subprocess.run(
        [TWISTD, "mika", "--config=mika.toml", "--check-config"],
        cwd=directory,
        env=clean_environment(PYTHONPATH=str(directory)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def site_packages(tmp_path):
    """Make a directory with the module alone, which is then on the path."""
    (tmp_path / "peer_store.py").write_bytes(EXAMPLE.read_bytes())
    return tmp_path


def test_class_is_found_by_its_name(site_packages):
    """`package.module:Class`, in whatever is on Python's path."""
    ended = check_config(site_packages, "peer_store:PeerStore")
    assert (ended.returncode, ended.stdout) == (0, "The configuration is fine.\n"), ended.stderr


def test_distribution_is_found_by_its_entry_point(site_packages):
    """The name in the group `mika.stores` of a distribution is enough."""
    assert check_config(site_packages, "swarms").stderr.startswith(
        "mika: stores.peers: no installed package has a store 'swarms'"
    )
    info = site_packages / "swarms-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: swarms\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    ended = check_config(site_packages, "swarms")
    assert (ended.returncode, ended.stdout) == (0, "The configuration is fine.\n"), ended.stderr


def test_kind_that_it_is_not_is_refused(site_packages):
    """A peers store keeps no users, and the check says so."""
    (site_packages / "mika.toml").write_text('[stores]\nusers = "peer_store:PeerStore"\n')
    ended = check_config(site_packages, 'sqlite:"\nusers = "peer_store:PeerStore')
    assert ended.returncode == 1
    assert ended.stderr == "mika: stores.users: peer_store:PeerStore does not provide mika.interfaces.IUserStore\n"


def test_page_says_what_is_tested():
    """It is as short as promised, and the page shows the entry point that is tried here."""
    page = (DOCS / "write-a-store.md").read_text()
    assert len(EXAMPLE.read_text().splitlines()) < 100
    assert ENTRY_POINTS.strip() in page
    assert "examples/peer_store.py" in page
