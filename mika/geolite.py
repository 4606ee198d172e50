"""Databases of MaxMind, brought up to date over HTTPS with an operator's licence key; `mika geo update` calls it.

What is downloaded is checked against its published checksum, opened, and only then put in the place of the old file in
one step, so that a tracker that reads it never sees half of one. The key is in no URL, no argument and no message.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shutil
import ssl
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

import maxminddb

from mika.errors import ConfigError, MikaError

SITE = "https://download.maxmind.com"
TIMEOUT = 60.0
LARGEST = 1 << 30
"""Bytes that an archive, and a database in it, may have."""

_EDITION = re.compile(r"Geo[A-Za-z0-9]+-[A-Za-z0-9-]+")
_SUM = re.compile(r"\s*([0-9a-fA-F]{64})\b")


class DownloadError(MikaError):
    """A database could not be brought up to date; the old one is as it was."""


@dataclass(frozen=True, slots=True)
class Licence:
    """An account at MaxMind, and its key."""

    account: str
    key: str = field(repr=False)


def read_licence(file: Path | None, environ: Mapping[str, str]) -> Licence:
    """Find the licence: in a file as MaxMind's own updater reads it (GeoIP.conf), else in that program's variables.

    The file has lines `AccountID 123` and `LicenseKey …`. `ConfigError` says what is missing.
    """
    if file is not None:
        words = dict(line.split(None, 1) for line in _text(file).splitlines() if len(line.split(None, 1)) == 2)
        account, key = words.get("AccountID", "").strip(), words.get("LicenseKey", "").strip()
        if not account or not key:
            raise ConfigError(f"{file}: lines AccountID and LicenseKey are needed, as in MaxMind's GeoIP.conf")
        return Licence(account, key)
    account, key = environ.get("GEOIPUPDATE_ACCOUNT_ID", ""), environ.get("GEOIPUPDATE_LICENSE_KEY", "")
    if environ.get("GEOIPUPDATE_LICENSE_KEY_FILE"):
        key = _text(Path(environ["GEOIPUPDATE_LICENSE_KEY_FILE"])).strip()
    if not account or not key:
        raise ConfigError(
            "no licence: set GEOIPUPDATE_ACCOUNT_ID and GEOIPUPDATE_LICENSE_KEY (or GEOIPUPDATE_LICENSE_KEY_FILE), or "
            "name a GeoIP.conf with --licence; a free account is at https://www.maxmind.com/en/geolite2/signup"
        )
    return Licence(account, key)


def edition_of(path: Path) -> str:
    """Return which of MaxMind's databases a file is by its name; `ConfigError` if it is none."""
    if path.suffix != ".mmdb" or not _EDITION.fullmatch(path.stem):
        raise ConfigError(f"{path}: only files named after an edition can be updated, such as GeoLite2-City.mmdb")
    return path.stem


class Updater:
    """Downloads databases from one site with one licence."""

    def __init__(self, licence: Licence, site: str = SITE) -> None:
        if not site.startswith("https://"):
            raise ConfigError("the site must be https://, or the licence key could be read on the way")
        self._site = site.rstrip("/")
        word = base64.b64encode(f"{licence.account}:{licence.key}".encode()).decode()
        self._authorization = f"Basic {word}"
        context = urllib.request.HTTPSHandler(context=ssl.create_default_context())
        self._opener = urllib.request.build_opener(context, _OverHttpsAlone())

    def update(self, path: Path) -> bool:
        """Bring one file up to date; answer whether it was not. `DownloadError` leaves the old one as it was."""
        edition = edition_of(path)
        wanted = self._checksum(edition)
        note = path.with_name(path.name + ".sha256")
        with contextlib.suppress(OSError):
            if path.exists() and note.read_text() == wanted:
                return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile() as archive:
            self._download(edition, wanted, archive)
            _replace(path, archive)
        note.write_text(wanted)
        return True

    def _checksum(self, edition: str) -> str:
        with self._open(edition, "tar.gz.sha256") as response:
            found = _SUM.match(self._read(response, 4096).decode("latin-1"))
        if found is None:
            raise DownloadError(f"{edition}: the site's checksum is none")
        return found[1].lower()

    def _download(self, edition: str, wanted: str, archive: IO[bytes]) -> None:
        digest = hashlib.sha256()
        size = 0
        with self._open(edition, "tar.gz") as response:
            while part := self._read(response, 1 << 16):
                size += len(part)
                if size > LARGEST:
                    raise DownloadError(f"{edition}: the site sends more than {LARGEST >> 20} MiB")
                digest.update(part)
                archive.write(part)
        if digest.hexdigest() != wanted:
            raise DownloadError(f"{edition}: what came does not have the site's checksum; try again later")
        archive.seek(0)

    def _open(self, edition: str, suffix: str) -> Any:
        request = urllib.request.Request(f"{self._site}/geoip/databases/{edition}/download?suffix={suffix}")  # noqa: S310 - https, see above
        request.add_header("User-Agent", "mika")
        request.add_unredirected_header("Authorization", self._authorization)  # not to where a redirect leads
        try:
            return self._opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as problem:
            with problem:
                hint = {401: ": is the licence right?", 404: ": is there such an edition?", 429: ": too often today"}
                raise DownloadError(
                    f"{edition}: the site answers {problem.code} {problem.reason}{hint.get(problem.code, '')}"
                ) from None
        except urllib.error.URLError as problem:
            raise DownloadError(f"{edition}: {self._site} cannot be reached: {problem.reason}") from None
        except (OSError, HTTPException) as problem:
            raise DownloadError(f"{edition}: {self._site} cannot be reached: {problem}") from None

    def _read(self, response: Any, size: int) -> bytes:
        try:
            data: bytes = response.read(size)
        except (OSError, HTTPException) as problem:
            raise DownloadError(f"the connection to {self._site} was lost: {problem}") from None
        return data


class _OverHttpsAlone(urllib.request.HTTPRedirectHandler):
    """Follows redirects as long as nobody can read along."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            fp.close()
            raise urllib.error.URLError("it redirects to a place without TLS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _replace(path: Path, archive: IO[bytes]) -> None:
    """Take the database out of an archive, check it, and put it in the place of `path`."""
    copy = None
    try:
        with tarfile.open(fileobj=archive, mode="r:gz") as files:
            member = next((each for each in files if each.isfile() and each.name.endswith(".mmdb")), None)
            source = None if member is None else files.extractfile(member)
            if source is None or member is None or member.size > LARGEST:
                raise DownloadError(f"{path.stem}: there is no database in what came")
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
                copy = Path(file.name)
                shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
        maxminddb.open_database(copy).close()
        copy.chmod(0o644)
        copy.replace(path)
        copy = None
    except (tarfile.TarError, zlib.error, EOFError, maxminddb.InvalidDatabaseError):
        raise DownloadError(f"{path.stem}: what came is not a database") from None
    except OSError as problem:
        raise DownloadError(f"{path}: {problem.strerror or problem}") from None
    finally:
        if copy is not None:
            copy.unlink()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{file}: {getattr(problem, 'strerror', None) or 'this is not text'}") from None
