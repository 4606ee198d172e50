"""The table of routes: router, permissions and the OpenAPI document, all from the same rows (`route.py`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mika.admin import (
    config,
    events,
    history,
    keys,
    metrics,
    peers,
    reference,
    rewards,
    roles,
    stats,
    status,
    suspicions,
    tokens,
    torrents,
    users,
    views,
    whitelist,
)
from mika.admin.auth import Scope
from mika.admin.call import Answer, Call
from mika.admin.models import (
    Chosen,
    ClientName,
    ConfigChanges,
    HistoryPage,
    Idle,
    InfoHash,
    Nearby,
    NewBonusEntry,
    NewRole,
    NewToken,
    NewTorrent,
    NewUser,
    Page,
    PathId,
    PeerPage,
    Prefix,
    Removal,
    RoleFields,
    TokenFields,
    TokenName,
    TorrentFields,
    TorrentPut,
    UserFields,
    Watched,
)
from mika.admin.openapi import openapi
from mika.admin.route import Route
from mika.config import Config

PARAMETERS: dict[str, TypeAdapter[Any]] = {
    "info_hash": TypeAdapter(InfoHash),
    "id": TypeAdapter(PathId),
    "prefix": TypeAdapter(Prefix),
    "name": TypeAdapter(TokenName),
    "asset": TypeAdapter(TokenName),
}
"""What stands in braces in a path, and what it must be."""


READ, WRITE, ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN
TORRENTS, TORRENT = "/v1/torrents", "/v1/torrents/{info_hash}"
USERS, USER = "/v1/users", "/v1/users/{id}"
FREELEECH, A_TOKEN = "/v1/users/{id}/freeleech", "/v1/users/{id}/freeleech/{info_hash}"
BONUS, HISTORY = "/v1/users/{id}/bonus", "/v1/users/{id}/torrents"
KEY = "/v1/users/{id}/torrents/{info_hash}/key"
DEBTS = "/v1/debts"
ROLES, ROLE = "/v1/roles", "/v1/roles/{id}"
METRICS, CONFIG = "/metrics", "/v1/config"
SUSPICIONS, SUSPICION = "/v1/suspicions", "/v1/suspicions/{id}"
TOKENS, TOKEN = "/v1/tokens", "/v1/tokens/{name}"
CLIENTS, CLIENT = "/v1/whitelist", "/v1/whitelist/{prefix}"


_HISTORY, _DEBTS = views.Items[views.UserTorrent], views.Items[history.OwedTorrent]
_TOKEN, _TOKENS = views.FreeleechToken, views.Items[views.FreeleechToken]


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of this very table."""
    return openapi(ROUTES, PARAMETERS)


@cache
def reference_page() -> bytes:
    """Return the reference for people, as HTML."""
    return reference.page(document()).encode()


async def show_reference(_call: Call) -> Answer:
    """Show this API to people."""
    return Answer(200, reference_page(), dict(reference.HEADERS), "text/html; charset=utf-8")


async def show_openapi(_call: Call) -> Answer:
    """Show this API as an OpenAPI document.

    Open to all: the tools that read it seldom send a token, and it holds nothing of this tracker but its version.
    """
    return Answer(200, json.dumps(document()).encode())


ROUTES = (
    Route("GET", "/healthz", status.show_healthy, None, views.Ok),
    Route("GET", "/readyz", status.show_ready, None, views.Ok, refusals=(503,)),
    Route("GET", "/v1/openapi.json", show_openapi, None, None),
    Route("GET", "/docs", show_reference, None, None, media_type="text/html", documented=False),
    Route("GET", "/docs/{asset}", reference.show_asset, None, None, media_type="text/css", documented=False),
    Route("GET", METRICS, metrics.show_metrics, READ, None, media_type="text/plain"),
    Route("GET", "/v1/status", status.show_status, READ, views.Status),
    Route("GET", CONFIG, config.show_config, READ, Config),
    Route("PATCH", CONFIG, config.change_config, ADMIN, Config, body=ConfigChanges),
    Route("GET", "/v1/stats", stats.show_stats, READ, stats.Stats, query=Chosen),
    Route(
        "GET",
        "/v1/events",
        events.show_events,
        READ,
        None,
        query=Watched,
        media_type="text/event-stream",
        refusals=(429,),
    ),
    Route("GET", TORRENTS, torrents.list_torrents, READ, views.Items[views.Torrent], query=Page),
    Route("POST", TORRENTS, torrents.add_torrents, WRITE, views.Torrent, 201, NewTorrent, many=True, etag=True),
    Route(
        "PATCH",
        TORRENTS,
        torrents.change_torrents,
        WRITE,
        views.Torrent,
        body=torrents.ChangedTorrent,
        many=True,
        refusals=(404,),
    ),
    Route("GET", TORRENT, torrents.show_torrent, READ, views.Torrent, etag=True),
    Route("PUT", TORRENT, torrents.put_torrent, WRITE, views.Torrent, body=TorrentPut, creates=True, etag=True),
    Route("PATCH", TORRENT, torrents.change_torrent, WRITE, views.Torrent, body=TorrentFields, etag=True),
    Route("DELETE", TORRENT, torrents.delete_torrent, WRITE, None, 204, query=Removal, etag=True),
    Route("GET", f"{TORRENT}/peers", peers.list_torrent_peers, READ, views.Items[views.PeerView], query=Nearby),
    Route("GET", USERS, users.list_users, READ, views.Items[views.User], query=Page),
    Route("POST", USERS, users.add_users, WRITE, views.User, 201, NewUser, many=True, etag=True),
    Route("PATCH", USERS, users.change_users, WRITE, views.User, body=users.ChangedUser, many=True, refusals=(404,)),
    Route("GET", USER, users.show_user, READ, views.User, etag=True),
    Route("PUT", USER, users.put_user, WRITE, views.User, body=NewUser, creates=True, etag=True),
    Route("PATCH", USER, users.change_user, WRITE, views.User, body=UserFields, etag=True),
    Route("DELETE", USER, users.delete_user, WRITE, None, 204, etag=True),
    Route("POST", "/v1/users/{id}/passkey", users.renew_passkey, WRITE, views.User, etag=True),
    Route("GET", HISTORY, history.list_user_torrents, READ, _HISTORY, query=HistoryPage, refusals=(501,)),
    Route("GET", DEBTS, history.list_debts, READ, _DEBTS, query=history.DebtPage, refusals=(501,)),
    Route("POST", "/v1/keys", keys.find_owner, WRITE, keys.OwnedKey, body=keys.GivenKey, refusals=(404,)),
    Route("GET", KEY, keys.show_key, READ, keys.TorrentKey, refusals=(409,)),
    Route("POST", KEY, keys.replace_key, WRITE, keys.TorrentKey, refusals=(409, 501)),
    Route("GET", f"{USER}/peers", peers.list_user_peers, READ, views.Items[views.UserPeerView], query=PeerPage),
    Route("DELETE", f"{USER}/peers", peers.drop_user_peers, WRITE, None, 204, query=Idle),
    Route("GET", BONUS, rewards.list_bonus, READ, views.Items[views.BonusEntry], query=Page, refusals=(501,)),
    Route("POST", BONUS, rewards.add_bonus, WRITE, views.BonusEntry, body=NewBonusEntry, creates=True, refusals=(501,)),
    Route("GET", FREELEECH, rewards.list_freeleech, READ, _TOKENS, query=Page, refusals=(501,)),
    Route("GET", A_TOKEN, rewards.show_freeleech, READ, _TOKEN, refusals=(501,)),
    Route("PUT", A_TOKEN, rewards.put_freeleech, WRITE, _TOKEN, body=TokenFields, creates=True, refusals=(501,)),
    Route("DELETE", A_TOKEN, rewards.delete_freeleech, WRITE, None, 204, refusals=(501,)),
    Route("GET", ROLES, roles.list_roles, READ, views.Items[views.Role], query=Page),
    Route("POST", ROLES, roles.add_role, WRITE, views.Role, 201, NewRole, etag=True),
    Route("GET", ROLE, roles.show_role, READ, views.Role, etag=True),
    Route("PATCH", ROLE, roles.change_role, WRITE, views.Role, body=RoleFields, etag=True),
    Route("DELETE", ROLE, roles.delete_role, WRITE, None, 204, refusals=(409,), etag=True),
    Route("GET", CLIENTS, whitelist.list_clients, READ, views.Items[views.Client], query=Page),
    Route("PUT", CLIENT, whitelist.put_client, WRITE, views.Client, body=ClientName, creates=True),
    Route("DELETE", CLIENT, whitelist.delete_client, WRITE, None, 204),
    Route(
        "GET",
        SUSPICIONS,
        suspicions.list_suspicions,
        READ,
        views.Items[suspicions.Suspicion],
        query=suspicions.SuspicionPage,
        refusals=(501,),
    ),
    Route("GET", SUSPICION, suspicions.show_suspicion, READ, suspicions.Suspicion, refusals=(501,)),
    Route(
        "PATCH",
        SUSPICION,
        suspicions.judge_suspicion,
        WRITE,
        suspicions.Suspicion,
        body=suspicions.Judgement,
        refusals=(501,),
    ),
    Route("GET", TOKENS, tokens.list_tokens, ADMIN, views.Items[views.TokenView], query=Page),
    Route("POST", TOKENS, tokens.add_token, ADMIN, views.MadeToken, 201, NewToken),
    Route("GET", TOKEN, tokens.show_token, ADMIN, views.TokenView),
    Route("DELETE", TOKEN, tokens.delete_token, ADMIN, None, 204, refusals=(409,)),
)


def _compiled() -> list[tuple[re.Pattern[bytes], dict[str, Route]]]:
    by_path: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        by_path.setdefault(route.path, {})[route.method] = route
    return [
        (re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path).encode()), methods) for path, methods in by_path.items()
    ]


_PATTERNS = _compiled()


def find(path: bytes) -> tuple[Mapping[str, Route], Mapping[str, bytes]] | None:
    """Return the routes of a path by method, and its parameters still percent-encoded; `None` for no such path."""
    for pattern, methods in _PATTERNS:
        match = pattern.fullmatch(path)
        if match:
            return methods, match.groupdict()
    return None
