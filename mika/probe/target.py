"""An announce URL as it was given: where it leads, what is asked for there, and what of it must not be printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_from_bytes, unquote, urlsplit

from mika.errors import MikaError

PLAIN = re.compile(r"(announce|scrape|tracker|bt|tr|t|a|x)?(\.php)?", re.IGNORECASE)
"""Parts of a path that are no secret, whoever's tracker it is. What is not here may be a passkey."""

HIDDEN = "…"


class TargetError(MikaError):
    """This is no announce URL that can be tested; the text says why, and does not repeat the URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a tracker is, and the path and query of its announces. `secrets` never leave by any output."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    query: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def secure(self) -> bool:
        """Say whether it is spoken to over TLS."""
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """Return the beginning of the URL, which holds no secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def shown(self) -> str:
        """Return the URL as it may be printed."""
        return self.hide(self.origin + self.path)

    @property
    def scrape_path(self) -> str | None:
        """Return where it is scraped: BEP 48 puts `scrape` for the `announce` after the last slash, or `None`."""
        before, _, last = self.path.rpartition("/")
        return f"{before}/scrape{last.removeprefix('announce')}" if last.startswith("announce") else None

    def announce(self, info_hash: bytes, parameters: Mapping[str, object]) -> str:
        """Return path and query of an announce."""
        return self._asking(self.path, info_hash, parameters)

    def scrape(self, info_hash: bytes) -> str | None:
        """Return path and query of a scrape, if BEP 48 knows where."""
        return None if self.scrape_path is None else self._asking(self.scrape_path, info_hash, {})

    def hide(self, text: str) -> str:
        """Take the secrets out of a text, which a tracker may have repeated to us."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _asking(self, path: str, info_hash: bytes, parameters: Mapping[str, object]) -> str:
        pairs = [f"info_hash={quote_from_bytes(info_hash, safe='')}"]
        pairs += [f"{name}={value}" for name, value in parameters.items()]
        return path + "?" + "&".join(([self.query] if self.query else []) + pairs)


def read_target(url: str) -> Target:
    """Read the URL that a member puts into a client; raise `TargetError` if no client could use it."""
    if not url.isprintable() or " " in url:
        raise TargetError("the URL has spaces or control characters in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetError(
            "the URL is malformed: its port is a number from 1 to 65535, IPv6 addresses are in [ ]"
        ) from None
    if parts.scheme == "udp":
        raise TargetError("trackers over UDP are not tested yet: give the http:// or https:// URL")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TargetError("an announce URL is written http://HOST:PORT/PASSKEY/announce, or with https")
    if "@" in parts.netloc:
        raise TargetError("a name and password before the host are not understood by clients: leave them out")
    if port == 0:
        raise TargetError("there is no port 0")
    try:
        host = parts.hostname.encode("ascii" if parts.hostname.isascii() else "idna").decode()
    except UnicodeError:
        raise TargetError("the host of the URL is no name that could be looked up") from None
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return Target(
        parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path, query, _secrets(path, query)
    )


def _secrets(path: str, query: str) -> tuple[str, ...]:
    """Return whatever could be a passkey, in all spellings, longest first: a part of one is hidden with the whole."""
    found = {part for part in path.split("/") if not PLAIN.fullmatch(part)}
    found |= {value for _name, value in parse_qsl(query)} | {pair.partition("=")[2] for pair in query.split("&")}
    found |= {unquote(each) for each in found}
    found |= {each.lower() for each in found} | {each.upper() for each in found}
    return tuple(sorted((each for each in found if len(each) > 2), key=len, reverse=True))
