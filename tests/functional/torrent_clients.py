"""Real BitTorrent clients on the loopback, which find each other through the tracker or not at all.

Both speak the same words here: `add` a torrent, `let_go` of a download that is held back, what was `moved`, `leave`.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import urllib.request
import uuid
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

import libtorrent
from functional.tracker_process import PATIENCE, clean_environment, wait_until

TRICKLE = 32 * 1024
"""Bytes a second at which a download is held back: slow enough to look at a swarm while it leeches."""


class Moved(NamedTuple):
    """What a client itself counted of one torrent since it joined, and tells the tracker: bytes of content."""

    uploaded: int
    downloaded: int


class Client(Protocol):
    """A client with one torrent. `announce_path` is the form of the announce URL that it is given."""

    port: int
    announce_path: str

    def add(self, torrent: bytes, directory: Path) -> None:
        """Begin with a torrent whose content is, or will be, in `directory`; a download is held back."""

    def let_go(self) -> None:
        """Hold the download back no more."""

    def is_complete(self) -> bool:
        """Say whether the whole content is there."""

    def moved(self) -> Moved:
        """Return what was moved so far."""

    def handed(self) -> int:
        """Return how many peers the tracker handed out in one answer at most, as far as the client shows it."""

    def connected(self) -> set[str]:
        """Return the endpoints of the peers to which there are connections, such as [::1]:6881."""

    def leave(self) -> None:
        """Stop the torrent, and tell the tracker so."""

    def close(self) -> None:
        """End the client."""


LIBTORRENT_SETTINGS = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "announce_to_all_tiers": True,
    # By default it announces to a tracker on the same machine only where the path begins with /announce.
    "ssrf_mitigation": False,
    "alert_mask": libtorrent.alert.category_t.tracker_notification,
    "alert_queue_size": 100_000,
}


class Libtorrent:
    """A libtorrent session, listening at the given loopback addresses on one free port."""

    announce_path = "/{passkey}/announce"

    def __init__(self, *hosts: str) -> None:
        self.port = free_port()
        interfaces = ",".join(endpoint(host, self.port) for host in hosts)
        self._session = libtorrent.session(LIBTORRENT_SETTINGS | {"listen_interfaces": interfaces})
        self._torrent: Any = None
        self._handed = 0

    def add(self, torrent: bytes, directory: Path) -> None:
        """Begin at once, by hand rather than by libtorrent's queue, which would start what was stopped."""
        parameters = libtorrent.load_torrent_buffer(torrent)
        parameters.save_path = str(directory)
        parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
        parameters.download_limit = TRICKLE
        self._torrent = self._session.add_torrent(parameters)

    def let_go(self) -> None:
        """Lift the limit."""
        self._torrent.set_download_limit(0)

    def is_complete(self) -> bool:
        """Ask the torrent."""
        return bool(self._torrent.status().is_seeding)

    def moved(self) -> Moved:
        """Return the payload counters as it announces them: without what came twice."""
        status = self._torrent.status()
        return Moved(status.total_payload_upload, status.total_payload_download - status.total_redundant_bytes)

    def handed(self) -> int:
        """Read the answers that have come since the last look."""
        for alert in self._session.pop_alerts():
            assert not isinstance(alert, libtorrent.tracker_warning_alert), alert
            if isinstance(alert, libtorrent.tracker_error_alert):
                assert not alert.error_message(), alert  # without words it is libtorrent's own: no socket of a family
            if isinstance(alert, libtorrent.tracker_reply_alert):
                self._handed = max(self._handed, alert.num_peers)
        return self._handed

    def connected(self) -> set[str]:
        """Ask the torrent."""
        return {endpoint(*peer.ip) for peer in self._torrent.get_peer_info()}

    def leave(self) -> None:
        """Pause the torrent."""
        self._torrent.pause()

    def close(self) -> None:
        """Drop the session, which waits for its last announces for a second at most."""
        self._session.apply_settings({"stop_tracker_timeout": 1})
        del self._session, self._torrent


QBITTORRENT_PROFILE = r"""
[LegalNotice]
Accepted=true

[Preferences]
Connection\ResolvePeerCountries=false
WebUI\Address=127.0.0.1
WebUI\LocalHostAuth=false
WebUI\Port={web_port}

[BitTorrent]
Session\AnnounceToAllTiers=true
Session\DHTEnabled=false
Session\Interface=lo
Session\InterfaceName=lo
Session\LSDEnabled=false
Session\MultiConnectionsPerIp=true
Session\PeXEnabled=false
Session\Port={port}
Session\QueueingSystemEnabled=false

[Network]
PortForwardingEnabled=false
"""


class Qbittorrent:
    """A qbittorrent-nox with a profile of its own under `directory`, driven by its Web API."""

    announce_path = "/announce/{passkey}"  # see `ssrf_mitigation` above: this client is as it comes

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._web = f"http://127.0.0.1:{free_port()}/api/v2/"
        self._hash = ""
        profile = directory / "qBittorrent" / "config" / "qBittorrent.conf"
        profile.parent.mkdir(parents=True)
        web_port = self._web.rpartition(":")[2].partition("/")[0]
        profile.write_text(QBITTORRENT_PROFILE.format(port=self.port, web_port=web_port))
        self._output = directory / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                ["qbittorrent-nox", f"--profile={directory}"],
                env=clean_environment(HOME=str(directory)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            version = wait_until("qbittorrent-nox answers", self._answers)
        except BaseException:
            self.close()
            raise
        # What was called pause is called stop since version 5.
        self._pause = "pause" if tuple(map(int, version.split("."))) < (2, 11) else "stop"

    def _answers(self) -> str:
        assert self._process.poll() is None, self._output.read_text()
        try:
            return self._get("app/webapiVersion").decode()
        except OSError:  # not yet, or not ready for it
            return ""

    def add(self, torrent: bytes, directory: Path) -> None:
        """Send the file as a form does."""
        self._hash = libtorrent.load_torrent_buffer(torrent).ti.info_hashes().v1.to_bytes().hex()
        fields = {"savepath": str(directory), "dlLimit": str(TRICKLE)}
        boundary = uuid.uuid4().hex.encode()
        form = b"".join(
            b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
            % (boundary, name.encode(), value.encode())
            for name, value in fields.items()
        )
        form += b'--%s\r\nContent-Disposition: form-data; name="torrents"; filename="content.torrent"\r\n' % boundary
        form += b"Content-Type: application/x-bittorrent\r\n\r\n%s\r\n--%s--\r\n" % (torrent, boundary)
        self._post("torrents/add", form, f"multipart/form-data; boundary={boundary.decode()}")
        wait_until("qbittorrent-nox has the torrent", self._torrent)

    def let_go(self) -> None:
        """Lift the limit."""
        self._post("torrents/setDownloadLimit", urlencode({"hashes": self._hash, "limit": 0}).encode())

    def is_complete(self) -> bool:
        """Ask for the torrent."""
        torrent = self._torrent()[0]
        return torrent["progress"] == 1 and torrent["state"] in ("uploading", "stalledUP")

    def moved(self) -> Moved:
        """Return the counters of this session, which are what it announces."""
        torrent = self._torrent()[0]
        return Moved(torrent["uploaded_session"], torrent["downloaded_session"])

    def handed(self) -> int:
        """Ask what the trackers answered; DHT and its like, which it lists with them, have no peers."""
        trackers = json.loads(self._get(f"torrents/trackers?hash={self._hash}"))
        return max(tracker["num_peers"] for tracker in trackers)

    def connected(self) -> set[str]:
        """Ask for the peers."""
        peers = json.loads(self._get(f"sync/torrentPeers?hash={self._hash}")).get("peers", {})
        return {endpoint(peer["ip"], peer["port"]) for peer in peers.values()}

    def leave(self) -> None:
        """Pause the torrent."""
        self._post(f"torrents/{self._pause}", urlencode({"hashes": self._hash}).encode())

    def close(self) -> None:
        """End the process, which saves its state, and kill it if that takes too long."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)
            raise

    def _torrent(self) -> list[dict[str, Any]]:
        torrents: list[dict[str, Any]] = json.loads(self._get(f"torrents/info?hashes={self._hash}"))
        return torrents

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self._web + path, timeout=PATIENCE) as response:
            content: bytes = response.read()
        return content

    def _post(self, path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> None:
        request = urllib.request.Request(self._web + path, body, {"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            response.read()


def endpoint(host: str, port: int) -> str:
    """Write an address and a port as one."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def free_port() -> int:
    """Return a port that is free for TCP and uTP over IPv4 and IPv6, and that the kernel gives to nobody by itself."""
    while True:
        port = random.randrange(10_000, 30_000)
        opened = []
        try:
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    opened.append(socket.socket(family, kind))
                    opened[-1].bind((host, port))
        except OSError:
            continue
        else:
            return port
        finally:
            for each in opened:
                each.close()
