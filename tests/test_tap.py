"""`twistd mika`: its options, and what it is made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from functional.tracker_process import TWISTD, clean_environment
from twisted.application.service import IServiceMaker, ServiceMaker
from twisted.conch.ssh.keys import Key
from twisted.internet import reactor
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError

from mika import __version__
from mika.compiled import described
from mika.config import load_config
from mika.config_text import print_config
from mika.debts import Debts
from mika.errors import ConfigError
from mika.follow import Follow
from mika.jobs import Flusher, Reaper, Syncer
from mika.ledger.credit import Window
from mika.pulse import Pulse
from mika.refresh import Refresher
from mika.server.admin import AdminService
from mika.server.console import ConsoleService
from mika.server.listen import AnnounceService
from mika.services import InOrder, JournalService, StoresService, SwarmsService
from mika.signals import Ready, Reloads
from mika.tap import Options, check_config, makeService, services
from mika.welcome import Welcome


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Say nothing of another tracker."""
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)


def options(*words: str) -> Options:
    """Return the options of a command line."""
    parsed = Options()
    parsed.parseOptions(list(words))
    return parsed


def ended(capsys, *words: str) -> tuple[object, str]:
    """Return what a command line that ends at once ends with (0: well; else its words), and what it prints."""
    with pytest.raises(SystemExit) as caught:
        options(*words)
    return caught.value.code, capsys.readouterr().out


def config_file(tmp_path: Path, text: str) -> str:
    """Write a configuration, and return how it is named on the command line."""
    path = tmp_path / "mika.toml"
    path.write_text(text)
    return f"--config={path}"


# ---- options


def test_print_config_prints_every_key(capsys, tmp_path):
    """It is a configuration that changes nothing, whatever else is on the command line."""
    status, printed = ended(capsys, "--config=/no/such/file", "--print-config")
    assert (status, printed) == (0, print_config())
    path = tmp_path / "printed.toml"
    path.write_text(printed)
    assert load_config(path, {}) == load_config(None, {})


def test_good_config_is_fine(capsys, tmp_path):
    """The check says so, and leaves nothing behind: no state directory, no certificate, no database."""
    config = config_file(tmp_path, '[tracker]\npublic = true\nlisten_tls = ["0.0.0.0:34443"]\n')
    assert ended(capsys, config, "--check-config") == (0, "The configuration is fine.\n")
    assert [each.name for each in tmp_path.iterdir()] == ["mika.toml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tracker]\nnumwant = 5\n", "mika: tracker.numwant: there is no such key; see --print-config"),
        ('[tracker]\npeer_ttl = "soon"\n', "mika: tracker.peer_ttl: a duration is written like"),
        ('[stores]\nusers = "oracle:"\n', "mika: stores.users: "),
        ('[stores]\npeers = "no_such_module:Class"\n', "mika: stores.peers: cannot import no_such_module"),
        ('[stores]\npeers = "collections:OrderedDict"\n', "mika: stores.peers: "),
        (
            '[api]\ncertificate = "/no/chain.pem"\nkey = "/no/key.pem"\n',
            "mika: /no/chain.pem: No such file or directory",
        ),
        ("[tracker", "this is not TOML"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--check-config",)], ids=["start", "check"])
def test_bad_config_ends_in_one_line(text, words, flags, tmp_path, capsys):
    """Checked or started with: the line names the key or the file, and nothing is left behind."""
    config = config_file(tmp_path, text)
    with pytest.raises(SystemExit) as caught:
        makeService(options(config, *flags))
    said = str(caught.value.code)
    assert words in said
    assert len(said.splitlines()) == 1
    assert said.startswith("mika: ")
    assert capsys.readouterr().out == ""
    assert [each.name for each in tmp_path.iterdir()] == ["mika.toml"]


def test_config_that_is_not_there(capsys):
    """Its path and why."""
    assert ended(capsys, "--config=/no/mika.toml") == ("mika: /no/mika.toml: No such file or directory", "")


def test_environment_is_checked_too(capsys, monkeypatch):
    """The variable is named, as that is what the operator wrote."""
    monkeypatch.setenv("MIKA_TRACKER__NUMWANT_MAX", "many")
    status, _ = ended(capsys, "--check-config")
    assert str(status).startswith("mika: MIKA_TRACKER__NUMWANT_MAX: ")


@pytest.mark.parametrize("words", [["--no-such-option"], ["--config"], ["an-argument"]])
def test_unknown_option_is_refused(words):
    """By twistd, in its own words."""
    with pytest.raises(UsageError):
        options(*words)


def test_version_and_help(capsys):
    """`twistd mika --version` and `--help`."""
    assert ended(capsys, "--version") == (0, f"mika {__version__} ({described()})\n")
    status, printed = ended(capsys, "--help")
    assert status == 0
    for flag in ("--config", "--check-config", "--print-config"):
        assert flag in printed


# ---- what it is made of

IN_ORDER = [
    *(Reloads, StoresService, JournalService, SwarmsService, Flusher, Syncer, Refresher, Reaper),
    *(Pulse, Debts, Follow, AnnounceService, AdminService, Welcome, Ready),
]


def test_services_in_the_order_in_which_they_start(tmp_path):
    """Stores before who writes to them, all of that before a port is open; in reverse they stop."""
    made = makeService(options(config_file(tmp_path, '[stores]\nusers = "memory:"\npeers = "memory:"\n')))
    assert isinstance(made, InOrder)
    assert [type(each) for each in made] == IN_ORDER
    assert [each.parent for each in made] == [made] * len(IN_ORDER)


def test_parts_share_what_they_must(tmp_path):
    """One swarms, one directory, one reactor: what an announce changes is what is flushed, expired and shown."""
    config = load_config(None, {"MIKA_STATE": str(tmp_path / "state"), "MIKA_FLUSH__BATCH": "77"})
    made = list(services(config, reactor, {"config": None}))
    reloads, stores, kept, swarms, flusher, syncer, refresher, reaper, pulse, *made = made
    debts, follow, announces, admin, _, ready = made
    tracker = announces._factory.tracker
    directory = announces._factory.directory
    context = admin._site.api._context
    assert directory is stores._directory is tracker.facts is context.directory
    users, torrents, peers, history = flusher.flushes
    assert swarms._swarms is peers._swarms is reaper.swarms is tracker.swarms is directory._swarms is context.swarms
    assert kept._journal is swarms._journal is flusher.journal is syncer.journal is users._journal
    assert tracker.journal is flusher.journal.tail
    assert {flush._pace.most for flush in flusher.flushes} == {77}
    parts = reloads._live._parts
    assert context.configuration is reloads._live
    assert ready._reloads is reloads
    assert reloads._read_whitelist == directory.read_whitelist
    assert (parts.announces, parts.directory) == (announces, directory)
    assert (parts.flusher, parts.syncer, parts.log) == (flusher, syncer, reloads._log)
    assert stores._hear == refresher.hear
    assert refresher._directory is debts._directory is follow._directory is directory
    assert follow._swarms is swarms._swarms
    assert follow._journal is flusher.journal
    assert flusher.read_to() == follow.read_to
    assert users._users is directory.users_by_id
    assert torrents._torrents is directory.torrents
    assert tracker.ledger._roles is directory.roles
    assert users._store is stores._stores.users is directory.user_store
    assert users._store is torrents._store is peers._store is history._store
    figures = context.figures
    assert (figures.pulse, figures.journal, figures.census._swarms) == (pulse, flusher.journal, tracker.swarms)
    assert figures.census._torrents is directory.torrents
    assert figures.traffic == {"http": announces._factory.traffic}
    assert figures.events.publish == directory.publish == users.publish == torrents.publish == peers.publish
    assert figures.events is announces._factory.watch._events
    assert {each.url for each in context.health().stores} == {"sqlite:"}
    assert context.health().queues == {"users": 0, "torrents": 0, "peers": 0, "history": 0}


@pytest.mark.parametrize(
    ("tracker", "served"),
    [
        ({}, ["0.0.0.0:34000", "[::]:34000"]),
        ({"ipv6": "false"}, ["0.0.0.0:34000"]),
        ({"ipv4": "false"}, ["[::]:34000"]),
        ({"listen": '["127.0.0.1:1", "[::1]:2"]', "listen_tls": "[::1]:3"}, ["127.0.0.1:1", "[::1]:2", "[::1]:3 TLS"]),
        ({"listen": "[]", "listen_tls": "127.0.0.1:3, [::1]:3", "ipv6": "off"}, ["127.0.0.1:3 TLS"]),
    ],
)
def test_addresses_of_the_families_that_are_served(tracker, served, tmp_path):
    """Plain and over TLS; a family that is off has no port."""
    environ = {f"MIKA_TRACKER__{name.upper()}": value for name, value in tracker.items()}
    config = load_config(None, environ | {"MIKA_STATE": str(tmp_path / "state")})
    announces = next(each for each in services(config, reactor, {"config": None}) if isinstance(each, AnnounceService))
    found = [f"{address}{' TLS' if secure else ''}" for address, secure in announces._wanted]
    assert found == served
    assert (announces._context is not None) == any("TLS" in each for each in served)


@pytest.mark.parametrize(
    ("environ", "rates"),
    [
        ({}, {"multiplier_up": 1000, "multiplier_down": 1000, "per_hour": 10**9, "scarcity": 4000, "seed_limit": 3600}),
        ({"MIKA_BONUS__ENABLED": "false"}, {"per_hour": 0}),
        ({"MIKA_BONUS__PER_HOUR": "0.5", "MIKA_BONUS__PER_GIB": "0.000000001"}, {"per_hour": 5 * 10**8, "per_gib": 1}),
        ({"MIKA_CREDIT__MULTIPLIER_UP": "1.25", "MIKA_CREDIT__MULTIPLIER_DOWN": "0"}, {"multiplier_up": 1250}),
        ({"MIKA_TRACKER__ANNOUNCE_INTERVAL": "10m"}, {"seed_limit": 1200}),
        ({"MIKA_BONUS__PER_YEAR": "0.5"}, {"per_year": 5 * 10**8}),
        (
            {
                "MIKA_CREDIT__WINDOWS": "[{from = 2026-12-24T01:00:00+01:00, until = '2026-12-25', "
                "multiplier_down = 0}, {from = 2026-12-24, until = 2026-12-24T00:00:01, multiplier_up = 1.5}]"
            },
            {
                "windows": (
                    Window(1_798_070_400, 1_798_156_800, 1000, 0),
                    Window(1_798_070_400, 1_798_070_401, 1500, 1000),
                )
            },
        ),
    ],
)
def test_rates_are_those_of_the_configuration(environ, rates, tmp_path):
    """In thousandths, nano-points and seconds; bonus that is off is worth nothing."""
    config = load_config(None, environ | {"MIKA_STATE": str(tmp_path / "state")})
    announces = next(each for each in services(config, reactor, {"config": None}) if isinstance(each, AnnounceService))
    found = announces._factory.tracker.ledger.rates
    assert {name: getattr(found, name) for name in rates} == rates


def test_check_finds_what_only_use_shows(tmp_path):
    """A certificate that does not fit its key, a store that cannot be made."""
    environ = {"MIKA_API__CERTIFICATE": str(tmp_path), "MIKA_API__KEY": str(tmp_path)}
    with pytest.raises(ConfigError, match="Is a directory"):
        check_config(load_config(None, environ))


def test_console_is_made_where_keys_are_configured(tmp_path):
    """It stops before what it looks into does, and its names are about the same parts."""
    key = Key(Ed25519PrivateKey.generate()).public().toString("openssh").decode()
    (tmp_path / "keys").write_text(key + "\n")
    environ = {"MIKA_STATE": str(tmp_path / "state"), "MIKA_MANHOLE__AUTHORIZED_KEYS": str(tmp_path / "keys")}
    made = list(services(load_config(None, environ), reactor, {"config": None}))
    types = [type(each) for each in made]
    assert types == [*IN_ORDER[:-2], ConsoleService, *IN_ORDER[-2:]]
    names = made[types.index(ConsoleService)]._factory.portal.realm._names
    announces = made[types.index(AnnounceService)]
    assert names["tracker"] is announces._factory.tracker
    assert names["loglevel"]() == "info"
    with pytest.raises(ValueError, match="the levels are debug"):
        names["loglevel"]("loud")


# ---- as twistd has it


def test_plugin_is_there_once():
    """And names the module that has the rest."""
    makers = [each for each in getPlugins(IServiceMaker) if each.tapname == "mika"]
    assert len(makers) == 1
    assert isinstance(makers[0], ServiceMaker)
    assert makers[0].module == "mika.tap"


def test_listing_plugins_does_not_load_the_tracker(tmp_path):
    """Whatever `twistd` is asked for, it looks at all plugins: ours must not bring a database library with it."""
    program = """
import sys
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
assert "mika" in {each.tapname for each in getPlugins(IServiceMaker)}
print([name for name in sys.modules if name.partition(".")[0] in ("mika", "sqlalchemy", "pydantic")])
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_twistd_lists_mika_and_refuses_what_it_does_not_know(tmp_path):
    """As a user sees it: `twistd --help`, and an option that is not there."""
    listed = _twistd(tmp_path, "--help")
    assert listed.returncode == 0
    (line,) = [line for line in listed.stdout.splitlines() if line.split()[:1] == ["mika"]]
    assert "private BitTorrent tracker" in line
    refused = _twistd(tmp_path, "-n", "mika", "--no-such-option")
    assert refused.returncode == 1
    assert "no-such-option" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


def _twistd(directory, *words):
    return subprocess.run(
        [TWISTD, *words],
        cwd=directory,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
