"""mika.toml and the environment into a configuration, or into one line that names the key that is wrong."""

from __future__ import annotations

import ipaddress
import itertools
import tomllib
from pathlib import Path

import pytest

from mika.config import Config, is_live, load_config
from mika.config_text import print_config
from mika.config_values import HostPort
from mika.errors import ConfigError
from mika.model import NANO_POINTS

SHIPPED = Path(__file__).parent.parent / "etc" / "mika.toml"


@pytest.fixture
def load(tmp_path):
    """Return what loads a TOML text under an environment."""

    def load(text: str | bytes, **environ: str) -> Config:
        path = tmp_path / "mika.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, environ)

    return load


def refused(load, text: str | bytes, **environ: str) -> str:
    """Return the line with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        load(text, **environ)
    assert "\n" not in str(caught.value)
    assert "Error" not in str(caught.value)
    return str(caught.value)


# ---- the default


def test_shipped_file_is_what_is_printed() -> None:
    """`etc/mika.toml` is `--print-config`, to the letter."""
    assert SHIPPED.read_text(encoding="utf-8") == print_config()


def test_printed_config_loads_back_to_the_default() -> None:
    """What is printed is the default, and names every key of every section with its meaning."""
    assert load_config(SHIPPED, {}) == load_config(None, {}) == Config()
    written = tomllib.loads(print_config())
    assert {name: list(keys) for name, keys in written.items()} == {
        name: list(type(getattr(Config(), name)).model_fields) for name in Config.model_fields
    }
    lines = print_config().splitlines()
    keys = [place for place, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(keys) == sum(map(len, written.values()))
    assert all(lines[place - 1].startswith("# ") for place in keys)


def test_fixed_keys_are_there() -> None:
    """The keys that the design fixes have their names, and the defaults that it fixes."""
    fixed = {
        *("listen", "listen_tls", "ipv4", "ipv6", "public", "auto_register", "announce_interval"),
        *("announce_interval_minimum", "interval_jitter", "peer_ttl", "counters_ttl", "numwant_default", "numwant_max"),
        *("allow_non_routable", "allow_client_ip", "trusted_proxies", "peers_per_user_torrent", "negative_ttl"),
        "whitelist",
    }
    tracker = Config().tracker
    assert fixed <= set(type(tracker).model_fields)
    assert {address.port for address in tracker.listen} == {34000}
    assert (tracker.counters_ttl, tracker.peers_per_user_torrent, tracker.whitelist) == (21 * 86400, 5, False)
    assert Config().api.listen == HostPort("127.0.0.1", 34001)
    stores = Config().stores
    assert (stores.users, stores.torrents, stores.peers, stores.poll_interval) == (*["sqlite:"] * 3, 2)


def test_live_keys_are_marked_where_they_are_explained() -> None:
    """`(live)` behind the words in the file is what the declaration says."""
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    section, marked = "", set()
    for comment, line in itertools.pairwise(lines):
        section = line.strip("[]") if line.startswith("[") else section
        if " = " in line and not line.startswith("#") and comment.endswith(" (live)"):
            marked.add((section, line.partition(" = ")[0]))
    every = {(section, name) for section, keys in tomllib.loads(print_config()).items() for name in keys}
    assert marked == {each for each in every if is_live(*each)}
    assert ("tracker", "numwant_max") in marked
    assert ("tracker", "listen") in every - marked


def test_what_is_shown_loads_back(load) -> None:
    """As JSON, a configuration is what a file would say, and means the same."""
    config = load(
        """
        [tracker]
        listen = ["[::1]:5", "127.0.0.1:0"]
        announce_interval = "1h30m5s"
        interval_jitter = "1500ms"
        negative_ttl = 0
        trusted_proxies = ["10.0.0.0/8", "::1"]
        [credit]
        multiplier_up = 1.125
        [bonus]
        per_hour = 0.000000001
        per_gib = 12.5
        """
    )
    shown = config.model_dump(mode="json")
    tracker = shown["tracker"]
    assert tracker["listen"] == ["[::1]:5", "127.0.0.1:0"]
    durations = ("announce_interval", "interval_jitter", "negative_ttl", "counters_ttl")
    assert [tracker[name] for name in durations] == ["1h30m5s", "1s500ms", "0s", "21d"]
    assert tracker["trusted_proxies"] == ["10.0.0.0/8", "::1/128"]
    assert shown["credit"] == {"multiplier_up": 1.125, "multiplier_down": 1, "windows": []}
    assert (shown["bonus"]["per_hour"], shown["bonus"]["per_gib"]) == (1e-9, 12.5)
    assert Config.model_validate(shown) == config


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:accounts.sqlite", "sqlite:accounts.sqlite"),
        ("my.package:Class", "my.package:Class"),
        ("postgresql://mika@db/mika", "postgresql://***@db/mika"),
        ("postgresql://mika:s3cret@db/mika?sslmode=verify-full", "postgresql://mika:***@db/mika?sslmode=verify-full"),
        ("mysql://mika:s3@cret/x@db:1/mika", "mysql://mika:***@db:1/mika"),
        ("postgresql:///mika?host=/run&user=a&password=s3cret", "postgresql:///mika?host=/run&user=a&password=***"),
        ("redis://:s3cret@cache/0", "redis://:***@cache/0"),
        ("https://:s3cret@site.example/api?ca=/x.pem", "https://:***@site.example/api?ca=/x.pem"),
        (
            "https://site.example/?token_file=/run/token&Token=s3cret",
            "https://site.example/?token_file=/run/token&Token=***",
        ),
    ],
)
def test_secrets_in_urls_are_not_shown(url, shown) -> None:
    """Whoever may read the configuration may not read the databases."""
    assert Config(stores={"users": url}).masked().stores.users == shown


# ---- what is read


def test_values(load) -> None:
    """Durations become seconds, multipliers thousandths, points nano-points, addresses and networks values."""
    config = load(
        """
        [tracker]
        listen = ["127.0.0.1:0", "[::1]:34000", "*:1", ":2", "localhost:3", "::1:4"]
        announce_interval = "1h30m"
        announce_interval_minimum = "90s"
        interval_jitter = "1500ms"
        peer_ttl = "2h"
        counters_ttl = "1w2d"
        negative_ttl = 0
        trusted_proxies = ["10.0.0.0/8", "::1"]
        [credit]
        multiplier_up = 1.5
        multiplier_down = 0
        [bonus]
        per_hour = 0.000000001
        """
    )
    tracker = config.tracker
    assert [tuple(each) for each in tracker.listen] == [
        ("127.0.0.1", 0),
        ("::1", 34000),
        ("0.0.0.0", 1),
        ("0.0.0.0", 2),
        ("127.0.0.1", 3),
        ("::1", 4),
    ]
    assert (tracker.announce_interval, tracker.announce_interval_minimum, tracker.interval_jitter) == (5400, 90, 1.5)
    assert (tracker.peer_ttl, tracker.counters_ttl, tracker.negative_ttl) == (7200, 9 * 86400, 0)
    assert tracker.trusted_proxies == [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1")]
    assert (config.credit.multiplier_up, config.credit.multiplier_down, config.bonus.per_hour) == (1500, 0, 1)


def test_defaults_give_way(load) -> None:
    """A short interval or a small maximum alone contradicts nobody: the other's default gives way."""
    tracker = load('[tracker]\nannounce_interval = "2m"\nnumwant_max = 20').tracker
    assert (tracker.minimum, tracker.numwant) == (120, 20)


def test_config_is_frozen() -> None:
    """Nobody changes a configuration by accident."""
    with pytest.raises(ValueError, match="frozen"):
        Config().tracker.public = True


@pytest.mark.parametrize(
    ("name", "text", "section", "key", "value"),
    [
        ("MIKA_TRACKER__NUMWANT_MAX", "20", "tracker", "numwant_max", 20),
        ("MIKA_TRACKER__NUMWANT_MAX", " 20 ", "tracker", "numwant_max", 20),
        ("MIKA_TRACKER__PUBLIC", "true", "tracker", "public", True),
        ("MIKA_TRACKER__PUBLIC", "Yes", "tracker", "public", True),
        ("MIKA_TRACKER__IPV6", "off", "tracker", "ipv6", False),
        ("MIKA_TRACKER__IPV6", "0", "tracker", "ipv6", False),
        ("MIKA_TRACKER__PEER_TTL", "1h", "tracker", "peer_ttl", 3600),
        ("MIKA_TRACKER__LISTEN", '["127.0.0.1:0"]', "tracker", "listen", [HostPort("127.0.0.1", 0)]),
        ("MIKA_TRACKER__LISTEN", "127.0.0.1:0, [::1]:0", "tracker", "listen", [("127.0.0.1", 0), ("::1", 0)]),
        ("MIKA_TRACKER__LISTEN_TLS", "", "tracker", "listen_tls", []),
        (
            "MIKA_TRACKER__TRUSTED_PROXIES",
            "10.0.0.0/8",
            "tracker",
            "trusted_proxies",
            [ipaddress.ip_network("10.0.0.0/8")],
        ),
        ("MIKA_API__LISTEN", "127.0.0.1:0", "api", "listen", HostPort("127.0.0.1", 0)),
        ("MIKA_STORES__USERS", "memory:", "stores", "users", "memory:"),
        ("MIKA_CREDIT__MULTIPLIER_UP", "1.5", "credit", "multiplier_up", 1500),
        ("MIKA_BONUS__PER_HOUR", "2", "bonus", "per_hour", 2 * NANO_POINTS),
        ("MIKA_GENERAL__STATE_DIR", "/srv/mika", "general", "state_dir", "/srv/mika"),
        ("MIKA_STATE", "/srv/mika", "general", "state_dir", "/srv/mika"),
    ],
)
def test_environment(name, text, section, key, value) -> None:
    """Every key is a variable too, written as an operator writes it."""
    assert getattr(getattr(load_config(None, {name: text}), section), key) == value


def test_environment_lies_over_the_file(load) -> None:
    """A variable replaces the one key of the file, and no other."""
    tracker = load("[tracker]\nnumwant_max = 10\npublic = true", MIKA_TRACKER__NUMWANT_MAX="20").tracker
    assert (tracker.numwant_max, tracker.public) == (20, True)


def test_state_directory(load) -> None:
    """`MIKA_STATE` goes before the file, as variables do; the key's own variable is more exact and goes before it."""
    assert load("", MIKA_STATE="/a").general.state_dir == "/a"
    assert load('[general]\nlog_level = "warn"', MIKA_STATE="/a").general.state_dir == "/a"
    assert load('[general]\nstate_dir = "/b"', MIKA_STATE="/a").general.state_dir == "/a"
    assert load("", MIKA_STATE="/a", MIKA_GENERAL__STATE_DIR="/c").general.state_dir == "/c"
    assert load("").general.state_dir == "./mika-state"


def test_other_variables_are_none_of_ours() -> None:
    """The command's own variables and those of others are passed over."""
    environ = {
        "MIKA_URL": "x",
        "MIKA_TOKEN": "x",
        "MIKA_CA": "x",
        "MIKA_PURE": "1",
        "MIKA_SERVICE_HOST": "10.0.0.1",
        "MIKA_PORT_34000_TCP": "tcp://10.0.0.1:34000",
        "PATH": "/bin",
        "TRACKER__PUBLIC": "1",
    }
    assert load_config(None, environ) == Config()


# ---- what is refused


BAD_FILES = [
    ("[tracker", "not TOML"),
    ("tracker = ", "not TOML"),
    ("[tracker]\npublic = True", "not TOML"),
    ("[tracker]\npublic = true\npublic = true", "not TOML"),
    (b"\xff\xfe[tracker]", "not TOML"),
    ("[trackers]", "trackers: there is no such key"),
    ("[tracker]\nnumwant = 5", "tracker.numwant: there is no such key"),
    ("[Tracker]", "Tracker: there is no such key"),
    ("numwant_max = 5", "numwant_max: there is no such key"),
    ("tracker = 5", "tracker: this is a section, written [tracker]"),
    ("general = 'x'", "general: this is a section"),
    ("[[tracker]]", "tracker: this is a section"),
    ("[general]\nlog_level = 'loud'", "general.log_level: "),
    ("[general]\nlog_format = 'xml'", "general.log_format: "),
    ("[general]\nstate_dir = ''", "general.state_dir: "),
    ("[general]\nstate_dir = 5", "general.state_dir: "),
    ("[stores]\nusers = 5", "stores.users: "),
    ("[tracker]\nlisten = '0.0.0.0:34000'", "tracker.listen: "),
    ("[tracker]\nlisten = [34000]", 'tracker.listen: "host:port" is needed'),
    ("[tracker]\nlisten = ['34000']", 'tracker.listen: "host:port" is needed'),
    ("[tracker]\nlisten = ['0.0.0.0:']", 'tracker.listen: "host:port" is needed'),
    ("[tracker]\nlisten = ['0.0.0.0:x']", 'tracker.listen: "host:port" is needed'),
    ("[tracker]\nlisten = ['0.0.0.0:70000']", "tracker.listen: the port of '0.0.0.0:70000' is greater than 65535"),
    ("[tracker]\nlisten = ['tracker.example:80']", "tracker.listen: the host of 'tracker.example:80' is not an IP"),
    ("[tracker]\npublic = 'yes'", "tracker.public: "),
    ("[tracker]\npublic = 1", "tracker.public: "),
    ("[tracker]\nipv4 = false\nipv6 = false", "tracker: ipv4 and ipv6 are both off"),
    ("[tracker]\nannounce_interval = 1800", 'tracker.announce_interval: a duration is written like "30m"'),
    ("[api]\naudit_size = 1000", 'api.audit_size: a size is written like "16MiB"'),
    ('[api]\naudit_size = "16 MB"', 'api.audit_size: a size is written like "16MiB"'),
    ('[api]\naudit_size = "0B"', "api.audit_size: Input should be greater than 0"),
    ('[api]\ncors_origins = ["https://a.example/"]', "api.cors_origins: an origin is needed"),
    ('[api]\ncors_origins = ["a.example"]', "api.cors_origins: an origin is needed"),
    ("[api]\nrate_limit = -1", "api.rate_limit: Input should be greater than or equal to 0"),
    ("[tracker]\nannounce_interval = '30'", "tracker.announce_interval: a duration"),
    ("[tracker]\nannounce_interval = '30 m'", "tracker.announce_interval: a duration"),
    ("[tracker]\nannounce_interval = '-5m'", "tracker.announce_interval: a duration"),
    ("[tracker]\nannounce_interval = '0s'", "tracker.announce_interval: "),
    ("[tracker]\nannounce_interval = '2d'", "tracker.announce_interval: "),
    ("[tracker]\nannounce_interval = true", "tracker.announce_interval: "),
    ("[tracker]\npeer_ttl = '" + "9" * 400 + "w'", "tracker.peer_ttl: "),
    ("[tracker]\npeer_ttl = '" + "9" * 5000 + "s'", "tracker.peer_ttl: "),
    (
        "[tracker]\nannounce_interval = '10m'\nannounce_interval_minimum = '20m'",
        "tracker: announce_interval_minimum is gre",
    ),
    ("[tracker]\nnumwant_default = 60\nnumwant_max = 50", "tracker: numwant_default is greater than numwant_max"),
    ("[tracker]\nnumwant_max = -1", "tracker.numwant_max: "),
    ("[tracker]\nnumwant_max = 2001", "tracker.numwant_max: "),
    ("[tracker]\nnumwant_max = 5.0", "tracker.numwant_max: "),
    ("[tracker]\nnumwant_max = '5'", "tracker.numwant_max: "),
    ("[tracker]\npeers_per_user_torrent = 0", "tracker.peers_per_user_torrent: "),
    ("[tracker]\ntrusted_proxies = ['10.0.0.0/33']", "tracker.trusted_proxies: "),
    ("[tracker]\ntrusted_proxies = ['10.0.0.1/8']", "tracker.trusted_proxies: 10.0.0.1/8 has host bits set"),
    ("[tracker]\ntrusted_proxies = ['proxy']", "tracker.trusted_proxies: "),
    ("[tracker]\ntrusted_proxies = [10]", "tracker.trusted_proxies: an address or a network is needed"),
    ("[api]\nlisten = ['127.0.0.1:34001']", "api.listen: "),
    ("[api]\nlisten = '127.0.0.1'", "api.listen: "),
    ("[api]\ncertificate = 'x.pem'", "api: certificate and key are given both or not at all"),
    ("[api]\nkey = 'x.pem'", "api: certificate and key"),
    ("[credit]\nmultiplier_up = -1", "credit.multiplier_up: "),
    ("[credit]\nmultiplier_up = 1.0005", "credit.multiplier_up: a number with at most 3 decimals is needed"),
    ("[credit]\nmultiplier_up = 'double'", "credit.multiplier_up: a number"),
    ("[credit]\nmultiplier_up = true", "credit.multiplier_up: a number"),
    ("[credit]\nmultiplier_up = nan", "credit.multiplier_up: a number"),
    ("[credit]\nmultiplier_up = inf", "credit.multiplier_up: a number"),
    ("[credit]\nmultiplier_up = 1e300", "credit.multiplier_up: "),
    ("[credit]\nmultiplier_up = '1e999999999'", "credit.multiplier_up: "),
    ("[credit]\nmultiplier_down = 1001", "credit.multiplier_down: "),
    ("[bonus]\nper_hour = 0.0000000001", "bonus.per_hour: a number with at most 9 decimals is needed"),
    ("[bonus]\nper_gib = [1]", "bonus.per_gib: a number"),
    ("[credit]\nwindows = [{until = 2026-12-24T00:00:00Z}]", "credit.windows from: this is needed"),
    ("[credit]\nwindows = [{from = 'noon', until = 2026-12-24}]", "credit.windows from: a time is written like"),
    ("[credit]\nwindows = [{from = 2026-12-24, until = 7}]", "credit.windows until: a time is written like"),
    ("[credit]\nwindows = [{from = 2026-12-24, until = 2026-12-24}]", "credit.windows: until must be later than from"),
    ("[bonus]\nenabled = 'on'", "bonus.enabled: "),
    ("[flush]\ninterval = '0s'", "flush.interval: "),
    ("[flush]\nbatch = 0", "flush.batch: "),
]


@pytest.mark.parametrize(("text", "words"), BAD_FILES, ids=[words[:40] for _, words in BAD_FILES])
def test_bad_file_is_refused_by_the_key(load, text, words) -> None:
    """A file that cannot be used is refused in one line that names the key."""
    assert words in refused(load, text)


BAD_VARIABLES = [
    ("MIKA_TRACKER__NUMWANT", "5", "there is no such key"),
    ("MIKA_TRACKER_NUMWANT_MAX", "5", "this is written MIKA_TRACKER__NUMWANT_MAX, with two underscores"),
    ("MIKA_GENERAL_STATE_DIR", "/srv", "this is written MIKA_GENERAL__STATE_DIR"),
    ("MIKA_TRACKERS__NUMWANT_MAX", "5", "there is no such key"),
    ("MIKA_TRACKER__", "5", "there is no such key"),
    ("MIKA___PUBLIC", "5", "there is no such key"),
    ("MIKA_TRACKER__NUMWANT_MAX", "many", ""),
    ("MIKA_TRACKER__NUMWANT_MAX", "", ""),
    ("MIKA_TRACKER__NUMWANT_MAX", "99999", ""),
    ("MIKA_TRACKER__PUBLIC", "maybe", "true or false is needed"),
    ("MIKA_TRACKER__PUBLIC", "", "true or false is needed"),
    ("MIKA_TRACKER__PEER_TTL", "45", "a duration is written like"),
    ("MIKA_TRACKER__LISTEN", "34000", "valid list"),
    ("MIKA_TRACKER__LISTEN", "[1]", '"host:port" is needed'),
    ("MIKA_TRACKER__TRUSTED_PROXIES", "everybody", ""),
    ("MIKA_API__LISTEN", "api.example:1", "is not an IP address"),
    ("MIKA_CREDIT__MULTIPLIER_UP", "two", "a number with at most 3 decimals"),
    ("MIKA_GENERAL__LOG_LEVEL", "loud", ""),
    ("MIKA_GENERAL__STATE_DIR", "", ""),
]


@pytest.mark.parametrize(("name", "text", "words"), BAD_VARIABLES)
def test_bad_variable_is_refused_by_its_name(load, name, text, words) -> None:
    """A variable that cannot be used is refused in one line that names the variable."""
    line = refused(load, "[tracker]\nnumwant_max = 7", **{name: text})
    assert line.startswith(f"{name}: ")
    assert words in line


def test_several_mistakes_are_said_at_once(load) -> None:
    """All that is wrong is in the one line, each mistake once."""
    line = refused(load, "[tracker]\nnumwant_max = -1\nlisten = [1, 2]\n[nonsense]")
    assert line.count("tracker.listen: ") == line.count("tracker.numwant_max: ") == line.count("nonsense: ") == 1


def test_file_that_is_not_there(tmp_path) -> None:
    """A file that cannot be read is named, with what the system says."""
    with pytest.raises(ConfigError, match="No such file or directory") as caught:
        load_config(tmp_path / "absent.toml", {})
    assert str(tmp_path / "absent.toml") in str(caught.value)
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path, {})
