"""A site that is mika's store: docs/remote-store.md in one file, on SQLite, with nothing but the standard library.

    SITE_TOKEN=... python site_store.py --database site.sqlite --port 8443 --certificate site.pem --key site-key.pem

Every request is one transaction: all of it is kept, or nothing. What your site's own code changes in the same database
is told to mika by the triggers at the end of SCHEMA.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import re
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import asin, cos, radians, sin, sqrt
from typing import Any
from urllib.parse import parse_qsl

Row = dict[str, Any]
Rows = list[Row]
Work = Callable[..., Row]

TOTALS = (
    *("uploaded", "downloaded", "uploaded_real", "downloaded_real"),
    *("bonus", "seed_seconds", "announces", "completed"),
)
USER = (
    *("id", "name", "passkey", "role", "enabled", "download_enabled", "upload_enabled"),
    *("multiplier_up", "multiplier_down", "remote_id", "created_at", "updated_at"),
)
ROLE = (
    *("id", "name", "priority", "multiplier_up", "multiplier_down", "download_enabled", "upload_enabled"),
    *("download_slots", "peers_per_user_torrent"),
)
TORRENT = (
    *("info_hash", "info_hash_v2", "name", "size", "enabled", "deleted", "reason"),
    *("multiplier_up", "multiplier_down", "created_at", "updated_at"),
)
FLAGS = {"enabled", "download_enabled", "upload_enabled", "deleted"}
TEXTS = {"name", "passkey", "remote_id", "info_hash", "info_hash_v2", "reason", "prefix"}
LARGEST = 2**63 - 1  # a total that would grow past it stays there


def columns(names: Iterable[str]) -> str:
    """Declare columns; SQLite makes numbers of the digits that are put into an INTEGER one."""
    return ", ".join(f"{name} {'TEXT' if name in TEXTS else 'INTEGER'}" for name in names)


SCHEMA = f"""
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns((*USER[1:], *TOTALS))});
CREATE UNIQUE INDEX IF NOT EXISTS users_passkey ON users (passkey);
CREATE TABLE IF NOT EXISTS roles (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns(ROLE[1:])});
CREATE TABLE IF NOT EXISTS torrents (info_hash TEXT PRIMARY KEY, {columns((*TORRENT[1:], *TOTALS))});
CREATE INDEX IF NOT EXISTS torrents_short ON torrents (substr(info_hash_v2, 1, 40));
CREATE TABLE IF NOT EXISTS completions (info_hash TEXT, user_id INTEGER, PRIMARY KEY (info_hash, user_id));
CREATE TABLE IF NOT EXISTS whitelist (prefix TEXT PRIMARY KEY, name TEXT);
CREATE TABLE IF NOT EXISTS peers (info_hash TEXT, user_id INTEGER, peer_id TEXT, facts TEXT,
    PRIMARY KEY (info_hash, user_id, peer_id));
CREATE TABLE IF NOT EXISTS marks (kind TEXT, instance TEXT, number INTEGER, PRIMARY KEY (kind, instance));
CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, key TEXT);
INSERT OR IGNORE INTO roles VALUES (1, 'member', 0, 1000, 1000, 1, 1, NULL, NULL);
"""
for _table, _kind, _key, _facts in (
    ("users", "user", "id", USER),
    ("roles", "role", "id", ROLE),
    ("torrents", "torrent", "info_hash", TORRENT),
    ("whitelist", "whitelist", "prefix", ("name",)),
):
    # Totals are not among the columns: what mika itself adds with every batch is no change that it needs to hear of.
    for _event, _row in (("INSERT", "new"), ("DELETE", "old"), (f"UPDATE OF {', '.join(_facts)}", "new")):
        SCHEMA += (
            f"CREATE TRIGGER IF NOT EXISTS {_table}_{_event[:6].lower()} AFTER {_event} ON {_table} "
            f"BEGIN INSERT INTO changes (kind, key) VALUES ('{_kind}', {_row}.{_key}); END;\n"
        )


ROUTES: list[tuple[str, str, Work]] = []
OFFERS: list[str] = []  # site_offers.py has more to offer


def route(method: str, path: str) -> Callable[[Work], Work]:
    """Say what a method answers: it is given what is in the path, in the query and in the JSON object sent."""

    def note(work: Work) -> Work:
        ROUTES.append((method, path, work))
        return work

    return note


class RefusedError(Exception):
    """A request that changes nothing: the status and the object of its answer."""

    def __init__(self, status: int, **body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def as_json(row: sqlite3.Row) -> Row:
    """Return a row as the protocol writes it: integers as strings of digits, flags as true and false."""
    return {
        name: bool(row[name]) if name in FLAGS else str(row[name]) if isinstance(row[name], int) else row[name]
        for name in row.keys()  # noqa: SIM118 - a Row is no dict
    }


class Store:
    """What each request does, inside the transaction of `answer`."""

    def __init__(self, path: str) -> None:
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.executescript(SCHEMA)

    def answer(self, work: Work, *args: str, **given: Any) -> Row:
        """Do one request: all of it, or nothing."""
        with self.lock, self.db:  # which commits at its end, and rolls back when something is raised
            self.db.execute("BEGIN IMMEDIATE")
            return work(self, *args, **given)

    def one(self, what: str, statement: str, *values: Any) -> sqlite3.Row:
        """Return the one row; if there is none, the answer says that it is absent, and not just 404."""
        for row in self.db.execute(statement, values):
            return row  # type: ignore[no-any-return]
        raise RefusedError(404, absent=what)

    def insert(self, table: str, names: Iterable[str], row: Row) -> int | None:
        """Insert or replace a row of these columns; one with id 0 gets a new id."""
        marks = ", ".join("nullif(CAST(:id AS INTEGER), 0)" if name == "id" else f":{name}" for name in names)
        return self.db.execute(f"REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})", row).lastrowid

    def update(self, table: str, names: Iterable[str], row: Row) -> None:
        """Write these columns of the row whose key is the first of them."""
        key, *others = names
        self.db.execute(f"UPDATE {table} SET {', '.join(f'{n} = :{n}' for n in others)} WHERE {key} = :{key}", row)

    def grow(self, table: str, key: str, rows: Rows) -> None:
        """Add to totals. What is not there is skipped."""
        sums = ", ".join(f"{name} = {name} + min(CAST(:{name} AS INTEGER), {LARGEST} - {name})" for name in TOTALS)
        self.db.executemany(f"UPDATE {table} SET {sums} WHERE {key} = :{key}", rows)

    # ---- what all kinds share

    @route("GET", "/store")
    def begin(self) -> Row:
        newest = self.db.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
        return {"protocol": 1, "changes": str(newest), "offers": OFFERS}

    @route("GET", "/changes")
    def changes(self, since: str) -> Row:
        newest = int(self.begin()["changes"])
        oldest = self.db.execute("SELECT coalesce(min(number), 1) FROM changes").fetchone()[0]
        if not oldest - 1 <= int(since) <= newest:  # older ones may be deleted, and a backup may know fewer
            raise RefusedError(410, next=str(newest))
        rows = self.db.execute("SELECT DISTINCT kind, key FROM changes WHERE number > ?", (int(since),))
        return {"changes": [dict(row) for row in rows], "next": str(newest)}

    @route("GET", "/marks/(users|torrents|peers|history)")
    def last_number(self, kind: str, instance: str) -> Row:
        here = self.db.execute("SELECT number FROM marks WHERE kind = ? AND instance = ?", (kind, instance)).fetchone()
        return {"number": str(here[0] if here else 0)}

    def write_mark(self, kind: str, mark: Row) -> Row:
        """Note how far a batch reaches, but only if it follows the last one: else all that was written is undone."""
        if self.last_number(kind, mark["instance"])["number"] != mark["after"]:
            raise RefusedError(412, detail="another batch was written last")
        self.db.execute("REPLACE INTO marks VALUES (?, ?, ?)", (kind, mark["instance"], mark["number"]))
        return {"number": mark["number"]}

    # ---- users and roles

    @route("GET", r"/users\?passkey")
    def find_user(self, passkey: str) -> Row:
        return as_json(self.one("user", "SELECT * FROM users WHERE passkey = ?", passkey))

    @route("GET", "/users/(-?[0-9]+)")
    def user(self, user_id: str) -> Row:
        return as_json(self.one("user", "SELECT * FROM users WHERE id = ?", user_id))

    @route("GET", "/users")
    def list_users(self, after: str, limit: str) -> Row:
        rows = self.db.execute("SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ?", (int(after), int(limit)))
        return {"users": list(map(as_json, rows))}

    @route("POST", "/users")
    def add_users(self, users: Rows) -> Row:
        ids, passkeys = set(), set()
        for index, user in enumerate(users):
            clash = self.db.execute("SELECT 1 FROM users WHERE id = :id OR passkey = :passkey", user).fetchone()
            if clash or user["id"] in ids or user["passkey"] in passkeys:
                raise RefusedError(409, index=index, detail="The id or the passkey is another user's.")
            ids |= {user["id"]} - {"0"}
            passkeys.add(user["passkey"])
        for user in sorted(users, key=lambda user: user["id"] == "0"):  # an id that was chosen is not given to another
            user["id"] = str(self.insert("users", (*USER, *TOTALS), user))
        return {"ids": [user["id"] for user in users]}

    @route("POST", "/users/(-?[0-9]+)")
    def save_user(self, user_id: str, user: Row, growth: Row | None) -> Row:
        self.user(user_id)
        return self.save_users([{"user": user, "growth": growth}])

    @route("POST", "/saves/users")
    def save_users(self, saves: Rows) -> Row:
        new: dict[str, str] = {}
        for index, user in enumerate(save["user"] for save in saves):  # all are looked at before one is changed
            there = self.db.execute("SELECT 1 FROM users WHERE id = :id", user).fetchone()
            clash = self.db.execute("SELECT 1 FROM users WHERE passkey = :passkey AND id != :id", user).fetchone()
            if there and (clash or new.setdefault(user["passkey"], user["id"]) != user["id"]):
                raise RefusedError(409, index=index, detail="The passkey is another user's.")
        for save in saves:
            self.update("users", USER, save["user"])
        self.grow("users", "id", [save["growth"] | {"id": save["user"]["id"]} for save in saves if save["growth"]])
        return {}

    @route("GET", "/roles")
    def list_roles(self) -> Row:
        return {"roles": list(map(as_json, self.db.execute("SELECT * FROM roles ORDER BY id")))}

    @route("POST", "/roles")
    def save_role(self, role: Row) -> Row:
        return {"id": str(self.insert("roles", ROLE, role))}

    @route("DELETE", "/(users|roles)/(-?[0-9]+)")
    def delete(self, table: str, key: str) -> Row:
        self.one(table, f"SELECT 1 FROM {table} WHERE id = ?", key)
        self.db.execute(f"DELETE FROM {table} WHERE id = ?", (key,))
        return {}

    @route("POST", "/batches/users")
    def apply_users(self, mark: Row, growth: Rows) -> Row:
        self.grow("users", "id", growth)
        return self.write_mark("users", mark)

    # ---- torrents and whitelist

    def whole(self, row: sqlite3.Row) -> Row:
        who = self.db.execute("SELECT user_id FROM completions WHERE info_hash = ?", (row["info_hash"],))
        return as_json(row) | {"completers": [str(each[0]) for each in who]}

    @route("GET", "/torrents/([0-9a-f]{40})")
    def torrent(self, any_hash: str) -> Row:
        """Find by the info hash, or by the first 20 bytes of the v2 hash."""
        either = "SELECT * FROM torrents WHERE info_hash = ? OR substr(info_hash_v2, 1, 40) = ?"
        return self.whole(self.one("torrent", either, any_hash, any_hash))

    @route("GET", "/torrents")
    def list_torrents(self, after: str, limit: str, whole: str = "") -> Row:
        some = f"SELECT * FROM torrents WHERE info_hash > ? {'' if whole else 'AND NOT deleted'} ORDER BY 1 LIMIT ?"
        rows = self.db.execute(some, (after, int(limit))).fetchall()
        return {"torrents": [self.whole(row) if whole else as_json(row) | {"completers": []} for row in rows]}

    def make_room(self, torrent: Row, index: int, itself: str = "") -> None:
        """Forget deleted torrents that have one of the hashes; refuse if one that is not deleted does."""
        for each in {torrent["info_hash"], (torrent["info_hash_v2"] or torrent["info_hash"])[:40]}:
            either = "(info_hash = ? OR substr(info_hash_v2, 1, 40) = ?) AND info_hash != ?"
            for row in self.db.execute(f"SELECT info_hash, deleted FROM torrents WHERE {either}", (each, each, itself)):
                if not row["deleted"]:
                    detail = f"There is already a torrent with the info hash {each}."
                    raise RefusedError(409, index=index, detail=detail)
                self.db.execute("DELETE FROM completions WHERE info_hash = ?", (row["info_hash"],))
                self.db.execute("DELETE FROM torrents WHERE info_hash = ?", (row["info_hash"],))

    @route("POST", "/torrents")
    def add_torrents(self, torrents: Rows) -> Row:
        for index, torrent in enumerate(torrents):
            self.make_room(torrent, index)  # those of the list that went before are in the table
            self.insert("torrents", (*TORRENT, *TOTALS), torrent)
            self.complete([torrent | {"user_id": user_id} for user_id in torrent["completers"]])
        return {}

    @route("POST", "/torrents/([0-9a-f]{40})")
    def save_torrent(self, info_hash: str, torrent: Row, growth: Row | None) -> Row:
        self.one("torrent", "SELECT 1 FROM torrents WHERE info_hash = ?", info_hash)
        return self.save_torrents([{"torrent": torrent, "growth": growth}])

    @route("POST", "/saves/torrents")
    def save_torrents(self, saves: Rows) -> Row:
        new: dict[str, str] = {}
        for index, torrent in enumerate(save["torrent"] for save in saves):
            itself = torrent["info_hash"]
            if self.db.execute("SELECT 1 FROM torrents WHERE info_hash = ?", (itself,)).fetchone():
                self.make_room(torrent, index, itself)
                for each in {itself, (torrent["info_hash_v2"] or itself)[:40]}:
                    if new.setdefault(each, itself) != itself:
                        raise RefusedError(409, index=index, detail=f"There is a torrent with {each} before it.")
        for save in saves:
            self.update("torrents", TORRENT, save["torrent"])
        rows = [save["growth"] | {"info_hash": save["torrent"]["info_hash"]} for save in saves if save["growth"]]
        self.grow("torrents", "info_hash", rows)
        return {}

    def complete(self, rows: Rows) -> None:
        there = "SELECT info_hash, :user_id FROM torrents WHERE info_hash = :info_hash"
        self.db.executemany(f"INSERT OR IGNORE INTO completions {there}", rows)

    @route("GET", "/whitelist")
    def whitelist(self) -> Row:
        return {"whitelist": [dict(row) for row in self.db.execute("SELECT * FROM whitelist")]}

    @route("POST", "/whitelist")
    def save_whitelisted(self, prefix: str, name: str) -> Row:
        self.db.execute("REPLACE INTO whitelist VALUES (?, ?)", (prefix, name))
        return {}

    @route("DELETE", "/whitelist")
    def delete_whitelisted(self, prefix: str) -> Row:
        self.one("prefix", "SELECT 1 FROM whitelist WHERE prefix = ?", prefix)
        self.db.execute("DELETE FROM whitelist WHERE prefix = ?", (prefix,))
        return {}

    @route("POST", "/batches/torrents")
    def apply_torrents(self, mark: Row, growth: Rows, completers: Rows) -> Row:
        self.grow("torrents", "info_hash", growth)
        self.complete(completers)
        return self.write_mark("torrents", mark)

    # ---- peers

    @route("GET", "/peers")
    def list_peers(self, after: str, limit: str) -> Row:
        some = "SELECT rowid, facts FROM peers WHERE rowid > ? ORDER BY rowid LIMIT ?"
        rows = self.db.execute(some, (int(after or 0), int(limit))).fetchall()
        following = str(rows[-1]["rowid"]) if len(rows) == int(limit) else None
        return {"peers": [json.loads(row["facts"]) for row in rows], "next": following}

    @route("GET", "/peers/near")
    def peers_near(self, info_hash: str, latitude: str, longitude: str, metres: str) -> Row:
        north, east, found = radians(float(latitude)), radians(float(longitude)), []
        for row in self.db.execute("SELECT facts FROM peers WHERE info_hash = ?", (info_hash,)):
            peer = json.loads(row["facts"])
            if peer["location"]:
                there_north, there_east = map(radians, peer["location"])
                half = sin((there_north - north) / 2) ** 2
                half += cos(there_north) * cos(north) * sin((there_east - east) / 2) ** 2
                found.append((2 * 6371008.7714 * asin(min(1, sqrt(half))), peer["user_id"], peer["peer_id"]))
        near = [each for each in sorted(found) if each[0] <= float(metres)]
        return {"peers": [{"user_id": user_id, "peer_id": peer_id} for _, user_id, peer_id in near]}

    @route("POST", "/batches/peers")
    def apply_peers(self, mark: Row, present: Rows, gone: Rows) -> Row:
        key = "info_hash = :info_hash AND user_id = :user_id AND peer_id = :peer_id"
        self.db.executemany(f"DELETE FROM peers WHERE {key}", gone)
        rows = ((row["info_hash"], row["user_id"], row["peer_id"], json.dumps(row)) for row in present)
        self.db.executemany("REPLACE INTO peers VALUES (?, ?, ?, ?)", rows)
        return self.write_mark("peers", mark)


class Site(BaseHTTPRequestHandler):
    """HTTP on one side, the store on the other."""

    protocol_version = "HTTP/1.1"  # connections are kept
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True
    timeout = 60
    store: Store
    token: str

    def respond(self) -> None:
        """Answer one request with one JSON object."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, body = 200, self.asked(content)
        except RefusedError as refused:
            status, body = refused.status, refused.body
        except Exception as error:  # noqa: BLE001 - a site says that it failed, and mika tries again
            self.log_error("%s: %s", type(error).__name__, error)
            status, body = 500, {}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = respond

    def asked(self, content: bytes) -> Row:
        """Check the token, find what is asked for below /tracker, and do it."""
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {self.token}".encode()):
            raise RefusedError(401)
        path, _, query = self.path.partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True)) | json.loads(content or "{}")
        path = path.removeprefix("/tracker") + ("?passkey" if "passkey" in given and self.command == "GET" else "")
        for method, pattern, work in ROUTES:
            found = re.fullmatch(pattern, path) if method == self.command else None
            if found:
                return self.store.answer(work, *found.groups(), **given)
        raise RefusedError(404)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: a passkey is in the query."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", default="site.sqlite")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    options = parser.parse_args()
    Site.store, Site.token = Store(options.database), os.environ["SITE_TOKEN"]
    server = ThreadingHTTPServer((options.host, options.port), Site)
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"http{'s' if options.certificate else ''}://{options.host}:{server.server_port}/tracker", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
