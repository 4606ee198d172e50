"""What a site may offer beside, for site_store.py: tokens, void keys, bonus, what users did with torrents, suspicions.

    SITE_TOKEN=... python site_offers.py --database site.sqlite ...

It is the example site with a few requests more, and says so in its answer to `GET /store`.
"""

from __future__ import annotations

from typing import Any

import site_store
from site_store import LARGEST, OFFERS, ROUTES, TOTALS, RefusedError, Row, Rows, Store, Work, columns, main, route

ENTRY = ("id", "user_id", "amount", "balance", "reason", "created_at", "key")

HISTORY = ("user_id", "info_hash", *TOTALS, "first_seen", "last_seen", "completed_at", "debt", "left")

SUSPICION = (
    *("kind", "user_id", "info_hash", "score", "evidence", "first_seen", "last_seen", "count", "state"),
    "id",
)

OFFERS += ["freeleech", "keys", "bonus", "history", "suspicions"]
site_store.SCHEMA += f"""
CREATE TABLE IF NOT EXISTS history ({columns(HISTORY[:-1])}, "left" TEXT, PRIMARY KEY (user_id, info_hash));
CREATE INDEX IF NOT EXISTS history_debt ON history (debt, user_id, info_hash);
CREATE TABLE IF NOT EXISTS freeleech (user_id INTEGER, info_hash TEXT, until INTEGER, PRIMARY KEY (user_id, info_hash));
CREATE TABLE IF NOT EXISTS void_keys (user_id INTEGER, info_hash TEXT, count INTEGER, PRIMARY KEY (user_id, info_hash));
CREATE TABLE IF NOT EXISTS bonus_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER, amount INTEGER,
    balance INTEGER, reason TEXT, created_at INTEGER, key TEXT, UNIQUE (user_id, key));
CREATE INDEX IF NOT EXISTS bonus_entries_user ON bonus_entries (user_id, id);
CREATE TABLE IF NOT EXISTS suspicions (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, user_id INTEGER, info_hash TEXT,
    score INTEGER, evidence TEXT, first_seen INTEGER, last_seen INTEGER, count INTEGER, state TEXT,
    UNIQUE (user_id, kind, info_hash));
CREATE TRIGGER IF NOT EXISTS users_gone AFTER DELETE ON users BEGIN
    DELETE FROM freeleech WHERE user_id = old.id; DELETE FROM void_keys WHERE user_id = old.id;
    DELETE FROM bonus_entries WHERE user_id = old.id;
    DELETE FROM history WHERE user_id = old.id; DELETE FROM suspicions WHERE user_id = old.id; END;
CREATE TRIGGER IF NOT EXISTS users_begun AFTER INSERT ON users BEGIN
    DELETE FROM history WHERE user_id = new.id; DELETE FROM suspicions WHERE user_id = new.id; END;
"""
for _table in ("freeleech", "void_keys"):
    for _event, _row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
        site_store.SCHEMA += (
            f"CREATE TRIGGER IF NOT EXISTS {_table}_{_event.lower()} AFTER {_event} ON {_table} "
            f"BEGIN INSERT INTO changes (kind, key) VALUES ('user', {_row}.user_id); END;\n"
        )


def with_tokens(work: Work) -> Work:
    """Let a request that answers with users answer with their tokens and void keys, too."""

    def answer(store: Store, *args: str, **given: Any) -> Row:
        found = work(store, *args, **given)
        for user in found.get("users", [found]):
            mine = store.db.execute("SELECT info_hash, until FROM freeleech WHERE user_id = ?", (user["id"],))
            user["freeleech"] = {row["info_hash"]: str(row["until"]) for row in mine}
            mine = store.db.execute("SELECT info_hash, count FROM void_keys WHERE user_id = ?", (user["id"],))
            user["void_keys"] = {row["info_hash"]: str(row["count"]) for row in mine}
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


@route("POST", "/users/(-?[0-9]+)/void-keys")
def void_key(store: Store, user_id: str, info_hash: str) -> Row:
    """Let a user's key for a torrent be void; answer with how many are."""
    store.one("user", "SELECT 1 FROM users WHERE id = ?", user_id)
    one_more = "INSERT INTO void_keys VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1"
    store.db.execute(one_more, (user_id, info_hash))
    mine = "SELECT count FROM void_keys WHERE user_id = ? AND info_hash = ?"
    return {"count": str(store.one("key", mine, user_id, info_hash)["count"])}


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


def history_json(rows: Any) -> Row:
    """Return rows as mika reads them."""
    return {"history": [{name: str(row[name]) for name in HISTORY} for row in rows]}


@route("GET", "/users/(-?[0-9]+)/history")
def history_of(store: Store, user_id: str, after: str, limit: str) -> Row:
    """List what a user did with each torrent."""
    some = "SELECT * FROM history WHERE user_id = ? AND info_hash > ? ORDER BY info_hash LIMIT ?"
    return history_json(store.db.execute(some, (user_id, after, int(limit))))


@route("GET", "/debts")
def list_debts(store: Store, user_id: str, info_hash: str, limit: str, torrent: str = "") -> Row:
    """List of what something is owed, behind a user and a torrent; of one torrent, if one is named."""
    owed = "SELECT * FROM history WHERE debt IN (1, 2) AND (user_id, info_hash) > (?, ?) AND ? IN ('', info_hash)"
    return history_json(
        store.db.execute(f"{owed} ORDER BY 1, 2 LIMIT ?", (int(user_id), info_hash, torrent, int(limit)))
    )


@route("POST", "/debts")
def save_debts(store: Store, debts: Rows) -> Row:
    """Note what is owed now."""
    change = "UPDATE history SET debt = :debt WHERE user_id = :user_id AND info_hash = :info_hash"
    store.db.executemany(change, debts)
    return {}


@route("POST", "/batches/history")
def apply_history(store: Store, mark: Row, growth: Rows) -> Row:
    """Add to the rows that are there, and begin the others; what was first stays first."""
    sums = [f"{name} = {name} + min(excluded.{name}, {LARGEST} - {name})" for name in TOTALS]
    first = [f"{name} = coalesce(nullif({name}, 0), excluded.{name})" for name in ("completed_at", "debt")]
    change = ", ".join([*sums, *first, '"left" = excluded."left"', "last_seen = excluded.last_seen"])
    values = ", ".join(f"CAST(:{name} AS INTEGER)" for name in HISTORY[2:-1])
    names = ", ".join(f'"{name}"' for name in HISTORY)
    store.db.executemany(
        f"INSERT INTO history ({names}) VALUES (CAST(:user_id AS INTEGER), :info_hash, {values}, :left) "
        f"ON CONFLICT DO UPDATE SET {change}",
        growth,
    )
    return store.write_mark("history", mark)


def suspicion_json(row: Any) -> Row:
    """Return a row as mika reads it: every integer as text."""
    return {name: str(row[name]) if isinstance(row[name], int) else row[name] for name in SUSPICION}


@route("GET", "/suspicions")
def list_suspicions(store: Store, before: str, limit: str, score: str, **wanted: str) -> Row:
    """List those with an id below, the latest first; `wanted` is a state, a user and a kind, or some of them."""
    named = "".join(f" AND {name} = :{name}" for name in ("state", "user_id", "kind") if name in wanted)
    some = f"SELECT * FROM suspicions WHERE id < :before AND score >= :score{named} ORDER BY id DESC LIMIT :limit"
    numbers = {"before": int(before), "limit": int(limit), "score": int(score)}
    return {"suspicions": list(map(suspicion_json, store.db.execute(some, wanted | numbers)))}


@route("GET", "/suspicions/(-?[0-9]+)")
def suspicion(store: Store, suspicion_id: str) -> Row:
    """Look one up."""
    return suspicion_json(store.one("suspicion", "SELECT * FROM suspicions WHERE id = ?", suspicion_id))


ABOUT = "SELECT * FROM suspicions WHERE user_id = ? AND kind = ? AND info_hash = ?"


@route("GET", "/users/(-?[0-9]+)/suspicion")
def suspicion_of(store: Store, user_id: str, kind: str, info_hash: str = "") -> Row:
    """Look up the one of a user, a kind and a torrent."""
    return suspicion_json(store.one("suspicion", ABOUT, user_id, kind, info_hash))


@route("POST", "/suspicions")
def replace_suspicion(store: Store, old: Row | None, new: Row) -> Row:
    """Keep one in the place of another, if that is still there as it was."""
    kept = store.db.execute(ABOUT, (new["user_id"], new["kind"], new["info_hash"])).fetchone()
    if old is None and kept is None:
        return new | {"id": str(store.insert("suspicions", SUSPICION, new | {"id": "0"}))}
    if old is None or kept is None or (str(kept["count"]), kept["state"]) != (old["count"], old["state"]):
        raise RefusedError(409, detail="Somebody else was faster.")
    row = new | {"id": str(kept["id"])}
    store.db.execute(f"REPLACE INTO suspicions ({', '.join(row)}) VALUES (:{', :'.join(row)})", row)
    return row


if __name__ == "__main__":
    main()
