"""Where the tracker is: options, environment and state directory into its API's URL, token and certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mika.cli.command import InputError

DEFAULT_DIRECTORY = "mika-state"
DEFAULT_URL = "https://127.0.0.1:34001"


@dataclass(frozen=True, slots=True)
class Place:
    """One tracker's API, and what is needed to speak with it.

    `certificate` is a PEM file whose certificates alone are trusted, `None` for the system's. `fingerprint` goes before
    it: a file with the SHA-256 of the one certificate to be trusted, which a tracker on this machine keeps.
    `announce_url` is what members' announce URLs begin with, known of such a tracker only. `token_from` names the
    token's source. `client_certificate` is a PEM file, with its key, to be shown where the tracker wants one.
    """

    url: str
    token: str = field(repr=False)
    token_from: str
    certificate: Path | None = None
    announce_url: str | None = None
    fingerprint: Path | None = None
    client_certificate: Path | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says of the place; empty where it says nothing."""

    state_dir: str = ""
    url: str = ""
    ca: str = ""


def find_place(choice: Choice, environment: Mapping[str, str]) -> Place:
    """Find the tracker, or raise `InputError` saying how to name it.

    The first that applies: `--state-dir`; `MIKA_STATE`; `--url` with the token in `MIKA_TOKEN`; `./mika-state`;
    `MIKA_URL`, `MIKA_TOKEN`, `MIKA_CA`. `--url` and `--ca` replace what was found.
    """
    named = choice.state_dir or environment.get("MIKA_STATE", "")
    directory = Path(named or DEFAULT_DIRECTORY)
    by_url = choice.url and environment.get("MIKA_TOKEN")
    if named and not directory.is_dir():
        raise InputError(f"there is no state directory {directory}: start the tracker, or name another by --state-dir")
    if named or (directory.is_dir() and not by_url):
        return _place_of_directory(directory, choice, environment)

    token = _checked_token(environment.get("MIKA_TOKEN", ""), "MIKA_TOKEN")
    url = choice.url or environment.get("MIKA_URL", "")
    if not token and not url:
        raise InputError(
            f"which tracker? There is no ./{DEFAULT_DIRECTORY} here: name its state directory by --state-dir or "
            "MIKA_STATE, or set MIKA_URL and MIKA_TOKEN"
        )
    if not token:
        raise InputError(f"there is no token for {_checked_url(url)}: set MIKA_TOKEN")
    ca = choice.ca or environment.get("MIKA_CA", "")
    return Place(
        _checked_url(url or DEFAULT_URL),
        token,
        "MIKA_TOKEN",
        Path(ca) if ca else None,
        client_certificate=_path(environment, "MIKA_CERT"),
    )


def _place_of_directory(directory: Path, choice: Choice, environment: Mapping[str, str]) -> Place:
    token_file, certificate = directory / "api-token", directory / "api-certificate.pem"
    fingerprint = directory / "api-fingerprint"  # which the tracker keeps, whatever certificate is configured
    token_from = str(token_file)
    token = _checked_token(_read_line(token_file, optional="MIKA_TOKEN" in environment), token_from)
    if not token and environment.get("MIKA_TOKEN"):  # the file is for the tracker's user alone
        token_from = "MIKA_TOKEN"  # noqa: S105 - the name of a variable
        token = _checked_token(environment["MIKA_TOKEN"], token_from)
    if not token:
        raise InputError(f"there is no token in {token_file}: start the tracker once, or set MIKA_TOKEN")
    return Place(
        url=_checked_url(choice.url or _read_line(directory / "api-url", optional=True) or DEFAULT_URL),
        token=token,
        token_from=token_from,
        certificate=Path(choice.ca) if choice.ca else certificate if certificate.exists() else None,
        announce_url=_read_line(directory / "announce-url", optional=True).rstrip("/") or None,
        fingerprint=fingerprint if fingerprint.exists() and not choice.ca else None,
        client_certificate=_path(environment, "MIKA_CERT"),
    )


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def _read_line(path: Path, *, optional: bool) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        if optional:
            return ""
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"cannot read {path}: {reason}; run as the tracker's user, or set MIKA_TOKEN") from None


def _checked_token(token: str, source: str) -> str:
    token = token.strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InputError(f"what is in {source} is not a token")
    return token


def _checked_url(url: str) -> str:
    """Return the URL without a slash at its end; it must be https, and carry neither a secret nor a query."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment or not (url.isascii() and url.isprintable()):
        raise InputError(f"the API's URL is written https://HOST:PORT, for instance {DEFAULT_URL}")
    return url.rstrip("/")
