"""What a site may offer beside users, torrents and peers: freeleech tokens and the bonus ledger, for site_store.py.

    SITE_TOKEN=... python site_offers.py --database site.sqlite ...

It is the example site with a few requests more, and says so in its answer to `GET /store`.
"""

from __future__ import annotations

from typing import Any

import site_store
from site_store import LARGEST, OFFERS, ROUTES, RefusedError, Row, Store, Work, main, route

ENTRY = ("id", "user_id", "amount", "balance", "reason", "created_at", "key")

OFFERS += ["freeleech", "bonus"]
site_store.SCHEMA += """
CREATE TABLE IF NOT EXISTS freeleech (user_id INTEGER, info_hash TEXT, until INTEGER, PRIMARY KEY (user_id, info_hash));
CREATE TABLE IF NOT EXISTS bonus_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER, amount INTEGER,
    balance INTEGER, reason TEXT, created_at INTEGER, key TEXT, UNIQUE (user_id, key));
CREATE INDEX IF NOT EXISTS bonus_entries_user ON bonus_entries (user_id, id);
CREATE TRIGGER IF NOT EXISTS users_gone AFTER DELETE ON users BEGIN
    DELETE FROM freeleech WHERE user_id = old.id; DELETE FROM bonus_entries WHERE user_id = old.id; END;
"""
for _event, _row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
    site_store.SCHEMA += (
        f"CREATE TRIGGER IF NOT EXISTS freeleech_{_event.lower()} AFTER {_event} ON freeleech "
        f"BEGIN INSERT INTO changes (kind, key) VALUES ('user', {_row}.user_id); END;\n"
    )


def with_tokens(work: Work) -> Work:
    """Let a request that answers with users answer with their tokens, too."""

    def answer(store: Store, *args: str, **given: Any) -> Row:
        found = work(store, *args, **given)
        for user in found.get("users", [found]):
            mine = store.db.execute("SELECT info_hash, until FROM freeleech WHERE user_id = ?", (user["id"],))
            user["freeleech"] = {row["info_hash"]: str(row["until"]) for row in mine}
        return found

    return answer


ROUTES[:] = [
    (method, path, with_tokens(work) if method == "GET" and path.startswith("/users") else work)
    for method, path, work in ROUTES
]


@route("POST", "/users/(-?[0-9]+)/freeleech")
def save_token(store: Store, user_id: str, info_hash: str, until: str) -> Row:
    """Give a token, or change it."""
    store.one("user", "SELECT 1 FROM users WHERE id = ?", user_id)
    store.db.execute("REPLACE INTO freeleech VALUES (?, ?, ?)", (user_id, info_hash, until))
    return {}


@route("DELETE", "/users/(-?[0-9]+)/freeleech")
def delete_token(store: Store, user_id: str, info_hash: str) -> Row:
    """Take a token away."""
    mine = "FROM freeleech WHERE user_id = ? AND info_hash = ?"
    store.one("token", f"SELECT 1 {mine}", user_id, info_hash)
    store.db.execute(f"DELETE {mine}", (user_id, info_hash))
    return {}


def entry_json(row: Any) -> Row:
    """Return an entry as mika reads it: every integer as text."""
    return {name: str(row[name]) if isinstance(row[name], int) else row[name] for name in ENTRY}


@route("GET", "/users/(-?[0-9]+)/bonus")
def list_entries(store: Store, user_id: str, before: str, limit: str) -> Row:
    """List a user's entries, the latest first."""
    some = "SELECT * FROM bonus_entries WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
    rows = store.db.execute(some, (user_id, int(before), int(limit)))
    return {"entries": list(map(entry_json, rows))}


@route("POST", "/users/(-?[0-9]+)/bonus")
def add_entry(store: Store, user_id: str, entry: Row) -> Row:
    """Give or spend. The transaction has locked the database, so that two never spend the same."""
    user = store.one("user", "SELECT bonus FROM users WHERE id = ?", user_id)
    if entry["key"] is not None:
        same = "SELECT * FROM bonus_entries WHERE user_id = ? AND key = ?"
        for row in store.db.execute(same, (user_id, entry["key"])):
            return {"entry": entry_json(row), "new": False}
    amount = int(entry["amount"])
    balance = user["bonus"] + amount
    if (balance < 0 and amount < 0) or balance > LARGEST:
        raise RefusedError(409, detail="That is more than the user has." if amount < 0 else "That is too much.")
    change = "UPDATE users SET bonus = ?, updated_at = max(updated_at, ?) WHERE id = ?"
    store.db.execute(change, (balance, int(entry["created_at"]), user_id))
    row = entry | {"id": "0", "balance": str(balance)}
    entry_id = store.insert("bonus_entries", ENTRY, row)
    return {"entry": row | {"id": str(entry_id)}, "new": True}


if __name__ == "__main__":
    main()
